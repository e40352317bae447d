"""Operations that change a tensor's shape, and the rule of broadcasting with its gradient.

Look at :func:`broadcast_shape` and :func:`unbroadcast` first: together they are why ``H + c`` can
add one bias vector to every example, and why the gradient on ``c`` is a sum over the examples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from array_api_compat import array_namespace

from dlbook.checks import Shape, check_shape, shape_text, whole_number
from dlbook.graph import Variable
from dlbook.operations.base import Operation, as_variables, call, constant, dtype_code, shape_code
from dlbook.operators import Axes, Operand, Sizes, by_name


def broadcast_shape(operation: Operation, *inputs: Variable, but_last: int = 0) -> Shape:
    """Return the common shape of inputs that are combined element by element, as NumPy does.

    Sizes are compared from the last axis backwards; a size of 1 is repeated. ``None``, the number
    of examples, fits itself and 1 only: whether it equals 4 would show only when the graph runs.
    The last ``but_last`` axes are left out of it.

    Raises
    ------
    ValueError
        If the shapes do not fit, or two axes of examples would come of one each.
    """
    first = inputs[0].shape
    if not but_last and all([V.shape == first for V in inputs]):  # in nearly all calls
        return first
    shapes = [V.shape[: max(len(V.shape) - but_last, 0)] for V in inputs]
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    ndim = max(map(len, shapes))
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        distinct = set(sizes) - {1} or {1}
        if len(distinct) > 1:
            named = " and ".join(f"'{V.name}' {shape_text(V.shape)}" for V in inputs)
            hint = ", and None is no fixed number" if None in distinct else ""
            hint += _where_an_axis_is_missing(inputs)
            raise ValueError(
                f"{operation.name}: the shapes of {named} do not fit: counted from the last axis, "
                f"sizes must be equal or 1{hint}"
            )
        result.append(distinct.pop())
    if result.count(None) > 1 and all(shape.count(None) <= 1 for shape in shapes):
        named = " and ".join(f"'{V.name}' {shape_text(V.shape)}" for V in inputs)
        raise ValueError(
            f"{operation.name}: the shapes of {named} would repeat each other to "
            f"{shape_text(tuple(result))}, every example with every other; give them one shape: "
            f"y.reshape(None, 1), say, or y[:, 0]"
        )
    return tuple(result)


def _where_an_axis_is_missing(inputs: tuple[Variable, ...]) -> str:
    """Return the cure if one input has lost an axis of another one when it was reduced."""
    shapes = [V.shape for V in inputs]
    for V in inputs:
        if getattr(V.operation, "keepdims", None) is False and V.inputs[0].shape in shapes:
            return f"; keepdims=True in '{V.name}' leaves the axis there, with size 1"
    return ""


def unbroadcast(G: Variable, V: Variable) -> Variable:
    """Sum ``G`` over the axes along which ``V`` was repeated, so that it has the shape of ``V``."""
    new_axes = G.ndim - V.ndim
    if new_axes:
        G = by_name["sum"](G, tuple(range(new_axes)))
    repeated = tuple(axis for axis in range(V.ndim) if V.shape[axis] == 1 and G.shape[axis] != 1)
    return by_name["sum"](G, repeated, keepdims=True) if repeated else G


def normalize_axes(name: str, V: Variable, axis: Axes) -> tuple[int, ...]:
    """Return the axes as counted from 0; ``None`` means all of them.

    Raises
    ------
    TypeError
        If an axis is no whole number.
    ValueError
        If an axis does not exist, or is given twice.
    """
    if axis is None:
        return tuple(range(V.ndim))
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    for a in axes:
        if not whole_number(a):
            hint = "; for keepdims, name it" if isinstance(a, bool) else ""
            raise TypeError(f"{name}: an axis must be a whole number, got {a!r}{hint}")
        if not -V.ndim <= a < V.ndim:
            raise ValueError(f"{name}: '{V.name}' of shape {shape_text(V.shape)} has no axis {a}")
    counted = tuple(sorted({a % V.ndim for a in axes}))
    if len(counted) != len(axes):
        raise ValueError(f"{name}: an axis is given twice in {tuple(axes)}")
    return counted


def one_axis(name: str, V: Variable, axis: Any) -> int:
    """Return a single axis as counted from 0; raise a TypeError if there is none or are several."""
    if not whole_number(axis):
        raise TypeError(f"{name}: the axis must be one whole number, got {axis!r}")
    (counted,) = normalize_axes(name, V, axis)
    return counted


class Rearrangement(Operation):
    """What changes the shape alone: the numbers stay, so the operation is linear, and a view."""

    view, repeats = True, True

    def jvp(self, inputs, tangents):
        return self(tangents[0])

    def code(self, V, arguments, out, setup):
        return f"{arguments[0]}.reshape({shape_code(V.shape)})"


class Transpose(Rearrangement):
    """Put the axes into another order."""

    name, symbol = "transpose", "⊤"

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def infer_shape(self, A):
        return tuple(A.shape[a] for a in self.axes)

    def f(self, A):
        return array_namespace(A).permute_dims(A, self.axes)

    def bprop(self, inputs, X, G):
        back = tuple(self.axes.index(a) for a in range(len(self.axes)))
        return Transpose(back)(G)

    def code(self, V, arguments, out, setup):
        reverse = self.axes == tuple(reversed(range(V.ndim)))
        return f"{arguments[0]}.T" if reverse else f"{arguments[0]}.transpose({self.axes})"


class Reshape(Rearrangement):
    """Give the entries, in the same order, another shape; ``None`` is the number of examples."""

    name = "reshape"

    def __init__(self, shape: Shape):
        self.shape = shape

    def infer_shape(self, A):
        # One unknown size, wherever it stands, follows from the number of entries.
        unknown = A.shape.count(None)
        fits = unknown == self.shape.count(None) <= 1
        if not (fits and _known_entries(A.shape) == _known_entries(self.shape)):
            raise ValueError(
                f"reshape: '{A.name}' {shape_text(A.shape)} cannot take the shape "
                f"{shape_text(self.shape)}: the number of entries must stay the same, and at most "
                f"one size may be None, the number of examples"
            )
        return self.shape

    def f(self, A):
        return array_namespace(A).reshape(A, tuple(-1 if s is None else s for s in self.shape))

    def bprop(self, inputs, X, G):
        return Reshape(X.shape)(G)


class ExpandDims(Rearrangement):
    """Insert axes of size 1, at these places of the result."""

    name = "expand_dims"

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def infer_shape(self, A):
        sizes = iter(A.shape)
        return tuple(1 if a in self.axes else next(sizes) for a in range(A.ndim + len(self.axes)))

    def f(self, A):
        for axis in self.axes:
            A = array_namespace(A).expand_dims(A, axis=axis)
        return A

    def bprop(self, inputs, X, G):
        return Squeeze(self.axes)(G)


class Squeeze(Rearrangement):
    """Remove these axes, whose size is 1."""

    name = "squeeze"

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def infer_shape(self, A):
        if any(A.shape[a] != 1 for a in self.axes):
            raise ValueError(
                f"squeeze: the axes {self.axes} of '{A.name}' {shape_text(A.shape)} must have "
                f"size 1"
            )
        return tuple(size for a, size in enumerate(A.shape) if a not in self.axes)

    def f(self, A):
        return array_namespace(A).squeeze(A, axis=self.axes)

    def bprop(self, inputs, X, G):
        return ExpandDims(self.axes)(G)


class BroadcastLike(Operation):
    """Repeat a tensor until it has the shape of another, whose values do not matter."""

    name, shape_only, repeats = "broadcast_like", (1,), True

    def infer_shape(self, A, B):
        if broadcast_shape(self, A, B) != B.shape:
            raise ValueError(
                f"broadcast_like: '{A.name}' {shape_text(A.shape)} cannot be repeated to the shape "
                f"{shape_text(B.shape)} of '{B.name}'"
            )
        return B.shape

    def infer_dtype(self, A, B):
        return A.dtype

    def f(self, A, B):
        return array_namespace(A, B).broadcast_to(A, B.shape)

    def bprop(self, inputs, X, G):
        return unbroadcast(G, X) if X is inputs[0] else None

    def jvp(self, inputs, tangents):
        return None if tangents[0] is None else self(tangents[0], inputs[1])

    def code(self, V, arguments, out, setup):
        return store(V, arguments[0], out)


class BroadcastTo(Operation):
    """Repeat a tensor until it has this shape; ``None`` only where the tensor has it, too."""

    name, repeats = "broadcast_to", True

    def __init__(self, shape: Shape):
        self.shape = shape

    def infer_shape(self, A):
        ndim = len(self.shape)
        sizes = (1,) * (ndim - A.ndim) + A.shape
        known = all(
            size == new or (size == 1 and new) for size, new in zip(sizes, self.shape, strict=False)
        )
        if A.ndim > ndim or not known:
            raise ValueError(
                f"broadcast_to: '{A.name}' {shape_text(A.shape)} cannot be repeated to the shape "
                f"{shape_text(self.shape)}"
            )
        return self.shape

    def f(self, A):
        return array_namespace(A).broadcast_to(A, self._sizes(A))

    def _sizes(self, A):
        own = (1,) * (len(self.shape) - A.ndim) + tuple(A.shape)
        return tuple(n if new is None else new for n, new in zip(own, self.shape, strict=True))

    def bprop(self, inputs, X, G):
        return unbroadcast(G, X)

    def jvp(self, inputs, tangents):
        return self(tangents[0])

    def code(self, V, arguments, out, setup):
        return store(V, arguments[0], out)


def store(V: Variable, value: str, out: str) -> str:
    """Write the code that copies a value, repeated if it must be, into ``V``'s buffer."""
    if V.ndim == 0:
        return f"{dtype_code(V.dtype)}({value})"
    return call("store", out or f"np.empty({shape_code(V.shape)}, {dtype_code(V.dtype)})", value)


