import json

import numpy as np
import pytest

from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.results import dig, every_figure, objectives, over_seeds, pretraining, redshift_difference


@pytest.fixture(scope="module")
def results(place):
    return json.loads((place / "results.json").read_text())


def test_seeds_give_a_mean_and_a_scatter():
    told = over_seeds([{"a": {"r2": v, "n": 7}, "notes": ["x"]} for v in (0.1, 0.2, 0.3)])
    assert told == {"a": {"r2": pytest.approx(0.2), "r2_std": pytest.approx(0.1), "n": 7}, "notes": ["x"]}
    one = {"r2": 0.5, "r2_interval": [0.4, 0.6]}
    assert over_seeds([one]) == one


def test_a_difference_is_of_the_same_objects_and_of_the_mean_over_seeds(answers):
    rng = np.random.default_rng(0)
    z = rng.uniform(0, 1, 400)
    good = [answers({"redshift_image_knn": z + rng.normal(0, 0.05, 400)}, z) for _ in range(3)]
    bad = [answers({"redshift_photometry_trees": z + rng.normal(0, 0.15, 400)}, z)]
    found = redshift_difference(good, bad, "image", "GALAXY", 200)
    assert found["n"] == 200
    low, high = found["r2"]["interval"]
    assert 0 < low < found["r2"]["difference"] < high
    assert found["sigma_nmad"]["interval"][1] < 0
    assert redshift_difference(good, bad, "image", "STAR", 20) is None
    assert redshift_difference(good, good, "spectrum", "GALAXY", 20) is None
    same = redshift_difference(good, good[:1], "image", "QSO", 100)
    assert abs(same["r2"]["difference"]) < 0.01


def test_methods_that_were_scored_on_other_objects_are_not_paired(answers):
    z = np.linspace(0, 1, 20)
    with pytest.raises(ValueError, match="different objects"):
        redshift_difference(
            [answers({"redshift_image_knn": z}, z)],
            [answers({"redshift_class_mean": z[:10]}, z[:10])],
            "image",
            "GALAXY",
            5,
        )


def test_the_image_is_put_beside_trees_on_photometry(results):
    found = [d for d in results["beside"] if (d["method"], d["read"], d["of"]) == ("lightgbm", "image", "GALAXY")]
    low, high = found[0]["r2"]["interval"]
    assert low <= found[0]["r2"]["difference"] <= high
    aim = results["aims"][2]
    assert aim["reached"] == pytest.approx(low)
    assert aim["met"] == (low >= 0)


def test_what_is_not_run_is_not_claimed(results):
    unrun = [aim for aim in results["aims"] if aim["what"].startswith("retrieval, flux-normalised")]
    assert [(aim["reached"], aim["met"]) for aim in unrun] == [(None, None)]
    assert not results["missing"]
    assert {o["method"] for o in results["objectives"]} == {KEPT, "masked-spectrum"}
    assert objectives({}) == []


def test_pretraining_is_a_difference_on_the_same_objects(answers):
    rng = np.random.default_rng(1)
    z = rng.uniform(0, 1, 300)
    column, tables = "rank_all_large_image_to_spectrum_magnitude", {}
    for name, scatter, most in (("siglip-pretrained", 0.05, 50), ("siglip", 0.2, 100)):
        redshifts = [answers({"redshift_image_knn": z + rng.normal(0, scatter, 300)}, z)]
        ranks = np.where(np.arange(300) % 5, rng.integers(1, most, 300), np.nan)
        tables |= {("redshift", name): redshifts, ("retrieval", name): [answers({column: ranks}, z)]}
    (entry,) = pretraining(tables, 100)
    assert entry["objective"] == "siglip"
    assert entry["r2_image_GALAXY"]["interval"][0] > 0
    hits = [
        np.mean((r := tables["retrieval", n][0][column].to_numpy())[np.isfinite(r)] <= 10)
        for n in ("siglip-pretrained", "siglip")
    ]
    assert entry["recall_at_10"]["difference"] == pytest.approx(hits[0] - hits[1])
    assert pretraining({}, 10) == []


def test_every_figure_has_a_name_and_a_command(results, place):
    told = every_figure(results, "asterism reproduce avis --out DIR")
    assert json.loads((place / "avis.json").read_text()).keys() == told.keys()
    name = f"redshift/{KEPT}/image/redshift_GALAXY/knn/r2"
    assert told[name]["value"] == dig(
        results, "parts", "redshift", KEPT, "figures", "image", "redshift_GALAXY", "knn", "r2"
    )
    assert told[name]["command"] == f"asterism reproduce avis --out DIR --only redshift+{KEPT}"
    assert len(told[name]["interval"]) == 2
    assert all("command" in found for found in told.values())
    assert any(name.startswith(f"difference/{KEPT}/lightgbm/image") for name in told)
