"""What is checked everywhere: shapes, dtypes and values, with errors that say what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import DTypeLike

Shape = tuple[int | None, ...]


def whole_number(value: object) -> TypeGuard[int]:
    """Return whether a value is a whole number, Python's or NumPy's; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def real_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a real number, Python's or NumPy's; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_rng(where: str, rng: object) -> None:
    """Raise a TypeError unless something is a random generator of NumPy."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{where}: rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), "
            f"got {rng!r}"
        )


def check_shape(where: str, shape: Iterable[int | None]) -> Shape:
    """Return the shape as a tuple; raise TypeError or ValueError if it is none."""
    if isinstance(shape, int) or not isinstance(shape, Iterable):
        raise TypeError(f"{where}: the shape must be a tuple such as (None, 2), got {shape!r}")
    sizes = tuple(shape)
    for size in sizes:
        if size is not None and not (whole_number(size) and size > 0):
            raise ValueError(
                f"{where}: each size must be a positive whole number, or None for the number of "
                f"examples, got {size!r} in {sizes}"
            )
    return tuple(None if size is None else int(size) for size in sizes)


def known(shape: Shape) -> tuple[int, ...]:
    """Return the shape as that of an array; raise a ValueError if a size is not known yet."""
    sizes = tuple(size for size in shape if size is not None)
    if len(sizes) < len(shape):
        raise ValueError(f"the number of examples is not known in the shape {shape_text(shape)}")
    return sizes


def check_dtype(where: str, dtype: DTypeLike) -> np.dtype:
    """Return the NumPy dtype; raise TypeError unless it is an integer, a bool or a usual float."""
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"{where}: needs a dtype such as 'float64' or numpy.float32, got {dtype!r}"
        ) from None
    if dtype.kind not in "iub" and dtype.newbyteorder("=") not in (np.float32, np.float64):
        raise TypeError(f"{where}: needs float32, float64, integers or bools, got {dtype}")
    return np.dtype(dtype.name)  # NumPy's own object, which a program knows at a glance


def as_array(where: str, value: Any, dtype: DTypeLike | None = None) -> np.ndarray:
    """Return a new array; raise an error if the value is ragged, masked or too large."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{where}: the value is a masked array, and its mask would be lost")
    try:
        with np.errstate(over="raise"):
            array = np.array(value, dtype=dtype)
        if dtype is not None and array.dtype.kind in "iub" and not np.array_equal(array, value):
            raise OverflowError
        return array
    except (FloatingPointError, OverflowError):
        raise ValueError(f"{where}: {value} does not fit into {np.dtype(dtype)}") from None
    except ValueError as error:
        raise ValueError(f"{where}: the value is no array: {error}") from None


def check_values(where: str, name: str, array: np.ndarray) -> None:
    """Raise a ValueError if the array is empty or contains NaN: neither can be computed with."""
    if array.size == 0:
        raise ValueError(
            f"{where}: {name} is empty (shape {array.shape}): no examples to compute with"
        )
    if array.dtype.kind == "f" and np.isnan(array).any():
        first = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
        count = int(np.isnan(array).sum())
        raise ValueError(
            f"{where}: {name} of shape {array.shape} contains NaN in {count} of {array.size} "
            f"entries, the first at {first}"
        )


@contextmanager
def needed_by(where: str, install: str = '"dlbook[course]"') -> Iterator[None]:
    """Import inside what not everybody has; if it is missing, the error says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise ModuleNotFoundError(
            f"{where}: needs {name}, which is not installed: pip install {install}", name=name
        ) from None


@contextmanager
def in_the_name_of(function: str, *inner: str) -> Iterator[None]:
    """Let errors of what a function calls name that function, the one that somebody has called.

    A message that begins with the name of an operation keeps it, unless it is one of ``inner``.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        text = str(error.args[0]) if len(error.args) == 1 else ""
        name, colon, rest = text.partition(": ")
        if colon and (name in inner or name in INNER):
            error.args = (f"{function}: {rest}",)
        raise


INNER = {"backprop", "compile", "evaluate", "hvp", "jvp", "program"}  # what others call, too


@cache
def shape_text(shape: Shape) -> str:
    """Write a shape as NumPy does, with ``None`` for the number of examples."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
