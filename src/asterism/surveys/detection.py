"""``ingest images --detect``: a catalog from SDSS fields alone, with what MargNet and its like need to know of each source.

Sources are found by `sep` in one band (r), or in the sum of all, moved by whole pixels onto r. A source's place in every other
band follows from that band's own astrometry, since the bands of a field are not registered to each other. What is measured on
the stamps (PSF and model fluxes, the radius of the best de Vaucouleurs model, concentration, PSF minus model magnitude) is
`stamp_measurement`'s, the same steps for simulated and for observed stamps; for measuring alone, stamps are moved by the
fraction of a pixel that lies between the bands. The catalog's stamps are whole pixels of the frames.

Flux is that of the better of a de Vaucouleurs and an exponential model on stamps of 32 pixels (12.7 arcsec): of sources larger
than that it holds only what is on the stamp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.schema import identity_fields, image_fields, photometry_fields
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.doors import Observation, Part, Plan
from asterism.surveys.formats.sdss_frames import BANDS
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.frame_files import SUFFIXES, find_frames
from asterism.surveys.stamps.frame_images import Frame, read_frame
from asterism.surveys.stamps.frame_stamps import cut_stamps
from asterism.surveys.stamps.source_extraction import extract, half_light_radii
from asterism.surveys.stamps.stamp_measurement import measure

__all__ = ["DETECTION_BANDS", "FieldDoor"]

Floats = npt.NDArray[np.float64]

DETECTION_BANDS = (*BANDS, "sum")
"""Where sources may be looked for."""

_QUANTITIES = (
    "flux", "ivar", "extinction", "psf_fwhm", "radius", "concentration", "psf_minus_model", "psf_probability", "flags",
)  # fmt: skip
_PIXEL = 0.396
_OVERLAP = (
    64  # rows at either end of a field that the next one shows too: 128 together (Stoughton et al. 2002, section 4.4)
)
_LENGTH = 1489
_BRIGHT = 30.0  # signal-to-noise of sources that the seeing is taken from, where no psField tells it
_FEWEST = 5
_WIDTH_OF_RADIUS = (
    2.0  # full width of a Gaussian over its half-light radius; the seeing is a Gaussian of the PSF's area
)
_UNSEEN = 1e6  # standard deviation (nanomaggy) of a band that was not observed: it weighs nothing


@dataclass(frozen=True)
class FieldDoor:
    """Reads SDSS fields and finds their sources.

    Attributes
    ----------
    detection : str
        A band, or ``sum``.
    threshold : float
        Standard deviations of the matched filter's output that a source stands above.
    size : int
        Pixels of the stamps.
    """

    detection: str = "r"
    threshold: float = 4.0
    size: int = 32

    @property
    def survey(self) -> str:
        """As in the command's name."""
        return "images --detect"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of files."""
        return SUFFIXES

    def plan(self, files: Sequence[Path]) -> Plan:
        """One part for each field.

        Raises
        ------
        BadInputError
            No file is a frame of SDSS in r and in the band of detection.
        ConfigurationError
            An option does not fit.
        """
        if self.detection not in DETECTION_BANDS:
            raise ConfigurationError(
                f"sources are found in one of {', '.join(DETECTION_BANDS)}, not in {self.detection!r}"
            )
        if not self.threshold > 0 or self.size < 1:
            raise ConfigurationError("--threshold and --size must be positive")
        frames, complaints = find_frames(files)
        fields: dict[tuple[str, str], dict[str, Any]] = {}
        for frame in frames:
            if frame.survey == "sdss":
                fields.setdefault(frame.of, {})[frame.band] = frame
        wanted = {"r", self.detection} - {"sum"}
        there = {of: bands for of, bands in fields.items() if wanted <= set(bands)}
        complaints += [
            (
                next(iter(bands.values())).path.name,
                f"field {of[1]} has no frame in {' and '.join(sorted(wanted - set(bands)))}",
            )
            for of, bands in fields.items()
            if of not in there
        ]
        if not there:
            raise BadInputError(
                f"none of {len(files)} files is a frame of SDSS in {' and '.join(sorted(wanted))}: they are called "
                "frame-r-004192-4-0300.fits or fpC-004192-r4-0300.fit.gz"
            )
        parts = []
        for (kind, field), bands in there.items():
            run, camcol, number = (int(n) for n in field.split("-"))
            low = _OVERLAP if (kind, f"{run}-{camcol}-{number - 1}") in there else 0
            high = _LENGTH - _OVERLAP if (kind, f"{run}-{camcol}-{number + 1}") in there else _LENGTH
            paths = [path for one in bands.values() for path in (one.path, *(path for _, path in one.beside))]
            others = tuple(dict.fromkeys(path for path in paths if path != bands["r"].path))
            size = sum(path.stat().st_size for path in (bands["r"].path, *others))
            parts.append(Part(bands["r"].path, others, size=size, layout=f"{low}:{high}"))
        return Plan(self._fields(), True, tuple(parts), tuple(complaints))

    def _fields(self) -> tuple[pa.Field, ...]:
        told = f"sources found in {self.detection} at {self.threshold:g} standard deviations"
        light = photometry_fields(
            "sdss", BANDS, _QUANTITIES, dereddened=False, zero_point="sdss", magnitude_type="model", provenance=told
        )
        stamps = image_fields("sdss", BANDS, self.size, _PIXEL, zero_point="sdss", provenance=told)
        stamps = [f.with_metadata({**(f.metadata or {}), b"ivar_source": b"measured"}) for f in stamps]
        who = [f for f in identity_fields(placed=True) if f.name not in ("source_id", "release")]
        return (*who, *light, *stamps)

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Find and measure the sources of one field.

        Raises
        ------
        BadInputError
            A frame is damaged, or its calibration is not there.
        """
        files, _ = find_frames([part.path, *part.companions])
        frames = {file.band: read_frame(file) for file in files}
        reference = frames["r" if self.detection == "sum" else self.detection]
        image, variance = _detection_image(reference, frames if self.detection == "sum" else {})
        bad = ~(variance > 0)
        found = extract(image, np.sqrt(np.where(bad, 1.0, variance)), self.threshold, bad)
        low, high = (int(n) for n in part.layout.split(":"))
        found = found[(found["ywin"] >= low - 0.5) & (found["ywin"] < high - 0.5)]
        if not len(found):
            return
        ra, dec = reference.place.to_sky(found["xwin"], found["ywin"])
        places: dict[str, tuple[Any, Any]] = {
            band: (found["xwin"], found["ywin"]) if frame is reference else frame.place.to_pixel(ra, dec)
            for band, frame in frames.items()
        }
        seen = {band: _seeing(frame, *places[band]) for band, frame in frames.items()}
        measured = _measure(frames, places, seen)
        stamps = {band: cut_stamps(frame, *places[band], self.size) for band, frame in frames.items()}
        for k in range(len(found)):
            yield Observation(
                k,
                self._values(
                    k, f"{files[0].field}-{k + 1:04d}", (ra[k], dec[k]), reference, found, measured, seen, stamps
                ),
            )

    def _values(
        self, k: int, name: str, place: tuple[float, float], reference: Frame, found: Any, measured: Mapping[str, Floats],
        seen: Mapping[str, tuple[Floats, Floats]], stamps: Mapping[str, tuple[Any, Any]],
    ) -> dict[str, Any]:  # fmt: skip
        n = len(BANDS)
        flux = np.full((n, self.size, self.size), np.nan, np.float32)
        ivar, seeing = np.zeros_like(flux), np.full(n, np.nan, np.float32)
        for band, (light, weight) in stamps.items():
            b = BANDS.index(band)
            flux[b], ivar[b], seeing[b] = light[k], weight[k], seen[band][0][k]
        there = (ivar > 0).any(axis=(1, 2))
        # The seeing is the PSF's effective width; tables of objects, and simulated ones, have that of its adaptive moments.
        width = np.where(there, SDSS.fwhm_ratio * seeing, np.nan)
        light = np.where(there & (measured["ivar"][k] > 0), measured["flux"][k], np.nan)
        return {
            "object_id": name, "ra": float(place[0]), "dec": float(place[1]), "survey": "sdss",
            "mjd": None if np.isnan(reference.mjd) else reference.mjd,
            "photometry_sdss_flux": light,
            "photometry_sdss_ivar": np.where(np.isfinite(light), measured["ivar"][k], 0.0),
            "photometry_sdss_extinction": np.full(n, np.nan),
            "photometry_sdss_psf_fwhm": width,
            **{
                f"photometry_sdss_{q}": np.where(there, measured[q][k], np.nan)
                for q in ("radius", "concentration", "psf_minus_model")
            },
            "photometry_sdss_psf_probability": float(measured["psf_probability"][k]),
            "photometry_sdss_flags": int(found["flag"][k]),
            "image_sdss_flux": flux, "image_sdss_ivar": ivar, "image_sdss_psf_fwhm": width,
        }  # fmt: skip


