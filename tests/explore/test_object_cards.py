"""Pictures and spectra small enough for a page of thousands."""

import base64
import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from asterism.catalogs.groups import groups
from asterism.catalogs.objects import grid_wavelength
from asterism.catalogs.schema import image_fields
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.explore.object_cards import (
    SPECTRUM_POINTS,
    chosen_objects,
    object_cards,
    small_picture,
    small_spectrum,
)


def image_group(bands="grz", size=152):
    return groups(pa.schema(image_fields("legacy", tuple(bands), size, 0.262, zero_point="ab")))["image_legacy"]


def spectrum_group(grid="linear,3600,0.8,7781", pixels=7781):
    return groups(pa.schema(spectrum_fields("desi", pixels, grid)))["spectrum_desi"]


def unpacked(told):
    return np.frombuffer(base64.b64decode(told["points"]), np.uint8)


def test_each_kind_gets_as_many_pictures():
    kinds = ["a"] * 50 + ["b"] * 5 + [None] * 2
    chosen = chosen_objects(kinds, 10)
    assert len(chosen) == 10
    assert sorted(chosen) == list(chosen)
    counts = {kind: [kinds[k] for k in chosen].count(kind) for kind in set(kinds)}
    assert counts == {"a": 4, "b": 4, None: 2}
    assert len(chosen_objects(kinds, 1000)) == 57
    assert len(chosen_objects([], 5)) == 0


def test_a_picture_is_the_middle_in_colour_with_north_up():
    flux = np.zeros((3, 152, 152))
    flux[2, 76 + 20 : 76 + 26, 73:79] = 5.0  # bright in z alone, above the middle
    data = base64.b64decode(small_picture(flux, image_group()))
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float)
    assert picture.shape == (64, 64, 3)
    assert len(data) < 2000
    row, column = np.unravel_index(picture[..., 0].argmax(), (64, 64))
    assert row < 14
    assert 28 < column < 36
    assert picture[row, column, 0] > picture[row, column, 2] + 50


def test_pictures_without_three_bands_are_grey_and_without_light_there_is_none():
    flux = np.random.default_rng(0).normal(0, 0.1, (1, 40, 40))
    picture = Image.open(io.BytesIO(base64.b64decode(small_picture(flux, image_group("r", 40))))).convert("RGB")
    assert picture.size == (40, 40)
    assert small_picture(np.full((3, 152, 152), np.nan), image_group()) is None
    assert small_picture(None, image_group()) is None


def test_a_spectrum_is_means_by_inverse_variance_and_gaps_stay_gaps():
    wavelength = grid_wavelength("linear,3600,0.8,7781")
    flux = 2.0 + (wavelength - 3600) / 2000
    ivar = np.full(7781, 4.0)
    flux[100], ivar[100] = 1e6, 1e-12  # of no weight
    ivar[3000:3400], flux[3000:3400] = 0.0, np.nan
    told = small_spectrum(flux, ivar, spectrum_group())
    points = unpacked(told)
    assert len(points) <= SPECTRUM_POINTS
    place = np.linspace(told["first"], told["last"], len(points))
    drawn = told["low"] + (told["high"] - told["low"]) * points / 254
    seen = points < 255
    np.testing.assert_allclose(drawn[seen], 2.0 + (place[seen] - 3600) / 2000, atol=0.03)
    gap = (place > wavelength[3020]) & (place < wavelength[3380])
    assert (points[gap] == 255).all()
    assert (points[~gap] < 255).sum() > 400
    assert told["low"] == 0.0
    assert told["relative"] is False


def test_logarithmic_grids_are_even_in_the_logarithm():
    grid = "log10,3.5682,0.001,391"
    flux = np.log10(grid_wavelength(grid))
    told = small_spectrum(flux, np.ones(391), spectrum_group(grid, 391))
    assert told["log"] is True
    points = unpacked(told)
    place = np.geomspace(told["first"], told["last"], len(points))
    np.testing.assert_allclose(told["high"] * points / 254, np.log10(place), atol=0.01)


def test_noisy_ends_do_not_flatten_the_rest():
    rng = np.random.default_rng(0)
    sigma = np.where(np.arange(7781) < 300, 200.0, 0.1)
    told = small_spectrum(1.0 + rng.normal(0, sigma), sigma**-2.0, spectrum_group())
    assert told["high"] < 2.0


@pytest.mark.parametrize("ivar", [np.zeros(7781), None])
def test_a_spectrum_that_was_not_observed(ivar):
    assert small_spectrum(np.ones(7781), ivar, spectrum_group()) is None


def test_cards_of_a_catalog_follow_its_rows(make_spectra):
    catalog = make_spectra(rows=40)
    rows = np.array([0, 2, 4, 19, 33])
    told = []
    cards = {
        row: (picture, spectrum) for row, picture, spectrum in object_cards(catalog, rows, lambda *x: told.append(x))
    }
    assert sorted(cards) == rows.tolist()
    assert told[-1] == (5, 5)
    table = catalog.read(["image_sdss_flux", "spectrum_lamost_flux"])
    for row, (picture, spectrum) in cards.items():
        assert (picture is None) == (table["image_sdss_flux"][row].as_py() is None)
        assert (spectrum is None) == (table["spectrum_lamost_flux"][row].as_py() is None)
    assert any(picture is None for picture, _ in cards.values())


def test_a_catalog_without_either_has_no_cards(tiny_table_sky):
    assert list(object_cards(tiny_table_sky, np.arange(5))) == []
