"""What every reader of tables gives: pages of raw cells, with the number of each row in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa

__all__ = ["Complain", "Page", "RawColumn", "TableSource"]

RawColumn: TypeAlias = pa.Array | np.ndarray
"""Cells as the file has them: Arrow strings (text files, text columns) or a numpy array (masked where blank)."""

Complain = Callable[[int, str], None]
"""Called with the number of a row (the first row of data is 1) and what is wrong with it."""


@dataclass(frozen=True)
class Page:
    """Some rows of a table.

    Attributes
    ----------
    columns : dict of str to RawColumn
        The columns that were asked for, each of length ``len(rows)``.
    rows : ndarray of int64
        Number of each row in the file; the first row of data is 1, header and comments do not count.
    done : float
        Fraction of the file that has been read, 0 to 1.
    """

    columns: dict[str, RawColumn]
    rows: np.ndarray
    done: float


class TableSource(Protocol):
    """A table in a file.

    Attributes
    ----------
    path : Path
    names : list of str
        All its columns.
    units : dict of str to str
        Units of the columns for which the file gives one.
    """

    path: Path
    names: list[str]
    units: dict[str, str]

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Read the columns named, page by page; rows that can't be taken apart go to `complain` and are left out."""
        ...