broadcast_like = BroadcastLike()


def broadcast_to(A: Operand, shape: Iterable[int | None]) -> Variable:
    """Repeat ``A`` to ``shape`` as NumPy does; ``None`` stands where ``A`` has it, too.

    Raises ValueError if that cannot be.
    """
    return BroadcastTo(check_shape("broadcast_to", shape))(A)


def zeros_like(V: Variable) -> Variable:
    """Make zeros of the shape and dtype of ``V``."""
    return broadcast_like(constant(0, dtype=V.dtype), V)


def transpose(A: Operand, *axes: int | tuple[int, ...] | list[int]) -> Variable:
    """Put the axes into another order: reversed, or as given.

    Raises ValueError if ``axes`` is no order of all axes of ``A``.
    """
    (A,) = as_variables("transpose", A)
    order = _one_by_one(axes)
    if not order:
        return Transpose(tuple(reversed(range(A.ndim))))(A)
    if normalize_axes("transpose", A, order) != tuple(range(A.ndim)):
        raise ValueError(f"transpose: {order} is no order of the axes of {shape_text(A.shape)}")
    return Transpose(tuple(a % A.ndim for a in order))(A)


def reshape(A: Operand, *shape: Sizes) -> Variable:
    """Give the entries of ``A``, in the same order, another shape: ``reshape(A, 3, 2)``.

    ``None`` stands for the number of examples, -1 for the size that is left. Raises ValueError if
    the entries do not fit, or there are several -1.
    """
    (A,) = as_variables("reshape", A)
    sizes = _one_by_one(shape)
    if sum(map(_is_minus_one, sizes)) == 1:
        sizes = tuple(_size_left(A, sizes) if _is_minus_one(s) else s for s in sizes)
    return Reshape(check_shape("reshape", sizes))(A)


