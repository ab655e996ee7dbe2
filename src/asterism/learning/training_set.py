"""The objects of a run: which rows of which parts, of which classes or with which redshifts, and what the model has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import CLASSES
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.groups import Group
from asterism.catalogs.leaks import SourceSet, check_no_leak, check_split
from asterism.catalogs.lists import number_values
from asterism.catalogs.selection import select_rows
from asterism.catalogs.splits import make_split, read_split
from asterism.catalogs.stream import Stream
from asterism.catalogs.where import compile_where
from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs
from asterism.models.redshift import LOWEST_REDSHIFT

__all__ = ["DEFAULT_SPLIT", "STAR", "TrainingSet", "UnlabelledSet", "choose_objects"]

DEFAULT_SPLIT = "default"
"""The split that training makes and keeps where none is named."""

STAR = "STAR"
"""The class that has no redshift to learn: with both tasks its objects are at 0."""

_PARTS = ("train", "validation", "calibration")
_COLUMNS = {"classification": "class", "redshift": "redshift"}
_ROLES = {"train": "labelled", "validation": "validation", "calibration": "calibration"}
_UNLABELLED = {**_ROLES, "train": "unlabelled"}


@dataclass(frozen=True)
class TrainingSet:
    """What a model is trained, stopped and calibrated on.

    Attributes
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
    split : str
        Name of the split.
    split_content : str
        Hash of the split's rows and parts.
    where : str
        The condition that chooses the objects: the user's, a clean label, and a class that is learned or a redshift; empty
        for none.
    classes : tuple of str
        Those of the training part; STAR, GALAXY, QSO first, in this order. Empty where no class is learned.
    counts : mapping of str to mapping of str to int
        Objects by part and class; where no class is learned, by part and "objects".
    tasks : tuple of str
        What is learned.
    """

    catalog: Catalog
    bindings: Mapping[str, Group]
    split: str
    split_content: str
    where: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    tasks: tuple[str, ...] = ("classification",)
    _clean: str = ""
    _rows: dict[str | tuple[str, ...], np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    @property
    def without_labels(self) -> bool:
        """Whether nothing of what is learned is a label."""
        return not self.labels

    def objects(self, part: str) -> int:
        """Number of objects in a part."""
        return sum(self.counts[part].values())

    def rows(self, part: str | Sequence[str]) -> np.ndarray:
        """Row numbers of a part, or of several together, (n,) int64; found once and kept."""
        key = part if isinstance(part, str) else tuple(part)
        if key not in self._rows:
            self._rows[key] = select_rows(self.catalog, split=self.split, part=part, where=self.where or None)
        return self._rows[key]

    def unlabelled_rows(self) -> np.ndarray:
        """Row numbers of the training part's objects without a label of what is learned, (n,) int64, n may be 0.

        They meet the user's condition, and carry no warning. With both tasks an object without a class is one.
        """
        column = self.labels[0]
        rows = select_rows(self.catalog, split=self.split, part="train", where=self._clean or None)
        values = self.catalog.read([column]).take(pa.array(rows))[column]
        unknown = pc.is_null(values, nan_is_null=True)
        return rows[np.asarray(unknown.combine_chunks()).astype(bool)]

    def stream(
        self,
        part: str | Sequence[str],
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        also: np.ndarray | None = None,
    ) -> Stream:
        """Batches of a part, or of several together, and of further rows (n,) of the catalog where there are any."""
        rows = self.rows(part)
        return Stream(
            self.catalog,
            self.bindings,
            batch_size=batch_size,
            rows=rows if also is None or not len(also) else np.union1d(rows, also),
            classes=self.classes,
            shuffle=shuffle,
            seed=seed,
            labels=self.labels,
        )

    def only(self, *roles: str) -> TrainingSet:
        """The same objects, of which some modalities are streamed."""
        return replace(self, bindings={role: self.bindings[role] for role in roles})

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns of labels that the tasks learn from."""
        return tuple(column for task, column in _COLUMNS.items() if task in self.tasks)

    def redshifts(self) -> dict[str, np.ndarray]:
        """Redshifts to learn from, by class ("objects" where no class is learned), of all three parts; (n,) float64."""
        columns = [column for column in ("class", "redshift") if column in self.labels]
        table = self.catalog.read(columns).take(pa.array(np.concatenate([self.rows(part) for part in _PARTS])))
        z = number_values(table["redshift"], np.float64)
        known = np.isfinite(z) & (z >= LOWEST_REDSHIFT)
        if "class" not in self.labels:
            return {"objects": z[known]}
        names = np.array(table["class"].to_pylist(), dtype=object)
        return {name: z[known & (names == name)] for name in self.classes}

    def seen(self) -> SourceSet:
        """The sources of all three parts, each with its role."""
        roles = _UNLABELLED if self.without_labels else _ROLES
        sets = []
        for part in _PARTS:
            sets.append(SourceSet.from_catalog(self.catalog, rows=self.rows(part), role=roles[part]))
        return SourceSet.union(sets)

    def pairs(self) -> dict[str, int]:
        """Objects of the training and validation parts that have both an image and a spectrum."""
        stream = self.stream("train", 1)
        there = stream.has("image") & stream.has("spectrum")
        return {part: int(there[self.rows(part)].sum()) for part in ("train", "validation")}

    def check_leaks(self, seen: SourceSet, by: str = "") -> None:
        """Refuse to train where an object seen is of a source of the split's test part.

        Parameters
        ----------
        seen : SourceSet
        by : str
            Who has seen it, for the message; the run itself without.

        Raises
        ------
        LeakError
            How many, an example, and what to do.
        """
        table = read_split(self.catalog, self.split)
        check_split(table, f"split {self.split!r} of {self.catalog.path}")
        if "test" not in pc.unique(table["part"]).to_pylist():
            return
        test = SourceSet.from_catalog(self.catalog, rows=select_rows(self.catalog, split=self.split, part="test"))
        check_no_leak(seen, test, f"the test part of split {self.split!r} of {self.catalog.path}{by}")


