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
def embedded(make_embedded):
    return make_embedded(rows=60)


def test_project_draws_a_map_and_says_what_is_on_it(embedded, tmp_path):
    done = run("project", embedded.path, "--out", tmp_path / "e", "--dimensions", 3, "--seed", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "e")
    assert "60 objects, 57 of them on a map" in " ".join(done.stderr.split())
    assert "Warning" not in done.stderr
    assert "map_z" in open_catalog(tmp_path / "e").own_schema.names
    more = run("project", embedded.path, "--onto", tmp_path / "e", "--out", tmp_path / "f", "--quiet")
    assert (more.returncode, more.stdout, more.stderr) == (0, "", "")
    assert "map_z" in open_catalog(tmp_path / "f").own_schema.names


def test_a_catalog_without_embedding_is_one_sentence(tiny_sky, tmp_path):
    done = run("project", tiny_sky.path, "--out", tmp_path / "e")
    assert done.returncode == 2
    assert done.stderr == f"error: {tiny_sky.path} has no embedding; make one with 'asterism embed'\n"
