"""Examples of products and reductions."""

import math

import numpy as np
from examples import Example, example_of
from examples_shapes import draw_axes
from hypothesis import strategies as st
from strategies import broadcastable, rngs, shapes, sizes, some_values

from dlbook.operations.linear import MatMul
from dlbook.operations.reductions import Count, Max, Mean, Min, Sum
from dlbook.operations.running import CumSum, Prod, Scan
from dlbook.operations.softmax import LogSoftmax, LogSumExp, Softmax, SoftmaxSlope
from dlbook.programs.lowered import AddScaled, InnerProduct


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


@example_of(SoftmaxSlope)
def draw_softmax_slope(draw, dtype):
    rng, shape = draw(rngs), draw(shapes)
    axes = draw_axes(draw, len(shape))

    def numpy(z, G):
        q = softmax_of(z, axes)
        return q * (G - np.sum(G * q, axis=axes, keepdims=True))

    arrays = [some_values(rng, shape, dtype) for _ in "zG"]
    return Example(SoftmaxSlope(axes), arrays, numpy)


@example_of(CumSum)
def draw_cumsum(draw, dtype):
    shape, backwards = draw(shapes.filter(len)), draw(st.booleans())
    axis = draw(st.sampled_from(range(len(shape))))

    def numpy(a):
        turned = np.flip(a, axis) if backwards else a
        return np.flip(np.cumsum(turned, axis), axis) if backwards else np.cumsum(turned, axis)

    return Example(CumSum(axis, backwards), [some_values(draw(rngs), shape, dtype)], numpy)


@example_of(Scan)
def draw_scan(draw, dtype):
    rng, shape, backwards = draw(rngs), draw(shapes.filter(len)), draw(st.booleans())
    axis, first = draw(st.sampled_from(range(len(shape)))), draw(st.sampled_from([0.0, 1.0]))

    def numpy(x, g):
        x, g = np.moveaxis(x, axis, 0), np.moveaxis(g, axis, 0)
        x, g = (x[::-1], g[::-1]) if backwards else (x, g)
        t = [np.full(x.shape[1:], first)]
        for a, b in zip(x[:-1], g[:-1], strict=True):
            t.append(a * t[-1] + b)
        return np.moveaxis(np.stack(t[::-1] if backwards else t), 0, axis)

    return Example(
        Scan(axis, backwards, first), [some_values(rng, shape, dtype) for _ in "xg"], numpy
    )


@example_of(Prod)
def draw_prod(draw, dtype):
    shape, keepdims = draw(shapes.filter(len)), draw(st.booleans())
    axis = draw(st.sampled_from(range(len(shape))))
    array = some_values(draw(rngs), shape, dtype)
    return Example(Prod((axis,), keepdims), [array], lambda a: np.prod(a, axis, keepdims=keepdims))


along_axes(LogSoftmax, lambda z, axes: np.log(softmax_of(z, axes)))
