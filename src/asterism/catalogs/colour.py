"""Three bands of an image in colour, by Lupton et al. (2004, PASP 116, 133): brightness is stretched, colour is kept.

The stretch is fixed in nanomaggies, not fitted to each image, so that two pictures can be compared and a network that reads them
(MAC-Net's input is 64 x 64 x 3) sees the same flux as the same value. Bands are weighted, and the sky is lifted, as the viewer of the
Legacy Surveys does for each survey (its public code); its ``arcsinh(20 I) / sqrt(20)`` is astropy's `make_lupton_rgb`
with the numbers below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError

__all__ = ["STRETCHES", "Stretch", "colour_picture"]

_SLOPE = 20.0
# make_lupton_rgb draws 0.1 arcsinh(Q I / stretch) / arcsinh(0.1 Q): both constants follow from arcsinh(20 I) / sqrt(20).
_Q = float(10.0 * np.sinh(0.1 * np.sqrt(_SLOPE)))
_STRETCH = _Q / _SLOPE


@dataclass(frozen=True)
class Stretch:
    """How a survey's fluxes become values.

    Attributes
    ----------
    channels : tuple of tuple of str
        Bands for red, green and blue; the first three that an image has are taken.
    weights : tuple of (str, float)
        By which each band's nanomaggies per pixel are multiplied.
    sky : float
        What is added to the weighted flux, so that the sky's noise is just seen.
    q, stretch : float
        Of `astropy.visualization.make_lupton_rgb`.
    """

    channels: tuple[tuple[str, str, str], ...]
    weights: tuple[tuple[str, float], ...]
    sky: float
    q: float = _Q
    stretch: float = _STRETCH


STRETCHES = {
    "sdss": Stretch((("i", "r", "g"), ("z", "r", "g")), (("g", 2.5), ("r", 1.5), ("i", 1.0), ("z", 0.4)), 0.02),
    "legacy": Stretch((("z", "r", "g"), ("i", "r", "g")), (("g", 6.0), ("r", 3.4), ("i", 3.0), ("z", 2.2)), 0.03),
}
"""By survey. SDSS's own pictures are i, r, g as red, green, blue; those of the Legacy Surveys z, r, g."""


def colour_picture(
    flux: npt.NDArray[np.floating], bands: Sequence[str], survey: str = "sdss", stretch: Stretch | None = None
) -> npt.NDArray[np.uint8]:
    """Picture of an image in three bands.

    Parameters
    ----------
    flux : ndarray, shape (bands, y, x)
        nanomaggy per pixel; NaN where not observed.
    bands : sequence of str
        Of the first axis.
    survey : str
        Whose stretch is used.
    stretch : Stretch, optional
        Another one.

    Returns
    -------
    ndarray of uint8, shape (y, x, 3)
        Red, green, blue; rows in the image's order (the first is at the bottom of a picture with y up). Not observed in
        all three bands: black.

    Raises
    ------
    ConfigurationError
        There are no three such bands, or no stretch of that survey.
    """
    from astropy.visualization import make_lupton_rgb

    if stretch is None:
        stretch = STRETCHES.get(survey)
    if stretch is None:
        raise ConfigurationError(f"no colours are known of survey {survey!r}; known are {', '.join(STRETCHES)}")
    listed = list(bands)
    cube = np.asarray(flux, np.float64)
    usable = [c for c in stretch.channels if set(c) <= set(listed)]
    chosen = next(
        (c for c in usable if all(np.isfinite(cube[listed.index(band)]).any() for band in c)),
        usable[0] if usable else None,
    )
    if chosen is None:
        wanted = " or ".join("".join(c) for c in stretch.channels)
        raise ConfigurationError(
            f"a colour picture needs the bands {wanted}, and there are {','.join(listed) or 'none'}"
        )
    weights = dict(stretch.weights)
    planes = np.stack([cube[listed.index(band)] * weights[band] for band in chosen])
    dark = ~np.isfinite(planes).any(axis=0)
    picture = make_lupton_rgb(*np.nan_to_num(planes), minimum=-stretch.sky, stretch=stretch.stretch, Q=stretch.q)
    picture[dark] = 0
    return np.asarray(picture, np.uint8)
