"""Section 6.5.6: what an operation is, and how one is added to a graph.

Look at :class:`Operation` first: its four parts are the whole contract. The operations of the
library are in the modules beside this one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from dlbook.checks import Shape, as_array, check_dtype, check_values, shape_text
from dlbook.graph import Variable


class Operation:
    """What computes a variable from its inputs (Section 6.5.6).

    A subclass is one small class with four things side by side: its ``name``, its shape rule, the
    function ``f`` and its ``bprop``. An operation keeps no data: the inputs are always given.
    Calling it with variables adds a node to the graph.
    """

    name: str = "operation"
    symbol: str = ""  # for drawings, where the book uses a sign rather than a name
    needs_floats: bool = False
    fresh: bool = False  # whether ``f`` always returns memory of its own, so that no copy is needed

    def __call__(self, *inputs: Any) -> Variable:
        """Add a node to the graph: the variable that this operation computes from ``inputs``."""
        return apply(self, *inputs)

    def f(self, *inputs: Any) -> Any:
        """Compute the output from arrays of any library that follows the array API."""
        raise NotImplementedError(f"{self.name}: f is missing")

    def bprop(self, inputs: list[Variable], X: Variable, G: Variable) -> Variable | None:
        """Return the gradient with respect to the input ``X``, given that of the output, ``G``.

        The contract is Equation 6.54: the sum over i of (grad_X f(inputs)_i) G_i. All inputs
        count as distinct, and ``X`` is recognised as an object: ``X is inputs[0]``. ``None``
        stands for a gradient of zero, so that nothing needs to be computed.
        """
        raise NotDifferentiable(f"{self.name}: its gradient is not defined")

    def infer_shape(self, *inputs: Variable) -> Shape:
        """Return the output's shape, or raise a ValueError that says what was expected."""
        raise NotImplementedError(f"{self.name}: the shape rule is missing")

    def infer_dtype(self, *inputs: Variable) -> np.dtype:
        """Return the output's dtype; by default the common type of the inputs."""
        return np.result_type(*(V.dtype for V in inputs))

    # Two operations with equal settings are one and the same, so that they can be recognised.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{self.name}({settings})" if settings else self.name


class NotDifferentiable(TypeError):
    """A gradient was asked for where none is defined: through an integer or a comparison."""


class Constant(Operation):
    """A value that is part of the graph; an operation without inputs."""

    name = "constant"

    def __init__(self, value: np.ndarray):
        self.value = value

    __eq__, __hash__ = object.__eq__, object.__hash__  # arrays are not compared

    def __repr__(self) -> str:
        return self.name

    def f(self) -> np.ndarray:
        return self.value

    def infer_shape(self) -> Shape:
        return self.value.shape

    def infer_dtype(self) -> np.dtype:
        return self.value.dtype


def constant(value: Any, name: str | None = None, dtype: Any = None) -> Variable:
    """Make a variable that always has this value.

    Parameters
    ----------
    value : number or array
    name : str, optional
        By default the number itself, or ``"constant"`` for an array.
    dtype : NumPy dtype, optional

    Raises
    ------
    ValueError
        If the value is empty, ragged, contains NaN, or is too large for the dtype.
    TypeError
        If it does not consist of numbers.
    """
    array = as_array("constant", value, dtype)  # a copy: a constant never changes
    check_dtype("constant", array.dtype)
    array.flags.writeable = False
    check_values("constant", name or "the value", array)
    return apply(Constant(array), name=name or (f"{array:g}" if array.ndim == 0 else "constant"))


def apply(operation: Operation, *inputs: Any, name: str | None = None) -> Variable:
    """Add one node to the graph: the variable that ``operation`` computes from ``inputs``.

    Numbers and arrays among the inputs become constants; a plain Python number takes the dtype
    of what it meets.

    Raises
    ------
    ValueError
        If the shapes do not fit: the message names the operation and the shapes.
    TypeError
        If the operation needs floats and gets something else.
    """
    inputs = as_variables(operation.name, *inputs)
    _check_count(operation, inputs)
    if operation.needs_floats:
        for V in inputs:
            if V.dtype.kind != "f":
                raise TypeError(
                    f"{operation.name}: needs floats, but '{V.name}' of shape "
                    f"{shape_text(V.shape)} is {V.dtype}"
                )
    shape, dtype = operation.infer_shape(*inputs), operation.infer_dtype(*inputs)
    return Variable(name or operation.name, shape, dtype, operation, inputs)


def _check_count(operation: Operation, inputs: tuple[Variable, ...]) -> None:
    """Raise a TypeError unless ``operation.f`` takes that many inputs."""
    expected = _count_of(type(operation).f)
    if expected not in (None, len(inputs)):
        raise TypeError(f"{operation.name}: takes {expected} inputs, got {len(inputs)}")


@cache
def _count_of(f: Callable) -> int | None:
    """Return how many inputs an operation's ``f`` takes; ``None`` for any number."""
    _, *parameters = inspect.signature(f).parameters.values()
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return None if any_number else len(parameters)


def as_variables(name: str, *values: Any) -> tuple[Variable, ...]:
    """Turn numbers and arrays into constants; a plain number takes the dtype of what it meets.

    Raises TypeError, in the name of an operation, if there is anything else.
    """
    dtypes = [V.dtype for V in values if isinstance(V, Variable | np.ndarray | np.generic)]
    variables = []
    for V in values:
        if isinstance(V, Occurrence):
            V = V.variable
        elif isinstance(V, np.ndarray | np.generic):
            V = constant(V)
        elif isinstance(V, int | float) and not isinstance(V, bool):
            V = constant(V, dtype=np.result_type(*dtypes, V) if dtypes else None)
        elif not isinstance(V, Variable):
            # A bool is most likely the result of ==, which compares the variables themselves.
            raise TypeError(
                f"{name}: an input must be a variable, a NumPy array or a number, "
                f"got {type(V).__name__}"
            )
        variables.append(V)
    return tuple(variables)


class Occurrence(Variable):
    """One place of a variable among an operation's inputs, so that ``x * x`` has two.

    It stands in for the variable while a ``bprop`` rule runs, which must tell its inputs apart;
    whatever is built from it is built from the variable itself.
    """

    __slots__ = ("variable",)

    def __init__(self, V: Variable):
        self.variable = V
        self.name, self.shape, self.dtype = V.name, V.shape, V.dtype
        self.operation, self.inputs, self.number = V.operation, V.inputs, V.number