@dataclass(frozen=True)
class UnlabelledSet:
    """Objects to learn from without labels; their labels, where there are any, are never read.

    Attributes
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
    """

    catalog: Catalog
    bindings: Mapping[str, Group]

    @classmethod
    def of(cls, catalog: Catalog | str | PathLike[str], inputs: ModelInputs) -> UnlabelledSet:
        """All objects of a catalog that a model with these inputs can read.

        Raises
        ------
        BadInputError
            There is no such catalog, or it is of another survey or band set.
        ConfigurationError
            The model has no magnitudes to go by.
        """
        if inputs.reference_band is None:
            raise ConfigurationError("adapting goes by magnitude; add photometry to the inputs")
        opened = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
        return cls(opened, inputs.check(opened.schema, str(opened.path)))

    def stream(self, rows: np.ndarray | None, batch_size: int, *, seed: int = 0) -> Stream:
        """Batches of some rows, shuffled, or of all in their order; without labels."""
        return Stream(
            self.catalog,
            self.bindings,
            batch_size=batch_size,
            rows=rows,
            shuffle=rows is not None,
            seed=seed,
            labels=(),
        )

    def seen(self) -> SourceSet:
        """The sources of all objects."""
        return SourceSet.from_catalog(self.catalog, role="unlabelled")


