"""Batches of tensors from a catalog: every selected object exactly once per epoch, in an order that a seed fixes.

A stream holds row numbers and labels only; the measurements stay in the memory-mapped cache and are copied out batch by
batch. Epoch e under seed s always has the same order, so a stream that stopped after batch k of epoch e is resumed by
(e, k) alone.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.utils.data import IterableDataset, get_worker_info

from asterism.catalogs.blocks import Progress
from asterism.catalogs.cache import open_cache
from asterism.catalogs.lists import number_values
from asterism.catalogs.modalities import ready_arrays
from asterism.catalogs.roles import check_bindings
from asterism.catalogs.schema import CLASSES, Group
from asterism.catalogs.selection import select_rows
from asterism.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["Batch", "BatchDataset", "Stream", "batch_from_table"]

Batch = dict[str, Any]
"""Role → quantity → tensor, ``label`` → name → tensor, and ``row`` → tensor; see `Stream`."""

_LABELS = ("class", "redshift")


class Stream:
    """Batches of one selection of a catalog.

    A batch of B objects is a dictionary::

        batch["photometry"]["flux"]    (B, bands) float32, nanomaggy; 0 where ivar is 0
        batch["photometry"]["ivar"]    (B, bands) float32, nanomaggy^-2; 0 where not observed
        batch["photometry"][quantity]  (B, bands) or (B,) float32, NaN where unknown: extinction (mag), psf_fwhm and
                                       radius (arcsec), … whatever the group has
        batch["image"]["flux"]         (B, bands, y, x) float32, and ivar of the same shape or (B, bands, 1, 1)
        batch["spectrum"]["flux"]      (B, pixels) float32 and ivar, 1e-17 erg/s/cm2/Å or relative; 0 where not observed
        batch["spectrum2d"]["blue"]    (B, rows, pixels) float32 electrons and blue_ivar, 0 where not observed: an arm that
                                       an object lacks has inverse variance 0 everywhere; red and red_ivar likewise, of
                                       another length maybe; blue_sky and red_sky (NaN where unknown) where bound
        batch[role]["present"]         (B,) bool: whether the object has this modality
        batch["label"]["class"]        (B,) int64, index into `classes`; -1 where unknown or another class
        batch["label"]["redshift"]     (B,) float32; NaN where unknown
        batch["row"]                   (B,) int64, position in the catalog; ascending within a batch

    Parameters
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
        Role → group, from `asterism.catalogs.roles.bind_roles`.
    batch_size : int
        Objects in a batch; the last of an epoch may have fewer.
    split, part, where
        The selection, see `asterism.catalogs.selection.select_rows`.
    rows : numpy.ndarray, optional
        (n,) int64, ascending: the selection itself, where it was made before; in place of the three above.
    classes : sequence of str, optional
        Class names in the order of the indices; default STAR, GALAXY, QSO.
    shuffle : bool
        A new order in every epoch instead of the catalog's.
    seed : int
        Fixes the orders.
    drop_last : bool
        Leave out what does not fill a batch (another remainder in every epoch), so that every process of a
        distributed training has the same number of batches. Without it no object is left out.
    labels : sequence of str
        ``class``, ``redshift``, both or none.
    rank, world_size : int
        This process takes every `world_size`-th object of the epoch's order; see also `shard`.
    progress : callable, optional
        Called with (rows done, rows in all) while the cache is built.

    Attributes
    ----------
    rows : numpy.ndarray
        (n,) int64, ascending: the selected objects' positions in the catalog, over all processes.
    classes : tuple of str
        Class names in the order of the indices.

    Raises
    ------
    ConfigurationError
        If the bindings name anything but measurements, or an argument does not fit.
    BadInputError
        If the selection is empty.
    """

    def __init__(
        self,
        catalog: Catalog,
        bindings: Mapping[str, Group],
        *,
        batch_size: int,
        split: str | None = None,
        part: str | Sequence[str] | None = None,
        where: str | None = None,
        rows: np.ndarray | None = None,
        classes: Sequence[str] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        labels: Sequence[str] = _LABELS,
        rank: int = 0,
        world_size: int = 1,
        progress: Progress | None = None,
    ) -> None:
        check_bindings(bindings)
        _check_labels(labels)
        if batch_size < 1:
            raise ConfigurationError(f"batch_size is {batch_size}; it must be at least 1")
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.classes = tuple(classes) if classes is not None else CLASSES
        self.rows = select_rows(catalog, split=split, part=part, where=where) if rows is None else rows
        self._labels = _read_labels(catalog, self.rows, self.classes, labels)
        self._groups = open_cache(catalog, bindings, progress=progress)
        digest = hashlib.sha256(self.rows.tobytes() + catalog.fingerprint.encode())
        self._selection = digest.hexdigest()[:16]
        self._epoch = 0
        self._done = 0
        self._resume = 0
        self._share(rank, world_size)

    def _share(self, rank: int, world_size: int) -> None:
        if not 0 <= rank < world_size:
            raise ConfigurationError(
                f"rank {rank} is not one of {world_size} processes; it must be from 0 to {world_size - 1}"
            )
        total, size = len(self.rows), self.batch_size
        if total < world_size:
            raise ConfigurationError(
                f"{total} objects can't be shared among {world_size} processes; use fewer processes"
            )
        self.rank, self.world_size = rank, world_size
        self._objects = len(range(rank, total, world_size))
        if self.drop_last:
            self._batches = total // world_size // size
            if not self._batches:
                raise ConfigurationError(f"no batch of {size} can be filled from {total} objects; lower batch_size")
            self._objects = self._batches * size
            return
        # All processes should have equally many batches, or they would wait for each other for ever. Where this one has
        # an object less and so no remainder, its last batch lends one object to a batch more.
        self._batches = math.ceil(self._objects / size)
        most = math.ceil(math.ceil(total / world_size) / size)
        if self._batches < most and size > 1:
            self._batches = most

    @property
    def objects(self) -> int:
        """Number of objects that this process sees in an epoch."""
        return self._objects

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration gives, or that is under way."""
        return self._epoch

    def __len__(self) -> int:
        return self._batches

    def has(self, role: str) -> np.ndarray:
        """Which objects of the catalog, (rows of the catalog,) bool, have a role's modality."""
        return np.array(self._groups[role].arrays["present"])

    def shard(self, rank: int, world_size: int) -> Stream:
        """The same selection, seed and cache, seen by one of several processes.

        Over all ranks of an epoch every object comes exactly once. All ranks have the same number of batches, except
        with ``batch_size=1`` where some have one less unless `drop_last`.

        Parameters
        ----------
        rank : int
            From 0.
        world_size : int
            Number of processes.

        Returns
        -------
        Stream
            At the start of its epoch.
        """
        other = copy.copy(self)
        other._done = other._resume = 0
        other._share(rank, world_size)
        return other

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; the one that is under way keeps its place."""
        if epoch != self._epoch:
            self._epoch, self._done, self._resume = epoch, 0, 0

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over one epoch, from its start or from the place that `load_state_dict` set; then the next is due."""
        start, self._resume = self._resume, 0
        self._done = start
        return self._run(self._epoch, start)

    def _run(self, epoch: int, start: int) -> Iterator[Batch]:
        order = self._order(epoch)
        for index in range(start, self._batches):
            self._epoch, self._done = epoch, index + 1
            yield self._batch(order, index)
        self._epoch, self._done = epoch + 1, 0

    def _order(self, epoch: int) -> np.ndarray:
        """Positions in the selection, in the order in which this process takes them."""
        if not self.shuffle:
            return np.arange(self.rank, len(self.rows), self.world_size)
        # SeedSequence takes no negative entropy, and a seed may be negative.
        entropy = [abs(self.seed), int(self.seed < 0), epoch]
        return np.random.default_rng(entropy).permutation(len(self.rows))[self.rank :: self.world_size]

    def _batch(self, order: np.ndarray, index: int) -> Batch:
        begin, end = index * self.batch_size, min((index + 1) * self.batch_size, self._objects)
        if self._objects == (self._batches - 1) * self.batch_size:
            # The lent object of `_share`: the last two batches are one short and one object.
            end -= index == self._batches - 2
            begin -= index == self._batches - 1
        # Ascending rows are kinder to the disk, and their order within a batch teaches nothing.
        positions = np.sort(order[begin:end])
        rows = self.rows[positions]
        batch: Batch = {role: _tensors(group.take(rows)) for role, group in self._groups.items()}
        batch["label"] = {name: torch.from_numpy(values[positions]) for name, values in self._labels.items()}
        batch["row"] = torch.from_numpy(rows)
        return batch

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """The place in the stream, as what JSON can hold.

        Parameters
        ----------
        batches : int, optional
            How many batches of this epoch were used, where a loader has fetched more than that.

        Returns
        -------
        dict
            ``epoch``, ``batch`` (how many were given), and what must be the same when it is loaded.
        """
        return {"epoch": self._epoch, "batch": self._done if batches is None else batches, **self._identity()}

    def _identity(self) -> dict[str, Any]:
        names = ("batch_size", "shuffle", "seed", "drop_last", "world_size")
        return {**{name: getattr(self, name) for name in names}, "selection": self._selection}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to the place that `state_dict` gave: the next iteration yields the batches that remained.

        Parameters
        ----------
        state : mapping

        Raises
        ------
        ConfigurationError
            If the state is of a stream with another selection, seed or batch size.
        """
        for name, value in self._identity().items():
            if state.get(name) != value:
                raise ConfigurationError(
                    f"the stream's state is of another stream: its {name} is {state.get(name)!r}, here {value!r};"
                    " resume with the same settings or start anew"
                )
        epoch, batch = state.get("epoch"), state.get("batch")
        if not (isinstance(epoch, int) and isinstance(batch, int) and 0 <= batch <= self._batches):
            raise ConfigurationError(f"the stream's state has no place in it (epoch {epoch!r}, batch {batch!r})")
        self._epoch, self._done, self._resume = epoch, batch, batch

    def dataset(self) -> BatchDataset:
        """This stream for a torch ``DataLoader(stream.dataset(), batch_size=None, num_workers=…)``."""
        return BatchDataset(self)


class BatchDataset(IterableDataset):
    """A stream's batches shared among the workers of a DataLoader, which puts them in the stream's order again.

    The stream is not moved on by the workers' copies: call its `set_epoch` before each epoch, and give `state_dict`
    the number of batches used.

    Parameters
    ----------
    stream : Stream
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __len__(self) -> int:
        return len(self.stream) - self.stream._resume

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        return self.batches(0, 1) if info is None else self.batches(info.id, info.num_workers)

    def batches(self, worker: int, workers: int) -> Iterator[Batch]:
        """Every `workers`-th remaining batch of the stream's epoch, from the `worker`-th on."""
        stream = self.stream
        order = stream._order(stream.epoch)
        for index in range(stream._resume + worker, len(stream), workers):
            yield stream._batch(order, index)


