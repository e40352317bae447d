"""Python's operators and NumPy's methods on variables: ``a + b``, ``X @ W``, ``H.sum(axis=0)``.

Each of them adds a node to the graph. ``dlbook.operations`` enters its functions here by name,
because this floor of the house knows no operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

operations: dict[str, Callable[..., Any]] = {}


class Operators:
    """What makes a variable behave in a formula as an array would."""

    __slots__ = ()
    __array_ufunc__ = None  # NumPy leaves `array * variable` to __rmul__ below
    __iter__ = None  # a variable has no elements to walk over before it has a value

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(f"'{self.name}' is a variable: NumPy's functions need arrays, use dlbook's")

    def __bool__(self) -> bool:
        raise TypeError(f"'{self.name}' has no value before the graph runs; see dlbook.evaluate")

    # The operator == is left as it is: it asks whether two variables are one and the same.
    # fmt: off
    def __add__(self, other): return operations["add"](self, other)
    def __radd__(self, other): return operations["add"](other, self)
    def __sub__(self, other): return operations["subtract"](self, other)
    def __rsub__(self, other): return operations["subtract"](other, self)
    def __mul__(self, other): return operations["multiply"](self, other)
    def __rmul__(self, other): return operations["multiply"](other, self)
    def __truediv__(self, other): return operations["divide"](self, other)
    def __rtruediv__(self, other): return operations["divide"](other, self)
    def __matmul__(self, other): return operations["matmul"](self, other)
    def __rmatmul__(self, other): return operations["matmul"](other, self)
    def __pow__(self, exponent): return operations["power"](self, exponent)
    def __rpow__(self, base): return operations["power"](base, self)
    def __gt__(self, other): return operations["greater"](self, other)
    def __ge__(self, other): return operations["greater_equal"](self, other)
    def __lt__(self, other): return operations["less"](self, other)
    def __le__(self, other): return operations["less_equal"](self, other)
    def __neg__(self): return operations["negate"](self)
    def __abs__(self): return operations["abs"](self)
    def __getitem__(self, key): return operations["index"](self, key)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self):
        """The transpose: all axes in reverse order."""
        return operations["transpose"](self)

    def astype(self, dtype): return operations["astype"](self, dtype)
    def reshape(self, *shape): return operations["reshape"](self, *shape)
    def transpose(self, *axes): return operations["transpose"](self, *axes)
    def sum(self, axis=None, keepdims=False): return operations["sum"](self, axis, keepdims)
    def mean(self, axis=None, keepdims=False): return operations["mean"](self, axis, keepdims)
    def max(self, axis=None, keepdims=False): return operations["max"](self, axis, keepdims)
    def min(self, axis=None, keepdims=False): return operations["min"](self, axis, keepdims)
    def argmax(self, axis=None): return operations["argmax"](self, axis)
    def dot(self, other): return operations["dot"](self, other)
    # fmt: on
