"""What is told and shown of the catalogs themselves: numbers of objects, a raw frame, strips, images, and maps of some objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.catalog import open_catalog
from asterism.papers.macnet.data import PaperData
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.rows import Fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["count_objects", "draw_frame", "draw_images", "draw_maps", "draw_strips"]

_IMAGES_OF_CLASS = 4
_FRAME_OBJECTS = 40
_OF_TWO_PLANS = ("sample", "few")


def count_objects(data: PaperData) -> list[dict[str, Any]]:
    """Objects by catalog, observation plan and class (table 1).

    Returns
    -------
    list of dict
        ``catalog``, ``plan`` (None: all; other catalogs than the sample are of other plans), ``mjd`` (first and last),
        ``counts`` by class.
    """
    told = []
    for name, path in data.catalogs.items():
        table = open_catalog(path).read(["class", "mjd"])
        kinds = np.array(table["class"].to_pylist(), dtype=object)
        mjd = np.array([np.nan if v is None else v for v in table["mjd"].to_pylist()], dtype=float)
        plans: dict[int | None, Any] = {None: np.ones(len(kinds), bool)}
        if data.boundary is not None and name in _OF_TWO_PLANS:
            plans |= {1: mjd < data.boundary, 2: mjd >= data.boundary}
        for plan, which in plans.items():
            if not which.any():
                continue
            nights = mjd[which][np.isfinite(mjd[which])]
            ends = [float(nights.min()), float(nights.max())] if len(nights) else None
            counts = {c: int((kinds[which] == c).sum()) for c in CLASSES}
            told.append({"catalog": name, "plan": plan if ends else None, "mjd": ends, "counts": counts})
    return told


def draw_frame(out: Path) -> Figure:
    """A raw frame of a simulated spectrograph; it is made once."""
    from asterism.papers.macnet.figures import frame_figure
    from asterism.papers.macnet.simulated_sets import SETS, SURVEY
    from asterism.simulate.sky import simulate_files
    from asterism.surveys.ccd.lamost_frames import read_frame
    from asterism.surveys.lamost_exposures import is_frame

    place = out / "frame"
    simulate_files(
        _FRAME_OBJECTS, place, survey=SURVEY, seed=SETS["sample"].seed, modalities=("spectrum2d",), workers=1
    )
    frames = [read_frame(path) for path in sorted(place.rglob("*.fit*")) if is_frame(path)]
    frame = next(f for f in frames if f.kind == "OBJ" and f.arm == "blue")
    return frame_figure(np.asarray(frame.data, np.float64), frame.file_name)


def draw_strips(data: PaperData) -> Figure | None:
    """A strip of each class (Fig. 2): the brightest quarter's median object of the test set."""
    from asterism.catalogs.objects import object_values
    from asterism.papers.macnet.figures import strip_figure

    catalog, rows = _shown(data, 1)
    group = next((g for g in catalog.groups.values() if g.kind == "spectrum2d"), None)
    if group is None:
        return None
    strips = []
    for name, row in rows:
        values = object_values(_row(catalog, row))
        one: dict[str, Any] = {"title": name, "first_pixel": {}}
        for arm in ("blue", "red"):
            column = f"{group.name}_{arm}"
            if column not in catalog.schema.names:
                continue
            strip, ivar = (np.asarray(values[key], float) for key in (column, f"{column}_ivar"))
            one[arm] = np.where(ivar > 0, strip, np.nan)
            wavelength = np.asarray(values[f"{column}_wavelength"], float)
            one[f"{arm}_wavelength"] = wavelength[len(wavelength) // 2]
            metadata = catalog.schema.field(column).metadata or {}
            one["first_pixel"][arm] = int(metadata.get(b"first_pixel", b"0") or 0)
        strips.append(one)
    return strip_figure(strips)


def draw_images(data: PaperData) -> Figure | None:
    """Images of some objects of each class (Fig. 3)."""
    from asterism.catalogs.objects import object_values
    from asterism.papers.macnet.figures import image_figure

    catalog, rows = _shown(data, _IMAGES_OF_CLASS)
    group = next((g for g in catalog.groups.values() if g.kind == "image"), None)
    if group is None:
        return None
    images = []
    for name, row in rows:
        values = object_values(_row(catalog, row))
        flux = np.asarray(values[f"{group.name}_flux"], float)
        images.append((name, flux, group.bands, group.survey))
    return image_figure(images)


def draw_maps(method: str, data: PaperData, out: Path, cam: str = "grad-cam") -> Figure:
    """Class activation maps of one object of each class, before and behind attention (Figs 9 and 10).

    Parameters
    ----------
    method : str
        Trained on the sample, first seed.
    data : PaperData
    out : Path
    cam : str
        One of `explore.class_activation.CAMS`; the paper's by default.
    """
    from asterism.catalogs.objects import object_values
    from asterism.catalogs.stream import batch_from_table
    from asterism.explore.explanations import explain
    from asterism.explore.strip_pictures import arm_views, draw_arms
    from asterism.inference.predictor import Predictor

    predictor = Predictor.from_pretrained(Fit("sample", method, 0).folder(out) / "run")
    catalog, rows = _shown(data, 1)
    bindings = predictor.bindings(catalog)
    strips = predictor.model.config.inputs.spectrum2d
    assert strips is not None  # maps are of networks over strips
    first: dict[str, int] = {arm.name: arm.first_pixel for arm in strips.arms}
    views = []
    for name, row in rows:
        table = _row(catalog, row)
        batch = batch_from_table(table, bindings, predictor.model.classes)
        told = explain(predictor.model, batch, names=[name], cam=cam)
        views.append(arm_views(told, object_values(table), bindings["spectrum2d"], first))
    return draw_arms(views)


def _shown(data: PaperData, of_each: int) -> tuple[Any, list[tuple[str, int]]]:
    """Objects to show: of each class those in the middle of the brighter half of the test objects, the same every time."""
    from asterism.catalogs.scalars import magnitudes
    from asterism.papers.macnet.fitting import objects_to_test

    test = objects_to_test(data)
    names = ["class"]
    group = next((g for g in test.catalog.groups.values() if g.kind == "photometry"), None)
    if group is not None:
        names += [group.quantities[q].name for q in ("flux", "ivar")]
    table = test.catalog.read(names).take(pa.array(test.rows))
    kinds = np.array(table["class"].to_pylist(), dtype=object)
    r = np.arange(len(kinds), dtype=float) if group is None else magnitudes(table, test.catalog.schema, "r")
    chosen: list[tuple[str, int]] = []
    for name in CLASSES:
        members = np.flatnonzero((kinds == name) & np.isfinite(r))
        ordered = members[np.argsort(r[members], kind="stable")]
        start = max(len(ordered) // 4 - of_each // 2, 0)
        chosen += [(name, int(test.rows[place])) for place in ordered[start : start + of_each]]
    return test.catalog, chosen


def _row(catalog: Any, row: int) -> pa.Table:
    """One row of a catalog as a table, of the one partition that holds it."""
    for partition in catalog.partitions:
        if partition.start <= row < partition.start + partition.rows:
            return catalog.read_partition(partition).slice(row - partition.start, 1).combine_chunks()
    raise IndexError(row)
