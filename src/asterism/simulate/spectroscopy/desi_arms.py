"""DESI's three arms from a coadded spectrum: where two arms overlap, each one's measurement with its own noise.

A coadded pixel is the mean of two arms by inverse variance. Given that mean f of inverse variance w = w1 + w2, the two
measurements are normal: f1 = f + e sqrt(1/w1 - 1/w), and f2 is what makes the mean. So the arms of a file are noisy as
independent arms are, and coadding them gives the catalog's spectrum back.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from asterism.simulate.spectroscopy.spectra import MASK_BITS, Spectra
from asterism.simulate.spectroscopy.spectral_response import response_of
from asterism.surveys.formats.desi_spectra import ARMS, ArmSpectra
from asterism.surveys.formats.desi_spectra import MASK_BITS as DESI_BITS

__all__ = ["split_arms"]


def split_arms(rng: np.random.Generator, spectra: Spectra) -> dict[str, ArmSpectra]:
    """Arms of coadded spectra.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance for the overlaps.
    spectra : Spectra
        n spectra on DESI's grid, all of them observed.

    Returns
    -------
    dict of str to ArmSpectra
        ``B``, ``R``, ``Z``; flux 0 where not observed.
    """
    response = response_of("desi")
    parts = dict(zip(ARMS, response.arms, strict=True))
    observed = spectra.ivar > 0
    flux = np.where(observed, spectra.flux, 0.0).astype(np.float64)
    found = {
        name: (flux[:, part.pixels].copy(), spectra.ivar[:, part.pixels].astype(np.float64))
        for name, part in parts.items()
    }
    for (left, one), (right, other) in pairwise(parts.items()):
        both = slice(other.pixels.start, one.pixels.stop)
        first, second = slice(both.start - one.pixels.start, None), slice(0, both.stop - both.start)
        # With little but sky in a fibre, the inverse variance of a flux goes with the sensitivity.
        share = one.sensitivity[first] / (one.sensitivity[first] + other.sensitivity[second])
        whole = spectra.ivar[:, both].astype(np.float64)
        seen = whole > 0
        with np.errstate(divide="ignore"):
            spread = np.sqrt(np.where(seen, (1.0 / share - 1.0) / whole, 0.0))
        error = rng.standard_normal(whole.shape) * spread
        found[left][0][:, first] += error
        found[right][0][:, second] -= error * share / (1.0 - share)
        found[left][1][:, first] *= share
        found[right][1][:, second] *= 1.0 - share
    bits = np.zeros_like(spectra.mask)
    for name, bit in DESI_BITS.items():
        bits |= np.where(spectra.mask & MASK_BITS[name], bit, 0).astype(bits.dtype)
    return {
        name: ArmSpectra(
            found[name][0].astype(np.float32), found[name][1].astype(np.float32), bits[:, part.pixels], part.sigma
        )
        for name, part in parts.items()
    }