def _is_minus_one(size: Any) -> bool:
    return whole_number(size) and size == -1


def _size_left(A: Variable, sizes: tuple[Any, ...]) -> int | None:
    """Return what -1 stands for, a size or the number of examples; raise an error if neither."""
    others = check_shape("reshape", (size for size in sizes if not _is_minus_one(size)))
    entries, unknown = divmod(_known_entries(A.shape), _known_entries(others))
    examples = A.shape.count(None) - others.count(None)
    if unknown or examples not in (0, 1) or (examples and entries != 1):
        raise ValueError(
            f"reshape: '{A.name}' {shape_text(A.shape)} cannot take the shape "
            f"{shape_text(sizes)}: there is no size for -1 that only the shapes tell"
        )
    return None if examples else entries


def squeeze(A: Operand, axis: Axes = None) -> Variable:
    """Remove axes of size 1: all of them, or those given (int or tuple).

    Raises ValueError if there is no such axis, or its size is another.
    """
    (A,) = as_variables("squeeze", A)
    ones = tuple(a for a, size in enumerate(A.shape) if size == 1)
    axes = ones if axis is None else normalize_axes("squeeze", A, axis)
    return Squeeze(axes)(A) if axes else A


def expand_dims(A: Operand, axis: int | tuple[int, ...]) -> Variable:
    """Insert axes of size 1 at these places of the result (int or tuple), as NumPy does.

    Raises ValueError if there is no such place, TypeError if it is no whole number.
    """
    (A,) = as_variables("expand_dims", A)
    places = axis if isinstance(axis, tuple | list) else (axis,)
    ndim = A.ndim + len(places)
    for place in places:
        if not whole_number(place):
            raise TypeError(f"expand_dims: a place must be a whole number, got {place!r}")
        if not -ndim <= place < ndim:
            raise ValueError(
                f"expand_dims: there is no place {place} among {ndim} axes, of '{A.name}' "
                f"{shape_text(A.shape)} and the new ones"
            )
    counted = tuple(sorted({int(place) % ndim for place in places}))
    if len(counted) != len(places):
        raise ValueError(f"expand_dims: a place is given twice in {tuple(places)}")
    return ExpandDims(counted)(A) if counted else A


def _one_by_one(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return numbers that were given one by one, or all in one tuple or list."""
    together = len(numbers) == 1 and isinstance(numbers[0], tuple | list)
    return tuple(numbers[0]) if together else numbers


def _known_entries(shape: Shape) -> int:
    return math.prod(size for size in shape if size is not None)


__all__ = ["broadcast_like", "broadcast_to", "expand_dims", "reshape", "squeeze", "transpose"]
