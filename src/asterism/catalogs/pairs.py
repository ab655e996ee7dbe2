"""Pairs of rows of two catalogs that stand at one place, found through LSDB, with proper motion where it is known.

This module imports LSDB and pandas; import it where pairs are looked for.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from asterism.catalogs.sources import unit_vectors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # LSDB sets an option of pandas that pandas no longer has
    import lsdb
    from hats.pixel_math.healpix_shim import margin2order
    from lsdb.core.crossmatch.abstract_crossmatch_algorithm import AbstractCrossmatchAlgorithm

__all__ = ["FASTEST", "Pairs", "Places", "find_pairs"]

FASTEST = 11_000.0
"""mas/yr; Barnard's star moves 10,393 (Gaia DR3). What claims more is not believed and stands still."""

_YEAR = 365.25
_MARGIN_ORDER = 10  # 3.4 arcmin; margins of finer pixels take LSDB half a minute around each large partition
_ROOM = 1.001  # of a radius, so that the cut is made once, on the exact separation

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Places:
    """Where the rows of a catalog stand and how they move.

    Attributes
    ----------
    ra, dec : ndarray, shape (n,)
        deg.
    pm_ra, pm_dec : ndarray, shape (n,)
        mas/yr, in right ascension times cos(dec); NaN where not known.
    mjd : ndarray, shape (n,)
        Date of the position; NaN where not known.
    """

    ra: Floats
    dec: Floats
    pm_ra: Floats
    pm_dec: Floats
    mjd: Floats

    @property
    def speed(self) -> Floats:
        """mas/yr; 0 for rows that stand still as far as is known."""
        total = np.hypot(self.pm_ra, self.pm_dec)
        return np.where(np.isfinite(total) & np.isfinite(self.mjd) & (total <= FASTEST), total, 0.0)


@dataclass(frozen=True)
class Pairs:
    """Pairs in the order of the left row, then of the separation.

    Attributes
    ----------
    left, right : ndarray of int64, shape (pairs,)
        Rows.
    separation : ndarray, shape (pairs,)
        arcsec, at the date of the row that does not move (of the right row, where both do).
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    separation: Floats


def find_pairs(left: Places, right: Places, radius: float) -> Pairs:
    """All pairs no farther apart than a radius.

    Where a row has a proper motion and both rows a date, it is moved to the other row's date first.

    Parameters
    ----------
    left, right : Places
    radius : float
        arcsec.

    Returns
    -------
    Pairs
    """
    if not len(left.ra) or not len(right.ra):
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    reach = _reach(left, right), _reach(right, left)
    # A neighbour may stand in another partition: LSDB keeps, beside each, what lies so far outside of it.
    margin = radius * _ROOM + float(max(reach[0].max(), reach[1].max()))
    order = min(_MARGIN_ORDER, int(margin2order(np.array([margin / 60.0]))[0]))
    catalogs = []
    for name, places, far in (("left", left, reach[0]), ("right", right, reach[1])):
        frame = pd.DataFrame({"ra": places.ra, "dec": places.dec, "row": np.arange(len(places.ra)), "reach": far})
        for column in ("pm_ra", "pm_dec", "mjd"):
            frame[column] = getattr(places, column)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a table is large, or its margin empty
            catalogs.append(
                lsdb.from_dataframe(
                    frame,
                    catalog_name=name,
                    highest_order=max(order - 3, 0),
                    margin_order=order,
                    margin_threshold=None,
                    should_generate_moc=False,
                )
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = catalogs[0].crossmatch(
            catalogs[1], algorithm=_Nearby(radius), how="left", suffixes=("_left", "_right"), suffix_method="all_columns",
            log_changes=False,
        )  # fmt: skip
        table = found[["row_left", "row_right", "_separation"]].compute(progress_bar=False)
    rows = [_numbers(table[name]) for name in ("row_left", "row_right", "_separation")]
    matched = np.isfinite(rows[1])
    one, other, apart = rows[0][matched].astype(np.int64), rows[1][matched].astype(np.int64), rows[2][matched]
    order_of = np.lexsort((other, apart, one))
    return Pairs(one[order_of], other[order_of], apart[order_of])


def _reach(moving: Places, others: Places) -> Floats:
    """How far (arcsec) each row can move to the date of any of the others."""
    dates = others.mjd[np.isfinite(others.mjd)]
    if not len(dates):
        return np.zeros(len(moving.ra))
    years = np.maximum(np.abs(moving.mjd - dates.min()), np.abs(moving.mjd - dates.max())) / _YEAR
    return np.where(moving.speed > 0, moving.speed * np.nan_to_num(years) / 1000.0, 0.0)


def _numbers(column: pd.Series) -> Floats:
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


class _Nearby(AbstractCrossmatchAlgorithm):
    """LSDB's algorithm for one pair of partitions: all pairs within a radius, after they are moved to one date."""

    extra_columns = pd.DataFrame({"_separation": pd.Series(dtype=pd.ArrowDtype(pa.float64()))})

    def __init__(self, radius: float) -> None:
        super().__init__()
        self.radius = radius

    def perform_crossmatch(self, crossmatch_args: Any) -> tuple[npt.NDArray, npt.NDArray, pd.DataFrame]:
        one, other = (_places(frame) for frame in (crossmatch_args.left_df, crossmatch_args.right_df))
        pairs = _candidates(
            one,
            other,
            _numbers(crossmatch_args.left_df["reach"]),
            _numbers(crossmatch_args.right_df["reach"]),
            self.radius,
        )
        apart = _separation(_at(one, pairs[:, 0]), _at(other, pairs[:, 1]))
        near = apart <= self.radius
        extra = pd.DataFrame({"_separation": pd.Series(apart[near], dtype=pd.ArrowDtype(pa.float64()))})
        return pairs[near, 0], pairs[near, 1], extra


