"""Taking parts of tensors, by position or by integer arrays.

An index chooses; it has no gradient. What is chosen has: the gradient goes back to the place it
was taken from, added up where one place was taken several times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

from dlbook.checks import shape_text, whole_number
from dlbook.graph import Variable
from dlbook.operations.base import Operation, as_variables, call, dtype_code, helper, shape_code
from dlbook.operations.flow import stop_gradient
from dlbook.operations.shapes import ExpandDims, Squeeze, broadcast_shape, one_axis
from dlbook.operators import Key, Operand

ARRAY = "array"  # stands in a key where an integer array goes


def fill(key: tuple[Any, ...], arrays: Iterable[Any]) -> tuple[Any, ...]:
    """Put the integer arrays in their places of a key."""
    items, indices = list(key), [as_index(index) for index in arrays]
    if indices and is_torch_array(indices[0]):
        # For the axes to come in NumPy's order, beside arrays one number must be an array, too, and
        # "..." must stand for an axis: for a new one, if for no other.
        zeros = sum(index * 0 for index in indices)
        indices = [index if index.ndim else zeros + index for index in indices]
        items = [zeros + item if isinstance(item, int) else item for item in items]
        for place in [place for place, item in enumerate(items) if item is ...]:
            items.insert(place, None)
    left = iter(indices)
    return tuple(next(left) if isinstance(item, str) else item for item in items)


def taken(A: Any, key: tuple[Any, ...], arrays: Iterable[Any]) -> Any:
    """Take ``A[key]`` of an array of any library."""
    if is_torch_array(A) and any(isinstance(k, slice) and (k.step or 1) < 0 for k in key):
        A, key = _forwards(A, key)
    return A[fill(key, arrays)]


def _forwards(A: Any, key: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Turn round the axes along which a slice goes backwards, for a library that cannot."""
    rest = A.ndim - sum(item is not None and item is not ... for item in key)
    items, axis, turned = [], 0, []
    for item in key:
        if isinstance(item, slice) and (item.step or 1) < 0:
            n = A.shape[axis]
            places = range(n)[item]
            item = slice(n - 1 - places[0], n - places[-1], -places.step)
            turned.append(axis)
        items.append(item)
        axis += 0 if item is None else rest if item is ... else 1
    return array_namespace(A).flip(A, axis=tuple(turned)), tuple(items)


def as_index(index: Any, size: int = 0) -> Any:
    """Return an index as PyTorch needs it, where bytes would be a condition.

    With a size, no index counts from the back any more: not all of its functions can do that.
    """
    if not is_torch_array(index):
        return index
    return index.long() + (index < 0) * size


def key_code(key: tuple[Any, ...], arrays: Iterable[str]) -> str:
    """Write a key as a program needs it."""
    arrays = iter(arrays)
    items = [next(arrays) if item == ARRAY else repr(item) for item in key]
    return "(" + "".join(f"{item}, " for item in items).rstrip(" ") + ")"


