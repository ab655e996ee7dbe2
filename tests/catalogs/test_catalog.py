"""Opening and reading catalogs: by us, by LSDB and by plain Arrow the rows are the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError, ConfigurationError

LSDB_WARNINGS = pytest.mark.filterwarnings(
    # nested-pandas, which LSDB stands on, still passes an argument that pandas 3.1 deprecates.
    "ignore:The inplace keyword in NestedFrame",
    # and an option that pandas 3 has done away with.
    "ignore:The 'mode.chained_assignment' option is deprecated",
)


def add_split(catalog: Catalog, name: str = "default") -> None:
    rows = catalog.read(["object_id", "source_id"])
    part = np.where(np.arange(len(rows)) % 3 == 0, "test", "train")
    table = rows.append_column("part", pa.array(part)).append_column("fold", pa.nulls(len(rows), pa.int32()))
    (catalog.path / "splits").mkdir(exist_ok=True)
    pq.write_table(table, catalog.path / "splits" / f"{name}.parquet")


def test_plain_arrow_reads_the_same_rows(tiny_sky: Catalog, tiny_table_sky: Catalog) -> None:
    for catalog in (tiny_sky, tiny_table_sky):
        files = [str(catalog.path / partition.relative_path) for partition in catalog.partitions]
        plain = ds.dataset(files, format="parquet").to_table(columns=catalog.schema.names)
        assert content_hash(plain) == content_hash(catalog.read())


@LSDB_WARNINGS
def test_lsdb_reads_the_same_rows(tiny_sky: Catalog) -> None:
    import lsdb

    frame = lsdb.open_catalog(tiny_sky.path).compute()
    ours = tiny_sky.read()
    theirs = pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False).select(ours.column_names)
    theirs = theirs.cast(pa.schema([pa.field(f.name, f.type) for f in ours.schema]))
    assert content_hash(theirs.sort_by("object_id")) == content_hash(ours.sort_by("object_id"))


@LSDB_WARNINGS
def test_lsdb_cone_finds_our_rows(tiny_sky: Catalog) -> None:
    import lsdb

    place = tiny_sky.read(["object_id", "ra", "dec"]).to_pylist()[7]
    found = lsdb.open_catalog(tiny_sky.path).cone_search(place["ra"], place["dec"], radius_arcsec=1.0).compute()
    assert found["object_id"].tolist() == [place["object_id"]]


def test_hats_accepts_the_layout(tiny_sky: Catalog) -> None:
    from hats.io.validation import is_valid_catalog

    assert is_valid_catalog(tiny_sky.path, strict=True, verbose=False)


def test_reading_columns_and_partitions(tiny_sky: Catalog) -> None:
    assert tiny_sky.read(["redshift", "object_id"]).column_names == ["redshift", "object_id"]
    parts = [tiny_sky.read_partition(partition, ["object_id"]) for partition in tiny_sky.partitions]
    assert pa.concat_tables(parts).equals(tiny_sky.read(["object_id"]))
    assert [partition.start for partition in tiny_sky.partitions] == np.cumsum(
        [0, *(len(part) for part in parts[:-1])]
    ).tolist()
    assert sum(len(t) for t in tiny_sky.batches(["ra"])) == len(tiny_sky) == 60
    assert "60 rows" in repr(tiny_sky)
    with pytest.raises(BadInputError, match="did you mean 'redshift'"):
        tiny_sky.read(["redshft"])
    with pytest.raises(ConfigurationError, match="list of names"):
        tiny_sky.read("redshift")


def test_reading_by_condition(tiny_sky: Catalog) -> None:
    found = tiny_sky.read(["object_id", "ra"], where="redshift > 0.5 AND class = 'QSO'")
    rows = tiny_sky.read(["ra", "redshift", "class"]).to_pylist()
    wanted = [r["ra"] for r in rows if r["class"] == "QSO" and r["redshift"] is not None and r["redshift"] > 0.5]
    assert found.column_names == ["object_id", "ra"]
    assert found["ra"].to_pylist() == wanted
    assert len(tiny_sky.read(["ra"], where="redshift > 99")) == 0


def test_splits_choose_rows(make_sky: Callable[..., Catalog]) -> None:
    catalog = make_sky(rows_per_partition=25)
    assert catalog.split_names() == []
    add_split(catalog)
    assert catalog.split_names() == ["default"]
    assert catalog.split("default").column_names == ["object_id", "source_id", "part", "fold"]
    names = catalog.read(["object_id"])["object_id"].to_pylist()
    assert catalog.read(["object_id"], split="default", part="test")["object_id"].to_pylist() == names[::3]
    assert len(catalog.read(["ra"], split="default", part=["train", "test"])) == 60
    assert len(catalog.read(["ra"], split="default")) == 60
    with pytest.raises(BadInputError, match="unknown split 'defalt'; did you mean 'default'"):
        catalog.read(split="defalt")
    with pytest.raises(BadInputError, match="did you mean 'test'"):
        catalog.read(split="default", part="tests")
    with pytest.raises(ConfigurationError, match="needs the name of a split"):
        catalog.read(part="test")


def test_a_split_with_a_fold_chooses_that_folds_rows(make_sky: Callable[..., Catalog]) -> None:
    catalog = make_sky()
    made = make_split(catalog, "cv", folds=3)
    for fold in range(3):
        chosen = catalog.read(["object_id"], split=f"cv@{fold}", part="test")["object_id"].to_pylist()
        assert chosen == made.filter(pc.equal(made["fold"], fold))["object_id"].to_pylist()
    with pytest.raises(BadInputError, match="unknown split 'cx@1'"):
        catalog.split("cx@1")


def test_the_parents_splits_serve_its_narrow_catalogs(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    from asterism.catalogs.schema import truth_field
    from asterism.catalogs.write import NarrowWriter

    sky = make_sky(rows=20)
    add_split(sky, "mine")
    with NarrowWriter(sky, tmp_path / "n", [truth_field("truth_x", pa.int8())], made_by={}, inputs={}) as writer:
        for partition in sky.partitions:
            writer.write(partition, pa.table({"truth_x": pa.array([1] * partition.rows, pa.int8())}))
    narrow = open_catalog(tmp_path / "n")
    assert narrow.split_names() == ["mine"]
    assert len(narrow.read(["truth_x", "class"], split="mine", part="test")) == 7


def test_tables_have_units_and_shapes(tiny_sky: Catalog) -> None:
    table = tiny_sky.table(["photometry_sdss_flux", "image_sdss_flux", "ra", "class"])
    assert table["image_sdss_flux"].shape == (60, 5, 8, 8)
    assert str(table["photometry_sdss_flux"].unit) == "nmgy"
    assert str(table["ra"].unit) == "deg"


def test_foreign_and_missing_directories_are_refused(tmp_path: Path, make_sky: Callable[..., Catalog]) -> None:
    with pytest.raises(BadInputError, match="there is no catalog at"):
        open_catalog(tmp_path / "nowhere")
    (tmp_path / "foreign").mkdir()
    with pytest.raises(BadInputError, match="not an Asterism catalog"):
        open_catalog(tmp_path / "foreign")
    (tmp_path / "half.partial").mkdir()
    with pytest.raises(BadInputError, match="is not finished"):
        open_catalog(tmp_path / "half")


def test_damage_is_found(make_sky: Callable[..., Catalog], tmp_path: Path) -> None:
    whole = make_sky(rows=20)

    def copy(name: str) -> Path:
        shutil.copytree(whole.path, tmp_path / name)
        return tmp_path / name

    path = copy("no-file")
    (path / whole.partitions[0].relative_path).unlink()
    with pytest.raises(BadInputError, match="lacks its data file"):
        open_catalog(path)

    path = copy("short")
    data = path / whole.partitions[0].relative_path
    data.write_bytes(data.read_bytes()[:-10])
    with pytest.raises(BadInputError, match=r"has .* bytes and not"):
        open_catalog(path)

    path = copy("json")
    (path / "asterism.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"asterism\.json is damaged"):
        open_catalog(path)

    path = copy("version")
    info = json.loads((path / "asterism.json").read_text()) | {"schema_version": 99}
    (path / "asterism.json").write_text(json.dumps(info))
    with pytest.raises(BadInputError, match="schema version 99"):
        open_catalog(path)

    path = copy("schema")
    (path / "dataset" / "_common_metadata").write_bytes(b"x")
    with pytest.raises(BadInputError, match="_common_metadata is missing or damaged"):
        open_catalog(path)

    path = copy("bytes")
    data = path / whole.partitions[0].relative_path
    content = bytearray(data.read_bytes())
    content[4:2000] = b"X" * 1996
    data.write_bytes(bytes(content))
    for use in (Catalog.read, Catalog.verify):
        with pytest.raises(BadInputError, match=r"can't read .*parquet"):
            use(open_catalog(path))


def test_verification_finds_changed_values(make_sky: Callable[..., Catalog]) -> None:
    catalog = make_sky(rows=20)
    file = catalog.path / catalog.partitions[0].relative_path
    table = pq.ParquetFile(file).read()
    changed = table.set_column(table.column_names.index("redshift"), "redshift", pa.nulls(len(table), pa.float32()))
    pq.write_table(changed, file)
    info = json.loads((catalog.path / "asterism.json").read_text())
    info["partitions"][0]["bytes"] = file.stat().st_size
    (catalog.path / "asterism.json").write_text(json.dumps(info))
    with pytest.raises(BadInputError, match="does not hold what was written"):
        open_catalog(catalog.path).verify()
