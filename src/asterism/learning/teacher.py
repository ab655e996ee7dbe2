"""A teacher: a finished run that reads other inputs of the same catalog, whose answers a student learns beside the labels.

Spectra are costly and say what an object is; images are there for all. A model that reads spectra answers for every object
that has one, labelled or not, and a model that will have nothing but the image learns from these answers what the image
shows of them.

A teacher speaks only for objects of which it has observed something and that are in its domain. What it has been trained on
it knows by heart, and its answers there are surer than it is elsewhere, so by default it does not speak of these
(`teacher.own`): they have their labels. Whatever it has seen counts as seen by the student.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asterism.catalogs.groups import Group
from asterism.catalogs.leaks import SourceSet, find_leaks
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.devices import to_device
from asterism.learning.distillation import Lessons
from asterism.learning.former_run import FormerRun, labelled
from asterism.learning.training_set import TrainingSet
from asterism.models import densities
from asterism.models.model import Model
from asterism.models.redshift_families import RedshiftConfig

__all__ = ["POINTS", "Teacher"]

POINTS = 32
"""Redshifts of equal probability that stand for a density."""

#: Objects per batch where nothing is learned from them.
_READ_SIZE = 2048


@dataclass(frozen=True)
class Teacher:
    """A finished run that can answer for a training set's objects.

    Attributes
    ----------
    path : Path
        The run.
    model : Model
    seen : SourceSet
        What it has seen.
    chosen : TrainingSet
        Of the student.
    bindings : mapping of str to Group
        What it reads of the student's catalog.
    unlabelled : ndarray
        (n,) rows of the student's training part that have no label and may be taught.
    """

    path: Path
    model: Model
    seen: SourceSet
    chosen: TrainingSet
    bindings: Mapping[str, Group]
    unlabelled: np.ndarray

    @classmethod
    def open(cls, run: str | PathLike[str], chosen: TrainingSet) -> Teacher:
        """Load a run that is to teach what a training set's objects are.

        Parameters
        ----------
        run : path
            A run, with the record of what it has seen.
        chosen : TrainingSet
            Of the student.

        Raises
        ------
        BadInputError
            It is no run, or can't read the catalog.
        ConfigurationError
            It was trained for other tasks or classes than the student is to be.
        LeakError
            It has seen objects of the student's test part, or was trained on some that the student is stopped or calibrated
        by.
        """
        former = FormerRun.open(run, "the teacher")
        path, model = former.path, former.model
        for task in chosen.tasks:
            if task not in model.heads:
                raise ConfigurationError(
                    f"the teacher {path} was trained for {', '.join(model.heads)} and is to teach {task};"
                    f" train one with --task {','.join(chosen.tasks)}"
                )
        if "classification" in chosen.tasks and set(model.classes) != set(chosen.classes):
            raise ConfigurationError(
                f"the teacher {path} tells {', '.join(model.classes)} apart and the objects to learn from are"
                f" {', '.join(chosen.classes)}; train a teacher on the same classes, or choose them with --where"
            )
        former.check_leaks(chosen)
        bindings = model.config.inputs.check(chosen.catalog.schema, str(chosen.catalog.path))
        return cls(path, model, former.seen, chosen, bindings, chosen.unlabelled_rows())

    @property
    def fingerprint(self) -> str:
        """Of the model."""
        return self.model.fingerprint

    def about(self, lessons: Lessons) -> dict[str, Any]:
        """What ``train.json`` says of it: the run, and for how many objects it had an answer."""
        config = self.model.config
        inputs = {role: getattr(config.inputs, role).group for role in config.inputs.roles}
        return {
            "path": str(self.path),
            "fingerprint": self.fingerprint,
            "model": config.name,
            "inputs": inputs,
            "objects": len(lessons.rows),
            "unlabelled": self._without_label(lessons),
        }

    def told(self, lessons: Lessons) -> str:
        """The same in words."""
        return (
            f"The teacher {self.path} answers for {len(lessons.rows):,} objects, {self._without_label(lessons):,} of them"
            " without a label."
        )

    def card(self) -> str:
        """What the model card says of it."""
        reads = " and ".join(self.model.config.inputs.roles)
        return (
            f"the answers of a {self.model.config.name} that reads {reads} (weights fingerprint `{self.fingerprint}`)"
        )

    def seen_by_student(self) -> SourceSet:
        """What the teacher has seen, and the objects without a label that it teaches."""
        if not len(self.unlabelled):
            return self.seen
        taught = SourceSet.from_catalog(self.chosen.catalog, rows=self.unlabelled, role="unlabelled")
        return SourceSet.union([self.seen, taught])

    def _without_label(self, lessons: Lessons) -> int:
        return len(np.intersect1d(self.unlabelled, lessons.rows.numpy()))

    def check_grid(self, student: RedshiftConfig | None) -> None:
        """Refuse to teach redshifts to a student whose densities can't hold the teacher's.

        Raises
        ------
        ConfigurationError
            The student's grid ends before, or it has densities of other classes.
        """
        own = self.model.config.heads.redshift
        if student is None or own is None:
            return
        if student.classes and set(student.classes) != set(own.classes):
            raise ConfigurationError(
                f"the teacher {self.path} has redshift densities of {', '.join(own.classes) or 'all objects together'}"
                f" and the run of {', '.join(student.classes)}; train a teacher for the same tasks and classes"
            )
        if own.z_max > student.z_max * (1 + 1e-9):
            raise ConfigurationError(
                f"the teacher's redshift grid ends at {own.z_max:g} and the run's at {student.z_max:g}, before it;"
                f" set redshift.z_max={own.z_max:g}"
            )

    @torch.no_grad()
    def lessons(
        self, redshift: RedshiftConfig | None = None, *, own: bool = False, device: torch.device | None = None
    ) -> Lessons:
        """The teacher's calibrated answers for the objects of the student's training part, labelled or not.

        Parameters
        ----------
        redshift : RedshiftConfig, optional
            Of the student's head.
        own : bool
            Answer for objects too that the teacher was itself trained on.
        device : torch.device, optional
            Where to compute; the CPU by default.

        Returns
        -------
        Lessons
            For those of which the teacher has observed something and that are in its domain.

        Raises
        ------
        BadInputError
            There is no such object.
        """
        chosen = self.chosen
        asked = rows = np.union1d(chosen.rows("train"), self.unlabelled)
        if not own:
            scored = SourceSet.from_catalog(chosen.catalog, rows=rows)
            asked = rows[~find_leaks(labelled(self.seen), scored).seen]
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        if len(asked):
            device = device or torch.device("cpu")
            self.model.eval().to(device)
            stream = Stream(
                chosen.catalog,
                self.bindings,
                batch_size=self.model.config.inputs.at_once(_READ_SIZE),
                rows=asked,
                labels=(),
            )
            found = [self._answer(batch, device, chosen.classes, redshift) for batch in stream]
            self.model.to("cpu")
        count = sum(len(part[0]) for part in found)
        if not count:
            those = "" if own else " that it was not itself trained on (set teacher.own=true to hear it on those)"
            raise BadInputError(
                f"the teacher {self.path} has an answer for none of {len(rows):,} objects to learn from{those};"
                " give one that reads what they have"
            )
        row, p, z = (torch.cat(column) for column in zip(*found, strict=True))
        return Lessons(row, p if chosen.classes else None, None if redshift is None else z)

    def _answer(
        self, batch: Mapping[str, Any], device: torch.device, classes: Sequence[str], redshift: RedshiftConfig | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Rows, probabilities and points of the objects of a batch that the teacher can speak of."""
        model = self.model
        outputs = model(to_device(batch, device))
        # A model whose numbers overflow for an object has nothing to say of it.
        kept = outputs["informed"] & outputs["features"].isfinite().flatten(1).all(1)
        if int(model.domain.count):
            kept = kept & model.domain.in_domain(model.domain.score(model.domain_vectors(outputs)))
        outputs = {name: value[kept] for name, value in outputs.items()}
        row = batch["row"][kept.cpu()]
        p, z = torch.zeros((len(row), 0)), torch.zeros((len(row), 0, POINTS))
        if model.classes:
            order = [model.classes.index(name) for name in classes]
            p = model.probabilities(outputs)[:, order].float().cpu()
        if redshift is not None and len(row):
            head = model.redshift_head
            if redshift.classes:
                order = [head.config.classes.index(name) for name in redshift.classes]
                pdf = model.redshift_calibration(head.density(outputs["redshift"]))[:, order]
            else:
                pdf = model.redshift_density(outputs)[:, None]
            z = _points(head.grid.cpu().numpy(), pdf.double().cpu().numpy())
        return row, p, z


def _points(grid: np.ndarray, pdf: np.ndarray) -> Tensor:
    """Middles (n, K, POINTS) of parts of equal probability of densities (n, K, G)."""
    n, count, size = pdf.shape
    flat = pdf.reshape(n * count, size)
    at = densities.quantile(grid, flat, (np.arange(POINTS) + 0.5) / POINTS)
    return torch.from_numpy(at.astype(np.float32)).reshape(n, count, POINTS)
