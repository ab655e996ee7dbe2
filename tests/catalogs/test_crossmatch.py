"""Two catalogs by position: columns of both, separations, doubts, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.columns import metadata_of
from asterism.catalogs.crossmatch import crossmatch
from asterism.catalogs.schema import identity_fields, label_fields, photometry_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError

ARCSEC = 1 / 3600


def second(path, ra, dec, placed=True, **kind):
    """A catalog with fluxes of the Legacy Surveys and labels."""
    n = len(ra)
    fields = [*identity_fields(placed), *label_fields(["class", "redshift"])]
    fields += photometry_fields("legacy", "gr", dereddened=False, zero_point="ab")
    table = pa.table({
        "object_id": [f"other-{k}" for k in range(n)], "source_id": pa.nulls(n, pa.string()), "ra": ra, "dec": dec,
        "survey": ["legacy"] * n, "release": ["DR9"] * n, "mjd": pa.nulls(n, pa.float64()), "class": ["STAR"] * n,
        "redshift": np.arange(n, dtype=np.float32),
        "photometry_legacy_flux": pa.FixedSizeListArray.from_arrays(np.repeat(np.arange(n, dtype=np.float32), 2), 2),
        "photometry_legacy_ivar": pa.FixedSizeListArray.from_arrays(np.ones(2 * n, np.float32), 2),
    })  # fmt: skip
    with CatalogWriter(path, fields, placed=placed, made_by={}, inputs={"n": n}, **kind) as writer:
        writer.add(table if placed else table.drop_columns(["ra", "dec"]))
        return writer.close()


@pytest.fixture
def pair(make_sky, tmp_path):
    """Of 60 objects the second catalog has every other one, 0.3 arcsec north, in other partitions."""
    first = make_sky("first", rows=60, rows_per_partition=25)
    sky = first.read(["object_id", "ra", "dec"]).to_pylist()[::2]
    ra, dec = (np.array([row[name] for row in sky]) for name in ("ra", "dec"))
    other = second(tmp_path / "second", ra, dec + 0.3 * ARCSEC, rows_per_partition=7)
    return first, other, {row["object_id"]: k for k, row in enumerate(sky)}


def test_rows_have_both_modalities(pair, tmp_path):
    first, other, wanted = pair
    made = crossmatch(first, other, tmp_path / "e")
    rows = made.read().to_pylist()
    assert {row["object_id"]: int(row["photometry_legacy_flux"][0]) for row in rows} == wanted
    assert [row["separation"] for row in rows] == pytest.approx([0.3] * 30, abs=1e-6)
    assert set(made.groups) == {"photometry_sdss", "image_sdss", "photometry_legacy"}
    for schema in (first.schema, other.schema):
        for field in schema:
            assert metadata_of(made.schema.field(field.name)) == metadata_of(schema.field(field.name))
    assert metadata_of(made.schema.field("separation"))["unit"] == "arcsec"
    before = {row["object_id"]: row for row in first.read().to_pylist()}
    assert all(row["class"] == before[row["object_id"]]["class"] for row in rows)  # labels are the first's
    assert {made.made_by[name] for name in ("matched", "unmatched")} == {30}
    assert made.made_by["ambiguous"] == len(made.quarantine()) == 0
    made.verify()


def test_the_unmatched_on_request(pair, tmp_path):
    first, other, wanted = pair
    made = crossmatch(first, other, tmp_path / "e", keep_unmatched=True)
    assert len(made) == 60
    for row in made.read(["object_id", "separation", "photometry_legacy_flux", "photometry_legacy_ivar"]).to_pylist():
        there = row["object_id"] in wanted
        assert (row["separation"] is not None) == (row["photometry_legacy_flux"] is not None) == there
        assert (row["photometry_legacy_ivar"] is not None) == there


def test_labels_come_from_whom_has_them_and_a_second_match_keeps_its_separation(pair, tmp_path):
    first, other, _ = pair
    made = crossmatch(other, first, tmp_path / "e")
    assert set(made.read(["class"])["class"].to_pylist()) == {"STAR"}
    assert "truth_redshift" in made.schema.names
    fields = [*identity_fields(True), *photometry_fields("wise", ["W1"], dereddened=False, zero_point="ab")]
    with CatalogWriter(tmp_path / "third", fields, placed=True, made_by={}, inputs={}) as writer:
        writer.add(
            other.read(["object_id", "source_id", "ra", "dec", "survey", "release", "mjd"])
            .append_column("photometry_wise_flux", pa.array([[1.0]] * 30, pa.list_(pa.float32(), 1)))
            .append_column("photometry_wise_ivar", pa.array([[1.0]] * 30, pa.list_(pa.float32(), 1)))
        )
    third = open_catalog(tmp_path / "third")
    again = crossmatch(made, third, tmp_path / "f")
    assert {"separation", "separation_2"} <= set(again.schema.names)
    bare = crossmatch(third, other, tmp_path / "g")
    assert set(bare.read(["class"])["class"].to_pylist()) == {"STAR"}  # the first has none


def test_ambiguous_pairs_are_told(make_sky, tmp_path):
    first = make_sky("first", rows=20)
    row = first.read(["object_id", "ra", "dec"]).to_pylist()[4]
    ra, dec = np.full(4, row["ra"]), row["dec"] + np.array([0.5, 0.2, 0.2, 40.0]) * ARCSEC
    made = crossmatch(first, second(tmp_path / "second", ra, dec), tmp_path / "e")
    (line,) = made.quarantine().to_pylist()
    assert line["row"] == row["object_id"]
    assert "3 rows of second are within 1 arcsec (at 0.20, 0.20, 0.50)" in line["reason"]
    assert made.made_by["ambiguous"] == 1
    # Two observations of one thing are no doubt.
    twice = second(tmp_path / "twice", ra[1:3], dec[1:3])
    assert len(crossmatch(first, twice, tmp_path / "f").quarantine()) == 0


def test_one_partner_for_two_sources_is_told(tmp_path):
    ra, dec = np.array([10.0, 10.0]), 10.0 + np.array([-0.8, 0.8]) * ARCSEC
    fields = [*identity_fields(True), *photometry_fields("wise", ["W1"], dereddened=False, zero_point="ab")]
    with CatalogWriter(tmp_path / "first", fields, placed=True, made_by={}, inputs={}) as writer:
        writer.add(pa.table({
            "object_id": ["a", "b"], "ra": ra, "dec": dec, "survey": ["x"] * 2, "release": ["y"] * 2, "mjd": [5e4, 5e4],
            "photometry_wise_flux": pa.array([[1.0]] * 2, pa.list_(pa.float32(), 1)),
            "photometry_wise_ivar": pa.array([[1.0]] * 2, pa.list_(pa.float32(), 1)),
        }))  # fmt: skip
    other = second(tmp_path / "second", ra[:1], np.array([10.0]))
    made = crossmatch(open_catalog(tmp_path / "first"), other, tmp_path / "e")
    assert sorted(made.quarantine()["row"].to_pylist()) == ["a", "b"]


def test_what_cannot_be_matched_is_one_sentence(pair, make_sky, tmp_path):
    first, other, _ = pair
    with pytest.raises(BadInputError, match="has no positions"):
        crossmatch(first, second(tmp_path / "u", [1.0], [1.0], placed=False), tmp_path / "e")
    with pytest.raises(BadInputError, match="both have photometry_legacy"):
        crossmatch(other, other, tmp_path / "e")
    with pytest.raises(ConfigurationError, match="radius"):
        crossmatch(first, other, tmp_path / "e", radius=0)
    with pytest.raises(BadInputError, match="check that they overlap"):
        crossmatch(first, second(tmp_path / "far", [300.0], [-40.0]), tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_an_interrupted_one_goes_on(pair, tmp_path, monkeypatch):
    first, other, _ = pair
    whole = crossmatch(first, other, tmp_path / "whole")
    added, add = [], CatalogWriter.add

    def breaks(self, *args, **kwargs):
        added.append(kwargs["block"])
        if len(added) == 2:
            raise KeyboardInterrupt
        add(self, *args, **kwargs)

    monkeypatch.setattr(CatalogWriter, "add", breaks)
    with pytest.raises(KeyboardInterrupt):
        crossmatch(first, other, tmp_path / "e")
    assert not (tmp_path / "e").exists()
    again = crossmatch(first, other, tmp_path / "e")
    assert added == [0, 1, *range(1, len(first.partitions))]
    assert again.fingerprint == whole.fingerprint
