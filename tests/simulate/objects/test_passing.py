"""What passes a survey's cuts, beforehand and in the end."""

import numpy as np
import pytest

from asterism.simulate.light.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.passing import could_pass, is_worth_a_spectrum, passes
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.samples import Sample, Window
from asterism.simulate.objects.selection import Survey, survey_named
from asterism.simulate.sky import observe


def drawn(sample, kind="GALAXY", n=300, seed=0):
    survey = Survey("sdss-one", {kind: 1.0}, {kind: (sample,)}, None, "one sample")
    rng = np.random.default_rng(seed)
    objects = draw(rng, np.full(n, kind), survey)
    light = observed_fluxes(EmbeddedSeds().seds(objects, grid_wavelength()), objects.r_mag, objects.ebv)
    return survey, objects, could_pass(rng, survey, objects, light)


def test_what_could_pass_lies_near_the_cut():
    sample = Sample("main", "galaxy", 1.0, Window(16.0, 19.0, 0.1), None, "main")
    _, objects, hopeful = drawn(sample)
    assert hopeful[objects.r_mag < 17.6].all()
    assert not hopeful[objects.r_mag > 18.3].any()


def test_a_sample_without_a_cut_takes_all():
    _, _, hopeful = drawn(Sample("all", "galaxy", 1.0, Window(16.0, 19.0)))
    assert hopeful.all()


def test_what_is_observed_passes_and_has_the_colours_asked_for():
    survey = Survey(
        "sdss-one",
        {"GALAXY": 1.0},
        {"GALAXY": (Sample("boss-lowz", "galaxy", 1.0, Window(15.8, 19.7, 0.1, 20.0), (0.05, 0.55), "lowz"),)},
        None,
        "one sample",
    )
    objects, _, _, _, measured = observe(np.random.default_rng(1), np.full(24, "GALAXY"), survey, EmbeddedSeds())
    assert passes(survey, objects, measured).all()
    # Reid et al. (2016), figure 1: LOWZ lies between z = 0.15 and 0.43 for the most part.
    assert 0.1 < np.median(objects.redshift) < 0.43
    assert np.median(objects.galaxy_type) < 0.6


def test_samples_keep_their_shares_though_their_cuts_refuse_differently():
    window = Window(16.0, 19.5, 0.2)
    samples = (
        Sample("easy", "galaxy", 0.5, window),
        Sample("hard", "galaxy", 0.5, window, (0.05, 0.55), "lowz"),
    )
    survey = Survey("sdss-two", {"GALAXY": 1.0}, {"GALAXY": samples}, None, "two samples")
    objects = observe(np.random.default_rng(2), np.full(60, "GALAXY"), survey, EmbeddedSeds())[0]
    assert (objects.target == "hard").mean() == pytest.approx(0.5, abs=0.2)


def test_cuts_are_made_in_the_bands_of_the_surveys_own_camera():
    survey = survey_named("desi-main")
    kinds = np.repeat(["STAR", "GALAXY"], [4, 12])
    objects, fluxes, _, _, measured = observe(np.random.default_rng(3), kinds, survey, EmbeddedSeds())
    assert fluxes.shape == (16, 3)
    assert measured.flux.shape == (16, 3)
    assert set(objects.target) <= {s.name for samples in survey.samples.values() for s in samples}


def test_the_table_refuses_no_galaxy_that_could_pass_and_spares_many_spectra():
    survey = survey_named("sdss-spectro")
    rng = np.random.default_rng(4)
    objects = draw(rng, np.repeat(["GALAXY", "STAR"], [900, 20]), survey)
    light = observed_fluxes(EmbeddedSeds().seds(objects, grid_wavelength()), objects.r_mag, objects.ebv)
    worth, hopeful = is_worth_a_spectrum(rng, survey, objects), could_pass(rng, survey, objects, light)
    assert (hopeful & ~worth).mean() < 0.005
    assert worth[:900].mean() < 0.65
    assert worth[900:][~np.isfinite(objects.colour[900:])].all()
