"""Narrow catalogs: columns added to a parent, joined when opened, resumed by partition."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.narrow import NarrowWriter, write_wide
from asterism.catalogs.schema import identity_fields, prediction_fields, truth_field
from asterism.errors import BadInputError, OutputError

FIELDS = [f for f in prediction_fields("classification") if f.name in ("p_star", "class_predicted", "class_set")]


def answers(rows: pa.Table) -> pa.Table:
    """Made-up predictions that depend on the object."""
    names = rows["object_id"].to_pylist()
    return pa.table(
        {
            "object_id": names,
            "p_star": pa.array([int(name[-2:]) / 100 for name in names], pa.float32()),
            "class_predicted": ["STAR"] * len(names),
            "class_set": pa.array([None if name.endswith("3") else ["STAR", "QSO"] for name in names]),
        }
    )


def predict(parent: Catalog, path: Path, **more: Any) -> Catalog:
    with NarrowWriter(parent, path, FIELDS, made_by={"command": "predict"}, inputs={"model": "m"}, **more) as writer:
        for partition in parent.partitions:
            if partition.index not in writer.done:
                writer.quarantine(partition.index, "", "odd")
                writer.write(partition, answers(parent.read_partition(partition, ["object_id"])))
        return writer.close()


@pytest.mark.parametrize("placed", [True, False])
def test_opening_shows_the_joined_row(tmp_path: Path, make_sky: Callable[..., Catalog], placed: bool) -> None:
    sky = make_sky(placed=placed, rows_per_partition=25)
    narrow = predict(sky, tmp_path / "narrow")
    assert narrow.parent is not None
    assert narrow.parent.path == sky.path
    assert narrow.schema.names == [*sky.schema.names, "p_star", "class_predicted", "class_set"]
    assert [p.relative_path for p in narrow.partitions] == [p.relative_path for p in sky.partitions]
    joined = narrow.read()
    assert content_hash(joined.select(sky.schema.names)) == content_hash(sky.read())
    assert joined["p_star"].equals(answers(joined)["p_star"])
    assert narrow.schema.field("p_star").metadata[b"ucd"]
    identity = [field.name for field in identity_fields(placed)]
    assert narrow.own_schema.names == [*identity, "p_star", "class_predicted", "class_set"]
    assert narrow.read(["p_star", "class"]).column_names == ["p_star", "class"]
    assert narrow.describe()["quarantine"] == {"rows": len(sky.partitions), "reasons": {"odd": len(sky.partitions)}}
    narrow.verify()


def test_a_narrow_catalog_may_be_a_parent(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    sky = make_sky(rows=30, rows_per_partition=10)
    first = predict(sky, tmp_path / "first")
    second = predict(first, tmp_path / "second")
    assert second.parent is not None
    assert second.parent.parent is not None
    # A column that both have is shown once, and is the newer one's.
    assert second.schema.names == first.schema.names
    new = truth_field("truth_mass", pa.float32(), "kg", "Mass")
    with NarrowWriter(second, tmp_path / "third", [new], made_by={}, inputs={}) as writer:
        for partition in second.partitions:
            writer.write(partition, pa.table({"truth_mass": [1.0] * partition.rows}))
    third = open_catalog(tmp_path / "third")
    row = third.read(["class", "p_star", "truth_mass", "image_sdss_flux"])
    assert len(row) == 30
    assert third.groups.keys() == sky.groups.keys()
    assert len({c.fingerprint for c in (sky, first, second, third)}) == 4


def test_no_catalog_that_the_columns_come_from_is_replaced(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    sky = make_sky(rows=10)
    first = predict(sky, tmp_path / "first")
    second = predict(first, tmp_path / "second")
    (tmp_path / "link").symlink_to(sky.path)
    fields = [truth_field("truth_mass", pa.float32(), "kg", "Mass")]
    for place in (sky.path, first.path, second.path, tmp_path / "link"):
        with pytest.raises(OutputError, match="come from"):
            NarrowWriter(second, place, fields, made_by={}, inputs={}, overwrite=True)
    open_catalog(second.path).verify()


def test_a_parent_is_found_through_links(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    sky = make_sky(rows=10)
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "disk" / "deep")
    predict(sky, tmp_path / "data" / "answers")
    for place in (tmp_path / "data" / "answers", tmp_path / "disk" / "deep" / "answers"):
        assert open_catalog(place).parent is not None


def test_both_can_be_moved_together_and_a_changed_parent_is_refused(
    tmp_path: Path, make_sky: Callable[..., Catalog]
) -> None:
    (tmp_path / "here").mkdir()
    sky = make_sky("here/sky", rows=20)
    narrow = predict(sky, tmp_path / "here" / "deep" / "narrow")
    assert narrow.info["parent"]["path"] == "../../sky"
    shutil.move(tmp_path / "here", tmp_path / "there")
    moved = open_catalog(tmp_path / "there" / "deep" / "narrow")
    assert moved.parent is not None
    assert moved.parent.path == tmp_path / "there" / "sky"
    shutil.rmtree(tmp_path / "there" / "sky")
    with pytest.raises(BadInputError, match="adds columns to a catalog that can't be opened"):
        open_catalog(moved.path)
    make_sky("there/sky", rows=20, seed=1)
    with pytest.raises(BadInputError, match=r"was made from other rows than .*make it again"):
        open_catalog(moved.path)


def test_wide_rows_stand_alone(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    for placed in (True, False):
        sky = make_sky(f"sky-{placed}", rows=30, placed=placed, rows_per_partition=10)
        narrow = predict(sky, tmp_path / f"narrow-{placed}")
        wide = write_wide(narrow, tmp_path / f"wide-{placed}")
        assert wide.parent is None
        assert wide.quarantine().equals(narrow.quarantine())
        assert content_hash(wide.read()) == content_hash(narrow.read())
        assert wide.schema.field("image_sdss_flux").metadata == narrow.schema.field("image_sdss_flux").metadata
        shutil.rmtree(sky.path)
        open_catalog(wide.path).verify()
        assert write_wide(wide, tmp_path / f"wide-{placed}-2").fingerprint == wide.fingerprint
    before = os.stat(wide.path / "asterism.json").st_mtime_ns
    with pytest.raises(BadInputError):
        open_catalog(narrow.path)
    assert os.stat(wide.path / "asterism.json").st_mtime_ns == before


def test_an_interrupted_one_continues_with_what_is_left(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    sky = make_sky(rows_per_partition=25)
    whole = predict(sky, tmp_path / "whole")

    def half() -> None:
        with NarrowWriter(sky, tmp_path / "cut", FIELDS, made_by={}, inputs={"model": "m"}) as writer:
            for partition in sky.partitions[:2]:
                writer.quarantine(partition.index, "", "odd")
                writer.write(partition, answers(sky.read_partition(partition, ["object_id"])))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    with NarrowWriter(sky, tmp_path / "cut", FIELDS, made_by={}, inputs={"model": "m"}) as writer:
        assert writer.done == {0, 1}
        with pytest.raises(OutputError, match=r"partitions of .* are not written"):
            writer.close()
    cut = predict(sky, tmp_path / "cut")
    assert cut.fingerprint == whole.fingerprint
    for partition in sky.partitions:
        assert (cut.path / partition.relative_path).read_bytes() == (whole.path / partition.relative_path).read_bytes()
    lines = [pq.read_table(c.path / "quarantine.parquet").to_pylist() for c in (cut, whole)]
    assert lines[0] == lines[1]
    assert not (cut.path / "quarantine").exists()
    with NarrowWriter(sky, tmp_path / "cut", FIELDS, made_by={}, inputs={"model": "m"}) as writer:
        assert writer.complete
    with pytest.raises(OutputError, match="model"):
        NarrowWriter(sky, tmp_path / "cut", FIELDS, made_by={}, inputs={"model": "other"})


def test_columns_and_rows_must_fit(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    sky = make_sky(rows=30, placed=False)
    partition = sky.partitions[0]
    assert partition.rows == 30
    rows = answers(sky.read_partition(partition, ["object_id"]))
    for wrong, message in (
        (rows.slice(1), "needs 30 rows"),
        (rows.take(list(range(29, -1, -1))), "not its parent's"),
        (rows.drop_columns(["p_star"]), "column 'p_star' lacks"),
        (rows.set_column(1, "p_star", pa.array(["x"] * 30)), "can't become float"),
    ):
        with (
            pytest.raises(BadInputError, match=message),
            NarrowWriter(sky, tmp_path / "n", FIELDS, made_by={}, inputs={}) as writer,
        ):
            writer.write(partition, wrong)
        assert not (tmp_path / "n.partial").exists()
    with pytest.raises(BadInputError, match="would add no column"):
        NarrowWriter(sky, tmp_path / "n", identity_fields(False), made_by={}, inputs={})
    with pytest.raises(OutputError, match="the columns come from"):
        NarrowWriter(sky, sky.path, FIELDS, made_by={}, inputs={})
