"""Results of several tasks become one set of figures."""

import csv

import numpy as np
import pytest

from asterism.inference.results import Sample, difference, flat, merge_metrics, verdict, write_csv
from asterism.learning.intervals import PairedDifference


def test_bins_of_the_same_edges_are_joined_and_others_stay():
    classes = {"n": 5, "accuracy": 0.9, "bins": {"r_mag": [{"lo": 17, "hi": 18, "n": 5, "accuracy": 0.9}]}}
    redshifts = {
        "n": 4,
        "n_redshift": 4,
        "bias": 0.1,
        "bins": {
            "r_mag": [{"lo": 16, "hi": 17, "n": 2, "bias": 0.2}, {"lo": 17, "hi": 18, "n": 4, "bias": 0.1}],
            "redshift": [{"lo": 0, "hi": 1, "n": 4}],
        },
    }
    both = merge_metrics([classes, redshifts])
    assert (both["n"], both["n_redshift"], both["accuracy"], both["bias"]) == (5, 4, 0.9, 0.1)
    assert both["bins"]["redshift"] == [{"lo": 0, "hi": 1, "n": 4}]
    assert both["bins"]["r_mag"] == [
        {"lo": 16, "hi": 17, "n": 2, "bias": 0.2},
        {"lo": 17, "hi": 18, "n": 5, "accuracy": 0.9, "bias": 0.1},
    ]
    assert len(classes["bins"]["r_mag"][0]) == 4


def test_baselines_of_one_name_are_joined_with_their_differences():
    a = {"lightgbm": {"accuracy": 0.8, "difference": {"accuracy": 1}}, "mlp": {"accuracy": 0.7}}
    b = {"lightgbm": {"bias": 0.1, "difference": {"sigma_nmad": 2}}, "random_forest": {"bias": 0}}
    both = merge_metrics([a, b])
    assert list(both) == ["lightgbm", "mlp", "random_forest"]
    assert both["lightgbm"] == {"accuracy": 0.8, "bias": 0.1, "difference": {"accuracy": 1, "sigma_nmad": 2}}


@pytest.mark.parametrize(
    ("ends", "higher", "expected"),
    [((0.1, 0.2), True, "better"), ((0.1, 0.2), False, "worse"), ((-0.2, -0.1), False, "better"), ((-1, 1), True, "")],
)
def test_a_verdict_needs_an_interval_without_zero(ends, higher, expected):
    m = {"difference": difference({"figure": PairedDifference(0.0, *ends)})}
    assert verdict(m, "figure", higher_is_better=higher) == expected
    assert verdict(m, "another") == ""


def test_tables_have_scalars_and_interval_ends(tmp_path):
    row = flat({"n": 3, "recall": {"STAR": 0.5}, "bias_interval": [0, 1], "bins": {}, "pit_uniform": True})
    assert row == {"n": 3, "recall_STAR": 0.5, "bias_low": 0, "bias_high": 1}
    write_csv(tmp_path / "t.csv", [{"a": 1}, {"b": 2}])
    with (tmp_path / "t.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"a": "1", "b": ""}, {"a": "", "b": "2"}]


def test_a_sample_keeps_its_objects_together():
    sample = Sample("m", ["a", "b", "c"], ["s", "t", "u"], np.array([1.0, 2, 3]), "r").take(
        np.array([True, False, True])
    )
    assert (sample.object_id, sample.source_id, sample.magnitudes.tolist()) == (["a", "c"], ["s", "u"], [1, 3])
    assert sample.bin_name == "r_mag"
