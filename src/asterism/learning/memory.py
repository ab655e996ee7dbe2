"""Memory that a step frees is kept for the next one, where the C library can be told so."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# glibc's malloc.h. Tensors up to the first size come from the heap, and the heap is not given back between steps: else every
# step asks the kernel for the same pages again, which it clears one by one.
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _TOP_PAD = -3, -1, -2
_SETTINGS = ((_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 256 << 20))


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory up to 2 GiB; the process has it until it ends, and results do not change.

    Steps of batches of 256 stamps take a quarter to a third less processor time so (`benchmarks/step_memory.py`).

    Returns
    -------
    bool
        Whether it was told; False with other C libraries.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl, and others without it
        return False
    return all([mallopt(setting, value) == 1 for setting, value in _SETTINGS])
