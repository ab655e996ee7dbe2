import subprocess
import sys

import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.embeddings import embedding_names


def run(*arguments):
    code = "from asterism.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def embedded(fresh_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("embed") / "d"
    return run("embed", fresh_run.path, "--catalog", fresh_run.catalog.path, "--out", out), out


def test_embed_writes_a_catalog_and_says_how_many_have_an_embedding(embedded, fresh_run):
    done, out = embedded
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert "300 objects: embeddings of 285 joint" in done.stderr
    assert embedding_names(open_catalog(out).own_schema) == ["joint"]


def test_quiet_says_nothing_and_a_second_run_finds_it_complete(embedded, fresh_run):
    _, out = embedded
    done = run("embed", fresh_run.path, "--catalog", fresh_run.catalog.path, "--out", out, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_no_run_is_one_sentence(fresh_run, tmp_path):
    done = run("embed", tmp_path, "--catalog", fresh_run.catalog.path, "--out", tmp_path / "d")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
