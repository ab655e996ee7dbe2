"""Where spectra come from: the interface of a provider, and the one that needs no files beyond the dependencies.

A provider says in which medium and over which wavelengths at rest its spectra hold, and gives the flux density of
objects on an observed, vacuum grid. Providers for template libraries have the same four attributes and two methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError
from asterism.simulate.chance import object_generators, object_uniforms
from asterism.simulate.light.galaxy_seds import GALAXY_RANGE, TYPES, galaxy_seds, line_scatter
from asterism.simulate.light.quasar_seds import QUASAR_RANGE, quasar_seds
from asterism.simulate.light.stellar_seds import star_seds
from asterism.simulate.objects.population import Population
from asterism.simulate.objects.quasar_hosts import with_host

__all__ = ["EmbeddedSeds", "SedProvider", "check_range", "embedded_spectra", "rows_of_classes", "tilt_factor"]

Floats = npt.NDArray[np.float64]


class SedProvider(Protocol):
    """What gives spectra to a population.

    Attributes
    ----------
    name : str
        Goes into ``template_id``.
    medium : {"vacuum", "air"}
        Of the library's own files; what `seds` takes and gives is vacuum always.
    frame : {"rest", "observed"}
        Of the library's own files.
    ranges : dict of str to (float, float)
        Wavelengths at rest (Å, vacuum) that hold, by class.
    fingerprint : str
        Of the files used; ``embedded`` where there are none. Goes into a catalog's recipe.
    """

    name: str
    medium: Literal["vacuum", "air"]
    frame: Literal["rest", "observed"]
    ranges: dict[str, tuple[float, float]]
    fingerprint: str

    def seds(self, objects: Population, wavelength: Floats) -> Floats:
        """f_lambda (n, m) of n objects at observed vacuum wavelengths (m,) in Å, any scale; refuses to extrapolate.

        Each value is the mean over the pixel around its wavelength; instruments' resolution is not applied.
        """
        ...

    def template_ids(self, objects: Population) -> npt.NDArray[np.str_]:
        """Name of the template behind each object, so that splits can keep templates apart."""
        ...


def rows_of_classes(objects: Population) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """Each class that has objects, and their rows."""
    for kind in ("STAR", "GALAXY", "QSO"):
        rows = np.flatnonzero(objects.kind == kind)
        if len(rows):
            yield kind, rows


def check_range(name: str, kind: str, limits: tuple[float, float], redshift: Floats, wavelength: Floats) -> None:
    """Refuse wavelengths that no spectrum of a class holds for.

    Parameters
    ----------
    name, kind : str
        Provider and class, for the sentence.
    limits : (float, float)
        Å at rest that hold.
    redshift : ndarray, shape (n,)
        Of the objects.
    wavelength : ndarray, shape (m,)
        Observed, Å, rising.

    Raises
    ------
    ConfigurationError
        One of the objects would be used past its spectrum's end.
    """
    low, high = limits
    bluest = float(wavelength[0] / (1.0 + redshift.max()))
    reddest = float(wavelength[-1] / (1.0 + redshift.min()))
    if bluest < low or reddest > high:
        raise ConfigurationError(
            f"spectra of class {kind} of the provider {name!r} hold from {low:g} to {high:g} Å at rest, but "
            f"{bluest:.0f} to {reddest:.0f} Å are asked for; narrow the redshifts or the wavelengths"
        )


def tilt_factor(objects: Population, wavelength: Floats) -> Floats:
    """Factor (n, m) of each object's own tilt: so many magnitudes redder in g-i, in ln wavelength."""
    lever = np.log(wavelength / 6166.0) / np.log(7480.0 / 4686.0)
    return np.asarray(10.0 ** (0.4 * objects.tilt[:, None] * lever))


def embedded_spectra(kind: str, objects: Population, wavelength: Floats) -> Floats:
    """Flux densities (n, m) of objects of one class from the embedded models, without their tilt."""
    if kind == "STAR":
        return star_seds(objects, wavelength)
    if kind == "GALAXY":
        scatter = line_scatter(object_uniforms(objects, 2))
        return galaxy_seds(
            objects.galaxy_type, objects.dust, objects.redshift, wavelength, scatter, (objects.agn, objects.agn_seyfert)
        )
    nuclei = quasar_seds(
        objects.slope,
        objects.line_strength,
        objects.dust,
        objects.igm,
        objects.redshift,
        wavelength,
        object_generators(objects),
    )
    return with_host(nuclei, objects, wavelength)


class EmbeddedSeds:
    """The provider without files: Coleman, Wu & Weedman galaxies from GalSim, sketched stars, modelled quasars."""

    name = "embedded"
    medium: Literal["vacuum", "air"] = "vacuum"
    frame: Literal["rest", "observed"] = "rest"
    fingerprint = "embedded"
    ranges: dict[str, tuple[float, float]] = {  # noqa: RUF012 (a table, read by the interface's users)
        "STAR": (2000.0, 25000.0),
        "GALAXY": GALAXY_RANGE,
        "QSO": QUASAR_RANGE,
    }

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
            The grid leaves the range that the spectra hold for.
        """
        found = np.empty((len(objects), len(wavelength)))
        for kind, rows in rows_of_classes(objects):
            part = objects.take(rows)
            check_range(self.name, kind, self.ranges[kind], part.redshift, wavelength)
            found[rows] = embedded_spectra(kind, part, wavelength)
        return found * tilt_factor(objects, wavelength)

    def template_ids(self, objects: Population) -> npt.NDArray[np.str_]:
        """Template behind each object.

        Stars ``embedded-star-G5``, galaxies by the pair of types they lie between (``embedded-galaxy-E-Sbc``), quasars
        ``embedded-qso``.
        """
        ids = np.full(len(objects), f"{self.name}-qso", dtype="U32")
        stars = objects.kind == "STAR"
        ids[stars] = np.char.add(f"{self.name}-star-", objects.subclass[stars])
        galaxies = objects.kind == "GALAXY"
        pairs = np.array([f"{self.name}-galaxy-{a}-{b}" for a, b in pairwise(TYPES)])
        ids[galaxies] = pairs[np.clip(objects.galaxy_type[galaxies].astype(np.intp), 0, len(pairs) - 1)]
        return ids
