import json

import numpy as np
import pytest

from asterism.inference.alignment_results import alignment_results, headline
from asterism.inference.embedding_probes import Part, probe_embedding, retrieve
from asterism.inference.probed_objects import ProbedObjects
from asterism.inference.report import Page, render


def part(n, seed):
    rng = np.random.default_rng(seed)
    kind = np.array(["STAR", "GALAXY"], object)[rng.integers(0, 2, n)]
    z = np.where(kind == "STAR", 0.0, rng.uniform(0.1, 1.0, n))
    vectors = {}
    for name, noise in (("image", 0.1), ("spectrum", 0.02), ("joint", 0.05)):
        x = np.stack([np.cos(2 * z), np.sin(2 * z), 1.0 * (kind == "STAR")], 1) + noise * rng.normal(size=(n, 3))
        vectors[name] = (x.astype(np.float32), np.ones(n, bool))
    ids = np.array([f"{seed}-{i}" for i in range(n)], object)
    names = {"class": kind}
    numbers = {
        "redshift_GALAXY": np.where(kind == "GALAXY", z, np.nan),
        "bulge_fraction": np.where(z > 0, z / 2, np.nan),
    }
    return Part(ProbedObjects(np.arange(n), ids, ids, numbers, names, z, rng.uniform(17, 21, n), "r"), vectors)


@pytest.fixture(scope="module")
def case():
    parts = part(300, 0), part(80, 1), part(300, 2)
    probed = {name: probe_embedding(name, *parts, few=(10, 100), draws=2, resamples=20) for name in parts[2].vectors}
    retrieved = retrieve(parts[2], resamples=20)
    return (
        alignment_results("avis", parts[2], probed, retrieved, {"untrained": {"image": probed["image"]}}),
        probed,
        parts,
    )


def test_the_flat_figures_are_those_of_the_probes(case):
    results, probed, _ = case
    m = json.loads(json.dumps(results.metrics, allow_nan=False))
    assert m["n"] == 300
    assert m["knn_of"] == "redshift_GALAXY"
    assert m["knn_r2"] == probed["joint"].found["redshift_GALAXY"]["knn"].scores["r2"]
    assert m["image_knn_r2"] == m["probes"]["image"]["redshift_GALAXY"]["knn"]["r2"] < m["spectrum_knn_r2"]
    assert m["knn_sigma_nmad_interval"][0] <= m["knn_sigma_nmad"] <= m["knn_sigma_nmad_interval"][1]
    assert m["knn_macro_recall"] > 0.9
    assert m["recall_at_10"] == m["retrieval"]["image_to_spectrum"]["random"]["recall_at_10"]
    assert m["recall_at_1"] <= m["recall_at_5"] <= m["recall_at_10"]
    rows = m["bins"]["r_mag"]
    assert sum(row["n"] for row in rows) > 200
    total = sum(row["n"] * row["recall_at_10"] for row in rows) / sum(row["n"] for row in rows)
    assert total == pytest.approx(m["recall_at_10"], abs=0.05)
    assert results.baselines["untrained"]["image_knn_r2"] == m["image_knn_r2"]


def test_columns_allow_the_figures_to_be_computed_again(case):
    results, probed, parts = case
    ranks = results.columns["rank_image_to_spectrum"]
    assert (ranks <= 10).mean() == pytest.approx(results.metrics["recall_at_10"])
    galaxy = parts[2].objects.names["class"] == "GALAXY"
    z = results.columns["z_knn_image"]
    assert np.isnan(z[~galaxy]).all()
    assert np.allclose(z[galaxy], np.maximum(probed["image"].found["redshift_GALAXY"]["knn"].predicted, 0))
    told = np.array(results.columns["class_knn_joint"])
    assert (told == parts[2].objects.names["class"]).mean() > 0.9


def test_the_page_says_it_all(case):
    results, _, _ = case
    page = render(Page("t", "s", results.cards, results.sections, []))
    for text in (
        "Does an image find its spectrum?",
        "Redshifts of galaxies",
        "image → spectrum",
        "of near magnitude and redshift",
        "untrained",
        "macro recall",
    ):
        assert text in page
    assert page.count("<svg") == 0  # pictures are data URIs
    assert page.count("data:image/svg+xml") == sum(len(section.figures) for section in results.sections) >= 6


def test_tables_have_a_row_per_answer(case):
    results, probed, _ = case
    answers = sum(len(probes) for found in probed.values() for probes in found.found.values())
    image = sum(len(probes) for probes in probed["image"].found.values())
    assert len(results.tables["probes"]) == answers + image  # the baseline's too
    assert {row["labels"] for row in results.tables["few_shot"]} == {10, 100}
    assert len(results.tables["retrieval"]) == 6


def test_without_labels_or_pairs_there_is_less(case):
    _, _, parts = case
    bare = alignment_results("avis", parts[2], {}, retrieve(parts[2], resamples=5), {})
    assert "knn_r2" not in bare.metrics
    assert "recall_at_10" in bare.metrics
    assert [section.title for section in bare.sections] == ["Does an image find its spectrum?"]
    assert headline({}) == {}
    assert alignment_results("m", parts[2], {}, None, {}).metrics["bins"] == {}
