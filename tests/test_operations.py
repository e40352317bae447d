"""Section 6.5.6: every operation computes what it says, and its rules are its derivatives.

The operations are found, not listed: each class in ``dlbook.operations`` needs an entry among the
examples below. It is then held against NumPy, against finite differences and against PyTorch;
its compiled program against its ``f``; forward mode against back-propagation.
"""

import math
import operator
import pickle
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import (
    EXAMPLES,
    broadcastable,
    few,
    fewer,
    hide_examples,
    index_arrays,
    rngs,
    shapes,
    sizes,
    smooth_values,
    some_values,
)

import dlbook as dl
from dlbook.operations.base import Constant
from dlbook.operations.comparisons import (
    Clip,
    Comparison,
    Equal,
    Greater,
    GreaterEqual,
    Heaviside,
    IsLarger,
    Less,
    LessEqual,
    Maximum,
    Minimum,
    NotEqual,
    Where,
)
from dlbook.operations.elementwise import (
    Abs,
    Add,
    AsType,
    Divide,
    Elementwise,
    Multiply,
    Negate,
    Power,
    Sign,
    Sqrt,
    Square,
    Subtract,
    VariablePower,
)
from dlbook.operations.flow import Recompute, StopGradient
from dlbook.operations.functions import (
    Cos,
    Erf,
    Exp,
    Expm1,
    LeakyRelu,
    Log,
    Log1p,
    Relu,
    Sigmoid,
    Sin,
    Softplus,
    Tanh,
)
from dlbook.operations.indexing import (
    ARRAY,
    ArgMax,
    Index,
    MaxAndIndex,
    PutAlong,
    Scatter,
    TakeAlong,
)
from dlbook.operations.joining import Concatenate, Joining, Stack
from dlbook.operations.labels import OneHot, Probability
from dlbook.operations.linear import MatMul
from dlbook.operations.matrices import Cholesky, LowerTriangle, SolveTriangular
from dlbook.operations.reductions import Count, Max, Mean, Min, Sum
from dlbook.operations.shapes import (
    BroadcastLike,
    BroadcastTo,
    ExpandDims,
    Reshape,
    Squeeze,
    Transpose,
)
from dlbook.operations.softmax import (
    BinaryCrossEntropy,
    CrossEntropy,
    LogSoftmax,
    LogSumExp,
    Softmax,
)
from dlbook.programs.lowered import AddScaled, Gate, InnerProduct, LabelPlaces, MinusOneAt, Pick

# --- Examples: for each operation, how to draw one use of it ---------------------------------


@dataclass(frozen=True)
class Example:
    """One use of an operation: with these arrays it should give what ``numpy`` gives."""

    operation: dl.Operation
    arrays: list[np.ndarray]
    numpy: Callable
    shapes: list[tuple] | None = None  # of the variables, if not those of the arrays

    def variables(self):
        shapes = self.shapes or [array.shape for array in self.arrays]
        return [
            dl.variable("abcdefgh"[i], shape, array.dtype)
            for i, (shape, array) in enumerate(zip(shapes, self.arrays, strict=True))
        ]

    @property
    def wanted(self):
        """The places of the inputs that have a gradient."""
        gives = self.operation.infer_dtype(*self.variables())
        if gives.kind != "f":
            return []
        return [i for i, array in enumerate(self.arrays) if array.dtype.kind == "f"]

    def f(self, *arrays):
        """What the operation computes; one of the results, if there are several."""
        return result_of(self.operation, arrays)


def result_of(operation, arrays):
    result = operation.f(*arrays)
    return result if operation.output is None else result[operation.output]


EXAMPLES_OF, DTYPES_OF = {}, {}
DTYPES = {"f": ["float64", "float32"], "i": ["int64", "int32"], "u": ["uint8"], "b": ["bool"]}
SIGNED = DTYPES["f"] + DTYPES["i"]


def example_of(kind, dtypes=None):
    """Register the function below as the one that draws examples of this operation.

    It is given the dtype of the values to draw: one of all that the operation takes, unless
    ``dtypes`` says which.
    """

    def register(make):
        EXAMPLES_OF[kind] = make
        DTYPES_OF[kind] = dtypes or [name for letter in kind.kinds for name in DTYPES[letter]]
        return make

    return register


def elementwise(kind, numpy, inputs=1, positive=False, dtypes=None):
    """Register an operation without settings that acts entry by entry."""

    @example_of(kind, dtypes)
    def make(draw, dtype):
        rng = draw(rngs)
        arrays = [some_values(rng, s, dtype, positive) for s in draw(broadcastable(inputs))]
        return Example(kind(), arrays, numpy)


elementwise(Add, np.add, inputs=2)
elementwise(Subtract, np.subtract, inputs=2, dtypes=SIGNED)
elementwise(Multiply, np.multiply, inputs=2)
elementwise(Divide, np.divide, inputs=2)
elementwise(Negate, np.negative, dtypes=SIGNED)
elementwise(Square, np.square)
elementwise(Sqrt, np.sqrt, positive=True)
elementwise(Abs, np.abs)
elementwise(Sign, np.sign)
elementwise(Exp, np.exp)
elementwise(Log, np.log, positive=True)
elementwise(Log1p, np.log1p, positive=True)
elementwise(Expm1, np.expm1)
elementwise(Erf, np.vectorize(math.erf))
elementwise(Sin, np.sin)
elementwise(Cos, np.cos)
elementwise(Tanh, np.tanh)
elementwise(Sigmoid, lambda z: 1 / (1 + np.exp(-z)))
elementwise(Softplus, lambda z: np.log(1 + np.exp(z)))
elementwise(Relu, lambda z: np.maximum(z, 0))
elementwise(Heaviside, lambda z: np.heaviside(z, 0))
elementwise(Maximum, np.maximum, inputs=2)
elementwise(Minimum, np.minimum, inputs=2)
elementwise(IsLarger, lambda a, b: (np.sign(a - b) + 1) / 2, inputs=2)
elementwise(Greater, np.greater, inputs=2)
elementwise(GreaterEqual, np.greater_equal, inputs=2)
elementwise(Less, np.less, inputs=2)
elementwise(LessEqual, np.less_equal, inputs=2)
elementwise(Equal, np.equal, inputs=2)
elementwise(NotEqual, np.not_equal, inputs=2)


@example_of(AsType)
def draw_astype(draw, dtype):
    to = np.dtype(draw(st.sampled_from(["float64", "float32", "int64", "int32", "bool"])))
    array = some_values(draw(rngs), draw(shapes), dtype)
    return Example(AsType(to), [array], lambda a: a.astype(to))


@example_of(Power)
def draw_power(draw, dtype):
    exponent = draw(st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.5, 3.0, 4.0]))
    array = some_values(draw(rngs), draw(shapes), dtype, positive=exponent % 1 != 0)
    return Example(Power(exponent), [array], lambda a: np.power(a, exponent))


@example_of(VariablePower)
def draw_variable_power(draw, dtype):
    rng, (base, exponent) = draw(rngs), draw(broadcastable(2))
    arrays = [some_values(rng, base, dtype, positive=True), some_values(rng, exponent, dtype)]
    return Example(VariablePower(), arrays, np.power)


@example_of(Where)
def draw_where(draw, dtype):
    rng, drawn = draw(rngs), draw(broadcastable(3))
    dtypes = ["bool", dtype, dtype]
    arrays = [some_values(rng, s, d) for s, d in zip(drawn, dtypes, strict=True)]
    return Example(Where(), arrays, np.where)


@example_of(Clip)
def draw_clip(draw, dtype):
    rng, shape = draw(rngs), draw(shapes)
    low, high = sorted(rng.uniform(-2, 2, size=2).tolist())
    array = some_values(rng, shape, dtype)
    return Example(Clip(low, high), [array], lambda a: np.clip(a, low, high))


@example_of(LeakyRelu)
def draw_leaky_relu(draw, dtype):
    slope = draw(st.sampled_from([0.0, 0.01, 0.5, -1.0, 2.0]))
    array = some_values(draw(rngs), draw(shapes), dtype)
    return Example(LeakyRelu(slope), [array], lambda z: np.where(z > 0, z, slope * z))


@example_of(BinaryCrossEntropy)
def draw_binary_cross_entropy(draw, dtype):
    rng, (logits, labels) = draw(rngs), draw(broadcastable(2))
    arrays = [some_values(rng, logits, dtype), rng.uniform(size=labels).astype(dtype)]
    return Example(BinaryCrossEntropy(), arrays, lambda z, y: np.log(1 + np.exp(z)) - y * z)


@example_of(Probability)
def draw_probability(draw, dtype):
    inside = draw(rngs).uniform(0.1, 0.9, size=draw(shapes))  # from where a small step stays inside
    return Example(Probability(), [np.asarray(inside).astype(dtype)], np.array)


@example_of(StopGradient)
def draw_stop_gradient(draw, dtype):
    return Example(StopGradient(), [some_values(draw(rngs), draw(shapes), dtype)], np.array)


@example_of(Recompute)
def draw_recompute(draw, dtype):
    return Example(Recompute(), [some_values(draw(rngs), draw(shapes), dtype)], np.array)


@example_of(Constant)
def draw_constant(draw, dtype):
    value = some_values(draw(rngs), draw(shapes), dtype)
    return Example(Constant(value), [], lambda: value)


# --- Examples of products and reductions


@example_of(MatMul)
def draw_matmul(draw, dtype):
    rows, inner, columns = draw(sizes), draw(sizes), draw(sizes)
    stack_a, stack_b = draw(broadcastable(2, max_dims=2))
    left = draw(st.sampled_from([(inner,), (*stack_a, rows, inner)]))
    right = draw(st.sampled_from([(inner,), (*stack_b, inner, columns)]))
    rng = draw(rngs)
    return Example(MatMul(), [some_values(rng, s, dtype) for s in (left, right)], np.matmul)


@example_of(InnerProduct)
def draw_inner_product(draw, dtype):
    rng, shape = draw(rngs), draw(shapes.filter(len))
    arrays = [some_values(rng, shape, dtype) for _ in range(2)]
    return Example(InnerProduct(), arrays, lambda a, b: np.sum(a * b))


@example_of(AddScaled)
def draw_add_scaled(draw, dtype):
    rng, shape = draw(rngs), draw(shapes.filter(len))
    arrays = [some_values(rng, s, dtype) for s in (shape, (), shape)]
    known = [shape, (), shape]  # of large tensors only, with no size to hide
    return Example(AddScaled(), arrays, lambda A, c, B: A + c * B, known)


def reduction(kind, numpy):
    """Register a reduction: with axes and keepdims, as in NumPy."""

    @example_of(kind)
    def make(draw, dtype):
        shape, keepdims = draw(shapes), draw(st.booleans())
        axes = draw_axes(draw, len(shape))
        return Example(
            kind(axes, keepdims),
            [some_values(draw(rngs), shape, dtype)],
            lambda a: numpy(a, axis=axes, keepdims=keepdims),
        )


reduction(Sum, np.sum)
reduction(Mean, np.mean)
reduction(Max, np.max)
reduction(Min, np.min)
reduction(LogSumExp, lambda a, **axes: np.log(np.sum(np.exp(a), **axes)))


@example_of(Count)
def draw_count(draw, dtype):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape))
    return Example(
        Count(axes),
        [some_values(draw(rngs), shape, dtype)],
        lambda a: np.asarray(math.prod(a.shape[axis] for axis in axes), a.dtype),
    )


def along_axes(kind, numpy):
    """Register an operation that keeps the shape and acts along some axes."""

    @example_of(kind)
    def make(draw, dtype):
        shape = draw(shapes)
        axes = draw_axes(draw, len(shape))
        array = some_values(draw(rngs), shape, dtype)
        return Example(kind(axes), [array], lambda z: numpy(z, axes))


def softmax_of(z, axes):
    return np.exp(z) / np.sum(np.exp(z), axis=axes, keepdims=True)


along_axes(Softmax, softmax_of)
along_axes(LogSoftmax, lambda z, axes: np.log(softmax_of(z, axes)))


# --- Examples of shapes


@example_of(Transpose)
def draw_transpose(draw, dtype):
    shape = draw(shapes)
    axes = tuple(draw(st.permutations(range(len(shape)))))
    array = some_values(draw(rngs), shape, dtype)
    return Example(Transpose(axes), [array], lambda a: np.transpose(a, axes))


@example_of(Reshape)
def draw_reshape(draw, dtype):
    a, b, c, m = draw(sizes), draw(sizes), draw(sizes), EXAMPLES
    before, after = draw(
        st.sampled_from(
            [
                ((a, b, c), (a * b, c)),
                ((a, b), (b, a)),
                ((a,), (1, a, 1)),
                ((1, 1), ()),
                ((None, a, b), (None, a * b)),
                ((None, a), (None, 1, a)),
                ((a, None), (None, a)),
                ((None, 1), (None,)),
            ]
        )
    )
    filled = tuple(m if s is None else s for s in after)
    array = some_values(draw(rngs), tuple(m if s is None else s for s in before), dtype)
    return Example(Reshape(after), [array], lambda a: np.reshape(a, filled), [before])


@example_of(ExpandDims)
def draw_expand_dims(draw, dtype):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape) + 2, exactly=2)
    array = some_values(draw(rngs), shape, dtype)
    return Example(ExpandDims(axes), [array], lambda a: np.expand_dims(a, axes))


@example_of(Squeeze)
def draw_squeeze(draw, dtype):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape), among=[a for a, size in enumerate(shape) if size == 1])
    array = some_values(draw(rngs), shape, dtype)
    return Example(Squeeze(axes), [array], lambda a: np.squeeze(a, axes))


@example_of(BroadcastLike)
def draw_broadcast_like(draw, dtype):
    small, other = draw(broadcastable(2))
    rng, large = draw(rngs), np.broadcast_shapes(small, other)
    arrays = [some_values(rng, shape, dtype) for shape in (small, large)]
    return Example(BroadcastLike(), arrays, lambda a, b: np.broadcast_to(a, b.shape))


@example_of(BroadcastTo)
def draw_broadcast_to(draw, dtype):
    small, other = draw(broadcastable(2))
    large = np.broadcast_shapes(small, other)
    hidden = hide_examples(small) if draw(st.booleans()) else small
    own = (*(1,) * (len(large) - len(small)), *hidden)
    to = tuple(None if size is None else new for size, new in zip(own, large, strict=True))
    array = some_values(draw(rngs), small, dtype)
    return Example(BroadcastTo(to), [array], lambda a: np.broadcast_to(a, large), [hidden])