def _detection_image(reference: Frame, frames: Mapping[str, Frame]) -> tuple[Floats, Floats]:
    """What sources are looked for in, and its variance (0: not observed): one band, or the sum weighted for a flat spectrum."""
    flux, ivar = reference.flux.astype(np.float64), reference.ivar.astype(np.float64)
    total, weight = np.where(ivar > 0, flux, 0.0) * np.median(ivar[ivar > 0]), np.zeros(flux.shape)
    with np.errstate(divide="ignore"):
        variance = np.where(ivar > 0, 1.0 / ivar, np.inf)
    weight += variance * np.median(ivar[ivar > 0]) ** 2
    height, width = flux.shape
    middle = reference.place.to_sky([0.5 * (width - 1)], [0.5 * (height - 1)])
    for frame in frames.values():
        if frame is reference:
            continue
        x, y = frame.place.to_pixel(*middle)
        right, up = int(np.rint(x[0] - 0.5 * (width - 1))), int(np.rint(y[0] - 0.5 * (height - 1)))
        if frame.flux.shape != flux.shape or max(abs(right), abs(up)) > min(flux.shape) // 2:
            raise BadInputError(
                f"{frame.file.path.name} does not show the same part of the sky as the r frame of its field"
            )
        own = np.median(frame.ivar[frame.ivar > 0])
        into = np.s_[max(-up, 0) : height - max(up, 0), max(-right, 0) : width - max(right, 0)]
        out = np.s_[max(up, 0) : height + min(up, 0), max(right, 0) : width + min(right, 0)]
        seen = frame.ivar[out] > 0
        total[into] += np.where(seen, frame.flux[out], 0.0) * own
        weight[into] += np.where(seen, own**2 / np.where(seen, frame.ivar[out], 1.0), 0.0)
    return total, np.where(np.isfinite(weight), weight, 0.0)


