"""`asterism inspect` from the outside."""

import json

import pytest
import typer
from typer.testing import CliRunner

from asterism.cli.inspect import command
from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.project import project_catalog
from asterism.simulate.sky import simulate

app = typer.Typer()
app.command()(command)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    return simulate(3, tmp_path_factory.mktemp("sky") / "c", seed=3, modalities=("photometry", "image"), workers=1).path


def test_a_picture_by_default(sky, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [str(sky), "sim-sdss-compact-3-000000001"])
    assert done.exit_code == 0
    assert "sim-sdss-compact-3-000000001.png" in done.output
    assert (tmp_path / "sim-sdss-compact-3-000000001.png").stat().st_size > 10_000


def test_quiet_writes_and_says_nothing(sky, tmp_path):
    done = CliRunner().invoke(app, [str(sky), "sim-sdss-compact-3-000000001", "--out", str(tmp_path / "a.html"), "-q"])
    assert done.output == ""
    assert "sim-sdss-compact-3-000000001" in (tmp_path / "a.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "out", "error", "words"),
    [
        ("sim-sdss-compact-3-00000001", "a.png", BadInputError, "did you mean"),
        ("sim-sdss-compact-3-000000001", "a.gif", ConfigurationError, "should end with"),
    ],
)
def test_errors_are_one_sentence(sky, tmp_path, name, out, error, words):
    done = CliRunner().invoke(app, [str(sky), name, "--out", str(tmp_path / out)])
    assert isinstance(done.exception, error)
    assert words in str(done.exception)


@pytest.fixture(scope="module")
def mapped(make_embedded, tmp_path_factory):
    return project_catalog(make_embedded(rows=60), tmp_path_factory.mktemp("map") / "map.hats").path


def test_without_an_object_it_is_the_map(mapped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [str(mapped)])
    assert done.exit_code == 0, done.exception
    assert "the map of 60 objects as a page of" in " ".join(done.output.split())
    assert "Content-Security-Policy" in (tmp_path / "map.html").read_text("utf-8")


def test_colours_and_clusters_of_the_map(mapped, tmp_path):
    from asterism.catalogs.catalog import open_catalog
    from asterism.explore.cluster import cluster_catalog

    clusters = cluster_catalog(open_catalog(mapped).parent, tmp_path / "clusters", repeats=0)
    options = ["--with", str(clusters.path), "--colour", "cluster, class"]
    done = CliRunner().invoke(app, [str(mapped), *options, "--out", str(tmp_path / "a.svg"), "-q"])
    assert (done.exit_code, done.output) == (0, "")
    page = tmp_path / "a.html"
    assert CliRunner().invoke(app, [str(mapped), *options, "--out", str(page), "--pictures", "0"]).exit_code == 0
    data = json.loads(page.read_text("utf-8").split('id="data">')[1].split("</script>")[0])
    assert [one["name"] for one in data["colourings"]] == ["cluster", "class"]
    assert data["cards"] == {}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ([], BadInputError, "has no map; make one with 'asterism project'"),
        (["--out", "a.gif"], ConfigurationError, "should end with"),
        (["sim-sdss-compact-3-000000001", "--colour", "class"], ConfigurationError, "leave out the object's name"),
    ],
)
def test_errors_of_maps_are_one_sentence(sky, tmp_path, arguments, error, words):
    done = CliRunner().invoke(app, [str(sky), *arguments])
    assert isinstance(done.exception, error)
    assert words in str(done.exception)
