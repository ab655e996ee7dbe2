"""The objects of a run: which rows of which parts, of which classes, and what that makes the model have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
import pyarrow.compute as pc

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import CLASSES
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.groups import Group
from asterism.catalogs.leaks import SourceSet, check_no_leak, check_split
from asterism.catalogs.selection import select_rows
from asterism.catalogs.splits import make_split, read_split
from asterism.catalogs.stream import Stream
from asterism.catalogs.where import compile_where
from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs

__all__ = ["DEFAULT_SPLIT", "TrainingSet", "UnlabelledSet", "choose_objects"]

DEFAULT_SPLIT = "default"
"""The split that training makes and keeps where none is named."""

_PARTS = ("train", "validation", "calibration")
_ROLES = {"train": "labelled", "validation": "validation", "calibration": "calibration"}


@dataclass(frozen=True)
class TrainingSet:
    """What a classifier is trained, stopped and calibrated on.

    Attributes
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
    split : str
        Name of the split.
    split_content : str
        Hash of the split's rows and parts.
    where : str
        The condition that chooses the objects: the user's, a clean label, and a class that is learned.
    classes : tuple of str
        Those of the training part; STAR, GALAXY, QSO first, in this order.
    counts : mapping of str to mapping of str to int
        Objects by part and class.
    """

    catalog: Catalog
    bindings: Mapping[str, Group]
    split: str
    split_content: str
    where: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    _rows: dict[str | tuple[str, ...], np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def objects(self, part: str) -> int:
        """Number of objects in a part."""
        return sum(self.counts[part].values())

    def rows(self, part: str | Sequence[str]) -> np.ndarray:
        """Row numbers of a part, or of several together, (n,) int64; found once and kept."""
        key = part if isinstance(part, str) else tuple(part)
        if key not in self._rows:
            self._rows[key] = select_rows(self.catalog, split=self.split, part=part, where=self.where)
        return self._rows[key]

    def stream(self, part: str | Sequence[str], batch_size: int, *, shuffle: bool = False, seed: int = 0) -> Stream:
        """Batches of a part, or of several together."""
        return Stream(
            self.catalog,
            self.bindings,
            batch_size=batch_size,
            rows=self.rows(part),
            classes=self.classes,
            shuffle=shuffle,
            seed=seed,
            labels=("class",),
        )

    def seen(self) -> SourceSet:
        """The sources of all three parts, each with its role."""
        sets = []
        for part in _PARTS:
            sets.append(SourceSet.from_catalog(self.catalog, rows=self.rows(part), role=_ROLES[part]))
        return SourceSet.union(sets)

    def check_leaks(self, seen: SourceSet) -> None:
        """Refuse to train where an object seen is of a source of the split's test part.

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
        check_no_leak(seen, test, f"the test part of split {self.split!r} of {self.catalog.path}")


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
    catalog: Catalog, bindings: Mapping[str, Group], *, split: str | None, where: str | None
) -> TrainingSet:
    """Find the labelled objects of the training, validation and calibration parts.

    Only clean labels count (``label_warning`` 0 or unknown). Without a split, the one named ``default`` is used, and
    made where the catalog lacks it.

    Parameters
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
    split : str, optional
    where : str, optional
        A condition on the objects of all parts.

    Returns
    -------
    TrainingSet

    Raises
    ------
    BadInputError
        There are no classes, or one only, or a class is missing from a part: the sentence has the counts.
    ConfigurationError
        The split does not exist or lacks a part, or the condition can't be read.
    """
    if "class" not in catalog.schema.names:
        raise BadInputError(f"{catalog.path} has no column 'class'; classification needs labelled objects")
    conditions = ["class IS NOT NULL"]
    if "label_warning" in catalog.schema.names:
        conditions.append("(label_warning IS NULL OR label_warning = 0)")
    if where is not None:
        compile_where(where, catalog.schema)  # an unfit condition is shown as it was written, not with ours around it
        conditions.insert(0, f"({where})")
    if split is None:
        split = DEFAULT_SPLIT
        if split not in catalog.split_names():
            make_split(catalog, split)
    table = read_split(catalog, split)
    there = pc.unique(table["part"]).to_pylist()
    for part in _PARTS:
        if part not in there:
            raise ConfigurationError(
                f"split {split!r} of {catalog.path} has no {part} part, which training needs;"
                " make one with 'asterism split --fractions train=.7,validation=.1,calibration=.1,test=.1'"
            )
    counts = {part: _count(catalog, split, part, " AND ".join(conditions)) for part in _PARTS}
    classes = tuple(sorted(counts["train"], key=_class_order))
    _check_counts(catalog, split, classes, counts)
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in classes)
    conditions.append(f"class IN ({listed})")
    kept = {part: {name: counts[part].get(name, 0) for name in classes} for part in _PARTS}
    content = content_hash(table.select(["object_id", "part"]))
    return TrainingSet(catalog, bindings, split, content, " AND ".join(conditions), classes, kept)


def _count(catalog: Catalog, split: str, part: str, where: str) -> dict[str, int]:
    """Objects of each class in a part."""
    names = catalog.read(["class"], split=split, part=part, where=where)["class"]
    found: list[dict[str, Any]] = pc.value_counts(names).to_pylist()
    return {str(entry["values"]): int(entry["counts"]) for entry in found}


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
