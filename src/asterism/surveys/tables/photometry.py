"""From the magnitudes or fluxes of a table to observed fluxes in nanomaggies with inverse variances.

This is the door at which sentinels, undone corrections and corrupt values stop (CONTRACT: four states). What comes out
is measured (ivar > 0; the flux may be near or below zero) or not observed (ivar 0, flux NaN), nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from asterism.catalogs.bands import BandInfo, ab_to_nanomaggy, asinh_to_nanomaggy, band_info, depth_sigma
from asterism.catalogs.schema import photometry_fields
from asterism.errors import ConfigurationError
from asterism.surveys.tables.table_map import PhotometryColumns
from asterism.surveys.tables.table_page import Complain

__all__ = ["CORRUPT_SIGMA", "PhotometryDoor", "reject_corrupt"]

CORRUPT_SIGMA = -5.0
"""A flux below this many standard deviations is corrupt, not a non-detection."""

# No magnitude of anything stands outside; tables use 99, -99, 999, -9999 (or -9999 minus an extinction) for blanks.
_MAGNITUDES = (-30.0, 90.0)
_EXTRAS = ("psf_fwhm", "radius", "concentration")


def reject_corrupt(
    flux: np.ndarray, sigma: np.ndarray, names: list[str], rows: np.ndarray, complain: Complain
) -> tuple[np.ndarray, np.ndarray]:
    """Make observed and corrupt fluxes into flux and inverse variance as they are at rest.

    Parameters
    ----------
    flux, sigma : ndarray of float64, shape (n, bands)
        Nanomaggy; NaN where nothing was observed.
    names : list of str
        What to call each band in a complaint.
    rows : ndarray of int64, shape (n,)
        Numbers of the rows.
    complain : callable
        Gets each corrupt flux, and each flux whose error is missing or not positive.

    Returns
    -------
    flux, ivar : ndarray of float32, shape (n, bands)
        Nanomaggy, nanomaggy^-2; NaN and 0 where not observed.
    """
    seen = ~np.isnan(flux)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        flux32 = flux.astype(np.float32)
        ivar = (sigma**-2.0).astype(np.float32)
        weightless = seen & ~((sigma > 0) & np.isfinite(ivar) & (ivar > 0))
        corrupt = seen & ~weightless & ((flux < CORRUPT_SIGMA * sigma) | ~np.isfinite(flux32))
    for k, b in zip(*np.nonzero(weightless), strict=True):
        complain(int(rows[k]), f"{names[b]} has no usable error ({sigma[k, b]:.3g}): taken as not observed")
    for k, b in zip(*np.nonzero(corrupt), strict=True):
        complain(
            int(rows[k]),
            f"{names[b]} is corrupt: {flux[k, b]:.4g} nanomaggy is below -5 sigma ({5 * sigma[k, b]:.3g}), "
            "taken as not observed",
        )
    good = seen & ~weightless & ~corrupt
    return np.where(good, flux32, np.nan).astype(np.float32), np.where(good, ivar, 0).astype(np.float32)


@dataclass(frozen=True)
class PhotometryDoor:
    """Turns one group of a map's columns into one group of a catalog's.

    Attributes
    ----------
    columns : PhotometryColumns
        The group in the map.
    survey : str
        Name of the catalog's group.
    infos : tuple of (BandInfo or None)
        Published constants, None for bands of which none are known.
    dust : bool
        Whether E(B-V) will be given.
    """

    columns: PhotometryColumns
    survey: str
    infos: tuple[BandInfo | None, ...]
    dust: bool

    @classmethod
    def open(cls, columns: PhotometryColumns, survey: str, dust: bool) -> PhotometryDoor:
        """Check that all constants that the columns need are known.

        Raises
        ------
        ConfigurationError
            A softening, depth or extinction coefficient is needed and not published.
        """
        infos: list[BandInfo | None] = []
        for band in columns.bands:
            try:
                infos.append(band_info(survey, band))
            except ConfigurationError:
                infos.append(None)
        door = cls(columns, survey, tuple(infos), dust)
        if columns.system == "asinh":
            door._need("softening", 'asinh magnitudes need a published softening: write system = "ab" or name SDSS')
        if columns.error is None and columns.ivar is None:
            door._need("depth_5sigma", "without errors a published depth is needed: give error = or ivar =")
        if dust and (columns.extinction is None or columns.dereddened) and columns.dereddening is None:
            door._need("extinction_coefficient", "--dust needs a published extinction coefficient: leave it out")
        return door

    def _need(self, what: str, advice: str) -> None:
        for band, info in zip(self.columns.bands, self.infos, strict=True):
            if info is None or getattr(info, what) is None:
                raise ConfigurationError(f"band {band!r} of survey {self.survey!r}: {advice}")

    def _constants(self, what: str) -> np.ndarray:
        return np.array([getattr(info, what) if info else np.nan for info in self.infos], dtype=np.float64)

    @property
    def undoes_dereddening(self) -> bool:
        """Whether dereddened values become observed ones: the extinction is known."""
        return self.columns.dereddened and (self.dust or self.columns.extinction is not None)

    @property
    def zero_point(self) -> str:
        """``sdss`` for asinh magnitudes, else what the map says (``ab``)."""
        return "sdss" if self.columns.system == "asinh" else (self.columns.zero_point or "ab")

    @property
    def names(self) -> list[str]:
        """The table's columns that hold the magnitudes or fluxes, per band."""
        return self.columns.columns("magnitude") or self.columns.columns("flux") or []

    def fields(self, provenance: str) -> list[pa.Field]:
        """Give the catalog's fields, with what was done in their metadata."""
        c = self.columns
        quantities = ["flux", "ivar"]
        if c.extinction is not None or self.dust:
            quantities.append("extinction")
        quantities += [key for key in _EXTRAS if getattr(c, key) is not None]
        quantities += ["psf_minus_model"] if c.psf_magnitude is not None else []
        quantities += [key for key in ("psf_probability", "flags") if getattr(c, key) is not None]
        return photometry_fields(
            self.survey,
            c.bands,
            quantities,
            dereddened=c.dereddened and not self.undoes_dereddening,
            zero_point=self.zero_point,
            magnitude_type=c.magnitude_type,
            ivar_source="depth" if c.error is None and c.ivar is None else "measured",
            provenance=provenance,
        )

    def arrays(
        self, cells: Mapping[str, np.ndarray], reddening: np.ndarray | None, rows: np.ndarray, complain: Complain
    ) -> dict[str, np.ndarray]:
        """Convert some rows.

        Parameters
        ----------
        cells : mapping of str to ndarray of float64, shape (n,)
            The table's columns in the catalog's units, NaN where blank.
        reddening : ndarray of float64, shape (n,), or None
            E(B-V) in mag, NaN where unknown.
        rows : ndarray of int64, shape (n,)
            Numbers of the rows.
        complain : callable
            Gets what is corrupt or can't be used, by row.

        Returns
        -------
        dict of str to ndarray of float32
            (n, bands) for quantities per band, (n,) for psf_probability; flags are not among them.
        """
        c = self.columns

        def stack(key: str) -> np.ndarray | None:
            names = c.columns(key)
            return None if names is None else np.column_stack([cells[name] for name in names])

        values = stack("magnitude") if c.magnitude is not None else stack("flux")
        assert values is not None
        if c.magnitude is not None:
            values = _blank_magnitudes(values)
        out: dict[str, np.ndarray] = {}
        if (psf := stack("psf_magnitude")) is not None:
            out["psf_minus_model"] = _blank_magnitudes(psf) - values
        extinction = self._extinction(stack("extinction"), reddening)
        if extinction is not None:
            out["extinction"] = extinction
        if self.undoes_dereddening:
            values, lift = self._undo(values, extinction, reddening, rows, complain)
        else:
            lift = np.ones_like(values)
        flux, sigma = self._flux(values, stack("error"), stack("ivar"), lift)
        out["flux"], out["ivar"] = reject_corrupt(flux, sigma, self.names, rows, complain)
        for key in _EXTRAS:
            if (extra := stack(key)) is not None:
                # A width or a radius can't be negative; 0 stays: model fits end there.
                out[key] = np.where(extra >= 0, extra, np.nan)
        if c.psf_probability is not None:
            out["psf_probability"] = self._probability(cells[c.psf_probability], rows, complain)
        return {key: np.asarray(value, dtype=np.float32) for key, value in out.items()}

    def _extinction(self, given: np.ndarray | None, reddening: np.ndarray | None) -> np.ndarray | None:
        """A_band: the table's, and the map's where the table has none."""
        if given is not None:
            given = np.where(given >= 0, given, np.nan)
        if reddening is None:
            return given
        mapped = reddening[:, None] * self._constants("extinction_coefficient")
        return mapped if given is None else np.where(np.isnan(given), mapped, given)

    def _undo(
        self,
        values: np.ndarray,
        extinction: np.ndarray | None,
        reddening: np.ndarray | None,
        rows: np.ndarray,
        complain: Complain,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Put the extinction back: magnitudes gain A_band; fluxes, and their errors, fall by 10^(-0.4 A_band)."""
        amount = extinction
        if self.columns.dereddening is not None and self.columns.extinction is None and reddening is not None:
            # The table used other coefficients than ours; what it took off is what must be put back.
            amount = reddening[:, None] * np.array(self.columns.dereddening)
        assert amount is not None
        for k in np.flatnonzero((np.isnan(amount) & ~np.isnan(values)).any(axis=1)):
            complain(int(rows[k]), "the extinction is unknown here, so dereddened values can't be made observed ones")
        if self.columns.magnitude is not None:
            return values + amount, np.ones_like(values)
        lift = 10.0 ** (-0.4 * amount)
        return values * lift, lift

    def _flux(
        self, values: np.ndarray, error: np.ndarray | None, ivar: np.ndarray | None, lift: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        sigma: np.ndarray | None
        if self.columns.system == "asinh":
            flux, sigma = asinh_to_nanomaggy(values, error, self._constants("softening"))
        elif self.columns.system == "ab":
            offsets = np.array(self.columns.offsets or np.zeros(values.shape[1]))
            flux, sigma = ab_to_nanomaggy(values + offsets, error)
        else:
            flux, sigma = values, None if error is None else error * lift
            if ivar is not None:
                with np.errstate(divide="ignore", invalid="ignore"):
                    sigma = lift / np.sqrt(np.where(ivar >= 0, ivar, np.nan))
                # Inverse variance 0 is how such tables say "not observed": no complaint, no flux.
                flux = np.where(ivar > 0, flux, np.nan)
        if sigma is None:
            # The depth is in AB; the flux is in the survey's zero point.
            depth = self._constants("depth_5sigma")
            if self.zero_point != "ab":
                depth = depth - self._constants("ab_offset")
            sigma = np.broadcast_to(depth_sigma(depth), flux.shape)
        return flux, sigma

    def _probability(self, values: np.ndarray, rows: np.ndarray, complain: Complain) -> np.ndarray:
        wrong = (values < 0) | (values > 1)
        for k in np.flatnonzero(wrong):
            complain(int(rows[k]), f"{self.columns.psf_probability} is {values[k]:g}, not a probability: left out")
        return np.where(wrong, np.nan, values)


def _blank_magnitudes(values: np.ndarray) -> np.ndarray:
    low, high = _MAGNITUDES
    return np.where((values > low) & (values < high), values, np.nan)
