"""What embeddings are put beside, asked the same of the same objects; see `asterism.learning.embedding_baselines`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.errors import ConfigurationError
from asterism.inference.embedder import Embedder
from asterism.inference.embedding_parts import Sample, component_parts, embedded_sample
from asterism.inference.embedding_probes import Found, Part, Probed, probe_embedding
from asterism.inference.probed_objects import ASKED, ProbedObjects
from asterism.learning.baseline_features import BaselineFeatures
from asterism.learning.embedding_baselines import untrained
from asterism.learning.metrics import SMALLEST_BIN
from asterism.learning.probe_scores import redshift_probe_scores
from asterism.learning.redshift_baselines import LightGBMRedshift
from asterism.models.inputs import ModelInputs

__all__ = ["baseline_probes", "class_means", "trees_on_photometry"]

_LEAST = 20
#: Objects read at once for what needs no network.
_BATCH = 256


def baseline_probes(
    embedder: Embedder, train: Sample, validation: Sample, test: Sample
) -> tuple[dict[str, dict[str, Probed]], list[str]]:
    """Ask every baseline what the embeddings were asked.

    Parameters
    ----------
    embedder : Embedder
        The model's, whose inputs the baselines see too.
    train, validation, test : (Catalog, ProbedObjects)

    Returns
    -------
    probed : dict of str to dict of str to Probed
        By baseline and embedding: ``untrained`` (image, spectrum, joint), ``pca`` (image, spectrum), ``lightgbm`` (photometry),
        ``mean`` (class).
    notes : list of str
        What could not be asked.
    """
    samples = (train, validation, test)
    fresh = Embedder(untrained(embedder.model))
    found = {"untrained": _probed([embedded_sample(fresh, sample) for sample in samples])}
    parts = component_parts(samples, lambda catalog: embedder.reader(catalog.schema, str(catalog.path)).bindings)
    found["pca"] = _probed(parts, metric="euclidean")
    notes = []
    try:
        found["lightgbm"] = {"photometry": trees_on_photometry(train, validation, test)}
    except ConfigurationError as error:
        notes.append(f"LightGBM on photometry was left out: {error}.")
    found["mean"] = {"class": class_means(train[1], test[1])}
    return {name: probed for name, probed in found.items() if any(one.found for one in probed.values())}, notes


def class_means(train: ProbedObjects, test: ProbedObjects, *, resamples: int = 500) -> Probed:
    """The mean redshift of the training objects of the class: what is known once the class is."""
    probed = Probed()
    for asked in (name for name in ASKED if name.startswith("redshift")):
        known, places = train.known(asked), np.flatnonzero(test.known(asked))
        if known.sum() >= _LEAST and len(places) >= SMALLEST_BIN:
            predicted = np.full(len(places), train.values(asked)[known].mean())
            probed.found[asked] = {"mean": _scored(predicted, test, asked, places, int(known.sum()), resamples)}
    return probed


def trees_on_photometry(train: Sample, validation: Sample, test: Sample, *, resamples: int = 500) -> Probed:
    """Redshifts by LightGBM from the photometry, within each class; it learns from the validation objects too.

    Raises
    ------
    ConfigurationError
        A catalog has no photometry, or several groups of it; or LightGBM is not installed.
    """
    tables = []
    features: BaselineFeatures | None = None
    for catalog, objects in (train, validation, test):
        bindings = bind_roles(catalog.schema, "photometry")
        stream = Stream(catalog, bindings, batch_size=_BATCH, rows=objects.rows, labels=())
        if features is None:
            features = BaselineFeatures(ModelInputs.from_bindings(bindings)).fit(stream)
        else:
            features.inputs.check(catalog.schema, str(catalog.path))
        tables.append(np.concatenate([features(batch) for batch in stream]))
    probed = Probed()
    for asked in (name for name in ASKED if name.startswith("redshift")):
        learned = [objects.known(asked) for _, objects in (train, validation)]
        x = np.concatenate([table[known] for table, known in zip(tables, learned, strict=False)])
        places = np.flatnonzero(test[1].known(asked))
        if len(x) < _LEAST or len(places) < SMALLEST_BIN:
            continue
        z = np.concatenate(
            [objects.values(asked)[known] for (_, objects), known in zip((train, validation), learned, strict=True)]
        )
        trees = LightGBMRedshift()
        trees.fit(x, z, 0)
        predicted = trees.predict(tables[2][places])
        probed.found[asked] = {"trees": _scored(predicted, test[1], asked, places, len(x), resamples)}
    return probed


def _scored(
    predicted: NDArray[np.float64],
    test: ProbedObjects,
    asked: str,
    places: NDArray[np.int64],
    reference: int,
    resamples: int,
) -> Found:
    truth = test.values(asked)[places]
    scores = redshift_probe_scores(predicted, truth, sources=test.source_id[places], resamples=resamples)
    return Found({**scores, "chosen": {}, "reference": reference}, predicted, truth, places)


def _probed(parts: Sequence[Part], metric: str = "cosine") -> dict[str, Probed]:
    train, validation, test = parts
    names = [name for name in test.vectors if name in train.vectors and name in validation.vectors]
    return {name: probe_embedding(name, train, validation, test, metric=metric, few=()) for name in names}
