"""One variable of the environment shifts the seed of every generator: do the results last?

``DLBOOK_SEED_SHIFT=1000`` lets ``np.random.default_rng(3)`` give what it gives for 1003, in the
chapters and in the library, and the numbered starts of section 6.1 begin as many later. Without it
nothing changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

VARIABLE = "DLBOOK_SEED_SHIFT"
_plain: Callable[..., np.random.Generator] = np.random.default_rng


def shift() -> int:
    """Return by how much seeds are shifted: 0 unless the variable says otherwise.

    Raises ValueError if it is no whole number, or a negative one.
    """
    text = os.environ.get(VARIABLE, "0")
    if not text.isdecimal():
        raise ValueError(f"seeds: {VARIABLE} is a whole number from 0, got {text!r}")
    return int(text)


def seed(number: int) -> int:
    """Return a seed for a generator that is not NumPy's: the number, shifted."""
    return int(number) + shift()


def default_rng(number: Any = None) -> np.random.Generator:
    """Return NumPy's generator for a shifted seed; what is no whole number is passed on."""
    if isinstance(number, int | np.integer):
        number = seed(int(number))
    elif isinstance(number, list | tuple):
        number = [*number[:-1], seed(number[-1])]
    return _plain(number)


def begin() -> None:
    """Let ``np.random.default_rng`` shift its seeds, if the variable is set."""
    setattr(np.random, "default_rng", default_rng if shift() else _plain)  # noqa: B010


@contextmanager
def shifted(by: int) -> Iterator[None]:
    """Shift all seeds inside of a ``with``."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(by)
    begin()
    try:
        yield
    finally:
        os.environ.pop(VARIABLE) if before is None else os.environ.update({VARIABLE: before})
        begin()
