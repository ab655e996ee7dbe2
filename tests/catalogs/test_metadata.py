"""Metadata come back after LSDB has dropped them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.metadata import restore_metadata
from asterism.errors import BadInputError


@pytest.mark.filterwarnings(
    # nested-pandas, which LSDB stands on, still passes an argument that pandas 3.1 deprecates.
    "ignore:The inplace keyword in NestedFrame",
    # and an option that pandas 3 has done away with.
    "ignore:The 'mode.chained_assignment' option is deprecated",
    # We give LSDB no margin cache: the pairs looked for here lie inside their pixels.
    "ignore:Right catalog does not have a margin cache",
)
def test_metadata_survive_a_crossmatch_by_lsdb(
    tmp_path: Path, make_sky: Callable[..., Catalog], make_rows: Callable[..., pa.Table]
) -> None:
    import lsdb

    left = make_sky("left", rows=20)
    rows = make_rows(rows=20)
    # The same sky seen by another survey, a tenth of an arcsecond off.
    moved = rows.set_column(rows.column_names.index("dec"), rows.schema.field("dec"), pc.add(rows["dec"], 0.1 / 3600))
    right = make_sky("right", moved)

    pairs = lsdb.open_catalog(left.path).crossmatch(
        lsdb.open_catalog(right.path), radius_arcsec=1, suffixes=("", "_right"), suffix_method="all_columns"
    )
    pairs.write_catalog(tmp_path / "pairs", progress_bar=False)
    fields = [*left.schema, *(field.with_name(f"{field.name}_right") for field in right.schema)]
    (written,) = (file.parent for file in (tmp_path / "pairs").glob("*/dataset"))
    before = pq.read_schema(written / "dataset" / "_common_metadata")
    assert before.field("photometry_sdss_flux").metadata is None or (
        b"unit" not in before.field("photometry_sdss_flux").metadata
    )

    restore_metadata(tmp_path / "pairs", pa.schema(fields))

    found = lsdb.open_catalog(tmp_path / "pairs").compute()
    assert len(found) == 20
    assert (found["object_id"] == found["object_id_right"]).all()
    for file in (written / "dataset").rglob("*"):
        if file.is_file():
            schema = pq.read_schema(file)
            for field in fields:
                stored = schema.field(field.name)
                assert stored.type == field.type
                assert field.metadata.items() <= stored.metadata.items()
            assert "_dist_arcsec" in schema.names


def test_tables_and_plain_directories(tmp_path: Path, tiny_table_sky: Catalog) -> None:
    bare = tiny_table_sky.read().replace_schema_metadata({"pandas": "{}"})
    bare = bare.cast(pa.schema([pa.field(f.name, f.type) for f in bare.schema])).append_column("own", [[1] * 60])
    restored = restore_metadata(bare, tiny_table_sky.schema)
    assert restored is not None
    assert restored.schema.field("redshift").metadata == tiny_table_sky.schema.field("redshift").metadata
    assert restored.schema.metadata is None
    assert restored.column_names == bare.column_names

    (tmp_path / "dataset").mkdir()
    pq.write_table(bare, tmp_path / "dataset" / "part-0.parquet")
    restore_metadata(tmp_path, tiny_table_sky.schema)
    for name in ("part-0.parquet", "_common_metadata"):
        schema = pq.read_schema(tmp_path / "dataset" / name)
        assert schema.field("photometry_sdss_ivar").metadata[b"unit"] == b"nanomaggy-2"


def test_what_does_not_fit_is_refused(tmp_path: Path, tiny_table_sky: Catalog) -> None:
    with pytest.raises(BadInputError, match="column 'redshift' of the table can't become float"):
        restore_metadata(pa.table({"redshift": ["x"]}), tiny_table_sky.schema)
    with pytest.raises(BadInputError, match="holds no data files"):
        restore_metadata(tmp_path, tiny_table_sky.schema)
