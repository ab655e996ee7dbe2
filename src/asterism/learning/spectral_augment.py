"""What is done to training spectra before the model sees them: shorter exposures, smooth errors of calibration, lost pixels.

All three are what a spectrograph does to a spectrum and no class undoes: a spectrum of lower signal-to-noise has the same
lines, the flux scale of fibres is wrong by some per cent in a smooth way (Dawson et al. 2013, AJ 145, 10, section 3.4, for
BOSS), and cosmic rays, bad columns and missing arms take runs of pixels away. Inverse variances stay right throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["augment_spectra", "expose_less", "lose_pixels", "warp_calibration"]

_LONGEST = 8  # a lost run is up to one in so many pixels of the spectrum


def expose_less(flux: Tensor, ivar: Tensor, added: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Spectra with noise added, each pixel's variance growing by the same factor.

    Parameters
    ----------
    flux, ivar : Tensor, shape (B, pixels)
        Inverse variance 0 where not observed; such pixels are left as they are.
    added : Tensor, shape (B,)
        Variance added, over what there is: 0 changes nothing, 3 halves the signal-to-noise.
    generator : torch.Generator

    Returns
    -------
    flux, ivar : Tensor, same shape
    """
    noise = torch.randn(flux.shape, generator=generator, device=flux.device, dtype=flux.dtype)
    seen = ivar > 0
    sigma = torch.where(seen, ivar, torch.ones_like(ivar)).rsqrt() * added.sqrt()[:, None]
    chosen = seen & (added > 0)[:, None]
    return torch.where(chosen, flux + sigma * noise, flux), torch.where(chosen, ivar / (1 + added[:, None]), ivar)


def warp_calibration(flux: Tensor, ivar: Tensor, warp: Tensor) -> tuple[Tensor, Tensor]:
    """Spectra times a smooth function of the pixel.

    Parameters
    ----------
    flux, ivar : Tensor, shape (B, pixels)
    warp : Tensor, shape (B, 4)
        Logarithms of the flux scale: slope and curvature (Legendre) and the two waves of one period along the spectrum.

    Returns
    -------
    flux, ivar : Tensor, same shape
    """
    x = torch.linspace(-1, 1, flux.shape[1], device=flux.device, dtype=flux.dtype)
    shapes = torch.stack([x, 1.5 * x**2 - 0.5, torch.sin(torch.pi * x), torch.cos(torch.pi * x)])
    scale = torch.exp(warp @ shapes)
    return flux * scale, ivar / scale**2


def lose_pixels(ivar: Tensor, first: Tensor, length: Tensor) -> Tensor:
    """Inverse variances with a run of pixels set to 0, not observed.

    Parameters
    ----------
    ivar : Tensor, shape (B, pixels)
    first, length : Tensor, shape (B,), int64
        Where the run begins, and how many pixels it has; it ends with the spectrum.

    Returns
    -------
    Tensor, same shape
    """
    pixel = torch.arange(ivar.shape[1], device=ivar.device)[None]
    lost = (pixel >= first[:, None]) & (pixel < (first + length)[:, None])
    return torch.where(lost, torch.zeros_like(ivar), ivar)


def augment_spectra(
    flux: Tensor,
    ivar: Tensor,
    exposure: float,
    calibration: float,
    gaps: float,
    generator: torch.Generator,
    *,
    gap_runs: int = 1,
    fibre: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """A random half of the spectra exposed less, all warped and scaled, a share with gaps.

    Parameters
    ----------
    flux, ivar : Tensor, shape (B, pixels)
    exposure : float
        Largest variance added, over what there is.
    calibration : float
        Standard deviation of each logarithm of `warp_calibration`.
    gaps : float
        Share of the spectra that lose a run of up to an eighth of their pixels.
    generator : torch.Generator
    gap_runs : int
        Most such runs of one spectrum; how many it loses is drawn from 1 to this.
    fibre : float
        Standard deviation of the grey flux scale [mag]: a fibre takes in more or less of a source, as seeing and centring
        go, and an image does not know of it.

    Returns
    -------
    flux, ivar : Tensor, same shape
    """
    n, pixels = flux.shape
    draws = torch.rand((5, n), generator=generator, device=flux.device)
    warp = torch.randn((n, 4), generator=generator, device=flux.device)
    if exposure > 0:
        added = torch.where(draws[0] < 0.5, draws[1] * exposure, torch.zeros_like(draws[1]))
        flux, ivar = expose_less(flux, ivar, added, generator)
    if calibration > 0:
        flux, ivar = warp_calibration(flux, ivar, calibration * warp)
    if gaps > 0:
        length = torch.where(draws[2] < gaps, (draws[3] * pixels / _LONGEST).long(), 0)
        ivar = lose_pixels(ivar, (draws[4] * pixels).long(), length)
        for run in range(2, gap_runs + 1):
            more = torch.rand((3, n), generator=generator, device=flux.device)
            # The k-th run comes with the chance that 1..gap_runs drawn evenly reaches k, given that it reached k - 1.
            length = torch.where((length > 0) & (more[0] < (gap_runs - run + 1) / (gap_runs - run + 2)), length, 0)
            ivar = lose_pixels(
                ivar, (more[2] * pixels).long(), torch.where(length > 0, (more[1] * pixels / _LONGEST).long(), 0)
            )
    if fibre > 0:
        scale = torch.pow(10.0, -0.4 * fibre * torch.randn(n, generator=generator, device=flux.device))[:, None]
        flux, ivar = flux * scale, ivar / scale**2
    return flux, ivar
