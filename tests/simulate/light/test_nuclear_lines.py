"""Active nuclei in galaxies."""

import numpy as np
import pytest

from asterism.simulate.constants import constant
from asterism.simulate.light.galaxy_lines import EMISSION_LINES
from asterism.simulate.light.galaxy_seds import galaxy_seds
from asterism.simulate.light.nuclear_lines import (
    NUCLEAR_LINES,
    draw_nuclei,
    kauffmann_border,
    line_ratios,
    nuclear_excess,
)
from asterism.simulate.light.sampling import pixel_edges


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    kinds = rng.uniform(0.0, 3.0, 20000)
    return kinds, *draw_nuclei(rng, kinds)


def test_as_many_are_active_as_were_counted_and_all_lie_above_the_border(drawn):
    kinds, share, seyfert = drawn
    active = share > 0
    assert active.mean() == pytest.approx(constant("agn_fraction"), abs=0.01)
    assert seyfert[active].mean() == pytest.approx(constant("seyfert_fraction"), abs=0.03)
    assert not seyfert[~active].any()
    nitrogen, oxygen = line_ratios(kinds[active], share[active], seyfert[active])
    assert (oxygen > kauffmann_border(nitrogen)).all()


def test_seyferts_are_more_highly_ionised_than_liners():
    kinds, share = np.full(2, 1.0), np.full(2, 0.6)
    nitrogen, oxygen = line_ratios(kinds, share, np.array([0.0, 1.0]))
    assert oxygen[1] > np.log10(3.0) > oxygen[0]
    assert (nitrogen > np.log10(0.6)).all()


def test_late_types_without_a_nucleus_lie_below_the_border():
    kinds = np.array([1.0, 2.0, 3.0])
    nitrogen, oxygen = line_ratios(kinds, np.zeros(3), np.zeros(3))
    assert (oxygen < kauffmann_border(nitrogen)).all()


def test_the_nucleus_shows_in_the_spectrum():
    wavelength = np.arange(4700.0, 5100.0, 1.0)
    one, zero = np.ones(2), np.zeros(2)
    nuclei = np.array([0.0, 0.5]), np.array([0.0, 1.0])
    plain, active = galaxy_seds(one, zero, zero, wavelength, nuclei=nuclei)
    line = np.abs(wavelength - 5008.2) < 15
    # Half of H beta (2.4 Å in an Sbc) is the nucleus's: as much again, times 10.8 in [O III].
    assert ((active - plain)[line] / plain[40]).sum() == pytest.approx(2.4 * 10.8, rel=0.15)
    np.testing.assert_allclose(galaxy_seds(one, zero, zero, wavelength)[0], plain)


def test_there_is_no_excess_without_a_nucleus():
    edges = np.tile(pixel_edges(np.arange(6400.0, 6700.0, 1.0)), (2, 1))
    excess = nuclear_excess(np.ones(2), np.array([0.0, 0.3]), np.zeros(2), np.ones(2), edges)
    assert not excess[0].any()
    assert excess[1].max() > 0


def test_each_line_is_one_of_the_galaxies():
    assert set(NUCLEAR_LINES) == {(name, air) for name, air, _, _ in EMISSION_LINES}
