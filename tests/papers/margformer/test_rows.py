import pytest

from asterism.errors import ConfigurationError
from asterism.papers.margformer.rows import all_rows, methods_of
from asterism.papers.row_choice import choose

ROWS = all_rows(3)


def names(only):
    return [row.name for row in choose(ROWS, only)]


def test_controls_have_one_seed_and_quasars_no_cut():
    by_method = {m: [r for r in ROWS if r.method == m] for m in ("margformer", "image-only", "magnitude-cut")}
    assert [len(rows) for rows in by_method.values()] == [30, 10, 5]
    assert {row.class_set for row in by_method["magnitude-cut"]} == {"sg"}
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_rows_of_experiment_1_and_3_share_a_training():
    leaking, disjoint, bright = choose(ROWS, "experiment3-sgq+margformer+seed1")
    (first,) = choose(ROWS, "experiment1-sgq+margformer+seed1")
    assert first.fit == leaking.fit == disjoint.fit != bright.fit


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ("experiment1", 31),
        ("experiment3-bright-sgq+lightgbm", 3),
        ("margnet-ann,margnet-cnn", 20),
        ("Experiment3-SGQ + margformer + seed0", 3),
        (None, len(ROWS)),
    ],
)
def test_only(only, count):
    assert len(names(only)) == count


@pytest.mark.parametrize("row", [ROWS[0], ROWS[17], ROWS[-1]])
def test_every_row_is_run_alone_by_its_name(row):
    assert names(row.name) == [row.name]


def test_slips_in_only():
    with pytest.raises(ConfigurationError, match="did you mean 'margformer'"):
        choose(ROWS, "margforner")
    with pytest.raises(ConfigurationError, match="no row of the table is sgq and magnitude-cut at once"):
        choose(ROWS, "sgq+magnitude-cut")


def test_methods_are_in_the_tables_order():
    assert [m.name for m in methods_of(choose(ROWS, "margnet-ann,margformer"))] == ["margformer", "margnet-ann"]