def joining(kind, numpy):
    """Register an operation that puts one to three tensors together along an axis."""

    @example_of(kind)
    def make(draw, dtype):
        new = kind is Stack
        shape = draw(shapes if new else shapes.filter(len))
        axis = draw(st.integers(0, len(shape) - (not new)))
        rng, several = draw(rngs), [shape] * draw(st.integers(1, 3))
        if not new:  # these sizes may differ, and must be known
            lengths = [draw(st.integers(1, EXAMPLES - 1)) for _ in several]
            several = [(*shape[:axis], length, *shape[axis + 1 :]) for length in lengths]
        arrays = [some_values(rng, s, dtype) for s in several]
        return Example(kind(axis), arrays, lambda *parts: numpy(parts, axis=axis))


joining(Concatenate, np.concatenate)
joining(Stack, np.stack)


def draw_axes(draw, ndim, among=None, exactly=None):
    """Draw a set of axes, counted from 0 and in order."""
    among = list(range(ndim)) if among is None else among
    lists = st.lists(st.sampled_from(among), unique=True, min_size=exactly or 0, max_size=exactly)
    return tuple(sorted(draw(lists))) if among else ()


# --- Examples of indices and labels


def fill(key, arrays):
    """Put the index arrays into their places of a key."""
    arrays = iter(arrays)
    return tuple(next(arrays) if item is ARRAY else item for item in key)


def draw_slice(draw, size):
    """Draw a slice that is not empty, its ends counted from the front or from the back."""
    ends = st.none() | st.integers(-size - 1, size + 1)
    drawn = slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2])))
    return drawn if range(size)[drawn] else slice(None)


def draw_key(draw):
    """Draw a shape, a key that fits it, and index arrays for it; some sizes are hidden."""
    shape, rng = draw(shapes.filter(len)), draw(rngs)
    hidden_axis = shape.index(EXAMPLES) if EXAMPLES in shape and draw(st.booleans()) else None
    start = draw(st.integers(0, len(shape)))  # the axes that an ellipsis stands for,
    stop = draw(st.integers(start, len(shape)))  # or none
    kinds = {a: draw(st.sampled_from(["number", "slice", "array"])) for a in range(len(shape))}
    key, arrays, index_shapes = [], [], iter(draw(broadcastable(3, max_dims=2)))
    for axis, size in enumerate(shape):
        if draw(st.integers(0, 5)) == 0:
            key.append(None)
        if axis == start:
            key.append(...)
        if start <= axis < stop:
            continue
        if kinds[axis] == "number":
            key.append(draw(st.integers(-size, size - 1)))
        elif kinds[axis] == "slice":
            key.append(slice(None) if axis == hidden_axis else draw_slice(draw, size))
        else:
            key.append(ARRAY)
            arrays.append(index_arrays(draw, rng, next(index_shapes), size))
    hidden = tuple(None if a == hidden_axis else size for a, size in enumerate(shape))
    return shape, hidden, tuple(key), arrays


@example_of(Index)
def draw_index(draw, dtype):
    shape, hidden, key, arrays = draw_key(draw)
    return Example(
        Index(key),
        [some_values(draw(rngs), shape, dtype), *arrays],
        lambda A, *indices: A[fill(key, indices)],
        [hidden, *(index.shape for index in arrays)],
    )


@example_of(Scatter, SIGNED)
def draw_scatter(draw, dtype):
    shape, hidden, key, arrays = draw_key(draw)
    rng, A = draw(rngs), dl.variable("A", hidden)
    indices = [dl.variable("i", index.shape, index.dtype) for index in arrays]

    def numpy(G, A, *indices):
        places = np.arange(A.size).reshape(A.shape)[fill(key, indices)]
        result = np.zeros(A.size, G.dtype)
        for place, entry in zip(np.ravel(places), np.ravel(G), strict=True):
            result[place] += entry
        return result.reshape(A.shape)

    G = some_values(rng, np.zeros(shape)[fill(key, arrays)].shape, dtype)
    known = [Index(key)(A, *indices).shape, hidden, *(index.shape for index in arrays)]
    return Example(Scatter(key), [G, some_values(rng, shape, dtype), *arrays], numpy, known)


def draw_along(draw, dtype):
    """Draw a tensor, an axis, and an index along this axis."""
    shape, rng = draw(shapes.filter(len)), draw(rngs)
    axis = draw(st.integers(0, len(shape) - 1))
    along = (*shape[:axis], draw(sizes), *shape[axis + 1 :])
    index = index_arrays(draw, rng, along, shape[axis])
    return axis, some_values(rng, shape, dtype), index, some_values(rng, along, dtype)


@example_of(TakeAlong)
def draw_take_along(draw, dtype):
    axis, A, index, _ = draw_along(draw, dtype)
    return Example(TakeAlong(axis), [A, index], lambda A, i: np.take_along_axis(A, i, axis))


@example_of(PutAlong, SIGNED)
def draw_put_along(draw, dtype):
    axis, A, index, G = draw_along(draw, dtype)

    def numpy(G, A, index):
        result = np.zeros(A.shape, G.dtype)
        for place in np.ndindex(G.shape):
            result[(*place[:axis], index[place], *place[axis + 1 :])] += G[place]
        return result

    return Example(PutAlong(axis), [G, A, index], numpy)


@example_of(ArgMax, SIGNED)
def draw_argmax(draw, dtype):
    shape = draw(shapes)
    axis = draw(st.sampled_from([None, *range(len(shape))]))
    array = some_values(draw(rngs), shape, dtype)
    return Example(ArgMax(axis), [array], lambda A: np.argmax(A, axis))


@example_of(MaxAndIndex, SIGNED)
def draw_max_and_index(draw, dtype):
    shape, output = draw(shapes.filter(len)), draw(st.integers(0, 1))
    axis = draw(st.integers(0, len(shape) - 1))
    array = some_values(draw(rngs), shape, dtype)
    return Example(
        MaxAndIndex(axis, output), [array], lambda A: [np.max, np.argmax][output](A, axis)
    )


def draw_labels(draw, dtype="int64"):
    """Draw the number of classes, and the label of each example."""
    classes, shape = draw(sizes), draw(shapes)
    return classes, draw(rngs).integers(0, classes, size=shape).astype(dtype)


@example_of(OneHot, DTYPES["i"] + DTYPES["u"])
def draw_one_hot(draw, dtype):
    classes, y = draw_labels(draw, dtype)
    to = np.dtype(draw(st.sampled_from(["float64", "float32", "int64", "bool"])))
    return Example(OneHot(classes, to), [y], lambda y: np.eye(classes)[y])


def places_of(y, classes):
    """Where the entry of each label lies among all entries."""
    return np.asarray(y + classes * np.arange(y.size).reshape(y.shape))


@example_of(LabelPlaces, ["int64"])
def draw_label_places(draw, dtype):
    classes, y = draw_labels(draw)
    return Example(LabelPlaces(classes), [y], lambda y: places_of(y, classes))


def at_labels(kind, numpy):
    """Register an operation that acts on the entry of each label."""

    @example_of(kind, DTYPES["f"])
    def make(draw, dtype):
        classes, y = draw_labels(draw)
        A = some_values(draw(rngs), (*y.shape, classes), dtype)
        return Example(kind(), [A, places_of(y, classes)], numpy)


def less_one_at(A, places):
    result = A.reshape(-1).copy()
    result[places.reshape(-1)] -= 1
    return result.reshape(A.shape)


at_labels(Pick, lambda A, places: A.reshape(-1)[places])
at_labels(MinusOneAt, less_one_at)


@example_of(CrossEntropy, DTYPES["f"])
def draw_cross_entropy(draw, dtype):
    classes, y = draw_labels(draw)
    assume(classes != EXAMPLES)  # their number must be known, and is never hidden
    z = some_values(draw(rngs), (*y.shape, classes), dtype)
    return Example(CrossEntropy(), [z, y], cross_entropy_of)


def cross_entropy_of(z, y):
    q = softmax_of(z, -1)
    return -np.log(np.take_along_axis(q, y[..., None].astype(int), -1)[..., 0])


@example_of(Gate, DTYPES["f"])
def draw_gate(draw, dtype):
    rng, (a, mask) = draw(rngs), draw(broadcastable(2))
    arrays = [some_values(rng, a, dtype), some_values(rng, mask, "bool")]
    return Example(Gate(), arrays, lambda a, mask: np.where(mask, a, 0))


# --- Examples of stacks of matrices

widths = st.integers(1, EXAMPLES - 1)  # of square matrices: must be known, and is never hidden


@example_of(LowerTriangle)
def draw_lower_triangle(draw, dtype):
    half, shape = draw(st.booleans()), (*draw(shapes), draw(sizes), draw(sizes))
    factor = 1 - half * np.eye(*shape[-2:]) / 2
    array = some_values(draw(rngs), shape, dtype)
    return Example(LowerTriangle(half), [array], lambda A: np.tril(A) * factor)


@example_of(Cholesky)
def draw_cholesky(draw, dtype):
    d, stack = draw(widths), draw(st.lists(sizes, max_size=2))
    rng = draw(rngs)
    B = smooth_values(rng, (*stack, d, d))
    A = B @ np.swapaxes(B, -1, -2) + 2 * np.eye(d)
    A += rng.uniform(-0.1, 0.1, A.shape)  # only the symmetric part counts
    numpy = lambda A: np.linalg.cholesky((A + np.swapaxes(A, -1, -2)) / 2)  # noqa: E731
    return Example(Cholesky(), [A.astype(dtype)], numpy)


@example_of(SolveTriangular)
def draw_solve_triangular(draw, dtype):
    d, transposed, rng = draw(widths), draw(st.booleans()), draw(rngs)
    stack_l, stack_b = draw(broadcastable(2, max_dims=2))
    L = some_values(rng, (*stack_l, d, d), dtype)  # above the diagonal may stand anything
    B = some_values(rng, (*stack_b, d, draw(sizes)), dtype)

    def numpy(L, B):
        lower = np.tril(L)
        return np.linalg.solve(np.swapaxes(lower, -1, -2) if transposed else lower, B)

    return Example(SolveTriangular(transposed), [L, B], numpy)


# --- All operations, found by themselves ------------------------------------------------------


def found_operations():
    """Every class in ``dlbook.operations`` that computes something and has a name of its own."""
    open_ends, found = [dl.Operation], set()
    while open_ends:
        kind = open_ends.pop()
        open_ends.extend(kind.__subclasses__())
        ours = kind.__module__.startswith("dlbook.operations.")
        if ours and kind.f is not dl.Operation.f and ("name" in vars(kind) or "f" in vars(kind)):
            found.add(kind)
    shared = {kind for kind in found if kind.name == dl.Operation.name}  # has no name yet
    return sorted(found - shared, key=lambda kind: kind.__name__)


OPERATIONS = found_operations()
DIFFERENTIABLE = [k for k in OPERATIONS if k.flat or k.bprop is not dl.Operation.bprop]
# By definition the derivative of this one is not that of its f.
TRUE_TO_F = [kind for kind in DIFFERENTIABLE if kind is not StopGradient]
PRECISION = {"float64": 1e-13, "float32": 1e-5}


