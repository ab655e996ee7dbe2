"""What all makers of catalogs share: one life of an output, and files that say how it was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import asterism
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.write import CatalogWriter


def test_the_description_says_how_it_was_made(make_sky: Callable[..., Catalog]) -> None:
    catalog = make_sky()
    info = json.loads((catalog.path / "asterism.json").read_text())
    assert info["schema_version"] == 1
    assert info["kind"] == "placed"
    assert info["parent"] is None
    assert info["rows"] == len(catalog)
    assert info["made_by"] == {"command": "a test", "asterism": asterism.__version__}
    assert sum(entry["rows"] for entry in info["partitions"]) == len(catalog)
    assert pq.read_table(catalog.path / "quarantine.parquet").column_names == ["row", "file", "reason"]


def test_a_writer_is_closed_once(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    table = make_rows(rows=5)
    writer = CatalogWriter(tmp_path / "c", list(table.schema), placed=True, made_by={}, inputs={})
    writer.add(table)
    assert writer.path == tmp_path / "c"
    assert len(writer.close()) == len(writer.close()) == 5


def test_an_interrupted_writer_leaves_its_rows_to_be_continued(
    tmp_path: Path, make_rows: Callable[..., pa.Table]
) -> None:
    table = make_rows(rows=5)

    def half() -> None:
        with CatalogWriter(tmp_path / "c", list(table.schema), placed=True, made_by={}, inputs={}) as writer:
            writer.add(table, block=0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert (tmp_path / "c.partial").is_dir()
    with CatalogWriter(tmp_path / "c", list(table.schema), placed=True, made_by={}, inputs={}) as writer:
        assert writer.done_blocks == {0}
    assert len(open_catalog(tmp_path / "c")) == 5
