"""What an embedding knows, read off it without fine-tuning: by its nearest labelled neighbours, and by a linear model.

Zero-shot in the sense of AstroCLIP (Parker et al. 2024, MNRAS 531, 4990, section 5): the embedding was learned without labels,
and labels enter only here. Neighbours are nearest in cosine similarity and weighted by 1/d, d = √(2 − 2 cos) being the distance
of unit vectors; with a `Whitening` they are sought in its coordinates too. Linear probes are ridge regression and logistic
regression on standardised coordinates. What each has to choose (the number of neighbours, whether they are sought with the
whitening, the strength of the penalty, whether votes are balanced) is chosen on validation objects; where there are none, as
with a handful of labels, on the labelled objects themselves, each predicted from the others.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.learning.probe_scores import class_scores, r_squared
from asterism.learning.retrieval import unit_length
from asterism.learning.whitening import Whitening

__all__ = [
    "CLASS_PROBES",
    "NEIGHBOURS",
    "VALUE_PROBES",
    "Answer",
    "Labelled",
    "few_shot",
    "probe_classes",
    "probe_values",
]

Floats = NDArray[np.float64]

VALUE_PROBES = ("knn", "knn_median", "linear")
"""Probes of numbers: weighted mean of neighbours, weighted median of neighbours, ridge regression."""
CLASS_PROBES = ("knn", "linear")
"""Probes of classes: weighted vote of neighbours, logistic regression."""
NEIGHBOURS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Numbers of neighbours to choose from; those that the reference has."""
_ALPHAS = tuple(10.0 ** np.arange(-3, 7))
_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
_NEAREST = 1e-6


