"""How much an aligned model's embeddings know of objects that it has not seen; see `asterism.inference.evaluate`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.leaks import SourceSet, check_no_leak
from asterism.catalogs.selection import select_rows
from asterism.errors import AsterismError, BadInputError
from asterism.inference.alignment_baselines import baseline_probes
from asterism.inference.alignment_results import alignment_results
from asterism.inference.embedder import Embedder
from asterism.inference.embedding_parts import embedded_part
from asterism.inference.embedding_probes import Probed, probe_embedding, retrieve
from asterism.inference.results import Results

__all__ = ["Reference", "find_reference", "score_embeddings"]

_PARTS = ("train", "validation")


@dataclass(frozen=True)
class Reference:
    """Where labels may be learned from.

    Attributes
    ----------
    catalog : Catalog
    rows : mapping of str to ndarray of int64
        Of its parts ``train`` and ``validation``.
    where : str
        In words.
    """

    catalog: Catalog
    rows: Mapping[str, NDArray[np.int64]]
    where: str

    @property
    def size(self) -> int:
        """Number of objects."""
        return sum(len(rows) for rows in self.rows.values())

    @property
    def content(self) -> str:
        """Hash of the catalog and of which of its rows these are."""
        digest = hashlib.sha256(self.catalog.fingerprint.encode())
        for part in _PARTS:
            digest.update(self.rows[part].tobytes())
        return digest.hexdigest()[:16]


def find_reference(
    run: Path, catalog: Catalog, split: str | None, scored: SourceSet
) -> tuple[Reference | None, list[str]]:
    """The training and validation parts whose labels the probes learn from.

    They are those of the catalog that is scored where a split of it is named; without one, those that the run itself was
    trained on, without labels.

    Parameters
    ----------
    run : Path
    catalog : Catalog
        What is scored.
    split : str, optional
    scored : SourceSet
        The objects that are scored: none may be of a source of the reference.

    Returns
    -------
    reference : Reference or None
        None where there is none.
    notes : list of str
        Why.

    Raises
    ------
    LeakError
        A source stands on both sides.
    ConfigurationError
        The split does not exist or lacks a part.
    """
    notes: list[str] = []
    if split is not None:
        rows = {part: select_rows(catalog, split=split, part=part) for part in _PARTS}
        found = Reference(catalog, rows, f"training and validation parts of split {split!r} of {catalog.path.name}")
    else:
        try:
            record = json.loads((run / "train.json").read_text("utf-8"))
            path, made_on, name = record["catalog"]["path"], record["catalog"]["fingerprint"], record["split"]["name"]
            theirs = open_catalog(path)
            if theirs.fingerprint != made_on:
                raise BadInputError(f"{path} has changed since the run was trained on it")
            rows = {part: select_rows(theirs, split=name, part=part, where=record.get("where")) for part in _PARTS}
        except (OSError, ValueError, KeyError, AsterismError) as error:
            notes.append(
                "No split was named, and what the run was trained on can't be opened"
                f" ({error}): labels were asked of no probe. Name a split of the catalog with --split."
            )
            return None, notes
        found = Reference(theirs, rows, f"training and validation parts of split {name!r} of {theirs.path.name}")
    both = np.union1d(*found.rows.values())
    check_no_leak(
        SourceSet.from_catalog(found.catalog, rows=both, role="labelled"), scored, f"objects of {catalog.path}"
    )
    return found, notes


def score_embeddings(
    embedder: Embedder,
    catalog: Catalog,
    rows: NDArray[np.int64],
    reference: Reference | None,
    *,
    pool: int | None = None,
    baselines: bool = False,
) -> tuple[Results, list[str]]:
    """Embed, probe and retrieve.

    Parameters
    ----------
    embedder : Embedder
    catalog : Catalog
    rows : ndarray of int64
        The objects to score.
    reference : Reference or None
    pool : int, optional
        Candidates in every pool of retrieval.
    baselines : bool
        Put beside what the same probes make of the same network before training, and of the inputs' principal components,
        and what LightGBM makes of the photometry.

    Returns
    -------
    results : Results
    notes : list of str
        What could not be asked, a sentence for each.

    Raises
    ------
    BadInputError
        The catalog can't be read by the model, or pools exceed the objects.
    """
    test = embedded_part(embedder, catalog, rows)
    notes = [
        f"{int((~there).sum()):,} of {len(there):,} objects have no embedding {name}: nothing of it was observed."
        for name, (_, there) in test.vectors.items()
        if not there.all()
    ]
    retrieved = None
    if {"image", "spectrum"} <= set(test.vectors):
        retrieved = retrieve(test, pool=pool)
        notes += retrieved.notes
    elif pool is not None:
        raise BadInputError(
            f"retrieval needs an image and a spectrum and the model embeds {', '.join(test.vectors)} only"
        )
    probed: dict[str, Probed] = {}
    others: dict[str, dict[str, Probed]] = {}
    if reference is not None:
        train, held = (embedded_part(embedder, reference.catalog, reference.rows[part]) for part in _PARTS)
        names = [name for name in test.vectors if name in train.vectors and name in held.vectors]
        probed = {name: probe_embedding(name, train, held, test) for name in names}
        notes += _together([found.notes for found in probed.values()])
        if baselines:
            learned, chosen = ((reference.catalog, part.objects) for part in (train, held))
            others, told = baseline_probes(embedder, learned, chosen, (catalog, test.objects))
            notes += told
    elif baselines:
        notes.append("Baselines learn from labels, and there are none to learn from.")
    if not any(found.found for found in probed.values()) and (retrieved is None or not retrieved.places):
        raise BadInputError(
            f"{catalog.path}: there is nothing to score, no pairs of image and spectrum and no labels; "
            "take objects that have one of them"
        )
    results = alignment_results(embedder.model.config.name, test, probed, retrieved, others)
    return results, notes


def _together(notes: Sequence[Sequence[str]]) -> list[str]:
    """Each sentence once."""
    return list(dict.fromkeys(note for group in notes for note in group))
