"""The public MargNet arrays (doi 10.5281/zenodo.6659435) as the paper's catalogs and splits.

Files are looked for under ``DIR/Experiment N/dataset``, as the archive has them, and in ``DIR`` itself:

============  ===============================================================================================
experiment 1  ``paperDF.csv`` (first column the object id; the 24 features and ``class`` by name),
              ``paperobjlist.npy`` (N,), ``paperX.npy`` (N, 32, 32, 5): 239,999 compact objects
experiment 2  ``dnnx_v2.npy`` (N, 24), ``objlist_v2.npy`` or ``objlist_exp2.npy`` (N,), ``X_v2.npy``,
              ``y_v2.npy`` (N,) class names as plain text: 149,996 faint and compact objects
experiment 3  ``dnnx_sg_exp3.npy``, ``objlist_sg_exp3.npy``, ``X_sg_exp3.npy``, ``y_sg_exp3.npy`` (one-hot), and the
              same with ``sgq``: the test objects
============  ===============================================================================================

Splits are theirs: ``train_test_split`` of scikit-learn with seed 42, twice, on the rows in order (for star and galaxy,
after quasars have been left out). Half of their validation part is our calibration part, which they have no need of.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.experiments import CLASS_SETS
from asterism.papers.reproduction import Progress

__all__ = ["TEST_SHARES", "public_data", "published_parts"]


TEST_SHARES = {"compact": (0.125, 0.1428), "faint": (0.1, 0.1111111)}
"""``test_size`` of the first and the second call of ``train_test_split`` in MargNet's notebooks."""

_SEED = 42
_BANDS = "ugriz"
_SIDE = 32
_MISPLACED = 2
_FOLDERS = {"compact": "Experiment 1", "faint": "Experiment 2", "sg": "Experiment 3", "sgq": "Experiment 3"}
_SPLIT_METADATA = b"asterism_split"


def public_data(directory: Path, out: Path, *, progress: Progress | None = None) -> PaperData:
    """Make the catalogs and splits of the public arrays, or take those that are there.

    Parameters
    ----------
    directory : Path
        Holds the arrays.
    out : Path
        ``catalogs`` and, for what had to be converted, ``arrays`` are made in it.
    progress : callable, optional
        Told the catalog's name, rows done and all of them.

    Returns
    -------
    PaperData

    Raises
    ------
    BadInputError
        An array is missing, of another size, or its bands are in another order.
    """
    from asterism.surveys.margnet import ingest_margnet

    if not directory.is_dir():
        raise BadInputError(f"{directory} is not a directory; give --data the one with MargNet's arrays")
    sources = {
        "compact": _compact(directory, out),
        "faint": _faint(directory, out),
        **{class_set: _given(directory, out, class_set) for class_set in CLASS_SETS},
    }
    catalogs: dict[str, Catalog] = {}
    for name, folder in sources.items():

        def tell(done: int, total: int, name: str = name) -> None:
            if progress is not None:
                progress(name, done, total)

        _check_images(folder, name)
        place = out / "catalogs" / (name if name in TEST_SHARES else f"experiment3-{name}")
        catalogs[name] = ingest_margnet(folder, place, name=name, progress=tell)
    for name in TEST_SHARES:
        for class_set in CLASS_SETS:
            _keep_split(catalogs[name], name, class_set)
    return PaperData(
        "public",
        {name: catalogs[name].path for name in TEST_SHARES},
        {class_set: f"margnet-{class_set}" for class_set in CLASS_SETS},
        {class_set: catalogs[class_set].path for class_set in CLASS_SETS},
        {name: catalog.fingerprint for name, catalog in catalogs.items()},
    )


