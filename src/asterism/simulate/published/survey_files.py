"""A simulated survey as the files that it would publish: which files there are, block by block, whole and resumable.

``simulate --as-survey DIR`` fills DIR as the survey's archive is laid out. While it is made it is called ``DIR.partial``; every
file gets its name when it is whole, and blocks that are done are marked, so that an interrupted run goes on. All files
say in their headers that they are simulated; their objects' names in the catalog stand in SIMID.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.outputs import Output, atomic_write
from asterism.errors import ConfigurationError
from asterism.simulate.frames.plate_frames import PlateObservation
from asterism.simulate.frames.plates import Place
from asterism.simulate.objects.population import Population
from asterism.simulate.recipe import Recipe
from asterism.simulate.spectroscopy.spectra import Spectra
from asterism.surveys.fits.fits_files import Cards

__all__ = ["PUBLISHED", "Block", "SurveyFiles", "check_published", "published", "simulated_cards", "write_block"]

PUBLISHED: dict[str, tuple[str, ...]] = {
    "sdss-field": ("image",),
    "sdss": ("image", "spectrum"),
    "desi": ("image", "spectrum"),
    "lamost": ("spectrum", "spectrum2d"),
}
"""Modalities that are written as files, by the beginning of a simulated survey's name; the first that fits holds."""

_DONE = ".done"


@dataclass(frozen=True)
class Block:
    """What is known of a block when its files are written.

    Attributes
    ----------
    survey : str
        Simulated survey.
    seed, number : int
        Of the recipe; of the block.
    table : pyarrow.Table
        Rows of the catalog: files have the same labels, positions and photometry.
    objects : Population
        The truth.
    fluxes : ndarray, shape (n, bands)
        True total fluxes as observed, nanomaggy.
    place : Place
        Where they stand.
    spectra : mapping of str to Spectra
        By survey of the grid.
    spectrographs : ndarray of str, shape (n,)
        Which took each spectrum.
    plate : PlateObservation or None
        Of raw frames.
    """

    survey: str
    seed: int
    number: int
    table: pa.Table
    objects: Population
    fluxes: npt.NDArray[np.float64]
    place: Place
    spectra: Mapping[str, Spectra]
    spectrographs: npt.NDArray[np.str_]
    plate: PlateObservation | None

    def __len__(self) -> int:
        return len(self.table)

    def has(self, column: str) -> bool:
        """Whether the catalog has a column."""
        return column in self.table.column_names

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        """A column of numbers."""
        return np.asarray(pc.cast(self.table[column], pa.float64()).to_numpy())

    def texts(self, column: str) -> npt.NDArray[np.str_]:
        """A column of texts; null is empty."""
        return np.array([value or "" for value in self.table[column].to_pylist()])

    def lists(self, column: str) -> npt.NDArray[np.float32]:
        """A column of lists of one length, shape (n, length)."""
        return np.asarray(self.table[column].combine_chunks().flatten()).reshape(len(self.table), -1)

    def targets(self) -> list[list[str]]:
        """Samples that took each object."""
        return [value or [] for value in self.table["targets"].to_pylist()]

    def name(self, row: int) -> Cards:
        """Card with the name of an object in the catalog."""
        return {"SIMID": (self.table["object_id"][row].as_py(), "object_id in the simulated catalog")}


def published(survey: str) -> tuple[str, ...]:
    """Modalities that a simulated survey's files hold.

    Raises
    ------
    ConfigurationError
        It has no files that can be written.

    Examples
    --------
    >>> published("sdss-compact")
    ('image', 'spectrum')
    """
    for whose, modalities in PUBLISHED.items():
        if survey.startswith(whose):
            return modalities
    raise ConfigurationError(
        f"survey {survey!r} has no files that can be written; leave --as-survey out, or choose a survey of "
        + ", ".join(PUBLISHED)
    )


def check_published(recipe: Recipe) -> None:
    """Whether a survey publishes files of what is simulated.

    Raises
    ------
    ConfigurationError
        It does not.
    """
    known = published(recipe.survey)
    if not set(known) & set(recipe.modalities):
        raise ConfigurationError(
            f"survey {recipe.survey!r} publishes files of {' and '.join(known)}, and none of these is asked for; "
            "add one to --modalities"
        )


def simulated_cards(recipe: Recipe) -> Cards:
    """Cards that say that a file is simulated, and from what."""
    return {
        "ORIGIN": ("Asterism", "simulated, not observed"),
        "SIMSURV": (recipe.survey, "simulated survey"),
        "SIMSEED": (recipe.seed, "seed of the simulation"),
        "COMMENT": ["SIMULATED by Asterism: no telescope took these data. Names and", "numbers of plates, tiles, scans and plans are invented."],
    }  # fmt: skip


def write_block(directory: Path, recipe: Recipe, block: Block) -> None:
    """Write all files of a block but raw frames, which are written as they are taken.

    Parameters
    ----------
    directory : Path
        Of the survey.
    recipe : Recipe
        What the simulation is made from.
    block : Block
    """
    from asterism.simulate.published import desi_files, lamost_files, sdss_files

    cards, wanted = simulated_cards(recipe), recipe.modalities
    if recipe.survey.startswith("sdss"):
        if "spectrum" in wanted:
            sdss_files.write_spectra(directory, block, cards)
        if "image" in wanted:
            sdss_files.write_fields(directory, block, recipe.provider(), cards)
    elif recipe.survey.startswith("desi"):
        if "spectrum" in wanted:
            desi_files.write_petal(directory, block, cards)
        if "image" in wanted:
            desi_files.write_cutouts(directory, block, cards)
    else:
        if "spectrum" in wanted:
            lamost_files.write_spectra(directory, block, cards)
        if "spectrum2d" in wanted:
            lamost_files.write_stars(directory, block, cards)


class SurveyFiles:
    """A directory of survey files in the making; use it as a context manager.

    Parameters
    ----------
    path : path-like
        DIR.
    inputs : mapping
        What it is made from, as for a catalog.
    overwrite : bool
        Start anew.

    Attributes
    ----------
    complete : bool
        The directory is there already, made from the same inputs.
    directory : Path
        Where to write now.
    done : set of int
        Blocks whose files are there.
    """

    def __init__(self, path: str | os.PathLike[str], inputs: Mapping[str, Any], overwrite: bool = False) -> None:
        self._output = Output(path, {**inputs, "command": "simulate --as-survey"}, overwrite)
        self._output.begin()
        self.complete = self._output.complete
        self.directory = self._output.directory
        self._marks = self.directory / _DONE
        self.done: set[int] = set()
        if not self.complete and self._marks.is_dir():
            self.done = {int(mark.name) for mark in self._marks.iterdir() if mark.name.isdigit()}

    def __enter__(self) -> SurveyFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self.complete:
            shutil.rmtree(self._marks, ignore_errors=True)
        self._output.__exit__(kind, error, trace)

    def mark(self, block: int) -> None:
        """Note that all files of a block are there."""
        with atomic_write(self._marks / f"{block:010d}") as file:
            file.touch()
        self.done.add(block)
