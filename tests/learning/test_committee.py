"""Trees that name objects beside a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from asterism.learning import committee as module
from asterism.learning.committee import Committee
from asterism.models.inputs import PhotometryInputs

INPUTS = PhotometryInputs(
    group="photometry_sdss", survey="sdss", bands=("g", "r"), quantities=("flux",), dereddened=False
)


def batch(n=600, seed=0, labels=True):
    """Two classes told apart by colour; one g in ten is not observed."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)
    r = rng.uniform(17, 20, n)
    colour = np.where(kind == 1, 1.0, 0.0) + rng.normal(0, 0.1, n)
    flux = 10 ** (0.4 * (22.5 - np.stack([r + colour, r], 1)))
    ivar = np.full((n, 2), 1e4)
    ivar[::10, 0] = 0
    photometry = {
        "flux": torch.tensor(flux, dtype=torch.float32),
        "ivar": torch.tensor(ivar, dtype=torch.float32),
        "present": torch.ones(n, dtype=torch.bool),
    }
    made = {"photometry": photometry, "row": torch.arange(n)}
    if labels:
        made["label"] = {"class": torch.tensor(kind)}
    return made, kind


def test_it_tells_classes_apart_and_probabilities_sum_to_one():
    known, _ = batch()
    made = Committee(INPUTS, [known], 3, seed=0)
    others, kind = batch(seed=1, labels=False)
    values = made.values(others)
    assert np.isnan(values[::10]).any(axis=1).all()
    p = made.probabilities(values)
    assert p.shape == (600, 3, 2)
    assert np.allclose(p.sum(1), 1)
    assert not p[:, 2].any()  # a class without labels gets nothing
    seen = np.ones(600, bool)
    seen[::10] = False
    assert (p.mean(2).argmax(1) == kind)[seen].mean() > 0.98


def test_it_learns_from_names():
    known, _ = batch()
    made = Committee(INPUTS, [known], 2, seed=0)
    others, kind = batch(seed=1, labels=False)
    values = made.values(others) + np.float32(5)  # a corner of feature space without labels
    made.learn(values, 1 - kind)
    assert (made.probabilities(values).mean(2).argmax(1) == 1 - kind).mean() > 0.9
    # And has not forgotten the labelled ones.
    assert (made.probabilities(made.values(known)).mean(2).argmax(1) == known["label"]["class"].numpy()).mean() > 0.85


def test_same_seed_same_answers_and_rows_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "_MOST_ROWS", 200)
    known, _ = batch()
    first, second = (Committee(INPUTS, [known], 2, seed=4) for _ in range(2))
    values = first.values(known)
    assert len(first._known[0]) == 200
    assert np.array_equal(first.probabilities(values), second.probabilities(values))


@pytest.mark.parametrize("unlabelled", [0, 100])
def test_objects_without_a_label_are_not_learned_from(unlabelled):
    known, _ = batch()
    known["label"]["class"][:unlabelled] = -1
    made = Committee(INPUTS, [known], 2, seed=0)
    assert len(made._known[0]) == 600 - unlabelled
