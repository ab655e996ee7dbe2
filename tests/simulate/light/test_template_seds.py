"""The provider of libraries."""

import shutil

import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.light.stellar_seds import locus_magnitudes
from asterism.simulate.light.template_seds import TemplateSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import survey_named

CHOICES = [
    {},
    {"stars": "desisim", "white_dwarfs": "desisim", "quasars": "eigen"},
    {"stars": "eigen", "quasars": "redrock"},
    {"stars": "miles", "galaxies": "embedded"},
]


@pytest.fixture(scope="module")
def objects():
    return draw(np.random.default_rng(0), np.repeat(["STAR", "GALAXY", "QSO"], 40), survey_named("sdss-spectro"))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_object_has_a_spectrum_over_all_filters(templates_directory, objects, choice):
    provider = TemplateSeds(templates_directory, **choice)
    assert {role: provider.libraries[role] for role in choice} == choice
    found = provider.seds(objects, grid_wavelength())
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.median(found, axis=1) > 0).all()
    ids = provider.template_ids(objects)
    stars, galaxies, quasars = ids[:40], ids[40:80], ids[80:]
    assert all(name.startswith((provider.libraries["stars"], provider.libraries["white_dwarfs"])) for name in stars)
    assert all(name.startswith(f"{provider.libraries['galaxies']}-galaxy-") for name in galaxies)
    assert all(name.startswith(f"{provider.libraries['quasars']}-qso-") for name in quasars)


def test_an_object_has_its_spectrum_in_any_company_and_on_any_grid(templates_directory, objects):
    provider = TemplateSeds(templates_directory)
    # A quasar whose forest lies bluewards of the grid: on it, points and means over pixels are not the same.
    quasar = int(np.flatnonzero((objects.kind == "QSO") & (objects.redshift < 1.8))[0])
    rows = [3, 50, quasar]
    some = objects.take(np.array(rows))
    whole = provider.seds(objects, grid_wavelength())[rows]
    np.testing.assert_array_equal(provider.seds(some, grid_wavelength()), whole)
    assert provider.template_ids(some).tolist() == provider.template_ids(objects)[rows].tolist()
    fine = 10 ** np.arange(3.6, 3.95, 1e-4)
    ratio = np.stack([np.interp(grid_wavelength()[300:1100:40], fine, row) for row in provider.seds(some, fine)])
    ratio /= whole[:, 300:1100:40]
    np.testing.assert_allclose(ratio / np.median(ratio, axis=1, keepdims=True), 1.0, atol=0.08)


def test_stars_are_shifted_by_their_velocity(templates_directory, objects):
    provider = TemplateSeds(templates_directory, stars="desisim")
    still = objects.take(np.array([0]))
    still.teff[:], still.subclass[:], still.tilt[:], still.redshift[:] = 6500.0, "F5", 0.0, 0.0
    moving = still.take(np.array([0]))
    moving.redshift[:] = 1e-3
    wavelength = np.arange(4840.0, 4890.0, 0.25)
    at = [wavelength[np.argmin(provider.seds(some, wavelength)[0])] for some in (still, moving)]
    assert at[1] - at[0] == pytest.approx(4.86, abs=0.5)


def test_colours_of_galaxies_are_those_of_their_type(templates_directory, objects):
    galaxies = objects.take(np.arange(40, 80))
    a, b = (
        synthetic_magnitudes(provider.seds(galaxies, grid_wavelength()))
        for provider in (TemplateSeds(templates_directory), EmbeddedSeds())
    )
    difference = (a[:, :-1] - a[:, 1:]) - (b[:, :-1] - b[:, 1:])
    assert np.abs(np.median(difference, axis=0)).max() < 0.15


def test_what_the_directory_lacks_is_embedded(templates_directory, tmp_path, objects):
    shutil.copytree(templates_directory / "miles", tmp_path / "miles")
    provider = TemplateSeds(tmp_path)
    assert provider.libraries == {
        "stars": "miles", "white_dwarfs": "embedded", "galaxies": "embedded", "quasars": "embedded"
    }  # fmt: skip
    np.testing.assert_array_equal(
        provider.seds(objects, grid_wavelength())[40:], EmbeddedSeds().seds(objects, grid_wavelength())[40:]
    )


def test_no_spectrum_is_used_past_its_end(templates_directory, objects):
    with pytest.raises(ConfigurationError, match="class STAR of the provider 'templates' hold from 2000 to 25000 Å"):
        TemplateSeds(templates_directory).seds(objects, np.array([1500.0, 5000.0]))


def test_damage_is_one_sentence(templates_directory, tmp_path):
    shutil.copytree(templates_directory, tmp_path / "t")
    path = tmp_path / "t" / "redrock" / "rrtemplate-STAR-G-v0.1.fits"
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(BadInputError, match="rrtemplate-STAR-G-v0.1.fits"):
        TemplateSeds(tmp_path / "t")


def test_fingerprints_tell_choices_apart(templates_directory):
    prints = {TemplateSeds(templates_directory, **choice).fingerprint for choice in CHOICES}
    assert len(prints) == len(CHOICES)


def test_normal_stars_keep_the_locus_whatever_template_they_take(templates_directory, objects):
    provider = TemplateSeds(templates_directory, stars="redrock")
    stars = objects.take(np.flatnonzero((objects.kind == "STAR") & np.isfinite(objects.colour)))
    stars.tilt[:] = 0.0
    stars.redshift[:] = 0.0
    m = synthetic_magnitudes(provider.seds(stars, grid_wavelength()), zero_point="sdss")
    np.testing.assert_allclose(m - m[:, 2:3], locus_magnitudes(stars), atol=0.02)
