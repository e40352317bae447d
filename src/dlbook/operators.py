"""Python's operators and NumPy's methods on variables: ``a + b``, ``X @ W``, ``H.sum(axis=0)``.

Each of them adds a node to the graph, and so do NumPy's functions. ``dlbook.operations`` enters
its functions here by name, because this floor of the house knows no operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlbook.numpy_functions import call_function, call_ufunc

by_name: dict[str, Callable[..., Any]] = {}  # the operations


class Operators:
    """What makes a variable behave in a formula as an array would."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        return call_ufunc(by_name, self, ufunc, method, inputs, settings)

    def __array_function__(self, function, types, args, kwargs):
        return call_function(by_name, self, function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"'{self.name}' is a variable and no array: it has no value before the graph runs; see "
            f"dlbook.evaluate, or use dlbook's own functions"
        )

    def __bool__(self) -> bool:
        raise TypeError(f"'{self.name}' has no value before the graph runs; see dlbook.evaluate")

    __float__ = __int__ = __complex__ = __bool__

    def __len__(self) -> int:
        raise TypeError(f"'{self.name}' has no length before the graph runs; see its shape")

    def __iter__(self):
        raise TypeError(
            f"'{self.name}' is not iterable: it has no entries before the graph runs; take a part "
            f"of it by an index, or dlbook's functions, such as dlbook.sum"
        )

    # The operator == is left as it is: it asks whether two variables are one and the same. With an
    # array it is NumPy's, which compares entries.
    # fmt: off
    def __add__(self, other): return by_name["add"](self, other)
    def __radd__(self, other): return by_name["add"](other, self)
    def __sub__(self, other): return by_name["subtract"](self, other)
    def __rsub__(self, other): return by_name["subtract"](other, self)
    def __mul__(self, other): return by_name["multiply"](self, other)
    def __rmul__(self, other): return by_name["multiply"](other, self)
    def __truediv__(self, other): return by_name["divide"](self, other)
    def __rtruediv__(self, other): return by_name["divide"](other, self)
    def __matmul__(self, other): return by_name["matmul"](self, other)
    def __rmatmul__(self, other): return by_name["matmul"](other, self)
    def __pow__(self, exponent): return by_name["power"](self, exponent)
    def __rpow__(self, base): return by_name["power"](base, self)
    def __gt__(self, other): return by_name["greater"](self, other)
    def __ge__(self, other): return by_name["greater_equal"](self, other)
    def __lt__(self, other): return by_name["less"](self, other)
    def __le__(self, other): return by_name["less_equal"](self, other)
    def __neg__(self): return by_name["negate"](self)
    def __abs__(self): return by_name["abs"](self)
    def __getitem__(self, key): return by_name["index"](self, key)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self):
        """The transpose: all axes in reverse order."""
        return by_name["transpose"](self)

    def astype(self, dtype): return by_name["astype"](self, dtype)
    def reshape(self, *shape): return by_name["reshape"](self, *shape)
    def transpose(self, *axes): return by_name["transpose"](self, *axes)
    def sum(self, axis=None, keepdims=False): return by_name["sum"](self, axis, keepdims)
    def mean(self, axis=None, keepdims=False): return by_name["mean"](self, axis, keepdims)
    def max(self, axis=None, keepdims=False): return by_name["max"](self, axis, keepdims)
    def min(self, axis=None, keepdims=False): return by_name["min"](self, axis, keepdims)
    def argmax(self, axis=None): return by_name["argmax"](self, axis)
    def dot(self, other): return by_name["dot"](self, other)
    # fmt: on
