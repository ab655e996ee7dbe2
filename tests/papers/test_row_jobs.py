import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from asterism.errors import OutputError
from asterism.papers.row_jobs import Job, by_training, check_place, grouped, most_seeds, progress_bar, run_jobs


def make(folder, names):
    for name in names:
        (folder / name).write_text("made")
    return names


def test_jobs_are_made_and_told_of(tmp_path):
    said = io.StringIO()
    jobs = [Job((tmp_path, ["a", "b"]), ["a", "b"], 7200.0), Job((tmp_path, ["c"]), ["c"], 3600.0)]
    run_jobs(make, jobs, 1, Console(file=said, width=200), lambda row: f"{row} is there" if row != "b" else None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c"]
    assert [line for line in said.getvalue().splitlines() if "there" in line] == ["a is there", "c is there"]
    assert "rows 2 of 3; about 1.0 h left" in said.getvalue()


@dataclass(frozen=True)
class Fit:
    name: str

    def folder(self, out):
        return out / self.name


@dataclass(frozen=True)
class Row:
    of: str
    part: str

    @property
    def fit(self):
        return Fit(self.of)


def test_rows_of_one_training_come_together_and_have_one_log(tmp_path):
    rows = [Row("b", "1"), Row("a", "1"), Row("b", "2")]
    assert grouped(rows) == {Fit("b"): [rows[0], rows[2]], Fit("a"): [rows[1]]}
    for fit, of_fit, console in by_training(rows, tmp_path, None):
        console.print(f"{fit.name}: {len(of_fit)}")
    assert (tmp_path / "b" / "log.txt").read_text() == "b: 2\n"
    assert (tmp_path / "a" / "log.txt").read_text() == "a: 1\n"


def test_one_place_holds_one_table(tmp_path):
    check_place(tmp_path, {"paper": "one", "scale": "tiny"})
    check_place(tmp_path, {"paper": "one", "scale": "tiny"})
    with pytest.raises(OutputError, match=r"another scale \('tiny'\)"):
        check_place(tmp_path, {"paper": "one", "scale": "small"})


def test_seeds_of_an_earlier_call_count(tmp_path):
    (tmp_path / "rows" / "x" / "seed-4").mkdir(parents=True)
    assert most_seeds(tmp_path, "rows/*/seed-*", 2) == 5
    assert most_seeds(tmp_path, "rows/*/seed-*", 7) == 7


def test_a_file_gets_no_bar():
    said = io.StringIO()
    with progress_bar(Console(file=said)) as bar:
        bar.add_task("x", total=1)
    assert said.getvalue() == ""
