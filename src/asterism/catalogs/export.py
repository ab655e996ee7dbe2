"""Catalogs as files of other tools: FITS, VOTable, VOParquet, CSV and ECSV, with units."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from asterism.catalogs.astropy_tables import as_unit, join_texts, to_qtable
from asterism.catalogs.catalog import Catalog
from asterism.catalogs.columns import metadata_of
from asterism.catalogs.outputs import atomic_write
from asterism.catalogs.votable import parquet_header, votable
from asterism.errors import BadInputError, ConfigurationError, OutputError

__all__ = ["SUFFIXES", "Export", "check_export", "export", "write_table"]

_WIDEST_TEXT = 64
"""Arrays longer than this are left out of text files: no one reads them there."""


@dataclass(frozen=True)
class Export:
    """What was written: the file, its rows and columns, the columns that the format can't hold, and how many rows."""

    path: Path
    rows: int
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    rows_left_out: int = 0


def export(
    catalog: Catalog,
    file: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    *,
    where: str | None = None,
    split: str | None = None,
    part: str | Sequence[str] | None = None,
    overwrite: bool = False,
) -> Export:
    """Write rows of a catalog as a file whose suffix says the format.

    ``.fits``: a binary table with TUNIT, TUCD and TCOMM (nanomaggies are called ``nanomaggy``, as SDSS and the Legacy
    Surveys do). ``.vot``, ``.xml``: VOTable 1.4 with VOUnits and UCDs. ``.parquet``: VOParquet. ``.ecsv``: astropy's
    text table with units. ``.csv``: plain CSV, arrays as one column per band, nulls as empty cells; units stand in
    ``FILE-metadata.json`` beside it (W3C CSV on the Web).

    Parameters
    ----------
    catalog : Catalog
        Narrow ones give joined rows.
    file : path-like
        File to write.
    columns, where, split, part
        As for `Catalog.read`. Without `columns`, text files leave out arrays of more than 64 values.
    overwrite : bool
        Replace the file if it is there.

    Returns
    -------
    Export

    Raises
    ------
    ConfigurationError
        The suffix is none of those above, or a column asked for does not fit into the format.
    OutputError
        The file exists.
    BadInputError
        There is no row to write, or a column that there is not.
    """
    path = check_export(file, overwrite)
    names = list(catalog.schema.names if columns is None else columns)
    left_out: list[str] = []
    if path.suffix.lower() in (".csv", ".ecsv"):
        long = [n for n in names if n in catalog.schema.names and _length(catalog.schema.field(n)) > _WIDEST_TEXT]
        if columns is None:
            left_out, names = long, [name for name in names if name not in long]
        elif long and path.suffix.lower() == ".csv":
            raise ConfigurationError(f"column {long[0]!r} is too long an array for CSV; export it to .fits or .parquet")
    table = catalog.read(names, where=where, split=split, part=part)
    if not len(table):
        raise BadInputError(f"no row of {catalog.path} fits the selection; nothing was written")
    write_table(table, path)
    return Export(path, len(table), tuple(names), tuple(left_out))