class Index(Operation):
    """A[key]: the key holds whole numbers, slices, None, and places for integer arrays."""

    name = "index"

    def __init__(self, key: tuple[Any, ...]):
        self.key, self.view = key, ARRAY not in key

    # Slices cannot be hashed before Python 3.12.
    def __hash__(self):
        return hash((type(self), repr(self.key)))

    def infer_shape(self, A, *indices):
        sizes: list[int | None] = []
        chosen: list[tuple[int, int]] = []
        for place, (item, size) in enumerate(self._items(A)):
            if item is None:
                sizes.append(1)
            elif item is ...:
                continue  # what it stands for follows it
            elif isinstance(item, slice):
                sizes.append(self._length(item, size, A))
            elif isinstance(item, int) and size is not None and not -size <= item < size:
                raise self._misfit(A, f"{item} is out of bounds for the size {size}")
            elif indices:  # beside arrays, whole numbers count as arrays
                chosen.append((place, len(sizes)))
        if chosen:  # as in NumPy: their axes come first, unless they stand side by side
            (first, position), (last, _) = chosen[0], chosen[-1]
            position = position if last - first < len(chosen) else 0
            sizes[position:position] = broadcast_shape(self, *indices)
        return tuple(sizes)

    def _items(self, A: Variable) -> list[tuple[Any, int | None]]:
        """Pair each item of the key with the size of its axis, and write out the ``...``."""
        rest = A.ndim - sum(item is not None and item is not ... for item in self.key)
        if rest < 0 or self.key.count(...) > 1:
            raise self._misfit(A, "too many axes, or more than one ...")
        key = [*self.key] if ... in self.key else [*self.key, ...]
        place = key.index(...)
        key[place + 1 : place + 1] = [slice(None)] * rest
        sizes = iter(A.shape)
        return [(item, None if item is None or item is ... else next(sizes)) for item in key]

    def _length(self, item: slice, size: int | None, A: Variable) -> int | None:
        """Return the size of a slice; of the examples it must take all, or always one."""
        lengths = [len(range(m)[item]) for m in ((1, 2, 10**9) if size is None else (size,))]
        if lengths == [1, 2, 10**9]:
            return None
        if len(set(lengths)) > 1 or (size is None and 0 in lengths):
            raise ValueError(
                f"index: [{key_text(self.key)}] of '{A.name}' {shape_text(A.shape)} would have a "
                f"size that depends on the number of examples"
            )
        if lengths[0] == 0:
            raise ValueError(
                f"index: [{key_text(self.key)}] of '{A.name}' {shape_text(A.shape)} is empty"
            )
        return lengths[0]

    def _misfit(self, A: Variable, why: str) -> IndexError:
        return IndexError(
            f"index: [{key_text(self.key)}] does not fit '{A.name}' {shape_text(A.shape)}: {why}"
        )

    def infer_dtype(self, A, *indices):
        return A.dtype

    def write(self, A="index", *indices):
        return f"{A}[{key_text(self.key, indices)}]"

    def f(self, A, *indices):
        part = taken(A, self.key, indices)
        return part.reshape(self.infer_shape(A, *indices)) if is_torch_array(A) else part

    def bprop(self, inputs, X, G):
        A, *indices = inputs
        return Scatter(self.key)(G, A, *indices) if X is A else None

    def jvp(self, inputs, tangents):
        return self(tangents[0], *inputs[1:])

    def code(self, V, arguments, out, setup):
        A, *indices = arguments
        read = f"{A}[{key_code(self.key, indices)[1:-1].rstrip(',') or '()'}]"
        if out and not self.view:
            return f"store({out}, {read})"
        # NumPy takes an index that is one number for a whole number, and gives a view.
        shares = V.ndim and not (self.view or any(index.ndim for index in V.inputs[1:]))
        return f"{read}.copy()" if shares else read


def key_text(key: tuple[Any, ...], arrays: Iterable[str] = ()) -> str:
    """Write a key as it stands between brackets."""
    arrays = iter(arrays)
    return ", ".join(next(arrays, ARRAY) if item == ARRAY else _item_text(item) for item in key)


def _item_text(item: Any) -> str:
    if not isinstance(item, slice):
        return "..." if item is ... else str(item)
    text = ":".join("" if part is None else str(part) for part in (item.start, item.stop))
    return text if item.step is None else f"{text}:{item.step}"


class Scatter(Operation):
    """Zeros of the shape of ``A``, to which ``G`` is added at a key: the gradient of an index."""

    name, shape_only, scatters = "scatter", (1,), True
    __hash__ = Index.__hash__

    def __init__(self, key: tuple[Any, ...]):
        self.key = key

    def _settings(self):
        return [f"[{key_text(self.key)}]"]

    def infer_shape(self, G, A, *indices):
        return A.shape

    def infer_dtype(self, G, A, *indices):
        return G.dtype

    def f(self, G, A, *indices):
        xp = array_namespace(G)
        places = xp.reshape(xp.arange(math.prod(A.shape), device=device(G)), A.shape)
        places = xp.reshape(taken(places, self.key, indices), (-1,))
        zeros = xp.zeros(math.prod(A.shape), dtype=G.dtype, device=device(G))
        if is_torch_array(G):
            return zeros.index_add(0, places, G.reshape(-1)).reshape(A.shape)
        np.add.at(zeros, places, np.reshape(G, -1))
        return zeros.reshape(A.shape)

    def bprop(self, inputs, X, G):
        return Index(self.key)(G, *inputs[2:]) if X is inputs[0] else None

    def jvp(self, inputs, tangents):
        return None if tangents[0] is None else self(tangents[0], *inputs[1:])

    def code(self, V, arguments, out, setup):
        G, _, *indices = arguments
        out = out or f"np.empty({shape_code(V.shape)}, {dtype_code(V.dtype)})"
        return f"add_at({out}, {key_code(self.key, indices)}, {G})"


