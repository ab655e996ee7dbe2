"""Names for contents: hashes of tables that depend on names, types and values, and on nothing else.

Field metadata, the order of columns, how rows came in batches, files' compression and named splits do not matter. The
order of rows does, since partitions and rows have their places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["combine", "content_hash", "row_hashes"]

_SIZE = 16
"""Bytes of a digest; 128 bits keep accidents away from any number of catalogs."""


def content_hash(table: pa.Table, leave_out: Iterable[str] = ()) -> str:
    """Hash of a table's columns: names, types, values and nulls.

    Parameters
    ----------
    table : pyarrow.Table
        Rows.
    leave_out : iterable of str
        Columns that do not count (those that are derived from others).

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.sha256()  # processors have instructions for it
    for name in sorted(set(table.column_names) - set(leave_out)):
        column = table[name].combine_chunks()
        digest.update(f"{name}\0{_type_name(column.type)}\0{len(column)}\0".encode())
        _update(digest, column)
    return digest.hexdigest()[: 2 * _SIZE]


def combine(parts: Iterable[str], parent: str | None = None) -> str:
    """One hash of a catalog from those of its partitions, in their order, and of its parent's if it has one."""
    digest = hashlib.blake2b(f"parent {parent}\0".encode(), digest_size=_SIZE)
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def row_hashes(table: pa.Table, leave_out: Iterable[str] = ()) -> list[str]:
    """Hash of each row by itself, the same in whatever batch and at whatever place it stands.

    Parameters
    ----------
    table : pyarrow.Table
        Rows.
    leave_out : iterable of str
        Columns that do not count.

    Returns
    -------
    list of str
        24 hexadecimal digits per row.
    """
    fixed: list[np.ndarray] = []
    texts: list[list[str]] = []
    names = sorted(set(table.column_names) - set(leave_out))
    for name in names:
        column = table[name].combine_chunks()
        if pa.types.is_fixed_size_list(column.type) and not column.type.value_type.num_fields:
            width = column.type.list_size
            filled = np.zeros((len(column), width), column.type.value_type.to_pandas_dtype())
            valid = np.asarray(column.is_valid())
            filled[valid] = np.asarray(column.flatten()).reshape(-1, width)
            fixed += [_bytes(valid[:, None]), _bytes(filled)]
        elif pa.types.is_primitive(column.type) and not pa.types.is_temporal(column.type):
            valid = np.asarray(column.is_valid())
            filled = np.zeros(len(column), column.type.to_pandas_dtype())
            filled[valid] = column.drop_null().to_numpy(zero_copy_only=False)
            fixed += [_bytes(valid[:, None]), _bytes(filled[:, None])]
        else:
            texts.append([repr(value) for value in column.to_pylist()])
    head = "\0".join(names).encode()
    packed = np.concatenate(fixed, axis=1) if fixed else np.zeros((len(table), 0), np.uint8)
    hashes = []
    for index in range(len(table)):
        digest = hashlib.blake2b(head, digest_size=12)
        digest.update(packed[index].tobytes())
        digest.update("\0".join(text[index] for text in texts).encode())
        hashes.append(digest.hexdigest())
    return hashes


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.shape[1] * values.itemsize)


def _type_name(kind: pa.DataType) -> str:
    """Name of a type by meaning: how lists call their items and whether strings are 'large' does not matter."""
    if pa.types.is_fixed_size_list(kind):
        return f"{_type_name(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"{_type_name(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return "{" + ",".join(f"{inner.name}:{_type_name(inner.type)}" for inner in kind) + "}"
    return "string" if pa.types.is_large_string(kind) else str(kind)


def _update(digest: hashlib._Hash, column: pa.Array) -> None:
    """Feed nulls, then the values that are there (what Arrow keeps under a null is noise)."""
    if column.null_count:
        digest.update(b"nulls\0" + np.packbits(np.asarray(column.is_valid())).tobytes())
    kind = column.type
    if pa.types.is_fixed_size_list(kind):
        _update(digest, column.flatten())
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = pc.list_value_length(column).drop_null()
        digest.update(np.asarray(lengths, dtype=np.int64).tobytes())
        _update(digest, column.flatten())
    elif pa.types.is_struct(kind):
        for inner in column.flatten():
            _update(digest, inner)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        there = column.drop_null().cast(pa.large_binary())
        digest.update(np.asarray(pc.binary_length(there), dtype=np.int64).tobytes())
        digest.update(b"".join(there.to_pylist()))
    else:
        values = column.drop_null()
        if pa.types.is_temporal(kind):
            values = values.view(pa.int64() if kind.bit_width == 64 else pa.int32())
        digest.update(np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).tobytes())