def check_export(file: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Refuse a file that `write_table` can't write, before there is anything to write.

    Raises
    ------
    ConfigurationError
        The suffix is none of `SUFFIXES`.
    OutputError
        The file exists.
    """
    path = Path(file)
    if path.suffix.lower() == ".hdf5":
        raise ConfigurationError(
            f"{path.name!r} can hold redshift densities only: add --qp, or choose {', '.join(SUFFIXES)}"
        )
    if path.suffix.lower() not in _WRITERS:
        raise ConfigurationError(f"can't export to {path.name!r}: the name must end with {', '.join(SUFFIXES)}")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another name or replace it with --overwrite")
    return path


def write_table(table: pa.Table, file: str | os.PathLike[str]) -> None:
    """Write a table of a catalog's columns, with their fields' metadata, in the format that the suffix says; see `export`."""
    path = Path(file)
    with atomic_write(path) as temporary:
        _WRITERS[path.suffix.lower()](table, temporary)
    if path.suffix.lower() == ".csv":
        _write_csv_metadata(table, path)


def _length(field: pa.Field) -> int:
    return field.type.list_size if pa.types.is_fixed_size_list(field.type) else 1


def _write_fits(table: pa.Table, path: Path) -> None:
    from astropy.io import fits
    from astropy.table import Table
    from astropy.units import UnitBase

    def fits_unit(text: str) -> str:
        if text.startswith("nanomaggy"):
            return text
        unit: UnitBase = as_unit(text)
        return str(unit.to_string("fits"))

    bare = Table(to_qtable(table), copy=False)
    for name in bare.colnames:
        bare[name].unit = None
        bare[name].meta.clear()
    hdu = fits.table_to_hdu(bare)
    for number, field in enumerate(table.schema, start=1):
        metadata = metadata_of(field)
        if unit := metadata.get("unit"):
            hdu.header[f"TUNIT{number}"] = fits_unit(unit)
        for key, value in (("TUCD", metadata.get("ucd")), ("TCOMM", metadata.get("description"))):
            if value:
                hdu.header[f"{key}{number}"] = value
    # Through the header: astropy would complain of a unit that is not the standard's while it builds the columns.
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, output_verify="silentfix")


def _write_votable(table: pa.Table, path: Path) -> None:
    votable(to_qtable(table), table.schema).to_xml(str(path), tabledata_format="binary2")


def _write_parquet(table: pa.Table, path: Path) -> None:
    header = parquet_header(table.schema)
    for field in table.schema:
        if pa.types.is_string(field.type):
            # astropy wants to know how long texts are, or warns.
            longest = pc.max(pc.utf8_length(table[field.name])).as_py() or 1
            header[f"table::len::{field.name}".encode()] = str(longest).encode()
    pq.write_table(table.replace_schema_metadata(header), path, compression="zstd")


def _write_ecsv(table: pa.Table, path: Path) -> None:
    to_qtable(table).write(path, format="ascii.ecsv")


def _write_csv(table: pa.Table, path: Path) -> None:
    pyarrow.csv.write_csv(_spread(table), path, pyarrow.csv.WriteOptions(quoting_style="needed"))


def _spread(table: pa.Table) -> pa.Table:
    """Arrays as one column per value, called by their band, or by number where there are no bands."""
    columns, fields = [], []
    for field in table.schema:
        column = table[field.name].combine_chunks()
        if pa.types.is_fixed_size_list(field.type):
            bands = [band for band in metadata_of(field).get("bands", "").split(",") if band]
            length = field.type.list_size
            for index, label in enumerate(bands if len(bands) == length else map(str, range(length))):
                columns.append(pc.list_element(column, index))
                fields.append(pa.field(f"{field.name}_{label}", field.type.value_type, metadata=field.metadata))
        else:
            texts = pa.types.is_list(field.type)
            columns.append(join_texts(column) if texts else column)
            fields.append(pa.field(field.name, pa.string(), metadata=field.metadata) if texts else field)
    return pa.table(columns, schema=pa.schema(fields))


def _write_csv_metadata(table: pa.Table, path: Path) -> None:
    """The columns' meaning beside a CSV file, as https://www.w3.org/TR/tabular-metadata/ says."""
    described = []
    for field in _spread(table.slice(0, 0)).schema:
        metadata = metadata_of(field)
        entry = {"name": field.name, "titles": field.name, "dc:description": metadata.get("description", "")}
        entry |= {key: metadata[key] for key in ("unit", "ucd") if key in metadata}
        described.append(entry)
    content = {"@context": "http://www.w3.org/ns/csvw", "url": path.name, "tableSchema": {"columns": described}}
    with atomic_write(path.with_name(path.name + "-metadata.json")) as file:
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".fits": _write_fits,
    ".vot": _write_votable,
    ".xml": _write_votable,
    ".parquet": _write_parquet,
    ".ecsv": _write_ecsv,
    ".csv": _write_csv,
}

SUFFIXES = tuple(_WRITERS)
"""What a file's name may end with."""
