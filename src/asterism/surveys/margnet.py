"""``ingest margnet``: the arrays that MargNet (Chaini et al. 2023, MNRAS 518, 3123) was trained on.

A data set is a few NumPy files of one directory whose names end alike, such as ``sg_exp3``:

* ``dnnx_*``: (N, 24) floats, the columns of ``columns.txt``: for each of u, g, r, i, z the dereddened model magnitude
  (asinh), de Vaucouleurs radius, seeing (arcsec) and extinction; then four adjacent colours, of the magnitudes
  *without* extinction correction;
* ``y_*``: (N, K) one-hot classes. The repository numbers them in alphabetical order: GALAXY, STAR for two columns;
  GALAXY, QSO, STAR for three (its notebooks print this order beside the confusion matrices);
* ``objlist_*``: (N,) SDSS object ids, 64-bit integers;
* ``X_*``: (N, 32, 32, 5) or (N, 5, 32, 32) floats, where present: stamps in ugriz at 0.396 arcsec, taken to be in
  nanomaggies as SDSS publishes its frames. This is checked against the fluxes.

There are no positions and no errors: the catalog is unplaced, and inverse variances come from the published depth (of
images, from the sky in their borders). Files are memory-mapped and never unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.outputs import file_identity
from asterism.catalogs.schema import CLASSES, identity_fields, image_fields, label_fields
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.surveys.stamps.sky import sky_sigma
from asterism.surveys.tables.photometry import PhotometryDoor
from asterism.surveys.tables.table_map import PhotometryColumns
from asterism.surveys.tables.table_page import Complain
from asterism.surveys.tables.table_rows import fixed_lists

__all__ = ["CLASS_ORDER", "FEATURES", "ingest_margnet"]

BANDS = ("u", "g", "r", "i", "z")
FEATURES = (
    *(f"{name}_{band}" for band in BANDS for name in ("dered", "deVRad", "psffwhm", "extinction")),
    *("u_g", "g_r", "r_i", "i_z"),
)
"""Columns of ``dnnx_*`` where there is no ``columns.txt``."""

CLASS_ORDER = {2: ("GALAXY", "STAR"), 3: ("GALAXY", "QSO", "STAR")}
"""Classes of the columns of ``y_*``, by their number, as the MargNet repository orders them."""

_ROWS = 5_000
_PIXEL_SCALE = 0.396
_PHOTOMETRY = PhotometryColumns(
    bands=list(BANDS),
    magnitude="dered_{band}",
    system="asinh",
    dereddened=True,
    extinction="extinction_{band}",
    magnitude_type="model",
    psf_fwhm="psffwhm_{band}",
    radius="deVRad_{band}",
)


def ingest_margnet(
    directory: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Make a catalog from a directory of MargNet arrays.

    Parameters
    ----------
    directory : path
        Holds ``dnnx_NAME.npy`` and, where there are, ``y_NAME.npy``, ``objlist_NAME.npy``, ``X_NAME.npy``,
        ``columns.txt``.
    out : path
        The catalog's directory.
    name : str, optional
        Which data set, where the directory holds several.
    classes : sequence of str, optional
        Classes of the columns of ``y``, in order; `CLASS_ORDER` by default.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        Called with the rows done and their number.

    Returns
    -------
    Catalog
        Unplaced; observed fluxes (the extinction is put back) with ``extinction``, ``radius`` and ``psf_fwhm``;
        ``object_id`` and ``source_id`` are the SDSS object ids.

    Raises
    ------
    BadInputError
        Files are missing, damaged, of different lengths, or do not hold what they should.
    ConfigurationError
        `name` or `classes` do not fit.
    """
    data = _Arrays.open(_files(Path(directory), name), classes)
    used = [data.files[key] for key in sorted(data.files)]
    made_by = {"command": "ingest margnet", "files": [file.name for file in used], "classes": list(data.order)}
    inputs = {
        "command": "ingest margnet",
        "classes": list(data.order),
        "files": [file_identity(file) for file in used],
    }
    n = len(data.features)
    fields = data.fields()
    with CatalogWriter(out, fields, placed=False, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:

        def complain(row: int, reason: str) -> None:
            writer.quarantine(row, data.file, reason)

        for start in range(0, n if not writer.complete else 0, _ROWS):
            stop = min(start + _ROWS, n)
            table, numbers = data.rows(start, stop, fields, complain)
            writer.add(table, file=data.file, rows=numbers.tolist())
            if progress is not None:
                progress(stop, n)
    return open_catalog(writer.path)


@dataclass(frozen=True)
class _Arrays:
    """The arrays of one data set, memory-mapped, and what their columns are."""

    files: dict[str, Path]
    features: np.ndarray
    columns: list[str]
    ids: np.ndarray | None
    labels: np.ndarray | None
    order: tuple[str, ...]
    images: np.ndarray | None
    door: PhotometryDoor

    @classmethod
    def open(cls, files: dict[str, Path], classes: Sequence[str] | None) -> _Arrays:
        """Map the files and check that they fit each other."""
        features, columns = _features(files)
        n = len(features)
        ids = _array(files["objlist"], n) if "objlist" in files else None
        if ids is not None and (ids.ndim != 1 or ids.dtype.kind not in "iuUS"):
            raise BadInputError(
                f"{files['objlist']} must hold one integer id per row (it is {ids.dtype}, {ids.ndim}-D)"
            )
        labels = _array(files["y"], n) if "y" in files else None
        return cls(
            files=files,
            features=features,
            columns=columns,
            ids=ids,
            labels=labels,
            order=_class_order(labels, classes, files.get("y")),
            images=_images(files["X"], n) if "X" in files else None,
            door=PhotometryDoor.open(_PHOTOMETRY, "sdss", dust=False),
        )

    @property
    def file(self) -> str:
        """Name of the file whose rows are counted in quarantine."""
        return self.files["dnnx"].name

    def fields(self) -> list[pa.Field]:
        """Columns of the catalog."""
        fields = [field for field in identity_fields(placed=False) if field.name != "mjd"]
        fields += label_fields(["class", "label_source"]) if self.labels is not None else []
        fields += self.door.fields(self.file)
        if self.images is not None:
            stamps = image_fields(
                "sdss",
                BANDS,
                (self.images.shape[2], self.images.shape[3]),
                _PIXEL_SCALE,
                ivar_per_band=True,
                psf_fwhm=True,
                zero_point="sdss",
                provenance=self.files["X"].name,
            )
            fields += [field.with_metadata({**field.metadata, b"ivar_source": b"sky"}) for field in stamps]
        return fields

    def rows(self, start: int, stop: int, fields: list[pa.Field], complain: Complain) -> tuple[pa.Table, np.ndarray]:
        """Rows of the catalog from some rows of the arrays, and the number of each (the first is 1)."""
        numbers, n = np.arange(start, stop) + 1, stop - start
        block = np.array(self.features[start:stop], dtype=np.float64)
        cells = _finite({column: block[:, k] for k, column in enumerate(self.columns)}, numbers, complain)
        arrays = self.door.arrays(cells, None, numbers, complain)
        names = pa.nulls(n, pa.string())
        if self.ids is not None:
            names = pa.array([str(i) for i in self.ids[start:stop].astype(str).tolist()])
        made: dict[str, pa.Array] = {
            "object_id": names,
            "source_id": names,
            "survey": pa.repeat("sdss", n),
            "release": pa.repeat("DR16", n),
        }
        made |= {f"photometry_sdss_{quantity}": fixed_lists(array) for quantity, array in arrays.items()}
        if self.labels is not None:
            made["class"] = _classes(np.asarray(self.labels[start:stop]), self.order, numbers, complain)
            made["label_source"] = pa.repeat("SDSS spectroscopic pipeline", n)
        observed = (arrays["ivar"] > 0).any(axis=1)
        if self.images is not None:
            stamps = np.array(self.images[start:stop], dtype=np.float32)
            if start == 0:
                _check_nanomaggies(stamps, arrays["flux"], self.files["X"])
            flux, ivar = _stamps(stamps, numbers, complain)
            made["image_sdss_flux"], made["image_sdss_ivar"] = fixed_lists(flux), fixed_lists(ivar)
            made["image_sdss_psf_fwhm"] = fixed_lists(arrays["psf_fwhm"])
            observed |= (ivar > 0).any(axis=1)
        for k in np.flatnonzero(~observed):
            complain(int(numbers[k]), "nothing was observed in any band: the row is left out")
        table = pa.table([made[field.name] for field in fields], schema=pa.schema(fields))
        return table.filter(pa.array(observed)), numbers[observed]


def _files(directory: Path, name: str | None) -> dict[str, Path]:
    """Find the files of one data set."""
    if not directory.is_dir():
        raise BadInputError(f"{directory} is not a directory; give the one with MargNet's dnnx_*.npy in it")
    sets = {path.stem.removeprefix("dnnx_"): path for path in sorted(directory.glob("dnnx_*.npy"))}
    if not sets:
        raise BadInputError(f"{directory} holds no dnnx_*.npy, the features of a MargNet data set; check the path")
    if name is None and len(sets) > 1:
        raise ConfigurationError(f"{directory} holds several data sets; choose one with --name ({', '.join(sets)})")
    if name is None:
        name = next(iter(sets))
    if name not in sets:
        raise ConfigurationError(unknown_name("data set", name, sets))
    files = {"dnnx": sets[name]}
    for kind in ("y", "objlist", "X"):
        if (path := directory / f"{kind}_{name}.npy").exists():
            files[kind] = path
    if (path := directory / "columns.txt").exists():
        files["columns"] = path
    return files


def _array(path: Path, length: int | None = None) -> np.ndarray:
    """Map one .npy file; nothing in it is unpickled."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = (
            "it holds Python objects"
            if re.search("allow_pickle|Python objects", str(error))
            else " ".join(str(error).split())
        )
        raise BadInputError(f"can't read {path} as a NumPy array: {reason}; fetch the file again") from error
    if not isinstance(array, np.ndarray):
        raise BadInputError(f"{path} holds several arrays; a .npy file with one is needed")
    if length is not None and len(array) != length:
        raise BadInputError(f"{path} has {len(array)} rows where the features have {length}; they are of other sets")
    return array


def _features(files: dict[str, Path]) -> tuple[np.ndarray, list[str]]:
    """Map the features and name their columns."""
    path = files["dnnx"]
    features = _array(path)
    columns = list(FEATURES)
    if "columns" in files:
        try:
            columns = files["columns"].read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"can't read {files['columns']}: {error}") from error
    if features.ndim != 2 or features.dtype.kind != "f" or features.shape[1] != len(columns):
        raise BadInputError(
            f"{path} must be a float array of {len(columns)} columns, one per name (it is {features.dtype} of shape "
            f"{features.shape}); check columns.txt"
        )
    if not len(features):
        raise BadInputError(f"{path} has no rows; nothing can be made of an empty table")
    for column in FEATURES[:20]:
        if column not in columns:
            raise BadInputError(f"{files.get('columns', path)}: {unknown_name('column', column, columns)}")
    _check_colours(np.asarray(features[:_ROWS], dtype=np.float64), columns, path)
    return features, columns


def _check_colours(features: np.ndarray, columns: list[str], path: Path) -> None:
    """Refuse features whose colours are not those of their magnitudes: the columns are not what they are called."""
    cells = {column: features[:, k] for k, column in enumerate(columns)}
    for blue, red in pairwise(BANDS):
        if f"{blue}_{red}" not in cells:
            continue
        observed = [cells[f"dered_{band}"] + cells[f"extinction_{band}"] for band in (blue, red)]
        off = np.abs(observed[0] - observed[1] - cells[f"{blue}_{red}"])
        off = off[np.isfinite(off)]
        if len(off) and np.median(off) > 0.01:
            raise BadInputError(
                f"{path}: column {blue}_{red} is not the colour of the observed magnitudes (median difference "
                f"{np.median(off):.3g} mag), so the columns are in another order; correct columns.txt"
            )


def _finite(cells: dict[str, np.ndarray], rows: np.ndarray, complain: Complain) -> dict[str, np.ndarray]:
    for column, values in cells.items():
        for k in np.flatnonzero(np.isinf(values)):
            complain(int(rows[k]), f"{column} is infinite: the cell is taken as missing")
        values[np.isinf(values)] = np.nan
    return cells


def _class_order(labels: np.ndarray | None, classes: Sequence[str] | None, path: Path | None) -> tuple[str, ...]:
    if labels is None:
        if classes is not None:
            raise ConfigurationError("--classes names the columns of y_*.npy, and there is no such file")
        return ()
    if labels.ndim != 2 or labels.dtype.kind not in "fiub":
        raise BadInputError(f"{path} must hold one-hot classes, one column per class (it has shape {labels.shape})")
    width = labels.shape[1]
    if classes is None:
        if width not in CLASS_ORDER:
            raise ConfigurationError(f"{path} has {width} columns; say with --classes which class each one is")
        return CLASS_ORDER[width]
    for name in classes:
        if name not in CLASSES:
            raise ConfigurationError(unknown_name("class", name, CLASSES))
    if len(classes) != width or len(set(classes)) != width:
        raise ConfigurationError(f"--classes must name {width} different classes, the columns of {path}, in order")
    return tuple(classes)


def _classes(onehot: np.ndarray, order: tuple[str, ...], rows: np.ndarray, complain: Complain) -> pa.Array:
    clear = ((onehot == 0) | (onehot == 1)).all(axis=1) & (onehot.sum(axis=1) == 1)
    for k in np.flatnonzero(~clear):
        complain(int(rows[k]), "the class is not one-hot: the row stays, without a class")
    return pa.array([order[k] if c else None for k, c in zip(onehot.argmax(axis=1), clear, strict=True)], pa.string())


def _images(path: Path, length: int) -> np.ndarray:
    """Map the stamps as (N, 5, y, x)."""
    images = _array(path, length)
    if images.ndim == 4 and images.dtype.kind == "f":
        if images.shape[1] == len(BANDS):
            return images
        if images.shape[3] == len(BANDS):
            return np.moveaxis(images, 3, 1)
    raise BadInputError(
        f"{path} must be floats of shape (N, y, x, 5) or (N, 5, y, x), bands ugriz (it is {images.dtype} of shape "
        f"{images.shape})"
    )


def _check_nanomaggies(stamps: np.ndarray, flux: np.ndarray, path: Path) -> None:
    """Refuse stamps whose light is not that of the photometry: they have been rescaled."""
    bright = flux[:, 2] > 5.0
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.median(np.nansum(stamps[:, 2], axis=(1, 2))[bright] / flux[bright, 2]) if bright.any() else 1.0
    if not 0.3 < ratio < 3.0:
        raise BadInputError(
            f"{path} is not in nanomaggies: its r stamps hold {ratio:.3g} times the light of the r magnitudes; "
            "give stamps that have not been rescaled"
        )


def _stamps(stamps: np.ndarray, rows: np.ndarray, complain: Complain) -> tuple[np.ndarray, np.ndarray]:
    """Flux (n, 5, y, x) and one inverse variance per band (n, 5) from the sky; 0 where a stamp has a blank pixel."""
    sigma = sky_sigma(stamps)
    usable = np.isfinite(stamps).all(axis=(2, 3)) & np.isfinite(sigma)
    for k, b in zip(*np.nonzero(~usable), strict=True):
        complain(int(rows[k]), f"the {BANDS[b]} stamp has blank pixels or no sky noise: taken as not observed")
    ivar = np.where(usable, np.where(usable, sigma, 1.0) ** -2.0, 0.0)
    return np.where(usable[:, :, None, None], stamps, np.nan), ivar
