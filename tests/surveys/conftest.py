"""One small observation with a spectrograph of 8 fibres, reduced once for all the tests that look at it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from asterism.simulate.frames.frame_defaults import PLANS
from asterism.simulate.frames.spectrograph_frames import observe_spectrograph, star_catalogue
from asterism.surveys.ccd.lamost_2d import calibrate_camera, reduce_frame
from asterism.surveys.ccd.lamost_frames import Geometry

SMALL = Geometry(rows=1200, columns=224, fibres=8, first_row=1450)
MAGNITUDES = np.array([16.0, np.nan, 18.0, 13.0, 18.0, np.nan, 17.0, np.nan])  # nan: sky


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    """Frames of the red arm with truth, the star catalogue, and what the reduction makes of them."""
    wavelength = np.arange(6300.0, 7700.0, 0.5)
    light = np.nan_to_num(17.9 * 10.0 ** (-0.4 * (MAGNITUDES - 18.0)))
    f_lambda = light[:, None] * (wavelength / 6200.0) ** -1.0
    plan, sky = PLANS["A"], np.isnan(MAGNITUDES)
    stars = star_catalogue(
        plan,
        3,
        ra=150.0 + 0.01 * np.arange(8),
        dec=np.full(8, 20.0),
        fibertype=np.where(sky, "Sky", "Obj"),
        classes=["STAR", "", "GALAXY", "STAR", "QSO", "", "Unknown", ""],
        mag=MAGNITUDES,
        redshift=[0.0001, -9999, 0.2, 0.0, 1.5, -9999, -9999, -9999],
    )
    made = observe_spectrograph(wavelength, f_lambda, plan, 3, seed=1, stars=stars, geometry=SMALL, arms=("red",))
    frames = {kind: made.frames["red", kind] for kind in ("FLAT", "ARC", "OBJ")}
    truth = {kind: made.truth["red", kind] for kind in ("FLAT", "ARC", "OBJ")}
    calibration = calibrate_camera(frames["FLAT"], frames["ARC"])
    return SimpleNamespace(
        frames=frames,
        truth=truth,
        camera=made.cameras["red"],
        stars=stars,
        sky=sky,
        plan=plan,
        calibration=calibration,
        reduced=reduce_frame(frames["OBJ"], calibration),
        wavelength=wavelength,
        f_lambda=f_lambda,
    )


@pytest.fixture(scope="session")
def write_field():
    """Write a small SDSS field with stars: ``write_field(folder, ra, dec, flux, shape=(200, 240), …)``.

    Bands lie on the sky a little apart, as in real fields. Returns each band's noiseless image and path.
    """
    from asterism.surveys.formats.sdss_frames import Field, Pointing, pixel_variance, write_frame
    from asterism.surveys.stamps.cameras import SDSS
    from asterism.surveys.stamps.frame_files import FrameFile
    from asterism.surveys.stamps.frame_images import read_footprint
    from asterism.surveys.stamps.psf import psf_images

    def write(folder, ra, dec, flux, *, shape=(200, 240), field=(752, 1, 22), centre=(150.0, 2.0), fwhm=1.3, bands="ugriz",
              noise=True, seeing=True, rotation=88.0):  # fmt: skip
        rng = np.random.default_rng(list(field))
        made = {}
        flux = np.asarray(flux, float)
        for k, band in enumerate("ugriz"):
            if band not in bands:
                continue
            # Up to two pixels between the bands, by fractions.
            pointing = Pointing(centre[0] + 1e-4 * (k - 2) * 1.3, centre[1] - 1e-4 * (k - 2) * 0.7, rotation, 0.396)
            what, cards = Field(*field), {"PSF_FWHM": fwhm} if seeing else {}
            image = np.zeros(shape, np.float32)
            path = write_frame(folder, image, band, what, pointing, 0.005, 150.0, cards)
            x, y = read_footprint(FrameFile(path, "frame", band, "")).place.to_pixel(ra, dec)
            for star in range(len(x)):
                left, low = int(np.rint(x[star])) - 20, int(np.rint(y[star])) - 20
                place = np.array([[x[star] - left - 19.5, y[star] - low - 19.5]])
                one = psf_images(SDSS.psf, np.full((1, 1), fwhm / 0.396), np.zeros((1, 1, 2)), place, 40)[0, 0]
                rows, columns = (
                    slice(max(a, 0), max(min(a + 40, n), 0)) for a, n in zip((low, left), shape, strict=True)
                )
                image[rows, columns] += (
                    flux[star, k] * one[rows.start - low : rows.stop - low, columns.start - left : columns.stop - left]
                )
            seen = image
            if noise:
                variance = pixel_variance(image, np.full(shape[1], 0.005), 150.0, field[1], band)
                seen = (image + np.sqrt(variance) * rng.standard_normal(shape)).astype(np.float32)
            made[band] = (image, write_frame(folder, seen, band, what, pointing, 0.005, 150.0, cards))
        return made

    return write
