"""``ingest mmu``: rows of the Multimodal Universe as Parquet, and any HATS catalog, ours after another writer had it.

The Multimodal Universe (2024, NeurIPS Datasets and Benchmarks) nests modalities: ``spectrum`` {flux, ivar, lambda, mask, …}
and ``image`` {band, flux or array, ivar, psf_fwhm, scale}, as a struct of lists or a list of structs. What the numbers mean
is in no metadata, so it is recognised: a spectrum by its wavelengths, which must be pixels of a survey's grid (so they are
vacuum: a file in air does not fit and is refused), an image by the names of its bands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from asterism.catalogs.columns import CLASSES
from asterism.catalogs.schema import identity_fields, label_fields
from asterism.errors import BadInputError
from asterism.surveys.doors import Observation, Part, Plan
from asterism.surveys.mmu_modalities import (
    Modality,
    flat_modalities,
    image_modality,
    photometry_modality,
    spectrum_modality,
)

__all__ = ["MmuDoor"]

_NAMES: dict[str, tuple[str, ...]] = {
    "object_id": ("object_id", "targetid", "specobjid", "objid", "source_id", "id"),
    "source_id": ("source_id",),
    "ra": ("ra", "target_ra", "plug_ra"),
    "dec": ("dec", "target_dec", "plug_dec"),
    "mjd": ("mjd",),
    "release": ("release",),
    "class": ("class", "spectype", "source_type"),
    "subclass": ("subclass", "subtype"),
    "redshift": ("redshift", "z", "z_spec", "zspec"),
    "redshift_err": ("redshift_err", "zerr", "z_err"),
    "label_warning": ("label_warning", "zwarn", "zwarning"),
    "label_source": ("label_source",),
}
"""What columns of other catalogs are called, in lower case; the first that is there counts."""

_TEXTS = ("object_id", "source_id", "release", "class", "subclass", "label_source")
_PROPERTIES = ("hats.properties", "properties")


@dataclass(frozen=True)
class _Layout:
    """Columns of a file: where identity and labels stand, and its modalities."""

    names: Mapping[str, str]
    modalities: tuple[Modality, ...]


@dataclass(frozen=True)
class MmuDoor:
    """Reads Parquet files with nested modalities, and HATS catalogs.

    Parameters
    ----------
    catalog_survey : str, optional
        Survey of the data (``desi``, ``sdss``, ``lamost``, ``legacy``, ``hsc``), where neither wavelengths, bands nor the
        path's name tell it: SDSS and LAMOST share their pixels.
    """

    catalog_survey: str = ""

    @property
    def survey(self) -> str:
        """As in ``ingest mmu``."""
        return "mmu"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Parquet."""
        return (".parquet",)

    def plan(self, files: Sequence[Path]) -> Plan:
        """Find out what the files' columns are; a HATS catalog's own properties say which files are its data."""
        complaints: list[tuple[str, str]] = []
        parts: list[Part] = []
        modalities: dict[str, Modality] = {}
        labels: dict[str, None] = {}
        placed: dict[Path, bool] = {}
        for file in files:
            if not _is_data(file):
                continue
            try:
                layout = _layout(file, self.catalog_survey)
                groups = [
                    (k, info.row_group(k)) for info in [pq.read_metadata(file)] for k in range(info.num_row_groups)
                ]
            except Exception as error:  # damaged files are hostile, and pyarrow raises what it happens on
                complaints.append((file.name, f"{' '.join(str(error).split())[:200]}; leave it out or fetch it again"))
                continue
            for modality in layout.modalities:
                modalities.setdefault(modality.name, modality)
            labels.update(dict.fromkeys(name for name in layout.names if name not in ("ra", "dec")))
            placed[file] = {"ra", "dec"} <= set(layout.names)
            parts += [Part(file, rows=(k, k + 1), size=int(group.total_byte_size)) for k, group in groups]
        everywhere = any(placed.values())
        if everywhere:
            reason = "has no positions, while other files have; read it by itself"
            complaints += [(file.name, reason) for file, there in placed.items() if not there]
            parts = [part for part in parts if placed[part.path]]
        known = [field.name for field in label_fields() if field.name in labels]
        fields = [*identity_fields(everywhere), *label_fields(known)] if known else identity_fields(everywhere)
        return Plan(
            (*fields, *(field for modality in modalities.values() for field in modality.fields)),
            everywhere, tuple(parts), tuple(complaints),
        )  # fmt: skip

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Read one row group."""
        layout = _layout(part.path, self.catalog_survey)
        wanted = {field.name: field for field in fields}
        group = (part.rows or (0, 1))[0]
        columns = list(dict.fromkeys([*layout.names.values(), *(c for m in layout.modalities for c in m.columns)]))
        with pq.ParquetFile(part.path) as file:
            start = sum(file.metadata.row_group(k).num_rows for k in range(group))
            for batch in file.iter_batches(batch_size=256, row_groups=[group], columns=columns):
                yield from self._rows(batch, layout, wanted, start)
                start += len(batch)

    def _rows(
        self, batch: pa.RecordBatch, layout: _Layout, wanted: Mapping[str, pa.Field], start: int
    ) -> Iterator[Observation]:
        identity = {name: batch.column(own).to_pylist() for name, own in layout.names.items()}
        for row in range(len(batch)):
            values = _identity({name: column[row] for name, column in identity.items()})
            complaints = []
            for modality in layout.modalities:
                try:
                    found = modality.read({name: batch.column(name)[row] for name in modality.columns})
                except (BadInputError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
                    complaints.append(f"{modality.name}: {' '.join(str(error).split())[:160]}; left out")
                    continue
                if any(name not in wanted or _size(wanted[name]) != _length(value) for name, value in found.items()):
                    complaints.append(f"{modality.name} is of another size than in the first file; left out")
                    continue
                values |= found
            if layout.modalities and not any(name in values for m in layout.modalities for name in m.outputs):
                yield Observation(start + row, complaints=tuple(complaints) or ("no modality is there; left out",))
                continue
            values["survey"] = "-".join(["mmu", *dict.fromkeys(m.survey for m in layout.modalities)])
            yield Observation(start + row, values, tuple(complaints))


def _is_data(file: Path) -> bool:
    """Whether a file is data: in a HATS catalog those below ``dataset``, of which its margins are copies."""
    for folder in file.parents:
        if any((folder / name).is_file() for name in _PROPERTIES):
            return file.is_relative_to(folder / "dataset") and _is_object_catalog(folder)
        if (folder / "asterism.json").is_file():
            return file.is_relative_to(folder / "dataset")
    return file.name not in ("quarantine.parquet", "data_thumbnail.parquet")


@lru_cache(maxsize=64)
def _is_object_catalog(folder: Path) -> bool:
    return _properties(folder).catalog_type in ("object", "source")


@lru_cache(maxsize=64)
def _properties(folder: Path) -> Any:
    import hats

    catalog: Any = hats.read_hats(folder, single_catalog=True, read_moc=False)
    return catalog.catalog_info


@lru_cache(maxsize=64)
def _layout(file: Path, survey: str) -> _Layout:
    """What the columns of a file are."""
    with pq.ParquetFile(file) as opened:
        schema = opened.schema_arrow
        first = next(opened.iter_batches(batch_size=16), None)
    if first is None or not len(first):
        raise BadInputError(f"{file} has no rows")
    lower = {name.lower(): name for name in reversed(schema.names)}
    names = {ours: lower[name] for ours, theirs in _NAMES.items() for name in theirs if name in lower}
    names = {ours: lower[next(name for name in _NAMES[ours] if name in lower)] for ours in names}
    for folder in file.parents:
        if any((folder / name).is_file() for name in _PROPERTIES):
            info = _properties(folder)
            names |= {"ra": info.ra_column, "dec": info.dec_column}
            break
    names = {
        ours: own
        for ours, own in names.items()
        if own in schema.names and not pa.types.is_nested(schema.field(own).type)
    }
    hint = survey or next(
        (
            name
            for name in ("desi", "lamost", "legacy", "hsc", "sdss")
            for part in file.parts[-6:]
            if name in part.lower()
        ),
        "",
    )
    found = [
        spectrum_modality(first, schema, hint),
        image_modality(first, schema, hint),
        photometry_modality(schema, lower),
        *flat_modalities(first, schema),
    ]
    modalities = tuple(modality for modality in found if modality is not None)
    if not modalities:
        raise BadInputError(f"{file} has neither a spectrum, nor an image, nor fluxes with errors that are known")
    return _Layout(names, modalities)


def _identity(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Identity and labels of a row in our types."""
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        if cell is None:
            continue
        if name in _TEXTS:
            text = (cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)).strip()
            if name == "class":
                text = text.upper() if text.upper() in CLASSES else ""
            if text:
                values[name] = text
        elif name == "label_warning":
            # The Multimodal Universe turns ZWARN into "is fine".
            values[name] = int(not cell) if isinstance(cell, bool) else int(cell) & 0x7FFFFFFF
        elif np.isfinite(float(cell)):
            values[name] = float(cell)
    if values.get("redshift", 0.0) <= -1.0:
        values.pop("redshift")  # a sentinel
    return values


def _size(field: pa.Field) -> int:
    return field.type.list_size if pa.types.is_fixed_size_list(field.type) else 1


def _length(value: Any) -> int:
    return int(np.size(value))