def _seeing(frame: Frame, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Seeing and the PSF's shape at places; from the field's own narrow sources where no file tells."""
    fwhm, ellipticity = frame.seeing(x, y)
    if np.isfinite(fwhm).all():
        return fwhm, ellipticity
    bad = ~(frame.ivar > 0)
    radii, noise = half_light_radii(
        frame.flux, np.where(bad, 1.0, 1.0 / np.sqrt(np.where(bad, 1.0, frame.ivar))), bad, x, y
    )
    bright = radii[(noise > _BRIGHT) & np.isfinite(radii) & (radii > 0.8)]
    if len(bright) < _FEWEST:
        raise BadInputError(
            f"the seeing of {frame.file.path.name} is in no file, and it shows {len(bright)} bright sources; put psField beside it"
        )
    # Stars are the narrowest of all: the middle of the lowest third.
    narrow = np.sort(bright)[: max(_FEWEST, len(bright) // 3)]
    width = float(np.clip(_WIDTH_OF_RADIUS * np.median(narrow) * frame.place.pixel_scale, 0.5, 3.0))
    return np.full(len(x), width), np.zeros((len(x), 2))


def _measure(
    frames: Mapping[str, Frame], places: Mapping[str, tuple[Floats, Floats]], seen: Mapping[str, tuple[Floats, Floats]]
) -> dict[str, Floats]:
    """Measure all sources of a field."""
    camera = SDSS
    side, n = camera.measured, len(places["r"][0])
    stamps = np.zeros((n, len(BANDS), side, side), np.float32)
    fwhm, ellipticity = np.tile(camera.fwhm, (n, 1)), np.zeros((n, len(BANDS), 2))
    sigma, gain = np.full((n, len(BANDS)), _UNSEEN), np.full((n, len(BANDS)), 1.0)
    phase = {band: _phase(places[band], side) for band in frames}
    for band, frame in frames.items():
        b = BANDS.index(band)
        light, ivar = cut_stamps(frame, *places[band], side)
        light[ivar == 0] = 0.0
        stamps[:, b] = _moved(light, phase["r"] - phase[band])
        fwhm[:, b], ellipticity[:, b] = seen[band]
        sigma[:, b] = 1.0 / np.sqrt(np.median(frame.ivar[frame.ivar > 0]))
        gain[:, b] = frame.gain
    rows = np.zeros((n, 2))
    found = measure(stamps, Conditions(fwhm, sigma, gain, rows, ellipticity, np.zeros(n)), camera)
    lost = np.array([_lost_light(frames.get(band), b) for b, band in enumerate(BANDS)])
    found.flux /= lost
    found.ivar *= lost**2
    absent = [b for b, band in enumerate(BANDS) if band not in frames]
    numbers = {name: np.array(getattr(found, name), np.float64) for name in (
        "flux", "ivar", "radius", "concentration", "psf_minus_model", "psf_probability")}  # fmt: skip
    for name, values in numbers.items():
        if name != "psf_probability":
            values[:, absent] = 0.0 if name == "ivar" else np.nan
    return numbers


def _lost_light(frame: Frame | None, band: int) -> float:
    """Aperture correction: the flux that the camera's PSF finds in the field's own of unit light, at nine places."""
    if frame is None or frame.images_of_psf is None:
        return 1.0
    camera = SDSS
    height, width = frame.flux.shape
    y, x = (v.ravel() for v in np.meshgrid(*([0.2 * n, 0.5 * n, 0.8 * n] for n in (height, width)), indexing="ij"))
    psf, fwhm, ellipticity = frame.images_of_psf(x, y), *frame.seeing(x, y)
    side = camera.measured
    edge = [n // 2 - side // 2 for n in psf.shape[1:]]
    if min(edge) < 0:
        return 1.0
    stamps = np.zeros((len(x), len(BANDS), side, side), np.float32)
    stamps[:] = 1e4 * psf[:, None, edge[0] : edge[0] + side, edge[1] : edge[1] + side]
    n = (len(x), len(BANDS))
    every = Conditions(
        np.tile(fwhm[:, None], n[1]), np.full(n, 0.1), np.full(n, 1e3), np.zeros((len(x), 2)),
        np.repeat(ellipticity[:, None], n[1], axis=1), np.zeros(len(x)),
    )  # fmt: skip
    found = float(np.median(measure(stamps, every, camera).psf_flux[:, band])) / 1e4
    return found if 0.8 < found < 1.25 else 1.0


def _phase(place: tuple[Floats, Floats], side: int) -> Floats:
    """Where in its stamp a source is, against the middle: (n, 2) in y, x."""
    y, x = place[1], place[0]
    return np.stack([v - np.floor(v - 0.5 * (side - 1) + 0.5) - 0.5 * (side - 1) for v in (y, x)], axis=1)


def _moved(stamps: npt.NDArray[np.float32], by: Floats) -> npt.NDArray[np.float32]:
    """Stamps moved by fractions of a pixel, with cubic splines; SDSS's seeing is three pixels, so little is lost."""
    from scipy.ndimage import shift

    if not by.any():
        return stamps
    return np.stack([shift(one, step, order=3, mode="nearest") for one, step in zip(stamps, by, strict=True)])