def each(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


def draw_example(data, kind, dtype=None, tensors=False):
    """Draw one example, some with their sizes hidden behind None; by default of any dtype."""
    if kind not in EXAMPLES_OF:
        pytest.fail(
            f"{kind.__name__} has no example to be tested with: write a function that draws one, "
            f"marked @example_of({kind.__name__}), in {__file__}",
            pytrace=False,
        )
    # PyTorch has no unsigned sums, and nearly nothing else that is unsigned.
    dtypes = [name for name in DTYPES_OF[kind] if not (tensors and name == "uint8")]
    dtype = dtype or data.draw(st.sampled_from(dtypes))
    example = data.draw(st.composite(EXAMPLES_OF[kind])(dtype))
    if example.shapes is None and data.draw(st.booleans()):
        hidden = [hide_examples(array.shape) for array in example.arrays]
        example = Example(example.operation, example.arrays, example.numpy, hidden)
    return example


def draw_smooth(data, kind):
    """Draw an example that has derivatives, and a gradient on its result."""
    example = draw_example(data, kind, "float64")
    result = np.asarray(example.f(*example.arrays))
    assume(result.dtype == np.float64)
    return example, smooth_values(data.draw(rngs), result.shape)


def assert_same(results, expected):
    """Hold results against others, up to rounding; shapes and dtypes must be the same."""
    for result, other in zip(results, expected, strict=True):
        assert (result.shape, result.dtype) == (other.shape, other.dtype)
        precision = PRECISION.get(str(result.dtype), 0)
        assert_allclose(result, other, rtol=precision, atol=precision)


@each(OPERATIONS)
def test_every_operation_has_an_example(kind):
    assert kind in EXAMPLES_OF, f"{kind.__name__} is not tested: it has no @example_of"


@each(OPERATIONS)
@given(data=st.data())
@few
def test_an_operation_computes_what_numpy_computes(kind, data):
    example = draw_example(data, kind)
    result, expected = example.f(*example.arrays), example.numpy(*example.arrays)
    precision = PRECISION.get(str(result.dtype), 0)
    assert result.shape == np.shape(expected)
    assert_allclose(result, expected, rtol=precision, atol=precision)


@each(OPERATIONS)
@given(data=st.data())
@few
def test_an_operation_has_the_shape_and_the_dtype_that_the_graph_says(kind, data):
    example = draw_example(data, kind)
    node = example.operation(*example.variables())
    result = np.asarray(example.f(*example.arrays))
    assert_shape_fits(result.shape, node.shape)
    assert result.dtype == node.dtype


@each([kind for kind in OPERATIONS if kind.mixes])
@given(data=st.data())
@fewer
def test_inputs_of_different_dtypes_are_first_converted_to_their_common_one(kind, data):
    example = draw_example(data, kind, "float64")
    letters = kind.kinds + "b" * (kind.kinds == "fiu")  # a bool that meets a number becomes one
    dtypes = [name for letter in letters for name in DTYPES[letter]]
    arrays = [a.astype(data.draw(st.sampled_from(dtypes))) for a in example.arrays]
    common = np.result_type(*arrays)
    assume(common.kind in kind.kinds)
    example = Example(example.operation, arrays, example.numpy, example.shapes)
    node, expected = node_and_value(example)
    assert node.dtype == expected.dtype == example.f(*(a.astype(common) for a in arrays)).dtype
    assert_allclose(
        expected, example.numpy(*(a.astype(common) for a in arrays)), rtol=1e-5, atol=1e-5
    )


def node_and_value(example):
    variables = example.variables()
    node = example.operation(*variables)
    return node, dl.evaluate(node, dict(zip(variables, example.arrays, strict=True)))


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_the_same_f_runs_on_tensors_of_pytorch(kind, data):
    example = draw_example(data, kind, tensors=True)
    if example.arrays:
        result = example.f(*map(torch.from_numpy, example.arrays))
        assert isinstance(result, torch.Tensor)
        assert_same([result.numpy()], [np.asarray(example.f(*example.arrays))])


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_an_operation_survives_a_journey_to_another_process(kind, data):
    example = draw_example(data, kind)
    operation = pickle.loads(pickle.dumps(example.operation))
    assert repr(operation) == repr(example.operation)
    if kind is not Recompute:  # which is equal to no other
        assert operation == example.operation and hash(operation) == hash(example.operation)
    assert_same(
        [np.asarray(result_of(operation, example.arrays))],
        [np.asarray(example.f(*example.arrays))],
    )


# --- Compiled programs: what an operation says about its code ---------------------------------


def interpret(outputs, values):
    """Compute variables in the plainest way: one f after the other."""
    table = dict(values)
    for V in dl.Graph(outputs):
        if V not in table:
            table[V] = result_of(V.operation, [table[U] for U in V.inputs])
    return [np.asarray(table[V]) for V in outputs]


def computed_before(V):
    """A variable that is computed from an input, and the value of the input that gives ``V``'s."""
    if V.dtype.kind == "b":
        return dl.equal(V, np.True_), lambda value: value
    if V.dtype.kind == "f":
        return V * 2, lambda value: value / 2
    if V.dtype.kind == "u":
        return dl.maximum(V, 0), lambda value: value
    return V + 1, lambda value: value - 1


def computed_after(V):
    """Something that is computed from ``V`` and has its shape."""
    if V.dtype.kind == "b":
        return dl.where(V, 1.5, 2.5)
    return V * 1.5 if V.dtype.kind == "f" else V + 1


@st.composite
def small_graphs(draw, example):
    """Put an operation at the end, in the middle or at the start of a small graph, or all that."""
    variables, values = example.variables(), example.arrays
    inner, outer = variables, values
    if draw(st.booleans()):
        before = [computed_before(V) for V in variables]
        inner = [V for V, _ in before]
        outer = [
            np.asarray(back(value), value.dtype)
            for (_, back), value in zip(before, values, strict=True)
        ]
    node = example.operation(*inner)
    outputs = draw(
        st.sampled_from(
            [
                [node],
                [computed_after(node)],
                [node, computed_after(node), node],
                [computed_after(node), dl.sum(node), *(V for V in inner if V.operation)],
                [dl.sum(computed_after(node) + computed_after(node)[None]), node[None]],
            ]
        )
    )
    return outputs, variables, outer


@each(OPERATIONS)
@given(data=st.data())
@few
def test_a_program_computes_what_f_computes(kind, data):
    example = draw_example(data, kind)
    outputs, variables, values = data.draw(small_graphs(example))
    given = [value.copy() for value in values]
    expected = interpret(outputs, dict(zip(variables, values, strict=True)))
    for simplify in (True, False):
        program = dl.compile(outputs, variables, simplify)
        for as_numbers in (False, True):  # a scalar may be given as an array or as a number
            results = program(*(v[()] if as_numbers else v for v in values))
            assert_same(results, expected)
            for result in results:  # they belong to the caller
                if result.ndim:
                    result.fill(0)
            assert_same(values, given)


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_a_program_for_pytorch_computes_what_f_computes(kind, data):
    example = draw_example(data, kind, tensors=True)
    outputs, variables, values = data.draw(small_graphs(example))
    expected = interpret(outputs, dict(zip(variables, values, strict=True)))
    program = dl.compile(outputs, variables, data.draw(st.booleans()), backend="torch")
    results = program(*map(torch.from_numpy, values))
    assert_same([result.numpy() for result in results], expected)


# --- Derivatives -------------------------------------------------------------------------------


@each(TRUE_TO_F)
@given(data=st.data())
@fewer
def test_bprop_agrees_with_central_differences(kind, data):
    example, G = draw_smooth(data, kind)
    for place, gradient in zip(example.wanted, bprop_values(example, G), strict=True):
        expected = central_differences(example, place, G)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)


@each(TRUE_TO_F)
@given(data=st.data())
@few
def test_bprop_agrees_with_pytorch(kind, data):
    example, G = draw_smooth(data, kind)
    ours, theirs = bprop_values(example, G), torch_gradients(example, G)
    for gradient, expected in zip(ours, theirs, strict=True):
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


@each(DIFFERENTIABLE)
@given(data=st.data())
@fewer
def test_forward_mode_agrees_with_back_propagation(kind, data):
    example, G_value = draw_smooth(data, kind)
    variables, rng = example.variables(), data.draw(rngs)
    node = example.operation(*variables)
    G = dl.variable("G", node.shape)
    targets = [variables[i] for i in example.wanted]
    moving = [V for V in targets if data.draw(st.booleans())] or targets
    T = {V: dl.variable(f"T_{V.name}", V.shape) for V in moving}
    forward = dl.jvp(node, T)
    assert (forward.shape, forward.dtype) == (node.shape, node.dtype)
    inputs = {V.name: value for V, value in zip(variables, example.arrays, strict=True)}
    T_values = [smooth_values(rng, inputs[V.name].shape) for V in moving]
    if not moving:
        return
    backward = dl.backprop(moving, dl.sum(node * G))
    program = dl.compile([forward, *backward.values()], [*variables, G, *T.values()])
    moved, *gradients = program(*example.arrays, G_value, *T_values)
    terms = [g * t for g, t in zip(gradients, T_values, strict=True)]
    scale = sum(np.abs(term).sum() for term in terms)
    assert_allclose(np.sum(G_value * moved), sum(t.sum() for t in terms), atol=1e-12 * (1 + scale))


@each(DIFFERENTIABLE)
@given(data=st.data())
@fewer
def test_float32_stays_float32_forwards_and_backwards(kind, data):
    example = draw_example(data, kind, "float32")
    variables = example.variables()
    node = example.operation(*variables)
    if not hasattr(example.operation, "dtype"):  # then it is a setting
        assert node.dtype == np.float32 or node.dtype.kind != "f"
    if node.dtype.kind == "f":
        for gradient in bprop_values(example, np.ones_like(example.f(*example.arrays))):
            assert gradient.dtype == np.float32
        targets = [variables[i] for i in example.wanted]
        assert dl.jvp(node, {V: V for V in targets}).dtype == node.dtype


@each(TRUE_TO_F)
@given(data=st.data())
@fewer
def test_second_derivatives_agree_with_pytorch(kind, data):
    example, G = draw_smooth(data, kind)
    rng = data.draw(rngs)
    R = [smooth_values(rng, example.arrays[i].shape) for i in example.wanted]
    ours, theirs = second_derivatives(example, G, R), torch_second_derivatives(example, G, R)
    for gradient, expected in zip(ours, theirs, strict=True):
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)


@each(
    [Relu, LeakyRelu, Abs, Sign, Heaviside, Clip, Maximum, Minimum, Max, Min, MaxAndIndex, IsLarger]
)
@given(data=st.data())
@fewer
def test_what_is_linear_in_pieces_has_the_second_derivative_0(kind, data):
    example, _ = draw_smooth(data, kind)
    pairs = zip(example.variables(), example.arrays, strict=True)
    variables = [dl.variable(V.name, a.shape) for V, a in pairs]
    z = dl.sum(example.operation(*variables) * 3)
    for V in variables:
        H = dl.evaluate(dl.hessian(z, V), dict(zip(variables, example.arrays, strict=True)))
        assert_array_equal(H, np.zeros_like(H))


def assert_shape_fits(shape, inferred):
    assert len(shape) == len(inferred)
    assert all(said in (None, size) for size, said in zip(shape, inferred, strict=True))


def bprop_values(example, G_value):
    """The gradients that bprop gives for each input that has one; zeros where it says None."""
    variables = example.variables()
    G = dl.variable("G", example.operation(*variables).shape, G_value.dtype)
    gradients = [example.operation.bprop(variables, variables[i], G) for i in example.wanted]
    for i, gradient in zip(example.wanted, gradients, strict=True):
        assert gradient is None or gradient.shape == variables[i].shape
    program = dl.compile([g for g in gradients if g is not None], [*variables, G])
    values = iter(program(*example.arrays, G_value))
    return [
        np.zeros_like(example.arrays[i]) if gradient is None else next(values)
        for i, gradient in zip(example.wanted, gradients, strict=True)
    ]


def central_differences(example, place, G, h=1e-5):
    """The gradient of the sum of f(inputs) * G, one entry at a time."""
    arrays = [array.copy() for array in example.arrays]
    entries, gradient = arrays[place], np.zeros_like(arrays[place])
    for i in np.ndindex(entries.shape):
        middle, sums = entries[i].copy(), []
        for value in (middle + h, middle - h):
            entries[i] = value
            sums.append(np.sum(example.f(*arrays) * G))
        entries[i] = middle
        gradient[i] = (sums[0] - sums[1]) / (2 * h)
    return gradient


def torch_inputs(example):
    tensors = [torch.from_numpy(array.copy()) for array in example.arrays]
    for i in example.wanted:
        tensors[i].requires_grad_()
    return tensors, [tensors[i] for i in example.wanted]


def torch_grad(outputs, wanted, **more):
    return torch.autograd.grad(outputs, wanted, allow_unused=True, materialize_grads=True, **more)


def torch_gradients(example, G):
    tensors, wanted = torch_inputs(example)
    if not wanted:
        return []
    zero = sum(0 * tensor.sum() for tensor in wanted)  # so that all take part
    z = (example.f(*tensors) * torch.from_numpy(G)).sum() + zero
    return [gradient.numpy() for gradient in torch_grad(z, wanted)]


def second_derivatives(example, G, R):
    """Differentiate the sum of R * gradient once more, through the graph that bprop built.

    Forward mode through the same graph has to say the same.
    """
    variables = example.variables()
    wanted = [variables[i] for i in example.wanted]
    if not wanted:
        return []
    node = example.operation(*variables)
    G_variable = dl.variable("G", node.shape)
    R_variables = [dl.variable("R", V.shape) for V in wanted]
    zero = sum(0 * dl.sum(V) for V in wanted)  # so that all take part
    first = dl.backprop(wanted, dl.sum(node * G_variable) + zero)
    z = sum(dl.sum(first[V] * r) for V, r in zip(wanted, R_variables, strict=True)) + zero
    second = dl.backprop(wanted, z)
    directions = dict(zip(wanted, R_variables, strict=True))
    forward = dl.jvp([first[V] + 0 * V for V in wanted], directions)
    program = dl.compile([*second.values(), *forward], [*variables, G_variable, *R_variables])
    results = program(*example.arrays, G, *R)
    half = len(results) // 2
    for backwards, forwards in zip(results[:half], results[half:], strict=True):
        assert_allclose(forwards, backwards, rtol=1e-12, atol=1e-11)
    return results[:half]


def torch_second_derivatives(example, G, R):
    tensors, wanted = torch_inputs(example)
    if not wanted:
        return []
    zero = sum(0 * tensor.sum() for tensor in wanted)
    z = (example.f(*tensors) * torch.from_numpy(G)).sum() + zero
    first = torch_grad(z, wanted, create_graph=True)
    z = sum((g * torch.from_numpy(r)).sum() for g, r in zip(first, R, strict=True)) + zero
    return [gradient.numpy() for gradient in torch_grad(z, wanted)]


# --- Gradients that are zero, and gradients that are not defined -------------------------------


def jumps(kind):
    """Whether an operation takes floats and gives something that changes by jumps alone."""
    return kind in (ArgMax, MaxAndIndex) or kind in Comparison.__subclasses__()


@each([kind for kind in OPERATIONS if jumps(kind)])
@given(data=st.data())
@fewer
def test_a_derivative_that_leads_only_through_jumps_is_zero(kind, data):
    example = draw_example(data, kind, "float64")
    variables = example.variables()
    node = example.operation(*variables)
    assume(node.dtype.kind != "f")
    chosen = dl.where(node, 1.0, 2.0) if node.dtype == bool else dl.constant(np.arange(64.0))[node]
    z = dl.sum(chosen * 3)
    values = dict(zip(variables, example.arrays, strict=True))
    for V in (V for V in variables if V.dtype.kind == "f"):
        zeros = np.zeros(values[V].shape)
        assert_array_equal(value_of(dl.backprop([V], z)[V], values), zeros)
        assert value_of(dl.jvp(z, {V: V}), values) == 0

        # Another path counts as if this one were not there.
        both = z + dl.sum(V * 5)
        gradient, forward = dl.backprop([V], both)[V], dl.jvp(both, {V: V})
        assert_array_equal(value_of(gradient, values), np.full(values[V].shape, 5.0))
        assert_allclose(value_of(forward, values), 5 * np.sum(values[V]))


def test_a_condition_has_the_gradient_zero_and_what_it_chooses_its_own():
    x, value = dl.variable("x", (3,)), X_VALUE
    z = dl.sum(dl.where(x > 0, x * x, 3 * x))
    expected = np.where(value > 0, 2 * value, 3.0)
    assert_array_equal(value_of(dl.backprop([x], z)[x], {x: value}), expected)
    flat = dl.where(x > 0, 1.0, 2.0)
    assert_array_equal(value_of(dl.backprop([x], dl.sum(flat))[x], {x: value}), np.zeros(3))
    assert_array_equal(value_of(dl.jvp(flat, {x: value}), {x: value}), np.zeros(3))


def test_the_same_step_function_has_the_same_derivative_however_it_is_written():
    x, value = dl.variable("x", (3,)), X_VALUE
    for step in (
        dl.heaviside(x),
        dl.where(x > 0, 1.0, 0.0),
        (x > 0).astype(float),
        (dl.sign(x) + 1) / 2,
        dl.maximum(dl.sign(x), 0.0),
    ):
        assert_array_equal(value_of(dl.backprop([x], dl.sum(step))[x], {x: value}), np.zeros(3))
        assert_array_equal(value_of(dl.jvp(step, {x: value}), {x: value}), np.zeros(3))


def test_a_factor_that_a_condition_chooses_counts_as_constant():
    x, value = dl.variable("x", (3,)), X_VALUE
    y = x * dl.where(x > 0, 1.0, 0.5)
    slope = np.where(value > 0, 1.0, 0.5)
    assert_array_equal(value_of(dl.backprop([x], dl.sum(y))[x], {x: value}), slope)
    assert_array_equal(value_of(dl.jvp(y, {x: value}), {x: value}), slope * value)


