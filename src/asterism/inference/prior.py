"""Other class fractions than those of the training set.

A training set's mix of classes is its targeting, not the sky's. Where the classes look the same in both and only their
fractions differ, Bayes' rule moves the answer: p'(c|x) ∝ p(c|x) · π'(c) / π(c), with π the training set's fractions and π'
the wanted ones (Saerens, Latinne & Decaestecker 2002, Neural Computation 14, 21, eq. 2.4). Both may depend on magnitude.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError, unknown_name

__all__ = ["Prior", "read_prior", "reweight"]


@dataclass(frozen=True)
class Prior:
    """Class fractions, constant or in magnitude bins.

    Attributes
    ----------
    classes : tuple of str
    fractions : ndarray, shape (bins, classes)
        Rows sum to 1.
    band : str or None
        The band whose magnitude chooses the row; None where the fractions are constant (one row).
    edges : ndarray, shape (bins + 1,)
        Edges of the bins, rising; empty where constant. A magnitude outside takes the nearest bin.
    """

    classes: tuple[str, ...]
    fractions: NDArray[np.float64]
    band: str | None
    edges: NDArray[np.float64]

    def at(self, magnitudes: ArrayLike) -> NDArray[np.float64]:
        """Fractions for each object, shape (n, classes); an unknown magnitude (NaN) takes the mean over the bins."""
        m = np.asarray(magnitudes, dtype=float)
        if self.band is None:
            return np.broadcast_to(self.fractions, (len(m), len(self.classes)))
        row = np.clip(np.searchsorted(self.edges, m, side="right") - 1, 0, len(self.fractions) - 1)
        chosen = self.fractions[row]
        chosen[np.isnan(m)] = self.fractions.mean(axis=0)
        return chosen


def read_prior(path: str | os.PathLike[str], classes: Sequence[str]) -> Prior:
    """Read class fractions from a table that astropy reads (CSV, ECSV, FITS, VOTable).

    The table has one column a class (``STAR``, ``GALAXY``, …; numbers on any common scale, each row is normalised) and one
    row; or several rows with ``<band>_mag_lo`` and ``<band>_mag_hi`` beside, one a magnitude bin::

        r_mag_lo,r_mag_hi,STAR,GALAXY,QSO
        14,18,0.80,0.19,0.01
        18,20,0.55,0.40,0.05

    Parameters
    ----------
    path : path
    classes : sequence of str
        The classes that the model knows; all must be there and no other.

    Returns
    -------
    Prior

    Raises
    ------
    BadInputError
        If the file can't be read, a class is missing, a fraction is negative or a row sums to 0, or bins overlap or leave
        a gap.
    """
    from astropy.table import Table

    path = Path(path)
    if not path.is_file():
        raise BadInputError(f"prior {path}: no such file; give a table with one column a class ({', '.join(classes)})")
    try:
        table = Table.read(path, format="ascii.csv") if path.suffix == ".csv" else Table.read(path)
    except Exception as error:  # every reader fails in its own way on a file that it can't read
        raise BadInputError(f"prior {path}: not a table that can be read ({type(error).__name__}: {error})") from error
    lows = [c for c in table.colnames if c.endswith("_mag_lo")]
    band = lows[0].removesuffix("_mag_lo") if lows else None
    edge_columns = [f"{band}_mag_lo", f"{band}_mag_hi"] if band else []
    for name in [*classes, *edge_columns]:
        if name not in table.colnames:
            raise BadInputError(f"prior {path}: column {name!r} is missing (it has {', '.join(table.colnames)})")
    for name in table.colnames:
        if name not in {*classes, *edge_columns}:
            raise BadInputError(f"prior {path}: {unknown_name('column', name, [*classes, *edge_columns])}")
    try:
        columns: list[NDArray[np.float64]] = [
            np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan) for name in classes
        ]
        bounds: list[NDArray[np.float64]] = [
            np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan) for name in edge_columns
        ]
    except (TypeError, ValueError) as error:
        raise BadInputError(f"prior {path}: class fractions and magnitudes must be numbers ({error})") from error
    fractions: NDArray[np.float64] = np.column_stack(columns)
    if not len(fractions):
        raise BadInputError(f"prior {path}: no rows; give class fractions in at least one row")
    if not np.isfinite(fractions).all() or (fractions < 0).any() or (fractions.sum(axis=1) <= 0).any():
        raise BadInputError(f"prior {path}: class fractions must be numbers of 0 or more, not all 0 in a row")
    edges = np.array([])
    if band is not None:
        order = np.argsort(bounds[0])
        low, high = bounds[0][order], bounds[1][order]
        if not (low < high).all() or not np.allclose(low[1:], high[:-1]):
            raise BadInputError(f"prior {path}: magnitude bins must follow each other without gap or overlap")
        fractions, edges = fractions[order], np.r_[low, high[-1:]]
    elif len(fractions) > 1:
        raise BadInputError(
            f"prior {path}: {len(fractions)} rows but no magnitude bins; add columns r_mag_lo and r_mag_hi, or keep one row"
        )
    return Prior(tuple(classes), fractions / fractions.sum(axis=1, keepdims=True), band, edges)


def reweight(probabilities: ArrayLike, stated: ArrayLike, wanted: ArrayLike) -> NDArray[np.float64]:
    """Move probabilities from the class fractions that they are given under to others.

    Parameters
    ----------
    probabilities : array_like, shape (n, classes)
    stated, wanted : array_like, shape (n, classes) or (classes,)
        Fractions that the probabilities stand under, and those to answer under. Fractions by magnitude must replace
        fractions by magnitude: against overall ones they would count twice, since the model has already learned how the
        mix changes with magnitude.

    Returns
    -------
    ndarray, shape (n, classes), float64
        Rows sum to 1. An object whose every possible class has fraction 0 keeps its probabilities.
    """
    p = np.asarray(probabilities, dtype=float)
    moved = p * np.asarray(wanted, dtype=float) / np.maximum(np.asarray(stated, dtype=float), 1e-6)
    total = moved.sum(axis=1, keepdims=True)
    return np.where(total > 0, moved / np.where(total > 0, total, 1), p)