def batch_from_table(table: pa.Table, bindings: Mapping[str, Group], classes: Sequence[str] | None = None) -> Batch:
    """One batch of all rows of a table in memory, the same tensors as a `Stream` gives.

    Parameters
    ----------
    table : pyarrow.Table
        Rows with the bound groups' columns; ``class`` and ``redshift`` where there are any.
    bindings : mapping of str to Group
    classes : sequence of str, optional
        Class names in the order of the indices; default STAR, GALAXY, QSO.

    Returns
    -------
    Batch
        As `Stream` describes; ``row`` counts the table's rows from 0.

    Raises
    ------
    BadInputError
        If a column is missing or has another shape.
    """
    check_bindings(bindings)
    batch: Batch = {role: _tensors(_single(ready_arrays(table, group), group)) for role, group in bindings.items()}
    labels = _labels_of(table, tuple(classes) if classes is not None else CLASSES, _LABELS)
    batch["label"] = _tensors(labels)
    batch["row"] = torch.arange(len(table))
    return batch


def _single(arrays: dict[str, np.ndarray], group: Group) -> dict[str, np.ndarray]:
    wanted = {n: np.ascontiguousarray(a[(slice(None), *group.parts.get(n, ()))]) for n, a in arrays.items()}
    return {n: a.astype(np.float32) if a.dtype == np.float16 else a for n, a in wanted.items()}


