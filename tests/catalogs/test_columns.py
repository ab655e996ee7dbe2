"""Tables of columns: every unit is one that astropy reads, every name is there once."""

from __future__ import annotations

import pyarrow as pa

from asterism.catalogs.astropy_tables import as_unit
from asterism.catalogs.columns import (
    ASTROMETRY,
    IDENTITY,
    LABELS,
    PER_BAND,
    PREDICTIONS,
    make_field,
    metadata_of,
)


def test_units_are_astropys() -> None:
    fields = [*IDENTITY, *LABELS, *ASTROMETRY, *PREDICTIONS["classification"]]
    units = {metadata_of(field).get("unit", "") for field in fields} | {unit for unit, _, _ in PER_BAND.values()}
    assert {"deg", "mas / yr", "nanomaggy", "nanomaggy-2", "mag", "arcsec"} <= units
    for unit in filter(None, units):
        assert as_unit(unit) is not None


def test_every_column_says_what_it_is() -> None:
    fields = [*IDENTITY, *LABELS, *ASTROMETRY, *PREDICTIONS["classification"]]
    assert len({field.name for field in fields}) == len(fields)
    for field in fields:
        assert metadata_of(field)["description"]
        assert metadata_of(field)["ucd"]


def test_empty_metadata_are_left_out_and_parquets_own_not_shown() -> None:
    field = make_field("x", pa.float32(), unit="mag", ucd="")
    assert metadata_of(field) == {"unit": "mag"}
    marked = field.with_metadata({**field.metadata, b"PARQUET:field_id": b"3"})
    assert metadata_of(marked) == {"unit": "mag"}
    assert metadata_of(pa.field("y", pa.int8())) == {}
