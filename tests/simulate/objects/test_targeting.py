"""Published cuts on objects whose magnitudes are known to lie on one side."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.objects.targeting import CUTS, Magnitudes, cut_named, is_deep

ERROR = np.full((1, 5), 0.02)


def measured(magnitudes, extent=0.8, error=0.02):
    """Magnitudes of one object whose PSF magnitudes are `extent` fainter."""
    model = np.array([magnitudes], dtype=float)
    return Magnitudes(model, model + extent, np.full(model.shape, error))


def takes(name, *args, **kwargs):
    return bool(cut_named(name)(measured(*args, **kwargs))[0] > 0)


def test_the_main_sample_is_bright_and_extended():
    galaxy = (20.0, 18.3, 17.4, 17.0, 16.7)
    assert takes("main", galaxy)
    assert not takes("main", galaxy, extent=0.1)
    assert not takes("main", np.array(galaxy) + 0.5)


def test_passive_galaxies_of_their_redshifts_go_to_lowz_and_cmass():
    # Colours of a passive galaxy at z = 0.25 and 0.55 (Eisenstein et al. 2001, figure 4; Maraston et al. 2009).
    near = (20.7, 18.9, 17.5, 17.0, 16.65)
    far = (24.0, 22.4, 20.7, 19.7, 19.3)
    assert takes("lowz", near)
    assert not takes("cmass", near)
    assert takes("cmass", far)
    assert not takes("lowz", far)
    assert not takes("cmass", far, extent=0.0)
    assert not takes("cmass", np.array(far) + 0.5)


def test_eboss_goes_on_where_cmass_ends():
    galaxy = (25.0, 23.9, 22.2, 20.9, 19.9)
    assert takes("eboss-lrg", galaxy)
    assert not takes("eboss-lrg", np.array(galaxy) - 1.5)
    assert takes("eboss-elg", (23.0, 22.5, 22.0, 21.5, 21.0))
    assert not takes("eboss-elg", (23.0, 22.5, 22.0, 21.9, 21.8))


def test_a_turn_off_star_is_a_standard_and_a_red_one_is_not():
    assert takes("standard", (18.12, 17.30, 17.00, 16.91, 16.89), extent=0.0)
    assert not takes("standard", (19.5, 17.8, 17.0, 16.7, 16.5), extent=0.0)


def test_segue_types_stand_beside_each_other_in_g_r():
    at = {g_r: (19.0 + 1.2, 19.0, 19.0 - g_r, 18.8 - g_r, 18.8 - g_r) for g_r in (0.3, 0.52, 0.65)}
    assert [takes("segue-f-g", m, extent=0.0) for m in at.values()] == [True, False, False]
    assert [takes("segue-g-dwarf", m, extent=0.0) for m in at.values()] == [False, True, False]
    assert [takes("segue-k-dwarf", m, extent=0.0) for m in at.values()] == [False, False, True]


def test_a_quasar_is_a_candidate_and_a_faint_star_may_be():
    quasar = (21.3, 20.6, 20.6, 20.6, 20.45)  # z = 2.4 in Richards et al. (2001)
    star = (21.6, 20.75, 20.45, 20.35, 20.33)  # turn-off of the halo
    assert takes("boss-qso-star", quasar, extent=0.0)
    assert not takes("boss-qso-star", star, extent=0.0)
    faint = np.array(star) + 1.2
    margins = [cut_named("boss-qso-star")(measured(faint, 0.0, error))[0] for error in (0.01, 0.25)]
    assert margins[1] > margins[0]
    assert not takes("boss-qso-star", np.array(quasar) + 2.0, extent=0.0)


def test_beforehand_extent_refuses_nobody_and_slack_lets_more_pass():
    galaxy = np.array([[20.0, 18.3, 17.8, 17.4, 17.1]])
    margin = cut_named("main")(Magnitudes.true(galaxy, ERROR))
    assert margin[0] == pytest.approx(-0.03)


@pytest.mark.parametrize("name", CUTS)
def test_margins_are_one_number_an_object(name):
    bands = 3 if name.startswith(("bgs", "desi", "mws")) else 5
    rng = np.random.default_rng(0)
    m = 20 + rng.standard_normal((40, bands))
    for objects in (Magnitudes(m, m + 0.2, np.full(m.shape, 0.1)), Magnitudes.true(m, np.full(m.shape, 0.1))):
        margin = cut_named(name)(objects)
        assert margin.shape == (40,)
        assert not np.isnan(margin).any()


def test_only_eboss_emission_line_galaxies_were_chosen_in_deeper_images():
    assert [name for name in CUTS if is_deep(name)] == ["eboss-elg"]


def test_an_unknown_cut_names_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'cmass'"):
        cut_named("cmas")
