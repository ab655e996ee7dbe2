"""Simulated SDSS and BOSS spectra against real ones: grids, noise at a flux, resolution.

These hold the simulator in place and don't prove it: some numbers were set with these files in sight (see the comments in
`asterism.simulate.spectroscopy.spectrographs`), above all SDSS's resolution, BOSS's seeing and the flux-proportional error.
"""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import SURVEYS
from asterism.simulate.spectroscopy.spectra import observe_spectra
from asterism.simulate.spectroscopy.spectral_response import FWHM, response_of
from asterism.surveys.formats.spectral_grids import grid_named

SPECTRA = (Path(__file__).parents[2] / ".." / "shared" / "data" / "spectra").resolve()
pytestmark = pytest.mark.skipif(not SPECTRA.is_dir(), reason="the real spectra are not beside the project")

WINDOWS = {
    "blue": (4600.0, 4900.0),
    "red": (6500.0, 6800.0),
    "far red": (8100.0, 8250.0),
}  # Å, without strong sky lines
FULL_EXPOSURE = 2700.0  # s


def sdss_files():
    folders = ("full_spec/*.fits", "gsiemon/spectra/*.fits", "hips/spec-*.fits", "picca_boss/*/*.fits")
    return sorted(file for folder in folders for file in (SPECTRA / "sdss").glob(folder))


def column(table, name):
    return table.field([one.lower() for one in table.names].index(name)).astype(np.float64)


@pytest.fixture(scope="module")
def real():
    found = []
    for file in sdss_files():
        with fits.open(file) as hdus:
            table = hdus[1].data
            values = {name: column(table, name) for name in ("loglam", "flux", "ivar", "wdisp")}
            found.append({"file": file.name, "exposure": hdus[0].header["EXPTIME"], **values})
    return found


def flux_and_ratio(wavelength, flux, ivar, window):
    inside = (wavelength > window[0]) & (wavelength < window[1]) & (ivar > 0)
    if inside.sum() < 50:
        return np.nan, np.nan
    return np.median(flux[inside]), np.median(flux[inside] * np.sqrt(ivar[inside]))


def test_every_real_spectrum_stands_on_its_grid_unchanged(real):
    grid = grid_named("sdss")
    for one in real:
        flux, ivar = grid.place(one["loglam"], one["flux"], one["ivar"], one["file"])
        seen = one["ivar"] > 0
        assert (ivar > 0).sum() == seen.sum()
        assert np.array_equal(flux[ivar > 0], one["flux"][seen].astype(np.float32))
        assert np.abs(np.log10(grid.wavelength[ivar > 0]) - one["loglam"][seen]).max() < 1e-6
    for file in sorted((SPECTRA / "lamost").glob("*/*.fits")):
        with fits.open(file) as hdus:
            header, data = hdus[0].header, hdus[0].data
            loglam = header["COEFF0"] + header["COEFF1"] * np.arange(data.shape[1])
            _, ivar = grid_named("lamost").place(loglam, data[0], data[1], file.name)
            assert (ivar > 0).sum() == (np.isfinite(data[0]) & (data[1] > 0)).sum()


@pytest.mark.parametrize("name", ["sdss", "boss"])
@pytest.mark.parametrize("window", sorted(WINDOWS))
def test_signal_to_noise_at_a_flux_is_the_real_one(real, name, window):
    """Median of real over simulated S/N per pixel at the same flux and exposure: within a factor 1.5."""
    stars = draw(np.random.default_rng(1), np.array(["STAR"] * 120), SURVEYS["sdss-spectro"])
    stars = stars.take(np.flatnonzero((stars.teff > 4500) & (stars.teff < 8000)))
    stars.r_mag[:] = np.linspace(15.0, 21.5, len(stars))
    found = observe_spectra(np.random.default_rng(2), stars, EmbeddedSeds(), name)
    wavelength = response_of(name).spectrograph.grid.wavelength
    pairs = [flux_and_ratio(wavelength, f, w, WINDOWS[window]) for f, w in zip(found.flux, found.ivar, strict=True)]
    flux, ratio = np.array(pairs).T / np.stack([np.ones(len(stars)), np.sqrt(found.exposure / FULL_EXPOSURE)])
    good = (flux > 0) & (ratio > 0)
    law = np.polyfit(np.log10(flux[good]), np.log10(ratio[good]), 2)
    excess = []
    for one in real:
        if (one["loglam"][0] < 3.57) != (name == "boss"):
            continue
        seen, noise = flux_and_ratio(10.0 ** one["loglam"], one["flux"], one["ivar"], WINDOWS[window])
        if seen > 0 and noise > 0:
            same_exposure = np.log10(noise / np.sqrt(one["exposure"] / FULL_EXPOSURE))
            excess.append(same_exposure - np.polyval(law, np.log10(seen)))
    assert len(excess) > 20
    assert 1 / 1.5 < 10 ** np.median(excess) < 1.5


@pytest.mark.parametrize("name", ["sdss", "boss"])
def test_resolution_is_the_real_one(real, name):
    response = response_of(name)
    wavelength = response.spectrograph.grid.wavelength
    for at in (4200.0, 5000.0, 6600.0, 8500.0):
        widths = [
            np.interp(at, 10.0 ** one["loglam"], one["wdisp"])
            for one in real
            if (one["loglam"][0] < 3.57) == (name == "boss")
        ]
        real_resolution = 1.0 / (np.log(10.0) * 1e-4 * np.median(widths) * FWHM)
        ours = at / (
            FWHM * np.interp(at, wavelength[np.isfinite(response.lsf)], response.lsf[np.isfinite(response.lsf)])
        )
        assert ours == pytest.approx(real_resolution, rel=0.2)