def published_parts(n: int, shares: tuple[float, float]) -> NDArray[np.object_]:
    """The part of each of n rows, as MargNet's notebooks draw them.

    Parameters
    ----------
    n : int
    shares : tuple of float
        One of `TEST_SHARES`.

    Returns
    -------
    ndarray of str, shape (n,)
        ``train``, ``test``; their validation rows in turn ``validation`` and ``calibration``.
    """
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(np.arange(n), test_size=shares[0], random_state=_SEED)
    train, validation = train_test_split(rest, test_size=shares[1], random_state=_SEED)
    parts = np.empty(n, dtype=object)
    parts[train], parts[test] = "train", "test"
    parts[validation[::2]], parts[validation[1::2]] = "validation", "calibration"
    return parts


def _keep_split(catalog: Catalog, name: str, class_set: str) -> None:
    """Store MargNet's split of a class set in the catalog; rows of other classes are not in it."""
    split = f"margnet-{class_set}"
    if split in catalog.split_names():
        return
    table = catalog.read(["object_id", "source_id", "class"])
    kept = np.isin(np.array(table["class"].to_pylist(), dtype=object), CLASS_SETS[class_set])
    table = table.filter(pa.array(kept))
    parts = published_parts(len(table), TEST_SHARES[name])
    columns = {
        "object_id": table["object_id"].cast(pa.string()),
        "source_id": table["source_id"].cast(pa.string()),
        "part": pa.array(parts, pa.string()),
        "fold": pa.nulls(len(table), pa.int32()),
    }
    how = {"by": "train_test_split", "test_size": TEST_SHARES[name], "seed": _SEED, "fingerprint": catalog.fingerprint}
    with atomic_write(catalog.path / "splits" / f"{split}.parquet") as partial:
        split_table = pa.table(columns).replace_schema_metadata({_SPLIT_METADATA: json.dumps(how).encode()})
        pq.write_table(split_table, partial)


def _find(directory: Path, set_name: str, *names: str) -> Path:
    for folder in (directory / _FOLDERS[set_name] / "dataset", directory):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    raise BadInputError(
        f"{directory} has no {' or '.join(names)} (looked there and in {_FOLDERS[set_name]}/dataset);"
        " fetch the whole archive, doi 10.5281/zenodo.6659435"
    )


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise BadInputError(
                f"{path} holds Python objects, which are never unpickled here, since that may run code;"
                " if you trust where it is from, save it once as plain text with"
                " np.save(file, np.load(file, allow_pickle=True).astype(str))"
            ) from error
        raise BadInputError(f"can't read {path} as a NumPy array ({error}); fetch the file again") from error


def _staged(out: Path, name: str) -> Path:
    folder = out / "arrays" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link(target: Path, link: Path) -> None:
    if link.is_symlink():
        link.unlink()
    os.symlink(target.resolve(), link)


def _save(path: Path, array: np.ndarray) -> None:
    with atomic_write(path) as partial, partial.open("wb") as file:
        np.save(file, array)


def _one_hot(names: np.ndarray, path: Path) -> np.ndarray:
    from asterism.surveys.margnet import CLASS_ORDER

    order = np.array(CLASS_ORDER[3])
    matrix = names.astype(str)[:, None] == order
    if not matrix.any(axis=1).all():
        other = names.astype(str)[~matrix.any(axis=1)][0]
        raise BadInputError(
            f"{path} has the class {other!r}, which is none of {', '.join(order)}; fetch the file again"
        )
    return matrix.astype(np.float32)


def _compact(directory: Path, out: Path) -> Path:
    """Experiment 1's table and images, row by row as its list of objects has them."""
    import pandas as pd

    from asterism.surveys.margnet import FEATURES

    table_file, ids_file = _find(directory, "compact", "paperDF.csv"), _find(directory, "compact", "paperobjlist.npy")
    images, folder = _find(directory, "compact", "paperX.npy"), _staged(out, "compact")
    ids = np.asarray(_load(ids_file)).astype(np.int64)
    try:
        frame = pd.read_csv(
            table_file, index_col=0, usecols=lambda name: name in {*FEATURES, "class"} or name in _INDEX
        )
        frame = frame[~frame.index.duplicated()].loc[ids]
        features, names = frame[list(FEATURES)].to_numpy(np.float64), frame["class"].to_numpy(dtype=str)
    except (KeyError, ValueError, pd.errors.ParserError) as error:
        raise BadInputError(
            f"{table_file} lacks objects of {ids_file.name} or columns of the 24 features and 'class'"
            f" ({' '.join(str(error).split())[:120]}); fetch both files again"
        ) from error
    _save(folder / "dnnx_compact.npy", features)
    _save(folder / "y_compact.npy", _one_hot(names, table_file))
    _save(folder / "objlist_compact.npy", ids)
    _link(images, folder / "X_compact.npy")
    return folder


