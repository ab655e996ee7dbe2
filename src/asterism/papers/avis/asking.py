"""What the rows of labels ask: embeddings by probes, supervised networks themselves, trees and means beside them.

All answers have one form, `asterism.inference.embedding_probes.Probed` by the name of what was read (``image``, ``spectrum``, ``joint``,
``photometry``, ``class``), so that they are put into one table and paired object by object.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.inference.alignment_baselines import class_means, trees_on_photometry
from asterism.inference.embedding_parts import component_parts, read_part
from asterism.inference.embedding_probes import Found, Part, Probed, probe_embedding
from asterism.inference.probed_objects import ASKED, ProbedObjects, probed_objects
from asterism.learning.metrics import SMALLEST_BIN
from asterism.learning.probe_scores import class_scores, redshift_probe_scores
from asterism.papers.avis.data import PaperData
from asterism.papers.avis.fitting import embedded, reference_rows
from asterism.papers.avis.methods import method_named, scale_named
from asterism.papers.avis.rows import Fit

__all__ = ["Parts", "ask"]

_REDSHIFTS = tuple(name for name in ASKED if name.startswith("redshift"))
_LABELS = tuple(name for name in ASKED if name not in _REDSHIFTS)


class Parts:
    """Objects to learn labels from, to choose by and to score, with what a method makes of them; read when asked for.

    Parameters
    ----------
    fit : Fit
    data : PaperData
    out : Path
        The directory of the whole table.
    """

    def __init__(self, fit: Fit, data: PaperData, out: Path) -> None:
        self.fit, self.data, self.out = fit, data, out

    @cached_property
    def catalogs(self) -> dict[str, Catalog]:
        """Embeddings of ``train`` and ``test``, or the catalogs themselves of a method that embeds nothing."""
        if method_named(self.fit.method).embeds:
            return {name: embedded(self.fit, self.data, self.out, name) for name in ("train", "test")}
        return {name: self.data.open(name) for name in ("train", "test")}

    @cached_property
    def samples(self) -> list[tuple[Catalog, ProbedObjects]]:
        """Training, validation and test objects with the catalogs that they are rows of."""
        train, test = self.catalogs["train"], self.catalogs["test"]
        rows = reference_rows(train)
        chosen = [(train, rows["train"]), (train, rows["validation"]), (test, np.arange(len(test)))]
        return [(catalog, probed_objects(catalog, of)) for catalog, of in chosen]

    @cached_property
    def vectors(self) -> list[Part]:
        """The same with vectors: embeddings, or principal components."""
        if method_named(self.fit.method).kind == "pca":
            return component_parts(self.samples, lambda c: bind_roles(c.schema, "image,spectrum"), seed=self.fit.seed)
        return [read_part(catalog, objects.rows) for catalog, objects in self.samples]


def ask(part: str, parts: Parts, scale: str) -> dict[str, Probed]:
    """Redshifts or other labels of the test objects, by what was read.

    Parameters
    ----------
    part : str
        ``redshift`` or ``labels``.
    parts : Parts
    scale : str
    """
    of, method = scale_named(scale), method_named(parts.fit.method)
    if method.kind == "trees":
        return {"photometry": trees_on_photometry(*parts.samples, resamples=of.resamples)}
    if method.kind == "mean":
        return {"class": class_means(parts.samples[0][1], parts.samples[2][1], resamples=of.resamples)}
    if method.kind == "supervised":
        run = parts.fit.folder(parts.out) / "run"
        return {method.inputs: _network(part, run, *parts.samples[2], parts.samples[0][1], of.resamples)}
    train, validation, test = parts.vectors
    return {
        name: probe_embedding(
            name,
            train,
            validation,
            test,
            metric="euclidean" if method.kind == "pca" else "cosine",
            asked=_REDSHIFTS if part == "redshift" else _LABELS,
            draws=of.draws,
            resamples=of.resamples,
        )
        for name in test.vectors
    }


def _network(
    part: str, run: Path, catalog: Catalog, objects: ProbedObjects, learned: ProbedObjects, resamples: int
) -> Probed:
    """What a supervised network says of objects that it was shown: the median of p(z | class), or the class."""
    import torch

    from asterism.inference.predictor import Predictor
    from asterism.models.densities import median

    predictor, probed = Predictor.from_pretrained(run), Probed()
    grid = predictor.grid
    assert grid is not None  # it was trained for redshifts
    asked = [name for name in (_REDSHIFTS if part == "redshift" else ("class",)) if objects.known(name).any()]
    told: dict[str, list[Any]] = {name: [] for name in asked}
    informed = []
    bindings = predictor.bindings(catalog)
    with torch.inference_mode():
        for batch in Stream(catalog, bindings, batch_size=predictor.batch_size, rows=objects.rows, labels=()):
            outputs = predictor.model(batch)
            informed.append(outputs["informed"].numpy())
            if part != "redshift":
                told["class"].append(np.array(predictor.classes)[predictor.model.probabilities(outputs).argmax(1)])
                continue
            for name in asked:
                # The probes learn within a class, so the network is told the class too.
                given = torch.zeros(len(outputs["informed"]), len(predictor.classes))
                given[:, predictor.classes.index(name.removeprefix("redshift_"))] = 1
                pdf = predictor.model.redshift_density(outputs, given).numpy()
                told[name].append(median(grid, pdf))
    seen = np.concatenate(informed)
    for name in asked:
        places = np.flatnonzero(objects.known(name) & seen)
        if len(places) < SMALLEST_BIN:
            probed.notes.append(f"{name} was not asked: {len(places)} objects to score.")
            continue
        predicted, truth = np.concatenate(told[name])[places], objects.values(name)[places]
        sources = objects.source_id[places]
        if part == "redshift":
            scores = redshift_probe_scores(predicted, truth, sources=sources, resamples=resamples)
        else:
            truth = truth.astype(str)
            scores = class_scores(predicted, truth, sources=sources, resamples=resamples)
        scores |= {"chosen": {}, "reference": int(learned.known(name).sum())}
        probed.found[name] = {"network": Found(scores, predicted, truth, places)}
    return probed