@helper
def add_at(out: np.ndarray, key: tuple[Any, ...], G: np.ndarray) -> np.ndarray:
    """Fill the buffer with zeros and add ``G`` at the key."""
    out.fill(0)
    if any(isinstance(item, np.ndarray) for item in key):
        np.add.at(out, key, G)
    else:
        out[key] = G
    return out


class TakeAlong(Operation):
    """The entries of ``A`` at an index along one axis, which has the other axes of ``A``."""

    name, fresh = "take_along_axis", True

    def __init__(self, axis: int):
        self.axis = axis

    def infer_shape(self, A, index):
        rest = [s for a, s in enumerate(A.shape) if a != self.axis]
        if index.ndim != A.ndim or rest != [s for a, s in enumerate(index.shape) if a != self.axis]:
            raise ValueError(
                f"take_along_axis: the index '{index.name}' {shape_text(index.shape)} must have "
                f"the sizes of '{A.name}' {shape_text(A.shape)} on all axes but {self.axis}"
            )
        return index.shape

    def infer_dtype(self, A, index):
        return A.dtype

    def f(self, A, index):
        if is_torch_array(A):
            return A.gather(self.axis, as_index(index, A.shape[self.axis]))
        return np.take_along_axis(A, index, axis=self.axis)

    def bprop(self, inputs, X, G):
        return PutAlong(self.axis)(G, *inputs) if X is inputs[0] else None

    def jvp(self, inputs, tangents):
        return None if tangents[0] is None else self(tangents[0], inputs[1])


class PutAlong(Operation):
    """Zeros like ``A``, to which ``G`` is added at an index along one axis."""

    name, shape_only, fresh, scatters = "put_along_axis", (1,), True, True

    def __init__(self, axis: int):
        self.axis = axis

    def infer_shape(self, G, A, index):
        return A.shape

    def infer_dtype(self, G, A, index):
        return G.dtype

    def f(self, G, A, index):
        zeros = array_namespace(G).zeros(A.shape, dtype=G.dtype, device=device(G))
        if is_torch_array(G):
            return zeros.scatter_add(self.axis, as_index(index, A.shape[self.axis]), G)
        return add_along(zeros, self.axis, index, G)

    def bprop(self, inputs, X, G):
        return TakeAlong(self.axis)(G, inputs[2]) if X is inputs[0] else None

    def jvp(self, inputs, tangents):
        return None if tangents[0] is None else self(tangents[0], *inputs[1:])

    def code(self, V, arguments, out, setup):
        G, _, index = arguments
        zeros = call("np.zeros", shape_code(V.shape), dtype_code(V.dtype))
        return call("add_along", zeros, str(self.axis), index, G)


