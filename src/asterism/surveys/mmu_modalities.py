"""Nested spectra and images of the Multimodal Universe, and flat lists that have lost their metadata, as our columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.bands import band_info, known_bands
from asterism.catalogs.columns import QUANTITIES, make_field, metadata_of
from asterism.catalogs.groups import GROUP_NAME
from asterism.catalogs.schema import image_fields, photometry_fields
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.errors import BadInputError
from asterism.surveys.formats.spectral_grids import GRIDS, SpectralGrid

__all__ = ["Modality", "flat_modalities", "image_modality", "photometry_modality", "spectrum_modality"]

_IMAGE_SURVEYS: dict[str, tuple[str, float]] = {
    "des": ("legacy", 1.0), "legacy": ("legacy", 1.0), "sdss": ("sdss", 1.0), "hsc": ("hsc", 10 ** (-0.4 * 4.5)),
}  # fmt: skip
"""Beginning of a band's name, or what the path says: survey, and nanomaggies per unit (HSC counts have zero point 27)."""


@dataclass(frozen=True)
class Modality:
    """How a modality is read from a row.

    Attributes
    ----------
    name, survey : str
        Group's name, e.g. ``spectrum_desi``; its survey.
    columns : tuple of str
        The file's columns that it needs.
    fields : tuple of pyarrow.Field
        Ours.
    read : callable
        Values of our columns from the cells (pyarrow scalars) of one row; empty where it is absent.
    """

    name: str
    survey: str
    columns: tuple[str, ...]
    fields: tuple[pa.Field, ...]
    read: Callable[[Mapping[str, pa.Scalar]], dict[str, Any]]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of our columns."""
        return tuple(field.name for field in self.fields)


def spectrum_modality(batch: pa.RecordBatch, schema: pa.Schema, hint: str) -> Modality | None:
    """A nested column ``spectrum``; None where there is none.

    Raises
    ------
    BadInputError
        Its wavelengths are no survey's pixels.
    """
    name = next((name for name in schema.names if name.lower() == "spectrum"), None)
    if name is None or (cells := _first(batch, name)) is None:
        return None
    grid = _grid_of(_numbers(cells, "lambda", "wavelength"), hint)
    column = f"spectrum_{grid.survey}"
    fields = spectrum_fields(
        grid.survey, grid.size, grid.text, relative=grid.relative, mask_bits={"bad pixel": 1}, lsf=False,
        provenance="Multimodal Universe",
    )  # fmt: skip

    def read(row: Mapping[str, pa.Scalar]) -> dict[str, Any]:
        cells = _nested(row[name])
        if cells is None:
            return {}
        wave = _numbers(cells, "lambda", "wavelength")
        real = wave > 0  # shorter spectra are padded with -1
        position = _position(grid, wave[real])
        flux, ivar = (_numbers(cells, key)[real] for key in ("flux", "ivar"))
        mask = np.zeros(grid.size, np.int32)
        if cells.get("mask") is not None:
            at = grid.pixels(position)
            inside = (at >= 0) & (at < grid.size)
            mask[at[inside]] = np.asarray(cells["mask"], object)[real][inside].astype(bool)
        on_flux, on_ivar = grid.place(position, flux, ivar)
        if not on_ivar.any():
            raise BadInputError("no pixel was observed")
        return {f"{column}_flux": on_flux, f"{column}_ivar": on_ivar, f"{column}_mask": mask}

    return Modality(column, grid.survey, (name,), tuple(fields), read)


def _grid_of(wave: np.ndarray, hint: str) -> SpectralGrid:
    """The survey whose pixels the wavelengths are; SDSS's where LAMOST's fit as well and nothing tells."""
    wave = wave[wave > 0]
    names = [name for name in (hint, *(name for name in ("desi", "sdss", "lamost"))) if name in GRIDS]
    for name in dict.fromkeys(names):
        grid = GRIDS[name]
        try:
            at = grid.pixels(_position(grid, wave))
        except BadInputError:
            continue
        if len(at) and at.max() >= 0 and at.min() < grid.size:
            return grid
    raise BadInputError(
        "the wavelengths of 'spectrum' are not the pixels of DESI, SDSS or LAMOST in vacuum; it is not resampled"
    )


def _position(grid: SpectralGrid, wave: np.ndarray) -> np.ndarray:
    return np.log10(wave) if grid.scale == "log10" else wave


def image_modality(batch: pa.RecordBatch, schema: pa.Schema, hint: str) -> Modality | None:
    """A nested column ``image``; None where there is none.

    Raises
    ------
    BadInputError
        The survey is not known, or the bands' images differ in size.
    """
    name = next((name for name in schema.names if name.lower() == "image"), None)
    if name is None or (cells := _first(batch, name)) is None or "band" not in cells:
        return None
    told = [_text(band) for band in cells["band"]]
    known = _IMAGE_SURVEYS.get(re.split(r"[-_]", told[0].lower())[0]) or _IMAGE_SURVEYS.get(hint)
    if known is None:
        raise BadInputError(f"the survey of images with bands {', '.join(told)} is not known, nor their unit")
    survey, unit = known
    bands = [re.split(r"[-_]", band)[-1].lower() for band in told]
    cube = _cube(cells)
    scale = float(np.asarray(cells["scale"], float).reshape(-1)[0]) if "scale" in cells else 0.262
    fields = image_fields(
        survey, bands, (cube.shape[1], cube.shape[2]), scale, psf_fwhm="psf_fwhm" in cells,
        zero_point="sdss" if survey == "sdss" else "ab", provenance="Multimodal Universe",
    )  # fmt: skip
    column, shape = f"image_{survey}", cube.shape

    def read(row: Mapping[str, pa.Scalar]) -> dict[str, Any]:
        cells = _nested(row[name])
        if cells is None or not len(cells["band"]):
            return {}
        order = [[_text(band) for band in cells["band"]].index(band) for band in told]
        flux = _cube(cells)[order] * unit
        ivar = _stack(cells["ivar"])[order] / unit**2
        if flux.shape != shape or ivar.shape != shape:
            raise BadInputError(f"the images have shape {flux.shape} and not {shape}")
        with np.errstate(invalid="ignore", over="ignore"):
            flux, ivar = flux.astype(np.float32), ivar.astype(np.float32)
            seen = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
        values = {f"{column}_flux": np.where(seen, flux, np.nan), f"{column}_ivar": np.where(seen, ivar, 0)}
        if f"{column}_psf_fwhm" in (field.name for field in fields):
            values[f"{column}_psf_fwhm"] = np.asarray(cells["psf_fwhm"], np.float32).reshape(-1)[order]
        return values

    return Modality(column, survey, (name,), tuple(fields), read)


def photometry_modality(schema: pa.Schema, lower: Mapping[str, str]) -> Modality | None:
    """Columns FLUX_G, FLUX_IVAR_G, … of the Legacy Surveys; None where there are none with errors."""
    bands = [
        band for band in known_bands("legacy") if {f"flux_{band.lower()}", f"flux_ivar_{band.lower()}"} <= set(lower)
    ]
    if not bands:
        return None
    fields = photometry_fields(
        "legacy", bands, ("flux", "ivar", "extinction"), dereddened=False, zero_point="ab", magnitude_type="model",
        provenance="Multimodal Universe",
    )  # fmt: skip
    own = {stem: [lower[f"{stem}_{band.lower()}"] for band in bands] for stem in ("flux", "flux_ivar")}
    dust = [lower["ebv"]] if "ebv" in lower else []
    coefficients = np.array([band_info("legacy", band).extinction_coefficient for band in bands], float)

    def read(row: Mapping[str, pa.Scalar]) -> dict[str, Any]:
        flux, ivar = (
            np.array([_number(row[name]) for name in own[stem]], np.float32) for stem in ("flux", "flux_ivar")
        )
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
        if not seen.any():
            return {}
        reddening = _number(row[dust[0]]) if dust else np.nan
        return {
            "photometry_legacy_flux": np.where(seen, flux, np.nan), "photometry_legacy_ivar": np.where(seen, ivar, 0),
            "photometry_legacy_extinction": reddening * coefficients,
        }  # fmt: skip

    return Modality("photometry_legacy", "legacy", (*own["flux"], *own["flux_ivar"], *dust), tuple(fields), read)


def flat_modalities(batch: pa.RecordBatch, schema: pa.Schema) -> list[Modality]:
    """Groups that are called as ours are, with their metadata or, after another writer, without.

    Lists of any length become fixed ones of the first row's length. What metadata said and the numbers alone do not is
    taken from the survey: its grid for a spectrum, its bands where their number fits. Other groups are left out.
    """
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name in schema.names:
        match = GROUP_NAME.fullmatch(name)
        if match and match[3] in QUANTITIES[match[1]]:
            groups.setdefault((match[1], match[2]), {})[match[3]] = name
    found = []
    for (kind, survey), columns in groups.items():
        fields = _flat_fields(kind, survey, columns, batch, schema)
        if fields:
            found.append(_flat(f"{kind}_{survey}", survey, fields))
    return found


def _flat(name: str, survey: str, fields: Sequence[pa.Field]) -> Modality:
    columns = tuple(field.name for field in fields)

    def read(row: Mapping[str, pa.Scalar]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in fields:
            if row[field.name].is_valid:
                values[field.name] = _plain(row[field.name])
        return values

    return Modality(name, survey, columns, tuple(fields), read)


def _flat_fields(
    kind: str, survey: str, columns: Mapping[str, str], batch: pa.RecordBatch, schema: pa.Schema
) -> list[pa.Field]:
    known: dict[str, pa.Field] = {}
    sizes = {}
    for quantity, name in columns.items():
        cell = next((cell for cell in batch.column(name) if cell.is_valid), None)
        if cell is not None and isinstance(cell.as_py(), list):
            sizes[quantity] = len(cell.as_py())
    shared = metadata_of(schema.field(next(iter(columns.values()))))
    if "flux" not in sizes and kind != "spectrum2d":
        return []
    if not shared.get("unit") and "bands" not in shared and "grid" not in shared:
        if kind == "spectrum" and survey in GRIDS and sizes["flux"] == GRIDS[survey].size:
            grid = GRIDS[survey]
            made = spectrum_fields(survey, grid.size, grid.text, relative=grid.relative, mask_bits={})
        elif kind == "photometry" and (bands := _bands(survey, sizes["flux"])):
            zero = "sdss" if survey == "sdss" else "ab"
            made = photometry_fields(survey, bands, tuple(columns), dereddened=False, zero_point=zero)
        else:
            return []
        known = {field.name: field for field in made}
    fields = []
    for quantity, name in columns.items():
        own = schema.field(name)
        if known and name not in known:
            continue
        if quantity in sizes:
            value = pa.int32() if quantity == "mask" else pa.float32()
            kind_of = pa.list_(value, sizes[quantity])
        elif pa.types.is_nested(own.type):
            continue  # null in the first rows
        else:
            kind_of = known[name].type if known else own.type
        fields.append(make_field(name, kind_of, **metadata_of(known.get(name, own))))
    return fields


def _bands(survey: str, number: int) -> tuple[str, ...]:
    bands = known_bands(survey)
    if survey == "legacy":
        return {3: ("g", "r", "z"), 4: ("g", "r", "i", "z"), 5: ("g", "r", "z", "W1", "W2")}.get(number, ())
    return bands if len(bands) == number else ()


def _first(batch: pa.RecordBatch, name: str) -> dict[str, Any] | None:
    """Cells of the first row that has the modality."""
    return next((cells for cell in batch.column(name) if (cells := _nested(cell))), None)


def _nested(cell: pa.Scalar) -> dict[str, Any] | None:
    """A struct of lists, whichever way round it is nested; None where it is absent."""
    if not cell.is_valid:
        return None
    if pa.types.is_struct(cell.type):
        return {key: _plain(value) for key, value in cell.items()}
    values = getattr(cell, "values", None)
    if values is not None and pa.types.is_struct(values.type) and len(values):
        return {field.name: _array(values.field(field.name)) for field in values.type}
    return None


def _plain(cell: pa.Scalar) -> Any:
    values = getattr(cell, "values", None) if cell.is_valid else None
    return cell.as_py() if values is None else _array(values)


def _array(values: pa.Array) -> Any:
    """Numbers of lists of lists, without a Python object for each."""
    if pa.types.is_list(values.type) or pa.types.is_fixed_size_list(values.type) or pa.types.is_large_list(values.type):
        return np.stack([_array(row.values) for row in values]) if len(values) else np.empty(0)
    return values.to_numpy(zero_copy_only=False)


def _numbers(cells: Mapping[str, Any], *keys: str) -> np.ndarray:
    key = next((key for key in keys if key in cells), None)
    if key is None:
        raise BadInputError(f"the spectrum has no {keys[0]}")
    if cells[key] is None:
        raise BadInputError(f"the spectrum has no {key}")
    return np.asarray(cells[key], np.float64).reshape(-1)


def _stack(images: Any) -> np.ndarray:
    return np.asarray(images, np.float64)


def _cube(cells: Mapping[str, Any]) -> np.ndarray:
    cube = _stack(cells["flux"] if "flux" in cells else cells["array"])
    if cube.ndim != 3 or not cube.size:
        raise BadInputError("the images of the bands are not of one size")
    return cube


def _number(cell: pa.Scalar) -> float:
    value = cell.as_py()
    return np.nan if value is None else float(value)


def _text(value: Any) -> str:
    return value.decode("ascii", "ignore") if isinstance(value, bytes) else str(value)
