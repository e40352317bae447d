"""Where a computation leaves the finite numbers: looked for once something has come out wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from dlbook.checks import shape_text
from dlbook.graph import Variable, needed
from dlbook.operations.base import computed_by
from dlbook.programs.simplify import simplify


def first_not_finite(outputs: Iterable[Variable], values: Mapping[Variable, np.ndarray]) -> str:
    """Say which operation is the first to give NaN or infinity, and from what; '' if none does.

    Goes through the simplified graph, one operation after the other, and keeps all of it: that
    takes longer than the program, and more memory.

    Parameters
    ----------
    outputs : list of Variable
    values : dict of Variable to array
        One for each input that the outputs depend on.
    """
    inputs = list(values)
    outputs = simplify(outputs, inputs)
    known = {V: np.asarray(value) for V, value in values.items()}
    for V, value in known.items():
        if not _is_finite(value):
            return f"'{V.name}' {shape_text(V.shape)} is {_what(value)} to begin with"
    with np.errstate(all="ignore"):
        for V in needed(outputs, inputs):
            operation = computed_by(V)
            result = operation.f(*(known[U] for U in V.inputs))
            known[V] = np.asarray(result if operation.output is None else result[operation.output])
            # An infinite constant is meant; what comes of it is not.
            if V.inputs and not _is_finite(known[V]):
                names = " and ".join(f"'{U.name}' {shape_text(U.shape)}" for U in V.inputs)
                return f"{operation.name} is the first to give {_what(known[V])}, from {names}"
    return ""


def _is_finite(value: np.ndarray) -> bool:
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _what(value: np.ndarray) -> str:
    return "NaN" if np.isnan(value).any() else "infinity"
