"""VOTable headers: units as the standard writes them, UCDs that it knows."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pyarrow as pa
import pytest
from astropy import units as u
from astropy.io.votable import parse
from astropy.io.votable.ucd import check_ucd

from asterism.catalogs.astropy_tables import to_qtable
from asterism.catalogs.columns import ASTROMETRY, IDENTITY, LABELS, PER_BAND, PREDICTIONS, SCALAR, metadata_of
from asterism.catalogs.schema import image_fields, photometry_fields, truth_field
from asterism.catalogs.votable import parquet_header, vo_unit, votable


@pytest.mark.parametrize("unit", ["nanomaggy", "nanomaggy-2", "mag", "arcsec", "deg", "d", "mas / yr"])
def test_units_are_vounits(unit: str) -> None:
    assert not isinstance(u.Unit(vo_unit(unit), format="vounit"), u.UnrecognizedUnit)
    assert vo_unit("") == ""


def test_ucds_are_the_standards() -> None:
    fields = [*IDENTITY, *LABELS, *ASTROMETRY, *PREDICTIONS["classification"], truth_field("truth_x", pa.int8())]
    fields += image_fields("sdss", "ug", 4, 0.4, zero_point="sdss")
    fields += photometry_fields("sdss", "ug", [*PER_BAND, *SCALAR], dereddened=False, zero_point="sdss")
    wrong = [
        (field.name, metadata_of(field)["ucd"])
        for field in fields
        if not check_ucd(metadata_of(field)["ucd"], check_controlled_vocabulary=True)
    ]
    assert wrong == []


def test_fields_carry_units_ucds_and_descriptions(make_rows) -> None:
    rows = make_rows(rows=3)
    out = io.BytesIO()
    votable(to_qtable(rows), rows.schema).to_xml(out)
    fields = {field.name: field for field in parse(io.BytesIO(out.getvalue())).get_first_table().fields}
    assert str(fields["photometry_sdss_flux"].unit) == "nanomaggy"
    assert fields["ra"].unit == u.deg
    assert fields["ra"].ucd == "pos.eq.ra;meta.main"
    assert fields["redshift"].description == "Redshift"
    assert fields["image_sdss_flux"].arraysize == "8x8x5"


def test_parquet_header_has_fields_and_no_data(make_rows) -> None:
    header = parquet_header(make_rows(rows=3).schema)
    assert header[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    root = ET.fromstring(header[b"IVOA.VOTable-Parquet.content"])
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "DATA" not in tags
    assert "PARQUET" in tags
    assert tags.count("FIELD") == len(make_rows(rows=3).schema)
