"""Redshift figures: against qp where it has them, against plain integrals, and as laws."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.learning import redshift_metrics as rm
from asterism.models import densities

GRID = np.linspace(0, 2, 81)


def sample(n=600, seed=1, width=0.05, claimed=None):
    """Gaussian densities (some with a second peak) and truths drawn from them; `claimed` is the width that is told."""
    rng = np.random.default_rng(seed)
    centre, second = rng.uniform(0.3, 1.7, (2, n, 1))
    share = np.where(rng.random((n, 1)) < 0.3, 0.4, 0.0)

    def mixture(sigma):
        gauss = np.exp(-0.5 * ((GRID - centre) / sigma) ** 2)
        return (1 - share) * gauss + share * np.exp(-0.5 * ((GRID - second) / sigma) ** 2)

    pdf = densities.normalise(GRID, mixture(width))
    z = np.array([densities.quantile(GRID, pdf[i : i + 1], q)[0] for i, q in enumerate(rng.random(n))])
    return densities.normalise(GRID, mixture(claimed or width)), z


def test_right_densities_look_right_and_overconfident_ones_do_not():
    pdf, z = sample()
    m = rm.redshift_metrics(GRID, pdf, z, resamples=200)
    assert m["pit_uniform"]
    assert m["pit_ks"] < m["pit_ks_critical95"] == pytest.approx(1.358 / np.sqrt(600), rel=0.02)
    for name, right in (("coverage_68", 0.68), ("coverage_95", 0.95), ("coverage_95_region", 0.95)):
        assert m[f"{name}_interval"][0] <= right <= m[f"{name}_interval"][1]
    narrow, z = sample(claimed=0.025)
    worse = rm.redshift_metrics(GRID, narrow, z, resamples=200)
    assert not worse["pit_uniform"]
    assert worse["coverage_68"] < 0.6
    assert worse["cde_loss"] > m["cde_loss"]
    assert worse["crps"] > m["crps"]


def test_figures_agree_with_qp():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        qp = pytest.importorskip("qp")
        from qp.metrics.concrete_metric_classes import CDELossMetric
        from qp.metrics.pit import PIT
        from qp.metrics.point_estimate_metric_classes import PointBias, PointSigmaMAD, PointStatsEz

        pdf, z = sample(200)
        ensemble = qp.Ensemble(qp.interp, data={"xvals": GRID, "yvals": pdf})
        theirs = PIT(ensemble, z).pit_samps
        fine = np.linspace(0, 2, 4001)
        cde = CDELossMetric(fine).evaluate(ensemble, z)
    scores = rm.RedshiftScores.of_densities(GRID, pdf, z)
    m = rm.metrics_of(scores, resamples=20)
    # qp's cumulative distribution of an interpolated density is linear between the grid's points, ours is exact.
    assert np.abs(scores.pit - theirs).max() < 0.05
    assert m["cde_loss"] == pytest.approx(cde, rel=2e-3)
    median = densities.median(GRID, pdf)
    assert np.allclose(scores.error, PointStatsEz().evaluate(median, z))
    assert m["bias"] == pytest.approx(PointBias().evaluate(median, z))
    assert m["sigma_nmad"] == pytest.approx(PointSigmaMAD().evaluate(median, z), rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-0.3, 2.4))
def test_losses_are_the_integrals_that_they_claim_to_be(seed, z):
    rng = np.random.default_rng(seed)
    grid = np.sort(rng.uniform(0, 2, 12))
    pdf = densities.normalise(grid, rng.uniform(0, 1, (3, 12)) ** 3 + 1e-9)
    fine = np.linspace(-0.5, 2.5, 30_001)
    for row in range(3):
        p = np.interp(fine, grid, pdf[row], left=0, right=0)
        step = fine[1] - fine[0]
        F = np.cumsum(p) * step - p * step / 2
        crps = np.sum((F - (fine >= z)) ** 2) * step
        assert rm.crps_values(grid, pdf, [z] * 3)[row] == pytest.approx(crps, abs=4e-3)
        cde = np.sum(p**2) * step - 2 * np.interp(z, grid, pdf[row], left=0, right=0)
        assert rm.cde_loss_values(grid, pdf, [z] * 3)[row] == pytest.approx(cde, rel=0.02, abs=0.02)


def test_a_sharp_density_costs_what_its_point_is_wrong():
    grid = np.array([0, 0.5 - 1e-7, 0.5, 0.5 + 1e-7, 2])
    pdf = np.array([[0, 0, 1, 0, 0]] * 3)
    assert np.allclose(rm.crps_values(grid, pdf, [0.5, 0.8, 0.1]), [0, 0.3, 0.4], atol=1e-6)


def test_point_figures_by_hand():
    z = np.array([0, 0, 0, 0, 1.0])
    m = rm.point_metrics(np.array([0.01, 0.02, 0.03, 0.1, 1.4]), z, resamples=50)
    assert m["bias"] == pytest.approx(0.03)
    assert m["bias_mean"] == pytest.approx((0.01 + 0.02 + 0.03 + 0.1 + 0.2) / 5)
    assert m["sigma_nmad"] == pytest.approx(1.4826 * 0.02)
    assert m["outlier_rate_0.05"] == pytest.approx(0.4)
    assert m["outlier_rate_0.15"] == pytest.approx(0.2)
    assert "cde_loss" not in m
    assert "pit_ks" not in m
    assert set(m) - {"n"} - {k for k in m if k.endswith("_interval")} <= set(rm.DEFINITIONS)


def test_every_density_figure_is_defined_and_has_an_interval():
    pdf, z = sample(100)
    m = rm.redshift_metrics(GRID, pdf, z, resamples=20)
    figures = set(rm.DEFINITIONS) - {"delta"}
    assert figures <= set(m)
    for name in figures - {"pit_ks", "pit_ks_critical95"}:
        low, high = m[f"{name}_interval"]
        assert low <= high


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    hits = 0
    for k in range(40):
        low, high = rm.point_metrics(rng.normal(0, 0.05, 200), np.zeros(200), resamples=150, seed=k)[
            "sigma_nmad_interval"
        ]
        hits += low <= 0.05 <= high
    assert 33 <= hits <= 40


def test_sources_and_not_rows_are_resampled():
    rng = np.random.default_rng(0)
    error = np.repeat(rng.normal(0, 0.05, 50), 20)
    sources = np.repeat(np.arange(50), 20)
    alone = rm.point_metrics(error, np.zeros(1000), resamples=300)["bias_mean_interval"]
    together = rm.point_metrics(error, np.zeros(1000), sources=sources, resamples=300)
    assert np.ptp(together["bias_mean_interval"]) > 3 * np.ptp(alone)
    assert np.ptp(together["sigma_nmad_interval"]) > 0.01


def test_bins_hold_the_objects_between_their_edges():
    pdf, z = sample(300)
    scores = rm.RedshiftScores.of_densities(GRID, pdf, z)
    edges = rm.redshift_bin_edges(z)
    assert edges[0] <= z.min() < z.max() < edges[-1]
    assert 5 <= len(edges) <= 16
    bins = rm.metrics_by_bin(scores, z, edges, resamples=20)
    counts = np.histogram(z, edges)[0]
    assert [b["n"] for b in bins] == [c for c in counts if c >= 20]
    inside = (z >= bins[0]["lo"]) & (z < bins[0]["hi"])
    assert bins[0]["cde_loss"] == pytest.approx(rm.cde_loss_values(GRID, pdf[inside], z[inside]).mean())


def test_paired_differences_see_what_two_separate_intervals_do_not():
    rng = np.random.default_rng(1)
    z = rng.uniform(0, 1, 2000)
    shared = rng.normal(0, 0.05, 2000) * (1 + z)
    ours = rm.RedshiftScores.of_points(z + shared, z)
    theirs = rm.RedshiftScores.of_points(z + 1.04 * shared, z)
    found = rm.paired_redshift_differences(ours, theirs, resamples=300)
    assert found["sigma_nmad"].high < 0
    assert found["sigma_nmad"].mean == pytest.approx(-0.002, rel=0.1)
    assert set(found) == {"sigma_nmad", "outlier_rate_0.05", "outlier_rate_0.15"}
    apart = [rm.metrics_of(s, resamples=300)["sigma_nmad_interval"] for s in (ours, theirs)]
    assert apart[0][1] > apart[1][0]
    with pytest.raises(ValueError, match="same objects"):
        rm.paired_redshift_differences(ours, theirs.take(np.arange(1999, -1, -1)))


def test_densities_are_compared_by_their_losses():
    pdf, z = sample(400)
    narrow, _ = sample(400, claimed=0.02)
    right, wrong = (rm.RedshiftScores.of_densities(GRID, p, z, block=77) for p in (pdf, narrow))
    found = rm.paired_redshift_differences(right, wrong, resamples=300)
    assert found["cde_loss"].high < 0
    assert found["crps"].high < 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: rm.point_metrics([0.1], [np.nan]), "finite"),
        (lambda: rm.point_metrics([0.1, 0.2], [0.1]), "one length"),
        (lambda: rm.point_metrics([], []), "no objects"),
        (lambda: rm.redshift_metrics(GRID, np.ones((2, 81)), [0.1]), "same objects"),
        (lambda: rm.redshift_metrics(GRID, np.zeros((1, 81)), [0.1]), "row 0"),
        (lambda: rm.redshift_metrics(GRID, np.empty((0, 81)), []), "no objects"),
    ],
)
def test_what_can_not_be_scored_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
