"""What a programme of a survey takes: a kind of object, a window of magnitude, and a published cut on photometry."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import erfc

__all__ = ["Sample", "Window", "shares_of"]


@dataclass(frozen=True)
class Window:
    """A window of r magnitude (AB, without extinction) with a soft faint end.

    Attributes
    ----------
    bright : float
        Magnitude of the sharp bright end.
    faint : float
        Magnitude at which half of the objects are taken.
    softness : float
        Width of the faint end (mag): completeness is erfc((r - faint) / softness) / 2.
    limit : float
        No object is fainter.
    """

    bright: float
    faint: float
    softness: float = 0.3
    limit: float = 22.5

    def weight(self, r_mag: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Share of the objects taken at these magnitudes, in [0, 1]."""
        r = np.asarray(r_mag, dtype=np.float64)
        return np.where((r >= self.bright) & (r <= self.limit), 0.5 * erfc((r - self.faint) / self.softness), 0.0)

    def holds(self, r_mag: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether the window takes more than about 1 in 400 objects of these magnitudes."""
        return self.weight(r_mag) > 0.0023


@dataclass(frozen=True)
class Sample:
    """One kind of object as one programme of a survey takes it.

    Attributes
    ----------
    name : str
        Goes to the column `targets`.
    kind : str
        Population: ``field``, ``giant``, ``hot``, ``white-dwarf``, ``hot-subdwarf``, ``carbon``, ``cataclysmic``
        (stars), ``galaxy``, ``red-galaxy``, ``blue-galaxy``, ``quasar``, ``seyfert``.
    share : float
        Of its class.
    window : Window
        Of r magnitude. Where there is a cut it only bounds what is drawn.
    redshifts : (float, float) or None
        Range of redshift that is drawn: what the programme chooses by colour lies there.
    cut : str or None
        One of `asterism.simulate.objects.targeting.CUTS`, made on measured magnitudes; None takes all.
    colours : (float, float) or None
        Field stars: range of g-i that is drawn.
    blended : bool
        Point sources that a cut on extent takes: only those with a close neighbour, which alone can pass, are observed.
    """

    name: str
    kind: str
    share: float
    window: Window
    redshifts: tuple[float, float] | None = None
    cut: str | None = None
    colours: tuple[float, float] | None = None
    blended: bool = False


def shares_of(*samples: Sample) -> tuple[Sample, ...]:
    """The samples with their shares scaled to a sum of 1: counts or densities may be written as they were published.

    Examples
    --------
    >>> a, b = shares_of(
    ...     Sample("a", "galaxy", 30.0, Window(14, 18)), Sample("b", "galaxy", 10.0, Window(18, 20))
    ... )
    >>> a.share, b.share
    (0.75, 0.25)
    """
    total = sum(sample.share for sample in samples)
    return tuple(replace(sample, share=sample.share / total) for sample in samples)
