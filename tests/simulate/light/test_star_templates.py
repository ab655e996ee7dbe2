"""Stars take the templates of their kind."""

import numpy as np
import pytest

from asterism.simulate.light.libraries import choose_libraries
from asterism.simulate.light.star_templates import read_star_templates, read_white_dwarf_templates, type_parameters
from asterism.simulate.objects.population import Population


def stars(teff, subclass="G5", log_g=4.4, feh=-0.5, colour=np.nan):
    n = len(teff)
    made = Population.empty(n)
    made.kind[:], made.subclass[:], made.teff[:], made.log_g[:], made.feh[:] = "STAR", subclass, teff, log_g, feh
    made.colour[:], made.redshift[:], made.tilt[:] = colour, 0.0, 0.0
    return made


@pytest.mark.parametrize(
    ("name", "teff", "log_g"),
    [("G2", 5822, 4.4), ("K0IIIa (57669)", 5270, 2.5), ("M4.5:III (123657)", 3142, 2.5), ("A1Iae (12953)", 9376, 1.5),
     ("sdF3 (140283)", 6818, 4.4), ("M0V", 3850, 4.4), ("O", 41400, 4.4)],
)  # fmt: skip
def test_types_have_their_parameters(name, teff, log_g):
    assert type_parameters(name) == (pytest.approx(teff, rel=0.01), log_g)


@pytest.mark.parametrize("name", ["Carbon", "WDhotter", "L5.5", "T2", "CalciumWD"])
def test_what_is_no_ordinary_star_has_none(name):
    assert np.isnan(type_parameters(name)).all()


def read(directory, name):
    return read_star_templates(choose_libraries(directory, {"stars": name})["stars"])


@pytest.mark.parametrize("name", ["desisim", "eigen", "miles"])
def test_the_nearest_in_temperature_and_gravity_is_taken(templates_directory, name):
    library = read(templates_directory, name)
    normal = np.flatnonzero(library.family == "normal")
    made = stars(library.teff[normal], log_g=library.log_g[normal], feh=library.feh[normal])
    assert library.select(made, np.zeros(len(normal))).tolist() == normal.tolist()


def test_chance_takes_among_those_as_near(templates_directory):
    library = read(templates_directory, "miles")
    made = stars(np.full(2, 4800.0), log_g=3.5)
    assert library.ids[library.select(made, np.array([0.1, 0.9]))].tolist() == ["m0002", "m0003"]


def test_archetypes_are_chosen_by_colour(templates_directory):
    library = read(templates_directory, "redrock")
    kinds = [
        name[0]
        for name in library.ids[library.select(stars([6500.0, 5500.0, 3300.0], colour=[0.35, 0.7, 2.4]), np.zeros(3))]
    ]
    assert kinds[2] == "M"
    assert kinds[0] in "FG"
    assert "BAFGKM".index(kinds[0]) < "BAFGKM".index(kinds[1]) < "BAFGKM".index(kinds[2])


def test_a_family_that_a_library_lacks_is_left_to_others(templates_directory):
    made = stars([15000.0, 3500.0, 20000.0], subclass=["DA", "Carbon", "CV"])
    assert read(templates_directory, "miles").select(made, np.zeros(3)).tolist() == [-1, -1, -1]
    assert (read(templates_directory, "eigen").select(made, np.zeros(3)) >= 0).tolist() == [False, True, False]
    assert (read(templates_directory, "redrock").select(made, np.zeros(3)) >= 0).tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["desisim", "redrock"])
def test_white_dwarfs(templates_directory, name):
    library = read_white_dwarf_templates(choose_libraries(templates_directory, {"white_dwarfs": name})["white_dwarfs"])
    chosen = library.select(stars([15000.0], subclass=["DA"], log_g=8.0), np.zeros(1))
    assert library.family[chosen].tolist() == ["DA"]


def test_miles_is_brought_to_vacuum_and_ends_before_its_padding(templates_directory):
    library = read(templates_directory, "miles")
    flux = np.gradient(library.integral(3), library.grid)
    near = np.abs(library.grid - 5890) < 8
    assert library.grid[near][np.argmin(flux[near])] == pytest.approx(5891.58, abs=0.2)
    assert library.high.max() < 7408
    assert len(library.ids) == 6


def test_the_old_eigenspectra_end_where_their_zeros_begin(templates_directory):
    library = read(templates_directory, "eigen")
    old = np.char.startswith(library.ids, "53724")
    assert old.sum() == 3  # without the white dwarf
    assert (library.low[old] > 3805).all()
    assert (library.high[old] < 9205).all()
