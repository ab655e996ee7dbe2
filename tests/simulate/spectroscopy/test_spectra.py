"""Spectra: noise as stated, flux as the fibre takes it, absence as absence."""

import numpy as np
import pytest

from asterism.catalogs.bands import band_info
from asterism.errors import ConfigurationError
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import SURVEYS
from asterism.simulate.spectroscopy.fibres import fibre_fraction, point_fraction
from asterism.simulate.spectroscopy.spectra import MASK_BITS, flux_densities, observe_spectra, survey_spectra
from asterism.simulate.spectroscopy.spectrographs import SPECTROGRAPHS

NAMES = sorted(SPECTROGRAPHS)


@pytest.fixture(scope="module")
def objects():
    kinds = np.repeat(["STAR", "GALAXY", "QSO"], 24)
    return draw(np.random.default_rng(8), kinds, SURVEYS["sdss-spectro"])


@pytest.fixture(scope="module")
def spectra(objects):
    return {name: observe_spectra(np.random.default_rng(3), objects, EmbeddedSeds(), name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_what_the_inverse_variance_says(spectra, name):
    found = spectra[name]
    good = found.ivar > 0
    pull = ((found.flux - found.expected) * np.sqrt(found.ivar))[good]
    assert pull.mean() == pytest.approx(0, abs=0.1)  # what is left of the sky is shared by a spectrum's pixels
    assert pull.std() == pytest.approx(1, abs=0.03)
    assert (np.abs(pull) > 3).mean() == pytest.approx(0.0027, abs=0.0015)
    lines = (found.mask & MASK_BITS["bright sky line"])[good] > 0
    assert pull[lines].std() == pytest.approx(1, abs=0.15)
    assert 1.4826 * np.median(np.abs(pull[~lines])) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_the_inverse_variance_does_not_hold_the_truth(objects, name):
    """A pipeline's variance comes from its own noisy counts: that of a bright smooth spectrum is not smooth."""
    bright = objects.take(np.zeros(12, np.intp))
    bright.r_mag[:] = 15.0
    ivar = observe_spectra(np.random.default_rng(0), bright, EmbeddedSeds(), name).ivar.astype(float)
    middle = ivar[:, ivar.shape[1] // 2 - 300 : ivar.shape[1] // 2 - 100]
    middle = np.where(middle > 0, middle, np.nan)
    rough = np.nanmedian(np.abs(np.diff(middle, axis=1)) / middle[:, 1:])
    assert 1e-5 < rough < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_absence_is_absence(spectra, name):
    found = spectra[name]
    observed = found.ivar > 0
    assert np.isfinite(found.flux[observed]).all()
    assert np.isnan(found.flux[~observed]).all()
    assert np.isfinite(found.ivar).all()
    outside = (found.mask & MASK_BITS["outside"]) > 0
    assert (found.ivar[outside] == 0).all()
    assert np.array_equal(np.isnan(found.lsf), outside)
    assert 0.0005 < (~observed & ~outside).mean() < 0.05
    wavelength = SPECTROGRAPHS[name].grid.wavelength
    band = np.abs(wavelength - 7625) < 15
    assert ((found.mask[:, band] & MASK_BITS["telluric band"]) > 0).mean() > 0.7


@pytest.mark.parametrize("name", ["sdss", "boss", "desi"])
def test_flux_agrees_with_what_the_fibre_takes(objects, spectra, name):
    """Synthetic r of the noiseless spectrum is total r plus the fibre's loss against a point source's."""
    found, one = spectra[name], SPECTROGRAPHS[name]
    grid = one.grid.wavelength
    wavelength = grid_wavelength()
    noiseless = found.noiseless.astype(float)
    on_filters = np.stack([np.interp(wavelength, grid[np.isfinite(f)], f[np.isfinite(f)]) for f in noiseless])
    r = synthetic_magnitudes(1e-17 * on_filters)[:, 2]
    total = objects.r_mag + band_info("sdss", "r").extinction_coefficient * objects.ebv
    # The fraction is stated; against the median seeing's point fraction it holds to the seeing's scatter.
    loss = -2.5 * np.log10(found.fibre_fraction / point_fraction(one.fibre, np.array(one.seeing[0]), one.offset))
    assert np.median(r - total - loss) == pytest.approx(0, abs=0.03)
    stars = objects.kind == "STAR"
    assert np.median((r - total)[stars]) == pytest.approx(0, abs=0.04)
    galaxies = objects.kind == "GALAXY"
    assert np.median((r - total)[galaxies]) > 0.1


def test_the_fraction_is_the_fibres(objects):
    found = observe_spectra(np.random.default_rng(3), objects, EmbeddedSeds(), "sdss")
    fwhm, zero = np.full((len(objects), 1), 1.5), np.zeros((len(objects), 2))
    usual = fibre_fraction(objects, 3.0, fwhm, zero)[:, 0]
    assert found.fibre_fraction == pytest.approx(usual, rel=0.35)
    assert np.corrcoef(found.fibre_fraction, usual)[0, 1] > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_calibration_errors_are_smooth_and_of_their_size(spectra, name):
    found = spectra[name]
    error = np.log(found.expected / found.noiseless)
    grey, colour, _ = SPECTROGRAPHS[name].flux_error
    assert np.nanstd(np.nanmean(error, axis=1)) == pytest.approx(np.hypot(grey, 0.15 * colour), rel=0.35)
    steps = np.abs(np.diff(error, axis=1))
    assert np.nanpercentile(steps, 99) < 1e-3


def test_flux_densities_have_the_magnitude_and_the_dust(objects):
    clear = objects.take(np.arange(len(objects)))
    clear.ebv[:] = 0
    wavelength = grid_wavelength()
    light = flux_densities(clear, EmbeddedSeds(), wavelength)
    assert synthetic_magnitudes(1e-17 * light)[:, 2] == pytest.approx(objects.r_mag, abs=1e-6)
    reddened = flux_densities(objects, EmbeddedSeds(), wavelength)
    colour = synthetic_magnitudes(reddened) - synthetic_magnitudes(light)
    found = np.median(colour / objects.ebv[:, None], axis=0)
    assert found == pytest.approx([band_info("sdss", band).extinction_coefficient for band in "ugriz"], rel=0.04)


def test_fainter_objects_are_noisier(objects):
    same = objects.take(np.full(30, 3))
    same.r_mag[:] = np.linspace(16, 21, 30)
    found = observe_spectra(np.random.default_rng(1), same, EmbeddedSeds(), "boss")
    good = np.where(found.ivar > 0, found.ivar, np.nan)
    ratio = np.nanmedian(found.flux * np.sqrt(good), axis=1)
    assert np.polyfit(same.r_mag, np.log10(ratio), 1)[0] == pytest.approx(-0.3, abs=0.06)


def test_the_moon_is_noise(objects):
    dark, bright = objects.take(np.full(20, 3)), objects.take(np.full(20, 3))
    for sample, name in ((dark, "lrg"), (bright, "bgs")):
        sample.target[:] = name
        sample.r_mag[:] = 20.5
    noise = [
        np.median(observe_spectra(np.random.default_rng(1), sample, EmbeddedSeds(), "desi").ivar[:, 1000:2000])
        for sample in (dark, bright)
    ]
    assert noise[1] < 0.7 * noise[0]


def test_spectra_come_again_and_by_programme(objects):
    few = objects.take(np.arange(0, 72, 5))
    found, names = survey_spectra(np.random.default_rng(6), few, EmbeddedSeds(), "sdss-spectro")
    again, _ = survey_spectra(np.random.default_rng(6), few, EmbeddedSeds(), "sdss-spectro")
    assert list(found) == ["sdss"]
    assert set(names) == {"sdss", "boss"}
    assert found["sdss"].flux.tobytes() == again["sdss"].flux.tobytes()
    red = SPECTROGRAPHS["sdss"].grid.wavelength > 9400
    reach = (found["sdss"].ivar[:, red] > 0).any(axis=1)
    assert np.array_equal(reach, names == "boss")
    with pytest.raises(ConfigurationError, match="takes no spectra"):
        survey_spectra(np.random.default_rng(6), few, EmbeddedSeds(), "lsst")
