"""psField: the PSF at a place, its width by the survey's definition, and damaged files."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.stamps.sdss_psf import BandPsf, read_psf

SIDE = 51


def gaussian(sigma, ratio=1.0):
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    return np.exp(-0.5 * ((x / (sigma * ratio)) ** 2 + (y / (sigma / ratio)) ** 2))


def write_psfield(path, images, weights, widths=(1.4, 1.3, 1.2, 1.2, 1.3), side=SIDE):
    k = len(images)
    hdus = [fits.PrimaryHDU()]
    for _ in range(5):
        hdus.append(
            fits.BinTableHDU.from_columns(
                [
                    fits.Column("nrow_b", "J", array=[weights.shape[1]] * k),
                    fits.Column("ncol_b", "J", array=[weights.shape[2]] * k),
                    fits.Column(
                        "c",
                        "25E",
                        dim="(5,5)",
                        array=np.pad(weights, ((0, 0), *((0, 5 - n) for n in weights.shape[1:]))),
                    ),
                    fits.Column("RNROW", "J", array=[side] * k),
                    fits.Column("RNCOL", "J", array=[side] * k),
                    fits.Column("RROWS", f"PE({SIDE * SIDE})", array=np.array([i.ravel() for i in images], object)),
                ]
            )
        )
    hdus.append(fits.BinTableHDU.from_columns([fits.Column("psf_width", "5E", array=[widths])]))
    fits.HDUList(hdus).writeto(path)
    return path


def test_a_sum_of_images_at_a_place(tmp_path):
    # The narrow one at row 0, the wide one growing with the column.
    weights = np.zeros((2, 2, 2))
    weights[0, 0, 0], weights[1, 0, 1] = 1.0, 1.0
    path = write_psfield(tmp_path / "psField-000752-1-0022.fit", [gaussian(1.2), gaussian(2.4)], weights)
    psf = read_psf(path)["r"]
    assert psf.width == pytest.approx(1.2)
    made = psf.at([0.0, 2000.0], [500.0, 500.0])
    assert made.shape == (2, SIDE, SIDE)
    assert np.allclose(made.sum(axis=(1, 2)), 1.0)
    expected = gaussian(1.2) + 2.0 * gaussian(2.4)
    assert np.allclose(made[1], expected / expected.sum(), atol=1e-6)
    fwhm, _ = psf.shape([0.0, 2000.0], [500.0, 500.0])
    # A Gaussian's effective area is 4 pi sigma^2, and 0.663 sqrt(4 pi) = 2.35: its full width.
    assert fwhm[0] == pytest.approx(2.3548 * 1.2 * 0.396, rel=2e-3)
    assert fwhm[1] > 1.5 * fwhm[0]


def test_shape_and_means():
    long = BandPsf(1.2, gaussian(1.5, 1.1)[None], np.ones((1, 1, 1)))
    _, shape = long.shape([3.0], [4.0])
    assert shape[0, 0] == pytest.approx((1.1**4 - 1) / (1.1**4 + 1), rel=0.1)
    assert abs(shape[0, 1]) < 1e-6
    # Numbers that make no star: the field's mean stands.
    nonsense = BandPsf(1.2, np.zeros((1, SIDE, SIDE)), np.ones((1, 1, 1)))
    with np.errstate(all="ignore"):
        assert nonsense.shape([3.0], [4.0])[0] == pytest.approx([1.2])
    assert BandPsf(1.2, np.zeros((0, 1, 1)), np.zeros((0, 1, 1))).shape([1.0, 2.0], [1.0, 2.0])[0].tolist() == [
        1.2,
        1.2,
    ]


def test_damage_is_one_sentence(tmp_path):
    weights = np.ones((1, 1, 1))
    good = write_psfield(tmp_path / "good.fit", [gaussian(1.2)], weights, widths=(-9999.0, 1.3, 1.2, 1.2, 1.3))
    assert set(read_psf(good)) == set("griz")
    bad = write_psfield(tmp_path / "bad.fit", [gaussian(1.2)], weights, side=500)
    with pytest.raises(BadInputError, match="500 x 500"):
        read_psf(bad)
    short = tmp_path / "short.fit"
    short.write_bytes(good.read_bytes()[:9000])
    with pytest.raises(BadInputError, match="short"):
        read_psf(short)
