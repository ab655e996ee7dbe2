"""All that embeddings are asked: labels by probes, partners by retrieval, of one set of embeddings after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asterism.errors import BadInputError
from asterism.inference.probed_objects import ASKED, ProbedObjects
from asterism.learning.metrics import SMALLEST_BIN
from asterism.learning.probe_scores import class_scores, r_squared, redshift_probe_scores, value_scores
from asterism.learning.probes import CLASS_PROBES, VALUE_PROBES, Answer, Labelled, few_shot, probe_classes, probe_values
from asterism.learning.retrieval import (
    RECALL_AT,
    matched_pools,
    pool_spread,
    random_pools,
    retrieval_metrics,
    retrieval_ranks,
)
from asterism.learning.whitening import Whitening

__all__ = ["Found", "Part", "Probed", "Retrieved", "probe_embedding", "retrieve"]

#: Candidates in a pool: AstroCLIP's reproductions and the page of AVIS count among 2,000.
POOL = 2000
#: Pools of near magnitude take this share of the objects at most: more would not be near.
_NEAR = 0.1
_LEAST_REFERENCE, _LEAST_VALIDATION = 20, 5

Vectors = Mapping[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]


@dataclass(frozen=True)
class Part:
    """Objects of one part with their embeddings by name: values (n, E) and present (n,)."""

    objects: ProbedObjects
    vectors: Vectors


@dataclass(frozen=True)
class Found:
    """What one probe answers.

    Attributes
    ----------
    scores : dict
        Its figures, JSON-able, with ``chosen`` and ``reference`` (labelled objects it learned from).
    predicted, true : ndarray, shape (q,)
    places : ndarray of int64, shape (q,)
        Which of the test objects these are.
    """

    scores: dict[str, Any]
    predicted: NDArray[Any]
    true: NDArray[Any]
    places: NDArray[np.int64]


@dataclass
class Probed:
    """What one embedding answers, by what is asked and by probe; `few` of few labels; `notes` say what could not be asked."""

    found: dict[str, dict[str, Found]] = field(default_factory=dict)
    few: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> dict[str, Any]:
        """As ``metrics.json`` has it: asked → probe → figures, and ``few_shot`` beside them."""
        result: dict[str, Any] = {}
        for asked, probes in self.found.items():
            result[asked] = {name: found.scores for name, found in probes.items()}
            if asked in self.few:
                result[asked]["few_shot"] = self.few[asked]
        return result


def probe_embedding(
    name: str,
    train: Part,
    validation: Part,
    test: Part,
    *,
    metric: str = "cosine",
    asked: Sequence[str] = tuple(ASKED),
    few: Sequence[int] = (10, 100, 1000),
    draws: int = 5,
    resamples: int = 500,
) -> Probed:
    """Ask one embedding all that the catalogs have labels for, or some of it.

    Parameters
    ----------
    name : str
        Which embedding of the parts.
    train, validation, test : Part
        Labels of the training part are learned from, those of the validation part chosen by, those of the test part scored
        against.
    metric : str
        ``cosine`` or ``euclidean``. Neighbours are sought among whitened embeddings too, by the scatter of all training
        objects, labelled or not, whatever the embedding is: what it is put beside has the same chance.
    asked : sequence of str
        Keys of `ASKED`.
    few : sequence of int
        Numbers of labels of few-shot probes, made of redshifts and classes.
    draws : int
        Of each.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    Probed
    """
    probed = Probed()
    whitening = _whitening(*train.vectors[name], directions=metric == "cosine")
    for what in asked:
        parts = [_labelled(part, name, what) for part in (train, validation, test)]
        (reference, _), (held, _), (queries, places) = parts
        counts = [len(reference), len(held), len(queries)]
        if not any(counts):
            continue
        if any(n < least for n, least in zip(counts, (_LEAST_REFERENCE, _LEAST_VALIDATION, SMALLEST_BIN), strict=True)):
            probed.notes.append(
                f"{what} was not asked: {counts[0]:,} labelled objects to learn from, {counts[1]:,} to choose "
                f"by and {counts[2]:,} to score, where {_LEAST_REFERENCE}, {_LEAST_VALIDATION} and {SMALLEST_BIN} are needed."
            )
            continue
        sources = test.objects.source_id[places]
        number = what in test.objects.numbers
        for method in VALUE_PROBES if number else CLASS_PROBES:
            probe = probe_values if number else probe_classes
            answer = probe(method, reference, queries.vectors, held, metric=metric, whitening=whitening)
            predicted, truth = answer.predicted, queries.labels
            if what.startswith("redshift"):
                scores = redshift_probe_scores(predicted, truth, sources=sources, resamples=resamples)
            elif number:
                scores = value_scores(predicted, truth, sources=sources, resamples=resamples)
            else:
                scores = class_scores(predicted, truth, sources=sources, resamples=resamples)
            scores |= {"chosen": answer.chosen, "reference": len(reference)}
            probed.found.setdefault(what, {})[method] = Found(scores, predicted, truth, places)
        if what.startswith("redshift") or what == "class":
            probed.few[what] = _few(what, reference, queries, metric, whitening, few, draws)
    return probed


def _labelled(part: Part, name: str, asked: str) -> tuple[Labelled, NDArray[np.int64]]:
    values, present = part.vectors[name]
    places = np.flatnonzero(part.objects.known(asked) & present)
    labels = part.objects.values(asked)[places] if len(places) else np.array([])
    if asked not in part.objects.numbers:
        labels = labels.astype(str)
    return Labelled(values[places], labels), places


def _whitening(values: NDArray[np.float32], present: NDArray[np.bool_], *, directions: bool) -> Whitening | None:
    """Of all that are there; None where they are too few to tell how they scatter."""
    return Whitening.fit(values[present], directions=directions) if present.sum() >= _LEAST_REFERENCE else None


def _few(
    asked: str,
    reference: Labelled,
    queries: Labelled,
    metric: str,
    whitening: Whitening | None,
    numbers: Sequence[int],
    draws: int,
) -> dict[str, Any]:
    """Few-shot figures by probe: R² of redshifts, macro recall of classes."""

    def score(predicted: NDArray[Any]) -> float:
        if asked == "class":
            return class_scores(predicted, queries.labels, resamples=1)["macro_recall"]
        return r_squared(np.maximum(predicted, 0), queries.labels)

    found = {}
    for method in ("knn", "linear"):

        def probe(few: Labelled, method: str = method) -> Answer:
            ask = probe_classes if asked == "class" else probe_values
            return ask(method, few, queries.vectors, metric=metric, whitening=whitening)

        found[method] = few_shot(probe, score, reference, labels=numbers, draws=draws)
    return found


@dataclass
class Retrieved:
    """What retrieval gives.

    Attributes
    ----------
    metrics : dict
        Direction → pools → figures, as ``metrics.json`` has it. Pools have ``spread_…``: how alike their members are.
    ranks : dict
        (direction, pools) → rank of each pair's partner (p,).
    places : dict
        Pools → which of the test objects the pairs are (p,).
    notes : list of str
        What could not be asked.
    """

    metrics: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    ranks: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    places: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def retrieve(
    test: Part, pair: tuple[str, str] = ("image", "spectrum"), *, pool: int | None = None, resamples: int = 500
) -> Retrieved:
    """Let each of two embeddings of an object find the other among those of other objects.

    Parameters
    ----------
    test : Part
        Objects that have both are asked, against pools at random, of near magnitude, and of near magnitude and redshift.
    pair : (str, str)
        Names of the two embeddings.
    pool : int, optional
        Candidates in every pool. By default 2,000 or as many as there are at random, and 2,000 or a tenth of the objects of
        near magnitude.
    resamples : int

    Returns
    -------
    Retrieved

    Raises
    ------
    BadInputError
        `pool` exceeds the pairs.
    """
    first, second = pair
    both = test.vectors[first][1] & test.vectors[second][1]
    z = test.objects.redshifts
    kinds = {
        "random": (both, None),
        "magnitude": (both & np.isfinite(test.objects.magnitudes), [test.objects.magnitudes]),
        "magnitude_redshift": (
            both & np.isfinite(test.objects.magnitudes) & np.isfinite(z),
            [test.objects.magnitudes, np.log1p(np.nan_to_num(z))],
        ),
    }
    result = Retrieved(metrics={f"{first}_to_{second}": {}, f"{second}_to_{first}": {}})
    for kind, (chosen, quantities) in kinds.items():
        places = np.flatnonzero(chosen)
        sources = test.objects.source_id[places]
        most = 1 if not len(places) else int(np.unique(sources, return_counts=True)[1].max())
        there = len(places) - most + 1
        size = pool or min(POOL, there if quantities is None else int(_NEAR * there))
        if pool is None and size < max(RECALL_AT):
            result.notes.append(f"Retrieval in {_WORDS[kind]} was left out: there are {len(places):,} pairs.")
            continue
        if size < max(RECALL_AT):
            raise BadInputError(f"recall at {max(RECALL_AT)} means nothing in pools of {size}; ask for larger pools")
        near = None if quantities is None else np.stack([q[places] for q in quantities], axis=1)
        if near is None:
            pools = random_pools(len(places), size, sources=sources)
        else:
            pools = matched_pools(near, size, sources=sources)
        spread = {}
        if near is not None:
            told = dict(zip(("magnitude", "log1p_redshift"), pool_spread(pools, near).tolist(), strict=False))
            spread = {f"spread_{name}": value for name, value in told.items()}
        result.places[kind] = places
        for source, target in ((first, second), (second, first)):
            direction = f"{source}_to_{target}"
            ranks = retrieval_ranks(test.vectors[source][0][places], test.vectors[target][0][places], pools)
            figures = retrieval_metrics(ranks, size, sources=sources, resamples=resamples)
            result.metrics[direction][kind] = {**figures, **spread}
            result.ranks[direction, kind] = ranks
    return result


_WORDS = {
    "random": "pools at random",
    "magnitude": "pools of near magnitude",
    "magnitude_redshift": "pools of near magnitude and redshift",
}
