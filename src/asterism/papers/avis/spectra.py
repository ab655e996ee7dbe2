"""The spectrum predicted from the image: neighbours in the shared space, scored beside the mean of the true class.

How many neighbours is chosen on validation objects. A sample of the objects stands for all, since spectra are large.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError
from asterism.explore.spectrum_from_image import (
    PredictedSpectra,
    Spectra,
    mean_spectra,
    read_spectra,
    spectra_from_images,
)
from asterism.explore.spectrum_scores import chi_square, compare_predictions, line_pixels, spectrum_scores
from asterism.inference.embedding_probes import Part
from asterism.papers.avis.methods import scale_named
from asterism.papers.avis.rows import Row

if TYPE_CHECKING:
    from asterism.papers.avis.asking import Parts

__all__ = ["EXAMPLES", "spectrum_row"]

EXAMPLES = "examples.png"
"""In the row's folder: objects with the spectrum that was predicted."""

_REFERENCE, _CHOOSING, _SCORED = 6000, 200, 1000
_NEIGHBOURS = (4, 8, 16, 32)
_SHOWN = 4

Floats = NDArray[np.float64]


def spectrum_row(row: Row, parts: Parts, scale: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns ``log_chi2`` (image) and ``log_chi2_class_mean``, per test object of the sample; χ² per pixel and paired differences.

    Parameters
    ----------
    row : Row
    parts : Parts
    scale : str

    Returns
    -------
    columns : dict
    figures : dict
        ``image``, ``class_mean``, ``mean``: `asterism.explore.spectrum_scores.spectrum_scores`, of all and by class;
        ``less_class_mean``, ``less_mean``: paired differences of log10 χ², below 0 where the image tells more; ``k``.

    Raises
    ------
    BadInputError
        There are no neighbours to choose from.
    """
    (train, validation, test), resamples = parts.vectors, scale_named(scale).resamples
    learned = _drawn(train, "spectrum", _REFERENCE)
    reference = read_spectra(parts.catalogs["train"], train.objects.rows[learned])
    usable = int(np.isfinite(reference.level()).sum())
    ks = [k for k in _NEIGHBOURS if k <= usable]
    if not ks:
        raise BadInputError(
            f"{usable} spectra rise above their noise and {_NEIGHBOURS[0]} neighbours are needed; give more"
        )
    near = train.vectors["spectrum"][0][learned]

    def predict(part: Part, places: NDArray[np.int64], k: int) -> PredictedSpectra:
        return spectra_from_images(part.vectors["image"][0][places], near, reference, k=k)

    held = _drawn(validation, "both", _CHOOSING)
    truth, lines = _true(parts.catalogs["train"], validation, held)
    worth = {k: _mean_log(chi_square(predict(validation, held, k).mean, truth, lines)["all"]) for k in ks}
    k = min(worth, key=lambda number: worth[number])
    asked = _drawn(test, "both", _SCORED)
    truth, lines = _true(parts.catalogs["test"], test, asked)
    predicted = predict(test, asked, k)
    means = mean_spectra(reference, list(train.objects.names["class"][learned]))
    classes = test.objects.names["class"][asked]
    of_class = np.stack([means.get(name or "", means[""]) for name in classes])
    answers = {"image": predicted.mean, "class_mean": of_class, "mean": np.tile(means[""], (len(asked), 1))}
    chi = {name: chi_square(model, truth, lines) for name, model in answers.items()}
    sources = test.objects.source_id[asked]
    figures: dict[str, Any] = {"k": k, "reference": len(learned), "notes": []}
    for name, found in chi.items():
        figures[name] = spectrum_scores(found, sources=sources, resamples=resamples)
        figures[name]["by_class"] = _by_class(found, classes, sources, resamples)
    for name in ("class_mean", "mean"):
        figures[f"less_{name}"] = {
            key: {"difference": d.mean, "interval": [d.low, d.high]}
            for key, d in compare_predictions(chi["image"], chi[name], sources, resamples=resamples).items()
        }
    _draw(row.folder(parts.out) / EXAMPLES, predicted, truth, of_class, test, asked)
    columns = {}
    for name, key in (("log_chi2", "image"), ("log_chi2_class_mean", "class_mean")):
        values = np.full(len(test.objects), np.nan)
        values[asked] = np.log10(np.maximum(chi[key]["all"], 1e-6))
        columns[name] = pa.array(values)
    return columns, figures


def _drawn(part: Part, of: str, most: int) -> NDArray[np.int64]:
    """Places of objects that have the embeddings, a random sample of at most so many, in their order."""
    there = part.vectors["spectrum"][1] & (part.vectors["image"][1] if of == "both" else True)
    places = np.flatnonzero(there)
    return np.sort(np.random.default_rng(0).choice(places, min(most, len(places)), replace=False))


def _true(catalog: Catalog, part: Part, places: NDArray[np.int64]) -> tuple[Spectra, NDArray[np.bool_]]:
    truth = read_spectra(catalog, part.objects.rows[places])
    kinds, z = part.objects.names["class"][places], part.objects.redshifts[places]
    known = [None if not np.isfinite(value) else float(value) for value in z]
    return truth, np.stack([line_pixels(truth.wavelength, c, v) for c, v in zip(kinds, known, strict=True)])


def _mean_log(chi: Floats) -> float:
    return float(np.nanmean(np.log10(np.maximum(chi, 1e-6))))


def _by_class(
    chi: Mapping[str, Floats], classes: NDArray[Any], sources: NDArray[Any], resamples: int
) -> dict[str, dict[str, Any]]:
    told = {}
    for name in sorted({c for c in classes if c is not None}):
        mine = classes == name
        some = {key: values[mine] for key, values in chi.items()}
        if np.isfinite(some["all"]).any():
            told[name] = spectrum_scores(some, sources=sources[mine], resamples=resamples)
    return told


def _draw(
    path: Path, predicted: PredictedSpectra, truth: Spectra, beside: Floats, test: Part, asked: NDArray[np.int64]
) -> None:
    """Objects at even steps of magnitude, classes in turn: chosen by neither score nor look."""
    from asterism.explore.spectrum_pictures import prediction_figure

    objects = test.objects
    magnitudes = np.nan_to_num(objects.magnitudes[asked], nan=np.inf)
    classes = objects.names["class"][asked]
    kinds = [c for c in ("GALAXY", "QSO", "STAR") if (classes == c).any()]
    rows = []
    for number in range(_SHOWN if kinds else 0):
        members = np.flatnonzero(classes == kinds[number % len(kinds)])
        members = members[np.argsort(magnitudes[members], kind="stable")]
        rows.append(int(members[(number + 1) * len(members) // (_SHOWN + 1)]))
    rows = list(dict.fromkeys(rows))
    if not rows:
        return
    titles = [
        f"{classes[i]}, z = {objects.redshifts[asked[i]]:.3f}, {objects.band} = {objects.magnitudes[asked[i]]:.1f}"
        for i in rows
    ]
    figure = prediction_figure(predicted, truth, rows, titles=titles, beside={"class mean": beside})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=130)
