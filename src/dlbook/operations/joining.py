"""Putting tensors together, along an axis that is there or along a new one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import known, shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Operation, as_variables, call
from dlbook.operations.indexing import Index
from dlbook.operations.shapes import one_axis, zeros_like
from dlbook.operators import Operand


class Joining(Operation):
    """What these have in common: the axis, and that each input is a part of the output."""

    mixes, fresh = True, True

    def __init__(self, axis: int):
        self.axis = axis

    def place(self, inputs: list[Variable], X: Variable) -> tuple[Any, ...]:
        """Return the key at which the input ``X`` lies in the output."""
        raise NotImplementedError

    def bprop(self, inputs, X, G):
        return Index(self.place(inputs, X))(G)

    def jvp(self, inputs, tangents):
        pairs = zip(inputs, tangents, strict=True)
        return self(*[zeros_like(X) if T is None else T for X, T in pairs])

    def code(self, V, arguments, out, setup):
        return call(f"np.{self.name}", f"[{', '.join(arguments)}]", axis=self.axis, out=out)


class Concatenate(Joining):
    """Tensors one behind the other along an axis."""

    name = "concatenate"

    def infer_shape(self, *inputs):
        rests = {(*V.shape[: self.axis], 0, *V.shape[self.axis + 1 :]) for V in inputs}
        sizes = [V.shape[self.axis] for V in inputs]
        if len(rests) > 1 or (None in sizes and len(sizes) > 1):
            raise ValueError(
                f"concatenate: the shapes {_shapes(inputs)} do not fit: all sizes but that of axis "
                f"{self.axis} must be equal, and that one must not be the number of examples"
            )
        rest = inputs[0].shape
        size = sizes[0] if len(sizes) == 1 else sum(known(tuple(sizes)))
        return (*rest[: self.axis], size, *rest[self.axis + 1 :])

    def f(self, *inputs):
        return array_namespace(*inputs).concat(inputs, axis=self.axis)

    def place(self, inputs, X):
        start = 0
        for V in inputs:
            if V is X:
                break
            start += V.shape[self.axis] or 0  # known, if there are several
        size = X.shape[self.axis]
        stop = None if size is None else start + size
        return (*[slice(None)] * self.axis, slice(start, stop))


class Stack(Joining):
    """Tensors of one shape side by side along a new axis."""

    name = "stack"

    def infer_shape(self, *inputs):
        if len({V.shape for V in inputs}) > 1:
            raise ValueError(f"stack: the shapes {_shapes(inputs)} must all be the same")
        shape = inputs[0].shape
        return (*shape[: self.axis], len(inputs), *shape[self.axis :])

    def f(self, *inputs):
        return array_namespace(*inputs).stack(inputs, axis=self.axis)

    def place(self, inputs, X):
        position = next(i for i, V in enumerate(inputs) if V is X)
        return (*[slice(None)] * self.axis, position)


def _shapes(inputs: Iterable[Variable]) -> str:
    return ", ".join(f"'{V.name}' {shape_text(V.shape)}" for V in inputs)


def _several(name: str, inputs: Iterable[Operand]) -> tuple[Variable, ...]:
    if isinstance(inputs, Variable) or not isinstance(inputs, Iterable):
        raise TypeError(f"{name}: takes a list of variables, {name}([a, b]), got {inputs!r}")
    variables = as_variables(name, *inputs)
    if not variables:
        raise ValueError(f"{name}: there must be at least one variable")
    return variables


def concatenate(variables: Iterable[Operand], axis: int = 0) -> Variable:
    """Put tensors one behind the other along ``axis``.

    Raises ValueError if there is none, or their shapes do not fit.
    """
    inputs = _several("concatenate", variables)
    axis = one_axis("concatenate", inputs[0], axis)
    if len({V.ndim for V in inputs}) > 1:
        raise ValueError(f"concatenate: the shapes {_shapes(inputs)} must have equally many axes")
    return Concatenate(axis)(*inputs)


def stack(variables: Iterable[Operand], axis: int = 0) -> Variable:
    """Put tensors of one shape side by side along a new axis, the one numbered ``axis``.

    Raises ValueError if there is none, or their shapes differ, or there can be no such axis.
    """
    inputs = _several("stack", variables)
    ndim = inputs[0].ndim + 1
    if not isinstance(axis, int | np.integer) or not -ndim <= axis < ndim:
        raise ValueError(f"stack: a result of {ndim} axes has no axis {axis!r}")
    return Stack(int(axis) % ndim)(*inputs)


__all__ = ["concatenate", "stack"]
