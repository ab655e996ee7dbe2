"""Pixels rounded to their noise: never by more than is said, absence untouched, smaller files that anyone reads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.quantization import (
    is_quantized,
    quantized_fields,
    quantized_table,
    round_to_bits,
    round_to_noise,
)
from asterism.catalogs.schema import identity_fields, image_fields, metadata_of
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.catalogs.validate import validate
from asterism.catalogs.write import CatalogWriter
from asterism.errors import ConfigurationError

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
WEIGHTS = st.just(0.0) | st.floats(min_value=0, exclude_min=True, allow_infinity=False, width=32)


@settings(deadline=None, max_examples=300)
@given(
    hnp.arrays(np.float32, 16, elements=FINITE), hnp.arrays(np.float32, 16, elements=WEIGHTS), st.floats(2.0, 1000.0)
)
def test_no_flux_moves_by_more_than_half_a_step_of_its_noise(flux: np.ndarray, ivar: np.ndarray, steps: float) -> None:
    rounded = round_to_noise(flux, ivar, steps)
    assert rounded.dtype == np.float32
    seen = ivar > 0
    np.testing.assert_array_equal(rounded[~seen], flux[~seen])
    error = np.abs(rounded.astype(np.float64) - flux)[seen]
    assert (error <= 0.5 / steps * ivar[seen].astype(np.float64) ** -0.5 * (1 + 1e-9)).all()
    np.testing.assert_array_equal(round_to_noise(rounded, ivar, steps), rounded)


@settings(deadline=None, max_examples=300)
@given(hnp.arrays(np.float32, 16, elements=FINITE), st.integers(1, 24))
def test_numbers_keep_their_bits_and_their_presence(values: np.ndarray, bits: int) -> None:
    rounded = round_to_bits(values, bits)
    given_ = values.astype(np.float64)
    assert (np.abs(rounded.astype(np.float64) - given_) <= 2.0**-bits * np.abs(given_)).all()
    assert ((rounded == 0) == (values == 0)).all()
    np.testing.assert_array_equal(round_to_bits(rounded, bits), rounded)


def test_what_is_not_a_number_stays() -> None:
    flux = np.array([np.nan, np.inf, -np.inf, 1.23], np.float32)
    np.testing.assert_array_equal(round_to_noise(flux, np.full(4, 4.0), 10)[:3], flux[:3])
    np.testing.assert_array_equal(round_to_noise(flux, np.array([0, np.nan, np.inf, 0.0]), 10), flux)
    np.testing.assert_array_equal(round_to_bits(flux[:3], 8), flux[:3])


def test_rounding_does_not_raise_the_noise() -> None:
    rng = np.random.default_rng(0)
    flux = rng.normal(0.0, 0.006, 400_000).astype(np.float32)
    rounded = round_to_noise(flux, 0.006**-2.0, 10)
    assert rounded.var() / flux.var() == pytest.approx(1.0, abs=1e-3)
    assert abs(rounded.mean() - flux.mean()) < 0.006 * 1e-4
    assert len(np.unique(rounded)) < 200


def pixels_table(rows: int = 40, per_pixel: bool = False) -> pa.Table:
    """A catalog's rows with stamps (one inverse variance per band, or per pixel) and spectra; some lack one or the other."""
    rng = np.random.default_rng(3)
    images = image_fields("legacy", ("g", "r"), 24, 0.262, ivar_per_band=not per_pixel, psf_fwhm=False, zero_point="ab")
    spectra = spectrum_fields("desi", 300, "linear,3600,0.8,300", mask_bits={})
    fields = [*identity_fields(placed=True)[:4], *images, *spectra]
    side = 2 * 24 * 24
    sigma = rng.uniform(0.004, 0.02, (rows, 2))
    ivar = sigma**-2.0 if not per_pixel else np.repeat(sigma**-2.0, 24 * 24, axis=1)
    stamp = rng.normal(0, 1, (rows, 2, 24 * 24)) * sigma[:, :, None] + rng.lognormal(-4, 2, (rows, 2, 1))
    stamp[2, 1] = np.nan
    ivar[2, -1 if not per_pixel else slice(24 * 24, None)] = 0.0
    weight = rng.uniform(0.5, 8.0, (rows, 300))
    flux = rng.normal(3, 1, (rows, 300)) * weight**-0.5
    weight[:, 40:60], flux[:, 40:60] = 0.0, np.nan
    lists = {
        "image_legacy_flux": stamp.reshape(rows, side), "image_legacy_ivar": ivar, "spectrum_desi_flux": flux,
        "spectrum_desi_ivar": weight, "spectrum_desi_lsf": rng.uniform(0.5, 0.9, (rows, 300)),
    }  # fmt: skip
    columns = []
    for field in fields:
        if field.name in lists:
            absent = np.arange(rows) == (5 if "image" in field.name else 7)
            values = np.ascontiguousarray(lists[field.name], np.float32)
            columns.append(
                pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), type=field.type, mask=pa.array(absent))
            )
        elif pa.types.is_string(field.type):
            columns.append(pa.array([f"o{row:03d}" for row in range(rows)]))
        elif pa.types.is_fixed_size_list(field.type):
            columns.append(pa.array([[0] * field.type.list_size] * rows, field.type))
        else:
            columns.append(pa.array(rng.uniform(10, 40, rows)))
    return pa.table(columns, schema=pa.schema(fields))


