"""Embeddings of some objects with what is known of these: made by a model, read from a catalog of embeddings, or components."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.embeddings import embedding_names, read_embeddings
from asterism.catalogs.groups import Group
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError
from asterism.inference.embedder import Embedder
from asterism.inference.embedding_probes import Part
from asterism.inference.probed_objects import ProbedObjects, probed_objects
from asterism.learning.embedding_baselines import PrincipalComponents

__all__ = ["Sample", "component_parts", "embedded_part", "embedded_sample", "read_part"]

Sample = tuple[Catalog, ProbedObjects]
"""Objects, and the catalog whose rows they are."""

_BATCH = 256  # objects read at once for what needs no network

Vectors = Mapping[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]


def embedded_part(embedder: Embedder, catalog: Catalog, rows: NDArray[np.int64]) -> Part:
    """What is known of some rows of a catalog, and their embeddings; no label reaches the model.

    Raises
    ------
    BadInputError
        The catalog is none that the model reads.
    """
    return embedded_sample(embedder, (catalog, probed_objects(catalog, rows)))


def embedded_sample(embedder: Embedder, sample: Sample) -> Part:
    """The same of objects of which it is read already what is known."""
    catalog, objects = sample
    reader = embedder.reader(catalog.schema, str(catalog.path))
    stream = Stream(catalog, reader.bindings, batch_size=reader.batch_size, rows=objects.rows, labels=())
    return _part(objects, (reader.embed(batch) for batch in stream))


def read_part(catalog: Catalog, rows: NDArray[np.int64]) -> Part:
    """What is known of some rows of a catalog of embeddings, and the embeddings that it has.

    Parameters
    ----------
    catalog : Catalog
        As `asterism.inference.embed.embed_catalog` makes it, joined with the parent that knows the objects.
    rows : ndarray, shape (n,), int64

    Raises
    ------
    BadInputError
        It has no embedding.
    """
    names = embedding_names(catalog.schema)
    if not names:
        raise BadInputError(f"{catalog.path} has no embedding; make one with 'asterism embed'")
    found = {name: read_embeddings(catalog, name) for name in names}
    vectors = {name: (values[rows], there[rows]) for name, (values, there) in found.items()}
    return Part(probed_objects(catalog, rows), vectors)


def component_parts(
    samples: Sequence[Sample], bindings_of: Callable[[Catalog], Mapping[str, Group]], *, seed: int = 0
) -> list[Part]:
    """Principal components of images and spectra, learned from the first sample's objects, of all samples.

    Parameters
    ----------
    samples : sequence of (Catalog, ProbedObjects)
    bindings_of : callable
        Role → group of a catalog, e.g. of what a model reads.
    seed : int
        Of the decomposition.
    """

    def stream(sample: Sample) -> Stream:
        catalog, objects = sample
        return Stream(catalog, bindings_of(catalog), batch_size=_BATCH, rows=objects.rows, labels=())

    components = PrincipalComponents(seed=seed).fit(stream(samples[0]))
    return [_part(sample[1], (components(batch) for batch in stream(sample))) for sample in samples]


def _part(objects: ProbedObjects, batches: Iterable[Vectors]) -> Part:
    parts = list(batches)
    vectors = {}
    for name in parts[0]:
        values, there = (np.concatenate([part[name][i] for part in parts]) for i in (0, 1))
        vectors[name] = values, there & np.isfinite(values).all(axis=1)
    return Part(objects, vectors)
