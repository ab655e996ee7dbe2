import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.spectrum_from_image import Spectra, mean_spectra, read_spectra, spectra_from_images

WAVELENGTH = np.linspace(4000, 8000, 400)


def shape(angle):
    """A spectrum that turns from blue to red with an angle, of mean about 1."""
    return 1 + 0.5 * np.sin(angle)[:, None] * np.linspace(-1, 1, 400)[None]


def library(n=200, noise=0.1, seed=0):
    """Spectra of many brightnesses along a circle of embeddings, and those embeddings."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(-1.2, 1.2, n)
    bright = 10 ** rng.uniform(-0.5, 1.5, n)
    flux = bright[:, None] * shape(angle) + noise * rng.normal(size=(n, 400))
    ivar = np.full((n, 400), noise**-2)
    return Spectra(WAVELENGTH, flux.astype(np.float32), ivar.astype(np.float32)), circle(angle), angle


def circle(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_neighbours_in_the_shared_space_tell_the_spectrum():
    reference, spectra, _ = library()
    angle = np.array([-1.0, 0.0, 0.8])
    found = spectra_from_images(circle(angle), spectra, reference, k=8)
    wanted = shape(angle)
    assert np.abs(found.mean - wanted).mean() < 0.03
    assert found.neighbours.shape == found.distance.shape == (3, 8)
    assert (np.diff(found.distance, axis=1) >= 0).all()
    far = spectra_from_images(circle(angle), -spectra, reference, k=8)
    assert np.abs(far.mean - wanted).mean() > 0.1


def test_scatter_is_what_neighbours_differ_by_and_noise_is_not():
    reference, _, _ = library(noise=0.3)
    spectra = circle(np.full(200, 0.3))  # all as far, and so of one weight
    same = Spectra(WAVELENGTH, reference.flux.copy(), reference.ivar)
    rng = np.random.default_rng(1)
    same.flux[:] = 3 * shape(np.zeros(200)) + 0.3 * rng.normal(size=(200, 400))
    alike = spectra_from_images([[1.0, 0.0]], spectra, same, k=200)
    assert np.median(alike.scatter) < 0.04  # noise of 0.1 at level 1
    apart = Spectra(WAVELENGTH, same.flux.copy(), reference.ivar)
    apart.flux[::2] = 3 * shape(np.full(100, 1.2)) + 0.3 * rng.normal(size=(100, 400))
    found = spectra_from_images([[1.0, 0.0]], spectra, apart, k=200)
    assert found.scatter[0, -1] == pytest.approx(0.25 * np.sin(1.2), rel=0.1)
    assert found.scatter[0, 200] < 0.06


def test_pixels_that_were_not_observed_do_not_count():
    reference, spectra, angle = library(noise=0.01)
    blind = Spectra(WAVELENGTH, reference.flux.copy(), reference.ivar.copy())
    blind.flux[:, 50], blind.ivar[:, 50] = np.nan, 0
    blind.flux[::2, 60], blind.ivar[::2, 60] = 1e9, 0
    found = spectra_from_images(circle(angle[:5]), spectra, blind, k=10)
    assert np.isnan(found.mean[:, 50]).all()
    assert np.isnan(found.scatter[:, 50]).all()
    assert np.abs(found.mean[:, 60] - shape(angle[:5])[:, 60]).max() < 0.1
    assert np.isfinite(np.delete(found.mean, 50, axis=1)).all()


def test_a_spectrum_lost_in_noise_is_nobodys_neighbour():
    reference, spectra, angle = library(50)
    lost = Spectra(WAVELENGTH, reference.flux.copy(), reference.ivar.copy())
    lost.flux[:10] = -lost.flux[:10]
    lost.ivar[10:20] = 0
    level = lost.level()
    assert np.isnan(level[:20]).all()
    assert np.isfinite(level[20:]).all()
    found = spectra_from_images(circle(angle), spectra, lost, k=30)
    assert found.neighbours.min() >= 20


def test_the_mean_of_a_class_is_of_its_objects_at_one_level():
    reference, _, angle = library(400)
    names = ["blue" if a < 0 else "red" for a in angle]
    names[0] = None
    found = mean_spectra(reference, names)
    assert list(found) == ["", "blue", "red"]
    assert found["red"][-1] > 1.1 > 0.9 > found["blue"][-1]
    assert np.abs(found[""] - 1).max() < 0.15
    with pytest.raises(BadInputError, match="no reference spectrum rises above its noise"):
        mean_spectra(Spectra(WAVELENGTH, np.zeros((2, 400)), np.ones((2, 400))))


def test_a_catalogs_spectra_are_read_in_the_order_asked_for(make_spectra):
    catalog = make_spectra(rows=40)
    rows = np.array([30, 2, 17])
    found = read_spectra(catalog, rows)
    assert len(found) == 3
    assert found.flux.shape[1] == len(found.wavelength)
    assert np.isfinite(found.flux).all()
    whole = read_spectra(catalog, np.arange(40))
    assert np.array_equal(found.flux, whole.flux[rows])
    assert (whole.ivar > 0).any()


def test_bad_input_is_one_sentence():
    reference, spectra, _ = library(30)
    with pytest.raises(ConfigurationError, match="31 neighbours were asked for and the reference has 30 spectra"):
        spectra_from_images([[1.0, 0.0]], spectra, reference, k=31)
    with pytest.raises(BadInputError, match="give one each"):
        spectra_from_images([[1.0, 0.0]], spectra[:5], reference)
    with pytest.raises(BadInputError, match="take one model's"):
        spectra_from_images([[1.0, 0.0, 0.0]], spectra, reference)
    with pytest.raises(BadInputError, match="don't fit"):
        Spectra(WAVELENGTH, reference.flux[:, :3], reference.ivar)
