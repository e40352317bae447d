"""What a value must be to stand for a variable, the same for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbook.checks import as_array, shape_text
from dlbook.graph import Variable


def check_input(V: Variable, value: Any) -> np.ndarray:
    """Return the value as an array of the shape and dtype of ``V``.

    Plain numbers of Python, also in lists, take the dtype; what has one of its own must have it.

    Raises
    ------
    TypeError, ValueError
        If it has another dtype or shape, is empty, ragged or too large.
    """
    where = f"evaluate: {_wanted(V)}"
    if type(value) is np.ndarray or isinstance(value, np.generic):
        array = np.asarray(value)
    else:
        array = as_array(where, value, V.dtype if _plain(value, V.dtype) else None)
    if array.dtype.newbyteorder("=") != V.dtype:
        raise TypeError(
            f"evaluate: {_wanted(V)}, but the value is {array.dtype} of shape {array.shape}; "
            f"convert it, for example by .astype('{V.dtype}')"
        )
    check_input_shape(V, array.shape)
    return array.astype(V.dtype, copy=False)  # in the byte order of this machine


def _plain(value: Any, dtype: np.dtype) -> bool:
    """Return whether these are numbers of Python, or lists of them, that can have the dtype."""
    if isinstance(value, list | tuple):
        return all(_plain(entry, dtype) for entry in value)
    kinds = {"f": (int, float), "i": (int,), "u": (int,)}
    return type(value) in kinds.get(dtype.kind, ())


def check_input_shape(V: Variable, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless an array of this shape can be the value of ``V``."""
    sizes = zip(V.shape, shape, strict=False)
    if len(shape) != V.ndim or any(size not in (None, found) for size, found in sizes):
        raise ValueError(f"evaluate: {_wanted(V)}, but the value has the shape {shape}")
    if 0 in shape:
        raise ValueError(
            f"evaluate: '{V.name}' is empty (shape {shape}): no examples to compute with"
        )


def _wanted(V: Variable) -> str:
    return f"'{V.name}' is {V.dtype} of shape {shape_text(V.shape)}"


def count_examples(inputs: list[Variable], arrays: Sequence[Any]) -> int | None:
    """Return what ``None`` stands for, if it stands anywhere.

    Raises a ValueError unless it is one and the same number everywhere.
    """
    counts: dict[int, str] = {}
    for V, array in zip(inputs, arrays, strict=True):
        for size, given in zip(V.shape, array.shape, strict=True):
            if size is None:
                counts.setdefault(given, f"'{V.name}' {tuple(array.shape)}")
    if len(counts) > 1:
        raise ValueError(
            "evaluate: the inputs disagree on the number of examples: " + ", ".join(counts.values())
        )
    return next(iter(counts), None)
