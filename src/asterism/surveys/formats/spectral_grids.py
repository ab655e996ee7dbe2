"""One wavelength grid per survey, on which every spectrum of that survey stands, observed or simulated; vacuum.

SDSS, BOSS and LAMOST publish their spectra on pixels of 1e-4 in log10 wavelength that all begin at a whole multiple of
that step (Stoughton et al. 2002, AJ 123, 485, section 4.10; Luo et al. 2015, RAA 15, 1095), DESI on pixels of 0.8 Å from
3600 Å (Guy et al. 2023, AJ 165, 144). So a file's pixels are pixels of the grid: they are put there by whole pixels and
never resampled, and pixels that a file does not have are not observed (inverse variance 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError, look_up

__all__ = ["GRIDS", "SpectralGrid", "grid_named"]

Floats = npt.NDArray[np.float64]

_TOLERANCE = 0.05  # pixels; log10 wavelengths kept as 32-bit floats are off by up to 0.004 of a pixel


@dataclass(frozen=True)
class SpectralGrid:
    """The pixels of a survey's spectra.

    Attributes
    ----------
    survey : str
        As in column names: ``spectrum_SURVEY_flux``.
    scale : {"log10", "linear"}
        What rises by `step` from pixel to pixel: log10 of the wavelength in Å, or the wavelength.
    first : int
        Number of steps from zero to the centre of the first pixel.
    step : float
        dex or Å.
    size : int
        Pixels.
    relative : bool
        Whether the survey's flux is relative: of unknown scale, right in shape only.
    """

    survey: str
    scale: Literal["log10", "linear"]
    first: int
    step: float
    size: int
    relative: bool = False

    @property
    def position(self) -> Floats:
        """Centres of the pixels, shape (size,): log10 of Å on a log10 grid, Å on a linear one."""
        return np.asarray((self.first + np.arange(self.size)) * self.step, dtype=np.float64)

    @property
    def wavelength(self) -> Floats:
        """Centres of the pixels, Å, vacuum, shape (size,)."""
        return self._angstrom(self.position)

    @property
    def edges(self) -> Floats:
        """Edges of the pixels, Å, vacuum, shape (size + 1,)."""
        return self._angstrom(np.asarray((self.first - 0.5 + np.arange(self.size + 1)) * self.step, dtype=np.float64))

    def _angstrom(self, position: Floats) -> Floats:
        return np.asarray(10.0**position if self.scale == "log10" else position)

    @property
    def text(self) -> str:
        """For the metadata of columns: scale, first centre, step, pixels, e.g. ``log10,3.54,0.0001,4800``."""
        return f"{self.scale},{self.first * self.step:.6g},{self.step:g},{self.size}"

    def fractional_pixel(self, wavelength: npt.ArrayLike) -> Floats:
        """Where wavelengths (Å) fall: 0 is the centre of the first pixel."""
        x = np.asarray(wavelength, dtype=np.float64)
        return np.asarray((np.log10(x) if self.scale == "log10" else x) / self.step - self.first)

    def pixels(self, position: npt.ArrayLike, where: str = "the spectrum") -> npt.NDArray[np.intp]:
        """Pixels of the grid that are a file's pixels.

        Parameters
        ----------
        position : array_like, shape (k,)
            As `position` has it, in any order: ``loglam`` of SDSS, ``COEFF0 + COEFF1 i`` of LAMOST, wavelength of DESI.
        where : str
            What is placed, for the sentence.

        Returns
        -------
        ndarray of int, shape (k,)
            From 0; those outside of the grid are negative or `size` and more.

        Raises
        ------
        BadInputError
            The positions are not those of the grid's pixels, or one comes twice.
        """
        steps = np.asarray(position, dtype=np.float64) / self.step
        whole = np.rint(steps)
        off = np.abs(steps - whole)
        if not np.isfinite(steps).all() or (off > _TOLERANCE).any():
            worst = float(np.nanmax(np.where(np.isfinite(off), off, 0.5))) if off.size else 0.0
            raise BadInputError(
                f"{where} is not on the pixels of {self.survey} ({self.text}): wavelengths are off by up to {worst:.2f} "
                "pixels; read it as the survey it comes from, it is not resampled"
            )
        found = whole.astype(np.intp) - self.first
        steps = np.diff(found)
        if not ((steps > 0).all() or (steps < 0).all()) and len(np.unique(found)) != len(found):
            raise BadInputError(
                f"{where} has two values for one pixel of {self.survey}; give one exposure or arm at a time"
            )
        return found

    def place(
        self, position: npt.ArrayLike, flux: npt.ArrayLike, ivar: npt.ArrayLike, where: str = "the spectrum"
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """A file's pixels on the grid.

        Parameters
        ----------
        position : array_like, shape (k,)
            See `pixels`.
        flux, ivar : array_like, shape (k,)
            Flux density and its inverse variance; what is not finite, or not positive as inverse variance, was not
            observed.
        where : str
            What is placed, for the sentence.

        Returns
        -------
        flux : ndarray of float32, shape (size,)
            NaN where not observed.
        ivar : ndarray of float32, shape (size,)
            0 where not observed.

        Raises
        ------
        BadInputError
            As `pixels`; the lengths differ; or observed pixels lie outside of the grid.
        """
        f, w = np.asarray(flux, dtype=np.float64), np.asarray(ivar, dtype=np.float64)
        place = self.pixels(position, where)
        if not (f.shape == w.shape == place.shape):
            raise BadInputError(
                f"{where} has {len(place)} wavelengths, fluxes of shape {f.shape} and ivar of {w.shape}"
            )
        with np.errstate(invalid="ignore"):
            observed = np.isfinite(f) & np.isfinite(w) & (w > 0)
        inside = (place >= 0) & (place < self.size)
        if (observed & ~inside).any():
            ends = self.wavelength[[0, -1]]
            raise BadInputError(
                f"{where} has observed pixels outside of {ends[0]:.0f} to {ends[1]:.0f} Å, which hold every spectrum of "
                f"{self.survey}; read it as the survey it comes from"
            )
        on_grid = np.full(self.size, np.nan, np.float32), np.zeros(self.size, np.float32)
        keep = observed & inside
        on_grid[0][place[keep]] = f[keep]
        on_grid[1][place[keep]] = w[keep]
        return on_grid


# SDSS: files of SDSS-I/II begin at 3780 Å or later and end by 9220 Å, those of BOSS and eBOSS begin near 3560 Å and end
# by 10400 Å (Dawson et al. 2013, AJ 145, 10); 4800 pixels from 3467 to 10469 Å hold them all. LAMOST: COEFF0 = 3.5682
# (3700 Å) and at most 3909 pixels, to 9099 Å (Luo et al. 2015). DESI: 3600 to 9824 Å (Guy et al. 2023, section 4).
GRIDS: dict[str, SpectralGrid] = {
    grid.survey: grid
    for grid in (
        SpectralGrid("sdss", "log10", 35400, 1e-4, 4800),
        SpectralGrid("lamost", "log10", 35682, 1e-4, 3909, relative=True),
        SpectralGrid("desi", "linear", 4500, 0.8, 7781),
    )
}
"""The grids, by survey; SDSS's serves SDSS-I/II, BOSS and eBOSS alike."""


def grid_named(survey: str) -> SpectralGrid:
    """The grid of a survey.

    Raises
    ------
    ConfigurationError
        The survey has none; the sentence names the nearest that has.

    Examples
    --------
    >>> grid_named("desi").size
    7781
    """
    return look_up("survey with spectra", survey, GRIDS)
