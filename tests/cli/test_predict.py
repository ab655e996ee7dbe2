import subprocess
import sys

import pytest

from asterism.catalogs.catalog import open_catalog


def run(*arguments):
    code = "from asterism.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def predicted(small_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("predict") / "answers"
    return run("predict", small_run.path, "--catalog", small_run.catalog.path, "--out", out), out


def test_predict_writes_the_answers_and_says_what_came_out(predicted, small_run):
    done, out = predicted
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert "900 objects" in done.stderr
    assert "QSO" in done.stderr
    assert open_catalog(out).read(["p_star"])["p_star"].null_count == 0


def test_quiet_says_nothing_and_a_second_run_finds_it_complete(predicted, small_run):
    _, out = predicted
    done = run("predict", small_run.path, "--catalog", small_run.catalog.path, "--out", out, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_bad_prior_is_one_sentence_and_leaves_nothing(small_run, tmp_path):
    prior = tmp_path / "prior.csv"
    prior.write_text("STAR,GALAXY\n1,1\n")
    done = run(
        "predict", small_run.path, "--catalog", small_run.catalog.path, "--out", tmp_path / "d", "--prior", prior
    )
    assert done.returncode == 2
    assert "'QSO' is missing" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prior.csv"]


def test_an_output_that_holds_something_else_is_not_touched(small_run, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    done = run(
        "predict", small_run.path, "--catalog", small_run.catalog.path, "--out", tmp_path / "notes", "--overwrite"
    )
    assert done.returncode == 4
    assert "did not make" in done.stderr
    assert (tmp_path / "notes" / "mine.txt").read_text() == "mine"
