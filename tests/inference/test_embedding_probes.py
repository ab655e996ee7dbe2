import json

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.inference.embedding_probes import Part, probe_embedding, retrieve
from asterism.inference.probed_objects import ProbedObjects


def part(n, seed, noise=0.02):
    """Objects whose image tells their redshift roughly and whose spectrum tells it well; a tenth lacks the image."""
    rng = np.random.default_rng(seed)
    kind = np.array(["STAR", "GALAXY", "QSO"], object)[rng.integers(0, 3, n)]
    z = np.where(kind == "STAR", 0.0, rng.uniform(0.05, 1.2, n))
    turn = np.linalg.qr(np.random.default_rng(99).normal(size=(8, 8)))[0]
    place = np.array([{"STAR": 0, "GALAXY": 1, "QSO": 2}[k] for k in kind])

    def embed(scatter):
        x = np.zeros((n, 8))
        x[:, 0], x[:, 1] = np.cos(z), np.sin(z)
        x[np.arange(n), 2 + place] = 1
        x = (x + scatter * rng.normal(size=x.shape)) @ turn
        return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)

    there = np.arange(n) % 10 != 3
    vectors = {"image": (embed(0.15), there), "spectrum": (embed(noise), np.ones(n, bool))}
    vectors["image"][0][~there] = 0
    numbers = {f"redshift_{k}": np.where(kind == k, z, np.nan) for k in ("GALAXY", "QSO")}
    ids = np.array([f"{seed}-{i}" for i in range(n)], object)
    magnitudes = rng.uniform(17, 22, n)
    return Part(ProbedObjects(np.arange(n), ids, ids, numbers, {"class": kind}, z, magnitudes, "r"), vectors)


PARTS = part(500, 0), part(120, 1), part(400, 2)


def test_probes_are_scored_on_the_objects_that_have_the_embedding():
    found = probe_embedding("image", *PARTS, draws=2, few=(10, 50), resamples=20)
    galaxies = found.found["redshift_GALAXY"]["knn"]
    objects, there = PARTS[2].objects, PARTS[2].vectors["image"][1]
    assert np.array_equal(galaxies.places, np.flatnonzero((objects.names["class"] == "GALAXY") & there))
    assert np.array_equal(galaxies.true, objects.redshifts[galaxies.places])
    assert galaxies.scores["r2"] > 0.7
    assert (
        galaxies.scores["reference"] == (PARTS[0].objects.known("redshift_GALAXY") & PARTS[0].vectors["image"][1]).sum()
    )
    assert set(found.found["redshift_QSO"]) == {"knn", "knn_median", "linear"}
    assert found.found["class"]["linear"].scores["macro_recall"] > 0.9
    assert set(found.few["class"]["knn"]) == {"10", "50"}
    metrics = json.loads(json.dumps(found.metrics, allow_nan=False))
    assert metrics["redshift_GALAXY"]["knn"]["chosen"]["k"] >= 1
    assert metrics["class"]["few_shot"]["linear"]["50"]["mean"] > metrics["class"]["few_shot"]["linear"]["10"]["mean"]
    assert not found.notes


def test_the_better_embedding_is_the_better():
    image, spectrum = (
        probe_embedding(name, *PARTS, few=(), resamples=5).found["redshift_GALAXY"]["linear"].scores
        for name in ("image", "spectrum")
    )
    assert spectrum["r2"] > image["r2"] + 0.02
    assert spectrum["sigma_nmad"] < 0.5 * image["sigma_nmad"]


def test_only_what_is_asked_is_answered():
    found = probe_embedding("image", *PARTS, asked=("class",), few=(10,), draws=2, resamples=5)
    assert set(found.found) == set(found.few) == {"class"}
    whole = probe_embedding("image", *PARTS, few=(), resamples=5).found["class"]["knn"]
    assert np.array_equal(found.found["class"]["knn"].predicted, whole.predicted)


def test_what_has_too_few_labels_is_said_and_left_out():
    few = part(40, 5)
    found = probe_embedding("image", few, part(12, 6), PARTS[2], resamples=5, few=())
    assert "redshift_QSO" not in found.found
    assert any(note.startswith("redshift_QSO was not asked") for note in found.notes)
    assert "class" in found.found


def test_an_image_finds_its_spectrum_and_back():
    found = retrieve(PARTS[2], resamples=50)
    both = int(PARTS[2].vectors["image"][1].sum())
    for direction in ("image_to_spectrum", "spectrum_to_image"):
        m = found.metrics[direction]
        assert set(m) == {"random", "magnitude", "magnitude_redshift"}
        assert m["random"]["n"] == m["random"]["pool"] == both
        assert m["random"]["recall_at_10"] > 5 * m["random"]["chance_at_10"]
        assert m["magnitude"]["pool"] == both // 10
        assert m["magnitude"]["spread_magnitude"] < 0.3
        # With its redshift gone, this embedding has nothing else to tell objects apart by.
        gain = {kind: m[kind]["recall_at_10"] / m[kind]["chance_at_10"] for kind in m}
        assert gain["magnitude_redshift"] < 0.7 * gain["random"]
    assert len(found.ranks["image_to_spectrum", "random"]) == len(found.places["random"]) == both


def test_pools_of_a_size_that_is_asked_for():
    found = retrieve(PARTS[2], pool=50, resamples=5)
    assert {m["pool"] for kinds in found.metrics.values() for m in kinds.values()} == {50}
    with pytest.raises(BadInputError, match="pools of 2,000 need as many pairs and there are 360"):
        retrieve(PARTS[2], pool=2000)
    with pytest.raises(BadInputError, match="recall at 10 means nothing in pools of 4"):
        retrieve(PARTS[2], pool=4)


def test_too_few_pairs_are_said_and_left_out():
    found = retrieve(part(30, 7), resamples=5)
    assert set(found.metrics["image_to_spectrum"]) == {"random"}
    assert any("near magnitude and redshift was left out: there are 27 pairs" in note for note in found.notes)
