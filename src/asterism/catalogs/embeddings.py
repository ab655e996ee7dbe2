"""Embeddings in a catalog: the columns ``embedding_NAME`` that ``embed`` adds, and reading them as arrays.

An embedding is a vector of unit length, a fixed-size list of float32, null where the model found nothing of the object to
embed. The field's metadata say what it is (``kind``: ``embedding``), how long (``shape``) and of which model
(``model_fingerprint``), since vectors of two models can't be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.columns import EMBEDDING_NAME, make_field, metadata_of
from asterism.catalogs.lists import list_values, present_rows
from asterism.errors import BadInputError, ConfigurationError, unknown_name

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog, Partition

__all__ = [
    "choose_embedding",
    "embedding_array",
    "embedding_batches",
    "embedding_field",
    "embedding_model",
    "embedding_names",
    "read_embeddings",
]

_OF = {"joint": "all that was observed", "image": "the image alone", "spectrum": "the spectrum alone"}


def embedding_field(name: str, length: int, model: str) -> pa.Field:
    """The field of one embedding.

    Parameters
    ----------
    name : str
        What was embedded: ``image``, ``spectrum``, ``joint``; the column is then ``embedding_image`` and so on.
    length : int
        Numbers in a vector.
    model : str
        Fingerprint of the model.

    Returns
    -------
    pyarrow.Field

    Raises
    ------
    ConfigurationError
        The name can't stand in a column's name.
    """
    column = f"embedding_{name}"
    if not re.fullmatch(EMBEDDING_NAME, column):
        raise ConfigurationError(f"embedding {name!r} can't stand in a column name: use a-z, 0-9 and _ only")
    return make_field(
        column,
        pa.list_(pa.float32(), length),
        "",
        f"Embedding of {_OF.get(name, name)}, of unit length; null: not observed",
        "stat.value",
        kind="embedding",
        shape=str(length),
        model_fingerprint=model,
    )


def embedding_array(values: NDArray[np.float32], present: NDArray[np.bool_]) -> pa.Array:
    """Vectors (n, E) as a column, null where not `present` (n,); what stands there then does not count."""
    flat = np.where(present[:, None], values, 0).astype(np.float32).reshape(-1)
    mask = None if present.all() else pa.array(~present)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), values.shape[1], mask=mask)


def embedding_names(schema: pa.Schema) -> list[str]:
    """Names of the embeddings that a catalog has (``joint``, ``image``, …), the joint one first, then in its order."""
    found = [f.name.removeprefix("embedding_") for f in schema if metadata_of(f).get("kind") == "embedding"]
    return sorted(found, key=lambda name: name != "joint")


def choose_embedding(catalog: Catalog, name: str | None = None) -> str:
    """The embedding that is meant: the one named, else the joint one, else the first.

    Parameters
    ----------
    catalog : Catalog
    name : str, optional
        ``joint``, ``image``, ``spectrum``, …

    Returns
    -------
    str

    Raises
    ------
    BadInputError
        The catalog has no embedding, or none of that name; the sentence says what it has.
    """
    names = embedding_names(catalog.schema)
    if not names:
        raise BadInputError(f"{catalog.path} has no embedding; make one with 'asterism embed'")
    if name is None:
        return names[0]
    if name not in names:
        raise BadInputError(f"{unknown_name('embedding', name, names)} in {catalog.path}")
    return name


def embedding_model(catalog: Catalog, name: str) -> str:
    """Fingerprint of the model that made an embedding; empty where the catalog does not say."""
    return metadata_of(catalog.schema.field(f"embedding_{choose_embedding(catalog, name)}")).get(
        "model_fingerprint", ""
    )


def read_embeddings(
    catalog: Catalog,
    name: str | None = None,
    *,
    where: str | None = None,
    split: str | None = None,
    part: str | Sequence[str] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One embedding of a catalog's rows as arrays, in the catalog's order.

    Parameters
    ----------
    catalog : Catalog
    name : str, optional
        ``joint``, ``image``, ``spectrum``, …; by default the joint one, or the first where there is none.
    where, split, part
        Which rows, as for `Catalog.read`, whose rows these are.

    Returns
    -------
    values : ndarray, shape (n, E), float32
        Of unit length; zeros where absent.
    present : ndarray, shape (n,), bool
        Whether the object has this embedding.

    Raises
    ------
    BadInputError
        There is no such embedding, or a vector is not finite.
    """
    name = choose_embedding(catalog, name)
    column = f"embedding_{name}"
    length = catalog.schema.field(column).type.list_size
    values, present = [np.zeros((0, length), np.float32)], [np.zeros(0, np.bool_)]
    for table in catalog.batches([column], where=where, split=split, part=part):
        one, there = _arrays(table, column, length, str(catalog.path))
        values.append(one)
        present.append(there)
    return np.concatenate(values), np.concatenate(present)


def embedding_batches(
    catalog: Catalog, name: str
) -> Iterator[tuple[Partition, NDArray[np.float32], NDArray[np.bool_]]]:
    """Partition by partition what `read_embeddings` gives, for what need not stand in memory at once."""
    column = f"embedding_{choose_embedding(catalog, name)}"
    length = catalog.schema.field(column).type.list_size
    for partition in catalog.partitions:
        table = catalog.read_partition(partition, [column])
        yield partition, *_arrays(table, column, length, str(catalog.path / partition.relative_path))


def _arrays(table: pa.Table, column: str, length: int, where: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    present = present_rows(table[column]).astype(np.bool_)
    values = list_values(table[column], length, column, np.float32)
    values[~present] = 0
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise BadInputError(f"column {column!r} of {where} is not finite in row {row}; embed the catalog again")
    return values, present