def numbers(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].combine_chunks().flatten())


@pytest.mark.parametrize("per_pixel", [False, True])
def test_a_table_keeps_its_laws_and_its_nulls(per_pixel: bool) -> None:
    table = pixels_table(per_pixel=per_pixel)
    marked = pa.table(table.columns, schema=pa.schema(quantized_fields(list(table.schema), 10)))
    rounded = quantized_table(marked)
    validate(rounded)
    for name in table.column_names:
        assert rounded[name].is_null().equals(table[name].is_null())
        assert rounded.schema.field(name).type == table.schema.field(name).type
    changed = {n for n in table.column_names if content_hash(rounded.select([n])) != content_hash(table.select([n]))}
    expected = {"image_legacy_flux", "spectrum_desi_flux", "spectrum_desi_ivar", "spectrum_desi_lsf"}
    assert changed == expected | ({"image_legacy_ivar"} if per_pixel else set())
    assert {field.name for field in rounded.schema if is_quantized(field)} == changed
    before, after = (numbers(t, "spectrum_desi_flux") for t in (table, rounded))
    np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    share = np.abs(after - before) * np.sqrt(numbers(table, "spectrum_desi_ivar"))
    assert 0.01 < np.nanmax(share) <= 0.0502  # of the rounded inverse variance exactly a twentieth
    assert content_hash(quantized_table(rounded)) == content_hash(rounded)
    # Without the mark nothing is touched.
    assert quantized_table(table) is table


def test_metadata_say_so_and_the_rest_stays() -> None:
    fields = list(pixels_table().schema)
    marked = {field.name: metadata_of(field) for field in quantized_fields(fields, 10)}
    assert marked["image_legacy_flux"].pop("noise_steps") == "10"
    assert marked["spectrum_desi_ivar"].pop("significant_bits") == "8"
    for field in fields[:6]:
        assert marked[field.name] == metadata_of(field)
    assert quantized_fields(fields, None) == fields
    with pytest.raises(ConfigurationError, match="1 steps in a pixel's noise are not from 2 to 1000"):
        quantized_fields(fields, 1)


def write(path: Path, table: pa.Table, steps: float | None, batch: int = 40):
    fields = quantized_fields(list(table.schema), steps)
    with CatalogWriter(path, fields, placed=True, made_by={}, inputs={"steps": steps}) as writer:
        for first in range(0, len(table), batch):
            writer.add(table.slice(first, batch))
        return writer.close()


def test_a_catalog_is_smaller_the_same_in_any_batches_and_read_by_others(tmp_path: Path) -> None:
    table = pixels_table()
    plain, small = write(tmp_path / "plain", table, None), write(tmp_path / "small", table, 10)
    again = write(tmp_path / "again", table, 10, batch=7)
    assert small.fingerprint == again.fingerprint != plain.fingerprint
    sizes = [sum(p.stat().st_size for p in c.path.rglob("Npix=*.parquet")) for c in (plain, small)]
    assert sizes[1] < 0.45 * sizes[0]
    found = small.read().sort_by("object_id")
    marked = pa.table(table.columns, schema=pa.schema(quantized_fields(list(table.schema), 10)))
    assert content_hash(found, ["source_id"]) == content_hash(quantized_table(marked), ["source_id"])
    file = next(small.path.rglob("Npix=*.parquet"))
    schema = pq.read_schema(file)
    assert schema.field("image_legacy_flux").type.value_type == pa.float32()
    assert metadata_of(schema.field("image_legacy_flux"))["noise_steps"] == "10"
    frame = pd.read_parquet(small.path / "dataset", columns=["object_id", "spectrum_desi_flux"])
    values = dict(zip(frame["object_id"], frame["spectrum_desi_flux"], strict=True))
    np.testing.assert_array_equal(values["o003"], found["spectrum_desi_flux"][3].as_py())


@pytest.mark.filterwarnings(
    # nested-pandas, which LSDB stands on, still passes an argument that pandas 3.1 deprecates.
    "ignore:The inplace keyword in NestedFrame",
    # and an option that pandas 3 has done away with.
    "ignore:The 'mode.chained_assignment' option is deprecated",
)
def test_lsdb_gives_the_same_numbers(tmp_path: Path) -> None:
    import lsdb

    small = write(tmp_path / "small", pixels_table(), 10)
    frame = lsdb.open_catalog(small.path)[["object_id", "image_legacy_flux"]].compute(progress_bar=False)
    found = small.read().sort_by("object_id")
    values = dict(zip(frame["object_id"], frame["image_legacy_flux"], strict=True))
    assert len(values) == len(found)
    for row in (0, 2, 9):
        np.testing.assert_array_equal(
            np.asarray(values[f"o{row:03d}"], np.float32),
            np.asarray(found["image_legacy_flux"][row].as_py(), np.float32),
        )
