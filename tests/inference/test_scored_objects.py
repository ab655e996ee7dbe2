"""Which objects are scored by class and by redshift, and what is said of the others."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.errors import BadInputError
from asterism.inference.scored_objects import scored_objects

CLASSES = ("STAR", "GALAXY", "QSO")
BOTH = ("classification", "redshift")


@pytest.fixture
def sky(make_sky):
    return make_sky("sky", rows=60, image=False)


def test_each_task_scores_what_has_its_label(sky):
    table = sky.read(["object_id", "class", "redshift"])
    found = scored_objects(sky, BOTH, CLASSES)
    truth = {row["object_id"]: (row["class"], row["redshift"]) for row in table.to_pylist()}
    for name, label, z in zip(found.object_id, found.labels, found.redshifts, strict=True):
        kind, redshift = truth[name]
        assert kind == CLASSES[label]
        assert np.isnan(z) if kind == "STAR" else z == pytest.approx(redshift)
    assert len(found.rows) == sum(kind is not None for kind, _ in truth.values())
    assert any("stars, whose redshift is a velocity, were left out from the redshift figures" in n for n in found.notes)


def test_redshifts_alone_leave_stars_and_unknown_ones_out(sky):
    found = scored_objects(sky, ["redshift"], ())
    assert np.isfinite(found.redshifts).all()
    assert "STAR" not in found.names
    assert (found.labels == -1).all()
    assert any("without a redshift" in note for note in found.notes)


def test_a_label_with_a_warning_and_a_hopeless_redshift_are_not_scored(make_sky, make_rows):
    table = make_rows(rows=60, image=False)
    z = np.full(60, 0.5, np.float32)
    z[:4] = [-5, np.nan, -0.005, 0.1]
    for name, values in (
        ("class", pa.array(["GALAXY"] * 60)),
        ("redshift", pa.array(z, from_pandas=True)),
        ("label_warning", pa.array([0] * 50 + [4] * 10, pa.int32())),
    ):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), values)
    sky = make_sky("odd", table)
    found = scored_objects(sky, ["redshift"], ())
    known = dict(zip(found.object_id, found.redshifts, strict=True))
    ids = table["object_id"].to_pylist()
    assert set(known) == set(ids[2:50])
    assert known[ids[2]] == 0
    assert found.notes == [
        "2 objects without a redshift of -0.01 or more were left out.",
        "10 objects with a warning on their label were left out.",
    ]


def test_a_missing_column_is_said_and_both_missing_are_refused(make_sky, make_rows):
    rows = make_rows(rows=40, seed=3, image=False)
    without = make_sky("a", rows.drop_columns(["redshift"]))
    assert scored_objects(without, BOTH, CLASSES).notes[0] == (
        "The catalog has no column 'redshift', so that answer is not scored."
    )
    with pytest.raises(BadInputError, match="no column 'redshift'; scoring needs labelled objects"):
        scored_objects(without, ["redshift"], ())
    neither = make_sky("b", rows.drop_columns(["redshift", "class"]))
    with pytest.raises(BadInputError, match="no column 'class' or 'redshift'"):
        scored_objects(neither, BOTH, CLASSES)


def test_nothing_left_is_one_sentence(sky):
    with pytest.raises(BadInputError, match="no object to score has a clean redshift and is no star"):
        scored_objects(sky, ["redshift"], (), where="class = 'STAR'")
