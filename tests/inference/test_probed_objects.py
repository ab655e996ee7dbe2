import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import label_fields, truth_field
from asterism.inference.probed_objects import ASKED, probed_objects, star_type


@pytest.fixture
def catalog(make_rows, make_sky):
    table = make_rows(rows=60, seed=2, image=False)
    kind = table["class"].to_pylist()
    subclass = [{"STAR": "G2", "GALAXY": "Scd", "QSO": "BROADLINE"}.get(name) for name in kind]
    star = kind.index("STAR")
    subclass[star] = "DA"
    fields = {field.name: field for field in label_fields(["subclass", "targets"])}
    table = table.append_column(fields["subclass"], pa.array(subclass, fields["subclass"].type))
    targets = [["LRG"] if i % 3 == 0 else ["LRG", "ELG"] if i % 3 == 1 else [] for i in range(60)]
    table = table.append_column(fields["targets"], pa.array(targets, fields["targets"].type))
    radius = truth_field("truth_half_light_radius", pa.float32(), "arcsec", "Half-light radius put in")
    table = table.append_column(radius, pa.array(np.full(60, 2.0), pa.float32()))
    warned = table["label_warning"].to_numpy().copy()
    warned[kind.index("GALAXY")] = 4
    place = table.column_names.index("label_warning")
    table = table.set_column(place, table.schema.field(place), pa.array(warned, pa.int32()))
    return make_sky("probed", table)


def test_each_question_is_asked_of_those_whom_it_concerns(catalog):
    found = probed_objects(catalog, np.arange(60))
    table = catalog.read()
    kind, z = np.array(table["class"].to_pylist(), object), table["redshift"].to_numpy(zero_copy_only=False)
    clean = table["label_warning"].to_numpy() == 0
    assert np.array_equal(found.known("redshift_GALAXY"), (kind == "GALAXY") & clean)
    assert np.allclose(found.values("redshift_QSO")[kind == "QSO"], z[kind == "QSO"])
    assert np.array_equal(found.known("class"), np.array([k is not None for k in kind]) & clean)
    assert np.array_equal(found.known("star_type"), kind == "STAR")
    assert set(found.names["star_type"][kind == "STAR"]) == {"G", "WD"}
    assert set(found.names["galaxy_type"][(kind == "GALAXY") & clean]) == {"Scd"}
    assert np.allclose(found.values("half_light_radius")[(kind == "GALAXY") & clean], np.log10(2))
    assert not found.known("bulge_fraction").any()
    several = [names is not None and len(names) == 1 for names in table["targets"].to_pylist()]
    assert np.array_equal(found.known("target"), several)
    assert found.band == "r"
    assert np.isfinite(found.magnitudes).sum() > 50
    assert set(found.numbers) | set(found.names) <= set(ASKED)


def test_rows_are_those_asked_for(catalog):
    rows = np.array([7, 3, 40])
    found = probed_objects(catalog, rows)
    ids = catalog.read(["object_id"])["object_id"].to_pylist()
    assert found.object_id.tolist() == [ids[row] for row in rows]
    assert len(found) == 3


def test_without_classes_all_redshifts_are_one_question(make_rows, make_sky):
    bare = make_sky("bare", make_rows(rows=30, image=False).drop_columns(["class"]))
    found = probed_objects(bare, np.arange(30))
    assert "redshift_GALAXY" not in found.numbers
    assert found.known("redshift").sum() > 20
    assert not found.known("class").any()
    assert not found.known("nothing of the kind").any()


@pytest.mark.parametrize(
    ("subclass", "wanted"),
    [
        ("G2V", "G"),
        ("M", "M"),
        ("K5", "K"),
        ("DB", "WD"),
        ("sdB", "sdB"),
        ("BROADLINE", None),
        ("AGN", None),
        ("", None),
    ],
)
def test_types_of_stars(subclass, wanted):
    assert star_type(subclass) == wanted
