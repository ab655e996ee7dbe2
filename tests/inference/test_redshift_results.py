"""Redshifts scored: figures, tables, columns and the page's sections, from densities whose quality is known."""

import json

import numpy as np
import pytest

from asterism.inference.answers import RedshiftAnswers
from asterism.inference.redshift_results import redshift_results
from asterism.inference.report import Page, render
from asterism.inference.results import Sample
from asterism.learning import redshift_metrics as rm
from asterism.models import densities

GRID = np.linspace(0, 3, 121)
N = 400


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    centre, width = rng.uniform(0.2, 2.5, (N, 1)), 0.08
    pdf = np.exp(-0.5 * ((GRID - centre) / width) ** 2)
    pdf[::5] += np.exp(-0.5 * ((GRID - (centre[::5] + 1.2) % 2.8) / width) ** 2)
    pdf = densities.normalise(GRID, pdf)
    z = np.array([densities.quantile(GRID, pdf[i : i + 1], q)[0] for i, q in enumerate(rng.random(N))])
    magnitudes = np.where(np.arange(N) % 40 == 1, np.nan, rng.uniform(17, 21, N))
    names = [f"object-{i}" for i in range(N)]
    sample = Sample("margformer", names, names, magnitudes, "r")
    kinds = ["GALAXY" if i % 3 else "QSO" for i in range(N)]
    noisy = np.clip(densities.median(GRID, pdf) + rng.normal(0, 0.3, N), 0, None)
    return redshift_results(sample, RedshiftAnswers(GRID, pdf), z, kinds, {"lightgbm": noisy}), pdf, z, kinds


def test_the_contracts_keys_are_there_and_mean_what_they_say(case):
    results, pdf, z, _ = case
    m = json.loads(json.dumps(results.metrics, allow_nan=False))
    for key in (
        "sigma_nmad",
        "sigma_nmad_interval",
        "bias",
        "outlier_rate_0.05",
        "outlier_rate_0.15",
        "cde_loss",
        "pit_ks",
    ):
        assert m[key] is not None
    assert m["sigma_nmad"] == pytest.approx(rm.redshift_metrics(GRID, pdf, z, resamples=10)["sigma_nmad"])
    assert m["n"] == m["n_redshift"] == N
    assert m["pit_uniform"]
    for name in ("r_mag", "redshift"):
        assert m["bins"][name][0]["lo"] < m["bins"][name][0]["hi"]
        assert 300 < sum(b["n"] for b in m["bins"][name]) <= N
        assert "cde_loss" in m["bins"][name][0]


def test_figures_are_given_by_class(case):
    results, pdf, z, kinds = case
    quasars = np.array(kinds) == "QSO"
    found = results.metrics["redshift_by_class"]
    assert {name: m["n"] for name, m in found.items()} == {"GALAXY": int((~quasars).sum()), "QSO": int(quasars.sum())}
    assert found["QSO"]["cde_loss"] == pytest.approx(rm.cde_loss_values(GRID, pdf[quasars], z[quasars]).mean())


def test_a_worse_baseline_is_shown_to_be_worse(case):
    results, *_ = case
    theirs = results.baselines["lightgbm"]
    assert "cde_loss" not in theirs
    assert theirs["difference"]["sigma_nmad"]["interval"][1] < 0
    low, high = theirs["difference"]["sigma_nmad"]["interval"]
    assert low <= results.metrics["sigma_nmad"] - theirs["sigma_nmad"] <= high
    table = results.sections[0].tables[0]
    assert [row[0].text for row in table.rows] == ["margformer", "lightgbm"]
    assert table.rows[1][1].verdict == "better"
    assert table.rows[1][5].text == "–"


def test_columns_allow_the_figures_to_be_computed_again(case):
    results, *_ = case
    c = results.columns
    again = rm.point_metrics(c["z_median"], c["redshift"], resamples=10)
    assert again["sigma_nmad"] == pytest.approx(results.metrics["sigma_nmad"])
    assert rm.pit_ks(c["z_pit"]) == pytest.approx(results.metrics["pit_ks"])
    assert c["z_cde_loss"].mean() == pytest.approx(results.metrics["cde_loss"])
    assert rm.point_metrics(c["lightgbm_z"], c["redshift"], resamples=10)["sigma_nmad"] == pytest.approx(
        results.baselines["lightgbm"]["sigma_nmad"]
    )
    assert {row["method"] for row in results.tables["by_redshift"]} == {"margformer", "lightgbm"}


def test_the_page_defines_every_figure_and_shows_the_pictures(case):
    results, *_ = case
    html = render(Page("T", "S", results.cards, results.sections, []))
    for text in ("1.4826", "Densities with two peaks", "Redshifts against r magnitude", "not uniform", "σ_NMAD", "PIT"):
        assert (text in html) == (text != "not uniform")
    assert html.count("<figure") >= 9
    assert all(name in html for name in rm.DEFINITIONS)


def test_a_truth_beyond_the_grid_is_said(case):
    _, pdf, z, _ = case
    names = [str(i) for i in range(N)]
    beyond = z.copy()
    beyond[:7] = 4.0
    sample = Sample("m", names, names, np.full(N, np.nan), "")
    results = redshift_results(sample, RedshiftAnswers(GRID, pdf), beyond, [None] * N, {})
    assert results.metrics["beyond_grid"] == 7
    assert "7 objects have a redshift outside" in " ".join(results.sections[0].texts)
    assert set(results.metrics["bins"]) == {"redshift"}
    assert "redshift_by_class" not in results.metrics
