import json

import numpy as np
import pyarrow as pa
import pytest

from asterism.papers.macnet.published import CLASSES, ORDER
from asterism.papers.macnet.results import agreement, class_figures, light_training, order_chance
from asterism.papers.seed_scores import SeedScores


def results(place):
    return json.loads((place / "results.json").read_text())


def scores(called, labels):
    p = np.full((len(called), 3), 0.1)
    p[np.arange(len(called)), called] = 0.8
    names = [CLASSES[k] for k in labels]
    ids = [str(k) for k in range(len(called))]
    table = pa.table({"object_id": ids, "source_id": ids, "class": names})
    for k, name in enumerate(CLASSES):
        table = table.append_column(f"p_{name.lower()}", pa.array(p[:, k]))
    return SeedScores([table], CLASSES)


def test_figures_of_each_class():
    told = class_figures(scores([0, 0, 1, 2], [0, 1, 1, 2]))
    assert told["GALAXY"]["precision"] == 0.5
    assert told["QSO"] == {
        "precision": 1.0, "precision_std": None, "recall": 0.5, "recall_std": None,
        "f1": pytest.approx(2 / 3), "f1_std": None,
    }  # fmt: skip
    only = class_figures(scores([0, 0, 1, 2], [0, 1, 1, 2]), np.array([True, False, True, True]))
    assert only["QSO"]["recall"] == 1.0


def test_how_often_small_tests_have_the_order():
    labels = np.arange(400) % 3
    methods = {}
    for k, name in enumerate(ORDER):
        wrong = np.arange(400) < 100 - 25 * k
        methods[name] = scores(np.where(wrong, (labels + 1) % 3, labels), labels)
    told = order_chance(methods)
    assert told["best"]["macnet"] > 0.99
    assert 0.9 < told["in_order"] <= 1
    assert order_chance({"macnet": methods["macnet"]}) is None


def test_steps_are_paired_and_judged(place):
    (step,) = [s for s in results(place)["steps"]["sample"] if (s["before"], s["after"]) == ("cnet", "sscnn1d")]
    assert step["published"] == pytest.approx(0.07)
    table = next(p for p in results(place)["parts"] if (p["part"], p["training"]) == ("table4", "sample"))
    expected = table["methods"]["sscnn1d"]["accuracy"] - table["methods"]["cnet"]["accuracy"]
    assert step["accuracy"]["difference"] == pytest.approx(expected)
    low, high = step["accuracy"]["interval"]
    assert step["verdict"] == ("higher" if low > 0 else "lower" if high < 0 else "not told apart")


def test_every_part_has_its_figures(place):
    told = results(place)
    assert [e["model"] for e in told["sky"]] == ["cnet"]
    (plan,) = told["plans"]
    assert plan["trained_on"] == 1
    assert 0 < plan["plan1"]["n"] < 0.3 * plan["plan2"]["n"]
    assert (plan["seeds"], plan["plan2"]["accuracy_std"]) == (1, None)
    assert all(w["interval"][0] <= w["accuracy"] <= w["interval"][1] for w in told["windows"])
    assert {(w["arm"], tuple(w["window"])) for w in told["windows"]} == {("blue", (1000, 3000)), ("red", (2136, 4136))}
    assert {m["method"] for m in told["maps"]} == {"macnet"}
    assert told["missing"] == []


def test_maps_and_windows_agree_where_they_point_to_one_arm():
    def entry(arm, f1, subtracted=False):
        return {"arm": arm, "subtracted": subtracted, "classes": {name: {"f1": f1} for name in CLASSES}}

    maps = {name: {"red_share": {"value": share}} for name, share in zip(CLASSES, (0.7, 0.3, None), strict=True)}
    by_cell = {**maps, "GALAXY": {"red_share": {"value": 0.4}}}
    steps = {"behind": maps, "hirescam-behind": by_cell}
    shown = [{"method": name, "maps": steps} for name in ("macnet", "macnet-sky-subtracted")]
    windows = [entry("blue", 0.6), entry("red", 0.9), entry("blue", 0.8, True), entry("red", 0.7, True)]
    told = agreement({"maps": shown, "windows": windows})
    verdicts = [(e["class"], e["subtracted"], e["map_arm"], e["window_arm"], e["agree"]) for e in told]
    assert verdicts[:2] + verdicts[4:6] == [
        ("GALAXY", False, "red", "red", True),
        ("QSO", False, "blue", "red", False),
        ("GALAXY", True, "red", "blue", False),
        ("QSO", True, "blue", "blue", True),
    ]
    assert verdicts[2] == ("GALAXY", False, "blue", "red", False)
    assert [e["cam"] for e in told] == 2 * ["grad-cam", "grad-cam", "hirescam", "hirescam"]
    assert len(agreement({"maps": shown[:1], "windows": windows})) == 4
    assert agreement({"maps": [], "windows": []}) == []
    older = [{"method": "macnet", "maps": {"behind": maps}}]
    assert [e["cam"] for e in agreement({"maps": older, "windows": windows})] == ["grad-cam", "grad-cam"]


def test_light_training_is_told_from_the_settings():
    assert light_training("small")["batch"] == "32"
