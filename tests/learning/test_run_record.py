"""What a run says of itself agrees with what its model answers."""

import csv
import json

import numpy as np
import pytest

from asterism.inference.predictor import Predictor
from asterism.learning.fit import Fitted
from asterism.learning.run_record import write_history
from asterism.learning.run_state import Epoch


@pytest.mark.parametrize("name", ["redshift", "both"])
def test_validation_figures_are_those_of_the_answers(redshift_runs, name):
    run = redshift_runs[name]
    record = json.loads((run.path / "train.json").read_text())
    where = "redshift IS NOT NULL AND class <> 'STAR'"
    parent = run.catalog.read(where=where, split="default", part="validation")
    predictor = Predictor.from_pretrained(run.path)
    answers = predictor.answer_table(parent, predictor.bindings(run.catalog))
    seen = answers.informed
    z = parent["redshift"].to_numpy()[seen]
    pdf, grid = answers.redshift.pdf[seen], answers.redshift.grid
    if name == "redshift":
        density = np.array([np.interp(at, grid, p) for at, p in zip(z, pdf, strict=True)])
        told = record["validation"]["negative_log_likelihood"]
        assert told == pytest.approx(-np.log(density).mean(), abs=1e-3)
        assert record["task"] == "redshift"
    else:
        assert record["temperature"] > 0
        assert record["validation"]["accuracy"] > 0.8
    assert record["validation"]["sigma_nmad"] < 0.05
    assert abs(record["validation"]["bias"]) < 0.02
    grid_told = record["redshift"]["grid"]
    assert (len(grid), grid[-1]) == (grid_told["points"], grid_told["z_max"])


def test_history_has_a_line_per_epoch(tmp_path):
    epochs = (Epoch(1, 5, 0.1, 2.0, 1.5), Epoch(2, 10, 0.05, 1.8, 1.4))
    write_history(tmp_path / "h.csv", Fitted(2, 10, 1, 1.4, epochs))
    with (tmp_path / "h.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["validation_score"] for line in lines] == ["1.5", "1.4"]
