"""Learning from objects without labels that are fainter than the labelled ones: self-training in steps of magnitude.

A survey's photometry goes deeper than its spectroscopy. Farther from the labelled magnitudes a classifier is less and less
right, but from one magnitude to the next little changes. So the unlabelled objects are taken in, brightest first, in steps
of equal number: in each, the model names all objects taken in so far, anew, and goes on training on the labelled objects and
on these names together (gradual self-training, Kumar, Ma & Liang 2020, arXiv:2002.11361; naming anew in each step lets early
mistakes be taken back). Names are hard: soft ones leave the boundary where it is. They are given by the network together
with trees that learn beside it (`learning.committee`), which extrapolate otherwise than it does; the trees are then dropped.

The labels of the catalog adapted to, where it has any, are never read: its stream is opened without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asterism.catalogs.blocks import Progress
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError
from asterism.learning.augment import Augmentation
from asterism.learning.classification import Classification
from asterism.learning.committee import Committee
from asterism.learning.config import AdaptConfig, FitConfig
from asterism.learning.devices import to_device
from asterism.learning.optimizers import learning_rate, parameter_groups
from asterism.learning.run_state import step_seed
from asterism.models.model import Model

__all__ = ["adapt"]

#: Quantile of the labelled magnitudes that counts as their faint end: the very last ones may be stragglers.
_FAINT_END = 0.995
#: Keeps the random numbers of adapting apart from those of the fit, whose steps are counted from 0.
_FIRST_DRAW = 1 << 40


def adapt(
    model: Model,
    task: Classification,
    labelled: Callable[[int], Stream],
    unlabelled: Callable[[np.ndarray | None, int], Stream],
    config: AdaptConfig,
    fit: FitConfig,
    *,
    seed: int = 0,
    augment: Augmentation | None = None,
    device: torch.device | None = None,
    progress: Progress = lambda done, total: None,
) -> Model:
    """Adapt a fitted model in place to fainter objects.

    Parameters
    ----------
    model : Model
        With the weights of the labelled fit, standardised on labelled and unlabelled objects together.
    task : Classification
        Its loss.
    labelled : callable
        Batch size → shuffled stream of the training part.
    unlabelled : callable
        (rows or None for all, batch size) → stream of these rows of the catalog to adapt to, without labels; shuffled
        where rows are given.
    config : AdaptConfig
    fit : FitConfig
        For the clipping of gradients.
    seed : int
    augment : Augmentation, optional
        Applied to labelled batches, as in the fit.
    device : torch.device, optional
        Where to compute; the CPU by default. The model ends on the CPU.
    progress : callable, optional
        Told (updates done, updates in all).

    Returns
    -------
    Model
        The same, in evaluation mode, with its answers beyond the labelled magnitudes set (`models.extrapolation`).

    Raises
    ------
    BadInputError
        No unlabelled object has a magnitude, or none is fainter than the labelled ones.
    """
    device = device or torch.device("cpu")
    model.to(device)
    bright = np.concatenate([model.magnitudes(batch).numpy() for batch in labelled(4096)])
    limit = float(np.nanquantile(bright, _FAINT_END))
    magnitudes, rows = _magnitudes(model, unlabelled(None, 4096))
    faint = np.sort(rows[magnitudes > limit])
    if not len(faint):
        raise BadInputError(
            f"no object to adapt to is fainter than {limit:.2f}, where the labels end; --adapt needs fainter ones"
        )
    order = rows[np.argsort(magnitudes, kind="stable")]
    names = torch.full((int(order.max()) + 1,), -1, dtype=torch.int64)
    total = config.steps * config.updates
    inputs = model.config.inputs.photometry
    committee = Committee(inputs, labelled(4096), len(model.classes), seed) if config.trees and inputs else None
    with torch.random.fork_rng():
        for step, taken in enumerate(np.array_split(np.arange(len(order)), config.steps)):
            if not len(taken):
                continue
            seen = np.sort(order[: taken[-1] + 1])
            found, given, values = _name(model, unlabelled(seen, 4096), committee, device)
            names[found] = given
            if committee is not None:
                committee.learn(values, given.numpy())
            share = len(seen) / (len(seen) + len(bright))
            own = min(max(1, round(config.batch_size * share)), config.batch_size - 1)
            pairs = zip(_endless(labelled(config.batch_size - own)), _endless(unlabelled(seen, own)), strict=True)
            before = step * config.updates
            for done in _updates(model, task, pairs, names, config, fit, _FIRST_DRAW + before, seed, augment, device):
                progress(before + done, total)
    model.eval()
    probabilities = torch.cat([_mean(model, batch, device) for batch in unlabelled(faint, 4096)])
    model.to("cpu")
    model.extrapolation.fit(probabilities, limit=limit, temperature=config.temperature, evening=config.evening)
    return model


def _magnitudes(model: Model, stream: Stream) -> tuple[np.ndarray, np.ndarray]:
    """Reference magnitudes of the objects that have one, and their rows."""
    found = [(model.magnitudes(batch).numpy(), batch["row"].numpy()) for batch in stream]
    magnitudes, rows = (np.concatenate(column) for column in zip(*found, strict=True))
    known = np.isfinite(magnitudes)
    if not known.any():
        raise BadInputError("no object to adapt to has a magnitude in the reference band; check its inverse variances")
    return magnitudes[known], rows[known]


@torch.no_grad()
def _mean(model: Model, batch: Any, device: torch.device) -> Tensor:
    """The members' mean probabilities (B, C), on the CPU."""
    return model(to_device(batch, device))["classification"].softmax(-1).mean(1).cpu()


