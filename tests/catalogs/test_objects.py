"""One object: its row, and its spectra with units."""

import numpy as np
import pytest
from astropy import units
from astropy.nddata import InverseVariance

from asterism.catalogs.objects import find_object, grid_wavelength, object_values
from asterism.errors import BadInputError, ConfigurationError
from asterism.simulate.sky import simulate
from asterism.surveys.formats.spectral_grids import GRIDS


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return simulate(
        6,
        tmp_path_factory.mktemp("sky") / "c",
        survey="desi-main",
        seed=1,
        modalities=("photometry", "spectrum"),
        workers=1,
    )


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_grids_are_those_of_the_surveys(grid):
    assert grid_wavelength(grid.text) == pytest.approx(grid.wavelength, rel=1e-12)


def test_a_grid_that_is_none():
    with pytest.raises(BadInputError, match="no grid"):
        grid_wavelength("log10,3.54")


def test_row_and_values(catalog):
    values = object_values(find_object(catalog, "sim-desi-main-1-000000003"))
    assert values["object_id"] == "sim-desi-main-1-000000003"
    assert values["spectrum_desi_flux"].shape == (7781,)
    assert isinstance(values["targets"], list)
    with pytest.raises(BadInputError, match="sim-desi-main-1-000000003"):
        find_object(catalog, "sim-desi-main-1-00000003")


def test_spectrum_has_units_and_inverse_variance(catalog):
    name = "sim-desi-main-1-000000003"
    row = object_values(find_object(catalog, name))
    spectrum = catalog.spectrum(name)
    assert spectrum.flux.unit == units.Unit("1e-17 erg / (s cm2 Angstrom)")
    assert spectrum.spectral_axis[0] == 3600 * units.AA
    assert isinstance(spectrum.uncertainty, InverseVariance)
    observed = row["spectrum_desi_ivar"] > 0
    assert (spectrum.mask == ~observed).all()
    assert np.array_equal(spectrum.flux.value[observed], row["spectrum_desi_flux"][observed].astype(float))
    assert spectrum.meta["medium"] == "vacuum"
    assert spectrum.meta["redshift"] == pytest.approx(row["redshift"])


def test_groups_are_named_where_there_are_none_or_others(catalog, tmp_path):
    with pytest.raises(ConfigurationError, match="spectrum_desi"):
        catalog.spectrum("sim-desi-main-1-000000003", "spectrum_dsei")
    plain = simulate(2, tmp_path / "p", seed=1, modalities=("photometry",), workers=1)
    with pytest.raises(ConfigurationError, match="no spectra"):
        plain.spectrum("sim-sdss-compact-1-000000000")
