"""The pictures of redshifts hold what they are said to hold."""

import io

import numpy as np
import pytest

from asterism.inference import redshift_figures as figures
from asterism.models import densities

GRID = np.linspace(0, 3, 151)


def sample(n=300, seed=0):
    """Densities, every third with a second peak of the same height, and truths drawn from them."""
    rng = np.random.default_rng(seed)
    centre = rng.gamma(3, 0.25, (n, 1))
    second = np.where(np.arange(n)[:, None] % 3 == 0, (centre + 1.2) % 2.9, centre)
    pdf = np.exp(-0.5 * ((GRID - centre) / 0.06) ** 2) + np.exp(-0.5 * ((GRID - second) / 0.06) ** 2)
    pdf = densities.normalise(GRID, pdf + 1e-6)
    z = np.array([densities.quantile(GRID, pdf[i : i + 1], q)[0] for i, q in enumerate(rng.random(n))])
    return pdf, z


PDF, Z = sample()
PHOT = densities.median(GRID, PDF)


def drawn(figure):
    figure.savefig(io.BytesIO(), format="png")
    return figure


def texts(axes):
    return {t.get_text() for t in axes.get_legend().get_texts()}


def test_few_objects_are_points_and_many_are_counts():
    few = drawn(figures.redshift_figure(PHOT, Z))
    assert len(few.axes) == 2
    assert len(few.axes[0].collections[0].get_offsets()) == 300
    many = drawn(figures.redshift_figure(np.tile(PHOT, 10), np.tile(Z, 10)))
    assert {axes.get_ylabel() for axes in many.axes} == {"z_phot", "Δz/(1+z)", "objects"}
    assert many.axes[0].collections[0].get_array().sum() == 3000


def test_pit_bins_of_right_densities_lie_in_the_band():
    pit = densities.pit(GRID, PDF, Z)
    axes = drawn(figures.pit_figure(pit)).axes[0]
    band = axes.patches[0]
    low, high = band.get_y(), band.get_y() + band.get_height()
    heights = axes.patches[1].get_data().values
    assert heights.mean() == pytest.approx(1)
    assert np.mean((heights >= low) & (heights <= high)) >= 0.8
    skewed = drawn(figures.pit_figure(pit**3)).axes[0].patches[1].get_data().values
    assert skewed[0] > high


def test_stacked_densities_and_true_redshifts_are_the_same_quantity():
    axes = drawn(figures.stacked_figure(GRID, PDF, Z)).axes[0]
    assert texts(axes) == {"true redshifts", "medians", "stacked p(z)"}
    for patch in axes.patches:
        values, edges, _ = patch.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1, abs=0.05)


def test_doubles_are_found_without_the_truth():
    rows = figures.double_peaked(GRID, PDF, 50)
    assert len(rows) == 50
    assert set(rows % 3) == {0}
    single = np.exp(-0.5 * ((GRID - 1) / 0.2) ** 2)[None]
    assert len(figures.double_peaked(GRID, single)) == 0
    close = single + np.exp(-0.5 * ((GRID - 1.1) / 0.02) ** 2)
    assert len(figures.double_peaked(GRID, close)) == 0


@pytest.mark.parametrize("count", [1, 4])
def test_each_density_shows_its_truth(count):
    rows = figures.double_peaked(GRID, PDF, count)
    figure = drawn(figures.peaks_figure(GRID, PDF, Z, [f"object-{i}" for i in range(300)], rows))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == [f"object-{i}" for i in rows]
    for axes, row in zip(shown, rows, strict=True):
        assert axes.lines[2].get_xdata()[0] == Z[row]
        assert axes.get_xlim()[0] < Z[row] < axes.get_xlim()[1]


def test_errors_along_magnitude_leave_out_what_has_none():
    magnitude = np.where(np.arange(300) % 7 == 0, np.nan, np.linspace(17, 21, 300))
    error = (PHOT - Z) / (1 + Z)
    axes = drawn(figures.error_figure({"ours": error, "lightgbm": 2 * error}, magnitude, "r magnitude")).axes[0]
    assert {"ours, median", "lightgbm, median"} <= texts(axes)
    assert len(axes.collections[0].get_offsets()) == np.isfinite(magnitude).sum()