def test_bools_and_integers_are_nothing_to_differentiate():
    x = dl.variable("x", (3,))
    for node in (x > 0, dl.argmax(x)):
        with pytest.raises(dl.NotDifferentiable, match=f"jvp: '{node.name}' is {node.dtype}; a"):
            dl.jvp(node, {x: X_VALUE})
    for kind in (Greater, ArgMax, Gate, Pick):
        with pytest.raises(dl.NotDifferentiable, match=f"{kind.name}: its gradient is not defined"):
            kind.bprop(kind.__new__(kind), [x], x, x)


@pytest.mark.parametrize(
    "make",
    [
        dl.stop_gradient,
        lambda x: dl.stop_gradient(x) * 2,
        lambda x: dl.where(dl.stop_gradient(x) > 0, 1.0, 2.0),
        lambda x: dl.stop_gradient(x > 0).astype(float),
        lambda x: dl.stop_gradient(dl.where(x > 0, 1.0, 2.0)),
        lambda x: dl.constant(np.arange(3.0))[dl.stop_gradient(dl.argmax(x))],
        lambda x: dl.broadcast_like(2.0, x),
        lambda x: dl.where(dl.broadcast_like(2.0, x) > 0, 1.0, 2.0),
        lambda x: x**0,
        dl.sign,
        dl.heaviside,
        lambda x: dl.mean(x) - dl.sum(x) / Count((0,))(x) + Count((0,))(x),
    ],
)
def test_what_counts_as_constant_has_the_gradient_0_both_ways(make):
    x = dl.variable("x", (3,))
    y = make(x)
    gradient = value_of(dl.backprop([x], dl.sum(y))[x], {x: X_VALUE})
    assert_array_equal(gradient, np.zeros(3))
    tangent = value_of(dl.jvp(y, {x: X_VALUE}), {x: X_VALUE})
    assert tangent.shape == y.shape
    assert_allclose(tangent, np.zeros(y.shape), atol=1e-15)


# --- Equal inputs are distinct to bprop (Section 6.5.6) ---------------------------------------


def value_of(output, values):
    return dl.evaluate(output, values)


def test_the_bprop_of_multiply_gives_x_for_one_of_two_equal_inputs():
    x, G = dl.variable("x", (3,)), dl.variable("G", (3,))
    gradient = dl.multiply.bprop([x, x], x, G)
    at = {x: np.array([1.0, 2.0, 3.0]), G: np.ones(3)}
    assert_array_equal(value_of(gradient, at), [1.0, 2.0, 3.0])


def gradient_at(make, value):
    """The gradient of the sum of what is made; forward mode has to say the same."""
    x = dl.variable("x", np.shape(value), np.asarray(value).dtype)
    z = dl.sum(make(x))
    gradient = value_of(dl.backprop([x], z)[x], {x: value})
    forward = value_of(dl.jvp(z, {x: np.ones_like(value)}), {x: value})
    assert_allclose(forward, np.sum(gradient), rtol=1e-12, atol=1e-12)
    return gradient


X_VALUE = np.array([1.0, -2.0, 3.0])
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("make", "value", "expected"),
    [
        (lambda x: x * x, X_VALUE, 2 * X_VALUE),
        (lambda x: x - x, X_VALUE, np.zeros(3)),
        (lambda x: x + x, X_VALUE, np.full(3, 2.0)),
        (lambda x: x / x, X_VALUE, np.zeros(3)),
        (lambda x: x**x, np.array([1.0, 2.0]), [1.0, 4 * (np.log(2) + 1)]),
        (lambda x: x @ x, X_VALUE, 2 * X_VALUE),
        (lambda x: dl.dot(x, x), X_VALUE, 2 * X_VALUE),
        (lambda x: x @ x, MATRIX, np.ones((2, 2)) @ MATRIX.T + MATRIX.T @ np.ones((2, 2))),
        (lambda x: dl.broadcast_like(x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.maximum(x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.minimum(x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.where(x > 0, x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.concatenate([x, x * 2, x]), X_VALUE, np.full(3, 4.0)),
        (lambda x: dl.stack([x, x]), X_VALUE, np.full(3, 2.0)),
        (lambda x: dl.binary_cross_entropy(x, x), np.zeros(1), [0.5]),
        (lambda x: dl.cross_entropy(x, x), np.array([0.5, 0.5]), [np.log(2)] * 2),
        (lambda x: dl.parametric_relu(x, x), X_VALUE, [1.0, -4.0, 1.0]),
    ],
)
def test_every_place_of_a_variable_counts(make, value, expected):
    assert_allclose(gradient_at(make, value), expected, atol=1e-15)


# --- Reductions by their public names ----------------------------------------------------------


def logsumexp_of(A, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(A), axis=axis, keepdims=keepdims))


AXES = [None, 0, 1, -1, np.int64(2), (0, 2), [0, -1], (), (0, 1, 2)]
CUBE = np.sin(np.arange(24.0)).reshape(2, 3, 4)


def as_axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def assert_like_pytorch(node, A, value):
    """The gradient of a node is that of its f, by PyTorch, also where the size is hidden."""
    example = Example(node.operation, [value], np.array, [A.shape])
    G = np.arange(1.0, example.f(value).size + 1).reshape(example.f(value).shape)
    for ours, theirs in zip(bprop_values(example, G), torch_gradients(example, G), strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("ours", "numpy"),
    [
        (dl.sum, np.sum),
        (dl.mean, np.mean),
        (dl.max, np.max),
        (dl.min, np.min),
        (dl.logsumexp, logsumexp_of),
    ],
)
@pytest.mark.parametrize("axis", AXES, ids=repr)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_and_keepdims_mean_what_they_mean_in_numpy(ours, numpy, axis, keepdims):
    A = dl.variable("A", (None, 3, 4))
    node, expected = ours(A, axis, keepdims), numpy(CUBE, axis=as_axes(axis), keepdims=keepdims)
    assert_shape_fits(expected.shape, node.shape)
    assert_allclose(value_of(node, {A: CUBE}), expected, rtol=1e-14)
    assert_like_pytorch(node, A, CUBE)


@pytest.mark.parametrize("axis", AXES, ids=repr)
def test_softmax_sums_to_1_along_its_axes(axis):
    A, axes = dl.variable("A", (None, 3, 4)), as_axes(axis)
    q, log_q = dl.softmax(A, axis), dl.log_softmax(A, axis)
    assert q.shape == log_q.shape == A.shape
    value = value_of(q, {A: CUBE})
    assert_allclose(value, softmax_of(CUBE, axes), rtol=1e-14)
    assert_allclose(np.sum(value, axis=axes), np.ones(np.sum(value, axis=axes).shape), rtol=1e-14)
    assert_allclose(value_of(log_q, {A: CUBE}), np.log(value), rtol=1e-12)
    for node in (q, log_q):
        assert_like_pytorch(node, A, CUBE)


def test_softmax_acts_along_the_last_axis_and_logsumexp_over_all():
    A = dl.variable("A", (2, 3, 4))
    assert dl.softmax(A).operation.axes == dl.log_softmax(A).operation.axes == (2,)
    assert dl.logsumexp(A).shape == dl.max(A).shape == dl.min(A).shape == ()


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_argmax_finds_the_first_of_the_largest(axis):
    A, value = dl.variable("A", (None, 3)), np.array([[1.0, 5.0, 5.0], [1.0, 2.0, 5.0]])
    node = dl.argmax(A, axis)
    assert node.dtype == np.int64
    assert_array_equal(value_of(node, {A: value}), np.argmax(value, axis))
    assert_array_equal(value_of(A.argmax(axis), {A: value}), np.argmax(value, axis))


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_max_and_index_gives_both_and_the_first_has_all_of_the_gradient(axis):
    A, value = dl.variable("A", (None, 3)), np.array([[1.0, 5.0, 5.0], [1.0, 2.0, 5.0]])
    largest, index = dl.max_and_index(A, axis)
    program = dl.compile([largest, index, dl.backprop([A], dl.sum(largest))[A]], [A])
    results = program(value)
    assert_array_equal(results[0], np.max(value, axis))
    assert_array_equal(results[1], np.argmax(value, axis))
    expected = np.zeros((2, 3))
    np.put_along_axis(expected, np.expand_dims(results[1], axis), 1.0, axis)
    assert_array_equal(results[2], expected)
    assert (index.dtype, index.shape) == (np.int64, largest.shape)


def test_equal_entries_share_the_gradient_of_their_maximum_evenly():
    value = np.array([2.0, 3.0, 3.0, 1.0])
    assert_array_equal(gradient_at(dl.max, value), [0.0, 0.5, 0.5, 0.0])
    assert_array_equal(gradient_at(dl.min, -value), [0.0, 0.5, 0.5, 0.0])
    rows = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
    shares = [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]
    assert_allclose(gradient_at(lambda A: dl.max(A, axis=1), rows), shares)
    assert_allclose(gradient_at(lambda A: dl.min(A, 1, keepdims=True), -rows), shares)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float32"])
def test_the_smallest_of_all_numbers_is_found(dtype):
    limits = np.finfo(dtype) if dtype == "float32" else np.iinfo(dtype)
    A, value = dl.variable("A", (3,), dtype), np.array([1, limits.min, limits.max], dtype)
    results = dl.compile([dl.min(A), dl.max(A)], [A])(value)
    assert_array_equal(results, [limits.min, limits.max])
    assert {result.dtype for result in results} == {np.dtype(dtype)}


def test_variables_have_the_methods_of_arrays():
    A, value = dl.variable("A", (2, 3)), np.arange(6.0).reshape(2, 3)
    for method in (
        lambda A: A.T,
        lambda A: A.sum(0),
        lambda A: A.mean(axis=1, keepdims=True),
        lambda A: A.max(axis=-1),
        lambda A: A.min((0, 1), keepdims=True),
        lambda A: A.argmax(1),
        lambda A: A.argmax(),
        lambda A: A.reshape(3, 2),
        lambda A: A.reshape((6,)),
        lambda A: A.transpose(1, 0),
        lambda A: A.transpose([1, 0]),
        lambda A: A.transpose(),
        lambda A: A.astype(np.int32),
        lambda A: A.dot(A.T),
        lambda A: A[1, ::2],
        lambda A: -A,
        lambda A: abs(-A),
        lambda A: A**2,
        lambda A: 2.0**A,
    ):
        assert_array_equal(value_of(method(A), {A: value}), method(value))
        assert value_of(method(A), {A: value}).dtype == method(value).dtype


def test_the_mean_counts_the_examples_when_it_runs():
    X = dl.variable("X", (None, 2))
    gradient = dl.compile([dl.backprop([X], dl.mean(X))[X]], [X])
    for m in (1, 3, 10):
        assert_allclose(gradient(np.ones((m, 2)))[0], np.full((m, 2), 1 / (2 * m)))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "int64", "float32"])
def test_a_sum_has_the_dtype_that_the_graph_says(dtype):
    A = dl.variable("A", (3,), dtype)
    assert value_of(dl.sum(A), {A: np.ones(3, dtype)}).dtype == dl.sum(A).dtype


# --- Maxout and its kin (Sections 6.3.1 and 6.3.3) ----------------------------------------------


