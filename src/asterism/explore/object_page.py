"""One object as a file: a picture, or an HTML page of the picture and all values of the row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asterism.catalogs.columns import metadata_of
from asterism.catalogs.objects import object_values
from asterism.catalogs.outputs import atomic_write
from asterism.errors import OutputError
from asterism.explore.portrait import describe_object, portrait
from asterism.inference.report import Cell, Page, Picture, Section, Table, render

if TYPE_CHECKING:
    import pyarrow as pa

    from asterism.catalogs.groups import Group

__all__ = ["write_object"]

_LISTED = 12  # numbers of a list that a page shows; longer ones are told by shape


def write_object(row: pa.Table, groups: Mapping[str, Group], path: Path, *, catalog: str = "") -> str:
    """Draw an object to a file.

    Parameters
    ----------
    row : pyarrow.Table
        Of `asterism.catalogs.objects.find_object`.
    groups : mapping of str to Group
        The catalog's modality groups.
    path : Path
        Its suffix says what it becomes: ``.html`` a page, otherwise a picture.
    catalog : str
        Name of the catalog, for the page.

    Returns
    -------
    str
        One line that says what the object is.

    Raises
    ------
    BadInputError
        Nothing of the object can be drawn.
    OutputError
        The file can't be written.
    """
    values = object_values(row)
    figure = portrait(values, groups)
    try:
        with atomic_write(path) as temporary:
            if path.suffix.lower() == ".html":
                temporary.write_text(render(_page(row, values, figure, catalog)), "utf-8")
            else:
                figure.savefig(temporary, dpi=130, facecolor="white", format=path.suffix.lower()[1:])
    except OSError as error:
        raise OutputError(f"can't write {path}: {error.strerror or error}; choose another file") from error
    return describe_object(values)


def _page(row: pa.Table, values: Mapping[str, Any], figure: Any, catalog: str) -> Page:
    lines = []
    for one in row.schema:
        about = metadata_of(one)
        lines.append(
            [
                Cell(one.name),
                Cell(_text(values[one.name])),
                Cell(about.get("unit", "")),
                Cell(about.get("description", "")),
            ]
        )
    picture = Section("Picture", figures=[Picture.of(figure, "", wide=True)])
    table = Section("All values", tables=[Table(["column", "value", "unit", "meaning"], lines, texts=True)])
    subtitle = describe_object(values)
    return Page(str(values["object_id"]), subtitle, [], [picture, table], [("catalog", catalog)])


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, np.ndarray):
        if value.size > _LISTED:
            return f"{' × '.join(map(str, value.shape))} numbers, {int(np.isfinite(value).sum()):,} of them finite"
        return ", ".join(f"{x:.6g}" for x in value.reshape(-1))
    if isinstance(value, float):
        return f"{value:.9g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
