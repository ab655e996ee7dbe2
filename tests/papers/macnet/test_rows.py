import pytest

from asterism.papers.macnet.rows import all_rows
from asterism.papers.row_choice import choose

ROWS = all_rows(3)


def test_names_are_unique_and_each_is_run_alone_by_it():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    for row in ROWS[::7]:
        assert [r.name for r in choose(ROWS, row.name)] == [row.name]


def test_what_matters_most_comes_first():
    first = [
        row for row in ROWS if row.seed == 0 and row.training not in ("large", "tenth") and row.part != "published"
    ]
    assert first == ROWS[: len(first)]
    assert [row.method for row in ROWS[:5]] == ["macnet", "cnet", "mcnet", "mnet", "sscnn1d"]
    assert all(row.part == "published" for row in ROWS[-5:])


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ("table4-sample+macnet", 3),
        ("published", 5),
        ("maps", 2),
        ("windows+seed0", 16),
        ("plans-plan1+seed1", 5),
        ("assist-class-few", 10),
    ],
)
def test_only(only, count):
    assert len(choose(ROWS, only)) == count


def test_what_the_data_lack_is_left_out():
    rows = all_rows(1, trainings=("sample",), roles=("spectrum2d", "image"))
    assert {row.training for row in rows} == {"sample"}
    assert not {"mnet", "sscnn1d"} & {row.method for row in rows}
    assert "crossed" not in {row.part for row in all_rows(1, parts=("table4", "plans"))}


def test_classes_and_redshifts_come_from_one_training_and_so_does_the_harder_test():
    def fits(part):
        return {row.fit for row in ROWS if row.part == part}

    assert fits("assist-class") == fits("assist-redshift")
    assert fits("crossed") == fits("table4")


def test_maps_are_made_from_the_training_of_the_table():
    (maps,) = [r for r in ROWS if (r.part, r.method) == ("maps", "macnet")]
    (scored,) = [r for r in ROWS if (r.part, r.training, r.method, r.seed) == ("table4", "sample", "macnet", 0)]
    assert maps.fit == scored.fit
