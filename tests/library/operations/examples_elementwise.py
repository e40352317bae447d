"""Examples of what acts on each entry by itself, and of what gives an array as it is."""

import math

import numpy as np
from examples import SIGNED, Example, elementwise, example_of
from hypothesis import strategies as st
from strategies import broadcastable, rngs, shapes, some_values

from dlbook.operations.base import Constant
from dlbook.operations.comparisons import (
    Clip,
    Equal,
    Greater,
    GreaterEqual,
    Heaviside,
    IsLarger,
    IsNaN,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    Maximum,
    Minimum,
    NotEqual,
    Where,
)
from dlbook.operations.cross_entropy import BinaryCrossEntropy
from dlbook.operations.elementwise import (
    Abs,
    Add,
    AsType,
    Divide,
    Multiply,
    Negate,
    Power,
    RoundTo,
    Sign,
    Sqrt,
    Square,
    Subtract,
    VariablePower,
)
from dlbook.operations.flow import Identity, Recompute, StopGradient
from dlbook.operations.functions import (
    Cos,
    Erf,
    Erfc,
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
    TanhSlope,
)
from dlbook.operations.labels import Probability, Shares

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
elementwise(Erfc, np.vectorize(math.erfc))
elementwise(Sin, np.sin)
elementwise(Cos, np.cos)
elementwise(Tanh, np.tanh)
elementwise(TanhSlope, lambda z: 1 - np.tanh(z) ** 2)
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
elementwise(LogicalAnd, np.logical_and, inputs=2)
elementwise(LogicalOr, np.logical_or, inputs=2)
elementwise(LogicalNot, np.logical_not)
elementwise(IsNaN, np.isnan)


@example_of(RoundTo)
def draw_round_to(draw, dtype):
    short = draw(st.sampled_from(["float16", "float32"]))
    array = some_values(draw(rngs), draw(shapes), dtype)
    return Example(RoundTo(short), [array], lambda a: a.astype(short).astype(dtype))


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
    rng, shape = draw(rngs), draw(shapes)
    arrays = [some_values(rng, shape, dtype), np.asarray(rng.uniform(size=shape)).astype(dtype)]
    return Example(BinaryCrossEntropy(), arrays, lambda z, y: np.log(1 + np.exp(z)) - y * z)


@example_of(Probability)
def draw_probability(draw, dtype):
    inside = draw(rngs).uniform(0.1, 0.9, size=draw(shapes))  # from where a small step stays inside
    return Example(Probability(), [np.asarray(inside).astype(dtype)], np.array)


@example_of(Shares)
def draw_shares(draw, dtype):
    inside = draw(rngs).uniform(0.1, 0.9, size=(*draw(shapes), 3))
    shares = inside / inside.sum(-1, keepdims=True)
    return Example(Shares(), [shares.astype(dtype)], np.array)


@example_of(StopGradient)
def draw_stop_gradient(draw, dtype):
    return Example(StopGradient(), [some_values(draw(rngs), draw(shapes), dtype)], np.array)


@example_of(Identity)
def draw_identity(draw, dtype):
    return Example(Identity(), [some_values(draw(rngs), draw(shapes), dtype)], np.array)


@example_of(Recompute)
def draw_recompute(draw, dtype):
    return Example(Recompute(), [some_values(draw(rngs), draw(shapes), dtype)], np.array)


@example_of(Constant)
def draw_constant(draw, dtype):
    value = some_values(draw(rngs), draw(shapes), dtype)
    return Example(Constant(value), [], lambda: value)
