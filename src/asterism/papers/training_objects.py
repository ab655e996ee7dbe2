"""What a method learns from: objects of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.errors import BadInputError

__all__ = ["count_classes"]


def count_classes(catalog: Catalog, rows: NDArray[np.int64], classes: Sequence[str]) -> dict[str, int]:
    """Objects of each class among rows to learn from.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray, shape (n,), int64
    classes : sequence of str
        Each must have objects; others are not counted.

    Returns
    -------
    dict of str to int
        In the order of `classes`.

    Raises
    ------
    BadInputError
        A class has none.
    """
    names = catalog.read(["class"])["class"].take(pa.array(rows))
    found = {entry["values"]: entry["counts"] for entry in pc.value_counts(names).to_pylist()}
    for name in classes:
        if name not in found:
            raise BadInputError(f"{catalog.path} has no {name} to learn from in its training part; give more objects")
    return {name: found[name] for name in classes}
