"""Galaxies: distances, sizes and what a magnitude limit makes of the luminosity functions."""

import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM

from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.galaxies import (
    blue_fraction,
    colour_sequence,
    distance_modulus,
    kiloparsec_per_arcsec,
    size_early,
    size_late,
)
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.samples import Sample, Window
from asterism.simulate.objects.selection import Survey


def galaxies_of(sample, n=600, max_compactness=None, seed=0):
    survey = Survey("one", {"GALAXY": 1.0}, {"GALAXY": (sample,)}, max_compactness, "one sample")
    return draw(np.random.default_rng(seed), np.full(n, "GALAXY"), survey)


def test_distances_are_astropys():
    z = np.array([0.02, 0.1, 0.5, 1.0, 3.0])
    cosmology = FlatLambdaCDM(70.0, 0.3)
    assert np.allclose(distance_modulus(z), cosmology.distmod(z).value, atol=0.001)
    assert np.allclose(kiloparsec_per_arcsec(z), 1 / cosmology.arcsec_per_kpc_proper(z).value, rtol=1e-3)


def test_sizes_are_those_of_shen():
    # Figure 2 of Shen et al. (2003): about 4 kpc for late, 2.6 kpc for early types at M_r = -21.
    assert size_late(np.array([-21.0]))[0][0] == pytest.approx(3.8, abs=0.4)
    assert size_early(np.array([-21.0]))[0][0] == pytest.approx(2.6, abs=0.4)
    assert (np.diff(size_late(np.linspace(-17, -23, 20))[0]) > 0).all()


def test_the_main_sample_looks_like_the_main_sample():
    galaxies = galaxies_of(Sample("main", "galaxy", 1.0, Window(14.5, 17.77, 0.05)))
    # Strauss et al. (2002): median redshift 0.104.
    assert np.median(galaxies.redshift) == pytest.approx(0.10, abs=0.02)
    assert galaxies.r_mag.max() < 17.9
    assert galaxies.r_mag.min() >= 14.5
    # Strateva et al. (2001, AJ 122, 1861): early and late types in near equal numbers in a sample by r.
    assert 0.35 < (galaxies.galaxy_type < 0.5).mean() < 0.8
    # Kauffmann et al. (2003): 18 per cent of the galaxies have active nuclei.
    assert (galaxies.subclass == "AGN").mean() == pytest.approx(0.18, abs=0.05)


def test_the_sequences_are_those_of_smith():
    magnitude = np.array([-21.0, -21.0])
    mean, width = colour_sequence(np.array([False, True]), magnitude, np.array([0.1, 0.1]))
    assert mean == pytest.approx([0.964, 0.73], abs=0.005)
    assert width == pytest.approx([0.06, 0.10], abs=0.005)
    past, _ = colour_sequence(np.array([False, True]), magnitude, np.array([0.4, 0.9]))
    assert (past < mean).all()
    assert blue_fraction(np.array([-18.0, -22.0]), np.array([0.1, 0.1])) == pytest.approx([0.85, 0.32], abs=0.01)


def test_galaxies_of_the_red_sequence_have_its_colour_in_their_spectra():
    galaxies = galaxies_of(Sample("red", "red-galaxy", 1.0, Window(14.5, 17.77, 0.05), (0.09, 0.11)))
    m = synthetic_magnitudes(EmbeddedSeds().seds(galaxies, grid_wavelength()), zero_point="sdss")
    wanted, _ = colour_sequence(np.zeros(len(m), bool), galaxies.absolute_magnitude, galaxies.redshift)
    assert np.median(m[:, 1] - m[:, 2] - wanted) == pytest.approx(0.0, abs=0.03)


def test_colour_samples_hold_their_colour_and_redshift():
    galaxies = galaxies_of(Sample("red", "red-galaxy", 1.0, Window(17.0, 20.5), (0.4, 0.7)))
    assert np.median(galaxies.galaxy_type) < 0.5
    assert galaxies.redshift.min() >= 0.39
    assert galaxies.redshift.max() <= 0.71


def test_magnitude_absolute_magnitude_and_spectrum_agree():
    galaxies = galaxies_of(Sample("main", "galaxy", 1.0, Window(14.0, 17.5, 0.05, 25.0)), 50)
    galaxies.dust[:] = 0.0
    galaxies.tilt[:] = 0.0
    seds = EmbeddedSeds().seds(galaxies, grid_wavelength())
    at_reference = galaxies.take(np.arange(50))
    at_reference.redshift[:] = 0.1
    reference = EmbeddedSeds().seds(at_reference, grid_wavelength())
    r = synthetic_magnitudes(seds / (1 + galaxies.redshift)[:, None])[:, 2]
    r_reference = synthetic_magnitudes(reference / 1.1)[:, 2]
    k = r - r_reference - 2.5 * np.log10(1.1)
    wanted = galaxies.absolute_magnitude + 5 * np.log10(0.7) + distance_modulus(galaxies.redshift) + k
    # Emission lines, which scatter, pass through the band; the K-correction is the continuum's.
    assert np.median(np.abs(galaxies.r_mag - wanted)) < 0.01
    assert np.allclose(galaxies.r_mag, wanted, atol=0.15)


def test_compact_samples_draw_small_galaxies():
    sample = Sample("main", "galaxy", 1.0, Window(14.5, 17.77, 0.05))
    everything, compact = galaxies_of(sample), galaxies_of(sample, max_compactness=0.5)
    assert compact.half_light_radius.max() < 2.0 < everything.half_light_radius.max()
