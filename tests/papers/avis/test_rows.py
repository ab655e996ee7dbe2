import pytest

from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.rows import PARTS, all_rows
from asterism.papers.row_choice import choose

ROWS = all_rows(3)


def test_names_are_unique_and_each_is_run_alone_by_it():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    for row in ROWS[::7]:
        assert [r.name for r in choose(ROWS, row.name)] == [row.name]


def test_only_the_one_that_is_kept_is_repeated():
    assert {row.method for row in ROWS if row.seed} == {KEPT}
    assert {row.part for row in ROWS if row.seed == 2} == set(PARTS) - {"spectrum", "maps"}


@pytest.mark.parametrize(("only", "count"), [(KEPT, 17), ("maps", 1), ("redshift+lightgbm", 1), ("clusters+seed0", 7)])
def test_only(only, count):
    assert len(choose(ROWS, only)) == count


def test_rows_of_a_method_share_its_training_and_no_other(tmp_path):
    assert {row.fit.folder(tmp_path) for row in ROWS if row.method == "infonce"} == {tmp_path / "models/infonce/seed-0"}
    assert len({row.folder(tmp_path) for row in ROWS}) == len(ROWS)
    fit = ROWS[0].fit
    assert fit.catalog(tmp_path, "embeddings/test") == tmp_path / "embeddings" / KEPT / "seed-0" / "test"