def _places(frame: pd.DataFrame) -> Places:
    return Places(*(_numbers(frame[name]) for name in ("ra", "dec", "pm_ra", "pm_dec", "mjd")))


def _at(places: Places, rows: npt.NDArray[np.int64]) -> Places:
    return Places(*(getattr(places, name)[rows] for name in ("ra", "dec", "pm_ra", "pm_dec", "mjd")))


def _candidates(
    left: Places, right: Places, left_reach: Floats, right_reach: Floats, radius: float
) -> npt.NDArray[np.int64]:
    """Pairs that might meet at one date, shape (pairs, 2)."""
    from scipy.spatial import cKDTree

    vectors = unit_vectors(left.ra, left.dec), unit_vectors(right.ra, right.dec)
    sides = []
    for mine, others, reach, rows in (
        (vectors[0], vectors[1], left_reach, np.arange(len(left.ra))),
        # Rows on the right that stand still are found from the left.
        (vectors[1], vectors[0], right_reach, np.flatnonzero(right_reach > 0)),
    ):
        chord = 2.0 * np.sin(np.radians((radius * _ROOM + reach[rows]) / 3600.0) / 2.0)
        found = cKDTree(others).query_ball_point(mine[rows], chord)
        first = np.repeat(rows, [len(each) for each in found])
        second = np.concatenate([np.asarray(each, np.int64) for each in found]) if len(first) else first
        sides.append(np.stack([first, second] if mine is vectors[0] else [second, first], axis=1))
    return np.unique(np.concatenate(sides), axis=0).astype(np.int64)


def _separation(left: Places, right: Places) -> Floats:
    """arcsec between the rows of two lists, at one date."""
    dated = np.isfinite(left.mjd) & np.isfinite(right.mjd)
    left_moves = dated & (left.speed > 0)
    right_moves = dated & (right.speed > 0) & ~left_moves
    one = _moved(left, right.mjd, left_moves)
    other = _moved(right, left.mjd, right_moves)
    return 2.0 * np.degrees(np.arcsin(np.clip(np.linalg.norm(one - other, axis=1) / 2.0, 0.0, 1.0))) * 3600.0


def _moved(places: Places, mjd: Floats, which: npt.NDArray[np.bool_]) -> Floats:
    """Unit vectors, of chosen rows at another date."""
    ra, dec = places.ra.copy(), places.dec.copy()
    if which.any():
        from astropy import units as u
        from astropy.coordinates import SkyCoord
        from astropy.time import Time

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ERFA's, that no distance is given
            then = SkyCoord(
                ra=ra[which] * u.deg, dec=dec[which] * u.deg, pm_ra_cosdec=places.pm_ra[which] * u.mas / u.yr,
                pm_dec=places.pm_dec[which] * u.mas / u.yr, obstime=Time(places.mjd[which], format="mjd"),
            ).apply_space_motion(new_obstime=Time(mjd[which], format="mjd"))  # fmt: skip
        ra[which], dec[which] = then.ra.deg, then.dec.deg
    return unit_vectors(ra, dec)
