"""What derivatives cost: in products of matrices, in time, and in the length of the graph."""

import math

import numpy as np
import pytest
from contenders import SIZES, figure_6_11, problem

import dlbook as dl
from dlbook.operations.linear import MatMul


def multiply_adds(outputs, m):
    """Count the multiply-adds of all matrix products in the graph, for ``m`` examples."""

    def number(sizes):
        return math.prod(m if size is None else size for size in sizes)

    products = [V for V in dl.Graph(outputs) if isinstance(V.operation, MatMul)]
    return sum(number((*V.shape, V.inputs[0].shape[-1])) for V in products)


def forward(J, weights):
    return [J], {}


def gradient(J, weights):
    return [J, *dl.backprop(weights, J).values()], {}


def hvp(J, weights):
    """The Hessian times a vector, over both weight matrices (Equation 6.59)."""
    rng = np.random.default_rng(6)
    vectors = {
        dl.variable("v", W.shape, np.float32): rng.normal(size=W.shape).astype(np.float32)
        for W in weights
    }
    return dl.hvp(J, weights, list(vectors)), vectors


@pytest.mark.parametrize("program", [forward, gradient, hvp])
@pytest.mark.parametrize("turn", range(5))
@pytest.mark.parametrize("size", SIZES[-2:], ids=str)
def test_program(benchmark, size, turn, program):
    """The cost alone, with its gradient, and the Hessian times a vector, of Figure 6.11's graph."""
    J, inputs = figure_6_11(size)
    outputs, further = program(J, inputs[2:])
    run = dl.compile(outputs, [*inputs, *further])
    benchmark.group = "program"
    benchmark.extra_info.update(
        size=size, program=program.__name__, multiply_adds=multiply_adds(outputs, size[0])
    )
    benchmark(run, *problem(size), *further.values())


def build(n):
    """Return a chain of ``n`` operations, a product with w and a rectifier in turn, and w."""
    w = dl.variable("w", ())
    z = w
    for i in range(n):
        z = dl.relu(z) if i % 2 else z * w
    return z, w


def differentiate(z, w):
    return [z, *dl.backprop([w], z).values()], [w]


@pytest.mark.parametrize("stage", ["build", "differentiate", "compile"])
@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_chain(benchmark, n, stage):
    """How the time to build, differentiate and compile grows with the length of a graph."""
    benchmark.group = "chain"
    benchmark.extra_info.update(nodes=n, stage=stage)
    function, arguments = {
        "build": (build, lambda: [n]),
        "differentiate": (differentiate, lambda: build(n)),
        "compile": (dl.compile, lambda: differentiate(*build(n))),
    }[stage]
    benchmark.pedantic(function, setup=lambda: (arguments(), {}), rounds=3)
