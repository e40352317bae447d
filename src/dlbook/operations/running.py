"""Running sums and products along an axis, and the product of all entries.

The derivative of a product by one factor is the product of the others, also where a factor is 0. So
nothing is divided here: what stands before an entry and what stands after it is multiplied up from
both sides (:class:`Scan`).
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import Shape, shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Operation, any_inputs, as_variables
from dlbook.operations.elementwise import add_up
from dlbook.operations.reductions import Reduction, Sum
from dlbook.operations.shapes import Squeeze, normalize_axes, one_axis, reshape, zeros_like
from dlbook.operators import Axes, Operand


class Along(Operation):
    """What goes along one axis, from one end or the other, and keeps the shape."""

    fresh = True

    def __init__(self, axis: int, backwards: bool = False):
        self.axis, self.backwards = axis, backwards

    @any_inputs
    def infer_shape(self, *inputs: Variable) -> Shape:
        return inputs[0].shape


class CumSum(Along):
    """For each entry the sum of those up to it."""

    name, kinds = "cumsum", "fiub"

    def infer_dtype(self, A):
        return np.add.reduce(np.empty(0, A.dtype)).dtype  # small integers and bools are widened

    def f(self, A):
        xp = array_namespace(A)
        A = xp.flip(A, axis=self.axis) if self.backwards else A
        sums = xp.astype(xp.cumulative_sum(A, axis=self.axis), getattr(xp, str(self._dtype(A))))
        return xp.flip(sums, axis=self.axis) if self.backwards else sums

    def _dtype(self, A):
        name = str(A.dtype).rpartition(".")[2]
        return np.add.reduce(np.empty(0, name)).dtype

    def bprop(self, inputs, X, G):
        return CumSum(self.axis, not self.backwards)(G)

    def jvp(self, inputs, tangents):
        return self(tangents[0])


class Scan(Along):
    """t_k = x_{k-1} t_{k-1} + g_{k-1}, from ``first`` on: what comes before each entry.

    With g = 0 and first = 1 these are the products of all entries before. Its derivatives are of
    the same form, in the other direction.
    """

    name, kinds, mixes = "scan", "f", True

    def __init__(self, axis: int, backwards: bool = False, first: float = 0.0):
        super().__init__(axis, backwards)
        self.first = first

    def infer_shape(self, *inputs: Variable) -> Shape:
        x, g = inputs
        if x.shape != g.shape:
            raise ValueError(
                f"scan: '{x.name}' {shape_text(x.shape)} and '{g.name}' {shape_text(g.shape)} must "
                f"have one shape"
            )
        return x.shape

    def f(self, x, g):
        xp = array_namespace(x, g)
        before = (slice(None),) * self.axis
        last, *rest = range(x.shape[self.axis])[:: -1 if self.backwards else 1]
        parts = {last: xp.full_like(x[*before, last], self.first)}
        for place in rest:
            parts[place] = x[*before, last] * parts[last] + g[*before, last]
            last = place
        return xp.stack([parts[place] for place in sorted(parts)], axis=self.axis)

    def bprop(self, inputs, X, G):
        x, g = inputs
        back = Scan(self.axis, not self.backwards)(x, G)
        return back * self(x, g) if X is x else back

    def jvp(self, inputs, tangents):
        (x, g), (Tx, Tg) = inputs, tangents
        move = Scan(self.axis, self.backwards)
        return add_up(
            (None if Tx is None else move(x, Tx * self(x, g)), None if Tg is None else move(x, Tg))
        )


class Prod(Reduction):
    """The product over one axis."""

    name, symbol, kinds, ufunc = "prod", "Π", "fiub", "multiply"

    def infer_dtype(self, A):
        return np.multiply.reduce(np.empty(0, A.dtype)).dtype

    def f(self, A):
        xp = array_namespace(A)
        dtype = np.multiply.reduce(np.empty(0, str(A.dtype).rpartition(".")[2])).dtype
        A = xp.astype(A, getattr(xp, dtype.name))
        return xp.prod(A, axis=self.axes, keepdims=self.keepdims)

    def _others(self, X: Variable) -> Variable:
        """Return for each entry the product of the others."""
        (axis,), zeros = self.axes, zeros_like(X)
        return Scan(axis, first=1.0)(X, zeros) * Scan(axis, backwards=True, first=1.0)(X, zeros)

    def bprop(self, inputs, X, G):
        return self.keep(G) * self._others(X)

    def jvp(self, inputs, tangents):
        return Sum(self.axes, self.keepdims)(tangents[0] * self._others(inputs[0]))


def prod(A: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Multiply the entries over ``axis`` (int, tuple or None for all).

    The gradient is right also where an entry is 0. Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("prod", A)
    axes = normalize_axes("prod", A, axis)
    if not axes:
        return Sum(())(A)
    if len(axes) == 1:
        return Prod(axes, keepdims)(A)
    # One after the other: the number of examples cannot be put together with other sizes.
    product = A
    for one in axes:
        product = Prod((one,), keepdims=True)(product)
    return product if keepdims else Squeeze(axes)(product)


def cumsum(A: Operand, axis: int | None = None) -> Variable:
    """Add up the entries one by one along ``axis``, and keep all the sums.

    Without an axis those of all entries, in one row, as NumPy does. Raises ValueError if there is
    no such axis, or the number of entries is not known.
    """
    (A,) = as_variables("cumsum", A)
    if axis is None:
        A, axis = (A if A.ndim == 1 else reshape(A, -1)), 0
    return CumSum(one_axis("cumsum", A, axis))(A)


__all__ = ["cumsum", "prod"]
