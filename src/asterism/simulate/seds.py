"""Where spectra come from: the interface of a provider, and the one that needs no files beyond the dependencies.

A provider says in which medium and over which wavelengths at rest its spectra hold, and gives the flux density of
objects on an observed, vacuum grid. Providers for template libraries have the same four attributes and two methods.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError
from asterism.simulate.galaxy_seds import GALAXY_RANGE, TYPES, galaxy_seds
from asterism.simulate.population import Population
from asterism.simulate.quasar_seds import QUASAR_RANGE, quasar_seds
from asterism.simulate.stellar_seds import star_seds

__all__ = ["EmbeddedSeds", "SedProvider"]

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
    """

    name: str
    medium: Literal["vacuum", "air"]
    frame: Literal["rest", "observed"]
    ranges: dict[str, tuple[float, float]]

    def seds(self, objects: Population, wavelength: Floats) -> Floats:
        """f_lambda (n, m) of n objects at observed vacuum wavelengths (m,) in Å, any scale; refuses to extrapolate."""
        ...

    def template_ids(self, objects: Population) -> npt.NDArray[np.str_]:
        """Name of the template behind each object, so that splits can keep templates apart."""
        ...


class EmbeddedSeds:
    """The provider without files: Coleman, Wu & Weedman galaxies from GalSim, sketched stars, modelled quasars."""

    name = "embedded"
    medium: Literal["vacuum", "air"] = "vacuum"
    frame: Literal["rest", "observed"] = "rest"
    ranges: dict[str, tuple[float, float]] = {  # noqa: RUF012 (a table, read by the interface's users)
        "STAR": (2000.0, 25000.0),
        "GALAXY": GALAXY_RANGE,
        "QSO": QUASAR_RANGE,
    }

    def seds(self, objects: Population, wavelength: Floats) -> Floats:
        """Flux densities as observed, without the Galaxy's extinction.

        Parameters
        ----------
        objects : Population
            n objects.
        wavelength : ndarray, shape (m,)
            Observed, Å, vacuum.

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
        for kind in ("STAR", "GALAXY", "QSO"):
            rows = np.flatnonzero(objects.kind == kind)
            if len(rows) == 0:
                continue
            part = objects.take(rows)
            self._check_range(kind, part.redshift, wavelength)
            if kind == "STAR":
                found[rows] = star_seds(part, wavelength)
            elif kind == "GALAXY":
                found[rows] = galaxy_seds(part.galaxy_type, part.dust, part.redshift, wavelength)
            else:
                found[rows] = quasar_seds(
                    part.slope, part.line_strength, part.dust, part.igm, part.redshift, wavelength
                )
        # Own tilt: so many magnitudes redder in g-i than the template, in ln wavelength.
        lever = np.log(wavelength / 6166.0) / np.log(7480.0 / 4686.0)
        return np.asarray(found * 10.0 ** (0.4 * objects.tilt[:, None] * lever))

    def _check_range(self, kind: str, redshift: Floats, wavelength: Floats) -> None:
        low, high = self.ranges[kind]
        bluest = float(wavelength[0] / (1.0 + redshift.max()))
        reddest = float(wavelength[-1] / (1.0 + redshift.min()))
        if bluest < low or reddest > high:
            raise ConfigurationError(
                f"spectra of class {kind} of the provider {self.name!r} hold from {low:g} to {high:g} Å at rest, but "
                f"{bluest:.0f} to {reddest:.0f} Å are asked for; narrow the redshifts or the wavelengths"
            )

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
