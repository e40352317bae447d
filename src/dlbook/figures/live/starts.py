"""Random starts by number: the same in Python and in the page, from nothing but a counter.

A number is the sum of twelve uniform ones less 6, nearly normal and without rounding: each of the
twelve is a mixed-up counter. ``player/starts.js`` does the same.
"""

from __future__ import annotations

import numpy as np

UNITS = 8  # for so many units there is room
ENTRIES = 64  # of a start


def normals(starts: np.ndarray, count: int) -> np.ndarray:
    """Return for each start, by its number, as many nearly normal numbers.

    Parameters
    ----------
    starts : array of int, shape (n,)
    count : int
        At most 64.

    Returns
    -------
    array, shape (n, count)
    """
    entries = np.asarray(starts)[:, None] * ENTRIES + np.arange(count)
    counters = entries[..., None] * 12 + np.arange(12)
    return (mixed(counters.astype(np.uint32)) / 2.0**32).sum(axis=-1) - 6


def mixed(x: np.ndarray) -> np.ndarray:
    """Mix the bits of whole numbers, each by itself, so that none can be told from a random one."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def weights(starts: np.ndarray, units: int = UNITS) -> tuple[np.ndarray, np.ndarray]:
    """Return what the hidden and the output layer start with: shapes (n, 2, units) and (n, units).

    A unit starts the same however many there are.
    """
    drawn = normals(starts, 3 * units).reshape(-1, units, 3)
    return drawn[:, :, :2].transpose(0, 2, 1), drawn[:, :, 2]