def test_maxout_takes_the_largest_of_each_group_of_neighbours():
    z, value = dl.variable("z", (None, 6)), np.array([[1.0, 3, 2, 5, 4, 6], [6, 5, 4, 1, 2, 3]])
    for pieces in (1, 2, 3, 6, np.int64(2)):
        node = dl.maxout(z, pieces)
        assert node.shape == (None, 6 // pieces)
        expected = value.reshape(2, 6 // pieces, pieces).max(-1)
        assert_array_equal(value_of(node, {z: value}), expected)
    gradient = value_of(dl.backprop([z], dl.sum(dl.maxout(z, 3)))[z], {z: value})
    assert_array_equal(gradient, [[0.0, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1]])


def test_maxout_has_rectifiers_and_absolute_values_as_special_cases():
    z, value = dl.variable("z", (3,)), np.array([-1.5, 0.0, 2.0])
    pairs = {
        dl.relu: lambda z: dl.stack([z, 0 * z], axis=-1),
        dl.abs: lambda z: dl.stack([z, -z], axis=-1),
        lambda z: dl.leaky_relu(z, 0.1): lambda z: dl.stack([z, 0.1 * z], axis=-1),
    }
    for unit, pieces in pairs.items():
        ours = dl.maxout(pieces(z).reshape(6), 2)
        assert_array_equal(value_of(ours, {z: value}), value_of(unit(z), {z: value}))


def test_a_vector_of_several_axes_may_go_through_maxout():
    z = dl.variable("z", (2, 3, 4))
    assert_array_equal(value_of(dl.maxout(z, 2), {z: CUBE}), CUBE.reshape(2, 3, 2, 2).max(axis=-1))


Z_VALUE = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("unit", "numpy", "slope"),
    [
        (dl.relu, lambda z: np.maximum(z, 0), lambda z: z > 0),
        (dl.hard_tanh, lambda z: np.clip(z, -1, 1), lambda z: np.abs(z) <= 1),
        (dl.leaky_relu, lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
        (
            lambda z: dl.leaky_relu(z, -1),
            np.abs,  # with the slope -1 it is the absolute value
            lambda z: np.where(z > 0, 1, -1),
        ),
        (
            lambda z: dl.parametric_relu(z, 0.25),
            lambda z: np.where(z > 0, z, 0.25 * z),
            lambda z: np.where(z > 0, 1, 0.25),
        ),
        (lambda z: dl.clip(z, -np.inf, 0.5), lambda z: np.minimum(z, 0.5), lambda z: z <= 0.5),
        (dl.heaviside, lambda z: np.heaviside(z, 0), np.zeros_like),
        (dl.sign, np.sign, np.zeros_like),
        (dl.abs, np.abs, np.sign),
        (dl.softplus, lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
        (dl.sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (2 + 2 * np.cosh(z))),
        (dl.tanh, np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    ],
)
def test_units_have_their_values_and_slopes_also_at_the_kinks(unit, numpy, slope):
    z = dl.variable("z", Z_VALUE.shape)
    assert_allclose(value_of(unit(z), {z: Z_VALUE}), numpy(Z_VALUE), rtol=1e-14, atol=1e-15)
    assert_allclose(gradient_at(unit, Z_VALUE), slope(Z_VALUE), rtol=1e-13, atol=1e-15)


def test_the_slopes_of_a_parametric_rectifier_are_learned():
    z, alpha = dl.variable("z", (None, 2)), dl.variable("alpha", (2,))
    values = {z: np.array([[-1.0, 2.0], [-3.0, -4.0]]), alpha: np.array([0.1, 0.5])}
    y = dl.parametric_relu(z, alpha)
    assert_allclose(value_of(y, values), [[-0.1, 2.0], [-0.3, -2.0]])
    gradients = dl.backprop([z, alpha], dl.sum(y))
    assert_allclose(value_of(gradients[z], values), [[0.1, 1.0], [0.1, 0.5]])
    assert_allclose(value_of(gradients[alpha], values), [-4.0, -4.0])


# --- Powers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [0, 1, 2, 2.0, 3, -1, 0.5, np.float64(1.5), np.int64(3)])
def test_powers_and_their_gradients(exponent):
    x, value = dl.variable("x", (3,)), np.array([0.5, 1.0, 2.0])
    assert_allclose(value_of(x**exponent, {x: value}), value**exponent)
    assert_allclose(gradient_at(lambda x: x**exponent, value), exponent * value ** (exponent - 1.0))


@pytest.mark.parametrize(
    ("base", "exponent"),
    [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (0.0, 2.5), (2.0, 0.0), (3.0, -1.0), (0.5, 0.5), (1, 7)],
)
def test_a_variable_exponent_has_the_gradients_of_pytorch(base, exponent):
    a, b = dl.variable("a", (1,)), dl.variable("b", (1,))
    values = {a: np.array([base], float), b: np.array([exponent], float)}
    tensors = [torch.tensor(value, requires_grad=True) for value in values.values()]
    expected = torch.pow(*tensors).sum()
    gradients = dl.backprop([a, b], dl.sum(a**b))
    for V, tensor in zip((a, b), torch_grad(expected, tensors), strict=True):
        assert_allclose(value_of(gradients[V], values), tensor.numpy(), rtol=1e-14)
    assert_allclose(value_of(a**b, values), [expected.item()])


def test_numbers_and_arrays_may_be_raised_to_a_variable():
    x, value = dl.variable("x", (2,)), np.array([0.5, -2.0])
    assert_allclose(value_of(2**x, {x: value}), 2**value)
    assert_allclose(value_of(np.array([2.0, 3.0]) ** x, {x: value}), [2**0.5, 3**-2.0])
    assert_allclose(value_of(dl.power(np.array([2.0, 3.0]), x), {x: value}), [2**0.5, 3**-2.0])
    assert_allclose(value_of(abs(x) ** np.array([2.0, 3.0]), {x: value}), [0.25, 8.0])
    assert_allclose(gradient_at(lambda x: 2**x, value), 2**value * np.log(2))


@pytest.mark.parametrize("exponent", [3, 2.5, np.float64(3.0), np.float64(0.5)])
def test_a_power_of_float32_is_float32_for_any_kind_of_number(exponent):
    A = dl.variable("A", (3,), np.float32)
    assert value_of(A**exponent, {A: np.ones(3, np.float32)}).dtype == np.float32


# --- Comparisons and what chooses by them ------------------------------------------------------

COMPARISONS = [operator.gt, operator.ge, operator.lt, operator.le]


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
def test_variables_are_compared_by_operators(compare, dtype):
    x, value = dl.variable("x", (3,), dtype), np.array([1, 2, 3], dtype)
    for other in (np.array([3, 2, 1], dtype), 2, 1.5):
        for ours, expected in (
            (compare(x, other), compare(value, other)),
            (compare(other, x), compare(other, value)),
        ):
            assert (ours.dtype, ours.shape) == (bool, (3,))
            assert_array_equal(value_of(ours, {x: value}), expected)


def test_equality_is_asked_for_by_name():
    x, value = dl.variable("x", (3,)), np.array([1.0, 2.0, 2.0])
    assert_array_equal(value_of(dl.equal(x, 2), {x: value}), [False, True, True])
    assert_array_equal(value_of(dl.not_equal(2, x), {x: value}), [True, False, False])
    assert (x == x) is True and (x == 2) is False


def test_where_takes_numbers_arrays_and_variables_and_repeats_them():
    x, value = dl.variable("x", (2, 3), np.float32), np.float32([[1, -2, 3], [-4, 5, -6]])
    for make, dtype in (
        (lambda x, where: where(x > 0, x, 0), np.float32),
        (lambda x, where: where(x > 0, 0.5, x), np.float32),
        (lambda x, where: where(x > 0, x, np.ones((2, 1))), np.float64),
        (lambda x, where: where(np.array([True, False, True]), x, -x), np.float32),
        (lambda x, where: where(x > 0, 1.0, 2.0), np.float64),
        (lambda x, where: where(x > 0, 1, 2), np.int64),
        (lambda x, where: where(x > 0, x > 2, x < -3), np.bool_),
    ):
        node = make(x, dl.where)
        assert node.dtype == dtype and node.shape == (2, 3)
        assert_array_equal(value_of(node, {x: value}), make(value, np.where))


@pytest.mark.parametrize("choose", [dl.maximum, dl.minimum])
def test_two_equal_entries_have_half_of_the_gradient_each(choose):
    a, b = dl.variable("a", (3,)), dl.variable("b", (3,))
    values = {a: np.array([1.0, 2.0, 3.0]), b: np.array([3.0, 2.0, 1.0])}
    gradients = dl.backprop([a, b], dl.sum(choose(a, b)))
    of_a, of_b = (value_of(gradients[V], values) for V in (a, b))
    first = [0.0, 0.5, 1.0] if choose is dl.maximum else [1.0, 0.5, 0.0]
    assert_array_equal(of_a, first)
    assert_array_equal(of_a + of_b, np.ones(3))


def test_the_slope_of_clip_is_1_on_its_bounds_and_0_outside():
    assert_array_equal(gradient_at(lambda z: dl.clip(z, -1, 1), Z_VALUE), [0, 1, 1, 1, 1, 1, 0])
    z = dl.variable("z", (2,))
    assert_array_equal(value_of(dl.clip(z, 1, 1), {z: np.array([0.0, 2.0])}), [1.0, 1.0])
    assert_array_equal(
        value_of(dl.clip(z, -np.inf, np.inf), {z: np.array([-np.inf, 2.0])}), [-np.inf, 2.0]
    )


# --- Parts of tensors --------------------------------------------------------------------------

KEYS = [
    1,
    -1,
    np.int64(1),
    (0, -2),
    (1, 2, 3),
    (..., -1),
    (slice(None), 1),
    None,
    (None, 0, None),
    (slice(1, None), ..., slice(None, None, 2)),
    (slice(-2, None), slice(0, -1), slice(-3, 3, 2)),
    (slice(np.int64(1), np.int64(2)), ..., np.uint8(3)),
    (),
    ...,
    [0, -1, 0],
    np.array([1, 1, -2]),
    np.array([[0, 1], [1, 1]], np.uint8),
    ([0, 1, 1], [1, 2, 2]),
    ([[0], [1]], [0, 2, 0]),
    (slice(None), [2, 0, 2]),
    (slice(None), [[0, 1], [2, 2]], slice(1, 3)),
    ([1, 0], slice(None), [3, -1]),
    (0, slice(None), [1, 2]),
    (slice(None), 0, [1, 2, 2]),
    (..., [1, 1], None, -1),
    (slice(None), [0, 1], ..., 2),
    (1, np.array(2)),
    (np.array(1), slice(None), np.array(0)),
    ([0, 1], None, [1, 1], slice(None)),
    (np.array(1), slice(None), [0, 2]),
    (slice(None), np.array(-1), None, [0, 3, 3]),
    ([1], [1], [1]),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
@pytest.mark.parametrize("simplify", [True, False])
def test_brackets_take_what_they_take_in_numpy_and_give_the_gradient_back(key, simplify):
    A, expected = dl.variable("A", (2, 3, 4)), CUBE[key]
    node, G = A[key], smooth_values(np.random.default_rng(0), expected.shape)
    assert node.shape == expected.shape
    gradient = dl.backprop([A], dl.sum(node * G))[A]
    program = dl.compile([node, gradient], [A], simplify)
    ours, gradient_value = program(CUBE)
    assert_array_equal(ours, expected)
    assert not np.shares_memory(ours, CUBE)

    tensor = torch.tensor(CUBE, requires_grad=True)
    places = torch.tensor(np.arange(24).reshape(2, 3, 4)[key])
    (theirs,) = torch_grad((tensor.reshape(-1)[places] * torch.tensor(G)).sum(), [tensor])
    assert_allclose(gradient_value, theirs.numpy(), rtol=1e-14)
    for result, other in zip(
        dl.compile([node, gradient], [A], simplify, backend="torch")(tensor),
        (expected, gradient_value),
        strict=True,
    ):
        assert_allclose(result.numpy(), other, rtol=1e-14)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ((slice(None), 0), (None,)),
        (0, (3,)),
        (-1, (3,)),
        (7, (3,)),
        (..., (None, 3)),
        (None, (1, None, 3)),
        (slice(None, 1), (1, 3)),
        (slice(-1, None), (1, 3)),
        (slice(0, None, 1), (None, 3)),
        ((slice(None), slice(1, 3)), (None, 2)),
        ((slice(None), [0, 2, 2, 0]), (None, 4)),
        ([0, -1], (2, 3)),
        (([0, 1], [2, 2]), (2,)),
        (([0, 1], slice(1)), (2, 1)),
    ],
)
def test_brackets_may_take_from_any_number_of_examples(key, shape):
    X = dl.variable("X", (None, 3))
    node = X[key]
    assert node.shape == shape
    for m in (8, 9):
        value = np.arange(3.0 * m).reshape(m, 3)
        assert_array_equal(value_of(node, {X: value}), value[key])
        gradient = value_of(dl.backprop([X], dl.sum(node))[X], {X: value})
        expected = np.zeros((m, 3))
        np.add.at(expected, key, 1.0)
        assert_array_equal(gradient, expected)


def test_an_index_may_be_computed():
    A, i, j = dl.variable("A", (3, 4)), dl.variable("i", (None,), "int32"), dl.variable("j", ())
    rows = A[i]
    assert rows.shape == (None, 4)
    value, at = np.arange(12.0).reshape(3, 4), np.array([2, 0, 2, -1], "int32")
    assert_array_equal(value_of(rows, {A: value, i: at}), value[at])
    assert_array_equal(value_of(A[i, i], {A: value, i: at}), value[at, at])
    assert_array_equal(value_of(A[:, i + 1], {A: value, i: at}), value[:, at + 1])
    assert_array_equal(value_of(A[dl.argmax(A[:, 0])], {A: value}), value[2])
    with pytest.raises(TypeError, match="got float64"):
        A[j]


def test_a_row_chosen_by_a_computed_number_stays_when_its_source_is_overwritten():
    A, value = dl.variable("A", (2, 3)), np.arange(6.0).reshape(2, 3)
    B = dl.exp(A)
    row, rest = B[dl.argmax(A[:, 0])], dl.exp(dl.sin(dl.cos(B)))
    program = dl.compile([row, dl.sum(rest)], [A])
    assert_allclose(program(value)[0], np.exp(value)[1])
    k = dl.variable("k", (), np.int64)
    chosen = dl.compile([A[k]], [A, k])
    for number in (1, np.int64(1), np.array(1)):
        assert not np.shares_memory(chosen(value, number)[0], value)


def test_take_takes_slices_along_an_axis():
    A, indices = dl.variable("A", (2, 3, 4)), np.array([[1, 0], [-1, 1]])
    for axis in (0, 1, 2, -1, -3):
        assert_array_equal(
            value_of(dl.take(A, indices, axis), {A: CUBE}), np.take(CUBE, indices, axis)
        )
    assert_array_equal(value_of(dl.take(A, 1), {A: CUBE}), CUBE[1])
    assert_array_equal(value_of(dl.take(A, [0, 0], axis=1), {A: CUBE}), CUBE[:, [0, 0]])
    gradient = gradient_at(lambda A: dl.take(A, [1, 1, 0], axis=0), CUBE)
    assert_array_equal(gradient, np.stack([np.ones((3, 4)), np.full((3, 4), 2.0)]))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_take_along_axis_takes_one_entry_for_each_index(dtype):
    A, i = dl.variable("A", (None, 3)), dl.variable("i", (None, 2), dtype)
    low = 0 if dtype == "uint8" else -3
    at = np.random.default_rng(0).integers(low, 3, size=(5, 2)).astype(dtype)
    value = np.arange(15.0).reshape(5, 3)
    node = dl.take_along_axis(A, i, -1)
    assert node.shape == (None, 2)
    gradient = dl.backprop([A], dl.sum(node))[A]
    for backend in ("numpy", "torch"):
        taken, slopes = dl.compile([node, gradient], [A, i], backend=backend)(value, at)
        assert_array_equal(taken, np.take_along_axis(value, at.astype(int), -1))
        expected = np.zeros((5, 3))
        np.add.at(expected, (np.arange(5)[:, None], at), 1.0)
        assert_array_equal(slopes, expected)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_an_index_array_may_have_any_integer_dtype_on_both_backends(dtype):
    A, i = dl.variable("A", (3, 2)), dl.variable("i", (4,), dtype)
    value, at = np.arange(6.0).reshape(3, 2), np.array([1, 0, 1, 1], dtype)
    outputs = [A[i], A[i, 1], A[1, i], dl.backprop([A], dl.sum(A[i]))[A]]
    for backend in ("numpy", "torch"):
        results = dl.compile(outputs, [A, i], backend=backend)(value, at)
        for result, expected in zip(
            results, (value[at], value[at, 1], value[1, at], [[1, 1], [3, 3], [0, 0]]), strict=True
        ):
            assert_array_equal(result, expected)


def test_tensors_are_put_together_along_an_axis():
    A, B, X = dl.variable("A", (2, 3)), dl.variable("B", (2, 1)), dl.variable("X", (None, 3))
    values = {A: np.ones((2, 3)), B: np.zeros((2, 1)), X: np.full((2, 3), 7.0)}
    for axis in (1, -1):
        node = dl.concatenate([A, B, A], axis)
        assert node.shape == (2, 7)
        expected = np.concatenate([values[A], values[B], values[A]], axis)
        assert_array_equal(value_of(node, {A: values[A], B: values[B]}), expected)
    assert dl.concatenate((A, A)).shape == (4, 3)
    assert dl.concatenate([X, X * 2], axis=1).shape == (None, 6)
    assert dl.concatenate([X]).shape == (None, 3)
    assert_array_equal(value_of(dl.concatenate([X]), {X: values[X]}), values[X])
    assert dl.concatenate([A, np.zeros((2, 2), np.float32)], axis=1).dtype == np.float64
    for axis in (0, 1, 2, -1, -2, -3, np.int64(1)):
        node = dl.stack([A, 2 * A], axis)
        expected = np.stack([values[A], 2 * values[A]], axis)
        assert node.shape == expected.shape
        assert_array_equal(value_of(node, {A: values[A]}), expected)
    assert_array_equal(value_of(dl.stack([A[0, 0], 5.0]), {A: values[A]}), [1.0, 5.0])


def test_dot_multiplies_vectors_matrices_and_scalars():
    v, A, s = np.array([1.0, 2.0]), MATRIX, np.array(3.0)
    for a, b in ((v, v), (A, v), (v, A), (A, A), (s, A), (v, s), (s, s)):
        V, U = dl.variable("V", a.shape), dl.variable("U", b.shape)
        for node in (dl.dot(V, U), V.dot(U), dl.dot(V, b) if V.ndim else dl.dot(V, U)):
            inputs = {V: a, U: b} if U in node.inputs else {V: a}
            assert_array_equal(value_of(node, inputs), np.dot(a, b))
            assert node.shape == np.dot(a, b).shape
    assert_array_equal(gradient_at(lambda x: dl.dot(x, MATRIX), v), MATRIX.sum(1))


def test_a_tensor_is_repeated_to_a_shape():
    A, X = dl.variable("A", (3, 1)), dl.variable("X", (None, 1))
    value = np.array([[1.0], [2.0], [3.0]])
    for shape in ((3, 1), (3, 4), (2, 3, 4), [5, 3, 1]):
        node = dl.broadcast_to(A, shape)
        assert node.shape == tuple(shape)
        assert_array_equal(value_of(node, {A: value}), np.broadcast_to(value, shape))
    assert_array_equal(
        value_of(dl.broadcast_to(X, (2, None, 4)), {X: value}), np.broadcast_to(value, (2, 3, 4))
    )
    assert_array_equal(value_of(dl.broadcast_to(2.5, (2,)), {}), [2.5, 2.5])
    assert_array_equal(
        gradient_at(lambda A: dl.broadcast_to(A, (2, 3, 4)), value), np.full((3, 1), 8)
    )


def test_a_reshape_to_as_many_rows_as_examples_can_be_differentiated():
    X, value = dl.variable("X", (None, 3)), np.arange(12.0).reshape(4, 3)
    flipped = dl.reshape(X.T, None, 3)
    assert_array_equal(value_of(flipped, {X: value}), value.T.reshape(4, 3))
    gradient = dl.backprop([X], dl.sum(flipped))[X]
    assert_array_equal(value_of(gradient, {X: value}), np.ones((4, 3)))


# --- Labels and costs (Section 6.2.2) ------------------------------------------------------------

LABEL_DTYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
LOGITS = np.random.default_rng(0).normal(size=(5, 3))
LABELS = np.array([0, 2, 1, 1, 2])


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("simplify", [True, False])
def test_labels_may_have_any_integer_dtype(dtype, simplify):
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,), dtype)
    cost = dl.cross_entropy(z, y)
    gradient = dl.backprop([z], dl.sum(cost))[z]
    program = dl.compile([cost, gradient, dl.one_hot(y, 3)], [z, y], simplify)
    costs, slopes, p = program(LOGITS, LABELS.astype(dtype))
    assert_allclose(costs, cross_entropy_of(LOGITS, LABELS), rtol=1e-13)
    assert_array_equal(p, np.eye(3)[LABELS])
    assert_allclose(slopes, softmax_of(LOGITS, -1) - p, rtol=1e-12, atol=1e-15)  # Equation 6.57


def test_bools_are_labels_of_two_classes():
    z, y = dl.variable("z", (None, 2)), dl.variable("y", (None,), bool)
    labels = LABELS > 0
    assert_allclose(
        value_of(dl.cross_entropy(z, y), {z: LOGITS[:, :2], y: labels}),
        cross_entropy_of(LOGITS[:, :2], labels),
        rtol=1e-13,
    )


@pytest.mark.parametrize("lead", [(), (5,), (2, 3), (None,), (2, None)])
def test_cross_entropy_has_one_number_for_each_label(lead):
    rng, shape = np.random.default_rng(1), tuple(5 if size is None else size for size in lead)
    z, y = dl.variable("z", (*lead, 3)), dl.variable("y", lead, np.int64)
    p = dl.variable("p", (*lead, 3))
    logits, labels = rng.normal(size=(*shape, 3)), rng.integers(3, size=shape)
    cost = dl.cross_entropy(z, y)
    assert cost.shape == lead
    gradients = {cost: dl.backprop([z], dl.sum(cost))[z]}
    by_probabilities = dl.cross_entropy(z, p)
    gradients[by_probabilities] = dl.backprop([z], dl.sum(by_probabilities))[z]
    for node, label, value in ((cost, y, labels), (by_probabilities, p, np.eye(3)[labels])):
        for simplify in (True, False):
            results = dl.compile([node, gradients[node]], [z, label], simplify)(logits, value)
            assert_allclose(results[0], cross_entropy_of(logits, labels), rtol=1e-12)
            expected = softmax_of(logits, -1) - np.eye(3)[labels]
            assert_allclose(results[1], expected, rtol=1e-11, atol=1e-14)


def test_cross_entropy_takes_probabilities_and_differentiates_them_too():
    z, p = dl.variable("z", (None, 3)), dl.variable("p", (None, 3))
    values = {z: LOGITS, p: softmax_of(LOGITS[::-1], -1)}
    cost = dl.cross_entropy(z, p)
    assert_allclose(value_of(cost, values), -np.sum(values[p] * np.log(softmax_of(LOGITS, -1)), -1))
    gradients = dl.backprop([z, p], dl.sum(cost))
    assert_allclose(value_of(gradients[z], values), softmax_of(LOGITS, -1) - values[p], atol=1e-15)
    assert_allclose(value_of(gradients[p], values), -np.log(softmax_of(LOGITS, -1)))


def test_labels_that_are_constants_are_taken_as_they_are():
    z = dl.variable("z", (5, 3))
    cost = dl.cross_entropy(z, LABELS)
    assert_allclose(value_of(cost, {z: LOGITS}), cross_entropy_of(LOGITS, LABELS))
    assert_array_equal(value_of(dl.one_hot(LABELS, 3), {}), np.eye(3)[LABELS])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_one_hot_vectors_have_any_dtype(dtype):
    y = dl.variable("y", (None, 2), np.uint8)
    p = dl.one_hot(y, 4, dtype)
    assert (p.shape, p.dtype) == ((None, 2, 4), np.dtype(dtype))
    value = np.array([[0, 3], [1, 1]], np.uint8)
    assert_array_equal(value_of(p, {y: value}), np.eye(4, dtype=dtype)[value])
    assert dl.one_hot(y, np.int64(4)).dtype == np.float64


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float64", "float32"])
def test_binary_labels_may_have_any_dtype(dtype):
    z, y = dl.variable("z", (None,)), dl.variable("y", (None,), dtype)
    labels = np.array([0, 1, 1, 0, 1])
    values = {z: LOGITS[:, 0], y: labels.astype(dtype)}
    cost = dl.binary_cross_entropy(z, y)
    expected = np.log1p(np.exp((1 - 2 * labels) * LOGITS[:, 0]))  # softplus((1 - 2 y) z)
    assert cost.dtype == np.float64
    assert_allclose(value_of(cost, values), expected, rtol=1e-13)
    gradient = value_of(dl.backprop([z], dl.sum(cost))[z], values)
    assert_allclose(gradient, 1 / (1 + np.exp(-LOGITS[:, 0])) - labels, rtol=1e-12)


def test_binary_labels_are_repeated_and_may_be_probabilities():
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (3,))
    values = {z: LOGITS, y: np.array([0.0, 0.25, 1.0])}
    cost = dl.binary_cross_entropy(z, y)
    assert cost.shape == (None, 3)
    q = 1 / (1 + np.exp(-LOGITS))
    expected = -values[y] * np.log(q) - (1 - values[y]) * np.log(1 - q)
    assert_allclose(value_of(cost, values), expected, rtol=1e-12)
    gradients = dl.backprop([z, y], dl.sum(cost))
    assert_allclose(value_of(gradients[z], values), q - values[y], rtol=1e-12)
    assert_allclose(value_of(gradients[y], values), -LOGITS.sum(0), rtol=1e-12)
    assert dl.binary_cross_entropy(dl.variable("u", (), np.float32), 1).dtype == np.float32


