"""What a density says: laws that any piecewise linear density must obey, and known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.models import densities

TRAPEZOID = np.trapezoid
few = settings(max_examples=30, deadline=None)


@st.composite
def densities_on_grids(draw):
    """A grid with uneven steps and densities from flat to one cell wide, over many scales."""
    points = draw(st.integers(2, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grid = draw(st.floats(0, 3)) + np.cumsum(rng.uniform(1e-3, 0.2, points))
    pdf = rng.uniform(0, 1, (5, points)) ** draw(st.sampled_from([0.1, 1, 20])) * draw(
        st.sampled_from([1e-200, 1, 1e200])
    )
    pdf[rng.random(pdf.shape) < draw(st.sampled_from([0, 0.5, 0.95]))] = 0
    pdf[np.arange(5), rng.integers(0, points, 5)] += pdf.max() + 1e-200
    return grid, pdf


@few
@given(densities_on_grids())
def test_normalised_densities_have_unit_mass_and_keep_their_shape(case):
    grid, pdf = case
    p = densities.normalise(grid, pdf)
    assert np.allclose(TRAPEZOID(p, grid, axis=1), 1, rtol=1e-12)
    assert np.allclose(p / p.max(axis=1, keepdims=True), pdf / pdf.max(axis=1, keepdims=True), rtol=1e-9)


@few
@given(densities_on_grids(), st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_quantile_is_the_inverse_of_cdf(case, shares):
    grid, pdf = case
    z = densities.quantile(grid, pdf, shares)
    assert z.shape == (5, len(shares))
    for column, share in enumerate(shares):
        assert np.allclose(densities.cdf(grid, pdf, z[:, column]), share, atol=1e-9)
        assert ((z[:, column] >= grid[0]) & (z[:, column] <= grid[-1])).all()
    ascending = densities.quantile(grid, pdf, np.sort(shares))
    assert (np.diff(ascending, axis=1) >= 0).all()


@few
@given(densities_on_grids(), st.floats(0, 1))
def test_figures_agree_with_a_fine_numerical_integral(case, share):
    grid, pdf = case
    fine = np.unique(np.concatenate([np.linspace(a, b, 33) for a, b in zip(grid[:-1], grid[1:], strict=True)]))
    p = densities.normalise(grid, pdf)
    z = grid[0] + share * (grid[-1] - grid[0])
    for row in range(len(p)):
        values = np.interp(fine, grid, p[row])
        middle = TRAPEZOID(fine * values, fine)
        assert densities.mean(grid, pdf)[row] == pytest.approx(middle, rel=1e-3)
        spread = np.sqrt(TRAPEZOID((fine - middle) ** 2 * values, fine))
        assert densities.standard_deviation(grid, pdf)[row] == pytest.approx(spread, rel=0.02, abs=1e-6)
        below = fine <= z
        x = np.append(fine[below], z)
        assert densities.cdf(grid, pdf, z)[row] == pytest.approx(TRAPEZOID(np.interp(x, grid, p[row]), x), abs=1e-9)
        assert densities.density(grid, pdf, z)[row] == pytest.approx(np.interp(z, grid, p[row]), rel=1e-9, abs=1e-12)
        level = np.interp(z, grid, p[row])
        width = np.diff(fine)
        centre = 0.5 * (values[1:] + values[:-1])
        above = (centre * width)[centre > level].sum()
        # The numerical region is rough at its rims, of which each maximum has two.
        rough = 2 * len(grid) * level * width.max() + 1e-6
        assert densities.credibility(grid, pdf, z)[row] == pytest.approx(above, abs=rough)


@few
@given(densities_on_grids())
def test_the_mode_is_the_first_of_the_modes(case):
    grid, pdf = case
    redshifts, heights = densities.modes(grid, pdf, 3)
    assert np.array_equal(redshifts[:, 0], densities.mode(grid, pdf))
    assert (np.diff(heights, axis=1) <= 0).all()
    assert np.isnan(redshifts[heights == 0]).all()


def test_truths_drawn_from_the_densities_have_uniform_pit_and_credibility():
    rng = np.random.default_rng(7)
    grid = np.linspace(0, 1, 31)
    pdf = rng.uniform(0, 1, (20, 31)) ** 4
    truth = densities.quantile(grid, pdf, rng.random(200)).ravel()
    pdf = np.repeat(pdf, 200, axis=0)
    credible = densities.credibility(grid, pdf, truth)
    # 200 shares, each in 20 densities: the critical value of 200 is 0.096.
    assert np.abs(np.sort(densities.pit(grid, pdf, truth)) - np.arange(4000) / 4000).max() < 0.1
    assert np.abs(np.sort(credible) - np.arange(4000) / 4000).max() < 0.1
    assert np.mean(credible <= 0.95) == pytest.approx(0.95, abs=0.02)


def test_a_spike_one_cell_wide_is_read_exactly():
    grid = np.array([0, 0.1, 0.1 + 1e-6, 0.1 + 2e-6, 3])
    pdf = np.array([[0, 0, 1, 0, 0]])
    assert densities.median(grid, pdf) == pytest.approx(0.1 + 1e-6, abs=1e-12)
    assert densities.mode(grid, pdf) == pytest.approx(0.1 + 1e-6, abs=1e-15)
    assert densities.mean(grid, pdf) == pytest.approx(0.1 + 1e-6, abs=1e-12)
    assert densities.standard_deviation(grid, pdf) == pytest.approx(1e-6 / np.sqrt(6), rel=1e-6)


def test_a_triangle_has_the_quantiles_of_the_textbook():
    grid, pdf = np.array([0.0, 1.0, 2.0]), np.array([[0, 7, 0]])
    assert np.allclose(densities.quantile(grid, pdf, [0, 0.125, 0.5, 0.875, 1]), [[0, 0.5, 1, 1.5, 2]])
    assert densities.cdf(grid, pdf, 0.5) == pytest.approx(0.125)
    # At half its height, the middle half of the base lies above: 3/4 of the mass.
    assert densities.credibility(grid, pdf, 0.5) == pytest.approx(0.75)


def test_a_median_in_a_gap_is_the_lower_end_of_the_gap():
    grid = np.arange(6.0)
    assert densities.median(grid, [[0, 1, 0, 0, 1, 0]]) == pytest.approx(2)


def test_two_equal_peaks_and_a_plateau():
    grid = np.arange(8.0)
    redshifts, heights = densities.modes(
        grid, [[0, 1, 0, 0, 2, 2, 1, 0], [3, 1, 1, 1, 1, 1, 1, 2], [1, 1, 1, 1, 1, 1, 1, 1]]
    )
    assert redshifts[:2].tolist() == [[4, 1], [0, 7]]
    assert redshifts[2, 0] == 0
    assert np.isnan(redshifts[2, 1])
    assert heights[2, 1] == 0


def test_outside_the_grid_nothing_is_probable():
    grid, pdf = np.array([0.0, 1.0]), np.ones((2, 2))
    assert densities.cdf(grid, pdf, [-1, 2]).tolist() == [0, 1]
    assert densities.density(grid, pdf, [-1, 2]).tolist() == [0, 0]
    assert densities.credibility(grid, pdf, [-1, 2]).tolist() == [1, 1]


def test_no_objects_give_no_answers():
    grid, none = np.array([0.0, 1.0]), np.empty((0, 2))
    assert densities.median(grid, none).shape == (0,)
    assert densities.quantile(grid, none, [0.1, 0.9]).shape == (0, 2)
    assert densities.mode(grid, none).shape == densities.mean(grid, none).shape == (0,)


@pytest.mark.parametrize(
    ("grid", "pdf", "sentence"),
    [
        ([0, 1, 1], np.ones((1, 3)), "increasing"),
        ([0], np.ones((1, 1)), "increasing"),
        ([0, np.nan], np.ones((1, 2)), "increasing"),
        ([0, 1], np.ones((1, 3)), r"shape \(n, 2\)"),
        ([0, 1], np.ones(2), r"shape \(n, 2\)"),
        ([0, 1], [[1, 1], [0, 0]], "row 1"),
        ([0, 1], [[1, 1], [1, np.nan]], "row 1"),
        ([0, 1], [[1, -1]], "row 0"),
        ([0, 1], [[1, np.inf]], "row 0"),
    ],
)
def test_what_is_no_density_is_refused(grid, pdf, sentence):
    with pytest.raises(ValueError, match=sentence):
        densities.normalise(grid, pdf)


def test_bad_questions_are_refused():
    grid, pdf = [0, 1], np.ones((3, 2))
    with pytest.raises(ValueError, match="shares from 0 to 1"):
        densities.quantile(grid, pdf, 1.1)
    with pytest.raises(ValueError, match="NaN"):
        densities.cdf(grid, pdf, [0, np.nan, 1])
    with pytest.raises(ValueError, match="one a density"):
        densities.pit(grid, pdf, [0, 1])