def choose_objects(
    catalog: Catalog,
    bindings: Mapping[str, Group],
    *,
    split: str | None,
    where: str | None,
    tasks: Sequence[str] = ("classification",),
) -> TrainingSet:
    """Find the objects of the training, validation and calibration parts.

    Only clean labels count (``label_warning`` 0 or unknown). For classification these are objects with a class, also
    where redshifts are learned beside it; for redshifts alone, objects with a redshift of -0.01 or more. For alignment they
    are all objects, and no label is read. Without a split, the one named ``default`` is used, and made where the catalog
    lacks it: stratified by class, for alignment not.

    Parameters
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
    split : str, optional
    where : str, optional
        A condition on the objects of all parts.
    tasks : sequence of str
        What is learned of them: classification, redshift or both, or alignment.

    Returns
    -------
    TrainingSet

    Raises
    ------
    BadInputError
        There are no classes, or one only, or a class is missing from a part: the sentence has the counts. There are no
        redshifts, or a part has none.
    ConfigurationError
        The split does not exist or lacks a part, or the condition can't be read.
    """
    classified, labelled = "classification" in tasks, any(task in _COLUMNS for task in tasks)
    if classified and "class" not in catalog.schema.names:
        raise BadInputError(f"{catalog.path} has no column 'class'; classification needs labelled objects")
    if "redshift" in tasks and "redshift" not in catalog.schema.names:
        raise BadInputError(f"{catalog.path} has no column 'redshift'; --task redshift needs objects with redshifts")
    conditions = []
    if where is not None:
        compile_where(where, catalog.schema)  # an unfit condition is shown as it was written, not with ours around it
        conditions.append(f"({where})")
    if labelled and "label_warning" in catalog.schema.names:
        conditions.append("(label_warning IS NULL OR label_warning = 0)")
    clean = " AND ".join(conditions)
    if labelled:
        conditions.append("class IS NOT NULL" if classified else f"redshift >= {LOWEST_REDSHIFT}")
    if split is None:
        split = DEFAULT_SPLIT
        if split not in catalog.split_names():
            make_split(catalog, split, stratify="auto" if labelled else "none")
    table = read_split(catalog, split)
    there = pc.unique(table["part"]).to_pylist()
    for part in _PARTS:
        if part not in there:
            raise ConfigurationError(
                f"split {split!r} of {catalog.path} has no {part} part, which training needs;"
                " make one with 'asterism split --fractions train=.7,validation=.1,calibration=.1,test=.1'"
            )
    content = content_hash(table.select(["object_id", "part"]))
    if not labelled:
        chosen = TrainingSet(catalog, bindings, split, content, " AND ".join(conditions), (), {}, tuple(tasks), clean)
        return replace(chosen, counts={part: {"objects": len(chosen.rows(part))} for part in _PARTS})
    if not classified:
        kept = _count_redshifts(catalog, split, " AND ".join(conditions))
        return TrainingSet(catalog, bindings, split, content, " AND ".join(conditions), (), kept, tuple(tasks), clean)
    counts = {part: _count(catalog, split, part, " AND ".join(conditions)) for part in _PARTS}
    classes = tuple(sorted(counts["train"], key=_class_order))
    _check_counts(catalog, split, classes, counts)
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in classes)
    conditions.append(f"class IN ({listed})")
    kept = {part: {name: counts[part].get(name, 0) for name in classes} for part in _PARTS}
    chosen = TrainingSet(
        catalog, bindings, split, content, " AND ".join(conditions), classes, kept, tuple(tasks), clean
    )
    if "redshift" in tasks:
        _check_redshifts(chosen)
    return chosen


def _count(catalog: Catalog, split: str, part: str, where: str) -> dict[str, int]:
    """Objects of each class in a part."""
    names = catalog.read(["class"], split=split, part=part, where=where)["class"]
    found: list[dict[str, Any]] = pc.value_counts(names).to_pylist()
    return {str(entry["values"]): int(entry["counts"]) for entry in found}


def _count_redshifts(catalog: Catalog, split: str, where: str) -> dict[str, dict[str, int]]:
    """Objects of each part; each must have some."""
    counts = {
        part: {"objects": len(catalog.read(["redshift"], split=split, part=part, where=where))} for part in _PARTS
    }
    for part, found in counts.items():
        if not found["objects"]:
            raise BadInputError(
                f"{catalog.path} has no object with a clean redshift of {LOWEST_REDSHIFT} or more in the {part} part of"
                f" split {split!r}; widen --where or make another split"
            )
    return counts


def _check_redshifts(chosen: TrainingSet) -> None:
    for name, z in chosen.redshifts().items():
        if name != STAR and not len(z):
            raise BadInputError(
                f"no {name} of split {chosen.split!r} of {chosen.catalog.path} has a redshift, so there is none to learn;"
                f" leave the class out with --where \"class <> '{name}'\" or train for classification alone"
            )


def _class_order(name: str) -> tuple[int, str]:
    return (CLASSES.index(name) if name in CLASSES else len(CLASSES), name)


def _check_counts(
    catalog: Catalog, split: str, classes: Sequence[str], counts: Mapping[str, Mapping[str, int]]
) -> None:
    if not classes:
        raise BadInputError(
            f"{catalog.path} has no object with a clean class in the training part of split {split!r};"
            " widen --where or make another split"
        )
    if len(classes) == 1:
        raise BadInputError(
            f"{catalog.path} has objects of one class only ({classes[0]}: {counts['train'][classes[0]]:,}) in the"
            f" training part of split {split!r}; classification needs two or more"
        )
    for name in classes:
        numbers = np.array([counts[part].get(name, 0) for part in _PARTS])
        if not numbers.all():
            told = ", ".join(f"{number:,} in {part}" for part, number in zip(_PARTS, numbers, strict=True))
            raise BadInputError(
                f"class {name} is too small for split {split!r} of {catalog.path}: {told};"
                f" leave it out with --where \"class <> '{name}'\" or make a split with other fractions"
            )
