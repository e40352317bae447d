"""Section 6.5.5: where numbers lie in a program for JavaScript, and in what order.

An array is a flat typed array there. A :class:`Place` says which, and at which index an entry
stands; a transpose, a slice or a repetition is the same array in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from dlbook.checks import Shape

# Of 64-bit integers there is no typed array that a number can be read from: they are doubles.
ARRAYS = {
    "float64": "Float64Array",
    "float32": "Float32Array",
    "int8": "Int8Array",
    "int16": "Int16Array",
    "int32": "Int32Array",
    "int64": "Float64Array",
    "uint8": "Uint8Array",
    "uint16": "Uint16Array",
    "uint32": "Uint32Array",
    "uint64": "Float64Array",
    "bool": "Uint8Array",
}


class Size:
    """A whole number that may depend on the number of examples: c0 + c1 m + c2 m^2 + ..."""

    def __init__(self, terms: dict[int, int]):
        self.terms = {power: c for power, c in sorted(terms.items(), reverse=True) if c}

    def __add__(self, other: Size) -> Size:
        powers = {*self.terms, *other.terms}
        return Size({p: self.terms.get(p, 0) + other.terms.get(p, 0) for p in powers})

    def __mul__(self, other: Size) -> Size:
        products: dict[int, int] = {}
        for p, c in self.terms.items():
            for q, d in other.terms.items():
                products[p + q] = products.get(p + q, 0) + c * d
        return Size(products)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Size) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(tuple(self.terms.items()))

    @property
    def known(self) -> int | None:
        """The number itself, if it does not depend on the number of examples."""
        return self.terms.get(0, 0) if set(self.terms) <= {0} else None

    def __str__(self) -> str:
        """Write it in JavaScript."""
        written = []
        for power, c in self.terms.items():
            factors = [str(c)] if c != 1 or not power else []
            written.append(" * ".join(factors + ["m"] * power))
        return " + ".join(written) or "0"


ZERO, ONE = Size({}), Size({0: 1})


def size_of(size: int | None) -> Size:
    return Size({1: 1}) if size is None else Size({0: size})


def sizes_of(shape: Shape) -> tuple[Size, ...]:
    return tuple(map(size_of, shape))


def product(sizes: Sequence[Size]) -> Size:
    return reduce(Size.__mul__, sizes, ONE)


def c_order(shape: Shape) -> tuple[Size, ...]:
    """Return how far apart neighbours lie along each axis, with the last axis the closest."""
    sizes = sizes_of(shape)
    return tuple(product(sizes[axis + 1 :]) for axis in range(len(sizes)))


@dataclass(frozen=True)
class Place:
    """An array, or a part of one in another order; or one number, however often it is repeated."""

    name: str
    shape: Shape
    strides: tuple[Size, ...]
    offset: Size = ZERO
    is_number: bool = False

    def at(self, index: Sequence[str]) -> str:
        """Write the entry at an index, which is JavaScript for each axis."""
        if self.is_number:
            return self.name
        terms = [] if self.offset == ZERO else [str(self.offset)]
        for i, stride, size in zip(index, self.strides, self.shape, strict=True):
            if size == 1 or stride == ZERO or i == "0":
                continue
            factor = str(stride) if len(stride.terms) == 1 else f"({stride})"
            i = f"({i})" if stride != ONE and " " in i else i
            terms.append(i if stride == ONE else f"{i} * {factor}")
        return f"{self.name}[{' + '.join(terms) or '0'}]"

    def is_flat(self) -> bool:
        """Return whether the entries lie one behind the other, from the first one on."""
        if self.is_number:
            return False
        pairs = zip(self.shape, self.strides, c_order(self.shape), strict=True)
        return self.offset == ZERO and all(size == 1 or has == c for size, has, c in pairs)

    # --- The same numbers seen in another way ------------------------------------------------

    def transposed(self, axes: Sequence[int]) -> Place:
        shape = tuple(self.shape[a] for a in axes)
        return replace(self, shape=shape, strides=tuple(self.strides[a] for a in axes))

    def reshaped(self, shape: Shape) -> Place:
        """Give what is flat another shape."""
        return replace(self, shape=shape, strides=c_order(shape))

    def with_axes(self, axes: Sequence[int]) -> Place:
        shape, strides = list(self.shape), list(self.strides)
        for axis in sorted(axes):
            shape.insert(axis, 1)
            strides.insert(axis, ZERO)
        return replace(self, shape=tuple(shape), strides=tuple(strides))

    def without_axes(self, axes: Sequence[int]) -> Place:
        kept = [a for a in range(len(self.shape)) if a not in axes]
        return self.transposed(kept)

    def repeated(self, shape: Shape) -> Place:
        missing = len(shape) - len(self.shape)
        own = (1,) * missing + self.shape
        strides = (ZERO,) * missing + self.strides
        pairs = zip(own, shape, strides, strict=True)
        return replace(self, shape=shape, strides=tuple(ZERO if a == 1 else s for a, _, s in pairs))

    def indexed(self, items: Sequence[tuple[Any, int | None]], shape: Shape) -> Place:
        """Take a part by whole numbers and slices; ``None`` puts in an axis."""
        offset, strides, axis = self.offset, [], 0
        for item, size in items:
            if item is None:
                strides.append(ZERO)
                continue
            if item is ...:
                continue
            stride, length = self.strides[axis], size_of(size)
            first = item if isinstance(item, int) else _first(item, size)
            from_the_end = Size({0: first}) if first >= 0 else length + Size({0: first})
            offset += from_the_end * stride
            if isinstance(item, slice):
                strides.append(stride * Size({0: item.step or 1}))
            axis += 1
        return replace(self, shape=shape, strides=tuple(strides), offset=offset)


def _first(item: slice, size: int | None) -> int:
    """Return where a slice begins; of the examples it may be counted from the end."""
    many = 10**6
    start = range(many if size is None else size)[item].start
    return start - many if size is None and start > many // 2 else start


def number(value: Any, shape: Shape = ()) -> Place:
    """Return a number that stands for itself."""
    return Place(literal(value), shape, (ZERO,) * len(shape), is_number=True)


def literal(value: Any) -> str:
    """Write a number in JavaScript."""
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    value = float(value)
    if value != value:
        return "NaN"
    if abs(value) == float("inf"):
        return "-Infinity" if value < 0 else "Infinity"
    whole = value.is_integer() and abs(value) < 1e16 and not (value == 0 and str(value) == "-0.0")
    text = str(int(value)) if whole else repr(value)
    return f"({text})" if text.startswith("-") else text
