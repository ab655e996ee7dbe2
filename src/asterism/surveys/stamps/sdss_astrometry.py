"""SDSS's astrometric solutions: from a frame's rows and columns to the great circle of the scan, and to the sky.

Files ``asTrans-*``, ``tsField-*`` and HDU 3 of ``frame-*`` hold, for each field and band (asTrans data model; Stoughton et
al. 2002, AJ 123, 485; Pier et al. 2003, AJ 125, 1559): a cubic distortion of rows by column, ``row' = row + dRow0 + dRow1 col
+ dRow2 col^2 + dRow3 col^3`` and likewise columns, then ``mu = a + b row' + c col'`` and ``nu = d + e row' + f col'`` in
degrees on the great circle with the given node and inclination. The middle of the first pixel is 0.5. Terms of colour
(differential refraction, at most some hundredths of an arcsecond) are left out: frames do not know the colours of what they
show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError

__all__ = ["GreatCircle", "solution_of"]

Floats = npt.NDArray[np.float64]

_LINEAR = ("a", "b", "c", "d", "e", "f")
_ROWS, _COLUMNS = (tuple(f"d{axis}{k}" for k in range(4)) for axis in ("Row", "Col"))
_ROUNDS = 6  # of inverting the distortion, which is below a pixel: each round is some thousand times nearer


@dataclass(frozen=True)
class GreatCircle:
    """One field's solution in one band.

    Attributes
    ----------
    node, inclination : float
        Of the great circle against the equator, deg.
    linear : tuple of float
        a to f, deg and deg per pixel.
    rows, columns : tuple of float
        dRow0 to dRow3, dCol0 to dCol3.
    """

    node: float
    inclination: float
    linear: tuple[float, ...]
    rows: tuple[float, ...]
    columns: tuple[float, ...]

    @property
    def pixel_scale(self) -> float:
        """arcsec."""
        _, b, c, _, e, f = self.linear
        return float(3600.0 * np.sqrt(abs(b * f - c * e)))

    def to_sky(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Right ascension (0 to 360) and declination of pixels.

        Parameters
        ----------
        x, y : array_like
            Column and row; the middle of the first pixel is 0, as in numpy.

        Returns
        -------
        ra, dec : ndarray
            deg.
        """
        a, b, c, d, e, f = self.linear
        column, row = np.asarray(x, np.float64) + 0.5, np.asarray(y, np.float64) + 0.5
        row, column = row + _cubic(self.rows, column), column + _cubic(self.columns, column)
        mu = np.radians(a + b * row + c * column - self.node)
        nu, tilt = np.radians(d + e * row + f * column), np.radians(self.inclination)
        across = np.sin(mu) * np.cos(nu) * np.cos(tilt) - np.sin(nu) * np.sin(tilt)
        ra = np.degrees(np.arctan2(across, np.cos(mu) * np.cos(nu))) + self.node
        dec = np.degrees(np.arcsin(np.sin(mu) * np.cos(nu) * np.sin(tilt) + np.sin(nu) * np.cos(tilt)))
        return np.asarray(ra % 360.0), np.asarray(dec)

    def to_pixel(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Column and row of places on the sky, the inverse of `to_sky`.

        Parameters
        ----------
        ra, dec : array_like
            deg.

        Returns
        -------
        x, y : ndarray
            The middle of the first pixel is 0.
        """
        a, b, c, d, e, f = self.linear
        right, up = np.radians(np.asarray(ra, np.float64) - self.node), np.radians(np.asarray(dec, np.float64))
        tilt = np.radians(self.inclination)
        along = np.sin(right) * np.cos(up) * np.cos(tilt) + np.sin(up) * np.sin(tilt)
        mu = np.degrees(np.arctan2(along, np.cos(right) * np.cos(up))) + self.node
        nu = np.degrees(np.arcsin(np.sin(up) * np.cos(tilt) - np.sin(right) * np.cos(up) * np.sin(tilt)))
        first, second = (mu - a + 180.0) % 360.0 - 180.0, nu - d
        size = b * f - c * e
        row, column = (f * first - c * second) / size, (b * second - e * first) / size
        place = column
        for _ in range(_ROUNDS):
            place = column - _cubic(self.columns, place)
        return np.asarray(place - 0.5), np.asarray(row - _cubic(self.rows, place) - 0.5)


def _cubic(coefficients: tuple[float, ...], column: Floats) -> Floats:
    zero, one, two, three = coefficients
    # Far outside of the field the cubics run away, and nothing is measured there.
    column = np.clip(column, -500.0, 2548.0)
    return zero + column * (one + column * (two + column * three))


def solution_of(
    row: Mapping[str, Any], node: float, inclination: float, what: str, band: int | None = None
) -> GreatCircle:
    """The solution in a row of a table.

    Parameters
    ----------
    row : mapping
        By column, in any case: numbers, or lists over bands.
    node, inclination : float
        deg, of the file's header or row.
    what : str
        The file, for the sentence.
    band : int, optional
        Which of the lists' elements.

    Returns
    -------
    GreatCircle

    Raises
    ------
    BadInputError
        Columns lack, or the numbers are no solution.
    """
    there = {name.lower(): value for name, value in row.items()}

    def get(names: tuple[str, ...]) -> tuple[float, ...]:
        missing = [name for name in names if name.lower() not in there]
        if missing:
            raise BadInputError(f"{what} has no column {missing[0]} of the astrometric solution; fetch the file again")
        values = [np.asarray(there[name.lower()], np.float64).ravel() for name in names]
        return tuple(float(value[0 if band is None else band]) for value in values)

    found = GreatCircle(float(node), float(inclination), get(_LINEAR), get(_ROWS), get(_COLUMNS))
    numbers = (found.node, found.inclination, *found.linear, *found.rows, *found.columns)
    if not np.isfinite(numbers).all() or not 0.01 < found.pixel_scale < 10.0:
        raise BadInputError(
            f"the astrometric solution of {what} is none (its pixels would be {found.pixel_scale:.3g} arcsec)"
        )
    return found
