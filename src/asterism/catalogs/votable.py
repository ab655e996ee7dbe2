"""VOTable headers of our columns: units, UCDs and descriptions as the Virtual Observatory writes them."""

from __future__ import annotations

import io
import warnings
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pyarrow as pa

from asterism.catalogs.astropy_tables import as_unit, shape_of, to_qtable
from asterism.catalogs.columns import metadata_of

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile
    from astropy.table import QTable

__all__ = ["parquet_header", "vo_unit", "votable"]

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"


def vo_unit(text: str) -> str:
    """A unit as VOUnits 1.0 write it; names that the standard does not know stand in quotes, as it asks.

    Examples
    --------
    >>> vo_unit("nanomaggy-2"), vo_unit("arcsec")
    ("'nanomaggy'**-2", 'arcsec')
    """
    if text.startswith("nanomaggy"):
        power = text.removeprefix("nanomaggy")
        return "'nanomaggy'" + (f"**{power}" if power else "")
    with warnings.catch_warnings():
        # Ångström and erg are deprecated there, and what spectra are in.
        warnings.simplefilter("ignore")
        return as_unit(text).to_string("vounit") if text else ""


def votable(table: QTable, schema: pa.Schema) -> VOTableFile:
    """An astropy table as a VOTable with the schema's units, UCDs and descriptions."""
    from astropy.io.votable import from_table
    from astropy.table import Table

    bare = Table(table, copy=False)
    for name in bare.colnames:
        # Units are given to the fields below: from here they would be written as words that are no VOUnits.
        bare[name].unit = None
    file = from_table(bare)
    for field in file.get_first_table().fields:
        metadata = metadata_of(schema.field(field.name))
        if len(shape := shape_of(schema.field(field.name))) > 1:
            # The standard names the fastest axis first; the values lie in C order, where the last is the fastest.
            field.arraysize = "x".join(str(n) for n in reversed(shape))
        if unit := metadata.get("unit"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                field.unit = vo_unit(unit)
        field.ucd = metadata.get("ucd")
        field.description = metadata.get("description")
    return file


def parquet_header(schema: pa.Schema) -> dict[bytes, bytes]:
    """File metadata that make a Parquet file a VOParquet one (the columns' VOTable header, without data).

    See https://www.ivoa.net/documents/Notes/VOParquet/, convention 1.0.
    """
    empty = schema.empty_table()
    out = io.BytesIO()
    votable(to_qtable(empty), schema).to_xml(out)
    ET.register_namespace("", _NAMESPACE)
    root = ET.fromstring(out.getvalue())
    table = root.find(f".//{{{_NAMESPACE}}}TABLE")
    if table is not None:
        for data in table.findall(f"{{{_NAMESPACE}}}DATA"):
            table.remove(data)
        ET.SubElement(table, f"{{{_NAMESPACE}}}PARQUET", type="Parquet-local-XML")
    content = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return {b"IVOA.VOTable-Parquet.version": b"1.0", b"IVOA.VOTable-Parquet.content": content}
