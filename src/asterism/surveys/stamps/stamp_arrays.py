"""``ingest images`` of numpy arrays: stamps of many objects in one ``.npy`` file, in nanomaggies or in asinh magnitudes per pixel.

Such files have neither names nor positions: the catalog is unplaced, and ids are made from the rows. Asinh magnitudes (Lupton,
Gunn & Szalay 1999) become fluxes; the inverse variance comes from the sky in each stamp's border.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.bands import asinh_to_nanomaggy, band_info
from asterism.catalogs.columns import CLASSES
from asterism.catalogs.schema import image_fields, label_fields
from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.surveys.doors import Observation, Part, Plan
from asterism.surveys.formats.legacy_images import image_bands
from asterism.surveys.stamps.sky import sky_sigma

__all__ = ["ArrayDoor"]

_ROWS = 256  # read at once
_UNITS = ("nanomaggy", "asinh")
_SCALES = {"sdss": 0.396}


@dataclass(frozen=True)
class ArrayDoor:
    """Reads arrays of stamps, shape (n, bands, y, x) or (n, y, x, bands).

    Attributes
    ----------
    name : str
        Survey, in the columns' names.
    unit : str
        ``nanomaggy``, or ``asinh`` for magnitudes per pixel.
    bands : tuple of str
        In order; all that are known of the survey by default.
    pixel_scale : float or None
        arcsec; SDSS's by default.
    labels : str or None
        Path of an array of n labels.
    class_names : tuple of (str, str)
        What each label means: ``(("1", "STAR"), ("-1", "GALAXY"))``.
    """

    name: str = "sdss"
    unit: str = "nanomaggy"
    bands: tuple[str, ...] = ()
    pixel_scale: float | None = None
    labels: str | None = None
    class_names: tuple[tuple[str, str], ...] = ()

    @property
    def survey(self) -> str:
        """As in the command's name."""
        return "images"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of files."""
        return (".npy",)

    def plan(self, files: Sequence[Path]) -> Plan:
        """Parts of the arrays.

        Raises
        ------
        BadInputError
            An array can't be read or has another shape than the first, or labels don't fit.
        ConfigurationError
            An option does not fit.
        """
        bands = self.bands or image_bands(self.name)
        scale = self.pixel_scale or _SCALES.get(self.name)
        if not bands:
            raise ConfigurationError(f"the bands of survey {self.name!r} are not known; name them with --bands")
        if scale is None:
            raise ConfigurationError("an array has no WCS to take the pixel scale from; give it with --pixel-scale")
        if self.unit not in _UNITS:
            raise ConfigurationError(unknown_name("unit of an array", self.unit, _UNITS))
        if self.unit == "asinh" and (hard := [b for b in bands if band_info(self.name, b).softening is None]):
            raise ConfigurationError(
                f"no softening of asinh magnitudes is published for {self.name} {hard[0]}; give fluxes"
            )
        for _, label in self.class_names:
            if label not in CLASSES:
                raise ConfigurationError(unknown_name("class", label, CLASSES))
        labels = Path(self.labels).resolve() if self.labels is not None else None
        arrays = {path: _load(path) for path in files if path.resolve() != labels}
        if labels is not None and len(arrays) > 1:
            raise ConfigurationError("--labels are of one array; ingest the others by themselves")
        if not arrays:
            raise BadInputError("there is no array of stamps besides the labels; check the path")
        parts: list[Part] = []
        shape: tuple[int, ...] = ()
        for path, array in arrays.items():
            last = _bands_last(array, len(bands), path)
            side = array.shape[1:3] if last else array.shape[2:]
            shape = shape or side
            if side != shape:
                raise BadInputError(
                    f"{path} has stamps of {side} pixels, the first array of {shape}; ingest it by itself"
                )
            size = int(array.nbytes // max(len(array), 1))
            for start in range(0, len(array), _ROWS):
                stop = min(start + _ROWS, len(array))
                parts.append(
                    Part(path, rows=(start, stop), size=size * (stop - start), layout="last" if last else "first")
                )
        if self.labels is not None:
            self._classes(_load(Path(self.labels)), len(next(iter(arrays.values()))))
        stamps = image_fields(
            self.name, bands, (shape[0], shape[1]), scale, psf_fwhm=False,
            zero_point="sdss" if self.name == "sdss" else "ab", provenance=f"arrays in {self.unit}",
        )  # fmt: skip
        fields = [f.with_metadata({**(f.metadata or {}), b"ivar_source": b"sky"}) for f in stamps]
        return Plan((*(label_fields(["class"]) if self.labels else ()), *fields), False, tuple(parts))

    def _classes(self, labels: npt.NDArray[Any], n: int) -> list[str]:
        """Names of classes of all rows."""
        if labels.ndim != 1 or len(labels) != n:
            raise BadInputError(f"{self.labels} has {labels.shape} labels for {n} stamps")
        known = dict(self.class_names)
        texts = [
            str(int(v)) if np.issubdtype(labels.dtype, np.number) and float(v).is_integer() else str(v) for v in labels
        ]
        for text in sorted(set(texts)):
            if text not in known:
                raise ConfigurationError(f"--class-names does not say what label {text} is; write e.g. {text}=STAR")
        return [known[text] for text in texts]

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Read some stamps.

        Raises
        ------
        BadInputError
            The array is damaged.
        """
        bands = self.bands or image_bands(self.name)
        array, (start, stop) = _load(part.path), part.rows or (0, 0)
        classes = self._classes(_load(Path(self.labels)), len(array))[start:stop] if self.labels else None
        flux = np.array(array[start:stop], np.float64)
        if part.layout == "last":
            flux = flux.transpose(0, 3, 1, 2)
        if self.unit == "asinh":
            softening = np.array([band_info(self.name, band).softening for band in bands], np.float64)
            flux = asinh_to_nanomaggy(flux, None, softening[:, None, None])[0]
        flux[~np.isfinite(flux)] = np.nan
        sigma = sky_sigma(flux)
        for k, (stamp, noise) in enumerate(zip(flux, sigma, strict=True)):
            known = np.isfinite(noise)[:, None, None] & np.isfinite(stamp)
            if not known.any():
                yield Observation(start + k, complaints=("it has no sky in its border to take the noise from",))
                continue
            ivar = np.where(known, np.where(np.isfinite(noise), noise, 1.0)[:, None, None] ** -2.0, 0.0)
            values = {f"image_{self.name}_flux": np.where(known, stamp, np.nan), f"image_{self.name}_ivar": ivar}
            yield Observation(start + k, {**values, **({"class": classes[k]} if classes else {})})


def _load(path: Path) -> npt.NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # of a hostile header numpy raises whatever its parser does
        raise BadInputError(f"can't read {path} as a numpy array ({' '.join(str(error).split())[:160]})") from error
    if array.dtype.kind not in "fiu" or not array.ndim:
        raise BadInputError(f"{path} holds no numbers but {array.dtype}; save them as an array of floats")
    return np.asarray(array) if array.ndim == 1 else array


def _bands_last(array: npt.NDArray[Any], bands: int, path: Path) -> bool:
    if array.ndim != 4 or bands not in (array.shape[1], array.shape[3]):
        raise BadInputError(
            f"{path} has shape {array.shape}; stamps in {bands} bands are (n, {bands}, y, x) or (n, y, x, {bands})"
        )
    return array.shape[1] != bands