# --- Factors of matrices (Section 6.2.2.4) -------------------------------------------------------


def test_the_cholesky_factor_and_triangular_systems_solve_a_linear_system():
    A, b = dl.variable("A", (3, 3)), dl.variable("b", (3,))
    B = np.random.default_rng(0).normal(size=(3, 3))
    values = {A: B @ B.T + np.eye(3), b: np.array([1.0, 2.0, 3.0])}
    L = dl.cholesky(A)
    half = dl.solve_triangular(L, b[:, None])
    x = dl.solve_triangular(L, half, transposed=True)[:, 0]
    assert_allclose(value_of(x, values), np.linalg.solve(values[A], values[b]), rtol=1e-12)
    log_determinant = 2 * dl.sum(dl.log(L[np.arange(3), np.arange(3)]))
    gradient = value_of(dl.backprop([A], log_determinant)[A], {A: values[A]})
    assert_allclose(gradient, np.linalg.inv(values[A]), rtol=1e-10)


# --- Operations as objects ---------------------------------------------------------------------


def test_an_operation_shows_its_settings():
    A = dl.variable("A", (2, 3))
    assert repr(dl.sum(A, 1).operation) == "sum(axes=(1,))"  # a flag that is not set says nothing
    assert repr(dl.sum(A, 1, keepdims=True).operation) == "sum(axes=(1,), keepdims=True)"
    assert repr(dl.astype(A, np.float32).operation) == "astype(dtype='float32')"
    assert repr(A[0, :2, None].operation) == "index[0, :2, None]"
    assert repr(dl.max_and_index(A)[1].operation) == "max_and_index(axis=1)[1]"
    assert repr(dl.clip(A, -1, 2).operation) == "clip(low=-1.0, high=2.0)"
    assert repr(dl.relu) == "relu"
    assert "relu" in repr(dl.relu(A)) and "(2, 3)" in repr(dl.relu(A))
    assert repr(dl.constant([1.0, 2.0]).operation) == "constant"


def test_the_rules_of_stop_gradient_say_zero():
    x = dl.variable("x", (3,))
    assert StopGradient().bprop([x], x, x) is None
    assert StopGradient().jvp([x], [x]) is None


def test_what_is_computed_anew_is_equal_to_nothing_else():
    one, other = Recompute(), Recompute()
    assert one == one and one != other and len({one, other}) == 2
    assert StopGradient() == StopGradient() and len({StopGradient(), StopGradient()}) == 1


def test_large_tensors_are_added_block_by_block():
    W, g, c = dl.variable("W", (700, 150)), dl.variable("g", (700, 150)), dl.variable("c", ())
    rng = np.random.default_rng(0)
    values = [rng.normal(size=W.shape), rng.normal(size=W.shape), np.float64(0.1)]
    outputs = [W + c * g, (W * 2 + g * c) * g, dl.sum(dl.exp(W) + 3 * dl.exp(W))]
    program = dl.compile(outputs, [W, g, c])
    assert "add_scaled" in program.source
    expected = interpret(outputs, dict(zip([W, g, c], values, strict=True)))
    for result, other in zip(program(*values), expected, strict=True):
        assert_allclose(result, other, rtol=1e-12, atol=1e-12)


# --- Constants ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda x: 2 * x,
        lambda x: x * 2.5,
        lambda x: 1 - x,
        lambda x: 1.5 / x,
        lambda x: x**3,
        lambda x: x**2,
        lambda x: x**0,
        lambda x: x**0.5,
        lambda x: 2**x,
        lambda x: dl.mean(x * 0.1),
        lambda x: dl.maximum(x, 1.5),
        lambda x: dl.where(x > 1.5, x, 0.5),
        lambda x: dl.clip(x, 1.5, 3),
        lambda x: dl.parametric_relu(x, 0.1),
        lambda x: dl.binary_cross_entropy(x, 1),
        lambda x: dl.concatenate([x, x * 2]),
        lambda x: dl.stack([x[0], 1.5]),
        lambda x: dl.softmax(x) + dl.log_softmax(x) - dl.logsumexp(x),
    ],
)
def test_a_plain_number_takes_the_dtype_of_what_it_meets(make):
    x = dl.variable("x", (3,), np.float32)
    z = dl.sum(make(x))
    gradient, forward = dl.backprop([x], z)[x], dl.jvp(make(x), {x: 1.5 * x})
    for simplify in (True, False):
        program = dl.compile([make(x), z, gradient, forward], [x], simplify)
        assert {V.dtype for V in program.outputs} == {np.dtype(np.float32)}
        results = program(np.array([1.0, 2.0, 4.0], np.float32))
        assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_a_fraction_that_meets_integers_becomes_a_float():
    n = dl.variable("n", (2,), np.int64)
    assert (n + 1).dtype == np.int64
    assert (n + 0.5).dtype == np.float64
    assert_array_equal(value_of(n + 0.5, {n: np.array([1, 2])}), [1.5, 2.5])


def test_a_bool_that_meets_a_number_counts_as_one():
    b, x = dl.variable("b", (2,), bool), dl.variable("x", (2,), np.float32)
    values = {b: np.array([True, False]), x: np.float32([2, 3])}
    assert (b * x).dtype == np.float32 and (b + 1).dtype == np.int64
    assert_array_equal(value_of(b * x, values), [2.0, 0.0])
    assert_array_equal(value_of(b + 1, {b: values[b]}), [2, 1])


def test_an_array_on_the_left_of_an_operator_becomes_a_constant():
    x, a, A = dl.variable("x", (2,)), np.array([3.0, 5.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    value = np.array([7.0, 11.0])
    for make in (
        lambda x: a + x,
        lambda x: a - x,
        lambda x: a * x,
        lambda x: a / x,
        lambda x: a**x,
        lambda x: a > x,
        lambda x: A @ x,
        lambda x: a @ x,
        lambda x: np.float64(2) * x,
    ):
        assert isinstance(make(x), dl.Variable)
        assert_allclose(value_of(make(x), {x: value}), make(value))


def test_an_array_may_change_after_it_became_a_constant():
    x, a = dl.variable("x", (2,)), np.array([3.0, 5.0])
    outputs = [x + a, dl.constant(a)]
    a[:] = 0
    for result, expected in zip(
        dl.compile(outputs, [x])(np.ones(2)), ([4.0, 6.0], [3.0, 5.0]), strict=True
    ):
        assert_array_equal(result, expected)


def test_a_constant_is_called_by_its_value_or_by_its_name():
    assert dl.constant(2.0).name == "2"
    assert dl.constant([1.0, 2.0]).name == "constant"
    assert dl.constant([1.0, 2.0], name="c").name == "c"
    assert dl.constant(1, dtype=np.float32).dtype == np.float32


def test_constants_are_equal_if_their_values_are_down_to_the_sign_of_0():
    one, same = Constant(np.array([1.0, 0.0])), Constant(np.array([1.0, 0.0]))
    assert one == same and hash(one) == hash(same)
    others = [[1.0, -0.0], [1.0, 1.0], [[1.0, 0.0]], np.float32([1.0, 0.0])]
    for other in map(np.asarray, others):
        assert one != Constant(other)
    long = np.zeros(2000)
    assert Constant(long) == Constant(long) and Constant(long) != Constant(long.copy())


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([], ValueError, r"constant: the value is empty \(shape \(0,\)\)"),
        (float("nan"), ValueError, r"constant: the value of shape \(\) contains NaN in 1 of 1"),
        ([[1.0, np.nan]], ValueError, r"shape \(1, 2\) contains NaN .* first at \(0, 1\)"),
        ("text", TypeError, "constant: needs float32, float64, integers or bools, got <U4"),
        (None, TypeError, "constant: needs float32, float64, integers or bools, got object"),
        (1j, TypeError, "constant: needs float32, float64, integers or bools, got complex128"),
    ],
)
def test_what_is_no_number_cannot_be_a_constant(value, error, message):
    with pytest.raises(error, match=message):
        dl.constant(value)


