"""Spectra in a catalog: lawful columns with a grid, a null where there is none, and the truth apart."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import groups, metadata_of
from asterism.catalogs.validate import validate
from asterism.errors import ConfigurationError
from asterism.simulate.recipe import Recipe
from asterism.simulate.rows import simulated_fields
from asterism.simulate.sky import simulate_block
from asterism.simulate.spectroscopy.spectra import MASK_BITS, Spectra
from asterism.simulate.spectroscopy.spectrum_columns import spectrum_columns, survey_spectrum_fields
from asterism.surveys.formats.spectral_grids import grid_named


@pytest.fixture(scope="module")
def block():
    return simulate_block(Recipe.of("sdss-spectro", 3, modalities=("photometry", "image", "spectrum")), 0, 12)


def stream(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_rows_are_lawful_and_of_the_schema(block):
    validate(block, "a simulated block")
    modalities = ("photometry", "image", "spectrum")
    assert block.schema.equals(pa.schema(simulated_fields("sdss-spectro", modalities)), check_metadata=True)
    group = groups(block.schema)["spectrum_sdss"]
    assert set(group.quantities) == {"flux", "ivar", "mask", "lsf"}
    assert group.shape == (4800,)
    assert group.meta("grid") == grid_named("sdss").text
    assert (group.meta("medium"), group.meta("calibration")) == ("vacuum", "absolute")


def test_photometry_and_stamps_are_the_same_with_spectra_and_without(block):
    without = simulate_block(Recipe.of("sdss-spectro", 3), 0, 12)
    # As bytes, since NaN is not equal to NaN.
    assert stream(without) == stream(block.select(without.column_names).cast(without.schema))


def test_modalities_can_be_left_out():
    only = simulate_block(Recipe.of("sdss-spectro", 3, modalities=("spectrum",)), 0, 4)
    assert set(groups(only.schema)) == {"spectrum_sdss"}
    validate(only, "a simulated block")


def test_truth_stands_apart(block):
    fraction = np.array(block["truth_fibre_fraction"])
    assert ((fraction > 0) & (fraction < 1)).all()
    assert set(block["truth_spectrograph"].to_pylist()) <= {"sdss", "boss"}
    assert (np.array(block["truth_exposure"]) >= 2700).all()


def test_an_object_without_a_spectrum_is_null():
    found = Spectra.empty(2, 3)
    found.flux[0], found.ivar[0], found.mask[0], found.lsf[0] = 1, 2, 0, 1.1
    found.exposure[0], found.fibre_fraction[0] = 900, 0.5
    columns = spectrum_columns({"sdss": found}, np.array(["sdss", "none"]))
    assert columns["spectrum_sdss_flux"].to_pylist() == [[1, 1, 1], None]
    assert [column.null_count for name, column in columns.items() if name.startswith("spectrum_")] == [1] * 4


def test_relative_flux_has_no_unit():
    of_lamost = {field.name: metadata_of(field) for field in survey_spectrum_fields("lamost")}
    assert "unit" not in of_lamost["spectrum_lamost_flux"]
    assert of_lamost["spectrum_lamost_flux"]["calibration"] == "relative"
    of_desi = {field.name: metadata_of(field) for field in survey_spectrum_fields("desi-main")}
    assert of_desi["spectrum_desi_flux"]["unit"] == "1e-17 erg / (s cm2 Angstrom)"
    assert of_desi["spectrum_desi_mask"]["bits"] == ",".join(f"{name}={value}" for name, value in MASK_BITS.items())


def test_wrong_modalities_are_one_sentence():
    with pytest.raises(ConfigurationError, match="did you mean 'spectrum'"):
        simulated_fields("sdss-spectro", ("spectra",))
    with pytest.raises(ConfigurationError, match="no modality to simulate"):
        simulated_fields("sdss-spectro", ())
    with pytest.raises(ConfigurationError, match="takes no spectra"):
        simulated_fields("lsst", ("spectrum",))
