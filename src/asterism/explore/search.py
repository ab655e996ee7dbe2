"""The nearest objects of an embedding, exactly, with conditions on what counts.

The index is the embedding's vectors as one array of unit length beside the catalog, and every search looks
at all of those that fit the condition, through FAISS (Douze et al. 2024, arXiv:2401.08281): measured against approximate
indices in ``benchmarks/search_index.py``, it takes 50 ms among a million objects, needs no training, and with a filter it
still returns the k nearest, which a graph or cells do not promise. Distances are cosine distances, 1 − cos θ, 0 to 2.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.columns import make_field
from asterism.catalogs.embeddings import choose_embedding, embedding_model, embedding_names, read_embeddings
from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.explore.kept_arrays import read_arrays, write_arrays

__all__ = ["SearchIndex", "condition_mask", "nearest", "object_vector", "open_index", "search_table", "searched_model"]

_FOLDER = "search"
_FILE = "index_{}"


@dataclass(frozen=True)
class SearchIndex:
    """One embedding of a catalog, ready to be searched.

    Attributes
    ----------
    vectors : ndarray, shape (m, E), float32
        Of unit length, of the objects that have the embedding.
    rows : ndarray, shape (m,), int64
        Their rows in the catalog, increasing.
    name : str
        Of the embedding.
    """

    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    name: str


def open_index(catalog: Catalog, name: str | None = None, *, rebuild: bool = False) -> SearchIndex:
    """The search index of an embedding: that which stands beside it, or else a new one, which is kept where there is leave.

    Parameters
    ----------
    catalog : Catalog
        With an embedding, its own or its parents'.
    name : str, optional
        Which one: ``joint``, ``image``, ``spectrum``.
    rebuild : bool
        Build it anew, whatever stands there.

    Returns
    -------
    SearchIndex

    Raises
    ------
    BadInputError
        There is no such embedding, or the index that stands there was made from other embeddings.
    """
    name = choose_embedding(catalog, name)
    owner = _owner(catalog, name)
    place = owner.path / _FOLDER / _FILE.format(name)
    there = place.with_suffix(".json").is_file()
    if there and not rebuild:
        about, arrays = read_arrays(place, "search index")
        if about.get("fingerprint") != owner.fingerprint:
            raise BadInputError(
                f"the search index {place}.safetensors is older than the embeddings of {owner.path} (made from "
                f"{str(about.get('fingerprint'))[:12]}, now {owner.fingerprint[:12]}); build it anew with --rebuild"
            )
        return SearchIndex(arrays["vectors"], arrays["rows"], name)
    values, present = read_embeddings(owner, name)
    rows = np.flatnonzero(present)
    index = SearchIndex(np.ascontiguousarray(values[rows]), rows.astype(np.int64), name)
    if os.access(owner.path, os.W_OK):  # a catalog that may not be written is searched all the same
        about = {"fingerprint": owner.fingerprint, "embedding": name}
        write_arrays(place, about, {"vectors": index.vectors, "rows": index.rows})
    return index


def nearest(
    index: SearchIndex,
    query: NDArray[np.float32],
    k: int,
    *,
    among: NDArray[np.bool_] | None = None,
    leave_out: int | None = None,
    where: str = "the catalog",
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows and distances of the k nearest objects, nearest first.

    Parameters
    ----------
    index : SearchIndex
    query : ndarray, shape (E,), float32
        Of unit length.
    k : int
    among : ndarray of bool, shape (n,), optional
        Rows of the catalog that count.
    leave_out : int, optional
        Row that does not count: the query's own.
    where : str
        What is searched, for the sentence.

    Returns
    -------
    rows : ndarray, shape (k,), int64
    distances : ndarray, shape (k,), float32
        Cosine distance, 1 − cos θ.

    Raises
    ------
    ConfigurationError
        k is below 1, or larger than the number of objects that count; or the query has another length.
    """
    if k < 1:
        raise ConfigurationError(f"-k must be at least 1, not {k}")
    if query.shape != index.vectors.shape[1:]:
        raise ConfigurationError(
            f"the query's embedding has {len(query)} numbers and embedding {index.name!r} of {where} "
            f"{index.vectors.shape[1]}; they are not of one space, so search with --in"
        )
    counts = np.ones(len(index.rows), bool) if among is None else among[index.rows].copy()
    if leave_out is not None:
        counts[index.rows == leave_out] = False
    number = int(counts.sum())
    if k > number:
        besides = " that fit the condition" if among is not None else ""
        besides += " besides the query" if leave_out is not None else ""
        raise ConfigurationError(
            f"-k is {k:,} and {where} has {number:,} objects with embedding {index.name!r}{besides}; ask for fewer"
        )
    faiss = _faiss()
    chosen = None if counts.all() else np.flatnonzero(counts)
    vectors = index.vectors if chosen is None else index.vectors[chosen]
    similar, found = faiss.knn(query[None].astype(np.float32), vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    places = found[0] if chosen is None else chosen[found[0]]
    return index.rows[places], np.clip(1.0 - similar[0], 0.0, 2.0).astype(np.float32)


def object_vector(catalog: Catalog, object_id: str, name: str) -> tuple[NDArray[np.float32], int]:
    """An object's embedding and its row in the catalog.

    Raises
    ------
    BadInputError
        There is no such object, or it lacks this embedding.
    """
    column = f"embedding_{choose_embedding(catalog, name)}"
    known: list[str] = []
    for partition in catalog.partitions:
        ids = catalog.read_partition(partition, ["object_id"])["object_id"]
        at = pc.index(ids, pa.scalar(object_id, ids.type)).as_py()
        if at >= 0:
            vector = catalog.read_partition(partition, [column])[column][at].as_py()
            if vector is None:
                has = [n for n in embedding_names(catalog.schema) if n != name and _has(catalog, partition, at, n)]
                hint = f"search by its {has[0]} embedding" if has else "choose another object"
                raise BadInputError(f"object {object_id} of {catalog.path} has no embedding {name!r}; {hint}")
            return np.asarray(vector, np.float32), partition.start + at
        if len(known) < 100_000:
            known.extend(ids.to_pylist())
    raise BadInputError(f"{unknown_name('object', object_id, known, most=3)} in {catalog.path}")


def search_table(
    catalog: Catalog, rows: NDArray[np.int64], distances: NDArray[np.float32], columns: list[str] | None = None
) -> pa.Table:
    """What was found, nearest first: ``object_id``, ``distance``, position, labels, and columns that are asked for.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray, shape (k,), int64
    distances : ndarray, shape (k,), float32
    columns : list of str, optional
        Further columns.

    Returns
    -------
    pyarrow.Table
        k rows, with the fields' metadata.
    """
    usual = ("ra", "dec", "class", "subclass", "redshift", "class_predicted", "z_median", "cluster")
    names = ["object_id", *(n for n in usual if n in catalog.schema.names), *(columns or [])]
    names = list(dict.fromkeys(names))
    parts = []
    for partition in catalog.partitions:
        inside = np.flatnonzero((rows >= partition.start) & (rows < partition.start + partition.rows))
        if len(inside):
            part = catalog.read_partition(partition, names).take(rows[inside] - partition.start)
            parts.append(part.append_column("_rank", pa.array(inside)))
    table = pa.concat_tables(parts).sort_by("_rank").drop_columns(["_rank"])
    field = make_field("distance", pa.float32(), "", "Cosine distance to what was searched for, 1 - cos", "stat.value")
    return table.add_column(1, field, pa.array(distances, pa.float32()))


def condition_mask(catalog: Catalog, where: str | None) -> NDArray[np.bool_] | None:
    """Rows (n,) for which a condition holds; None without one."""
    if where is None:
        return None
    from asterism.catalogs.where import compile_where

    condition = compile_where(where, catalog.schema)
    needed = list(condition.columns) or ["object_id"]
    masks = [condition.mask(catalog.read_partition(partition, needed)) for partition in catalog.partitions]
    return np.concatenate([np.zeros(0, bool), *masks])


def searched_model(catalog: Catalog, name: str) -> tuple[str, Path | None]:
    """Fingerprint of the model of an embedding, and where it was when the catalog was made, as far as that is known."""
    owner = _owner(catalog, choose_embedding(catalog, name))
    recorded: Any = owner.made_by.get("run")
    place = None if recorded is None else Path(os.path.normpath(Path(os.path.realpath(owner.path)) / str(recorded)))
    return embedding_model(catalog, name), place


def _owner(catalog: Catalog, name: str) -> Catalog:
    """The catalog whose own column an embedding is, so that what is narrow to it shares its index."""
    owner = catalog
    while f"embedding_{name}" not in owner.own_schema.names and owner.parent is not None:
        owner = owner.parent
    return owner


def _has(catalog: Catalog, partition: Any, row: int, name: str) -> bool:
    column = f"embedding_{name}"
    return bool(catalog.read_partition(partition, [column])[column][row].is_valid)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ConfigurationError("search needs faiss; pip install 'asterism[explore]'") from error
    return faiss
