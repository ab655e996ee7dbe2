"""Objects of a catalog and a model give a directory of explanations: pictures, maps and one page."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.objects import find_object, object_values
from asterism.catalogs.outputs import Output, atomic_write
from asterism.catalogs.stream import batch_from_table
from asterism.errors import ConfigurationError
from asterism.explore.class_activation import HIRES_CAM, check_cam, need_captum
from asterism.explore.explained_scores import choose_target
from asterism.explore.explanation_files import PAGE_FILE, page_of, write_explanations, write_page
from asterism.explore.explanation_pictures import draw_explanations
from asterism.explore.explanations import explain
from asterism.inference.predictor import Predictor

if TYPE_CHECKING:
    import pyarrow as pa

    from asterism.catalogs.groups import Group

__all__ = ["explain_catalog"]


def explain_catalog(
    run: str | os.PathLike[str],
    catalog: str | os.PathLike[str],
    objects: Sequence[str],
    out: str | os.PathLike[str],
    *,
    class_name: str | None = None,
    redshift: bool = False,
    cam: str = HIRES_CAM,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Explain a model's answers for some objects of a catalog.

    Parameters
    ----------
    run : path
        Run or model directory.
    catalog : path
    objects : sequence of str
        Ids of the objects.
    out : path
        Directory to make: ``report.html``, one PNG per object, ``explanations.safetensors`` and its index.
    class_name : str, optional
        Explain this class; each object's most probable one by default.
    redshift : bool
        Explain the redshift.
    cam : str
        Which class activation map, one of `class_activation.CAMS`.
    overwrite : bool
        Replace what was made from other inputs.
    progress : callable, optional
        Told (objects done, objects in all).

    Returns
    -------
    Path
        The page.

    Raises
    ------
    BadInputError
        The model or catalog can't be used, an object is not in the catalog, or nothing of it was observed.
    ConfigurationError
        The model does not know the class, no object is named or one twice, there is no such map, or captum is not installed.
    OutputError
        `out` holds something else.
    """
    names = [name.strip() for name in objects if name.strip()]
    if not names:
        raise ConfigurationError("no objects are named; give --objects ID,ID,…")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigurationError(f"object {twice[0]} is named twice; name each once")
    check_cam(cam)
    need_captum()
    predictor, source = Predictor.from_pretrained(run), open_catalog(Path(catalog))
    bindings = predictor.bindings(source)
    inputs = {
        "command": "explain",
        "model": predictor.fingerprint,
        "catalog": source.fingerprint,
        "objects": names,
        "class": class_name,
        "redshift": redshift,
        "cam": cam,
    }
    with Output(out, inputs, overwrite) as output:
        if not output.complete:
            _fill(output.directory, predictor, source, bindings, names, class_name, redshift, cam, progress)
    return output.path / PAGE_FILE


def _fill(
    folder: Path,
    predictor: Predictor,
    source: Catalog,
    bindings: dict[str, Group],
    names: Sequence[str],
    class_name: str | None,
    redshift: bool,
    cam: str,
    progress: Progress | None,
) -> None:
    model = predictor.model
    rows = [find_object(source, name) for name in names]
    strips = model.config.inputs.spectrum2d
    first: dict[str, int] = {arm.name: arm.first_pixel for arm in strips.arms} if strips is not None else {}
    found: list[Any] = []
    shown: list[tuple[str, Sequence[str], Path]] = []
    definition = ""
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        batch = batch_from_table(row, bindings, model.classes)
        ours = explain(model, batch, names=[name], class_name=class_name, redshift=redshift, cam=cam)
        definition = definition or choose_target(model, batch, class_name, redshift=redshift).definition
        found += ours
        file = folder / f"{i + 1:03d}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.png"
        values = object_values(row)
        if not file.exists():  # an interrupted run goes on where it stopped
            figure = draw_explanations(ours, values, bindings, first_pixel=first)
            with atomic_write(file) as temporary:
                figure.savefig(temporary, format="png", dpi=130, facecolor="white")
        shown.append((name, _texts(predictor, row, bindings, values, [one.role for one in ours]), file))
        if progress is not None:
            progress(i + 1, len(names))
    write_explanations(found, folder)
    made = [
        ("model", f"{model.config.name}, fingerprint {predictor.fingerprint}"),
        ("catalog", f"{source.path.name}, fingerprint {source.fingerprint}"),
        (
            "explained",
            "the redshift" if redshift or not model.classes else class_name or "each object's predicted class",
        ),
    ]
    write_page(page_of(model, found, shown, definition, made), folder / PAGE_FILE)


def _texts(
    predictor: Predictor, row: pa.Table, bindings: dict[str, Group], values: dict[str, Any], roles: Sequence[str]
) -> list[str]:
    """What the model answers for an object, what the catalog says, and which of its inputs it lacks."""
    answers = predictor.columns(predictor.answer_table(row, bindings)).to_pylist()[0]
    told = []
    for name in predictor.classes:
        share = answers.get(f"p_{name.lower()}")
        told.append(f"{name} {share:.3f}" if share is not None else f"{name} –")
    if answers.get("z_median") is not None:
        told.append(f"redshift {answers['z_median']:.3f} ({answers['z_16']:.3f} to {answers['z_84']:.3f})")
    truth = [str(values[n]) for n in ("class", "subclass") if values.get(n)]
    if values.get("redshift") is not None:
        truth.append(f"z = {values['redshift']:.4f}")
    texts = [f"The model says: {', '.join(told)}. The catalog says: {', '.join(truth) or 'nothing'}."]
    if answers.get("in_domain") is False:
        texts.append(
            "The object is out of domain: unlike anything that the model has learned from. Trust no map of it."
        )
    lacking = [role for role in predictor.model.config.inputs.roles if role not in roles]
    if lacking:
        texts.append(
            f"Not observed of this object, and so not shown: {', '.join(bindings[role].name for role in lacking)}."
        )
    return texts
