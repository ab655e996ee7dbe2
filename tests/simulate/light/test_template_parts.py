"""Templates in two parts."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.light.photometry import grid_wavelength
from asterism.simulate.light.template_parts import check_part, galaxy_cells, members_of_part, types_of_part
from asterism.simulate.light.template_seds import TemplateSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import survey_named


def test_every_member_is_of_one_part() -> None:
    names = [f"m{number:04d}" for number in range(4000)]
    train, test = (members_of_part(names, part) for part in ("train", "test"))
    assert (train ^ test).all()
    assert test.mean() == pytest.approx(0.25, abs=0.03)


def test_types_of_galaxies_stay_near_and_in_their_part() -> None:
    types = np.random.default_rng(0).uniform(0.0, 3.0, 5000)
    types[:3] = 0.0, 3.0, 1.0
    train, test = (types_of_part(types, part) for part in ("train", "test"))
    assert np.abs(train - types).max() <= 0.101
    assert np.abs(test - types).max() <= 0.351
    assert not set(galaxy_cells(train)) & set(galaxy_cells(test))
    for moved, part in ((train, "train"), (test, "test")):
        np.testing.assert_array_equal(galaxy_cells(types_of_part(moved, part)), galaxy_cells(moved))
        assert moved.min() >= 0.0
        assert moved.max() <= 3.0


def test_there_are_two_parts() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'train'"):
        check_part("trains")


@pytest.fixture(scope="module")
def objects():
    return draw(np.random.default_rng(3), np.repeat(["STAR", "GALAXY", "QSO"], 150), survey_named("lamost-macnet"))


def test_no_template_stands_on_both_sides(templates_directory, objects) -> None:
    whole = set(TemplateSeds(templates_directory).template_ids(objects))
    found = {}
    for part in ("train", "test"):
        provider = TemplateSeds(templates_directory, part=part)
        ids = provider.template_ids(objects)
        assert not np.char.startswith(ids, "embedded").any()
        found[part] = set(ids)
        assert np.isfinite(provider.seds(objects.take(np.arange(0, 450, 15)), grid_wavelength())).all()
    assert not found["train"] & found["test"]
    assert whole & found["train"]
    assert whole & found["test"]


def test_galaxies_without_a_library_have_cells_too(templates_directory, objects) -> None:
    parts = [
        set(TemplateSeds(templates_directory, galaxies="embedded", part=part).template_ids(objects)[150:300])
        for part in ("train", "test")
    ]
    assert not parts[0] & parts[1]
    assert all(name.startswith("embedded-galaxy-") for part in parts for name in part)


def test_the_spectrum_is_that_of_the_name(templates_directory, objects) -> None:
    galaxies = objects.take(np.arange(150, 170))
    train, test = (TemplateSeds(templates_directory, part=part) for part in ("train", "test"))
    a, b = (provider.seds(galaxies, grid_wavelength()) for provider in (train, test))
    assert (np.abs(a / b - 1.0).max(axis=1) > 1e-3).any()


def test_what_has_no_members_has_no_parts(templates_directory, objects) -> None:
    with pytest.raises(ConfigurationError, match="quasars of the library 'redrock' are no members"):
        TemplateSeds(templates_directory, quasars="redrock", part="test")
    dwarf = objects.take(np.array([0]))
    dwarf.subclass[:] = "DC"
    with pytest.raises(ConfigurationError, match="no stars of the families DC"):
        TemplateSeds(templates_directory, part="test").template_ids(dwarf)


def test_a_family_of_one_template_is_embedded_in_the_part_without_it(templates_directory, objects) -> None:
    binary = objects.take(np.array([0]))
    binary.subclass[:] = "CV"
    train, test = (TemplateSeds(templates_directory, part=part) for part in ("train", "test"))
    assert train.template_ids(binary).tolist() == ["redrock-CV-00000"]
    assert test.template_ids(binary).tolist() == ["embedded-star-CV"]
    a, b = (provider.seds(binary, grid_wavelength()) for provider in (train, test))
    assert np.abs(a / a.mean() - b / b.mean()).max() > 0.1
