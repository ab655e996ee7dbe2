"""What a model says of some objects, as arrays and as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asterism.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Answers", "RedshiftAnswers", "class_columns", "redshift_columns"]


@dataclass(frozen=True)
class RedshiftAnswers:
    """Redshift densities of some objects; `models.densities` reads them.

    Attributes
    ----------
    grid : ndarray, shape (G,), float64
        Increasing redshifts.
    pdf : ndarray, shape (n, G), float64
        Calibrated densities at the grid's redshifts, linear between them; integral 1.
    """

    grid: NDArray[np.float64]
    pdf: NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What a model says of some objects, as arrays.

    Attributes
    ----------
    probabilities : ndarray, shape (n, classes), float64, or None
        Calibrated, after any prior; rows sum to 1. None for a model without classes.
    sets : ndarray of bool, shape (n, classes), or None
        Conformal sets; None for a model without thresholds.
    domain_score : ndarray, shape (n,), or None
        Distance from what the model has seen; None for a model without a domain score.
    in_domain : ndarray of bool, shape (n,), or None
    magnitudes : ndarray, shape (n,)
        In the model's reference band, NaN where not observed.
    informed : ndarray of bool, shape (n,)
        Whether anything at all was observed of the object.
    redshift : RedshiftAnswers or None
        None for a model without redshifts.
    """

    probabilities: NDArray[np.float64] | None
    sets: NDArray[np.bool_] | None
    domain_score: NDArray[np.float64] | None
    in_domain: NDArray[np.bool_] | None
    magnitudes: NDArray[np.float64]
    informed: NDArray[np.bool_]
    redshift: RedshiftAnswers | None = None

    @classmethod
    def concatenate(cls, parts: list[Answers]) -> Answers:
        """Answers of several batches, one after the other; there must be one at least."""
        columns: dict[str, Any] = {}
        for name in cls.__dataclass_fields__:
            values = [getattr(part, name) for part in parts]
            if isinstance(values[0], RedshiftAnswers):
                columns[name] = RedshiftAnswers(values[0].grid, np.concatenate([value.pdf for value in values]))
            else:
                columns[name] = None if values[0] is None else np.concatenate(values)
        return cls(**columns)

    @property
    def of_classes(self) -> NDArray[np.float64]:
        """The class probabilities, where there must be some.

        Raises
        ------
        ConfigurationError
            The model has no classes.
        """
        if self.probabilities is None:
            raise ConfigurationError("the model gives no class probabilities; train one with --task classification")
        return self.probabilities

    def take(self, chosen: NDArray[np.bool_]) -> Answers:
        """Answers of some of the objects, by mask (n,)."""
        columns: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, RedshiftAnswers):
                columns[name] = RedshiftAnswers(value.grid, value.pdf[chosen])
            else:
                columns[name] = None if value is None else value[chosen]
        return Answers(**columns)

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Objects (n,) of which the model's numbers are not finite."""
        lost = np.zeros(len(self.informed), bool)
        if self.probabilities is not None:
            lost |= ~np.isfinite(self.probabilities).all(axis=1)
        if self.redshift is not None:
            lost |= ~np.isfinite(self.redshift.pdf).all(axis=1)
        return lost


def class_columns(answers: Answers, classes: Sequence[str], lost: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """Columns of the classification.

    Parameters
    ----------
    answers : Answers
        Of a model with classes.
    classes : sequence of str
        Their names in the order of the probabilities.
    lost : ndarray of bool, shape (n,)
        Objects that get nulls.

    Returns
    -------
    dict of str to pyarrow.Array
        By column name: probabilities, most probable class and conformal set.
    """
    import pyarrow as pa

    from asterism.catalogs.columns import CLASSES

    p = answers.of_classes
    n = len(p)
    columns: dict[str, Any] = {}
    for name in CLASSES:
        known = name in classes
        values = p[:, classes.index(name)] if known else np.zeros(n)
        columns[f"p_{name.lower()}"] = pa.array(values, pa.float32(), mask=lost if known else np.ones(n, bool))
    best = np.array(classes, dtype=object)[np.nan_to_num(p).argmax(axis=1)]
    columns["class_predicted"] = pa.array(best, pa.string(), mask=lost)
    no_set = lost if answers.in_domain is None else np.logical_or(lost, ~answers.in_domain)
    if answers.sets is None:
        no_set = np.ones(n, bool)
    member = np.zeros((n, len(classes)), bool) if answers.sets is None else answers.sets
    sets = [None if no_set[i] else [c for c, m in zip(classes, member[i], strict=True) if m] for i in range(n)]
    columns["class_set"] = pa.array(sets, pa.list_(pa.string()))
    return columns


def redshift_columns(answers: RedshiftAnswers, lost: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """Columns of the redshift densities.

    Parameters
    ----------
    answers : RedshiftAnswers
    lost : ndarray of bool, shape (n,)
        Objects that get nulls.

    Returns
    -------
    dict of str to pyarrow.Array
        By column name: median, mode, mean, quantiles, and ``z_pdf``.
    """
    import pyarrow as pa

    from asterism.models import densities

    grid, n = answers.grid, len(answers.pdf)
    pdf = np.where(lost[:, None], 1.0, answers.pdf)
    points = {
        "median": densities.median(grid, pdf),
        "mode": densities.mode(grid, pdf),
        "mean": densities.mean(grid, pdf),
        **{name: densities.quantile(grid, pdf, q) for name, q in _QUANTILES.items()},
    }
    columns: dict[str, Any] = {f"z_{name}": pa.array(z, pa.float32(), mask=lost) for name, z in points.items()}
    flat = pa.array(pdf.astype(np.float32).reshape(-1))
    mask = pa.array(lost) if lost.any() else None
    columns["z_pdf"] = pa.FixedSizeListArray.from_arrays(flat, len(grid), mask=mask) if n else None
    return columns


_QUANTILES = {"16": 0.16, "84": 0.84, "025": 0.025, "975": 0.975}
