"""Headers of FITS files as bytes: single cards read without astropy's objects for all, and counts looked at before it believes them."""

from __future__ import annotations

import contextlib
import io
import math
import re
from pathlib import Path
from typing import Any

from asterism.errors import BadInputError

__all__ = ["QuickHeader", "check_counts"]

_CARD, _BLOCK = 80, 2880  # bytes
_LARGEST_HEADER = 8 << 20  # bytes; 999 columns with all that can be said of them take a tenth
_MOST = 999  # axes, columns: FITS Standard 4.0, sections 4.4.1 and 7.3.1
_END = re.compile(rb"END {77}")
_COUNT = re.compile(rb"(NAXIS\d{0,3}|TFIELDS|BITPIX|PCOUNT|GCOUNT) *= *([+-]?\d{1,18})(?= |/)")
_TEXT = re.compile(rb"= *'((?:[^']|'')*)' *(?:/.*)?", re.DOTALL)
_NUMBER = re.compile(rb"= *(?:([+-]?\d+)|([+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?)|([TF])) *(?:/.*)?", re.DOTALL)


class QuickHeader:
    """A header of which only the cards that are asked for are parsed.

    Parameters
    ----------
    text : bytes
        Cards of 80 bytes.
    """

    def __init__(self, text: bytes) -> None:
        self._cards: dict[bytes, bytes] = {}
        for k in range(0, len(text) - _CARD + 1, _CARD):
            self._cards.setdefault(text[k : k + 8].rstrip(), text[k + 8 : k + _CARD])

    def __contains__(self, key: str) -> bool:
        return key.encode() in self._cards

    def __getitem__(self, key: str) -> Any:
        rest = self._cards[key.encode()]
        if text := _TEXT.fullmatch(rest):
            return text[1].replace(b"''", b"'").rstrip().decode("ascii", "replace")
        if number := _NUMBER.fullmatch(rest):
            whole, real, logical = number.groups()
            return int(whole) if whole else float(real) if real else logical == b"T"
        from astropy.io import fits
        from astropy.io.fits.verify import VerifyError

        try:
            return fits.Card.fromstring(key.encode().ljust(8) + rest).value
        except (VerifyError, ValueError) as error:
            raise BadInputError(f"keyword {key} has a value that can't be read; fetch the file again") from error

    def get(self, key: str, default: Any = None) -> Any:
        """Value of a keyword, or the default where it is not there."""
        return self[key] if key.encode() in self._cards else default


def check_counts(source: Path | io.BytesIO, size: int, path: Path) -> None:
    """Refuse headers that promise more axes or columns than FITS has, or negative sizes: astropy would count, or turn, for hours.

    Parameters
    ----------
    source : Path or BytesIO
        What is read.
    size : int
        Bytes there.
    path : Path
        The file, for the sentence.

    Raises
    ------
    BadInputError
        There is such a header.
    """
    with source.open("rb") if isinstance(source, Path) else contextlib.nullcontext(source) as file:
        place = 0
        while place < size:
            file.seek(place)
            head = b""
            end = -1
            while end < 0 and len(head) < _LARGEST_HEADER:
                block = file.read(4 * _BLOCK)
                if not block:
                    break
                head += block
                end = next((k.start() for k in _END.finditer(head) if k.start() % _CARD == 0), -1)
            values: dict[bytes, int] = {}
            for found in _COUNT.finditer(head, 0, end if end >= 0 else len(head)):
                if found.start() % _CARD == 0:
                    values.setdefault(found[1], int(found[2]))
            for key, value in values.items():
                if (value > _MOST and key in (b"NAXIS", b"TFIELDS")) or (value < 0 and key != b"BITPIX"):
                    limits = f"0 to {_MOST}" if key in (b"NAXIS", b"TFIELDS") else "0 or more"
                    raise BadInputError(
                        f"a header of {path} has {key.decode()} = {value} where FITS has {limits}; fetch the file again"
                    )
            if end < 0:
                break
            axes = [values.get(b"NAXIS%d" % (k + 1), 0) for k in range(values.get(b"NAXIS", 0))]
            bits = abs(values.get(b"BITPIX", 8)) * max(values.get(b"GCOUNT", 1), 0)
            data = bits * (values.get(b"PCOUNT", 0) + math.prod(axes)) // 8 if axes else 0
            place += -(-(end + _CARD) // _BLOCK) * _BLOCK + -(-max(data, 0) // _BLOCK) * _BLOCK
    if isinstance(source, io.BytesIO):
        source.seek(0)