# --- Mistakes, reported when the graph is built -----------------------------------------------

A23, B23, C3, M = (
    dl.variable("A", (2, 3)),
    dl.variable("B", (2, 3)),
    dl.variable("c", (3,)),
    dl.variable("M", (None, 3)),
)
SCALAR, WHOLE, TRUTH = (
    dl.variable("s", ()),
    dl.variable("n", (2, 3), np.int64),
    dl.variable("t", (2, 3), bool),
)
CUBE3, ROWS = dl.variable("C", (2, 3, 4)), dl.variable("y", (None,), np.int64)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: A23 + dl.variable("b", (2,)), r"add: the shapes of 'A' \(2, 3\) and 'b' \(2,\)"),
        (lambda: A23 * M, r"multiply: .*'A' \(2, 3\) and 'M' \(None, 3\).* None is no fixed"),
        (lambda: dl.maximum(A23, A23.T), r"maximum: the shapes of 'A' .* and 'transpose' \(3, 2\)"),
        (lambda: A23 > A23.T, r"greater: the shapes of 'A' \(2, 3\) and 'transpose' \(3, 2\)"),
        (lambda: A23**A23.T, r"power: the shapes of 'A' \(2, 3\) and 'transpose' \(3, 2\)"),
        (
            lambda: dl.where(TRUTH, A23, A23.T),
            r"where: the shapes of 't' \(2, 3\) and 'A' \(2, 3\) and 'transpose' \(3, 2\) do not",
        ),
        (
            lambda: dl.binary_cross_entropy(M, A23),
            r"binary_cross_entropy: the shapes of 'M' \(None, 3\) and 'A' \(2, 3\) do not fit",
        ),
        (
            lambda: dl.parametric_relu(A23, dl.variable("alpha", (2,))),
            r"multiply: the shapes of 'alpha' \(2,\) and 'A' \(2, 3\) do not fit",
        ),
        (lambda: A23 @ B23, r"matmul: the shapes of 'A' \(2, 3\) and 'B' \(2, 3\).* last but one"),
        (lambda: A23 @ dl.variable("w", (2,)), r"matmul: .*'w' \(2,\) .* only size of the second"),
        (lambda: A23 @ SCALAR, r"matmul: .*'s' \(\) do not fit"),
        (lambda: SCALAR @ A23, r"matmul: the shapes of 's' \(\) and 'A' \(2, 3\)"),
        (
            lambda: dl.variable("P", (2, 2, 3)) @ dl.variable("Q", (3, 3, 4)),
            r"matmul: the shapes of 'P' \(2, 2, 3\) and 'Q' \(3, 3, 4\) do not fit",
        ),
        (
            lambda: dl.dot(CUBE3, C3),
            r"dot: takes scalars, .* got 'C' \(2, 3, 4\) and 'c' \(3,\); s",
        ),
        (lambda: dl.dot(A23, B23), r"matmul: the shapes of 'A' \(2, 3\) and 'B' \(2, 3\)"),
        (lambda: dl.sum(A23, axis=2), r"sum: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.mean(A23, axis=-3), r"mean: 'A' of shape \(2, 3\) has no axis -3"),
        (lambda: dl.max(A23, axis=2), r"max: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.min(A23, axis=2), r"min: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.logsumexp(A23, axis=2), r"logsumexp: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.softmax(A23, axis=2), r"softmax: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.softmax(SCALAR), r"softmax: 's' of shape \(\) has no axis -1"),
        (lambda: dl.log_softmax(A23, axis=2), r"log_softmax: 'A' .* has no axis 2"),
        (lambda: dl.argmax(A23, axis=2), r"argmax: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.max_and_index(A23, axis=2), r"max_and_index: 'A' .* has no axis 2"),
        (lambda: dl.max_and_index(SCALAR), r"max_and_index: 's' of shape \(\) has no axis -1"),
        (lambda: dl.take(A23, 0, axis=2), r"take: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.take_along_axis(A23, WHOLE, 2), r"take_along_axis: 'A' .* has no axis 2"),
        (lambda: dl.concatenate([A23, A23], axis=2), r"concatenate: 'A' .* has no axis 2"),
        (lambda: dl.concatenate([SCALAR, SCALAR]), r"concatenate: 's' .* has no axis 0"),
        (lambda: dl.sum(SCALAR, axis=0), r"sum: 's' of shape \(\) has no axis 0"),
        (lambda: dl.sum(A23, axis=(0, -2)), r"sum: an axis is given twice in \(0, -2\)"),
        (lambda: A23.reshape(4), r"reshape: 'A' \(2, 3\) cannot take the shape \(4,\)"),
        (lambda: A23.reshape(None, 3), r"reshape: 'A' \(2, 3\) cannot take the shape \(None, 3\)"),
        (lambda: M.reshape(None, None), r"reshape: .* at most one size may be None"),
        (lambda: M.reshape(6), r"reshape: 'M' \(None, 3\) cannot take the shape \(6,\)"),
        (lambda: A23.reshape(-1, -6), r"reshape: each size must be .*, got -1 in \(-1, -6\)"),
        (lambda: A23.transpose(0, 0), r"transpose: an axis is given twice in \(0, 0\)"),
        (lambda: A23.transpose(0), r"transpose: \(0,\) is no order of the axes"),
        (lambda: A23.transpose(2, 3), r"transpose: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: SCALAR.transpose(0), r"transpose: 's' of shape \(\) has no axis 0"),
        (lambda: Squeeze((0,))(A23), r"squeeze: the axes \(0,\) of 'A' \(2, 3\) must have size 1"),
        (
            lambda: dl.broadcast_like(A23, C3),
            r"broadcast_like: 'A' \(2, 3\) cannot be repeated to the shape \(3,\) of 'c'",
        ),
        (lambda: dl.broadcast_like(C3, dl.variable("d", (4,))), r"broadcast_like: the shapes of"),
        (
            lambda: dl.broadcast_to(A23, (2, 4)),
            r"broadcast_to: 'A' \(2, 3\) cannot be repeated to the shape \(2, 4\)",
        ),
        (lambda: dl.broadcast_to(A23, (3,)), r"broadcast_to: 'A' \(2, 3\) cannot be repeated"),
        (lambda: dl.broadcast_to(C3, (None, 3)), r"broadcast_to: .* to the shape \(None, 3\)"),
        (lambda: dl.broadcast_to(M, (4, 3)), r"broadcast_to: 'M' \(None, 3\) cannot be repeated"),
        (lambda: dl.broadcast_to(C3, (0, 3)), r"broadcast_to: each size must be .*, got 0"),
        (lambda: dl.maxout(A23, 2), r"maxout: the last axis of 'A' \(2, 3\) .* multiple .* got 2"),
        (lambda: dl.maxout(A23, 0), r"maxout: .* a positive whole number, got 0"),
        (lambda: dl.maxout(A23, 1.5), r"maxout: .* a positive whole number, got 1.5"),
        (lambda: dl.maxout(A23, True), r"maxout: .* a positive whole number, got True"),
        (lambda: dl.maxout(SCALAR, 1), r"maxout: the last axis of 's' \(\) must be"),
        (lambda: dl.maxout(M.T, 3), r"maxout: the last axis of 'transpose' \(3, None\) must be"),
        (lambda: dl.clip(A23, 2, 1), r"clip: the lower bound must not be above .* got 2 and 1"),
        (lambda: dl.clip(A23, np.nan, 1), r"clip: the lower bound must not be .* got nan and 1"),
        (lambda: dl.concatenate([]), r"concatenate: there must be at least one variable"),
        (lambda: dl.stack([]), r"stack: there must be at least one variable"),
        (
            lambda: dl.concatenate([A23, C3]),
            r"concatenate: the shapes 'A' \(2, 3\), 'c' \(3,\) must have equally many axes",
        ),
        (
            lambda: dl.concatenate([A23, A23.T]),
            r"concatenate: the shapes 'A' \(2, 3\), 'transpose' \(3, 2\) do not fit: all sizes but "
            r"that of axis 0",
        ),
        (lambda: dl.concatenate([M, M]), r"concatenate: .* must not be the number of examples"),
        (lambda: dl.concatenate([M, A23], 1), r"concatenate: .*'M' \(None, 3\), 'A' \(2, 3\) do"),
        (
            lambda: dl.stack([A23, C3]),
            r"stack: the shapes 'A' \(2, 3\), 'c' \(3,\) must all be the",
        ),
        (lambda: dl.stack([A23, A23], axis=3), r"stack: a result of 3 axes has no axis 3"),
        (lambda: dl.stack([A23], axis=-4), r"stack: a result of 3 axes has no axis -4"),
        (lambda: dl.stack([A23], axis=0.5), r"stack: a result of 3 axes has no axis 0.5"),
        (
            lambda: dl.take_along_axis(A23, ROWS, 0),
            r"take_along_axis: the index 'y' \(None,\) must have the sizes of 'A' \(2, 3\) on all "
            r"axes but 0",
        ),
        (lambda: dl.take_along_axis(A23, WHOLE.T, 0), r"take_along_axis: the index 'transpose'"),
        (
            lambda: dl.cross_entropy(A23, ROWS),
            r"cross_entropy: the logits 'A' \(2, 3\) must have one row of classes for each of the "
            r"labels 'y' \(None,\)",
        ),
        (lambda: dl.cross_entropy(SCALAR, ROWS), r"cross_entropy: the logits 's' \(\) must have"),
        (lambda: dl.cross_entropy(A23, WHOLE), r"cross_entropy: .* labels 'n' \(2, 3\)"),
        (lambda: dl.cross_entropy(M.T, WHOLE[0]), r"'transpose' \(3, None\) must have one row"),
        (
            lambda: dl.cross_entropy(A23, C3),
            r"cross_entropy: the probabilities 'c' \(3,\) must have the shape of the logits 'A'",
        ),
        (lambda: dl.cross_entropy(SCALAR, SCALAR), r"cross_entropy: the probabilities 's' \(\)"),
        (
            lambda: dl.cholesky(A23),
            r"cholesky: needs square matrices, but 'A' has the shape \(2, 3",
        ),
        (lambda: dl.cholesky(C3), r"cholesky: needs square matrices, but 'c'"),
        (
            lambda: dl.cholesky(dl.variable("S", (None, None))),
            r"cholesky: needs square matrices, but 'S' has the shape \(None, None\)",
        ),
        (
            lambda: dl.solve_triangular(A23, A23),
            r"solve_triangular: needs square matrices, but 'A'",
        ),
        (
            lambda: dl.solve_triangular(A23 @ A23.T, C3),
            r"solve_triangular: 'c' \(3,\) must have matrices with as many rows as 'matmul' "
            r"\(2, 2\); for a vector b use b\[:, None\]",
        ),
        (
            lambda: dl.solve_triangular(A23 @ A23.T, A23.T),
            r"solve_triangular: 'transpose' \(3, 2\) must have matrices with as many rows",
        ),
        (
            lambda: dl.solve_triangular(dl.variable("L", (2, 1, 1)), dl.variable("R", (3, 1, 1))),
            r"solve_triangular: the shapes of 'L' \(2, 1, 1\) and 'R' \(3, 1, 1\) do not fit",
        ),
        (lambda: A23[0:0], r"index: \[0:0\] of 'A' \(2, 3\) is empty"),
        (lambda: A23[:, 3:], r"index: \[:, 3:\] of 'A' \(2, 3\) is empty"),
        (lambda: A23[..., 2:1], r"index: \[..., 2:1\] of 'A' \(2, 3\) is empty"),
        (lambda: M[:3], r"index: \[:3\] of 'M' \(None, 3\) would have a size that depends on"),
        (lambda: M[1:], r"index: \[1:\] of 'M' \(None, 3\) would have a size that depends on"),
        (lambda: M[::2], r"index: \[::2\] of 'M' \(None, 3\) would have a size that depends on"),
        (lambda: M[:2000], r"index: \[:2000\] of 'M' \(None, 3\) would have a size that depends"),
        (lambda: M[-3:], r"index: \[-3:\] of 'M' \(None, 3\) would have a size that depends on"),
        (
            lambda: A23[[0, 1], [0, 1, 2]],
            r"index: the shapes of .* \(2,\) and .* \(3,\) do not fit",
        ),
        (lambda: A23[WHOLE[0], ROWS], r"index: the shapes of 'index' \(3,\) and 'y' \(None,\) do"),
    ],
)
def test_shapes_that_do_not_fit_are_reported_with_the_operation(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (2, r"index: \[2\] does not fit 'A' \(2, 3\): 2 is out of bounds for the size 2"),
        (-3, r"index: \[-3\] does not fit 'A' \(2, 3\): -3 is out of bounds for the size 2"),
        ((0, 3), r"index: \[0, 3\] does not fit 'A' \(2, 3\): 3 is out of bounds for the size 3"),
        ((0, 0, 0), r"index: \[0, 0, 0\] does not fit 'A' \(2, 3\): too many axes"),
        ((..., ...), r"index: \[..., ...\] does not fit 'A' \(2, 3\): .* more than one ..."),
        ((slice(None), [0], 0), r"index: \[:, array, 0\] does not fit 'A' \(2, 3\): too many axes"),
    ],
)
def test_a_key_that_does_not_fit_is_reported_when_the_graph_is_built(key, message):
    with pytest.raises(IndexError, match=message):
        A23[key]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WHOLE / 2, r"divide: needs floats, but 'n' of shape \(2, 3\) is int64"),
        (lambda: dl.relu(WHOLE), "relu: needs floats, but 'n'"),
        (lambda: dl.heaviside(WHOLE), "heaviside: needs floats, but 'n'"),
        (lambda: dl.mean(WHOLE), "mean: needs floats, but 'n'"),
        (lambda: dl.softmax(WHOLE), "softmax: needs floats, but 'n'"),
        (lambda: dl.log_softmax(WHOLE), "log_softmax: needs floats, but 'n'"),
        (lambda: dl.logsumexp(WHOLE), "logsumexp: needs floats, but 'n'"),
        (lambda: dl.clip(WHOLE, 0, 1), "clip: needs floats, but 'n'"),
        (lambda: dl.cholesky(WHOLE @ WHOLE.T), "matmul: needs floats, but 'n'"),
        (lambda: WHOLE**3, "power: needs floats, but 'n'"),
        (lambda: 2**WHOLE, "power: needs floats, but '2'"),
        (lambda: A23 @ WHOLE.T, "matmul: needs floats"),
        (lambda: TRUTH + TRUTH, r"add: needs numbers, but 't' of shape \(2, 3\) is bool"),
        (lambda: dl.max(TRUTH), r"max: needs numbers, but 't'"),
        (lambda: -TRUTH, r"negate: needs numbers, but 't'"),
        (
            lambda: dl.one_hot(A23, 3),
            r"one_hot: needs integers, but 'A' of shape \(2, 3\) is float",
        ),
        (lambda: dl.one_hot(TRUTH, 2), r"one_hot: needs integers, but 't'"),
        (
            lambda: dl.one_hot(WHOLE, 2.0),
            r"one_hot: .* positive whole number, got 2.0 .*'n' \(2, 3",
        ),
        (lambda: dl.one_hot(WHOLE, 0), r"one_hot: .* positive whole number, got 0"),
        (lambda: dl.one_hot(WHOLE, True), r"one_hot: .* positive whole number, got True"),
        (lambda: dl.one_hot(WHOLE, 3, "complex64"), "one_hot: needs float32, .* got complex64"),
        (lambda: dl.where(A23, 1.0, 2.0), "where: the condition must be a bool, .* 'A' is float64"),
        (lambda: dl.where(True, A23, A23), "where: an input must be .* got bool"),
        (lambda: dl.cross_entropy(WHOLE, WHOLE[0]), "cross_entropy: .* floats, but 'n' is int64"),
        (
            lambda: dl.binary_cross_entropy(WHOLE, WHOLE),
            "binary_cross_entropy: needs floats, but 'n'",
        ),
        (
            lambda: dl.take_along_axis(A23, B23, 0),
            "take_along_axis: 'B' must be integers, it is fl",
        ),
        (lambda: dl.take(A23, C3), "index: 'A' takes whole numbers, .* got float64"),
        (lambda: A23[C3], "index: 'A' takes whole numbers, .* got float64"),
        (lambda: A23[TRUTH], "index: .* got bool; to choose by a condition, use where"),
        (lambda: A23[A23 > 0], "index: .* got bool; to choose by a condition, use where"),
        (lambda: A23[np.ones((2, 3), bool)], "index: .* got bool; to choose by a condition"),
        (lambda: A23[[True, False]], "index: .* got bool; to choose by a condition, use where"),
        (lambda: A23[True], "index: .* got bool"),
        (lambda: A23[np.True_], "index: .* got bool"),
        (lambda: A23[1.0], "index: .* got float"),
        (lambda: A23["x"], "index: .* got str"),
        (lambda: A23[[]], "index: .* got float64"),
        (lambda: A23[0.5:], "index: .* got slice"),
        (lambda: A23[:, True:], "index: .* got slice"),
        (lambda: A23[::-1], "index: the step of a slice must be positive, got -1"),
        (lambda: A23[:, ::0], "index: the step of a slice must be positive, got 0"),
        (lambda: dl.clip(A23, "0", 1), "clip: a bound must be a number, got '0'"),
        (lambda: dl.clip(A23, 0, True), "clip: a bound must be a number, got True"),
        (lambda: dl.clip(A23, C3, 1), "clip: a bound must be a number, got <c"),
        (lambda: dl.leaky_relu(A23, C3), "leaky_relu: the slope must be a number, got <c"),
        (lambda: dl.leaky_relu(A23, True), "leaky_relu: the slope must be a number, got True"),
        (lambda: A23 ** (True), "power: the exponent must be a finite number or .*, got True"),
        (lambda: A23 ** "2", "power: the exponent must be a finite number or a variable, got '2'"),
        (lambda: A23**np.inf, "power: the exponent must be a finite number or .*, got inf"),
        (lambda: A23 + "1", "add: an input must be a variable, a NumPy array or a number, got str"),
        (lambda: True + A23, "add: an input must be .* got bool"),
        (lambda: None * A23, "multiply: an input must be .* got NoneType"),
        (lambda: A23 > "1", "greater: an input must be .* got str"),
        (lambda: A23 + np.array(["a"]), "constant: needs float32, float64, integers or bools"),
        (lambda: A23.astype(complex), "astype: needs float32, float64, integers .* got complex128"),
        (lambda: A23.astype(np.float16), "astype: needs float32, float64, .* got float16"),
        (lambda: dl.broadcast_to(A23, 3), "broadcast_to: the shape must be a tuple .* got 3"),
        (lambda: dl.concatenate([A23, [1.0]]), "concatenate: an input must be .* got list"),
        (lambda: dl.stack([A23, None]), "stack: an input must be .* got NoneType"),
        (lambda: dl.sum(A23, axis=1.5), "sum: an axis must be a whole number, got 1.5"),
        (lambda: dl.mean(A23, axis=0.0), "mean: an axis must be a whole number, got 0.0"),
        (lambda: dl.max(A23, axis="0"), "max: an axis must be a whole number, got '0'"),
        (lambda: dl.softmax(A23, axis=0.5), "softmax: an axis must be a whole number, got 0.5"),
    ],
)
def test_values_of_a_wrong_kind_are_reported_with_the_operation(build, message):
    with pytest.raises(TypeError, match=message):
        build()


