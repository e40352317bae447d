"""Section 6.5.5: the same graph in terms of operations that a program runs quickly.

Applied after :mod:`dlbook.programs.simplify`, and only on the way to a program. What an operation
says of itself in simpler terms (``Operation.expand``) is taken here, too: the exponentials of a
softmax then serve the cost and the gradient.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from dlbook.graph import Variable
from dlbook.operations import elementwise as el
from dlbook.operations import functions as fn
from dlbook.operations.base import Operation, computed_by
from dlbook.operations.comparisons import Greater
from dlbook.operations.cross_entropy import CrossEntropy
from dlbook.operations.flow import StopGradient
from dlbook.operations.labels import OneHot
from dlbook.operations.linear import MatMul
from dlbook.operations.reductions import Sum
from dlbook.operations.shapes import Squeeze
from dlbook.operations.softmax import shifted, total
from dlbook.programs.lowered import (
    BLOCK,
    AddScaled,
    Gate,
    InnerProduct,
    LabelPlaces,
    MinusOneAt,
    Pick,
)
from dlbook.programs.rewriting import (
    Find,
    Rule,
    first_that_fits,
    is_a,
    like,
    number,
    rewrite,
    rule_in,
)

# For each kind of operation the rules that start from it. They can ask what is computed already.
LOWERING: dict[type[Operation], list[Rule]] = defaultdict(list)
rule = rule_in(LOWERING)


def lower(outputs: Iterable[Variable], inputs: Iterable[Variable] = ()) -> list[Variable]:
    """Return the same in terms of operations that NumPy runs quickly."""
    return rewrite(outputs, inputs, _lowered)


def _lowered(V: Variable, find: Find) -> Variable | None:
    op = computed_by(V)
    lowered = first_that_fits(V, LOWERING.get(type(op), ()), find)
    return op.expand(*V.inputs) if lowered is None else lowered


@rule(el.Add)
def add_scaled(V, find):
    """A + c * B for a number c and large A and B: block by block"""
    if None in V.shape or math.prod(V.shape) < 2 * BLOCK or V.dtype.kind != "f":
        return None
    for A, cB in (V.inputs, V.inputs[::-1]):
        if is_a(cB, el.Multiply) and like(V, A) is not None and like(V, cB) is not None:
            for c, B in (cB.inputs, cB.inputs[::-1]):
                if c.ndim == 0 and like(V, B) is not None:
                    return AddScaled()(A, c, B)
    return None


@rule(CrossEntropy)
def cross_entropy_of_labels(V, find):
    """-log softmax(z)_y = log sum exp(z) - z_y, with what the gradient needs, too"""
    z, y = V.inputs
    last = (z.ndim - 1,)
    places = LabelPlaces(z.shape[-1])(y)
    return Squeeze(last)(fn.log(total(z, last))) - Pick()(shifted(z, last), places)


@rule(StopGradient)
def stopped(V, find):
    """A program needs no mark that stops gradients"""
    return V.inputs[0]


@rule(el.Multiply)
def times_a_bool(V, find):
    """x * (a bool as a number): NumPy multiplies by the bool itself"""
    for x, b in (V.inputs, V.inputs[::-1]):
        if is_a(b, el.AsType) and b.inputs[0].dtype.kind == "b" and V.dtype.kind == "f":
            return Gate()(x, b.inputs[0])
    return None


@rule(el.Subtract)
def minus_one_hot(V, find):
    """A - one_hot(y): subtract 1 at one entry of each row"""
    a, b = V.inputs
    if is_a(b, OneHot) and a.shape == b.shape == V.shape and b.inputs[0].dtype == np.int64:
        return MinusOneAt()(a, LabelPlaces(b.operation.classes)(*b.inputs))
    return None


@rule(Sum)
def sum_of_products(V, find):
    """sum(a * b) over all entries is the inner product of two long vectors"""
    (a,) = V.inputs
    if V.ndim or V.dtype.kind != "f" or a.ndim == 0:
        return None
    if is_a(a, el.Square):
        return InnerProduct()(*a.inputs, *a.inputs)
    if is_a(a, el.Multiply) and a.inputs[0].shape == a.inputs[1].shape:
        return InnerProduct()(*a.inputs)
    return None


@rule(MatMul)
def product_of_vectors(V, find):
    """a^T b is the inner product of two vectors"""
    a, b = V.inputs
    return InnerProduct()(a, b) if a.ndim == b.ndim == 1 and a.dtype == b.dtype else None


@rule(Greater)
def rectified_already(V, find):
    """z > 0 is relu(z) > 0: where that is there, z need not be kept"""
    z, zero = V.inputs
    rectified = find(fn.Relu(), z)
    return rectified > zero if rectified is not None and number(zero) == 0 else None
