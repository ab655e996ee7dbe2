"""What the sky and the camera do to a stamp: worse seeing and a shallower exposure, with inverse variances that stay right."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["add_sky", "pixels", "widen_psf"]

_FWHM = math.sqrt(8 * math.log(2))  # of a Gaussian, in standard deviations
_REACH = 3.0  # standard deviations beyond which a kernel ends


def widen_psf(flux: Tensor, ivar: Tensor, width: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images as they would be seen with a wider point-spread function and the same noise.

    The source's light is convolved with a Gaussian, so that Gaussian parts of the PSF add in quadrature, FWHM² + width²; the
    wings stay. Convolution smooths the noise as well. What it takes from the noise's power at each frequency, 1 - W(k)², is
    put back with new noise of that spectrum, so that white noise of equal variance stays exactly that, pixel by pixel and
    in its correlations. Where the variance differs from pixel to pixel this holds for the slowly varying part: each pixel
    keeps its own variance, which in a bright core is that of the sharper core (too large by the light that moved away).
    Pixels that were not observed stay so, and their place is filled by their neighbours' weighted mean for the others.

    Parameters
    ----------
    flux : Tensor, shape (B, bands, ny, nx)
    ivar : Tensor, shape (B, bands, ny, nx) or (B, bands, 1, 1)
        Inverse variance 0 where not observed.
    width : Tensor, shape (B,)
        Standard deviation of the Gaussian [pixel]; 0 leaves an image to the bit as it is.
    generator : torch.Generator

    Returns
    -------
    flux, ivar : Tensor
        Shapes as given; the inverse variances are the same ones.
    """
    chosen = (width > 0).nonzero()[:, 0]
    if not len(chosen):
        return flux, ivar
    picked, weight = flux[chosen], ivar[chosen]
    seen = weight > 0
    noise = torch.randn(picked.shape, generator=generator, device=flux.device, dtype=flux.dtype)
    sigma = torch.where(seen, weight.clamp_min(1e-30).rsqrt(), 0.0)
    kernel = _kernel(width[chosen], min(flux.shape[-2:]) - 1)
    if bool(seen.all()):
        new = _smooth(picked, kernel) + sigma * _high_pass(noise, kernel)
    else:
        # An absent pixel has no light to give, and must not darken its neighbours.
        seen = seen.expand_as(picked)
        smoothed = _smooth(torch.where(seen, picked, 0.0), kernel)
        smoothed = smoothed / _smooth(seen.to(flux.dtype), kernel).clamp_min(1e-3)
        new = torch.where(seen, smoothed + sigma * _high_pass(noise, kernel), picked)
    return flux.index_copy(0, chosen, new), ivar


def add_sky(flux: Tensor, ivar: Tensor, added: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images with a brighter sky: the same white noise in every pixel of a band, whatever the source.

    Parameters
    ----------
    flux, ivar
        As for `widen_psf`.
    added : Tensor, shape (B,)
        Variance added, over that of the sky, which is the median of the band's observed pixels; 0 changes nothing.
    generator : torch.Generator

    Returns
    -------
    flux, ivar : Tensor
        Shapes as given; 1 / ivar has grown by what was added.
    """
    chosen = (added > 0).nonzero()[:, 0]
    if not len(chosen):
        return flux, ivar
    seen = ivar[chosen] > 0
    sky = torch.where(seen, ivar[chosen], torch.nan).flatten(2).nanmedian(-1).values[..., None, None]
    variance = torch.where(torch.isfinite(sky), added[chosen, None, None, None] / sky, 0.0)
    noise = torch.randn((len(chosen), *flux.shape[1:]), generator=generator, device=flux.device, dtype=flux.dtype)
    less = torch.where(seen, ivar[chosen] / (1 + ivar[chosen] * variance), ivar[chosen])
    new_flux = flux.index_add(0, chosen, torch.where(seen, variance.sqrt(), 0.0) * noise)
    return new_flux, ivar.index_copy(0, chosen, less)


def _kernel(width: Tensor, largest: int) -> Tensor:
    """One-dimensional Gaussians (n, taps), each integrated over its pixels, sum 1; at most `largest` pixels to each side."""
    reach = min(largest, math.ceil(_REACH * float(width.max()) + 0.5))
    edges = torch.arange(-reach, reach + 2, device=width.device, dtype=width.dtype) - 0.5
    steps = torch.special.ndtr(edges[None] / width[:, None]).diff(dim=1)
    return steps / steps.sum(1, keepdim=True)


def _smooth(image: Tensor, kernel: Tensor) -> Tensor:
    """Images (n, bands, ny, nx) convolved along both axes, mirrored at their edges."""
    n, bands, ny, nx = image.shape
    reach = kernel.shape[1] // 2
    weight = kernel.repeat_interleave(bands, 0)[:, None, :, None]
    flat = F.pad(image.reshape(1, n * bands, ny, nx), (reach,) * 4, mode="reflect")
    flat = F.conv2d(flat, weight, groups=n * bands)
    return F.conv2d(flat, weight.transpose(2, 3), groups=n * bands).view(n, bands, ny, nx)


def _high_pass(noise: Tensor, kernel: Tensor) -> Tensor:
    """White noise (n, bands, ny, nx) of variance 1 with the power 1 - W² that the kernels leave out."""
    ny, nx = noise.shape[-2:]
    reach = kernel.shape[1] // 2
    offset = torch.arange(-reach, reach + 1, device=noise.device, dtype=noise.dtype)

    def response(frequency: Tensor) -> Tensor:
        return kernel @ torch.cos(2 * torch.pi * offset[:, None] * frequency[None])  # a symmetric kernel has no sines

    down = response(torch.fft.fftfreq(ny, device=noise.device, dtype=noise.dtype))
    across = response(torch.fft.rfftfreq(nx, device=noise.device, dtype=noise.dtype))
    kept = (1 - (down[:, :, None] * across[:, None, :]).square()).clamp_min(0).sqrt()
    return torch.fft.irfft2(torch.fft.rfft2(noise) * kept[:, None], s=(ny, nx))


def pixels(fwhm: Tensor, pixel_scale: float) -> Tensor:
    """Standard deviations [pixel] of Gaussians with a FWHM [arcsec]."""
    return fwhm / (_FWHM * pixel_scale)
