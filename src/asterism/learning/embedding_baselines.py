"""What an embedding is put beside: the inputs' principal components, the same network before training, trees on photometry.

Principal components are those of training objects: spectra in bins over their own level, and images in bins of 4 × 4 pixels on an
asinh scale. They are what a person would compare objects by who has no network, and probes ask them as they ask embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asterism.learning.baseline_features import binned
from asterism.models.model import Model
from asterism.models.network import present

__all__ = ["PrincipalComponents", "image_vectors", "spectrum_vectors", "untrained"]

Vectors = dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]

_SPECTRUM_BINS, _IMAGE_BIN = 512, 4
#: Bins are kept within this many levels: one bad bin must not be a component of its own.
_LARGEST = 20.0


def spectrum_vectors(role: Mapping[str, Tensor], bins: int = _SPECTRUM_BINS) -> Tensor:
    """Spectra (B, bins) in bins over their own level; bins that were not observed are at the level of the others, 0 where none.

    Parameters
    ----------
    role : mapping of str to Tensor
        ``flux`` and ``ivar`` (B, P).
    bins : int
        At most P.
    """
    shape, _ = binned(role["flux"], role["ivar"], min(bins, role["flux"].shape[-1]))
    shape = shape.clamp(-_LARGEST, _LARGEST)
    middle = shape.nanmedian(1, keepdim=True).values
    return torch.where(torch.isfinite(shape), shape, middle).nan_to_num(0.0)


def image_vectors(role: Mapping[str, Tensor], bin_size: int = _IMAGE_BIN) -> Tensor:
    """Images (B, bands · y/bin · x/bin): asinh of the mean flux of bins over its noise; 0 where nothing was observed.

    Parameters
    ----------
    role : mapping of str to Tensor
        ``flux`` (B, bands, y, x) and ``ivar`` of the same shape or (B, bands, 1, 1).
    bin_size : int
        Pixels; those that fill no bin at the far edges are left out. At most the stamp's side.
    """
    flux, ivar = role["flux"], role["ivar"].expand_as(role["flux"])
    side = max(1, min(bin_size, *flux.shape[-2:]))
    weight = torch.nn.functional.avg_pool2d((ivar > 0).float(), side)
    total = torch.nn.functional.avg_pool2d(torch.where(ivar > 0, flux, 0.0), side)
    information = torch.nn.functional.avg_pool2d(ivar, side) * side**2
    mean = total / weight.clamp_min(1e-6)
    return torch.where(weight > 0, torch.asinh(mean * information.sqrt()), 0.0).flatten(1)


_OF = {"image": image_vectors, "spectrum": spectrum_vectors}


class PrincipalComponents:
    """Principal components of images and of spectra, each for itself, fitted on training objects.

    Parameters
    ----------
    components : int
        Of each; fewer where there are fewer objects or numbers.
    seed : int
        Of the randomised decomposition (Halko, Martinsson & Tropp 2011, SIAM Review 53, 217).
    """

    def __init__(self, components: int = 64, seed: int = 0) -> None:
        self.components = components
        self.seed = seed
        self._fitted: dict[str, Any] = {}

    def fit(self, batches: Iterable[Mapping[str, Any]]) -> PrincipalComponents:
        """Learn the components of the objects in batches of `asterism.catalogs.stream` that have the modality."""
        from sklearn.decomposition import PCA

        parts: dict[str, list[NDArray[np.float32]]] = {}
        for batch in batches:
            for name in _OF.keys() & batch.keys():
                parts.setdefault(name, []).append(_OF[name](batch[name])[present(batch[name])].numpy())
        for name, found in parts.items():
            values = np.concatenate(found)
            count = min(self.components, *values.shape)
            if count > 0:
                solver = "randomized" if count < min(values.shape) else "full"
                self._fitted[name] = PCA(count, svd_solver=solver, random_state=self.seed).fit(values)
        return self

    def __call__(self, batch: Mapping[str, Any]) -> Vectors:
        """Coordinates (B, components) of a batch by modality, zeros where it is absent, and present (B,)."""
        result = {}
        for name, model in self._fitted.items():
            there = present(batch[name]).numpy()
            values = model.transform(_OF[name](batch[name]).numpy()).astype(np.float32)
            result[name] = np.where(there[:, None], values, 0).astype(np.float32), there
        return result


def untrained(model: Model, seed: int = 0) -> Model:
    """The same network with fresh weights; what was learned of its inputs' scale, its buffers, stays.

    Parameters
    ----------
    model : Model
    seed : int
        Of the weights.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh = Model(model.config)
    fresh.load_state_dict(dict(model.named_buffers()), strict=False)
    return fresh.eval()
