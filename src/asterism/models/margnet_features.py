"""The 24 photometric features of MargNet's tables, and what the networks that read them share."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ImageInputs, ModelInputs, PhotometryInputs
from asterism.models.network import Batch, Network
from asterism.models.photometry import asinh_magnitude, published_softening
from asterism.models.statistics import RobustScale, RowSample

__all__ = ["BANDS", "FEATURES", "SIDE", "MargNetFeatures", "check_image", "check_photometry", "margnet_features"]

BANDS = ("u", "g", "r", "i", "z")
SIDE = 32
"""Pixels along a side of MargNet's stamps."""

FEATURES = (
    *(f"dered_{band}" for band in BANDS),
    *(f"deVRad_{band}" for band in BANDS),
    *(f"psffwhm_{band}" for band in BANDS),
    *(f"extinction_{band}" for band in BANDS),
    *("u_g", "g_r", "r_i", "i_z"),
)
"""Names of the 24 features as MargNet's tables have them; the order is ours (quantity by quantity, theirs is band by band)."""


def margnet_features(photometry: Mapping[str, Tensor], inputs: PhotometryInputs) -> tuple[Tensor, Tensor]:
    """The 24 features of MargNet (Chaini et al. 2023, MNRAS 518, 3123, section 2) from a catalog's columns.

    Per band dereddened asinh magnitude, de Vaucouleurs radius and PSF width (arcsec) and extinction (mag), then four
    adjacent colours *without* correction for extinction, as in the published tables.

    Parameters
    ----------
    photometry : mapping of str to Tensor
        ``batch["photometry"]`` of a ugriz group with ``flux``, ``ivar``, ``extinction``, ``radius``, ``psf_fwhm``, each
        (B, 5), and ``present`` (B,).
    inputs : PhotometryInputs
        Says whether the flux is dereddened already.

    Returns
    -------
    values : Tensor
        (B, 24) float32 in the order of `FEATURES`, 0 where not observed.
    observed : Tensor
        (B, 24) bool.
    """
    softening = torch.tensor([published_softening("sdss", band) for band in BANDS], device=photometry["flux"].device)
    here = photometry["present"][:, None]
    seen = (photometry["ivar"] > 0) & here
    stored = asinh_magnitude(torch.where(seen, photometry["flux"], 0.0), softening)
    extinction = photometry["extinction"]
    taken = torch.nan_to_num(extinction, nan=0.0)
    dereddened, raw = (stored, stored + taken) if inputs.dereddened else (stored - taken, stored)
    rest = [photometry["radius"], photometry["psf_fwhm"], extinction]
    features = torch.cat([dereddened, *rest, raw[:, :-1] - raw[:, 1:]], 1)
    observed = torch.cat([seen, *([here.expand_as(seen)] * 3), seen[:, :-1] & seen[:, 1:]], 1)
    observed = observed & torch.isfinite(features)
    return torch.where(observed, features, 0.0), observed


class MargNetFeatures(Network):
    """Base of the networks that read the 24 features, standardised robustly by buffers of the training rows.

    The published codes feed the features as they are; a corrupt radius then rules the first layer. They know no absent
    values either: an unobserved feature stands at the training median here.

    Parameters
    ----------
    name : str
        Of the network, for messages.
    inputs : ModelInputs
        With ugriz photometry that has extinction, radius and psf_fwhm.
    """

    def __init__(self, name: str, inputs: ModelInputs) -> None:
        super().__init__(name, inputs)
        check_photometry(name, inputs.photometry)
        self.scale = RobustScale(len(FEATURES))
        self._sample: RowSample | None = None

    def features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The 24 features (B, 24) in physical units, 0 where not observed, and which were."""
        assert self.inputs.photometry is not None  # checked when it was built
        return margnet_features(batch["photometry"], self.inputs.photometry)

    def standardised(self, batch: Batch) -> Tensor:
        """The 24 features (B, 24) standardised, 0 where not observed."""
        return self.scale(*self.features(batch))

    def observe(self, batch: Batch) -> None:
        """Offer a training batch to the standardisation of the 24 features."""
        if self._sample is None:
            self._sample = RowSample()
        values, observed = self.features(batch)
        self._sample.add(torch.where(observed, values, torch.nan))

    def settle(self) -> None:
        """Set the standardisation from what was observed.

        Raises
        ------
        BadInputError
            When no row had photometry.
        """
        rows = self._sample.rows() if self._sample is not None else torch.empty(0, len(FEATURES))
        self._sample = None
        if not bool(torch.isfinite(rows).any()):
            raise BadInputError("no training row has observed photometry; check its inverse variances")
        self.scale.fit(rows)


def check_photometry(name: str, photometry: PhotometryInputs | None) -> None:
    """Refuse photometry that the 24 features can't be computed from.

    Raises
    ------
    ConfigurationError
        For other bands than ugriz, or a quantity that lacks.
    """
    if photometry is None:  # the base class has refused already; this tells the type checker
        raise ConfigurationError(f"model {name} needs photometry; name it among the inputs")
    _check_bands(name, "photometry", photometry.bands)
    for quantity in ("extinction", "radius", "psf_fwhm"):
        if quantity not in photometry.quantities:
            raise ConfigurationError(
                f"model {name} needs {photometry.group}_{quantity}, which is not among its inputs; "
                f"add it or choose model margformer"
            )


def check_image(name: str, image: ImageInputs | None) -> None:
    """Refuse stamps that are not 32×32 pixels in ugriz.

    Raises
    ------
    ConfigurationError
        For other bands or another size.
    """
    if image is None:
        raise ConfigurationError(f"model {name} needs an image; name it among the inputs")
    _check_bands(name, "an image", image.bands)
    if image.shape != (SIDE, SIDE):
        raise ConfigurationError(
            f"model {name} needs stamps of {SIDE}x{SIDE} pixels and is given {image.shape[0]}x{image.shape[1]}; "
            f"cut such stamps or choose model margformer"
        )


def _check_bands(name: str, what: str, bands: tuple[str, ...]) -> None:
    if bands != BANDS:
        raise ConfigurationError(
            f"model {name} needs {what} in ugriz and is given {''.join(bands)}; choose model margformer"
        )
