"""Figures of a catalog are those of its rows."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pytest

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.schema import label_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError


def test_counts_and_fractions(tiny_sky: Catalog) -> None:
    told = tiny_sky.describe()
    json.dumps(told)
    assert (told["kind"], told["rows"], told["sources"]) == ("placed", 60, 60)
    assert told["partitions"] == len(tiny_sky.partitions)
    photometry, image = told["groups"]["photometry_sdss"], told["groups"]["image_sdss"]
    assert photometry["present"] == pytest.approx(57 / 60)
    assert photometry["not_observed"] == pytest.approx({"u": 6 / 57, "g": 0, "r": 0, "i": 0, "z": 0})
    assert photometry["units"]["flux"] == "nanomaggy"
    assert (photometry["dereddened"], photometry["zero_point"]) == (False, "sdss")
    assert image["present"] == pytest.approx(54 / 60)
    assert (image["shape"], image["pixel_scale"]) == ([5, 8, 8], 0.396)
    assert set(image["not_observed"].values()) == {0}
    assert sum(told["classes"].values()) == 60
    assert told["classes"]["unlabelled"] == 5
    redshifts = [z for z in tiny_sky.read(["redshift"])["redshift"].to_pylist() if z is not None]
    assert told["redshift"]["n"] == len(redshifts)
    assert told["redshift"]["max"] == pytest.approx(max(redshifts))
    assert told["quarantine"] == {"rows": 0, "reasons": {}}
    assert told["columns"]["ra"]["unit"] == "deg"


@pytest.mark.parametrize("name", ["quarantine.parquet", "splits/default.parquet"])
def test_a_damaged_file_beside_the_data_is_named(make_sky: Callable[..., Catalog], name: str) -> None:
    sky = make_sky(rows=20)
    (sky.path / name).parent.mkdir(exist_ok=True)
    (sky.path / name).write_text("x")
    with pytest.raises(BadInputError, match=f"(can't read .*{name}|{name} can't be read)"):
        sky.describe()


def test_catalogs_without_modalities_or_labels(tmp_path, make_sky: Callable[..., Catalog]) -> None:
    fields = label_fields(["redshift"])
    with CatalogWriter(tmp_path / "c", fields, placed=False, made_by={}, inputs={}) as writer:
        writer.add(
            pa.table({"object_id": ["a", "b"], "redshift": pa.nulls(2, pa.float32())}).drop_columns(["object_id"])
        )
        catalog = writer.close()
    told = catalog.describe()
    assert told["groups"] == {}
    assert told["classes"] is None
    assert told["redshift"] == {"n": 0, "min": None, "median": None, "max": None}
    # Two rows without anything in them are one row: the second is a repetition.
    assert told["rows"] == 1
    assert list(told["quarantine"]["reasons"]) == ["object_id … is there already; the first row with it is kept"]
