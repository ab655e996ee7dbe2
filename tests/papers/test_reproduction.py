import io
import json
from dataclasses import dataclass

import pytest
from rich.console import Console

from asterism.errors import ConfigurationError, OutputError, look_up
from asterism.papers.reproduction import Paper, reproduce_paper
from asterism.papers.row_jobs import Job


@dataclass(frozen=True)
class Catalogs:
    objects: int

    @property
    def record(self):
        return {"objects": self.objects}


def make(out, rows):
    for row in rows:
        (out / "rows" / "part" / row).mkdir(parents=True)
        (out / "rows" / "part" / row / "seed-0").mkdir()
    return rows


class Toy(Paper):
    name = "toy"
    make = staticmethod(make)

    def __init__(self):
        self.prepared = 0

    def seeds(self, scale):
        return look_up("scale", scale, {"tiny": 1, "small": 3})

    def check(self, request):
        if request.only == "nothing":
            raise ConfigurationError("there is no such row")

    def data(self, request, progress):
        progress("sky", 5, 10)
        return Catalogs(10 if request.data_dir is None else 20)

    def rows(self, request, data):
        return ["a", "b"] if request.only is None else [request.only]

    def finished(self, row, data, request):
        return (request.out / "rows" / "part" / row).is_dir()

    def jobs(self, missing, data, request):
        return [Job((request.out, [row]), [row], 3600.0) for row in missing]

    def line_of(self, row, out):
        return f"{row} is made"

    def publish(self, request, seeds, data, rows):
        return {"seeds": seeds, "rows": list(rows), "objects": data.objects}

    def prepare(self, data):
        self.prepared += 1


def asked(paper, out, **options):
    usual = {"scale": "tiny", "only": None, "seeds": None, "data_dir": None, "workers": 1, "console": None}
    return reproduce_paper(paper, out, **{**usual, **options})


def test_what_lacks_is_made_and_what_is_there_is_kept(tmp_path):
    paper, said = Toy(), io.StringIO()
    console = Console(file=said, width=200)
    assert asked(paper, tmp_path / "o", only="b", console=console) == {"seeds": 1, "rows": ["b"], "objects": 10}
    assert asked(paper, tmp_path / "o", console=console)["rows"] == ["a", "b"]
    lines = said.getvalue().splitlines()
    assert "0 of 1 rows are there; 1 from 1 trainings take about 1.0 h on 1 processes (1.0 h of one core)." in lines
    assert "1 of 2 rows are there; 1 from 1 trainings take about 1.0 h on 1 processes (1.0 h of one core)." in lines
    assert [line for line in lines if "is made" in line] == ["b is made", "a is made"]
    assert paper.prepared == 2
    asked(paper, tmp_path / "o", console=console)
    assert paper.prepared == 2  # nothing lacked


def test_the_longest_training_is_one_processs_work(tmp_path):
    said = io.StringIO()

    class Uneven(Toy):
        def jobs(self, missing, data, request):
            return [Job((request.out, [row]), [row], 3600.0 * (1 + 3 * (row == "b"))) for row in missing]

    asked(Uneven(), tmp_path / "o", workers=2, console=Console(file=said, width=200))
    assert "take about 4.0 h on 2 processes (5.0 h of one core)" in said.getvalue()


def test_a_place_is_of_one_table(tmp_path):
    asked(Toy(), tmp_path / "o")
    assert json.loads((tmp_path / "o" / "reproduce.json").read_text()) == {
        "paper": "toy",
        "scale": "tiny",
        "objects": 10,
    }
    with pytest.raises(OutputError, match="another scale"):
        asked(Toy(), tmp_path / "o", scale="small")
    with pytest.raises(OutputError, match="another objects"):
        asked(Toy(), tmp_path / "o", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": "smal"}, "did you mean 'small'"),
        ({"seeds": 0}, "seeds must be 1 or more, not 0"),
        ({"workers": 0}, "workers"),
        ({"only": "nothing"}, "no such row"),
        ({"templates": "t", "data_dir": "d"}, "leave --templates or --data"),
    ],
)
def test_mistakes_cost_nothing(tmp_path, options, says):
    with pytest.raises(ConfigurationError, match=says):
        asked(Toy(), tmp_path / "o", **options)
    assert not (tmp_path / "o").exists()
