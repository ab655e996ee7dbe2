"""Linear factors of spectra, of which every pixel's error is known: what distances see on any instrument alike.

Masked modelling learns more about faint spectra than any linear map can. But what it learned lies in directions that real spectra
move, though ever so little, in ways that no simulation has shown it. A few linear combinations of pixels that hold most of how
spectra differ are left nearly where they were.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.models.statistics import RowSample

__all__ = ["SpectralFactors"]

_SAMPLE = 8192
_PER_FACTOR = 10  # spectra that a factor needs to be learned from
_STEPS = 10
_AT_ONCE = 1024
_FLOOR = 0.05  # of the level: no error is believed to be less, so that no line outweighs all else
_REST = 1e-3  # precision of a prior on each number of the loadings, for pixels that nothing was observed in
_LEAST = 1e-4  # of the largest variance: a factor below it was not learned
_WIDEST = (-10.0, 30.0)  # of a pixel, over the level


class SpectralFactors(nn.Module):
    """Spectra over their level as a mean and K loadings, Gaussian factors and noise of known variance.

    The model is that of factor analysis and probabilistic PCA (Tipping & Bishop 1999, J. R. Stat. Soc. B 61, 611) with each pixel's
    own error instead of one that is learned, as spectra of surveys give it (Bailey 2012, PASP 124, 1015). Mean and loadings are
    learned by expectation maximisation from a sample of training spectra, once, without labels or gradients. A spectrum's
    factors are then their posterior mean, so that noise and gaps pull them to 0 and not elsewhere; they are made to scatter
    alike over the sample, and brought to unit length.

    Before `settle` was called, all factors are 0.

    Parameters
    ----------
    count : int
        K.
    pixels : int
        Of a spectrum, even; two and two are averaged.
    """

    mean: Tensor
    loadings: Tensor
    centre: Tensor
    matrix: Tensor

    def __init__(self, count: int, pixels: int) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("mean", torch.zeros(pixels // 2))
        self.register_buffer("loadings", torch.zeros(count, pixels // 2))
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("matrix", torch.zeros(count, count))
        self._sample: RowSample | None = None

    def forward(self, flux: Tensor, ivar: Tensor, level: Tensor) -> Tensor:
        """Unit vectors (B, K) of spectra on the common grid.

        Parameters
        ----------
        flux, ivar : Tensor
            (B, P), 0 where nothing was observed.
        level : Tensor
            (B, 1), what flux is divided by.
        """
        with torch.autocast(flux.device.type, enabled=False):
            values, weight = _pixels(flux.float(), ivar.float(), level.float())
            found, _ = _posterior(values - self.mean, weight, self.loadings)
            return F.normalize((found - self.centre) @ self.matrix, dim=-1)

    def observe(self, flux: Tensor, ivar: Tensor, level: Tensor) -> None:
        """Offer training spectra to the bounded sample that `settle` reads."""
        if self._sample is None:
            self._sample = RowSample(_SAMPLE)
        self._sample.add(torch.cat(_pixels(flux, ivar, level), 1))

    def settle(self) -> None:
        """Learn mean, loadings and the factors' scatter from the spectra observed; of few spectra fewer factors."""
        if self._sample is None:
            return
        values, weight = self._sample.rows().chunk(2, 1)
        self._sample = None
        count = min(self.count, len(values) // _PER_FACTOR)
        if not count:
            return
        mean, loadings = _learned(values, weight, count)
        self.mean.copy_(mean)
        self.loadings.zero_()[:count] = loadings
        found = torch.cat(
            [
                _posterior(rows - mean, by, self.loadings)[0]
                for rows, by in zip(values.split(_AT_ONCE), weight.split(_AT_ONCE), strict=True)
            ]
        )
        self.centre.copy_(found.mean(0))
        variance, turn = torch.linalg.eigh(torch.cov(found.T.double()).reshape(self.count, self.count))
        known = variance > _LEAST * variance.max().clamp_min(1e-12)
        self.matrix.copy_(turn * torch.where(known, variance.clamp_min(1e-12).rsqrt(), 0.0))


def _pixels(flux: Tensor, ivar: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Flux over level and inverse variance (B, P / 2) of pairs of pixels."""
    pairs = ivar.unflatten(1, (-1, 2)).sum(2)
    light = (flux * ivar).unflatten(1, (-1, 2)).sum(2)
    values = torch.where(pairs > 0, light / pairs.clamp_min(1e-30) / level, 0.0)
    precision = 1 / (1 / (pairs * level**2) + _FLOOR**2)  # 0 where nothing was observed
    # A pixel that overflows must not take its spectrum with it, nor a spectrum the others.
    sound = torch.isfinite(values) & torch.isfinite(precision)
    return torch.where(sound, values, 0.0).clamp(*_WIDEST), torch.where(sound, precision, 0.0)


def _posterior(excess: Tensor, weight: Tensor, loadings: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, K) and covariance (B, K, K) of the factors of spectra less the mean."""
    count = len(loadings)
    squares = (loadings[:, None] * loadings).flatten(0, 1)
    precision = (weight @ squares.T).unflatten(1, (count, count)) + torch.eye(count, device=weight.device)
    covariance = torch.cholesky_inverse(torch.linalg.cholesky(precision))
    return torch.einsum("bkl,bl->bk", covariance, (weight * excess) @ loadings.T), covariance


def _learned(values: Tensor, weight: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean (P) and loadings (K, P) by expectation maximisation."""
    pixels = values.shape[1]
    mean = (values * weight).sum(0) / weight.sum(0).clamp_min(1e-9)
    loadings = 0.1 * torch.randn(count, pixels, generator=torch.Generator().manual_seed(0))
    rest = _REST * torch.eye(count + 1)
    for _ in range(_STEPS):
        # Of every pixel: the sums over spectra of w ccᵀ and of w c x, where c are the factors and a one for the mean.
        squares, products = torch.zeros(pixels, (count + 1) ** 2), torch.zeros(pixels, count + 1)
        for rows, by in zip(values.split(_AT_ONCE), weight.split(_AT_ONCE), strict=True):
            found, covariance = _posterior(rows - mean, by, loadings)
            found = F.pad(found, (0, 1), value=1.0)
            second = found[:, :, None] * found[:, None]
            second[:, :count, :count] += covariance
            squares += by.T @ second.flatten(1)
            products += (by * rows).T @ found
        solved = torch.linalg.solve(squares.unflatten(1, (count + 1, count + 1)) + rest, products)
        loadings, mean = solved[:, :count].T.contiguous(), solved[:, count].contiguous()
    return mean, loadings