FUNCTIONS = [
    "abs", "argmax", "astype", "cholesky", "clip", "cos", "exp", "log", "log1p", "log_softmax",
    "logsumexp", "max", "max_and_index", "maxout", "mean", "min", "negate", "one_hot", "relu",
    "reshape", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "square", "heaviside",
    "stop_gradient", "sum", "tanh", "transpose", "leaky_relu", "broadcast_to",
]  # fmt: skip
MORE = {
    "astype": (float,),
    "clip": (0, 1),
    "maxout": (1,),
    "one_hot": (3,),
    "broadcast_to": ((3,),),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_list_is_no_input_of_an_operation(name):
    with pytest.raises(TypeError, match=f"^{name}: an input must be a variable, .* got list$"):
        getattr(dl, name)([1.0, 2.0], *MORE.get(name, ()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_operation_takes_an_array_as_it_is(name):
    array = np.array([[2, 1], [1, 2]]) if name == "one_hot" else np.array([[2.0, 1.0], [1.0, 2.0]])
    more = (
        (2, 2) if name == "reshape" else {"broadcast_to": ((2, 2),)}.get(name, MORE.get(name, ()))
    )
    V = dl.variable("V", (2, 2), array.dtype)
    ours, theirs = (getattr(dl, name)(A, *more) for A in (array, V))
    if name != "max_and_index":
        ours, theirs = [ours], [theirs]
    for result, expected in zip(ours, theirs, strict=True):
        assert_array_equal(value_of(result, {}), value_of(expected, {V: array}))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: dl.relu(A23, B23), "relu: takes 1 inputs, got 2"),
        (lambda: dl.add(A23), "add: takes 2 inputs, got 1"),
        (lambda: dl.multiply(A23, B23, A23), "multiply: takes 2 inputs, got 3"),
        (lambda: dl.negate(), "negate: takes 1 inputs, got 0"),
        (lambda: Where()(TRUTH, A23), "where: takes 3 inputs, got 2"),
    ],
)
def test_a_wrong_number_of_inputs_is_reported_when_the_graph_is_built(build, message):
    with pytest.raises(TypeError, match=message):
        build()


def test_nan_in_an_array_that_meets_a_variable_is_reported():
    with pytest.raises(ValueError, match=r"contains NaN in 1 of 3 entries, the first at \(1,\)"):
        C3 * np.array([1.0, np.nan, 2.0])


# --- Mistakes that only the data can show, reported when the graph runs -------------------------


@pytest.mark.parametrize("wrong", [-1, 3, 255])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("simplify", [True, False])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_label_that_is_no_class_is_reported_wherever_labels_are_used(
    wrong, dtype, simplify, backend
):
    if wrong < 0 and dtype == "uint8":
        wrong = 200
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,), dtype)
    labels = np.array([0, wrong, 1]).astype(dtype)
    cost = dl.cross_entropy(z, y)
    outputs = {
        "cross_entropy": [cost],
        "one_hot|cross_entropy": [dl.softmax(z) - dl.one_hot(y, 3)],
        "cross_entropy|one_hot": [dl.backprop([z], dl.mean(cost))[z]],
        "one_hot": [dl.one_hot(y, 3)],
    }
    low, high = min(0, wrong), max(1, wrong)
    for name, output in outputs.items():
        program = dl.compile(output, [z, y], simplify, backend)
        with pytest.raises(
            ValueError,
            match=rf"({name}): the labels must be from 0 to 2, for 3 classes, but they go from "
            rf"{low} to {high}",
        ):
            program(np.zeros((3, 3)), labels)
        for result in program(np.zeros((2, 3)), labels[::2].copy()):  # it still runs
            assert np.isfinite(np.asarray(result)).all()


def test_a_wrong_label_is_reported_by_evaluate_and_among_constants():
    z, y = dl.variable("z", (3, 3)), dl.variable("y", (3,), np.int64)
    wrong = np.array([0, -1, 1])
    with pytest.raises(ValueError, match="cross_entropy: the labels must be from 0 to 2"):
        dl.evaluate(dl.cross_entropy(z, y), {z: np.zeros((3, 3)), y: wrong})
    with pytest.raises(ValueError, match="cross_entropy: the labels must be from 0 to 2"):
        dl.evaluate(dl.cross_entropy(z, wrong), {z: np.zeros((3, 3))})
    with pytest.raises(ValueError, match="one_hot: the labels must be from 0 to 2"):
        dl.evaluate(dl.one_hot(wrong, 3), {})


def test_labels_that_are_floats_are_no_labels():
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,))
    with pytest.raises(ValueError, match=r"cross_entropy: the probabilities 'y' \(None,\) must"):
        dl.cross_entropy(z, y)
    y = dl.variable("y", (None,), np.int64)
    with pytest.raises(TypeError, match=r"'y' is int64 of shape .* the value is float64"):
        dl.evaluate(dl.cross_entropy(z, y), {z: np.zeros((2, 3)), y: np.array([0.0, 1.0])})


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("simplify", [True, False])
def test_an_index_outside_of_its_axis_is_reported_when_it_runs(backend, simplify):
    X, i = dl.variable("X", (None, 3)), dl.variable("i", (2,), np.int64)
    value = np.arange(6.0).reshape(2, 3)
    for node in (X[i], X[5] + i[0], X[:, i], dl.take(X, i, axis=1)):
        program = dl.compile([node], [X, i], simplify, backend)
        for wrong in (np.array([0, 7]), np.array([0, -7])):
            with pytest.raises(IndexError, match=r"out of (bounds|range)"):
                program(value, wrong)
    along = dl.variable("along", (None, 1), np.int64)
    for node in (dl.take_along_axis(X, along, 1), PutAlong(1)(X[:, :1], X, along)):
        program = dl.compile([node], [X, along], simplify, backend)
        for wrong in (3, -4):
            with pytest.raises((IndexError, RuntimeError), match="out of bounds"):
                program(value, np.array([[0], [wrong]]))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("simplify", [True, False])
def test_a_matrix_without_factors_is_reported_when_it_runs(backend, simplify):
    A = dl.variable("A", (None, 2, 2))
    good, bad = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 2.0], [2.0, 1.0]])
    L = dl.cholesky(A)
    for output in (L, dl.backprop([A], dl.sum(L))[A]):
        program = dl.compile([output], [A], simplify, backend)
        assert np.isfinite(np.asarray(program(np.stack([good, good]))[0])).all()
        with pytest.raises(
            ValueError, match=r"cholesky: the matrix of shape \(2, 2, 2\) is not positive definite"
        ):
            program(np.stack([good, bad]))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("transposed", [True, False])
def test_a_triangular_matrix_with_a_0_on_its_diagonal_is_reported_when_it_runs(backend, transposed):
    L, B = dl.variable("L", (2, 2)), dl.variable("B", (2, 1))
    program = dl.compile([dl.solve_triangular(L, B, transposed)], [L, B], backend=backend)
    with pytest.raises(
        ValueError, match=r"solve_triangular: the matrix of shape \(2, 2\) has a 0 on its diagonal"
    ):
        program(np.array([[1.0, 5.0], [2.0, 0.0]]), np.ones((2, 1)))


# --- Operations of one's own --------------------------------------------------------------------


def test_an_operation_without_a_rule_says_which_part_is_missing():
    class Unfinished(dl.Operation):
        name = "unfinished"

    operation = Unfinished()
    with pytest.raises(NotImplementedError, match="unfinished: the shape rule is missing"):
        operation(A23)
    with pytest.raises(NotImplementedError, match="unfinished: f is missing"):
        operation.f(1.0)
    with pytest.raises(dl.NotDifferentiable, match="unfinished: its gradient is not defined"):
        operation.bprop([A23], A23, A23)
    with pytest.raises(dl.NotDifferentiable, match="unfinished: its derivative is not defined"):
        operation.jvp([A23], [A23])
    with pytest.raises(NotImplementedError):
        Joining(0).place([A23], A23)

    class Rounded(Elementwise):
        name, ufunc = "rounded", "rint"

    with pytest.raises(dl.NotDifferentiable, match="rounded: its gradient is not defined"):
        dl.backprop([A23], dl.sum(Rounded()(A23)))


def test_an_operation_of_ones_own_joins_the_graph():
    class Cube(dl.Operation):
        name = "cube"

        def infer_shape(self, A):
            return A.shape

        def f(self, A):
            return A**3

        def bprop(self, inputs, X, G):
            return G * 3 * dl.square(X)

        def jvp(self, inputs, tangents):
            return self.bprop(inputs, inputs[0], tangents[0])

    x = dl.variable("x", (3,))
    z = dl.sum(Cube()(x * 1) * 1.5)
    assert_allclose(value_of(dl.backprop([x], z)[x], {x: X_VALUE}), 4.5 * X_VALUE**2)
    assert_allclose(value_of(dl.jvp(z, {x: X_VALUE}), {x: X_VALUE}), 4.5 * np.sum(X_VALUE**3))
