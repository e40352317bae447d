"""Section 6.5.6: the operations, each one class with its ``f`` and its ``bprop``.

An operation is called like a function, ``relu(z)``, and then adds a node to the graph. Its parts
can be looked at, too: ``relu.f(array)`` computes, ``relu.bprop`` differentiates. Read ``base.py``
first, then ``elementwise.py``.
"""

from dlbook.operations.base import NotDifferentiable, Operation, constant
from dlbook.operations.comparisons import (
    clip,
    equal,
    greater,
    greater_equal,
    heaviside,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    not_equal,
    where,
)
from dlbook.operations.cross_entropy import binary_cross_entropy, cross_entropy
from dlbook.operations.elementwise import (
    abs,
    add,
    astype,
    divide,
    multiply,
    negate,
    power,
    round_to,
    sign,
    sqrt,
    square,
    subtract,
)
from dlbook.operations.flow import stop_gradient
from dlbook.operations.functions import (
    cos,
    erf,
    erfc,
    exp,
    expm1,
    hard_tanh,
    leaky_relu,
    log,
    log1p,
    log_sigmoid,
    parametric_relu,
    relu,
    sigmoid,
    sin,
    softplus,
    tanh,
)
from dlbook.operations.indexing import argmax, argmin, max_and_index, take, take_along_axis
from dlbook.operations.indexing import index as _index
from dlbook.operations.joining import concatenate, stack
from dlbook.operations.labels import one_hot
from dlbook.operations.linear import dot, matmul
from dlbook.operations.matrices import cholesky, solve_triangular
from dlbook.operations.reductions import max, maxout, mean, min, norm, std, sum, var
from dlbook.operations.running import cumsum, prod
from dlbook.operations.shapes import (
    broadcast_like,
    broadcast_to,
    expand_dims,
    reshape,
    squeeze,
    transpose,
)
from dlbook.operations.softmax import log_softmax, logsumexp, softmax
from dlbook.operators import by_name

__all__ = [
    "NotDifferentiable",
    "Operation",
    "abs",
    "add",
    "argmax",
    "argmin",
    "astype",
    "binary_cross_entropy",
    "broadcast_like",
    "broadcast_to",
    "cholesky",
    "clip",
    "concatenate",
    "constant",
    "cos",
    "cross_entropy",
    "cumsum",
    "divide",
    "dot",
    "equal",
    "erf",
    "erfc",
    "exp",
    "expand_dims",
    "expm1",
    "greater",
    "greater_equal",
    "hard_tanh",
    "heaviside",
    "isnan",
    "leaky_relu",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "matmul",
    "max",
    "max_and_index",
    "maximum",
    "maxout",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negate",
    "norm",
    "not_equal",
    "one_hot",
    "parametric_relu",
    "power",
    "prod",
    "relu",
    "reshape",
    "round_to",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "solve_triangular",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tanh",
    "transpose",
    "var",
    "where",
]

by_name.update({name: globals()[name] for name in __all__}, index=_index)