@dataclass(frozen=True)
class Labelled:
    """Embedded objects with a label.

    Attributes
    ----------
    vectors : ndarray, shape (n, E)
    labels : ndarray, shape (n,)
        Finite numbers, or names of classes.
    """

    vectors: NDArray[Any]
    labels: NDArray[Any]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.labels.shape != (len(self.vectors),):
            raise ValueError(f"vectors {self.vectors.shape} and labels {self.labels.shape} don't fit")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[Any]) -> Labelled:
        """Some of the objects, by mask or index."""
        return Labelled(self.vectors[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Answer:
    """A probe's answers for the queries.

    Attributes
    ----------
    predicted : ndarray, shape (q,)
        Numbers, or names of classes.
    chosen : dict
        What was chosen, e.g. ``{"k": 16}``, JSON-able.
    """

    predicted: NDArray[Any]
    chosen: dict[str, Any]


def probe_values(
    method: str,
    reference: Labelled,
    queries: ArrayLike,
    validation: Labelled | None = None,
    *,
    neighbours: Sequence[int] | None = None,
    metric: str = "cosine",
    whitening: Whitening | None = None,
) -> Answer:
    """Predict a number of each query.

    Parameters
    ----------
    method : str
        ``knn``, ``knn_median`` or ``linear``, see `VALUE_PROBES`.
    reference : Labelled
        Objects whose labels may be used.
    queries : array_like, shape (q, E)
    validation : Labelled, optional
        Objects to choose by: R² (``knn``, ``linear``) or the mean absolute error (``knn_median``).
    neighbours : sequence of int, optional
        Numbers of neighbours to choose from; of `NEIGHBOURS` those that the reference has, where not given.
    metric : str
        ``cosine`` or, for coordinates that are no directions, ``euclidean``.
    whitening : Whitening, optional
        Neighbours are sought with it and without, and what serves better is taken.

    Returns
    -------
    Answer

    Raises
    ------
    BadInputError
        No object of the reference or the validation objects is labelled, a label is not finite, or widths differ.
    ConfigurationError
        There is no such probe or metric, or more neighbours are asked for than the reference has.
    """
    _known("probe of numbers", method, VALUE_PROBES)
    reference, others, queries = _ready(reference, validation, queries, metric)
    for part in (reference, others):
        if part is not None and not np.isfinite(part.labels.astype(float)).all():
            raise BadInputError("a label to learn from is not finite; leave out objects without one")
    if method == "linear":
        return _ridge(reference, others, queries)
    ks = _neighbour_numbers(neighbours, len(reference) - (others is None))
    average = _weighted_median if method == "knn_median" else _weighted_mean
    y = reference.labels.astype(float)

    def answers(distance: Floats, index: NDArray[np.int64], k: int) -> Floats:
        return average(y[index[:, :k]], _weights(distance[:, :k]))

    truth = (reference if others is None else others).labels.astype(float)
    spaces = _spaces(reference.vectors, None if others is None else others.vectors, queries, whitening)
    found = {white: _nearest(*space[:2], ks[-1]) for white, space in spaces.items()}

    def worth(choice: tuple[bool, int]) -> float:
        tried = answers(*found[choice[0]], choice[1])
        return -float(np.abs(tried - truth).mean()) if method == "knn_median" else _gain(tried, truth)

    white, best = max(product(spaces, ks), key=worth)
    distance, index = _nearest(spaces[white][0], spaces[white][2], best)
    return Answer(answers(distance, index, best), {"k": best} | _told(white, whitening))


def probe_classes(
    method: str,
    reference: Labelled,
    queries: ArrayLike,
    validation: Labelled | None = None,
    *,
    neighbours: Sequence[int] | None = None,
    metric: str = "cosine",
    whitening: Whitening | None = None,
) -> Answer:
    """Predict the class of each query.

    Parameters
    ----------
    method : str
        ``knn`` or ``linear``, see `CLASS_PROBES`. Votes of neighbours are as they are or divided by their class's number in
        the reference, whichever has the higher macro recall; the logistic regression weighs classes equally.
    reference, queries, validation, neighbours, metric, whitening
        As of `probe_values`; labels are names, and macro recall is what is chosen by. Without validation objects the
        logistic regression has scikit-learn's own penalty, C = 1.

    Returns
    -------
    Answer
        With names.

    Raises
    ------
    BadInputError, ConfigurationError
        As `probe_values`.
    """
    _known("probe of classes", method, CLASS_PROBES)
    reference, others, queries = _ready(reference, validation, queries, metric)
    names, codes = np.unique(reference.labels.astype(str), return_inverse=True)
    if method == "linear":
        return _logistic(Labelled(reference.vectors, reference.labels.astype(str)), others, queries)
    ks = _neighbour_numbers(neighbours, len(reference) - (others is None))
    size = np.bincount(codes).astype(float)

    def answers(distance: Floats, index: NDArray[np.int64], k: int, balanced: bool) -> NDArray[np.str_]:
        votes = np.zeros((len(index), len(names)))
        weights = _weights(distance[:, :k])
        if balanced:
            weights = weights / size[codes[index[:, :k]]]
        np.add.at(votes, (np.arange(len(index))[:, None], codes[index[:, :k]]), weights)
        return names[votes.argmax(axis=1)]

    held = reference if others is None else others
    spaces = _spaces(reference.vectors, None if others is None else others.vectors, queries, whitening)
    found = {white: _nearest(*space[:2], ks[-1]) for white, space in spaces.items()}

    def worth(choice: tuple[bool, int, bool]) -> float:
        return class_scores(answers(*found[choice[0]], *choice[1:]), held.labels, resamples=1)["macro_recall"]

    white, k, balanced = max(product(spaces, ks, (False, True)), key=worth)
    distance, index = _nearest(spaces[white][0], spaces[white][2], k)
    return Answer(answers(distance, index, k, balanced), {"k": k, "balanced": balanced} | _told(white, whitening))


def few_shot(
    probe: Callable[[Labelled], Answer],
    score: Callable[[NDArray[Any]], float],
    reference: Labelled,
    *,
    labels: Sequence[int] = (10, 100, 1000),
    draws: int = 10,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """What a probe makes of a few labels: mean and scatter over draws of the labelled objects.

    Parameters
    ----------
    probe : callable
        From a few labelled objects to answers for the queries, e.g.
        ``lambda few: probe_values("knn", few, queries)``: without validation objects, which a person with ten labels has not.
    score : callable
        From the answers (q,) to a figure.
    reference : Labelled
        Objects to draw from, at random and without replacement: classes that are rare may be missing from a draw.
    labels : sequence of int
        Numbers of labelled objects; those that exceed the reference are left out.
    draws : int
        Draws of each number, 2 or more.
    seed : int

    Returns
    -------
    dict of str to dict
        By number of labels: ``mean``, ``std`` (of the draws, n − 1) and ``values``, JSON-able.

    Raises
    ------
    ConfigurationError
        There are fewer than 2 draws.
    """
    if draws < 2:
        raise ConfigurationError(f"{draws} draw has no scatter; give few-shot probes 2 draws or more")
    result = {}
    for number in labels:
        if number > len(reference):
            continue
        values = []
        for draw in range(draws):
            rng = np.random.default_rng([seed, number, draw])
            few = reference.take(rng.choice(len(reference), number, replace=False))
            values.append(float(score(probe(few).predicted)))
        result[str(number)] = {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1)), "values": values}
    return result


def _known(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ConfigurationError(unknown_name(what, name, known))


def _ready(
    reference: Labelled, validation: Labelled | None, queries: ArrayLike, metric: str
) -> tuple[Labelled, Labelled | None, Floats]:
    """All vectors as float64, of unit length where the metric is cosine."""
    _known("metric", metric, ("cosine", "euclidean"))
    if len(reference) < 2:
        raise BadInputError(f"{len(reference)} labelled objects are no reference to learn from; label 2 or more")
    if validation is not None and not len(validation):
        raise BadInputError("no validation object is labelled, so nothing can be chosen; label some or give none")

    def ready(vectors: ArrayLike) -> Floats:
        values = unit_length(vectors) if metric == "cosine" else np.asarray(vectors, dtype=np.float64)
        if values.shape[1] != reference.vectors.shape[1]:
            raise BadInputError(
                f"embeddings of width {values.shape[1]} are compared with others of {reference.vectors.shape[1]}; "
                "take both from one model"
            )
        return values

    others = None if validation is None else Labelled(ready(validation.vectors), validation.labels)
    return Labelled(ready(reference.vectors), reference.labels), others, ready(queries)


def _neighbour_numbers(wanted: Sequence[int] | None, most: int) -> list[int]:
    if wanted is None:
        return [k for k in NEIGHBOURS if k <= most]
    for k in wanted:
        if not 1 <= k <= most:
            raise ConfigurationError(
                f"{k:,} neighbours were asked for and the reference has {most:,}; give 1 to {most:,}"
            )
    return sorted(wanted)


def _nearest(reference: Floats, queries: Floats | None, k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Distances and places (q, k) of the nearest, nearest first; without queries, of each of the reference's others."""
    from sklearn.neighbors import NearestNeighbors

    # Unit vectors: Euclidean distance orders as cosine does, and has the faster search.
    found = NearestNeighbors(algorithm="brute", metric="euclidean").fit(reference)
    distance, index = found.kneighbors(queries, k)
    return distance, index


def _spaces(
    reference: Floats, others: Floats | None, queries: Floats, whitening: Whitening | None
) -> dict[bool, tuple[Floats, Floats | None, Floats]]:
    """Vectors as they are and, where there is a whitening, whitened."""
    found = {False: (reference, others, queries)}
    if whitening is not None:
        found[True] = (whitening(reference), None if others is None else whitening(others), whitening(queries))
    return found


def _told(white: bool, whitening: Whitening | None) -> dict[str, bool]:
    return {} if whitening is None else {"whitened": white}


def _weights(distance: Floats) -> Floats:
    return 1 / np.maximum(distance, _NEAREST)


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    return (values * weights).sum(axis=1) / weights.sum(axis=1)


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """Where the running sum of the weights, in rising order of values, reaches half of them all."""
    order = np.argsort(values, axis=1)
    v, w = np.take_along_axis(values, order, axis=1), np.take_along_axis(weights, order, axis=1)
    half = (np.cumsum(w, axis=1) >= 0.5 * w.sum(axis=1, keepdims=True)).argmax(axis=1)
    return v[np.arange(len(v)), half]


def _gain(predicted: Floats, true: Floats) -> float:
    """R², or minus the squared error where all truths are the same."""
    found = r_squared(predicted, true)
    return found if np.isfinite(found) else -float(((predicted - true) ** 2).mean())


def _ridge(reference: Labelled, validation: Labelled | None, queries: Floats) -> Answer:
    from sklearn.linear_model import Ridge, RidgeCV
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(reference.vectors)
    x, y = scale.transform(reference.vectors), reference.labels.astype(float)
    if validation is None:
        # Each labelled object predicted from the others, in closed form.
        model = RidgeCV(alphas=_ALPHAS).fit(x, y)
        return Answer(model.predict(scale.transform(queries)), {"alpha": float(model.alpha_)})
    held, truth = scale.transform(validation.vectors), validation.labels.astype(float)
    models = [Ridge(alpha=alpha).fit(x, y) for alpha in _ALPHAS]
    best = max(models, key=lambda model: _gain(model.predict(held), truth))
    return Answer(best.predict(scale.transform(queries)), {"alpha": float(best.alpha)})


def _logistic(reference: Labelled, validation: Labelled | None, queries: Floats) -> Answer:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    names = np.unique(reference.labels)
    if len(names) == 1:
        return Answer(np.repeat(names, len(queries)), {"C": None})
    scale = StandardScaler().fit(reference.vectors)
    x = scale.transform(reference.vectors)
    models = []
    for penalty in _PENALTIES if validation is not None else (1.0,):
        model = LogisticRegression(C=penalty, class_weight="balanced", max_iter=500)
        with warnings.catch_warnings():
            # One that is stopped before its end is a candidate like the others: the validation objects judge it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(model.fit(x, reference.labels))
    best = models[0]
    if validation is not None:
        held = scale.transform(validation.vectors)
        worth = [class_scores(m.predict(held), validation.labels, resamples=1)["macro_recall"] for m in models]
        best = models[int(np.argmax(worth))]
    return Answer(best.predict(scale.transform(queries)), {"C": float(best.C)})
