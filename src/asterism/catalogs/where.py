"""Row selections written as SQL conditions: ``"r_mag < 20 AND class IN ('STAR', 'QSO')"``.

The text is parsed (sqlglot) into a tree, and only the kinds of node that `asterism.catalogs.expressions` lists are
translated to Arrow's vectorised functions; nothing is ever executed as SQL or Python. NULL and NaN follow SQL: a
comparison with them is unknown, and a row is selected only where the whole condition is true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot.errors import ParseError, SqlglotError

from asterism.catalogs.expressions import WHAT, ConditionCompiler, shortened
from asterism.catalogs.scalars import magnitudes
from asterism.errors import BadInputError, ConfigurationError, unknown_name

__all__ = ["Where", "compile_where", "magnitudes"]

_MAX_CHARACTERS = 65_536


@dataclass(frozen=True)
class Where:
    """A compiled condition.

    Attributes
    ----------
    expression : str
        The text it was made from.
    columns : tuple of str
        The stored columns that a table must have for `mask`, sorted.
    """

    expression: str
    columns: tuple[str, ...]
    _evaluate: Callable[[pa.Table], Any]

    def mask(self, table: pa.Table) -> np.ndarray:
        """Rows of a table for which the condition is true.

        Parameters
        ----------
        table : pyarrow.Table
            n rows with at least `columns`.

        Returns
        -------
        numpy.ndarray
            (n,) bool; False where the condition is unknown (NULL or NaN).

        Raises
        ------
        BadInputError
            If the table lacks a column.
        """
        missing = [name for name in self.columns if name not in table.column_names]
        if missing:
            raise BadInputError(
                f"{shortened(self.expression)} needs a column: {unknown_name('column', missing[0], table.column_names)}"
            )
        truth = self._evaluate(table)
        if isinstance(truth, pa.Scalar):
            return np.full(len(table), truth.as_py() is True)
        if len(table) == 0:
            return np.zeros(0, dtype=bool)
        if isinstance(truth, pa.ChunkedArray):
            truth = truth.combine_chunks()
        return np.asarray(pc.fill_null(truth, False)).astype(bool)


def compile_where(expr: str, schema: pa.Schema) -> Where:
    """Compile a condition against a catalog's columns.

    Parameters
    ----------
    expr : str
        An SQL condition. Text takes single quotes; a column may take double quotes. Besides the stored columns it can
        name the derived scalars of `asterism.catalogs.scalars` (``r_mag``, ``photometry_sdss_radius_r`` …).
    schema : pyarrow.Schema
        The catalog's schema with its field metadata.

    Returns
    -------
    Where

    Raises
    ------
    ConfigurationError
        If the text is no condition, uses anything that is not allowed here, compares text with numbers, or names a
        column that does not exist (with the nearest name that does).
    """
    if len(expr) > _MAX_CHARACTERS:
        raise ConfigurationError(
            f"the condition has {len(expr):,} characters, more than the {_MAX_CHARACTERS:,} allowed"
        )
    try:
        statements = sqlglot.parse(expr)
        tree = statements[0] if len(statements) == 1 else None
        if tree is None:
            what = "is empty" if all(s is None for s in statements) else "is more than one condition"
            raise ConfigurationError(f"{shortened(expr)} {what}; write one, such as \"class = 'STAR' AND r_mag < 20\"")
        compiler = ConditionCompiler(expr, schema)
        value = compiler.truth(tree, "the condition")
    except SqlglotError as error:
        near = error.errors[0].get("highlight") if isinstance(error, ParseError) and error.errors else None
        at = f" near {shortened(near)}" if near else ""
        raise ConfigurationError(
            f"{shortened(expr)} is not a condition that can be read{at}; it may hold {WHAT}"
        ) from None
    except RecursionError:
        raise ConfigurationError("the condition is nested too deeply; use IN (…) or fewer brackets") from None
    return Where(expr, tuple(sorted(compiler.columns)), value.evaluate)
