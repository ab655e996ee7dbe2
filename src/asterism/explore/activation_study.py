"""The activation maps of a whole test set, measured: deletion, true lines, arms, by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from asterism.catalogs.astropy_tables import arrays
from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog
from asterism.catalogs.groups import Group
from asterism.catalogs.selection import select_rows
from asterism.catalogs.stream import batch_from_table
from asterism.errors import ConfigurationError
from asterism.explore.activation_measures import STRONG_LINES, LineShare, Share, arm_share, deletion, line_share
from asterism.explore.class_activation import HIRES_CAM, class_activation, on_input
from asterism.explore.explained_scores import Target, choose_target, class_log_odds
from asterism.explore.spectral_lines import lines_of
from asterism.learning.intervals import bootstrap_mean
from asterism.models.model import Model
from asterism.models.network import Batch

__all__ = ["arm_layers", "arm_maps", "measure_batch", "measure_catalog", "summarise"]

Floats = npt.NDArray[np.float64]
Measures = dict[str, npt.NDArray[Any]]

_IDENTITY = ("object_id", "source_id", "class", "redshift")


def arm_layers(model: Model, *, before_attention: bool = False) -> dict[str, str]:
    """By arm the last layer of its branch whose map can be shown, or the one before attention.

    Raises
    ------
    ConfigurationError
        The model has no such layers over the arms of a 2D spectrum.
    """
    found = {
        str(layer.arm): name
        for name, layer in model.network.cam_layers.items()
        if layer.role == "spectrum2d" and name.endswith("_before_attention") == before_attention
    }
    if not found:
        what = "with attention " if before_attention else ""
        raise ConfigurationError(
            f"model {model.config.name} has no layers {what}over a 2D spectrum; choose one such as macnet"
        )
    return found


def arm_maps(
    model: Model, batch: Batch, target: Target, *, before_attention: bool = False, cam: str = HIRES_CAM
) -> dict[str, Floats]:
    """Signed activation maps of a batch by arm (B, rows, pixels), on the part of the strips that the model reads."""
    names = arm_layers(model, before_attention=before_attention)
    cells = class_activation(model, batch, target, list(names.values()), cam=cam)
    return {arm: on_input(model, batch, cells[name], model.network.cam_layers[name]) for arm, name in names.items()}


def measure_batch(
    model: Model,
    batch: Batch,
    wavelength: Mapping[str, Floats],
    classes: Sequence[str | None],
    redshifts: Sequence[float | None],
    *,
    others: Sequence[float | None] | None = None,
    before_attention: bool = False,
    cam: str = HIRES_CAM,
    fraction: float = 0.1,
    draws: int = 3,
    half_width: float = 30.0,
    seed: int = 0,
) -> Measures:
    """Measure the activation maps of a batch's predicted classes.

    Parameters
    ----------
    model : Model
        With a classification head and layers over 2D spectra.
    batch : mapping
        B objects.
    wavelength : mapping of str to ndarray
        By arm (B, rows, pixels), Å in vacuum, of the pixels in the batch.
    classes, redshifts : sequence
        True ones (B); None where not known.
    others : sequence of float, optional
        For each object the redshift of another of its class: a control for lines.
    before_attention : bool
        Of the layers before attention.
    cam : str
        One of `class_activation.CAMS`.
    fraction, draws, half_width, seed
        Of `deletion` and `line_share`.

    Returns
    -------
    dict of str to ndarray
        One value per object: ``class_predicted``; ``log_odds``, ``drop``, ``drop_random``, ``drop_displaced`` (of the
        predicted class), ``p_drop`` and ``p_drop_random`` (the same of the probability before calibration),
        ``red_share``; ``line_share``, ``line_pixels``, ``line_share_other``, ``line_pixels_other``.
    """
    target = choose_target(model, batch)
    maps = arm_maps(model, batch, target, before_attention=before_attention, cam=cam)
    strips = {arm: batch["spectrum2d"][arm].double().numpy() for arm in maps}
    seen = {arm: (batch["spectrum2d"][f"{arm}_ivar"] > 0).numpy() for arm in maps}

    def score(changed: Mapping[str, Floats]) -> Floats:
        own = {**batch["spectrum2d"], **{arm: torch.from_numpy(values).float() for arm, values in changed.items()}}
        return class_log_odds(model, {**batch, "spectrum2d": own}, target.index).numpy()

    told = deletion(score, strips, seen, maps, fraction=fraction, draws=draws, seed=seed)
    lines = line_share(maps, wavelength, _strong(classes, redshifts), half_width=half_width)
    control = line_share(maps, wavelength, _strong(classes, others or [None] * len(classes)), half_width=half_width)
    return {
        "class_predicted": np.array(target.names),
        "log_odds": told.before,
        "drop": told.drop(),
        "drop_random": told.drop("at_random"),
        "drop_displaced": told.drop("displaced"),
        "p_drop": _p(told.before) - _p(told.by_map),
        "p_drop_random": _p(told.before) - _p(told.at_random).mean(1),
        "red_share": arm_share(maps) if "red" in maps else np.full(len(classes), np.nan),
        "line_share": lines.map,
        "line_pixels": lines.pixels,
        "line_share_other": control.map,
        "line_pixels_other": control.pixels,
    }


def measure_catalog(
    model: Model,
    catalog: Catalog,
    *,
    split: str | None = None,
    part: str | Sequence[str] | None = None,
    where: str | None = None,
    batch_size: int = 16,
    progress: Progress | None = None,
    **options: Any,
) -> Measures:
    """`measure_batch` for the selected objects of a catalog.

    Parameters
    ----------
    model : Model
    catalog : Catalog
    split, part, where
        The selection, see `asterism.catalogs.selection.select_rows`.
    batch_size : int
    progress : callable, optional
        Told (objects done, objects in all).
    **options
        Of `measure_batch`.

    Returns
    -------
    dict of str to ndarray
        Also ``object_id``, ``source_id``, ``class``, ``redshift``. Objects without strips are left out.

    Raises
    ------
    BadInputError
        The catalog can't be read by the model, or nothing is selected.
    ConfigurationError
        The model has no layers over 2D spectra, or captum is not installed.
    """
    arm_layers(model, before_attention=bool(options.get("before_attention")))
    rows = select_rows(catalog, split=split, part=part, where=where)
    known = catalog.read(["class", "redshift"])
    labels = {name: np.array(known[name].to_pylist(), dtype=object)[rows] for name in known.column_names}
    others = dict(zip(rows.tolist(), _shuffled(labels["class"], labels["redshift"]), strict=True))
    found: list[Measures] = []
    done = 0
    for batch, wavelength, identity, places in _pieces(model, catalog, rows, batch_size):
        told = measure_batch(
            model,
            batch,
            wavelength,
            identity["class"].tolist(),
            identity["redshift"].tolist(),
            others=[others[i] for i in places],
            seed=places[0],
            **options,
        )
        found.append({**identity, **told})
        done += len(places)
        if progress is not None:
            progress(done, len(rows))
    return {name: np.concatenate([one[name] for one in found]) for name in (found[0] if found else ())}


def _pieces(
    model: Model, catalog: Catalog, rows: npt.NDArray[np.int64], size: int
) -> Iterator[tuple[Batch, dict[str, Floats], Measures, list[int]]]:
    """Batches of the selected rows that have strips, with wavelengths, identity and places in the catalog."""
    bindings = model.config.inputs.check(catalog.schema, str(catalog.path))
    strips = model.config.inputs.spectrum2d
    assert strips is not None  # there are layers over them
    columns = {name for group in bindings.values() for name in group.columns}
    scales: dict[str, str] = {arm.name: f"{strips.group}_{arm.name}_wavelength" for arm in strips.arms}
    for partition in catalog.partitions:
        ours = rows[(rows >= partition.start) & (rows < partition.start + partition.rows)]
        if not len(ours):
            continue
        table = catalog.read_partition(partition, [*_IDENTITY, *sorted(columns | set(scales.values()))])
        for start in range(0, len(ours), size):
            places = ours[start : start + size]
            piece = table.take(places - partition.start).combine_chunks()
            batch = batch_from_table(piece, bindings, model.classes)
            there = batch["spectrum2d"]["present"].numpy()
            if not there.all():
                if not there.any():
                    continue
                piece, places = piece.filter(there).combine_chunks(), places[there]
                batch = batch_from_table(piece, bindings, model.classes)
            wavelength = {
                arm: _read_part(arrays(piece[name].combine_chunks(), piece.schema.field(name))[0], bindings, arm)
                for arm, name in scales.items()
            }
            identity = {name: np.array(piece[name].to_pylist(), dtype=object) for name in _IDENTITY}
            yield batch, wavelength, identity, [int(i) for i in places]


def _read_part(stored: npt.NDArray[Any], bindings: Mapping[str, Group], arm: str) -> Floats:
    """Of strips (B, rows, pixels) as they are stored the part that the model reads, which its maps are of."""
    part = bindings["spectrum2d"].parts.get(arm, ())
    return np.asarray(stored[(slice(None), *part)], dtype=np.float64)


def summarise(measures: Mapping[str, npt.NDArray[Any]]) -> dict[str, dict[str, Any]]:
    """Figures with intervals of 95 %, of all objects and by true class.

    Parameters
    ----------
    measures : mapping
        Of `measure_catalog`.

    Returns
    -------
    dict of str to dict
        By ``all`` and class: ``n``; ``deletion`` and ``deletion_displaced``: share of objects whose score falls further by
        the map than by the control, with Wilson's ``interval``; ``drop``, ``drop_random``, ``drop_displaced``: medians of
        the fall in log-odds; ``p_drop``, ``p_drop_random``: means of that of the probability; ``red_share``: mean, with
        its bootstrap interval; ``lines``: mean share of the map on lines ÷ that of pixels; ``lines_control``: the same ÷
        that for other objects' redshifts.
    """
    kinds = measures["class"].astype(str)
    groups = {"all": np.ones(len(kinds), bool)} | {name: kinds == name for name in sorted(set(kinds) - {"None"})}
    return {name: _summary({key: values[which] for key, values in measures.items()}) for name, which in groups.items()}


def _summary(own: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    sources = own["source_id"].tolist()
    told: dict[str, Any] = {"n": len(sources)}
    for key, control in (("deletion", "drop_random"), ("deletion_displaced", "drop_displaced")):
        share = Share(int((own["drop"] > own[control]).sum()), len(sources))
        told[key] = {"value": share.value, "interval": share.interval}
    for key in ("drop", "drop_random", "drop_displaced"):
        told[key] = float(np.median(own[key])) if len(sources) else float("nan")
    for key in ("p_drop", "p_drop_random"):
        told[key] = float(np.mean(own[key])) if len(sources) else float("nan")
    known = np.isfinite(own["red_share"])
    if known.any():
        ends = bootstrap_mean(own["red_share"][known], np.array(sources)[known])
        told["red_share"] = {"value": float(own["red_share"][known].mean()), "interval": ends, "n": int(known.sum())}
    lines = LineShare(own["line_share"], own["line_pixels"])
    elsewhere = LineShare(own["line_share_other"], own["line_pixels_other"])
    for key, ratio in (("lines", lines.ratio(sources)), ("lines_control", lines.ratio_to(elsewhere, sources))):
        if ratio.n:
            told[key] = {"value": ratio.value, "interval": ratio.interval, "n": ratio.n}
    return told


def _strong(classes: Sequence[str | None], redshifts: Sequence[float | None]) -> list[list[float]]:
    """Observed wavelengths of each object's strong lines; none for stars and where the redshift is not known."""
    return [
        [place for name, place in lines_of(kind, z) if name in STRONG_LINES.get(kind or "", ())]
        for kind, z in zip(classes, redshifts, strict=True)
    ]


def _shuffled(classes: npt.NDArray[Any], redshifts: npt.NDArray[Any]) -> list[float | None]:
    """For each object the redshift of another one of its class; None where there is none."""
    result: list[float | None] = [None] * len(classes)
    for kind in set(classes.tolist()):
        ours = [i for i in np.flatnonzero(classes == kind) if redshifts[i] is not None]
        if len(ours) < 2:
            continue
        # A cyclic shift by half: no object keeps its own, and neighbours on the sky are far apart in it.
        for i, j in zip(ours, np.roll(ours, len(ours) // 2), strict=True):
            result[i] = float(redshifts[j])
    return result


def _p(log_odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -700.0, 700.0)))