@helper
def add_along(out: np.ndarray, axis: int, index: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Add ``G`` at an index along one axis; all other axes go along."""
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[axis] = index
    np.add.at(out, tuple(grid), G)
    return out


class ArgMax(Operation):
    """Where the largest entry is, the first one if there are several."""

    name, fresh = "argmax", True

    def __init__(self, axis: int | None):
        self.axis = axis

    def infer_shape(self, A):
        return () if self.axis is None else A.shape[: self.axis] + A.shape[self.axis + 1 :]

    def infer_dtype(self, A):
        return np.dtype(np.int64)

    def f(self, A):
        xp = array_namespace(A)
        A = xp.astype(A, xp.uint8) if A.dtype == xp.bool else A  # PyTorch orders no bools
        return getattr(xp, self.name)(A, axis=self.axis)


class ArgMin(ArgMax):
    """Where the smallest entry is, the first one if there are several."""

    name = "argmin"


class MaxAndIndex(Operation):
    """The largest entry along an axis and where it is, found in a single pass (Section 6.5.8)."""

    name, fresh = "max_and_index", True

    def __init__(self, axis: int, output: int):
        self.axis, self.output = axis, output

    def infer_shape(self, A):
        return A.shape[: self.axis] + A.shape[self.axis + 1 :]

    def infer_dtype(self, A):
        return A.dtype if self.output == 0 else np.dtype(np.int64)

    def f(self, A):
        xp = array_namespace(A)
        ordered = xp.astype(A, xp.uint8) if A.dtype == xp.bool else A  # PyTorch orders no bools
        index = xp.expand_dims(xp.argmax(ordered, axis=self.axis), axis=self.axis)
        largest = xp.take_along_axis(A, index, axis=self.axis)
        return xp.squeeze(largest, axis=self.axis), xp.squeeze(index, axis=self.axis)

    def _index(self, A):
        # Where the largest entry is does not change with the entries, wherever that is defined.
        return ExpandDims((self.axis,))(stop_gradient(MaxAndIndex(self.axis, 1)(A)))

    def bprop(self, inputs, X, G):
        return PutAlong(self.axis)(ExpandDims((self.axis,))(G), X, self._index(X))

    def jvp(self, inputs, tangents):
        (A,) = inputs
        return Squeeze((self.axis,))(TakeAlong(self.axis)(tangents[0], self._index(A)))


def index(A: Operand, key: Key) -> Variable:
    """Take ``A[key]``: whole numbers, slices, ``None``, ``...`` and integer arrays, as in NumPy.

    Raises TypeError for another key, such as a condition, whose result would have a size that
    only the data can tell; IndexError if it does not fit ``A``; ValueError if the result would be
    empty, or would leave out some examples.
    """
    (A,) = as_variables("index", A)
    items: list[Any] = []
    arrays: list[Variable | np.ndarray] = []
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, list):
            item = np.asarray(item)
        if isinstance(item, Variable | np.ndarray) and item.dtype.kind in "iu":
            items.append(ARRAY)
            arrays.append(item if isinstance(item, Variable) else np.asarray(item))
        elif item is None or item is ...:
            items.append(item)
        elif whole_number(item):
            items.append(int(item))
        elif isinstance(item, slice) and all(
            part is None or whole_number(part) for part in (item.start, item.stop, item.step)
        ):
            if item.step == 0:
                raise ValueError("index: the step of a slice must not be 0")
            items.append(item)
        else:
            dtype = getattr(item, "dtype", type(item).__name__)
            raise TypeError(
                f"index: '{A.name}' takes whole numbers, slices, None, ... and arrays of integers "
                f"between the brackets, got {dtype}; to choose by a condition, use where"
            )
    if all(item is None or item == slice(None) for item in items):  # new axes, and nothing else
        axes = tuple(place for place, item in enumerate(items) if item is None)
        if axes and len(items) - len(axes) <= A.ndim:
            return ExpandDims(axes)(A)
    return Index(tuple(items))(A, *arrays)


def take(A: Operand, indices: Variable | np.ndarray | int, axis: int = 0) -> Variable:
    """Take the slices of ``A`` at ``indices``, integers of any shape, along ``axis``.

    Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("take", A)
    axis = one_axis("take", A, axis)
    return index(A, (*[slice(None)] * axis, indices))


def take_along_axis(A: Operand, indices: Operand, axis: int) -> Variable:
    """Take one entry of ``A`` along ``axis`` for each entry of ``indices``, as NumPy does.

    Parameters
    ----------
    A : Variable
    indices : Variable
        Integers, of the shape of ``A`` but for ``axis``.
    axis : int

    Raises
    ------
    ValueError
        If the shapes do not fit or there is no such axis.
    TypeError
        If the indices are no integers.
    """
    A, indices = as_variables("take_along_axis", A, indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"take_along_axis: '{indices.name}' must be integers, it is {indices.dtype}"
        )
    axis = one_axis("take_along_axis", A, axis)
    return TakeAlong(axis)(A, indices)


def argmax(A: Operand, axis: int | None = None) -> Variable:
    """Find where the largest entry is along ``axis``, or among all; its gradient is zero.

    Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("argmax", A)
    return ArgMax(None if axis is None else one_axis("argmax", A, axis))(A)


def argmin(A: Operand, axis: int | None = None) -> Variable:
    """Find where the smallest entry is along ``axis``, or among all; its gradient is zero.

    Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("argmin", A)
    return ArgMin(None if axis is None else one_axis("argmin", A, axis))(A)


def max_and_index(A: Operand, axis: int = -1) -> tuple[Variable, Variable]:
    """Find the largest entry along ``axis`` and its index, by one operation (Section 6.5.8).

    Of several equal entries the first is taken, and has all of the gradient. Raises ValueError if
    there is no such axis.
    """
    (A,) = as_variables("max_and_index", A)
    axis = one_axis("max_and_index", A, axis)
    return MaxAndIndex(axis, 0)(A), MaxAndIndex(axis, 1)(A)


__all__ = ["argmax", "argmin", "max_and_index", "take", "take_along_axis"]
