"""From a saved model to embeddings: what a trained network makes of objects, as vectors of unit length."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from asterism.catalogs.columns import PREDICTIONS
from asterism.catalogs.embeddings import embedding_array, embedding_field
from asterism.errors import ConfigurationError
from asterism.models.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

    from asterism.catalogs.groups import Group

__all__ = ["Embedder", "Reader", "Vectors"]

#: Objects in memory as tensors at once, by whether the model reads stamps; spectra bound it further.
_BATCH = {False: 16_384, True: 256}

Vectors = dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""Embeddings of n objects by name: values (n, E) of unit length, zeros where absent, and present (n,)."""


class Embedder:
    """A trained model, ready to embed.

    Parameters
    ----------
    model : Model
        Standardised; any model, also one without labels.
    directory : Path, optional
        Where it was loaded from.

    Examples
    --------
    >>> reader = Embedder.from_pretrained("run").reader(catalog.schema, "the sky")  # doctest: +SKIP
    >>> reader.embed_table(catalog.read(reader.column_names))["joint"]  # doctest: +SKIP
    """

    def __init__(self, model: Model, directory: Path | None = None) -> None:
        self.model = model.eval()
        self.directory = directory
        self.fingerprint = model.fingerprint

    @classmethod
    def from_pretrained(cls, directory: str | os.PathLike[str]) -> Embedder:
        """Load a run or model directory.

        Raises
        ------
        BadInputError
            If it is no model directory, or anything in it is missing, truncated or unfit.
        """
        return cls(Model.from_pretrained(Path(directory)), Path(directory))

    def reader(self, schema: pa.Schema, where: str, inputs: str | None = None) -> Reader:
        """What reads tables of this schema, or one sentence why there can't be any.

        Parameters
        ----------
        schema : pyarrow.Schema
            Of a catalog, with field metadata.
        where : str
            Its name, for the message.
        inputs : str, optional
            Groups for the model's roles, e.g. ``spectrum=spectrum_sdss``; for models that read any survey's.

        Raises
        ------
        BadInputError
            If the catalog is of another survey, band set or kind of flux than the model can read.
        ConfigurationError
            Several groups could serve a role.
        """
        model, bindings = self.model.inputs_for(schema, where, inputs)
        return Reader(model.eval(), bindings, schema, self.fingerprint)


class Reader:
    """A model bound to the groups of a catalog; made by `Embedder.reader`.

    Attributes
    ----------
    bindings : mapping of str to Group
        Role → group of the catalog.
    column_names : list of str
        Columns that it reads.
    lengths : dict of str to int
        The embeddings that it gives, and how long each is.
    """

    def __init__(self, model: Model, bindings: Mapping[str, Group], schema: pa.Schema, fingerprint: str) -> None:
        import pyarrow as pa

        self._model, self.bindings, self._fingerprint = model, bindings, fingerprint
        self.column_names = sorted({name for group in bindings.values() for name in group.columns})
        # One object of which nothing was observed tells the lengths, without reading any.
        fields = [schema.field(name) for name in self.column_names]
        nothing = pa.table([pa.nulls(1, field.type) for field in fields], schema=pa.schema(fields))
        self.lengths = {name: values.shape[1] for name, (values, _) in self.embed_table(nothing).items()}

    @property
    def batch_size(self) -> int:
        """Objects that are held as tensors at once."""
        inputs = self._model.config.inputs
        return inputs.at_once(_BATCH["image" in inputs.roles])

    @property
    def fields(self) -> list[pa.Field]:
        """The columns that `columns` gives."""
        about = next(field for field in PREDICTIONS["classification"] if field.name == "model_fingerprint")
        return [*(embedding_field(name, length, self._fingerprint) for name, length in self.lengths.items()), about]

    @torch.inference_mode()
    def embed(self, batch: Mapping[str, Any]) -> Vectors:
        """Embeddings of one batch of tensors, as `asterism.catalogs.stream` gives it.

        Raises
        ------
        ConfigurationError
            The model gives none.
        """
        outputs = self._model(batch)
        names = [name.removeprefix("embedding_") for name in outputs if name.startswith("embedding_")]
        if not names:
            raise ConfigurationError(f"model {self._model.config.name} gives no embedding; choose another model")
        return {
            name: (outputs[f"embedding_{name}"].float().numpy(), outputs[f"embedded_{name}"].numpy()) for name in names
        }

    def embed_table(self, table: pa.Table) -> Vectors:
        """Embeddings of the rows of an Arrow table (one row at least) that holds `column_names`."""
        from asterism.catalogs.stream import batch_from_table

        parts = [
            self.embed(batch_from_table(table.slice(start, self.batch_size), self.bindings))
            for start in range(0, len(table), self.batch_size)
        ]
        return {
            name: (np.concatenate([p[name][0] for p in parts]), np.concatenate([p[name][1] for p in parts]))
            for name in parts[0]
        }

    def columns(self, vectors: Vectors) -> pa.Table:
        """Embeddings as columns; null where absent or not finite."""
        import pyarrow as pa

        columns, n = [], 0
        for name in self.lengths:
            values, present = vectors[name]
            n = len(values)
            columns.append(embedding_array(values, present & np.isfinite(values).all(axis=1)))
        columns.append(pa.array([self._fingerprint] * n, pa.string()))
        return pa.table(columns, schema=pa.schema(self.fields))
