"""Python's operators and NumPy's methods on variables: ``a + b``, ``X @ W``, ``H.sum(axis=0)``.

Each of them adds a node to the graph, and so do NumPy's functions. ``dlbook.operations`` enters
its functions here by name, because this floor of the house knows no operation.

To a type checker ``np.exp(W)`` has the type ``Any``: so NumPy declares it for all but arrays. That
of ``dl.exp(W)`` is ``Variable``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from dlbook.checks import Shape
from dlbook.numpy_functions import call_function, call_ufunc

if TYPE_CHECKING:
    from dlbook.graph import Variable

# What operations take: numbers and arrays become constants.
Operand: TypeAlias = "Variable | np.ndarray | np.generic | float"
Axes = int | tuple[int, ...] | None  # what a reduction goes over; None for all
Sizes = int | None | tuple[int | None, ...] | list[int | None]  # one of a shape, or all of them
# What stands between brackets: ``X[0]``, ``X[:, labels]``.
Place: TypeAlias = (
    "Variable | np.ndarray | np.integer | int | list[int] | slice | EllipsisType | None"
)
Key: TypeAlias = "Place | tuple[Place, ...]"

by_name: dict[str, Callable[..., Variable]] = {}  # the operations


NO_VALUE = "it has no value before the graph runs: see dlbook.evaluate"
# What users of NumPy and PyTorch look for on an array, and what to write here.
CURES = {
    **dict.fromkeys(
        ("value", "values", "item", "numpy", "tolist", "data", "eval", "cpu"), NO_VALUE
    ),
    **dict.fromkeys(("backward", "grad"), "its gradients are dlbook.backprop([W], J)[W]"),
    "detach": "use dlbook.stop_gradient",
    "size": "see its shape",
    "requires_grad": "every variable that holds floats has gradients",
    **dict.fromkeys(("flatten", "ravel", "view"), "use reshape"),
    "unsqueeze": "use dlbook.expand_dims",
    "pow": "write x ** 2",
    "t": "write x.T",
    "copy": "it never changes, and needs no copy",
    **dict.fromkeys(("float", "double", "to", "type", "int", "long"), "use astype"),
}


def _cure(name: str) -> str:
    """Return what to write in place of an attribute that a variable has not."""
    if name in CURES:
        return CURES[name]
    if name in by_name:
        return f"use the function, dlbook.{name}(...)"
    methods = [key for key in vars(Operators) if not key.startswith("_")]
    close = difflib.get_close_matches(name, [*methods, *by_name], n=1, cutoff=0.7)
    return (
        f"the closest is {close[0]}" if close else "see its shape, dtype, name, operation, inputs"
    )


class Operators:
    """What makes a variable behave in a formula as an array would."""

    __slots__ = ()

    name: str  # the class Variable has these
    shape: Shape

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any
    ) -> Variable:
        return call_ufunc(by_name, self, ufunc, method, inputs, settings)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call_function(by_name, self, function, args, kwargs)

    # What a variable is not. A type checker shall not see these methods, or it would take a
    # variable for an array, a number and a list; they are there for what they say.
    if not TYPE_CHECKING:

        def __array__(self, *args, **kwargs):
            raise TypeError(
                f"'{self.name}' is a variable and no array: it has no value before the graph runs; "
                f"see dlbook.evaluate, or use dlbook's own functions"
            )

        def __bool__(self):
            raise TypeError(
                f"'{self.name}' has no value before the graph runs; see dlbook.evaluate. To choose "
                f"by a condition use dlbook.where in place of if, for max and min dlbook.maximum "
                f"and dlbook.minimum, and & | ~ in place of and, or, not"
            )

        def __float__(self):
            raise TypeError(
                f"'{self.name}' has no value before the graph runs; see dlbook.evaluate, or use "
                f"dlbook's functions in place of those of math"
            )

        __int__ = __complex__ = __index__ = __float__

        def __setitem__(self, key, value):
            raise TypeError(
                f"'{self.name}' is a variable, and its entries cannot be set; build a new one, by "
                f"dlbook.where or dlbook.concatenate"
            )

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            raise AttributeError(f"a variable has no {name}; {_cure(name)}")

        def __floordiv__(self, other):
            raise TypeError(f"'{self.name}' // {other!r}: dlbook has no whole division")

        def __mod__(self, other):
            raise TypeError(f"'{self.name}' % {other!r}: dlbook has no remainder")

        def __xor__(self, other):
            raise TypeError(f"'{self.name}' ^ {other!r}: a power is written x ** {other!r}")

        __rfloordiv__, __rmod__, __rxor__ = __floordiv__, __mod__, __xor__

        def __len__(self):
            raise TypeError(f"'{self.name}' has no length before the graph runs; see its shape")

        def __iter__(self):
            raise TypeError(
                f"'{self.name}' is not iterable: it has no entries before the graph runs; take a "
                f"part of it by an index, or dlbook's functions, such as dlbook.sum"
            )

    # The operator == is left as it is: it asks whether two variables are one and the same. With an
    # array it is NumPy's, which compares entries.
    # fmt: off
    def __add__(self, other: Operand) -> Variable: return by_name["add"](self, other)
    def __radd__(self, other: Operand) -> Variable: return by_name["add"](other, self)
    def __sub__(self, other: Operand) -> Variable: return by_name["subtract"](self, other)
    def __rsub__(self, other: Operand) -> Variable: return by_name["subtract"](other, self)
    def __mul__(self, other: Operand) -> Variable: return by_name["multiply"](self, other)
    def __rmul__(self, other: Operand) -> Variable: return by_name["multiply"](other, self)
    def __truediv__(self, other: Operand) -> Variable: return by_name["divide"](self, other)
    def __rtruediv__(self, other: Operand) -> Variable: return by_name["divide"](other, self)
    def __matmul__(self, other: Operand) -> Variable: return by_name["matmul"](self, other)
    def __rmatmul__(self, other: Operand) -> Variable: return by_name["matmul"](other, self)
    def __pow__(self, exponent: Operand) -> Variable: return by_name["power"](self, exponent)
    def __rpow__(self, base: Operand) -> Variable: return by_name["power"](base, self)
    def __gt__(self, other: Operand) -> Variable: return by_name["greater"](self, other)
    def __ge__(self, other: Operand) -> Variable: return by_name["greater_equal"](self, other)
    def __lt__(self, other: Operand) -> Variable: return by_name["less"](self, other)
    def __le__(self, other: Operand) -> Variable: return by_name["less_equal"](self, other)
    def __and__(self, other: Operand) -> Variable: return by_name["logical_and"](self, other)
    def __rand__(self, other: Operand) -> Variable: return by_name["logical_and"](other, self)
    def __or__(self, other: Operand) -> Variable: return by_name["logical_or"](self, other)
    def __ror__(self, other: Operand) -> Variable: return by_name["logical_or"](other, self)
    def __invert__(self) -> Variable: return by_name["logical_not"](self)
    def __neg__(self) -> Variable: return by_name["negate"](self)
    def __abs__(self) -> Variable: return by_name["abs"](self)
    def __getitem__(self, key: Key) -> Variable: return by_name["index"](self, key)
    # fmt: on

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Variable:
        """The transpose: all axes in reverse order."""
        return by_name["transpose"](self)

    def astype(self, dtype: DTypeLike) -> Variable:
        return by_name["astype"](self, dtype)

    def reshape(self, *shape: Sizes) -> Variable:
        return by_name["reshape"](self, *shape)

    def transpose(self, *axes: int | tuple[int, ...] | list[int]) -> Variable:
        return by_name["transpose"](self, *axes)

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Variable:
        return by_name["sum"](self, axis, keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> Variable:
        return by_name["mean"](self, axis, keepdims)

    def max(self, axis: Axes = None, keepdims: bool = False) -> Variable:
        return by_name["max"](self, axis, keepdims)

    def min(self, axis: Axes = None, keepdims: bool = False) -> Variable:
        return by_name["min"](self, axis, keepdims)

    def argmax(self, axis: int | None = None) -> Variable:
        return by_name["argmax"](self, axis)

    def dot(self, other: Operand) -> Variable:
        return by_name["dot"](self, other)
