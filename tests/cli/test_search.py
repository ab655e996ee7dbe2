import csv
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from asterism.cli.main import app


def run(*arguments):
    code = "from asterism.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def embedded(make_embedded):
    return make_embedded(rows=120)


def test_search_prints_and_writes_the_nearest(embedded, tmp_path):
    out = tmp_path / "alike.csv"
    done = run("search", embedded.path, "--object", "object-0-00000", "-k", 5, "--out", out)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 5
    assert float(rows[0]["distance"]) <= float(rows[4]["distance"]) < 2
    for row in rows:
        assert row["object_id"] in done.stdout
    assert "distance" in done.stdout
    assert done.stdout.strip().endswith(str(out))


def search(*arguments):
    """In this process, which is quicker; errors come as they are raised."""
    return app(["search", *map(str, arguments)], standalone_mode=False)


def test_long_ids_are_printed_whole(capsys):
    import pyarrow as pa

    from asterism.cli.search import _show

    name = "survey-release-" + "0123456789" * 9
    _show(pa.table({"object_id": [name], "distance": [0.25], "class": [None]}), "joint")
    assert name in capsys.readouterr().out


def test_by_and_in_cross_modalities_and_where_filters(embedded, tmp_path):
    out = tmp_path / "alike.parquet"
    search(
        embedded.path,
        "--object",
        "object-0-00000",
        "--by",
        "image",
        "--in",
        "spectrum",
        "-k",
        3,
        "--out",
        out,
        "-q",
        "--where",
        "class = 'GALAXY'",
    )
    table = pq.read_table(out)
    assert table["class"].to_pylist() == ["GALAXY"] * 3
    assert table.schema.field("distance").metadata[b"description"].startswith(b"Cosine distance")


def test_one_thing_must_be_searched_for(embedded, tmp_path):
    from asterism.errors import BadInputError, ConfigurationError, OutputError

    with pytest.raises(ConfigurationError, match="name one thing"):
        search(embedded.path)
    with pytest.raises(ConfigurationError, match="name one thing"):
        search(embedded.path, "--object", "a", "--image", "b.fits")
    with pytest.raises(ConfigurationError, match="--by is for --object"):
        search(embedded.path, "--image", "b.fits", "--by", "joint")
    with pytest.raises(ConfigurationError, match="must end with"):
        search(embedded.path, "--object", "object-0-00000", "--out", tmp_path / "a.txt")
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        search(embedded.path, "--object", "object-0-00000", "--out", tmp_path / "a.csv")
    with pytest.raises(BadInputError, match="did you mean 'joint'"):
        search(embedded.path, "--object", "object-0-00000", "--in", "joints")


def test_more_than_there_are_is_one_sentence(embedded):
    done = run("search", embedded.path, "--object", "object-0-00000", "-k", 1000)
    assert done.returncode == 2
    assert done.stderr.startswith("error: -k is 1,000 and ")
    assert len(done.stderr.strip().splitlines()) == 1
