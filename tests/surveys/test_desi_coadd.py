"""Arms to one spectrum: weights, masks, widths, and what is refused."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.desi_coadd import ESTIMATED, SPECMASK, arms_of, read_arms, read_columns
from asterism.surveys.formats.desi_spectra import ARMS, arm_wavelength, resolution_data
from asterism.surveys.formats.spectral_grids import grid_named

PATH = Path("coadd-test.fits")
GRID = grid_named("desi")


def arms(n=2, seed=1):
    rng, hdus = np.random.default_rng(seed), fits.HDUList([fits.PrimaryHDU()])
    for arm in ARMS:
        wave = arm_wavelength(arm)
        images = {
            "WAVELENGTH": wave, "FLUX": rng.normal(size=(n, len(wave))).astype(">f4"),
            "IVAR": rng.uniform(0.5, 2.0, (n, len(wave))).astype(">f4"), "MASK": np.zeros((n, len(wave)), ">i4"),
            "RESOLUTION": np.tile(resolution_data(np.full(len(wave), 0.7)), (n, 1, 1)),
        }  # fmt: skip
        for name, values in images.items():
            hdus.append(fits.ImageHDU(values, name=f"{arm}_{name}"))
    return hdus


def read(hdus, start, stop):
    """As from a file, which is read in pieces."""
    body = io.BytesIO()
    hdus.writeto(body)
    with fits.open(io.BytesIO(body.getvalue()), memmap=False) as opened:
        return read_arms(opened, PATH, start, stop)


def test_overlaps_are_weighted_and_rows_chosen():
    hdus = arms(3)
    made = read(hdus, 1, 3)
    assert made.flux.shape == (2, 7781)
    at = GRID.pixels([5780.0])[0]
    left, right = (int(np.argmin(np.abs(arm_wavelength(arm) - 5780.0))) for arm in "BR")
    f = np.array([hdus["B_FLUX"].data[2, left], hdus["R_FLUX"].data[2, right]], float)
    w = np.array([hdus["B_IVAR"].data[2, left], hdus["R_IVAR"].data[2, right]], float)
    assert made.ivar[1, at] == pytest.approx(w.sum())
    assert made.flux[1, at] == pytest.approx((f * w).sum() / w.sum())
    assert made.flux[0, 0] == pytest.approx(hdus["B_FLUX"].data[1, 0])
    width = np.sqrt(0.7**2 + 0.8**2 / 12)  # the matrix spreads light over whole pixels
    assert np.nanmedian(made.lsf) == pytest.approx(width, rel=2e-3)
    assert np.isfinite(made.lsf).all()


def test_what_one_arm_does_not_see_the_other_does():
    hdus = arms(1)
    left, right = (int(np.argmin(np.abs(arm_wavelength(arm) - 5780.0))) for arm in "BR")
    hdus["B_IVAR"].data[0, left] = 0
    hdus["B_MASK"].data[0, left] = SPECMASK["ALLBADPIX"]
    hdus["R_MASK"].data[0, right] = SPECMASK["COSMIC"]
    hdus["Z_FLUX"].data[0, 2000] = np.nan
    hdus["Z_IVAR"].data[0, 2001] = -1
    hdus["Z_IVAR"].data[0, 2002] = np.inf
    hdus["Z_IVAR"].data[0, 2003] = 0
    hdus["Z_MASK"].data[0, 2003] = SPECMASK["NODATA"]
    made = read(hdus, 0, 1)
    at = GRID.pixels([5780.0])[0]
    assert made.flux[0, at] == pytest.approx(hdus["R_FLUX"].data[0, right])
    assert made.mask[0, at] == SPECMASK["COSMIC"]
    bad = GRID.pixels(arm_wavelength("Z")[2000:2004])
    assert np.isnan(made.flux[0, bad]).all()
    assert (made.ivar[0, bad] == 0).all()
    assert made.mask[0, bad].tolist() == [0, 0, 0, SPECMASK["NODATA"]]


def test_without_errors_they_are_estimated_and_the_mask_says_so():
    hdus = arms(1)
    for arm in ARMS:
        del hdus[f"{arm}_IVAR"]
    made = read(hdus, 0, 1)
    assert (made.mask & ESTIMATED).all()
    assert np.median(made.ivar) == pytest.approx(1 / 1.1**2, abs=0.15)
    wave = np.concatenate([arm_wavelength(arm) for arm in ARMS])
    flux = np.random.default_rng(2).normal(5.0, 0.5, (2, len(wave)))
    flux[0, 10] = np.nan
    for order in (np.arange(len(wave)), np.argsort(wave, kind="stable")):
        made = read_columns(wave[order], flux[:, order], PATH)
        assert made.flux.shape == (2, 7781)
        assert made.ivar[0, 10] == 0
        assert np.median(made.ivar) == pytest.approx(4 / 1.1**2, abs=0.6)
        at = GRID.pixels([5780.0])[0]
        assert made.flux[1, at] == pytest.approx(flux[1, np.isclose(wave, 5780.0)].mean(), rel=1e-5)


def test_other_arms_and_other_grids():
    hdus = arms(1)
    assert arms_of(hdus) == ["B", "R", "Z"]
    both = fits.HDUList([fits.PrimaryHDU()])
    for name, values in (("WAVELENGTH", GRID.wavelength), ("FLUX", np.ones((1, 7781))), ("IVAR", np.ones((1, 7781)))):
        both.append(fits.ImageHDU(values, name=f"BRZ_{name}"))
    assert (read(both, 0, 1).flux == 1).all()
    hdus["B_WAVELENGTH"].data = hdus["B_WAVELENGTH"].data + 0.3
    with pytest.raises(BadInputError, match="not on the pixels of desi"):
        read(hdus, 0, 1)


@pytest.mark.parametrize("fault", ["unit", "shape", "rows", "outside"])
def test_what_does_not_fit_is_refused(fault):
    hdus, rows = arms(1), 1
    if fault == "unit":
        hdus["B_FLUX"].header["BUNIT"] = "count"
    elif fault == "shape":
        hdus["R_IVAR"].data = hdus["R_IVAR"].data[:, :-1]
    elif fault == "rows":
        rows = 2
    else:
        hdus["Z_WAVELENGTH"].data = hdus["Z_WAVELENGTH"].data + 800.0
    with pytest.raises(
        BadInputError, match={"unit": "is in count", "outside": "outside of 3600"}.get(fault, "has shape")
    ):
        read(hdus, 0, rows)
