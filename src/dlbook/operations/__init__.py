"""Section 6.5.6: the operations, each one class with its ``f`` and its ``bprop``.

An operation is called like a function, ``relu(z)``, and then adds a node to the graph. Its parts
can be looked at, too: ``relu.f(array)`` computes, ``relu.bprop`` differentiates.
"""

from dlbook.operations.base import NotDifferentiable, Operation, constant
from dlbook.operations.elementwise import (
    add,
    astype,
    divide,
    multiply,
    negate,
    power,
    relu,
    square,
    step,
    subtract,
)
from dlbook.operations.linear import matmul
from dlbook.operations.reductions import mean, sum
from dlbook.operations.shapes import broadcast_like, reshape, transpose

__all__ = [
    "NotDifferentiable",
    "Operation",
    "add",
    "astype",
    "broadcast_like",
    "constant",
    "divide",
    "matmul",
    "mean",
    "multiply",
    "negate",
    "power",
    "relu",
    "reshape",
    "square",
    "step",
    "subtract",
    "sum",
    "transpose",
]
