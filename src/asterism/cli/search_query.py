"""A file as what to search for: read as its survey's files are, embedded by the model that made the catalog's embedding."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asterism.errors import AsterismError, BadInputError, ConfigurationError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from asterism.catalogs.catalog import Catalog
    from asterism.inference.embedder import Embedder

__all__ = ["file_vector", "load_embedder"]

_A = {"spectrum": "a spectrum", "image": "an image"}
_SURVEYS = {"spectrum": ("sdss", "lamost", "desi"), "image": ("legacy",)}


def load_embedder(catalog: Catalog, name: str, run: Path | None) -> Embedder:
    """The model of a catalog's embedding: of the directory given, else where it was when the catalog was made.

    Raises
    ------
    BadInputError
        It is another model than made the embedding.
    ConfigurationError
        It is not where it was, and none is given.
    """
    from asterism.explore.search import searched_model
    from asterism.inference.embedder import Embedder

    fingerprint, recorded = searched_model(catalog, name)
    place = run or recorded
    if place is None or (run is None and not place.is_dir()):
        raise ConfigurationError(
            f"the model that embedded {catalog.path} (fingerprint {fingerprint[:12]}) is not where it was; "
            "give its directory with --model"
        )
    embedder = Embedder.from_pretrained(place)
    if embedder.fingerprint != fingerprint:
        raise BadInputError(
            f"{place} holds model {embedder.fingerprint[:12]} and {catalog.path} was embedded by {fingerprint[:12]}; "
            "give the directory of the latter with --model"
        )
    return embedder


def file_vector(embedder: Embedder, file: Path, kind: str, survey: str | None = None) -> NDArray[np.float32]:
    """Embedding (E,) of the one spectrum or image that a file holds.

    Parameters
    ----------
    embedder : Embedder
    file : Path
        A survey's own file.
    kind : str
        ``spectrum`` or ``image``.
    survey : str, optional
        Whose file it is; without it all that have such files are asked.

    Raises
    ------
    BadInputError
        The file is missing, can't be read, holds several objects, or nothing in it was observed.
    ConfigurationError
        The survey is not known, or the model gives no embedding of this kind.
    """
    if survey is not None and survey not in _SURVEYS[kind]:
        raise ConfigurationError(unknown_name(f"survey of {kind} files", survey, _SURVEYS[kind]))
    if not file.is_file():
        raise BadInputError(f"there is no file {file}; check the path")
    with tempfile.TemporaryDirectory(prefix="asterism-") as folder:
        catalog = _read(embedder, file, kind, [survey] if survey else list(_SURVEYS[kind]), Path(folder))
        reader = embedder.reader(catalog.schema, str(file))
        if kind not in reader.lengths:
            given = ", ".join(reader.lengths)
            raise ConfigurationError(f"the model gives no embedding of a single {kind} (it gives: {given})")
        values, present = reader.embed_table(catalog.read(reader.column_names))[kind]
    if not present[0]:
        raise BadInputError(f"nothing in {file} was observed that the model reads: all its pixels are masked")
    return values[0]


def _read(embedder: Embedder, file: Path, kind: str, surveys: list[str], folder: Path) -> Catalog:
    from asterism.surveys.doors import ingest_files

    reasons = []
    for survey in surveys:
        try:
            made = ingest_files(_door(embedder, survey), [file], folder / survey, workers=1)
        except AsterismError as error:
            reasons.append(f"{survey}: {str(error).replace(str(folder), '…')}")
            continue
        if not any(group.kind == kind for group in made.groups.values()) or not len(made):
            reasons.append(f"{survey}: no {kind} in it")
        elif len(made) > 1:
            raise BadInputError(f"{file} holds {len(made):,} objects; ingest and embed it, and search with --object")
        else:
            return made
    raise BadInputError(f"{file} can't be read as {_A[kind]} ({'; '.join(reasons)}); check the file, or ingest it")


def _door(embedder: Embedder, survey: str) -> Any:
    if survey == "sdss":
        from asterism.surveys.sdss import SdssDoor

        return SdssDoor(False)
    if survey == "lamost":
        from asterism.surveys.lamost import LamostDoor

        return LamostDoor()
    if survey == "desi":
        from asterism.surveys.desi import DesiDoor

        return DesiDoor()
    from asterism.surveys.legacy import LegacyDoor

    image = embedder.model.config.inputs.image
    return LegacyDoor() if image is None else LegacyDoor(image.shape[0])
