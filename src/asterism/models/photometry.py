"""Photometric features: dereddened asinh magnitudes, adjacent colours and what else the survey measured.

The neural models and the tree baselines read the same features from here, so that a comparison between them is one of
methods and not of inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from asterism.errors import AsterismError, BadInputError
from asterism.models.inputs import PhotometryInputs
from asterism.models.statistics import RobustScale, RowSample

__all__ = ["PhotometryFeatures", "asinh_magnitude", "published_softening", "reference_magnitudes"]

_POGSON = 2.5 / math.log(10)
_SMALLEST_RADIUS = 0.03


def asinh_magnitude(flux: Tensor, softening: Tensor) -> Tensor:
    """Asinh magnitude (Lupton, Gunn & Szalay 1999, eq. 3), defined for every flux, negative ones too.

    Parameters
    ----------
    flux : Tensor
        Nanomaggies.
    softening : Tensor
        b in nanomaggies, broadcast against `flux`.

    Returns
    -------
    Tensor
        m = 22.5 - 2.5 log10(e) [asinh(f / 2b) + ln b].
    """
    return 22.5 - _POGSON * (torch.asinh(flux / (2 * softening)) + torch.log(softening))


class PhotometryFeatures(nn.Module):
    """Turn a photometry batch into features (B, F) and a mask of what was observed (B, F).

    The features, in order, each only where its quantity is among the inputs':

    * per band: asinh magnitude, minus the extinction where it is known and the flux is not dereddened already. The
      softening is the survey's own where it is published (`asterism.catalogs.bands`), else the median flux error of
      the training rows, which is what Lupton et al. (1999) recommend.
    * the colours of adjacent bands, from these magnitudes; observed where both bands are.
    * extinction in the middle band (mag). The bands' extinctions are proportional to each other, so one says it all.
    * per band: PSF width (arcsec); log10 of the radius in units of the PSF width plus 0.03 (or of the radius in arcsec
      plus 0.03, where the width is not among the inputs): fits end at radii down to 1e-9″ when an object is a point,
      and how small they end says nothing; concentration; PSF minus model magnitude; log10 of the magnitude error (named
      by the quantity ``ivar``).
    * the probability of being a point source.

    An object's flux counts as observed where its inverse variance is above 0; its numbers elsewhere are never used.

    Parameters
    ----------
    inputs : PhotometryInputs
        Which group, bands and quantities.

    Attributes
    ----------
    names : tuple of str
        Names of the F features.
    """

    softening: Tensor
    scale: RobustScale

    def __init__(self, inputs: PhotometryInputs) -> None:
        super().__init__()
        self.inputs = inputs
        bands, has = inputs.bands, inputs.quantities
        names = [f"{band}_mag" for band in bands]
        names += [f"{blue}-{red}" for blue, red in pairwise(bands)]
        if "extinction" in has:
            names.append(f"extinction_{bands[len(bands) // 2]}")
        for quantity, stem in _PER_BAND_STEMS:
            if quantity in has:
                names += [f"{stem}_{band}" for band in bands]
        if "psf_probability" in has:
            names.append("psf_probability")
        self.names = tuple(names)
        self.register_buffer("softening", torch.tensor([published_softening(inputs.survey, band) for band in bands]))
        self.scale = RobustScale(len(names))
        self._sample: RowSample | None = None

    def forward(self, photometry: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Features in physical units, 0 where not observed, and which were observed.

        Parameters
        ----------
        photometry : mapping of str to Tensor
            ``batch["photometry"]``: ``flux`` and ``ivar`` (B, bands), the inputs' other quantities, ``present`` (B,).

        Returns
        -------
        values : Tensor
            (B, F) float32.
        observed : Tensor
            (B, F) bool.
        """
        self._check(photometry)
        seen = (photometry["ivar"] > 0) & photometry["present"][:, None]
        flux = torch.where(seen, photometry["flux"], 0.0)
        magnitude = asinh_magnitude(flux, self.softening)
        has = self.inputs.quantities
        if "extinction" in has and not self.inputs.dereddened:
            magnitude = magnitude - torch.nan_to_num(photometry["extinction"], nan=0.0)
        values = [magnitude, magnitude[:, :-1] - magnitude[:, 1:]]
        masks = [seen, seen[:, :-1] & seen[:, 1:]]
        present = photometry["present"][:, None]
        if "extinction" in has:
            middle = len(self.inputs.bands) // 2
            values.append(photometry["extinction"][:, middle : middle + 1])
            masks.append(present)
        for quantity, _ in _PER_BAND_STEMS:
            if quantity in has:
                values.append(self._per_band(quantity, photometry, flux, seen))
                masks.append(present.expand_as(seen))
        if "psf_probability" in has:
            values.append(photometry["psf_probability"][:, None])
            masks.append(present)
        features = torch.cat(values, 1)
        observed = torch.cat(masks, 1) & torch.isfinite(features)
        return torch.where(observed, features, 0.0), observed

    def standardised(self, photometry: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """As `forward`, with the features standardised by the buffers learned from the training rows."""
        values, observed = self(photometry)
        return self.scale(values, observed), observed

    def observe(self, photometry: Mapping[str, Tensor]) -> None:
        """Offer training rows to the bounded sample that `settle` reads."""
        self._check(photometry)
        columns = [photometry["ivar"]] + [_matrix(photometry[name]) for name in self._columns()]
        if self._sample is None:
            self._sample = RowSample()
        self._sample.add(torch.cat(columns, 1)[photometry["present"]])

    def settle(self) -> None:
        """Set softening (where the survey has none published) and standardisation from the rows observed.

        Raises
        ------
        BadInputError
            When no training row has an observed flux.
        """
        rows = self._sample.rows().to(self.softening.device) if self._sample is not None else torch.empty(0, 0)
        self._sample = None
        nb = len(self.inputs.bands)
        if not len(rows) or not bool((rows[:, :nb] > 0).any()):
            raise BadInputError(
                f"no training row has an observed flux in {self.inputs.group}; check its inverse variances"
            )
        photometry, at = {"ivar": rows[:, :nb], "present": torch.ones_like(rows[:, 0], dtype=torch.bool)}, nb
        for name in self._columns():
            width = 1 if name == "psf_probability" else nb
            column = rows[:, at : at + width]
            photometry[name] = column[:, 0] if name == "psf_probability" else column
            at += width
        sigma = torch.where(photometry["ivar"] > 0, photometry["ivar"] ** -0.5, torch.nan)
        unknown = torch.isnan(self.softening)
        typical = torch.nan_to_num(torch.nanmedian(sigma, 0).values, nan=float(torch.nanmedian(sigma)))
        self.softening.copy_(torch.where(unknown, typical.to(self.softening), self.softening))
        values, observed = self(photometry)
        self.scale.fit(torch.where(observed, values, torch.nan))

    def fit(self, batches: Iterable[Mapping[str, Any]]) -> PhotometryFeatures:
        """Learn softening and standardisation from training batches, streaming; returns itself."""
        for batch in batches:
            self.observe(batch["photometry"])
        self.settle()
        return self

    def _columns(self) -> list[str]:
        """Names of the batch entries that are read, without the inverse variance."""
        return [name for name in self.inputs.quantities if name != "ivar"]

    def _check(self, photometry: Mapping[str, Tensor]) -> None:
        for name in self._columns():
            if name not in photometry:
                raise BadInputError(
                    f"the model reads {self.inputs.group}_{name} and the batch lacks it; "
                    f"bind a catalog that has this column"
                )

    def _per_band(self, quantity: str, photometry: Mapping[str, Tensor], flux: Tensor, seen: Tensor) -> Tensor:
        """One per-band extra feature (B, bands), NaN where it is not known."""
        if quantity == "ivar":
            ivar = torch.where(seen, photometry["ivar"], torch.nan)
            # d(asinh magnitude)/d(flux), at the noise of this measurement
            return torch.log10(_POGSON / torch.sqrt(ivar * (4 * self.softening**2 + flux**2)))
        values = photometry[quantity]
        if quantity == "radius":
            if "psf_fwhm" in self.inputs.quantities:
                values = values / photometry["psf_fwhm"]
            return torch.log10(values + _SMALLEST_RADIUS)
        return values


_PER_BAND_STEMS = (
    ("psf_fwhm", "psf_fwhm"),
    ("radius", "log_radius"),
    ("concentration", "concentration"),
    ("psf_minus_model", "psf_minus_model"),
    ("ivar", "log_mag_err"),
)


def _matrix(values: Tensor) -> Tensor:
    return values[:, None] if values.ndim == 1 else values


def published_softening(survey: str, band: str) -> float:
    """Softening b of a survey's asinh magnitudes in nanomaggies, NaN where none is published."""
    from asterism.catalogs.bands import band_info

    try:
        softening = band_info(survey, band).softening
    except AsterismError:  # a survey or band that we have no published numbers for: the data's own depth serves
        softening = None
    return math.nan if softening is None else softening * 1e9


def reference_magnitudes(described: PhotometryInputs, band: int, photometry: Mapping[str, Tensor]) -> Tensor:
    """Magnitudes (B,) in one band, of the flux as stored; NaN where the band was not observed.

    Asinh magnitudes where the group is in the SDSS system and the softening published, else AB ones, of at least one standard
    deviation of flux.

    Parameters
    ----------
    described : PhotometryInputs
    band : int
        Its place among the group's bands.
    photometry : mapping of str to Tensor
        ``batch["photometry"]``.
    """
    flux, ivar = photometry["flux"][:, band], photometry["ivar"][:, band]
    seen = (ivar > 0) & photometry["present"]
    # As everywhere: asinh magnitudes belong to the SDSS system, a catalog in AB has logarithmic ones.
    asinh = described.zero_point == "sdss"
    softening = published_softening(described.survey, described.bands[band]) if asinh else math.nan
    if math.isnan(softening):
        sigma = torch.where(seen, ivar, 1.0) ** -0.5
        magnitude = 22.5 - 2.5 * torch.log10(torch.maximum(torch.where(seen, flux, 1.0), sigma))
    else:
        magnitude = asinh_magnitude(torch.where(seen, flux, 1.0), torch.tensor(softening, device=flux.device))
    return torch.where(seen, magnitude, torch.nan)
