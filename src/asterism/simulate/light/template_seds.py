"""Spectra from template libraries, each within the range that it holds, continued by the embedded models beyond.

At each end of a library's range the embedded model of the same object goes on, matched in flux over the last 3 per cent
of the range (`asterism.simulate.light.sampling.join`). Classes, or families of stars, that no library in the directory has are
embedded throughout, and their ``template_id`` says so.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError
from asterism.simulate.chance import object_uniforms
from asterism.simulate.light.galaxy_lines import emission_excess
from asterism.simulate.light.galaxy_seds import galaxy_seds, line_scatter
from asterism.simulate.light.galaxy_templates import read_galaxy_templates
from asterism.simulate.light.libraries import choose_libraries, fingerprint_of
from asterism.simulate.light.nuclear_lines import nuclear_excess
from asterism.simulate.light.photometry import BAND_NAMES, grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.quasar_templates import QuasarMixtures, read_quasar_templates
from asterism.simulate.light.sampling import join, pixel_edges, pixel_means
from asterism.simulate.light.seds import EmbeddedSeds, check_range, embedded_spectra, rows_of_classes, tilt_factor
from asterism.simulate.light.star_templates import StarTemplates, read_star_templates, read_white_dwarf_templates
from asterism.simulate.light.stellar_continuum import bend, planck
from asterism.simulate.light.stellar_seds import locus_magnitudes, star_family
from asterism.simulate.light.template_parts import check_part, galaxy_cells, types_of_part
from asterism.simulate.objects.population import Population

__all__ = ["TemplateSeds"]

Floats = npt.NDArray[np.float64]
Choices = list[tuple[StarTemplates, npt.NDArray[np.intp]]]

_R = BAND_NAMES.index("r")
_OVERLAP = 0.03  # of the wavelength of a range's end


class TemplateSeds:
    """The provider of the libraries in a directory.

    Parameters
    ----------
    directory : path-like
        Has the libraries' folders (``redrock``, ``idlspec2d``, ``miles``, ``desisim``) in it.
    stars : {"redrock", "desisim", "eigen", "miles", "embedded"}, optional
        The first of these that is there by default.
    white_dwarfs : {"redrock", "desisim", "embedded"}, optional
        The same.
    galaxies : {"eigen", "embedded"}, optional
        The same.
    quasars : {"desisim", "eigen", "redrock", "embedded"}, optional
        The same.
    part : {"train", "test"}, optional
        Only templates of this part (`asterism.simulate.light.template_parts`); all by default.

    Attributes
    ----------
    name, medium, frame, ranges, fingerprint
        As `asterism.simulate.light.seds.SedProvider` has them.
    libraries : dict of str to str
        By role, the library in use.

    Raises
    ------
    BadInputError
        The directory holds no library, a chosen one is not there, or a file is damaged or missing.
    ConfigurationError
        A choice that does not exist, or a part of a library that has no members: quasars that are mixtures of one set
        of eigenvectors, or embedded.
    """

    name = "templates"
    medium: Literal["vacuum", "air"] = "vacuum"
    frame: Literal["rest", "observed"] = "rest"

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        stars: str | None = None,
        white_dwarfs: str | None = None,
        galaxies: str | None = None,
        quasars: str | None = None,
        part: str | None = None,
    ) -> None:
        choices = {"stars": stars, "white_dwarfs": white_dwarfs, "galaxies": galaxies, "quasars": quasars}
        found = choose_libraries(Path(directory), choices)
        self._embedded = EmbeddedSeds()
        self.ranges = dict(self._embedded.ranges)
        self.libraries = {role: files.library.name if files else "embedded" for role, files in found.items()}
        self.fingerprint = fingerprint_of([files for files in found.values() if files is not None])
        self._stars: list[StarTemplates] = []
        if found["stars"] is not None:
            self._stars.append(read_star_templates(found["stars"]))
        if found["white_dwarfs"] is not None:
            self._stars.append(read_white_dwarf_templates(found["white_dwarfs"]))
        self._galaxies = read_galaxy_templates(found["galaxies"]) if found["galaxies"] is not None else None
        self._quasars = read_quasar_templates(found["quasars"]) if found["quasars"] is not None else None
        self.part = None if part is None else check_part(part)
        if part is not None:
            if not isinstance(self._quasars, QuasarMixtures):
                raise ConfigurationError(
                    f"quasars of the library {self.libraries['quasars']!r} are no members that could be dealt into parts; "
                    "choose desisim for quasars, or take all templates"
                )
            self._families = {name for library in self._stars for name in library.family}
            self._stars = [library.of_part(part) for library in self._stars]
            self._quasars = self._quasars.of_part(part)

    def seds(self, objects: Population, wavelength: Floats) -> Floats:
        """Flux densities as observed, without the Galaxy's extinction: means over pixels with these centres.

        Parameters
        ----------
        objects : Population
            n objects.
        wavelength : ndarray, shape (m,)
            Observed, Å, vacuum, rising.

        Returns
        -------
        ndarray, shape (n, m)
            f_lambda, arbitrary scale for each object.

        Raises
        ------
        ConfigurationError
            The grid leaves what libraries and embedded models together hold for.
        """
        objects = self._of_part(objects)
        found = np.empty((len(objects), len(wavelength)))
        for kind, rows in rows_of_classes(objects):
            part = objects.take(rows)
            check_range(self.name, kind, self.ranges[kind], part.redshift, wavelength)
            beyond = embedded_spectra(kind, part, wavelength)
            stretch = 1.0 + part.redshift[:, None]
            rest, edges = wavelength / stretch, pixel_edges(wavelength) / stretch
            if kind == "STAR":
                # Chosen once: to compare each star with all templates takes longer than to read the one that it takes.
                choices = self._choices(part)
                found[rows] = self._star_seds(part, rest, edges, beyond, choices)
                found[rows] *= self._star_bend(part, wavelength, choices)
            elif kind == "GALAXY" and self._galaxies is not None:
                found[rows] = self._galaxy_seds(part, rest, edges, beyond)
            elif kind == "QSO" and self._quasars is not None:
                flux, low, high = self._quasars.spectra(part, edges)
                found[rows] = join(rest, flux, beyond, low, high, _OVERLAP)
            else:
                found[rows] = beyond
        return found * tilt_factor(objects, wavelength)

    def template_ids(self, objects: Population) -> npt.NDArray[np.str_]:
        """Library and template behind each object.

        For instance ``redrock-G-00123``, ``miles-m0277``, ``desisim-WD-0310``, ``desisim-qso-BOSS-00412``,
        ``eigen-galaxy-56436-E-Sbc`` (the types between which the mixture was sought), ``embedded-star-DC``; of a part of
        the templates, galaxies are named by their cell too, e.g. ``eigen-galaxy-56436-E-Sbc-05``.
        """
        objects = self._of_part(objects)
        ids = self._embedded.template_ids(objects).astype("U48")
        for kind, rows in rows_of_classes(objects):
            part = objects.take(rows)
            if kind == "STAR":
                for library, chosen in self._choices(part):
                    own = np.flatnonzero(chosen >= 0)
                    ids[rows[own]] = np.char.add(f"{library.name}-", library.ids[chosen[own]])
            elif kind == "GALAXY":
                plain = "embedded-galaxy-"
                prefix = plain if self._galaxies is None else f"eigen-galaxy-{self._galaxies.name}-"
                ids[rows] = np.char.replace(ids[rows], plain, prefix)
                if self.part is not None:
                    ids[rows] = np.char.add(prefix, galaxy_cells(part.galaxy_type))
            elif kind == "QSO" and self._quasars is not None:
                ids[rows] = np.char.add(f"{self._quasars.name}-", self._quasars.ids(part))
        return ids

    def _of_part(self, objects: Population) -> Population:
        """Objects that this part of the templates has: galaxies with types of its cells."""
        if self.part is None:
            return objects
        stars = objects.kind == "STAR"
        # A family whose only member went to the other part is embedded in this one, which is another spectrum too.
        lacks = sorted(set(star_family(objects.subclass[stars])) - self._families)
        if lacks:
            raise ConfigurationError(
                f"the part {self.part!r} of the templates has no stars of the families {', '.join(lacks)}; choose a survey "
                "without them, or take all templates"
            )
        types, galaxies = objects.galaxy_type.copy(), objects.kind == "GALAXY"
        types[galaxies] = types_of_part(types[galaxies], self.part)
        return replace(objects, galaxy_type=types)

    def _choices(self, stars: Population) -> Choices:
        chance = object_uniforms(stars, 1)[:, 0]
        return [(library, library.select(stars, chance)) for library in self._stars]

    def _star_seds(self, stars: Population, rest: Floats, edges: Floats, beyond: Floats, choices: Choices) -> Floats:
        found = beyond.copy()
        for library, chosen in choices:
            own = np.flatnonzero(chosen >= 0)
            if len(own) == 0:
                continue
            flux = np.empty((len(own), rest.shape[1]))
            for row in np.unique(chosen[own]):
                integral = library.integral(int(row))
                for place in np.flatnonzero(chosen[own] == row):
                    flux[place] = pixel_means(edges[own[place]], library.grid, integral)
            flux *= _warmer(stars.teff[own], library.teff[chosen[own]], rest[own])
            low, high = library.low[chosen[own]], library.high[chosen[own]]
            found[own] = join(rest[own], flux, beyond[own], low, high, _OVERLAP)
        return found

    def _star_bend(self, stars: Population, wavelength: Floats, choices: Choices) -> Floats:
        """Factor (n, m) that gives templates of normal stars the broad colours of their object.

        Libraries know some hundred stars, and between their types there are gaps in colour as wide as a survey's cut. The
        features are the template's; the broad colours, as with embedded spectra, the published locus's.
        """
        factor = np.ones((len(stars), len(wavelength)))
        chosen = np.max([rows for _, rows in choices], axis=0, initial=-1)
        rows = np.flatnonzero((star_family(stars.subclass) == "normal") & (chosen >= 0))
        if len(rows) == 0:
            return factor
        part, grid = stars.take(rows), grid_wavelength()
        model = embedded_spectra("STAR", part, grid)
        stretch = 1.0 + part.redshift[:, None]
        own = [(library, picked[rows]) for library, picked in choices]
        flux = self._star_seds(part, grid / stretch, pixel_edges(grid) / stretch, model, own)
        wanted = locus_magnitudes(part)
        observed, warp = np.tile(grid, (len(rows), 1)), np.zeros((len(rows), len(BAND_NAMES)))
        for _ in range(6):
            m = synthetic_magnitudes(flux * bend(observed, warp), zero_point="sdss")
            warp += 0.9 * (wanted - (m - m[:, _R : _R + 1]))
        factor[rows] = bend(np.tile(wavelength, (len(rows), 1)), warp)
        return factor

    def _galaxy_seds(self, galaxies: Population, rest: Floats, edges: Floats, beyond: Floats) -> Floats:
        assert self._galaxies is not None

        scatter = line_scatter(object_uniforms(galaxies, 2))

        def model(wavelength: Floats) -> Floats:
            return galaxy_seds(galaxies.galaxy_type, galaxies.dust, np.zeros(len(galaxies)), wavelength, scatter)

        flux = self._galaxies.spectra(edges, model)
        # Eigenspectra hold few nuclei: the nucleus's lines are laid over the mixture that comes nearest to the galaxy without.
        lit = np.flatnonzero(np.nan_to_num(galaxies.agn) > 0)
        if len(lit):
            part = galaxies.take(lit)
            lines = nuclear_excess(part.galaxy_type, part.agn, part.agn_seyfert, scatter[lit, 0], edges[lit])
            flux[lit] *= 1.0 + lines / (1.0 + emission_excess(part.galaxy_type, scatter[lit], edges[lit]))
        return join(rest, flux, beyond, self._galaxies.low, self._galaxies.high, _OVERLAP)


def _warmer(wanted: Floats, given: Floats, rest: Floats) -> Floats:
    """Ratio (n, m) of black bodies: what is left between a star's temperature and its template's, 1 where unknown."""
    known = np.isfinite(wanted) & np.isfinite(given)
    ours, theirs = np.where(known, wanted, 5000.0), np.where(known, given, 5000.0)
    return np.asarray(planck(ours, rest) / planck(theirs, rest))
