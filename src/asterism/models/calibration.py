"""What makes a network's probabilities honest: temperature, and conformal sets of classes. Both are part of the model.

Fitted on the calibration part only; their state is buffers, saved with the weights.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from asterism.errors import BadInputError

__all__ = ["ConformalSets", "Temperature"]


class Temperature(nn.Module):
    """One number that sharpens or softens probabilities: p' ∝ p^(1/T) (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    It acts on the members' mean probability and not on their logits: the mean of sharp members is softer than they are,
    and it is the mean that must be calibrated.

    Attributes
    ----------
    value : Tensor
        T, shape (1,); 1 until fitted.
    """

    value: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("value", torch.ones(1))

    def forward(self, probabilities: Tensor) -> Tensor:
        """Calibrated probabilities (B, C) of probabilities (B, C)."""
        return (_log(probabilities) / self.value).softmax(-1)

    def fit(self, probabilities: Tensor, labels: Tensor) -> Temperature:
        """Set T to the minimum of the log-loss, by Brent's method in log T.

        Parameters
        ----------
        probabilities : Tensor
            (N, C), of the calibration part.
        labels : Tensor
            (N,) int64 class indices; objects below 0 are unlabelled and left out.

        Raises
        ------
        BadInputError
            When no object is labelled.
        """
        from scipy.optimize import minimize_scalar

        known = labels >= 0
        if not bool(known.any()):
            raise BadInputError("no object of the calibration part has a label; calibrate on a catalog with classes")
        logs, truth = _log(probabilities[known].double()), labels[known]

        def loss(log_temperature: float) -> float:
            scaled = (logs / math.exp(log_temperature)).log_softmax(-1)
            return float(-scaled.gather(1, truth[:, None]).mean())

        best = minimize_scalar(loss, bounds=(math.log(0.1), math.log(10.0)), method="bounded", options={"xatol": 1e-5})
        self.value.fill_(math.exp(best.x))
        return self


class ConformalSets(nn.Module):
    """Sets of classes that hold the true one with a chosen probability, for each class and magnitude.

    Adaptive prediction sets (Romano, Sesia & Candès 2020, arXiv:2006.02544): a class's score is the probability of all
    classes that are more probable, plus a uniform share of its own. Thresholds are Mondrian (Vovk et al. 2005, section
    4.5): one for each class and 1-mag bin of the reference band, from the calibration objects of that class there, so
    the coverage holds for faint objects and rare classes too and not only on average. A cell with fewer than `minimum`
    objects takes its class's threshold over all magnitudes; so do objects without a magnitude.

    The uniform share is a hash of the object's own magnitude and probabilities: the same object always gets the same
    set, in whatever batch or order. A set may be empty: no class is as typical as `level` of its members.

    Parameters
    ----------
    classes : int
        C.
    minimum : int
        Smallest number of calibration objects that a cell's threshold may come from.
    brightest, faintest : int
        Range of the bins; objects beyond fall into the outermost ones.

    Attributes
    ----------
    thresholds : Tensor
        (C, bins + 1) float64; the last column is for objects without a magnitude. A class without any calibration
        object has threshold infinity: it can never be ruled out.
    counts : Tensor
        (C, bins + 1) int64: calibration objects behind each threshold.
    level : Tensor
        (1,) float64: the coverage asked for; 0 until fitted.
    """

    thresholds: Tensor
    counts: Tensor
    level: Tensor

    def __init__(self, classes: int, *, minimum: int = 50, brightest: int = 8, faintest: int = 30) -> None:
        super().__init__()
        self.minimum, self.brightest = minimum, brightest
        bins = faintest - brightest
        self.register_buffer("thresholds", torch.full((classes, bins + 1), torch.inf, dtype=torch.float64))
        self.register_buffer("counts", torch.zeros(classes, bins + 1, dtype=torch.int64))
        self.register_buffer("level", torch.zeros(1, dtype=torch.float64))

    def fit(self, probabilities: Tensor, labels: Tensor, magnitudes: Tensor, level: float = 0.9) -> ConformalSets:
        """Set the thresholds.

        Parameters
        ----------
        probabilities : Tensor
            (N, C) calibrated probabilities of the calibration part.
        labels : Tensor
            (N,) int64; objects below 0 are unlabelled and left out.
        magnitudes : Tensor
            (N,) in the reference band; NaN where not observed.
        level : float
            Coverage asked for, between 0 and 1.

        Raises
        ------
        BadInputError
            When the level is not between 0 and 1, or no object is labelled.
        """
        if not 0 < level < 1:
            raise BadInputError(f"a conformal level must lie between 0 and 1 and is {level}; give 0.9 for 90 %")
        known = labels >= 0
        if not bool(known.any()):
            raise BadInputError("no object of the calibration part has a label; calibrate on a catalog with classes")
        labels = labels[known]
        scores = self._scores(probabilities[known], magnitudes[known]).gather(1, labels[:, None])[:, 0]
        cells = self._bins(magnitudes[known])
        last = self.thresholds.shape[1] - 1
        for index in range(len(self.thresholds)):
            mine = labels == index
            overall, total = _quantile(scores[mine], level), int(mine.sum())
            for cell in range(last + 1):
                here = mine & (cells == cell)
                count = int(here.sum())
                enough = count >= self.minimum and cell != last
                self.thresholds[index, cell] = _quantile(scores[here], level) if enough else overall
                self.counts[index, cell] = count if enough else total
        self.level.fill_(level)
        return self

    def sets(self, probabilities: Tensor, magnitudes: Tensor) -> Tensor:
        """Sets of classes.

        Parameters
        ----------
        probabilities : Tensor
            (B, C) calibrated probabilities.
        magnitudes : Tensor
            (B,) in the reference band; NaN where not observed.

        Returns
        -------
        Tensor
            (B, C) bool: whether the class is in the object's set.

        Raises
        ------
        BadInputError
            When no thresholds have been fitted.
        """
        if not float(self.level):
            raise BadInputError("the model has no conformal thresholds; train it with a calibration part")
        return self._scores(probabilities, magnitudes) <= self.thresholds[:, self._bins(magnitudes)].T

    def _scores(self, probabilities: Tensor, magnitudes: Tensor) -> Tensor:
        """(B, C) float64: probability of the more probable classes, and a uniform share of the class's own."""
        p = probabilities.double()
        more = (p[:, None, :] > p[:, :, None]).to(p.dtype) @ p[:, :, None]
        return more[:, :, 0] + _share(probabilities, magnitudes)[:, None] * p

    def _bins(self, magnitudes: Tensor) -> Tensor:
        """(B,) column of `thresholds`."""
        last = self.thresholds.shape[1] - 1
        bins = (torch.floor(torch.nan_to_num(magnitudes, nan=0.0)) - self.brightest).clamp(0, last - 1).long()
        return torch.where(torch.isnan(magnitudes), last, bins)


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp_min(torch.finfo(torch.float32).tiny).log()


def _quantile(scores: Tensor, level: float) -> float:
    """The ceil((n + 1) level)-th smallest score: a new one is above it with probability at most 1 - level."""
    rank = math.ceil((len(scores) + 1) * level)
    return float(scores.sort().values[rank - 1]) if rank <= len(scores) else math.inf


def _share(probabilities: Tensor, magnitudes: Tensor) -> Tensor:
    """Uniform numbers (B,) in [0, 1): a hash of each object's magnitude and of its probabilities to three digits.

    Three digits, because further ones can depend on the batch that an object was computed in.
    """
    parts = [torch.nan_to_num(magnitudes, nan=99.0).to(torch.float32).view(torch.int32).long()]
    parts += list((probabilities * 1000).round().long().T)
    mixed = torch.zeros_like(parts[0])
    for part in parts:
        # One round of a multiply-and-shift hash (the constants are those of MurmurHash3's 32-bit finaliser).
        mixed = (mixed ^ part) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
        mixed = mixed ^ (mixed >> 16)
    return mixed.double() / 2**32
