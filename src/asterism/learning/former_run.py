"""A finished run that another one builds on: its model, and what it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.leaks import SourceSet, check_no_leak
from asterism.errors import BadInputError
from asterism.learning.training_set import TrainingSet
from asterism.models.model import Model

__all__ = ["FormerRun", "labelled"]


@dataclass(frozen=True)
class FormerRun:
    """A run that was trained before.

    Attributes
    ----------
    what : str
        Its part in the new one, for messages: ``"the teacher"``.
    path : Path
    model : Model
    seen : SourceSet
        What it has seen; the new run counts it as seen too.
    """

    what: str
    path: Path
    model: Model
    seen: SourceSet

    @classmethod
    def open(cls, run: str | PathLike[str], what: str) -> FormerRun:
        """Read a run, with its record of what it has seen.

        Raises
        ------
        BadInputError
            It is no run, or has no such record.
        """
        path = Path(run)
        model = Model.from_pretrained(path)
        record = path / "seen.parquet"
        if not record.is_file():
            raise BadInputError(
                f"{what} {path} has no record of what it has seen (seen.parquet); give a run as train wrote it"
            )
        return cls(what, path, model, SourceSet.load(record))

    def check_leaks(self, chosen: TrainingSet) -> None:
        """Refuse a run that has seen what the new one is to be tested on.

        Raises
        ------
        LeakError
            It has seen objects of the test part, or learned labels of some that the new run is stopped or calibrated by.
        """
        chosen.check_leaks(self.seen, f", with {self.what} {self.path}")
        for part in ("validation", "calibration"):
            kept = SourceSet.from_catalog(chosen.catalog, rows=chosen.rows(part))
            what = f"the {part} part of split {chosen.split!r} of {chosen.catalog.path}, with {self.what} {self.path}"
            check_no_leak(labelled(self.seen), kept, what)


def labelled(seen: SourceSet) -> SourceSet:
    """Those of the sources whose labels the weights were fitted to."""
    return SourceSet(seen.table.filter(pc.equal(seen.table["role"], pa.scalar("labelled"))))
