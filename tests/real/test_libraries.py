"""The template libraries themselves: medium, range and content are what the table says."""

from pathlib import Path

import numpy as np
import pytest

from asterism.simulate.light.libraries import LIBRARIES, choose_libraries
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.light.star_templates import read_star_templates, read_white_dwarf_templates
from asterism.simulate.light.template_seds import TemplateSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import survey_named

TEMPLATES = (Path(__file__).parents[2] / ".." / "shared" / "data" / "templates").resolve()
pytestmark = pytest.mark.skipif(not TEMPLATES.is_dir(), reason="the real templates are not beside the project")

CHOICES = {
    "default": {},
    "desisim": {"stars": "desisim", "white_dwarfs": "desisim", "quasars": "desisim"},
    "eigen": {"stars": "eigen", "quasars": "eigen", "galaxies": "eigen"},
    "miles": {"stars": "miles"},
    "redrock": {"stars": "redrock", "white_dwarfs": "redrock", "quasars": "redrock"},
}


def core(wavelength, flux, line):
    near = np.abs(wavelength - line) < 14
    x, y = wavelength[near], flux[near]
    depth = np.maximum(np.interp(x, x[[0, -1]], y[[0, -1]]) - y, 0)
    deep = depth > 0.7 * depth.max()
    return (x * depth)[deep].sum() / depth[deep].sum()


@pytest.mark.parametrize("name", ["redrock", "desisim", "eigen", "miles"])
def test_hydrogen_stands_in_vacuum_in_every_library_of_stars(name):
    library = read_star_templates(choose_libraries(TEMPLATES, {"stars": name})["stars"])
    if name == "redrock":
        rows = np.flatnonzero(np.char.startswith(library.ids, "A-"))[::400]
    else:
        rows = np.flatnonzero((library.teff > 8000) & (library.teff < 10500))[:6]
    assert len(rows) > 2
    for line in (4862.69, 6564.61):
        found = [core(library.grid, np.gradient(library.integral(row), library.grid), line) for row in rows]
        # Air would put them 1.36 and 1.81 Å bluewards.
        assert np.median(found) == pytest.approx(line, abs=0.4)


def test_white_dwarfs_of_both_kinds_are_there():
    for name in ("redrock", "desisim"):
        library = read_white_dwarf_templates(choose_libraries(TEMPLATES, {"white_dwarfs": name})["white_dwarfs"])
        assert (library.family == "DA").sum() > 100
        assert (library.family == "DB").sum() > 10


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_spectra_hold_over_all_filters_with_colours_near_the_embedded(choice):
    objects = draw(np.random.default_rng(0), np.repeat(["STAR", "GALAXY", "QSO"], 60), survey_named("sdss-spectro"))
    provider = TemplateSeds(TEMPLATES, **choice)
    found = provider.seds(objects, grid_wavelength())
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    mine, theirs = (synthetic_magnitudes(sed) for sed in (found, EmbeddedSeds().seds(objects, grid_wavelength())))
    difference = (mine[:, :-1] - mine[:, 1:]) - (theirs[:, :-1] - theirs[:, 1:])
    for kind in ("STAR", "GALAXY", "QSO"):
        median = np.median(difference[objects.kind == kind], axis=0)
        assert np.abs(median[1:]).max() < 0.2, kind
    assert len(set(provider.template_ids(objects))) > 20


def test_every_library_of_the_table_can_be_read():
    for library in LIBRARIES:
        others = {"stars": "embedded", "white_dwarfs": "embedded", "galaxies": "embedded", "quasars": "embedded"}
        provider = TemplateSeds(TEMPLATES, **{**others, library.role: library.name})
        assert provider.libraries[library.role] == library.name