def _name(
    model: Model, stream: Stream, committee: Committee | None, device: torch.device
) -> tuple[Tensor, Tensor, Any]:
    """Rows, names and (for a committee) features of the objects of a stream."""
    model.eval()
    rows, names, values = [], [], []
    for batch in stream:
        probabilities = _mean(model, batch, device)
        if committee is not None:
            features = committee.values(batch)
            trees = torch.from_numpy(committee.probabilities(features))
            probabilities = torch.cat([probabilities[..., None].double(), trees], -1).mean(-1)
            values.append(features)
        rows.append(batch["row"])
        names.append(probabilities.argmax(1))
    return torch.cat(rows), torch.cat(names), np.concatenate(values) if values else None


def _endless(stream: Stream) -> Iterator[dict[str, Any]]:
    while True:
        yield from stream


def _updates(
    model: Model,
    task: Classification,
    pairs: Iterator[tuple[dict[str, Any], dict[str, Any]]],
    names: Tensor,
    config: AdaptConfig,
    fit: FitConfig,
    first_draw: int,
    seed: int,
    augment: Augmentation | None,
    device: torch.device,
) -> Iterator[int]:
    """One step's updates: AdamW with warm-up and cosine on labelled and named batches together; how many are done."""
    model.train()
    schedule = FitConfig(learning_rate=config.learning_rate, warmup=0.1)
    optimizer = torch.optim.AdamW(parameter_groups(model, config.weight_decay), foreach=True)
    for update in range(config.updates):
        draw = step_seed(seed, first_draw + update)
        torch.default_generator.manual_seed(draw)
        if device.type == "cuda":
            torch.cuda.manual_seed(draw)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(schedule, update, config.updates)
        known, named = (to_device(batch, device) for batch in next(pairs))
        if augment is not None:
            known = augment(known, torch.Generator(device).manual_seed(draw))
        named["label"] = {"class": names[named["row"].cpu()].to(device)}
        sizes = len(known["row"]), len(named["row"])
        losses = task.loss(model(known), known), task.loss(model(named), named)
        loss = (sizes[0] * losses[0] + sizes[1] * losses[1]) / sum(sizes)
        optimizer.zero_grad()
        loss.backward()
        if fit.gradient_clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), fit.gradient_clip)
        optimizer.step()
        yield update + 1
