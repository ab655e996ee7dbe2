"""Training a method, and embedding both catalogs with it: through `learning.train` and `inference.embed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.selection import select_rows
from asterism.catalogs.stream import Stream
from asterism.papers.avis.data import SPLIT, PaperData
from asterism.papers.avis.methods import Method, method_named
from asterism.papers.avis.rows import Fit
from asterism.papers.row_records import train_once

__all__ = ["embedded", "fit_method", "reference_rows", "settings_of"]

_READ = 256


def settings_of(fit: Fit, data: PaperData, scale: str) -> dict[str, Any]:
    """What a training depends on, as JSON values: a training with the same is never made again."""
    method = method_named(fit.method)
    told = {
        "catalog": data.fingerprints["train"],
        "split": SPLIT,
        "method": fit.method,
        "kind": method.kind,
        "inputs": method.inputs,
        "recipe": method.recipe(scale),
        "seed": fit.seed,
    }
    if method.start:
        told["start"] = settings_of(replace(fit, method=method.start), data, scale)
    return told


def reference_rows(catalog: Catalog) -> dict[str, NDArray[np.int64]]:
    """Rows of the training catalog, or of its embeddings: ``train``, whose labels may be learned from, and ``validation``."""
    return {part: select_rows(catalog, split=SPLIT, part=part) for part in ("train", "validation")}


def fit_method(fit: Fit, data: PaperData, scale: str, out: Path, console: Console | None = None) -> dict[str, Any]:
    """Train, or take the training that is there; an interrupted one is continued. What it starts from is trained first.

    Parameters
    ----------
    fit : Fit
    data : PaperData
    scale : str
    out : Path
        The directory of the whole table.
    console : rich.console.Console, optional
        Is told what is done.

    Returns
    -------
    dict
        ``settings``, ``seconds`` (wall clock), ``cpu_seconds``, ``objects`` by part, and of networks ``parameters``,
        ``epochs``, ``best_epoch``.

    Raises
    ------
    OutputError
        A training is there that was made with other settings.
    """
    folder, settings, method = fit.folder(out), settings_of(fit, data, scale), method_named(fit.method)
    start = None
    if method.start:
        before = replace(fit, method=method.start)
        fit_method(before, data, scale, out, console)
        start = before.folder(out) / "run"
    catalog = data.open("train")
    counts = {part: len(rows) for part, rows in reference_rows(catalog).items()}

    def make() -> Mapping[str, Any]:
        if method.kind in ("aligned", "supervised"):
            return _train(fit, method, catalog, settings, folder / "run", start, console)
        if method.kind == "untrained":
            return _fresh(fit, method, catalog, settings, folder / "run")
        return {}  # learned in no time from what every row of it reads

    return train_once(folder, settings, make, counts)


def _train(
    fit: Fit,
    method: Method,
    catalog: Catalog,
    settings: Mapping[str, Any],
    run: Path,
    start: Path | None,
    console: Console | None,
) -> dict[str, Any]:
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    done = train(
        catalog,
        run,
        model="avis",
        task=method.task,
        inputs=method.inputs,
        split=SPLIT,
        config=parse_settings(settings["recipe"]),
        start=start,
        seed=fit.seed,
        console=console,
    )
    kept = ("epochs", "best_epoch", "parameters", "validation", "model_fingerprint")
    return {key: done.summary[key] for key in kept if key in done.summary}


def _fresh(fit: Fit, method: Method, catalog: Catalog, settings: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """A network with fresh weights that knows the scale of what it reads."""
    import torch

    from asterism.models.inputs import ModelInputs
    from asterism.models.model import create_model

    bindings = bind_roles(catalog.schema, method.inputs)
    options = {key.removeprefix("model."): value for key, value in settings["recipe"].items()}
    with torch.random.fork_rng():
        torch.manual_seed(fit.seed)
        model = create_model("avis", ModelInputs.from_bindings(bindings), None, options)
    rows = reference_rows(catalog)["train"]
    model.standardise(Stream(catalog, bindings, batch_size=_READ, rows=rows, labels=()))
    model.save_pretrained(run)
    return {"parameters": sum(p.numel() for p in model.parameters()), "model_fingerprint": model.fingerprint}


def embedded(fit: Fit, data: PaperData, out: Path, name: str) -> Catalog:
    """The catalog of embeddings of ``train`` or ``test``; made where it lacks, an interrupted one is continued."""
    from asterism.inference.embed import embed_catalog
    from asterism.inference.embedder import Embedder

    embedder = Embedder.from_pretrained(fit.folder(out) / "run")
    return embed_catalog(embedder, data.open(name), fit.catalog(out, f"embeddings/{name}"))
