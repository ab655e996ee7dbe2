"""A catalog of embeddings gives the catalog of places on a map, and a projector that puts other objects onto it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import PLACES
from asterism.catalogs.embeddings import choose_embedding, embedding_model, read_embeddings
from asterism.catalogs.narrow import NarrowWriter
from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.projection import Projector, fit_projector

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PROJECTOR", "load_projector", "project_catalog"]

PROJECTOR = "projector"
"""Where in a catalog of places its projector stands."""


def project_catalog(
    catalog: Catalog,
    out: str | os.PathLike[str],
    *,
    dimensions: int | None = None,
    embedding: str | None = None,
    onto: str | os.PathLike[str] | None = None,
    seed: int = 0,
    sample: int = 200_000,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Write the narrow catalog of places on a map.

    Parameters
    ----------
    catalog : Catalog
        With an embedding.
    out : path
        The catalog to make; the projector stands in it. An interrupted one continues with its map.
    dimensions : int, optional
        2 or 3; by default 2, or those of `onto`.
    embedding : str, optional
        Which one: ``joint``, ``image``, ``spectrum``.
    onto : path, optional
        A catalog that `project_catalog` made: objects are placed on its map instead of a new one.
    seed : int
        Of the map.
    sample : int
        The map is drawn from so many objects at most, chosen at random; the others are placed on it.
    overwrite : bool
        Start anew.
    progress : callable, optional
        Told (rows done, rows in all) after each partition.

    Returns
    -------
    Catalog
        Columns ``map_x``, ``map_y`` and with three dimensions ``map_z``, null for objects without the embedding.

    Raises
    ------
    BadInputError
        There is no such embedding, too few objects have it, or it is of another model than the map.
    ConfigurationError
        Dimensions that don't exist or aren't the map's.
    OutputError
        `out` holds something else.
    """
    if dimensions not in (None, 2, 3):
        raise ConfigurationError(f"a map has 2 or 3 dimensions, not {dimensions}; change --dimensions")
    if not 0 <= seed < 2**31:
        raise ConfigurationError(f"--seed must be a number from 0 to {2**31 - 1}, not {seed}")
    if sample < 1:
        raise ConfigurationError(f"--sample must be at least 1, not {sample}")
    given = None if onto is None else load_projector(onto)
    name = choose_embedding(catalog, embedding if given is None else embedding or given.about.get("embedding"))
    model = embedding_model(catalog, name)
    if given is not None:
        _check_fit(given, onto, catalog, name, model, dimensions)
    inputs: dict[str, Any] = {"command": "project", "embedding": name}
    if given is None:
        inputs |= {"dimensions": dimensions or 2, "seed": seed, "sample": sample}
    else:
        inputs["projector"] = given.fingerprint
    made_by = {"command": "project", "method": "pacmap", "embedding": name, "model_fingerprint": model}
    fields = PLACES["project"][: (dimensions or 2) if given is None else given.dimensions]
    with NarrowWriter(catalog, out, fields, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:
        if writer.complete:
            return writer.close()
        values, present = read_embeddings(catalog, name)
        rows = np.flatnonzero(present)
        folder = writer.workspace / PROJECTOR
        if given is not None:
            projector, chosen = given, rows[:0]
        else:
            chosen = _sample(rows, sample, seed)
            if (folder / "projector.json").is_file():
                projector = Projector.load(folder)
            else:
                about = {"embedding": name, "model_fingerprint": model, "rows": len(chosen)}
                projector = fit_projector(values[chosen], dimensions or 2, seed=seed, about=about)
        if not (folder / "projector.json").is_file():
            projector.save(folder)
        _write(writer, catalog, fields, projector, chosen, values, present, progress)
        return writer.close()


def load_projector(path: str | os.PathLike[str]) -> Projector:
    """The projector of a catalog of places.

    Raises
    ------
    BadInputError
        There is none, or it is damaged.
    """
    place = open_catalog(path).path
    if not (place / PROJECTOR).is_dir():
        raise BadInputError(f"{place} holds no projector; make a map with 'asterism project'")
    return Projector.load(place / PROJECTOR)


def _check_fit(
    projector: Projector, onto: Any, catalog: Catalog, name: str, model: str, dimensions: int | None
) -> None:
    """Refuse embeddings that are not of the map's model."""
    if dimensions not in (None, projector.dimensions):
        raise ConfigurationError(f"the map of {onto} has {projector.dimensions} dimensions; leave out --dimensions")
    theirs = str(projector.about.get("model_fingerprint", ""))
    if theirs != model:
        raise BadInputError(
            f"the map of {onto} is of embeddings of model {theirs[:12]} and {catalog.path} has those of {model[:12]}; "
            "embed it with the former"
        )
    length = catalog.schema.field(f"embedding_{name}").type.list_size
    if length != projector.length:
        raise BadInputError(
            f"the map of {onto} is of embeddings of {projector.length} numbers and embedding {name!r} of "
            f"{catalog.path} has {length}; choose another with --embedding"
        )


def _sample(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Some of the rows at random, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _write(
    writer: NarrowWriter,
    catalog: Catalog,
    fields: Sequence[pa.Field],
    projector: Projector,
    chosen: NDArray[np.int64],
    values: NDArray[np.float32],
    present: NDArray[np.bool_],
    progress: Progress | None,
) -> None:
    """Places of all rows, partition by partition; those that the map was drawn from have theirs already."""
    known = np.full(len(values), -1)
    known[chosen] = np.arange(len(chosen))
    done = 0
    for partition in catalog.partitions:
        rows = np.arange(partition.start, partition.start + partition.rows)
        done += partition.rows
        if partition.index not in writer.done:
            places = np.zeros((len(rows), projector.dimensions), np.float32)
            drawn = known[rows] >= 0
            places[drawn] = projector.positions[known[rows[drawn]]]
            new = present[rows] & ~drawn
            places[new] = projector.place(values[rows[new]])
            absent = ~present[rows]
            columns = [pa.array(places[:, axis], pa.float32(), mask=absent) for axis in range(len(fields))]
            writer.write(partition, pa.table(columns, schema=pa.schema(fields)))
        if progress is not None:
            progress(done, len(values))
