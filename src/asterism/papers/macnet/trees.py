"""LightGBM beside the networks: classes, and redshifts, from binned spectra of the strips and apertures of the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError
from asterism.models.redshift import LOWEST_REDSHIFT
from asterism.models.slit_spectra import STRIP_ROWS
from asterism.models.spectral_inputs import ArmInputs
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.simulated_sets import ROWS, WINDOWS

__all__ = ["fit_trees", "tree_probabilities", "tree_redshifts"]

_READ = 256
_WINDOW = {"rows": ROWS, "pixels": 2000, "first_pixel": 0, "first_row": 0}

Rows = NDArray[np.int64]


def fit_trees(
    catalog: Catalog, rows: Rows, inputs: str, folder: Path, *, redshifts: bool = False, seed: int = 0
) -> None:
    """Fit LightGBM with the library's defaults.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray, shape (n,), int64
        Ascending; those without a class are not learned from. Those for calibration may be among them, since trees are
        not calibrated.
    inputs : str
        The roles that they read.
    folder : Path
        Gets the trees.
    redshifts : bool
        Whether a regressor learns the redshifts of the galaxies and quasars among them as well.
    seed : int
        LightGBM's random state.
    """
    from asterism.learning.baselines import LightGBM
    from asterism.learning.redshift_baselines import LightGBMRedshift

    values, labels = _features(catalog, rows, inputs, CLASSES)
    named = labels >= 0
    values, labels, rows = values[named], labels[named], rows[named]
    classifier = LightGBM()
    classifier.fit(values, labels, seed)
    classifier.save(folder)
    if redshifts:
        z = np.array(catalog.read(["redshift"])["redshift"].take(pa.array(rows)), dtype=np.float64)
        known = (z >= LOWEST_REDSHIFT) & (labels != CLASSES.index("STAR"))  # NaN is not
        regressor = LightGBMRedshift()
        regressor.fit(values[known], z[known], seed)
        regressor.save(folder)


def tree_probabilities(folder: Path, catalog: Catalog, rows: Rows, inputs: str) -> NDArray[np.float64]:
    """What fitted trees say of some rows of a catalog (n, 3), in the order of `CLASSES`."""
    from asterism.learning.baselines import LightGBM

    return LightGBM.load(folder).predict_proba(_features(catalog, rows, inputs)[0])


def tree_redshifts(folder: Path, catalog: Catalog, rows: Rows, inputs: str) -> NDArray[np.float64]:
    """Redshifts of some rows of a catalog (n,) by trees that were fitted for them."""
    from asterism.learning.redshift_baselines import LightGBMRedshift

    return LightGBMRedshift.load(folder).predict(_features(catalog, rows, inputs)[0])


def _features(
    catalog: Catalog, rows: Rows, inputs: str, classes: Sequence[str] = ()
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (n, F), NaN where not observed, strips cut to the paper's windows; and class indices (n,)."""
    from asterism.learning.baseline_features import BaselineFeatures
    from asterism.models.inputs import ModelInputs

    bindings = bind_roles(catalog.schema, inputs)
    described = ModelInputs.from_bindings(bindings)
    cuts: dict[str, Any] = {}
    read = described
    if (strips := described.spectrum2d) is not None:
        described = described.model_copy(update={"spectrum2d": strips.model_copy(update={"sky": False})})
        bindings = described.check(catalog.schema, str(catalog.path))
        # The bins lie on the paper's windows whatever the catalog stores, so that trees of one catalog are asked of another.
        cuts = {arm.name: _cut(arm) for arm in strips.arms}
        window = {"arms": tuple(arm.model_copy(update=_WINDOW) for arm in strips.arms), "sky": False}
        read = described.model_copy(update={"spectrum2d": strips.model_copy(update=window)})
    features = BaselineFeatures(read)
    values, labels = [], []
    for batch in Stream(catalog, bindings, batch_size=_READ, rows=rows, classes=classes or None, labels=("class",)):
        told = dict(batch)
        if cuts:
            told["spectrum2d"] = dict(batch["spectrum2d"])
            for arm, cut in cuts.items():
                told["spectrum2d"] |= {name: batch["spectrum2d"][name][cut] for name in (arm, f"{arm}_ivar")}
        values.append(features(told))
        labels.append(batch["label"]["class"].numpy())
    return np.concatenate(values), np.concatenate(labels)


def _cut(arm: ArmInputs) -> tuple[slice, slice, slice]:
    """The paper's window of an arm in strips as they are stored."""
    (low, high), margin = WINDOWS[arm.name], (STRIP_ROWS - ROWS) // 2
    down, across = margin - arm.first_row, low - arm.first_pixel
    if down < 0 or across < 0 or down + ROWS > arm.rows or across + high - low > arm.pixels:
        raise BadInputError(f"the {arm.name} strips hold {arm}, which is not the paper's window; store more of them")
    return slice(None), slice(down, down + ROWS), slice(across, across + high - low)
