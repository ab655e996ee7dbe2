"""Frames in nanomaggies: the recipe of the data model, Data Release 7's calibration, coadds; damaged ones."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.formats.sdss_frames import BANDS, electronics, pixel_variance
from asterism.surveys.stamps.frame_files import find_frames
from asterism.surveys.stamps.frame_images import read_footprint, read_frame

# Header and table of run 4192, camcol 4, field 300, shortened.
ZERO, SLOPE, AIRMASS = -24.0, 0.07, 1.19
SHAPE = (120, 160)


def one(folder, band="r"):
    return next(frame for frame in find_frames(folder.rglob("*"))[0] if frame.band == band)


def test_a_calibrated_frame(tmp_path, write_field):
    truth, path = write_field(tmp_path, [150.0], [2.0], [[50.0] * 5], bands="r")["r"]
    frame = read_frame(one(tmp_path))
    with fits.open(path) as hdus:
        image = hdus[0].data
    assert np.array_equal(frame.flux, image)
    variance = pixel_variance(image, np.full(240, 0.005), 150.0, 1, "r", 752)
    assert np.allclose(frame.ivar, 1.0 / variance, rtol=1e-5)
    residual = (frame.flux - truth) * np.sqrt(frame.ivar)
    assert residual.std() == pytest.approx(1.0, abs=0.02)
    assert frame.gain == pytest.approx(electronics(1, "r", 752)[0] / 0.005)
    assert frame.seeing(np.zeros(2), np.zeros(2))[0].tolist() == [1.3, 1.3]
    x, y = frame.place.to_pixel([150.0], [2.0])
    peak = np.unravel_index(truth.argmax(), truth.shape)
    assert np.hypot(x[0] - peak[1], y[0] - peak[0]) < 0.8
    print_ = read_footprint(one(tmp_path))
    assert print_.shape == (200, 240)
    assert np.allclose(print_.place.to_pixel([150.001], [2.001]), frame.place.to_pixel([150.001], [2.001]), atol=0.02)
    assert print_.place.pixel_scale == pytest.approx(0.396, rel=1e-4)


def test_a_coarse_sky_is_interpolated(tmp_path, write_field):
    path = write_field(tmp_path, [], [], np.zeros((0, 5)), bands="r")["r"][1]
    with fits.open(path) as hdus:
        hdus[2].data["ALLSKY"][0] = np.linspace(100.0, 200.0, 256)[None, :] * np.ones((192, 1))
        hdus[0].data[:] = 0.0
        hdus.writeto(path, overwrite=True)
    frame = read_frame(one(tmp_path))
    counts = (1.0 / frame.ivar / 0.005**2 - 1.8225) * 4.71
    places = np.clip((np.arange(240) + 0.5) * 256 / 240 - 0.5, 0, 255)
    assert np.allclose(counts, 100.0 + places * 100.0 / 255.0, rtol=1e-4)


def write_raw(folder, *, saturated=60000.0, signed=False, zero=ZERO, table=True):
    rng = np.random.default_rng(7)
    scale = 1e9 / 53.907456 * 10 ** (0.4 * (ZERO + SLOPE * AIRMASS))
    y, x = np.indices(SHAPE)
    star = 100.0 / (2 * np.pi * 4.0) * np.exp(-0.5 * ((x - 80) ** 2 + (y - 60) ** 2) / 4.0)  # nanomaggy
    counts = rng.poisson((150.0 + star / scale) * 4.7) / 4.7 + rng.normal(0, 1.1, SHAPE)
    data = np.rint(counts + 1000.0).astype(np.uint16)
    hdu = fits.PrimaryHDU(data.view(np.int16) if signed else data)
    hdu.header.update({
        "SOFTBIAS": 1000, "EXPTIME": "53.907456", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 80.5, "CRPIX2": 60.5,
        "CRVAL1": 351.65, "CRVAL2": 0.1, "CD1_1": 0.0, "CD1_2": 1.1e-4, "CD2_1": 1.1e-4, "CD2_2": 0.0,
    })  # fmt: skip
    hdu.writeto(folder / "fpC-004192-r4-0300.fit.gz")
    lists = {
        "aa": [zero] * 5, "kk": [SLOPE] * 5, "airmass": [AIRMASS] * 5, "gain": [4.7] * 5, "dark_variance": [1.2] * 5,
        "saturation_level": [saturated] * 5, "mjd": [52931.2] * 5,
        "a": [351.65 - 60 * 1.1e-4] * 5, "b": [1.1e-4] * 5, "c": [0.0] * 5, "d": [0.1 - 80 * 1.1e-4] * 5, "e": [0.0] * 5,
        "f": [1.1e-4] * 5, **{f"d{axis}{k}": [0.0] * 5 for axis in ("Row", "Col") for k in range(4)},
    }  # fmt: skip
    if table:
        columns = [fits.Column(name, "5D", array=[values]) for name, values in lists.items()]
        primary = fits.PrimaryHDU(header=fits.Header([("NODE", 95.0), ("INCL", 0.0)]))
        fits.HDUList([primary, fits.BinTableHDU.from_columns(columns)]).writeto(folder / "tsField-004192-4-40-0300.fit")
    return star, scale


def test_a_raw_frame(tmp_path):
    star, scale = write_raw(tmp_path)
    frame = read_frame(one(tmp_path))
    residual = (frame.flux - star) * np.sqrt(frame.ivar)
    assert abs(np.median(residual)) < 0.05
    assert residual.std() == pytest.approx(1.0, abs=0.05)
    assert frame.flux[50:71, 70:91].sum() == pytest.approx(100.0, rel=0.02)
    assert frame.gain == pytest.approx(4.7 / scale)
    assert frame.mjd == pytest.approx(52931.2)
    assert np.allclose(frame.place.to_pixel([351.65], [0.1]), [[79.5], [59.5]], atol=1e-6)
    assert np.isnan(frame.seeing(np.zeros(1), np.zeros(1))[0]).all()


def test_unsigned_numbers_that_do_not_say_so(tmp_path):
    star, _ = write_raw(tmp_path, signed=True)
    assert read_frame(one(tmp_path)).flux[50:71, 70:91].sum() == pytest.approx(star.sum(), rel=0.02)


def test_saturated_pixels_are_not_observed(tmp_path):
    write_raw(tmp_path, saturated=400.0)
    frame = read_frame(one(tmp_path))
    assert 0 < (frame.ivar == 0).sum() < 60
    assert frame.ivar[60, 80] == 0
    assert np.isnan(frame.flux[60, 80])


def test_raw_frames_without_calibration(tmp_path):
    write_raw(tmp_path, table=False)
    with pytest.raises(BadInputError, match="no tsField of field 4192-4-300 beside it"):
        read_frame(one(tmp_path))
    (tmp_path / "b").mkdir()
    write_raw(tmp_path / "b", zero=-9999.0)
    with pytest.raises(BadInputError, match="does not calibrate r"):
        read_frame(one(tmp_path / "b"))


def write_coadd(folder, brick="0001m002", band="r", shape=(90, 100), ra=0.1, dec=-0.2):
    rng = np.random.default_rng(1)
    header = fits.Header({
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec, "CRPIX1": shape[1] / 2 + 0.5,
        "CRPIX2": shape[0] / 2 + 0.5, "CD1_1": -0.262 / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.262 / 3600,
    })  # fmt: skip
    planes = {
        "image": rng.normal(0, 0.1, shape).astype(np.float32),
        "invvar": np.full(shape, 100.0, np.float32),
        "psfsize": np.full(shape, 1.25, np.float32),
    }
    planes["invvar"][:5] = 0.0
    for name, values in planes.items():
        hdu = fits.CompImageHDU(values, header, quantize_method=2, dither_seed=3)
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / f"legacysurvey-{brick}-{name}-{band}.fits.fz")
    return planes


def test_a_coadd(tmp_path):
    planes = write_coadd(tmp_path)
    frame = read_frame(one(tmp_path))
    assert np.allclose(frame.flux[5:], planes["image"][5:], atol=0.01)  # compressed with loss, as the survey does
    assert np.isnan(frame.flux[:5]).all()
    assert (frame.ivar[:5] == 0).all()
    assert np.allclose(frame.ivar[5:], 100.0)
    assert frame.seeing(np.array([3.0]), np.array([20.0]))[0] == pytest.approx([1.25])
    assert read_footprint(one(tmp_path)).shape == (90, 100)
    assert frame.place.pixel_scale == pytest.approx(0.262)
    (tmp_path / "legacysurvey-0001m002-invvar-r.fits.fz").unlink()
    with pytest.raises(BadInputError, match="no inverse variance"):
        read_frame(one(tmp_path))


@pytest.mark.parametrize("keep", [0.1, 0.6, 0.97])
def test_truncated_frames_are_one_sentence(tmp_path, write_field, keep):
    path = write_field(tmp_path, [], [], np.zeros((0, 5)), bands="r", noise=False)["r"][1]
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(BadInputError, match="frame-r"):
        read_frame(one(tmp_path))


@pytest.mark.parametrize("seed", range(6))
def test_hostile_files_are_read_or_refused(tmp_path, write_field, seed):
    rng, told = np.random.default_rng(seed), []
    write_field(tmp_path, [150.0], [2.0], [[50.0] * 5], bands="g", shape=(40, 50))
    write_raw(tmp_path)
    write_coadd(tmp_path, band="z", shape=(40, 50))
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        body = bytearray(gzip.decompress(whole) if path.suffix == ".gz" else whole)
        for place in rng.integers(min(len(body), rng.choice([700, 3000, len(body)])), size=rng.integers(1, 9)):
            body[place] = rng.choice(list(b"0123456789-+.ET' \x00\xff"))
        cut = bytes(body[: rng.integers(len(body)) if rng.random() < 0.3 else None])
        path.write_bytes(gzip.compress(cut, 1) if path.suffix == ".gz" else cut)
        for frame in find_frames(tmp_path.iterdir())[0]:
            try:
                read_footprint(frame)
                got = read_frame(frame)
                got.seeing(*got.place.to_pixel(np.array([150.0]), np.array([2.0])))
            except BadInputError as error:
                told.append(str(error))
            else:
                assert np.isfinite(got.flux[got.ivar > 0]).all()
                assert np.isfinite(got.ivar).all()
        path.write_bytes(whole)
    assert told
    assert not any("\n" in sentence for sentence in told)


def test_frames_that_contradict_themselves(tmp_path, write_field):
    path = write_field(tmp_path, [], [], np.zeros((0, 5)), bands="r", noise=False)["r"][1]
    whole = path.read_bytes()

    def changed(change):
        path.write_bytes(whole)
        with fits.open(path) as hdus:
            change(hdus)
            hdus.writeto(path, overwrite=True)

    def no_calibration(hdus):
        hdus[1].data[3] = -1.0

    def other_sky(hdus):
        hdus[2] = fits.BinTableHDU.from_columns([fits.Column("ALLSKY", "4E", dim="(2,2)", array=[np.ones((2, 2))]),
                                                 fits.Column("XINTERP", "3E", array=[np.zeros(3)]),
                                                 fits.Column("YINTERP", "3E", array=[np.zeros(3)])])  # fmt: skip

    def nothing(hdus):
        hdus[0].data[:] = np.nan

    for change, words in ((no_calibration, "calibration"), (other_sky, "sky"), (nothing, "no pixel")):
        changed(change)
        with pytest.raises(BadInputError, match=words):
            read_frame(one(tmp_path))
    assert len(BANDS) == 5
