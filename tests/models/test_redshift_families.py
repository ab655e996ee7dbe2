"""Every family gives densities on [0, z_max] with integral 1, and its grid holds what its formula says."""

import sys

import numpy as np
import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.configuration import parse
from asterism.models.redshift_families import RedshiftConfig, family_of

DENSITIES = ["mixture", "binned", "flow"]


def config(density, **more):
    if density == "flow":
        pytest.importorskip("zuko")
    return RedshiftConfig(**{"density": density, "z_max": 3.0, "points": 400, "bins": 40, **more})


def made(density, seed=0, shape=(6, 3, 2), **more):
    """A family, and the numbers of (B, M, C) densities in the middle of the grid."""
    family = family_of(config(density, **more))
    raw = torch.randn(*shape, family.size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    location = torch.full(shape[2:], 0.7, dtype=torch.float64)
    return family, family.numbers(raw, location, torch.full_like(location, 0.3))


@pytest.mark.parametrize("density", DENSITIES)
def test_densities_integrate_to_one_and_are_nothing_outside(density):
    family, numbers = made(density)
    fine = torch.linspace(0, 3, 40_001, dtype=torch.float64)
    p = family.log_density(numbers[..., None, :], fine).exp()
    assert p.shape == (6, 3, 2, 40_001)
    assert (p >= 0).all()
    torch.testing.assert_close(torch.trapezoid(p, fine), torch.ones(6, 3, 2, dtype=torch.float64), atol=2e-3, rtol=0)


@pytest.mark.parametrize("density", DENSITIES)
def test_the_grid_has_the_mean_of_the_members(density):
    family, numbers = made(density)
    grid = torch.from_numpy(family.config.grid)
    each = torch.stack([family.log_density(numbers[:, m, :, None, :], grid).exp() for m in range(3)])
    torch.testing.assert_close(family.on_grid(numbers, grid), each.mean(0))
    assert family.on_grid(numbers[:0], grid).shape == (0, 2, 400)


@pytest.mark.parametrize("density", DENSITIES)
def test_what_is_learned_is_the_distribution_it_is_shown(density):
    """Fitted to draws with two peaks, one density without features gives the peaks their places, widths and shares."""
    rng = np.random.default_rng(0)
    z = torch.from_numpy(np.concatenate([rng.normal(0.5, 0.05, 3000), rng.normal(2.0, 0.1, 1000)]))
    family = family_of(config(density, smoothing=0.5, bins=80, components=8))
    torch.manual_seed(1)
    raw = torch.nn.Parameter(0.1 * torch.randn(family.size, dtype=torch.float64))
    location, scale = torch.log1p(z).mean(), torch.log1p(z).std()
    optimizer = torch.optim.Adam([raw], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        family.loss(family.numbers(raw, location, scale), z).mean().backward()
        optimizer.step()
    grid = torch.from_numpy(family.config.grid)
    p = family.on_grid(family.numbers(raw.detach(), location, scale)[None, None, None], grid)[0, 0]
    low = grid < 1.2
    assert float(torch.trapezoid(p * low, grid)) == pytest.approx(0.75, abs=0.03)
    assert float(grid[(p * low).argmax()]) == pytest.approx(0.5, abs=0.05)
    assert float(grid[(p * ~low).argmax()]) == pytest.approx(2.0, abs=0.12)


def test_the_grid_begins_at_0_ends_at_z_max_and_is_even_in_log_one_plus_z():
    grid = config("mixture", z_max=0.281, points=101).grid
    assert grid[0] == 0
    assert grid[-1] == 0.281
    np.testing.assert_allclose(np.diff(np.log1p(grid)), np.log1p(0.281) / 100, rtol=1e-9)


def test_many_equal_labels_do_not_make_a_density_grow_without_bound():
    family = family_of(config("mixture"))
    raw = torch.full((1, family.size), -50.0)
    width = family.numbers(raw, torch.zeros(1), torch.ones(1))[0, -family.config.components :].exp()
    assert (width >= family.narrowest).all()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"density": "mixtur", "z_max": 1.0}, "'density' is 'mixtur'"),
        ({"z_max": 0.0}, "greater than 0"),
        ({"z_max": 1.0, "point": 3}, "did you mean 'points'"),
        ({"z_max": 1.0, "classes": ("QSO", "QSO")}, "name each once"),
        ({}, "'z_max' is missing"),
    ],
)
def test_an_unfit_configuration_is_one_sentence(data, says):
    with pytest.raises(ConfigurationError, match=says):
        parse(RedshiftConfig, data, "setting")


def test_a_flow_without_zuko_or_bins_is_one_sentence(monkeypatch):
    with pytest.raises(ConfigurationError, match=r"components of 2 or more"):
        family_of(RedshiftConfig(density="flow", z_max=1.0, components=1))
    monkeypatch.setitem(sys.modules, "zuko", None)
    monkeypatch.setitem(sys.modules, "zuko.transforms", None)
    with pytest.raises(ConfigurationError, match=r"needs zuko, which is missing; pip install 'asterism\[photoz\]'"):
        family_of(RedshiftConfig(density="flow", z_max=1.0))
