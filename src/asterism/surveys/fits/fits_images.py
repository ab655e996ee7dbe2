"""Small FITS images read at once, without astropy's objects for each card of their headers, which take longer than all else.

Only what needs no interpretation is read here: files of images of floats and nothing else, not packed. All else, damage too,
is left to `asterism.surveys.fits.fits_reading`.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from asterism.errors import BadInputError
from asterism.surveys.fits.fits_headers import QuickHeader

__all__ = ["quick_images"]

_CARD, _BLOCK = 80, 2880  # bytes
_SMALL = 8 << 20  # bytes of a file that is read at once
_START = b"SIMPLE  =                    T"
_NEXT = b"XTENSION= 'IMAGE   '"
_END = b"END" + b" " * 77
_FLOATS = {-32: ">f4", -64: ">f8"}
_SCALED = ("BSCALE", "BZERO", "BLANK")


def quick_images(path: Path) -> list[tuple[QuickHeader, np.ndarray]] | None:
    """Headers and images of a small file's HDUs.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of (QuickHeader, ndarray), or None
        None where the file is not as simple as that, or damaged.
    """
    if path.stat().st_size > _SMALL:
        return None
    body = path.read_bytes()
    found: list[tuple[QuickHeader, np.ndarray]] = []
    place = 0
    while place < len(body):
        if not body.startswith(_START if place == 0 else _NEXT, place):
            return None
        end = body.find(_END, place)
        if end < 0 or (end - place) % _CARD:
            return None
        header = QuickHeader(body[place:end])
        layout = _layout(header)
        if layout is None:
            return None
        kind, shape = layout
        start = -(-(end + _CARD) // _BLOCK) * _BLOCK
        count = math.prod(shape)
        if start + count * kind.itemsize > len(body):
            return None
        found.append((header, np.frombuffer(body, kind, count, start).reshape(shape)))
        place = -(-(start + count * kind.itemsize) // _BLOCK) * _BLOCK
    return found or None


def _layout(header: QuickHeader) -> tuple[np.dtype, list[int]] | None:
    """Kind and shape of an image of floats as they are; None for all else."""
    try:
        kind = np.dtype(_FLOATS[header["BITPIX"]])
        shape = [header[f"NAXIS{k}"] for k in range(header["NAXIS"], 0, -1)]
        more = header.get("PCOUNT", 0), header.get("GCOUNT", 1)
    except (KeyError, TypeError, BadInputError):
        return None
    if any(key in header for key in _SCALED) or not shape or more != (0, 1):
        return None
    # Not isinstance: T, a logical value, is an integer to Python.
    return (kind, shape) if all(type(n) is int and 0 < n < _SMALL for n in shape) else None