def _tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _check_labels(labels: Sequence[str]) -> None:
    for name in labels:
        if name not in _LABELS:
            raise ConfigurationError(unknown_name("label", name, _LABELS))


def _read_labels(
    catalog: Catalog, rows: np.ndarray, classes: Sequence[str], labels: Sequence[str]
) -> dict[str, np.ndarray]:
    if not labels:
        return {}
    columns = [name for name in labels if name in catalog.schema.names]
    table = catalog.read(columns or ["object_id"])
    return {name: values[rows] for name, values in _labels_of(table, classes, labels).items()}


def _labels_of(table: pa.Table, classes: Sequence[str], labels: Sequence[str]) -> dict[str, np.ndarray]:
    found = {}
    for name in labels:
        column = table[name] if name in table.column_names else None
        if name == "class":
            values = np.full(len(table), -1, dtype=np.int64)
            if column is not None and len(table):
                names = pc.cast(column, pa.string())
                index = pc.fill_null(pc.index_in(names, value_set=pa.array(list(classes), pa.string())), -1)
                values = np.concatenate([np.asarray(chunk) for chunk in index.chunks]).astype(np.int64)
        else:
            values = np.full(len(table), np.nan, dtype=np.float32)
            if column is not None:
                values = number_values(column, np.float32)
        found[name] = values
    return found
