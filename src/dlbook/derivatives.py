"""Sections 6.5.6, 6.5.9 and 6.5.10: gradients of functions, Jacobians, and second derivatives.

All of it is made of two pieces, :func:`~dlbook.backpropagation.backprop` and
:func:`~dlbook.forward_mode.jvp`, and all of it is again a graph. Look at :func:`hvp` first: it is
Equation 6.59 in three lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, overload

import numpy as np
from numpy.typing import ArrayLike

from dlbook.backpropagation import backprop
from dlbook.checks import (
    as_array,
    check_dtype,
    check_values,
    in_the_name_of,
    known,
    shape_text,
    whole_number,
)
from dlbook.forward_mode import jvp
from dlbook.graph import Graph, Variable, variable
from dlbook.operations import constant, reshape, stack, stop_gradient
from dlbook.operations import sum as total
from dlbook.operations.base import as_variables, check_floats
from dlbook.operations.elementwise import add_up
from dlbook.operations.flow import Identity
from dlbook.operations.shapes import zeros_like
from dlbook.operators import Operand
from dlbook.programs.compiling import check_given, compile
from dlbook.programs.simplify import simplify
from dlbook.programs.values import check_input

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


class Gradient(Protocol):
    """What :func:`grad` makes of a function: from variables a variable, from arrays an array."""

    @overload
    def __call__(self, value: Variable, /, *values: Operand) -> Variable: ...
    @overload
    def __call__(self, value: ArrayLike, /, *values: ArrayLike) -> np.ndarray: ...


class Gradients(Protocol):
    """The same with respect to several arguments."""

    @overload
    def __call__(self, value: Variable, /, *values: Operand) -> tuple[Variable, ...]: ...
    @overload
    def __call__(self, value: ArrayLike, /, *values: ArrayLike) -> tuple[np.ndarray, ...]: ...


class ValueAndGradient(Protocol):
    """What :func:`value_and_grad` makes of a function."""

    @overload
    def __call__(self, value: Variable, /, *values: Operand) -> tuple[Variable, Variable]: ...
    @overload
    def __call__(
        self, value: ArrayLike, /, *values: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]: ...


class ValueAndGradients(Protocol):
    """The same with respect to several arguments."""

    @overload
    def __call__(
        self, value: Variable, /, *values: Operand
    ) -> tuple[Variable, tuple[Variable, ...]]: ...
    @overload
    def __call__(
        self, value: ArrayLike, /, *values: ArrayLike
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]: ...


@overload
def grad(f: Callable[..., Variable], argument: int = 0) -> Gradient: ...
@overload
def grad(f: Callable[..., Variable], argument: Sequence[int]) -> Gradients: ...
def grad(f: Callable[..., Variable], argument: int | Sequence[int] = 0) -> Gradient | Gradients:
    """Turn a function into the one that computes its gradient.

    Parameters
    ----------
    f : function
        Takes variables and returns a scalar variable: ``lambda x: dl.sum(x * x)``.
    argument : int or tuple of int
        With respect to which of its arguments.

    Returns
    -------
    function
        Takes what ``f`` takes. Called with arrays or numbers it returns an array, called with
        variables a variable, or a tuple of them if ``argument`` is one; so ``grad(grad(f))`` is
        the second derivative. Each argument counts as a variable of its own, also if one and the
        same is given for two, or the function uses it in another way, too. The graph is built anew
        at each call: for a loop, build it once with ``backprop`` and ``compile``.

    Raises
    ------
    TypeError
        If ``f`` is no function, or does not return a variable, or there is no such argument, or
        its values are no numbers.
    ValueError
        If the function returns no scalar, or a value is ragged or contains NaN.
    """
    _check_function("grad", f)

    def gradient(*values: Any) -> Any:
        return _differentiated("grad", f, argument, values)[1]

    return gradient


@overload
def value_and_grad(f: Callable[..., Variable], argument: int = 0) -> ValueAndGradient: ...
@overload
def value_and_grad(f: Callable[..., Variable], argument: Sequence[int]) -> ValueAndGradients: ...
def value_and_grad(
    f: Callable[..., Variable], argument: int | Sequence[int] = 0
) -> ValueAndGradient | ValueAndGradients:
    """Turn a function into the one that computes its value and its gradient, in one run.

    Takes and raises what :func:`grad` does; the function made returns the pair of both.
    """
    _check_function("value_and_grad", f)

    def both(*values: Any) -> Any:
        return _differentiated("value_and_grad", f, argument, values)

    return both


def _check_function(where: str, f: object) -> None:
    if not callable(f):
        raise TypeError(f"{where}: takes a function of variables, got {type(f).__name__}")


def _differentiated(
    where: str, f: Callable[..., Variable], argument: int | Sequence[int], values: tuple[Any, ...]
) -> tuple[Any, Any]:
    """Return the value of a function and its gradient, as variables or, from arrays, arrays."""
    several = isinstance(argument, Sequence)
    places = [_place(where, a, values) for a in _listed(argument)]
    symbolic = any(isinstance(value, Variable) for value in values)
    given = as_variables(where, *values) if symbolic else _inputs(where, values)
    # A variable of its own for each argument: what else the function does with the one that was
    # given, by another name or for another argument, does not count.
    inputs = [Identity()(V).named(V.name) for V in given] if symbolic else list(given)
    z = f(*inputs)
    if not isinstance(z, Variable):
        raise TypeError(f"{where}: the function must return a variable, got {type(z).__name__}")
    if z.shape != ():
        raise ValueError(
            f"{where}: the function must return a scalar, but '{z.name}' has the shape "
            f"{shape_text(z.shape)}; reduce it with a sum or a mean"
        )
    with in_the_name_of(where):
        z = _simpler(z, inputs)
        results: list[Any] = [z, *_gradients([inputs[place] for place in places], z)]
        if not symbolic:
            check_given([z], inputs)
            wanted = results if where == "value_and_grad" else results[1:]
            arrays = map(partial(_value, where), inputs, values)
            computed = compile(wanted, inputs)(*arrays)
            results[-len(computed) or len(results) :] = computed
    value, *slopes = results
    return value, tuple(slopes) if several else slopes[0]


def _listed(argument: int | Sequence[int]) -> Sequence[int]:
    return argument if isinstance(argument, Sequence) else [argument]


def _place(where: str, argument: Any, values: tuple[Any, ...]) -> int:
    if not whole_number(argument) or not -len(values) <= argument < len(values):
        raise TypeError(f"{where}: there is no argument {argument!r} among {len(values)}")
    return argument


def _simpler(z: Variable, targets: Iterable[Variable]) -> Variable:
    """Simplify what is to be differentiated, so that in the tails derivatives stay what they are.

    Known patterns are found once only: log(1 / (1 + exp(-z))) by itself, but not its second
    derivative. What is older than the targets is somebody else's, and stays as it is.
    """
    targets = list(targets)
    first = min((V.number for V in targets if V.operation), default=-1)
    older = [V for V in Graph(z) if V.number < first]
    return simplify(z, [*targets, *older])[0]


def _inputs(where: str, values: tuple[Any, ...]) -> list[Variable]:
    """Make an input for each value; plain numbers and lists count as floats."""
    arrays = [as_array(where, value) for value in values]
    for i, array in enumerate(arrays, start=1):
        check_dtype(where, array.dtype)
        check_values(where, f"'x{i}'", array)
    dtypes = [
        array.dtype if isinstance(value, np.ndarray | np.generic) else np.dtype(np.float64)
        for value, array in zip(values, arrays, strict=True)
    ]
    return [
        variable(f"x{i}", array.shape, dtype)
        for i, (array, dtype) in enumerate(zip(arrays, dtypes, strict=True), start=1)
    ]


def _value(where: str, V: Variable, value: Any) -> np.ndarray:
    plain = not isinstance(value, np.ndarray | np.generic)
    return check_input(V, as_array(where, value, V.dtype) if plain else value)


def jacobian(
    y: Variable, x: Variable, mode: Literal["forward", "reverse"] | None = None
) -> Variable:
    """Build the derivatives of every entry of ``y`` with respect to every entry of ``x``.

    Parameters
    ----------
    y, x : Variable
        Of any shape, with a float dtype.
    mode : "forward" or "reverse", optional
        Forward mode goes through the graph once for each entry of ``x``, back-propagation once
        for each entry of ``y``. By default the one with fewer passes (Section 6.5.9).

    Returns
    -------
    Variable, shape (*y.shape, *x.shape)

    Raises
    ------
    ValueError
        If ``y`` does not depend on ``x``, or the mode is neither, or the number of its passes is
        not known because the shape has a ``None``.
    NotDifferentiable
        If the derivatives are not defined.
    """
    y, x = as_variables("jacobian", y, x)
    sizes = {"forward": _size(x), "reverse": _size(y)}
    if mode is None:
        mode = "forward" if sizes["forward"] < sizes["reverse"] else "reverse"
    if mode not in sizes:
        raise ValueError(f"jacobian: the mode must be 'forward' or 'reverse', got {mode!r}")
    if sizes[mode] == math.inf:
        raise ValueError(
            f"jacobian: {mode} mode needs a fixed number of passes, but '{y.name}' has the shape "
            f"{shape_text(y.shape)} and '{x.name}' {shape_text(x.shape)}"
        )
    if x not in Graph(y):
        raise ValueError(f"jacobian: '{x.name}' is not an ancestor of '{y.name}'")
    y = _simpler(y, [x])
    with in_the_name_of("jacobian"):
        if mode == "forward":
            columns = [jvp(y, {x: direction}) for direction in _unit_vectors(x)]
            return reshape(stack(columns, axis=y.ndim), (*y.shape, *x.shape))
        rows = [_gradients([x], total(y * direction))[0] for direction in _unit_vectors(y)]
        return reshape(stack(rows), (*y.shape, *x.shape))


def _size(V: Variable) -> float:
    return math.inf if None in V.shape else math.prod(known(V.shape))


def _unit_vectors(V: Variable) -> Iterable[Variable]:
    """Make constants of the shape of ``V`` with one entry 1 and all others 0."""
    shape = known(V.shape)
    for place in range(math.prod(shape)):
        unit = np.zeros(shape, V.dtype)
        unit.reshape(-1)[place] = 1
        yield constant(unit, name=f"e{place + 1}")


@overload
def hvp(z: Variable, x: Variable, v: Operand) -> Variable: ...
@overload
def hvp(z: Variable, x: Iterable[Variable], v: Iterable[Operand]) -> list[Variable]: ...
def hvp(
    z: Variable, x: Variable | Iterable[Variable], v: Operand | Iterable[Operand]
) -> Variable | list[Variable]:
    """Build the product of the Hessian with a vector, H v = grad[(grad z)^T v] (Equation 6.59).

    Parameters
    ----------
    z : Variable
        A scalar.
    x : Variable or list of Variable
        With respect to what; several count as one long vector.
    v : Variable or array, or a list of them
        For each ``x`` one of the same shape. It counts as constant, also if it depends on ``x``.

    Returns
    -------
    Variable or list of Variable
        For each ``x`` its part of the product.

    Raises
    ------
    ValueError
        If there is no variable, or a vector is missing or has another shape than its variable.
    """
    targets = [x] if isinstance(x, Variable) else list(x)
    given = [v] if isinstance(x, Variable) else list(cast("Iterable[Operand]", v))
    if not targets:
        raise ValueError("hvp: there must be at least one variable")
    if len(targets) != len(given):
        raise ValueError(f"hvp: {len(targets)} variables need as many vectors, got {len(given)}")
    vectors = [stop_gradient(V) for V in as_variables("hvp", *given)]
    for V, vector in zip(targets, vectors, strict=True):
        if V.shape != vector.shape:
            raise ValueError(
                f"hvp: the vector for '{V.name}' must have its shape {shape_text(V.shape)}, got "
                f"{shape_text(vector.shape)}"
            )
    with in_the_name_of("hvp"):
        if z.shape == () and all(V in Graph(z) for V in targets):  # else it is reported
            z = _simpler(z, targets)
        gradients = backprop(targets, z)
        pairs = zip(targets, vectors, strict=True)
        slope = add_up(total(gradients[V] * vector) for V, vector in pairs)
        assert slope is not None  # there is at least one variable
        products = _gradients(targets, slope)
    return products[0] if isinstance(x, Variable) else products


def _gradients(targets: list[Variable], z: Variable) -> list[Variable]:
    """Build gradients; what ``z`` does not depend on, such as the slope of a line, has zeros."""
    G = Graph([z])
    gradients = backprop([V for V in targets if V in G], z)
    return [gradients[V] if V in gradients else zeros_like(V) for V in targets]


def hessian(z: Variable, x: Variable) -> Variable:
    """Build all second derivatives of a scalar, one Hessian-vector product a column.

    Parameters
    ----------
    z : Variable
        A scalar.
    x : Variable
        Of a shape without ``None``.

    Returns
    -------
    Variable, shape (*x.shape, *x.shape)

    Raises
    ------
    ValueError
        If the shape of ``x`` has a ``None``.
    """
    z, x = as_variables("hessian", z, x)
    if None in x.shape:
        raise ValueError(f"hessian: the shape of '{x.name}' is not fixed: {shape_text(x.shape)}")
    with in_the_name_of("hessian"):
        columns = [hvp(z, x, direction) for direction in _unit_vectors(x)]
    return reshape(stack(columns), (*x.shape, *x.shape))  # symmetric: its rows are its columns


def hessian_operator(
    z: Variable,
    parameters: Mapping[Variable, ArrayLike],
    data: Mapping[Variable, ArrayLike] | None = None,
) -> LinearOperator:
    """Make the Hessian a matrix that is known only by its products (Section 6.5.10).

    Parameters
    ----------
    z : Variable
        A scalar.
    parameters : dict of Variable to array
        With respect to what, and the point at which; flattened and put one behind the other they
        are one vector of n entries.
    data : dict of Variable to array, optional
        Values of the other inputs of ``z``.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator, shape (n, n)
        For ``conjugate_gradients`` and ``lanczos``, and for SciPy's ``cg`` and ``eigsh``.

    Raises
    ------
    TypeError, ValueError
        If there is no parameter, or a value does not fit its variable; else as :func:`hvp`.
    """
    from scipy.sparse.linalg import LinearOperator  # takes its time to load

    targets = list(parameters)
    check_floats("hessian_operator", *targets)
    with in_the_name_of("hessian_operator"):
        # Copies: the point stays where it is while training moves on.
        point = [check_input(V, value).copy() for V, value in parameters.items()]
        values = [*point, *(data or {}).values()]
        vectors = [variable(f"v_{V.name}", V.shape, V.dtype) for V in targets]
        program = compile(hvp(z, targets, vectors), [*targets, *(data or {}), *vectors])
    ends = np.cumsum([value.size for value in point])
    dtype = np.result_type(*point)

    def product(vector: np.ndarray) -> np.ndarray:
        pairs = zip(np.split(vector.reshape(-1), ends[:-1]), point, strict=True)
        parts = [part.astype(value.dtype).reshape(value.shape) for part, value in pairs]
        return np.concatenate([part.reshape(-1) for part in program(*values, *parts)])

    n = int(ends[-1])
    # SciPy's class makes one of another class, whose arguments these are.
    return LinearOperator((n, n), matvec=product, rmatvec=product, dtype=dtype)  # pyright: ignore[reportCallIssue]