_INDEX = {"", "Unnamed: 0", "objid", "objID", "objId"}


def _faint(directory: Path, out: Path) -> Path:
    folder = _staged(out, "faint")
    labels = _find(directory, "faint", "y_v2.npy")
    _save(folder / "y_faint.npy", _one_hot(np.asarray(_load(labels)), labels))
    _link(_find(directory, "faint", "dnnx_v2.npy"), folder / "dnnx_faint.npy")
    _link(_find(directory, "faint", "objlist_v2.npy", "objlist_exp2.npy"), folder / "objlist_faint.npy")
    _link(_find(directory, "faint", "X_v2.npy"), folder / "X_faint.npy")
    return folder


def _given(directory: Path, out: Path, class_set: str) -> Path:
    folder = _staged(out, f"experiment3-{class_set}")
    for kind in ("dnnx", "y", "objlist", "X"):
        short = (f"{kind}_{class_set}.npy",) if kind in ("dnnx", "y") else ()
        _link(_find(directory, class_set, f"{kind}_{class_set}_exp3.npy", *short), folder / f"{kind}_{class_set}.npy")
    return folder


def _check_images(folder: Path, name: str) -> None:
    """Refuse images of another size, or whose bands are not those of the magnitudes, before hours are spent on them."""
    path = folder / f"X_{name}.npy"
    images, features = _load(path), _load(folder / f"dnnx_{name}.npy")
    where = path.resolve()
    shape = images.shape
    if images.ndim != 4 or sorted(shape[1:]) != [len(_BANDS), _SIDE, _SIDE] or shape[2] != _SIDE:
        raise BadInputError(
            f"{where} must hold images of {_SIDE}x{_SIDE} pixels in {len(_BANDS)} bands (it has shape {shape})"
        )
    if len(images) != len(features):
        raise BadInputError(f"{where} has {len(images)} images where the features have {len(features)} rows")
    sample = np.unique(np.linspace(0, len(images) - 1, 2000).astype(int))
    stamps = np.asarray(images[sample], dtype=float)
    stamps = stamps if shape[1] == len(_BANDS) else np.moveaxis(stamps, 3, 1)
    dered, extinction = np.asarray(features[sample])[:, 0:20:4], np.asarray(features[sample])[:, 3:20:4]
    light = np.log10(np.clip(np.nansum(stamps, axis=(2, 3)), 1e-3, None))
    told = 0.4 * (22.5 - dered - extinction)
    # An image has one brightness in all bands and colours between them: only colours tell which band is which.
    light, told = (x - x.mean(axis=1, keepdims=True) for x in (light, told))
    bright = (np.asarray(features[sample])[:, 8] < np.nanmedian(np.asarray(features[sample])[:, 8])) & np.isfinite(
        told
    ).all(1)
    apart = np.nanmedian(np.abs(light[bright][:, :, None] - told[bright][:, None, :]), axis=0)
    nearest = apart.argmin(axis=1)
    # Neighbouring bands can be alike; two that fit another place twice as well are no chance.
    if (apart.diagonal() > 2 * apart.min(axis=1)).sum() >= _MISPLACED:
        order = "".join(_BANDS[k] for k in nearest)
        raise BadInputError(
            f"{where} has its bands in the order {order} by their brightness, not {_BANDS}; reorder its bands"
        )
