import shutil

import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.errors import BadInputError, LeakError, OutputError
from asterism.papers.avis.data import SPLIT, ready, recipe_of, simulated, simulation_seconds


def test_training_parts_are_of_the_training_catalog_and_the_test_is_another(paper):
    parts = paper.open("train").split(SPLIT)["part"].to_pylist()
    assert set(parts) == {"train", "validation", "calibration"}
    assert parts.count("train") / len(parts) == pytest.approx(0.85, abs=0.01)
    assert paper.fingerprints["test"] != paper.fingerprints["train"]


def test_the_split_does_not_go_by_labels(paper):
    import json

    import pyarrow.parquet as pq

    path = next((paper.catalogs["train"] / "splits").glob("avis*"))
    metadata = pq.ParquetFile(path).schema_arrow.metadata
    assert json.loads(next(iter(metadata.values())))["stratify"] in (None, "none")


def test_the_two_skies_share_neither_seed_nor_templates():
    train, test = recipe_of("train", 20_000), recipe_of("test", 4_000)
    assert train["seed"] != test["seed"]
    assert train["survey"] == test["survey"] == "desi-even"
    assert train["quantize"] == 10


def test_what_is_there_costs_nothing(paper, tmp_path):
    assert simulation_seconds(tmp_path, "small", 1) > 1.9 * simulation_seconds(tmp_path, "small", 2)
    for name, path in paper.catalogs.items():
        (tmp_path / "catalogs").mkdir(exist_ok=True)
        (tmp_path / "catalogs" / name).symlink_to(path)
    assert simulation_seconds(tmp_path, "small", 1) == 0
    with pytest.raises(OutputError, match="was made from other inputs"):
        simulated(tmp_path, "tiny")


def test_catalogs_that_can_not_serve_are_refused(paper, tmp_path, tiny_sky):
    with pytest.raises(BadInputError, match="has no train"):
        ready(tmp_path)
    for name in ("train", "test"):
        shutil.copytree(tiny_sky.path, tmp_path / name)
    with pytest.raises(BadInputError, match="no spectrum columns"):
        ready(tmp_path)
    twice = tmp_path / "twice"
    twice.mkdir()
    for name in ("train", "test"):
        (twice / name).symlink_to(paper.catalogs["train"])
    with pytest.raises(LeakError):
        ready(twice)
    assert len(open_catalog(paper.catalogs["train"])) == 230
