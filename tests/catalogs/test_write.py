"""Writing catalogs: the same rows give the same bytes, whatever the batches and wherever a run was cut."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.schema import CLASSES, identity_fields, label_fields, metadata_of, photometry_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, OutputError


def data_files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted((path / "dataset").rglob("*.parquet"))}


def write(path: Path, table: pa.Table, sizes: list[int] | None = None, **more: Any) -> Catalog:
    """Write a table in batches of the sizes given (again and again)."""
    sizes = sizes or [len(table)]
    fields = list(table.schema)
    options = {"inputs": {}, "rows_per_partition": 25, **more}
    with CatalogWriter(
        path, fields, placed="ra" in table.column_names, made_by={"command": "test"}, **options
    ) as writer:
        start = turn = 0
        while start < len(table):
            writer.add(table.slice(start, sizes[turn % len(sizes)]))
            start, turn = start + sizes[turn % len(sizes)], turn + 1
        return writer.close()


@pytest.mark.parametrize("placed", [True, False])
def test_rows_come_back_as_they_were(tmp_path: Path, make_rows: Callable[..., pa.Table], placed: bool) -> None:
    table = make_rows(placed=placed)
    catalog = write(tmp_path / "c", table)
    assert len(catalog) == len(table)
    assert len(catalog.partitions) > 1
    found = catalog.read()
    assert content_hash(found.sort_by("object_id"), ["source_id"]) == content_hash(table, ["source_id"])
    assert found["source_id"].null_count == 0
    if not placed:
        assert found["object_id"].equals(table["object_id"])
    catalog.verify()


@pytest.mark.parametrize("placed", [True, False])
def test_batches_do_not_change_a_byte(tmp_path: Path, make_rows: Callable[..., pa.Table], placed: bool) -> None:
    table = make_rows(placed=placed)
    whole = write(tmp_path / "a", table)
    pieces = write(tmp_path / "b", table, [1, 7, 13])
    assert data_files(whole.path) == data_files(pieces.path)
    assert whole.fingerprint == pieces.fingerprint
    if placed:
        # Rows are sorted by place: the order in which they come does not matter either.
        backwards = write(tmp_path / "c", table.take(list(range(len(table)))[::-1]), [9])
        assert data_files(backwards.path) == data_files(whole.path)


NULLABLE = st.one_of(st.none(), st.floats(-1e6, 1e6, width=32))
ROWS = st.lists(
    st.tuples(
        st.floats(0, 359.999), st.floats(-90, 90), st.none() | st.sampled_from(CLASSES), NULLABLE,
        st.none() | st.lists(st.tuples(st.floats(-1e3, 1e6, width=32), st.booleans()), min_size=2, max_size=2),
        st.none() | st.lists(st.text(max_size=4), max_size=2), st.text(max_size=3),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, batch=st.integers(1, 5), placed=st.booleans())
def test_arbitrary_rows_come_back(tmp_path_factory, rows: list[Any], batch: int, placed: bool) -> None:
    fields = [
        *identity_fields(placed),
        *label_fields(["class", "redshift", "targets"]),
        *photometry_fields("wise", ["W1", "W2"], dereddened=False, zero_point="ab"),
    ]
    flux = [None if r[4] is None else [v if seen else np.nan for v, seen in r[4]] for r in rows]
    ivar = [None if r[4] is None else [float(seen) for _, seen in r[4]] for r in rows]
    n = len(rows)
    columns = {
        "object_id": [f"{index:03d}{row[6]}" for index, row in enumerate(rows)],
        "source_id": [None] * n,
        "ra": [row[0] for row in rows],
        "dec": [row[1] for row in rows],
        "survey": [row[6] for row in rows],
        "release": [None] * n,
        "mjd": [row[3] for row in rows],
        "class": [row[2] for row in rows],
        "redshift": [row[3] for row in rows],
        "targets": [row[5] for row in rows],
        "photometry_wise_flux": flux,
        "photometry_wise_ivar": ivar,
    }
    schema = pa.schema(fields)
    table = pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
    folder = tmp_path_factory.mktemp("rows")
    catalog = write(folder / "c", table, [batch], rows_per_partition=4)
    found = catalog.read()
    assert content_hash(found.sort_by("object_id"), ["source_id"]) == content_hash(table, ["source_id"])
    assert found.schema.equals(schema)
    assert [metadata_of(field) for field in found.schema] == [metadata_of(field) for field in schema]


def test_metadata_stand_in_every_data_file(make_sky: Callable[..., Catalog]) -> None:
    catalog = make_sky(rows_per_partition=25)
    for file in (catalog.path / "dataset").rglob("*"):
        if file.is_file():
            schema = pq.read_schema(file)
            assert schema.names[0] == "_healpix_29"
            assert schema.field("photometry_sdss_flux").metadata[b"unit"] == b"nanomaggy"
            assert schema.field("image_sdss_flux").metadata[b"shape"] == b"5,8,8"


def test_repeated_objects_go_to_quarantine_and_second_observations_do_not(
    tmp_path: Path, make_rows: Callable[..., pa.Table]
) -> None:
    table = make_rows(rows=10)
    twice = table.slice(0, 1).set_column(0, "object_id", pa.array(["again"])).cast(table.schema)
    with CatalogWriter(tmp_path / "c", list(table.schema), placed=True, made_by={}, inputs={}) as writer:
        writer.add(table, file="one.csv")
        writer.add(twice)
        writer.add(table.slice(3, 2), file="two.csv", rows=[11, 12])
        catalog = writer.close()
    assert len(catalog) == 11
    lines = pq.read_table(catalog.path / "quarantine.parquet").to_pylist()
    assert [(line["row"], line["file"]) for line in lines] == [("11", "two.csv"), ("12", "two.csv")]
    assert "object-0-00003 is there already" in lines[0]["reason"]
    read = catalog.read(["object_id", "source_id"]).to_pydict()
    sources = dict(zip(read["object_id"], read["source_id"], strict=True))
    assert sources["again"] == sources["object-0-00000"]
    assert len(set(sources.values())) == 10


def test_rows_without_a_place_go_to_quarantine(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    table = make_rows(rows=6)
    ra = table["ra"].to_pylist()
    ra[2], ra[4] = None, 400.0
    table = table.set_column(table.column_names.index("ra"), table.schema.field("ra"), pa.array(ra))
    with CatalogWriter(tmp_path / "c", list(table.schema), placed=True, made_by={}, inputs={}) as writer:
        writer.add(table, file="a.csv", rows=list(range(100, 106)))
        writer.quarantine(200, "a.csv", "no numbers")
    catalog = open_catalog(tmp_path / "c")
    assert len(catalog) == 4
    lines = pq.read_table(catalog.path / "quarantine.parquet")
    assert lines["row"].to_pylist() == ["102", "104", "200"]


def test_names_are_made_from_the_row(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    table = make_rows(rows=26, placed=False, image=False).drop_columns(["object_id", "source_id"])
    one = write(tmp_path / "a", table)
    two = write(tmp_path / "b", table.slice(10), [4])
    assert one.read(["object_id"])["object_id"].to_pylist()[10:] == two.read(["object_id"])["object_id"].to_pylist()
    assert one.schema.names[:2] == ["object_id", "source_id"]
    # A repeated row has the same name and is told apart from a second observation.
    again = write(tmp_path / "c", pa.concat_tables([table, table.slice(0, 3)]))
    assert len(again) == 26
    assert again.describe()["quarantine"]["rows"] == 3


def test_given_sources_are_kept(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    table = make_rows(rows=4)
    table = table.set_column(1, table.schema.field("source_id"), pa.array(["A", None, "A", "B"]))
    sources = (
        write(tmp_path / "c", table).read(["object_id", "source_id"]).sort_by("object_id")["source_id"].to_pylist()
    )
    assert sources[0] == sources[2] == "A"
    assert sources[3] == "B"
    assert sources[1] not in ("A", "B", None)


def test_partitions_respect_bytes(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    catalog = write(tmp_path / "c", make_rows(rows=40), rows_per_partition=1000, bytes_per_partition=40_000)
    assert len(catalog.partitions) > 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.rename_columns([n.replace("redshift", "redshft") for n in t.column_names]), "did you mean 'reds"),
        (lambda t: t.drop_columns(["class"]), "column 'class' lacks in a.csv"),
        (lambda t: t.set_column(2, "ra", pa.array(["x"] * len(t))), "column 'ra' of a.csv is string and can't become"),
        (lambda t: t.slice(0, 0), "no row is left"),
    ],
)
def test_bad_tables_are_refused_and_leave_nothing(
    tmp_path: Path, make_rows: Callable[..., pa.Table], change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    table = make_rows(rows=5)
    with (
        pytest.raises(BadInputError, match=message),
        CatalogWriter(tmp_path / "c", list(table.schema), placed=True, made_by={}, inputs={}) as writer,
    ):
        writer.add(change(table), file="a.csv")
    assert os.listdir(tmp_path) == []


def test_all_rows_in_quarantine_says_why(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    table = make_rows(rows=3)
    nowhere = table.set_column(2, table.schema.field("ra"), pa.nulls(3, pa.float64()))
    with pytest.raises(BadInputError, match="3 went to quarantine, most often because 'no position"):
        write(tmp_path / "c", nowhere)


def test_fields_must_fit_a_catalog(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="did you mean 'class'"):
        CatalogWriter(tmp_path / "c", [pa.field("clas", pa.string())], placed=False, made_by={}, inputs={})
    with pytest.raises(BadInputError, match="lack ra or dec"):
        CatalogWriter(tmp_path / "c", label_fields(), placed=True, made_by={}, inputs={})
    assert os.listdir(tmp_path) == []


def test_the_same_again_is_complete_and_other_inputs_are_refused(
    tmp_path: Path, make_rows: Callable[..., pa.Table]
) -> None:
    table = make_rows(rows=12)
    first = write(tmp_path / "c", table, inputs={"seed": 1})
    options: dict[str, Any] = {"made_by": {}, "inputs": {"seed": 1}, "rows_per_partition": 25}
    with CatalogWriter(tmp_path / "c", list(table.schema), placed=True, **options) as writer:
        assert writer.complete
        writer.add(table.slice(0, 1))
        assert writer.done_blocks == frozenset()
    assert open_catalog(tmp_path / "c").fingerprint == first.fingerprint
    with pytest.raises(OutputError, match='columns.redshift: "float" before, nothing now'):
        write(tmp_path / "c", table.drop_columns(["redshift"]), inputs={"seed": 1})
    with pytest.raises(OutputError, match="seed: 1 before, 2 now"):
        write(tmp_path / "c", table, inputs={"seed": 2})
    assert len(write(tmp_path / "c", table.slice(2), inputs={"seed": 2}, overwrite=True)) == 10


def add_blocks(path: Path, table: pa.Table) -> Catalog:
    """Rows in numbered blocks, out of order, with quarantine lines of their own."""
    options: dict[str, Any] = {"inputs": {}, "rows_per_partition": 12}
    with CatalogWriter(path, list(table.schema), placed=True, made_by={}, **options) as writer:
        for block in (2, 0, 1):
            if block not in writer.done_blocks:
                writer.quarantine(block, "sky", f"block {block}")
                writer.add(table.slice(block * 10, 10), block=block)
        writer.add(table.slice(0, 2), block=0)  # there already: nothing happens
        return writer.close()


def test_wherever_a_run_is_cut_the_next_one_ends_with_the_same_bytes(
    tmp_path: Path, make_rows: Callable[..., pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_rows(rows=30, image=False)
    reference = add_blocks(tmp_path / "reference", table)
    wanted = data_files(reference.path), pq.read_table(reference.path / "quarantine.parquet").to_pylist()
    replace, budget = os.replace, [0]

    def limited(source: Any, target: Any) -> None:
        if not budget[0]:
            # A kill leaves the file that was being written, half written.
            half = Path(source)
            if half.is_file():
                half.with_name(half.name.replace(f".{os.getpid()}.", ".0.")).write_bytes(b"half")
            raise KeyboardInterrupt
        budget[0] -= 1
        replace(source, target)

    monkeypatch.setattr(os, "replace", limited)
    cut = 0
    while True:
        # Every file appears by a rename: a run that may rename n times is a run killed before the next.
        budget[0] = cut
        path = tmp_path / f"cut-{cut}"
        try:
            add_blocks(path, table)
        except KeyboardInterrupt:
            assert not path.exists()
            budget[0] = -1
            catalog = add_blocks(path, table)
            assert data_files(path) == wanted[0]
            assert pq.read_table(path / "quarantine.parquet").to_pylist() == wanted[1]
            assert catalog.fingerprint == reference.fingerprint
            assert not path.with_name(path.name + ".partial").exists()
            assert not list(path.rglob("*.tmp*"))
        else:
            break
        cut += 1
    assert cut > 10


def test_the_fingerprint_follows_data_only(tmp_path: Path, make_rows: Callable[..., pa.Table]) -> None:
    table = make_rows(rows=20)
    one = write(tmp_path / "a", table)
    fields = [field.with_metadata({**field.metadata, b"provenance": b"elsewhere"}) for field in table.schema]
    two = write(tmp_path / "b", table.cast(pa.schema(fields)))
    (two.path / "splits").mkdir()
    pq.write_table(pa.table({"object_id": ["a"]}), two.path / "splits" / "s.parquet")
    assert open_catalog(two.path).fingerprint == one.fingerprint
    mjd = pc.if_else(pc.equal(table["object_id"], "object-0-00007"), 5.0, None)
    changed = table.set_column(table.column_names.index("mjd"), table.schema.field("mjd"), mjd)
    assert write(tmp_path / "d", changed).fingerprint != one.fingerprint
