"""What is measured on noisy stamps, against the truth that was put in."""

import numpy as np
import pytest

from asterism.simulate.imaging.images import add_noise, draw_conditions, noiseless_stamps
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.stamp_measurement import Measurement, measure


def points(n, flux, seed=0):
    """Noisy stamps of stars of these fluxes."""
    rng = np.random.default_rng(seed)
    objects = Population.empty(n)
    objects.kind[:] = "STAR"
    fluxes = np.broadcast_to(np.asarray(flux, float), (n, 5))
    conditions = draw_conditions(rng, n)
    return objects, fluxes, conditions, add_noise(rng, noiseless_stamps(objects, fluxes, conditions), conditions)


def galaxies(n, radius, bulge, flux=50.0, seed=1, axis_ratio=0.9):
    rng = np.random.default_rng(seed)
    objects = Population.empty(n)
    objects.kind[:] = "GALAXY"
    objects.half_light_radius[:], objects.bulge_fraction[:] = radius, bulge
    objects.bulge_axis_ratio[:] = objects.disc_axis_ratio[:] = axis_ratio
    objects.position_angle[:] = rng.uniform(0, 180, n)
    conditions = draw_conditions(rng, n)
    stamps = add_noise(rng, noiseless_stamps(objects, np.broadcast_to(flux, (n, 5)), conditions), conditions)
    return measure_all(stamps, conditions), conditions


def measure_all(stamps, conditions):
    return measure(stamps, conditions)


@pytest.mark.parametrize("flux", [3.0, 30.0, 300.0])
def test_point_source_fluxes_scatter_as_their_ivar_says(flux):
    _, fluxes, conditions, stamps = points(1000, flux)
    found = measure_all(stamps, conditions)
    pull = (found.psf_flux - fluxes) * np.sqrt(found.psf_ivar)
    assert np.abs(pull.std(axis=0) - 1).max() < 0.08
    assert np.abs(pull.mean(axis=0)).max() < 0.15


def test_model_fluxes_of_galaxies_scatter_about_their_light():
    for radius, bulge in ((0.6, 0.0), (0.8, 1.0)):
        found, _ = galaxies(300, radius, bulge)
        # The truncated de Vaucouleurs model of SDSS holds a few per cent less than the whole profile.
        assert np.median(found.flux[:, 1:4]) == pytest.approx(50, rel=0.1)
        assert found.flux[:, 2].std() / 50 < 0.1


@pytest.mark.parametrize("signal_to_noise", [10.0, 50.0])
def test_model_fluxes_scatter_as_their_ivar_says(signal_to_noise):
    """Isolated galaxies that the models can match (round, exponential), between 10 and 50 sigma as point sources."""
    flux = signal_to_noise * SDSS.pixel_noise / np.sqrt(SDSS.psf.norm(SDSS.fwhm / SDSS.pixel_scale))
    found, _ = galaxies(500, 0.5, 0.0, flux=flux, axis_ratio=1.0)
    pull = (found.flux - flux) * np.sqrt(found.ivar)
    low, high = np.percentile(pull, [15.87, 84.13], axis=0)
    assert np.abs(0.5 * (high - low) - 1).max() < 0.2
    assert np.abs(np.median(pull, axis=0)).max() < 0.4


def test_radii_follow_the_truth():
    found = [np.median(galaxies(150, radius, 1.0)[0].radius[:, 2]) for radius in (0.3, 0.7, 1.4)]
    assert found[0] < found[1] < found[2]
    assert found[1] == pytest.approx(0.7, rel=0.25)


def test_an_error_of_the_psfs_width_moves_radii_and_not_fluxes():
    _, _, conditions, stamps = points(200, 100.0)
    right, wrong = measure(stamps, conditions), measure(stamps, conditions, SDSS, np.full((200, 5), -0.02))
    assert np.median(wrong.radius[:, 2]) > 1.3 * np.median(right.radius[:, 2])
    assert np.array_equal(wrong.flux, right.flux)
    assert np.array_equal(wrong.psf_flux, right.psf_flux)
    assert wrong.psf_fwhm == pytest.approx(right.psf_fwhm * np.exp(-0.02))
    assert right.psf_fwhm == pytest.approx(SDSS.fwhm_ratio * conditions.fwhm)


def test_stars_are_smaller_than_galaxies_in_everything_that_tells_them_apart():
    _, _, conditions, stamps = points(300, 30.0)
    star, (galaxy, _) = measure_all(stamps, conditions), galaxies(300, 0.8, 0.5, 30.0)
    assert np.median(star.radius[:, 2]) < 0.1 < 0.5 < np.median(galaxy.radius[:, 2])
    assert abs(np.nanmedian(star.psf_minus_model[:, 2])) < 0.02
    assert np.nanmedian(galaxy.psf_minus_model[:, 2]) > 0.2
    assert np.median(star.psf_probability) > 0.95
    assert np.median(galaxy.psf_probability) < 0.05
    assert (star.compactness < 0.5).mean() > 0.95


def test_positions_are_found():
    _, _, conditions, stamps = points(300, 30.0)
    assert np.abs(measure_all(stamps, conditions).centroid - conditions.offset).max() < 0.15


def test_empty_sky_is_measured_without_a_detection():
    _, _, conditions, stamps = points(400, 0.0)
    found = measure_all(stamps, conditions)
    pull = found.psf_flux * np.sqrt(found.psf_ivar)
    assert np.isfinite(found.flux).all()
    assert (found.ivar > 0).all()
    # The place is free within a pixel, so that noise is picked up: a little more than 1.
    assert pull.std() == pytest.approx(1.1, abs=0.15)
    assert np.isnan(found.concentration).mean() > 0.9
    assert ((found.psf_probability >= 0) & (found.psf_probability <= 1)).all()


def test_measuring_in_blocks_changes_nothing():
    _, _, conditions, stamps = points(20, 10.0)
    whole = measure_all(stamps, conditions)
    part = measure_all(stamps[:7], conditions.take(np.arange(7)))
    assert np.array_equal(whole.flux[:7], part.flux)
    assert np.array_equal(whole.radius[:7], part.radius)


def test_rows_can_be_set():
    _, _, conditions, stamps = points(6, 10.0)
    found = measure_all(stamps, conditions)
    target = Measurement.empty(6)
    target.put(np.array([4, 1]), found, np.array([0, 2]))
    assert target.flux[4, 0] == found.flux[0, 0]
    assert target.psf_probability[1] == found.psf_probability[2]
    assert np.isnan(target.flux[0]).all()


def test_conditions_can_be_set():
    ones, other = Conditions.empty(3), Conditions.empty(2)
    ones.fwhm[:], other.fwhm[:] = 1.0, 2.0
    ones.put(np.array([2]), other, np.array([1]))
    assert ones.fwhm[:, 0].tolist() == [1, 1, 2]
