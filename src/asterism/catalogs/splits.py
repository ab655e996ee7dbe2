"""Named splits: which source serves training, validation, calibration or the test, kept in ``splits/NAME.parquet``.

All observations of a source are in one part. The file has the columns ``object_id``, ``source_id``, ``part``, ``fold``,
and how it was made as JSON in its schema's metadata. Rows that ``where`` leaves out are not in it.

With K folds, ``fold`` is 0 … K-1 and a further column ``otherwise`` says which part a source plays while its fold is
not the test fold; ``part`` is the case of fold 0 tested. The case of fold k is ``read_split(…, fold=k)``; wherever a split is
named it is ``NAME@k``, as in ``train --split cv@2``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asterism.catalogs.allocation import deal_folds, deal_fractions, deal_tiles, generator
from asterism.catalogs.hats_layout import spatial_index
from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError, ConfigurationError, OutputError, unknown_name

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["DEFAULT_FRACTIONS", "PARTS", "make_split", "read_split", "split_made_by"]

PARTS = ("train", "validation", "calibration", "test")
"""Names of parts; calibration serves temperature, conformal thresholds and p(z) width and nothing else."""

DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.7, "validation": 0.1, "calibration": 0.1, "test": 0.1}

_METADATA = b"asterism_split"
_SPATIAL_ORDER = 29


def make_split(
    catalog: Catalog,
    name: str,
    *,
    by: str = "source",
    order: int | None = None,
    fractions: Mapping[str, float] | None = None,
    stratify: str = "auto",
    folds: int | None = None,
    where: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> pa.Table:
    """Split a catalog's sources into parts and keep the split in the catalog under a name.

    The result depends on the sources' ids and labels, not on the order of the rows.

    Parameters
    ----------
    catalog : Catalog
    name : str
        Letters, digits, ``_``, ``-`` and ``.``.
    by : {"source", "tile"}
        Deal out single sources, or whole HEALPix tiles (a source belongs to the tile of its first observation).
    order : int, optional
        HEALPix order of the tiles, 0 to 12; default 5 (1.8° wide).
    fractions : mapping of str to float, optional
        Part → fraction of the sources, sum 1; default .7, .1, .1, .1. With folds, the test part is a fold and the
        others share the rest in proportion.
    stratify : str
        A column whose every value is dealt out separately, ``"none"``, or ``"auto"``: class where there is one. A
        source has the value of its first observation with a clean label. Sources without a value are a stratum.
    folds : int, optional
        Number of folds.
    where : str, optional
        Only rows that meet this condition.
    seed : int
    overwrite : bool
        Replace a split of that name that was made otherwise.

    Returns
    -------
    pyarrow.Table
        ``object_id``, ``source_id``, ``part`` (string), ``fold`` (int32, null without folds), in the catalog's order.

    Raises
    ------
    ConfigurationError
        If an argument does not fit.
    BadInputError
        If a class (or the number of tiles) is too small to be in every part, or no row is left.
    OutputError
        If there is a split of that name that was made otherwise.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
        raise ConfigurationError(f"split name {name!r} may hold only letters, digits, '_', '-' and '.'")
    parts = _check_fractions(fractions or DEFAULT_FRACTIONS, folds)
    order = _check_by(catalog, by, order)
    stratify = _check_stratify(catalog, stratify, by)
    how = {
        "by": by,
        "order": order,
        "fractions": parts,
        "stratify": stratify,
        "folds": folds,
        "where": where,
        "seed": seed,
        "fingerprint": catalog.fingerprint,
    }
    there = _find(catalog, name)
    if there is not None:
        before = _made_by(there)
        if before == how:
            return read_split(catalog, name)
        if not overwrite:
            changed = [key for key in how if before.get(key) != how[key]]
            raise OutputError(
                f"split {name!r} exists in {catalog.path} and was made otherwise ({', '.join(changed)});"
                " take another name or --overwrite"
            )
    table = _split_rows(catalog, how)
    path = _path(catalog, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        pq.write_table(table.replace_schema_metadata({_METADATA: json.dumps(how, sort_keys=True).encode()}), partial)
    return read_split(catalog, name)


def read_split(catalog: Catalog, name: str, *, fold: int | None = None) -> pa.Table:
    """A split of a catalog or of its parent.

    Parameters
    ----------
    catalog : Catalog
    name : str
        ``NAME@k`` is split NAME with fold k tested.
    fold : int, optional
        With folds: the fold that is the test part.

    Returns
    -------
    pyarrow.Table
        ``object_id``, ``source_id``, ``part``, ``fold``.

    Raises
    ------
    ConfigurationError
        If there is no such split or fold.
    BadInputError
        If the file can't be read.
    """
    if "@" in name and fold is None:  # no split has an @ in its name
        name, number = _fold_of(name)
        return read_split(catalog, name, fold=number)
    path = _find(catalog, name)
    if path is None:
        raise ConfigurationError(f"{catalog.path}: {unknown_name('split', name, _names(catalog))}")
    try:
        # One file, never a data set: a folder name such as part=1 must not become a column.
        table = pq.ParquetFile(path).read().replace_schema_metadata(None)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInputError(f"{path} can't be read as a split ({error}); make it again with asterism split") from None
    missing = {"object_id", "source_id", "part", "fold"} - set(table.column_names)
    if missing:
        raise BadInputError(f"{path} is no split: it lacks the column {min(missing)!r}; make it with asterism split")
    if fold is not None:
        if "otherwise" not in table.column_names:
            raise ConfigurationError(f"split {name!r} was made without folds; make one with --folds K")
        count = pc.max(table["fold"]).as_py() + 1
        if not 0 <= fold < count:
            raise ConfigurationError(f"split {name!r} has folds 0 to {count - 1}, not {fold}")
        tested = pc.equal(table["fold"], fold)
        part = pc.if_else(tested, "test", table["otherwise"])
        table = table.set_column(table.column_names.index("part"), "part", part)
    return table.select(["object_id", "source_id", "part", "fold"])


def split_made_by(catalog: Catalog, name: str) -> dict[str, Any]:
    """How a split was made: the arguments of `make_split` and the catalog's fingerprint of that time."""
    path = _find(catalog, name)
    if path is None:
        raise ConfigurationError(f"{catalog.path}: {unknown_name('split', name, _names(catalog))}")
    return _made_by(path)


def _fold_of(name: str) -> tuple[str, int]:
    """A split's name and fold from ``NAME@k``."""
    split, _, number = name.rpartition("@")
    if not re.fullmatch(r"[0-9]{1,6}", number):
        raise ConfigurationError(f"split {name!r} does not name a fold; write its number after the @, e.g. {split}@0")
    return split, int(number)


def _path(catalog: Catalog, name: str) -> Path:
    return Path(catalog.path) / "splits" / f"{name}.parquet"


def _chain(catalog: Catalog) -> list[Catalog]:
    chain, link = [], catalog
    while link is not None:
        chain.append(link)
        link = link.parent  # type: ignore[assignment]
    return chain


def _find(catalog: Catalog, name: str) -> Path | None:
    if Path(name).name != name:
        return None
    return next((path for link in _chain(catalog) if (path := _path(link, name)).is_file()), None)


def _names(catalog: Catalog) -> set[str]:
    return {path.stem for link in _chain(catalog) for path in _path(link, "any").parent.glob("*.parquet")}


def _made_by(path: Path) -> dict[str, Any]:
    try:
        metadata = pq.read_schema(path).metadata or {}
        return dict(json.loads(metadata.get(_METADATA, b"{}")))
    except (OSError, pa.ArrowInvalid, ValueError):
        return {}


def _check_fractions(fractions: Mapping[str, float], folds: int | None) -> dict[str, float]:
    for part, fraction in fractions.items():
        if part not in PARTS:
            raise ConfigurationError(unknown_name("part", part, PARTS))
        if not (math.isfinite(fraction) and fraction >= 0):
            raise ConfigurationError(f"the fraction of part {part!r} is {fraction}; it must be from 0 to 1")
    total = math.fsum(fractions.values())
    if abs(total - 1) > 1e-6:
        raise ConfigurationError(f"the fractions sum to {total:g}, not 1; give every part, such as train=.8,test=.2")
    if folds is not None and folds < 2:
        raise ConfigurationError(f"{folds} folds can't be made; use 2 or more")
    kept = {part: float(fractions[part]) for part in PARTS if fractions.get(part, 0) > 0}
    if folds is not None and set(kept) == {"test"}:
        raise ConfigurationError("with folds the test part is a fold; give fractions of train and the other parts too")
    return kept


def _check_by(catalog: Catalog, by: str, order: int | None) -> int | None:
    if by not in ("source", "tile"):
        raise ConfigurationError(unknown_name("kind of split", by, ("source", "tile")))
    if by == "source":
        if order is not None:
            raise ConfigurationError("an order is that of sky tiles; use it with --by tile")
        return None
    if not catalog.placed:
        raise BadInputError(f"{catalog.path} has no positions and can't be split by tile; split it by source")
    order = 5 if order is None else order
    if not 0 <= order <= 12:
        raise ConfigurationError(f"tiles of order {order} can't be made; use 0 to 12")
    return order


def _check_stratify(catalog: Catalog, stratify: str, by: str) -> str:
    if by == "tile":
        if stratify not in ("auto", "none"):
            raise ConfigurationError("whole tiles can't be stratified; leave --stratify out or split by source")
        return "none"
    names = catalog.schema.names
    if stratify == "auto":
        return "class" if "class" in names else "none"
    if stratify == "none":
        return stratify
    usable = [n for n in names if _is_category(catalog.schema.field(n).type)]
    if stratify not in usable:
        raise ConfigurationError(unknown_name("column to stratify by", stratify, [*usable, "none"]))
    return stratify


def _is_category(type_: pa.DataType) -> bool:
    types = pa.types
    return types.is_string(type_) or types.is_large_string(type_) or types.is_integer(type_) or types.is_boolean(type_)


def _split_rows(catalog: Catalog, how: dict[str, Any]) -> pa.Table:
    """Part and fold of every row that the condition keeps."""
    by_tile, stratify = how["by"] == "tile", how["stratify"]
    wanted = ["object_id", "source_id", *(["ra", "dec"] if by_tile else [])]
    if stratify != "none":
        wanted += [n for n in (stratify, "label_warning") if n in catalog.schema.names]
    table = catalog.read(list(dict.fromkeys(wanted)), where=how["where"])
    if not len(table):
        raise BadInputError(f"{catalog.path}: no row meets {how['where']!r}, so there is nothing to split")
    table = table.combine_chunks()
    names, code, rows = _sources(table)
    if by_tile:
        part, fold, otherwise = _by_tile(table, code, rows, how, catalog)
    else:
        labels = _labels(table, stratify, names, code, rows)
        part, fold, otherwise = _by_source(labels, how, catalog)
    columns = {
        "object_id": table["object_id"],
        "source_id": table["source_id"],
        "part": pa.array(part[code], pa.string()),
    }
    columns["fold"] = pa.nulls(len(table), pa.int32()) if fold is None else pa.array(fold[code], pa.int32())
    if otherwise is not None:
        columns["otherwise"] = pa.array(otherwise[code], pa.string())
    return pa.table(columns)


def _sources(table: pa.Table) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Sources in order of name, the source of each row, and the rows in order of object_id."""
    encoded = pc.dictionary_encode(table["source_id"].combine_chunks())
    if encoded.null_count:
        row = int(np.flatnonzero(np.asarray(encoded.is_null()))[0])
        raise BadInputError(f"object {table['object_id'][row].as_py()!r} has no source_id; write the catalog again")
    by_name = np.asarray(pc.sort_indices(encoded.dictionary))
    rank = np.empty(len(by_name), dtype=np.int64)
    rank[by_name] = np.arange(len(by_name))
    rows = np.asarray(pc.sort_indices(table["object_id"].combine_chunks())).astype(np.int64)
    return encoded.dictionary.take(pa.array(by_name)).to_pylist(), rank[np.asarray(encoded.indices)], rows


def _labels(table: pa.Table, stratify: str, names: list[str], code: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each source's value of the stratifying column: that of its first clean row, else of its first labelled one."""
    found = np.full(len(names), None, dtype=object)
    if stratify == "none":
        return found
    values = np.array(pc.cast(table[stratify], pa.string()).to_pylist(), dtype=object)
    clean = np.ones(len(table), dtype=bool)
    if "label_warning" in table.column_names:
        clean = np.asarray(pc.fill_null(pc.equal(table["label_warning"], 0), True).combine_chunks()).astype(bool)
    labelled = np.array([value is not None for value in values], dtype=bool)
    rows = rows[labelled[rows]]
    rows = rows[np.argsort(~clean[rows], kind="stable")]
    sources, first = np.unique(code[rows], return_index=True)
    found[sources] = values[rows[first]]
    return found


def _by_source(
    labels: np.ndarray, how: dict[str, Any], catalog: Catalog
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    fractions, folds, stratify = how["fractions"], how["folds"], how["stratify"]
    part = np.empty(len(labels), dtype=object)
    fold = None if folds is None else np.empty(len(labels), dtype=np.int32)
    otherwise = None if folds is None else np.empty(len(labels), dtype=object)
    strata: list[str | None] = [*sorted({value for value in labels if value is not None})]
    strata += [None] if any(value is None for value in labels) else []
    for stratum in strata:
        members = np.flatnonzero([value == stratum for value in labels])
        # Objects without a label may be few: nothing is learned or scored by their class.
        must_fill = stratum is not None or stratify == "none"
        if must_fill and len(members) < max(len(fractions), folds or 0):
            raise BadInputError(_too_small(stratum, len(members), how, catalog))
        shuffled = generator(how["seed"], f"{stratify}={stratum}").permutation(len(members)).astype(np.int64)
        if fold is None or otherwise is None:
            part[members] = deal_fractions(shuffled, fractions, int(must_fill))
        else:
            fold[members], otherwise[members] = deal_folds(shuffled, folds, _rest(fractions))
            part[members] = np.where(fold[members] == 0, "test", otherwise[members])
    return part, fold, otherwise


def _too_small(stratum: str | None, n: int, how: dict[str, Any], catalog: Catalog) -> str:
    into = f"{how['folds']} folds" if how["folds"] else f"{len(how['fractions'])} parts ({', '.join(how['fractions'])})"
    if stratum is None:
        return f"{catalog.path} has {n} sources, too few for {into}; use fewer parts or more data"
    column = how["stratify"]
    return (
        f"{column} {stratum!r} of {catalog.path} has {n} sources, too few for {into};"
        f" leave it out with --where \"{column} <> '{stratum}'\" or use --stratify none"
    )


def _rest(fractions: Mapping[str, float]) -> dict[str, float]:
    rest = {part: fraction for part, fraction in fractions.items() if part != "test"}
    total = math.fsum(rest.values())
    return {part: fraction / total for part, fraction in rest.items()}


def _by_tile(
    table: pa.Table, code: np.ndarray, rows: np.ndarray, how: dict[str, Any], catalog: Catalog
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Parts of sources by the tile of the first row of each."""
    _, first = np.unique(code[rows], return_index=True)
    head = rows[first]
    index = spatial_index(np.asarray(table["ra"])[head], np.asarray(table["dec"])[head])
    tiles, tile_of = np.unique(index >> (2 * (_SPATIAL_ORDER - how["order"])), return_inverse=True)
    weights = np.bincount(tile_of)
    fractions, folds = how["fractions"], how["folds"]
    needed = max(len(fractions), folds or 0)
    if len(tiles) < needed:
        raise BadInputError(
            f"{catalog.path} covers {len(tiles)} tiles of order {how['order']}, too few for {needed} parts;"
            " use a higher --order or split by source"
        )
    shuffled = generator(how["seed"], "tiles").permutation(len(tiles)).astype(np.int64)
    if folds is None:
        return deal_tiles(shuffled, weights, fractions)[tile_of], None, None
    numbers = deal_tiles(shuffled, weights, {str(k): 1 / folds for k in range(folds)}).astype(np.int32)
    again = generator(how["seed"], "tiles otherwise").permutation(len(tiles)).astype(np.int64)
    otherwise = deal_tiles(again, weights, _rest(fractions))
    return np.where(numbers == 0, "test", otherwise)[tile_of], numbers[tile_of], otherwise[tile_of]
