"""Derivatives are right wherever the function is: far out, and to any order."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import dlbook as dl

FAR = [-1000.0, -750.0, -710.0, -40.0, -20.0, -3.0, 0.5, 3.0, 20.0, 40.0, 710.0, 750.0, 1000.0]
TINY = 1e-300  # below, floats lose their digits one by one


def s(z):
    return math.exp(min(z, 0)) / (1 + math.exp(-abs(z)))


def softplus(z):
    return max(z, 0) + math.log1p(math.exp(-abs(z)))


def sech2(z):
    e = math.exp(-2 * abs(z))
    return 4 * e / (1 + e) ** 2


# A function and its first three derivatives.
SIGMOID = [
    s,
    lambda z: s(z) * s(-z),
    lambda z: s(z) * s(-z) * (s(-z) - s(z)),
    lambda z: s(z) * s(-z) * (1 - 6 * s(z) * s(-z)),
]
SOFTPLUS = [softplus, *SIGMOID[:3]]
LOG_SIGMOID = [
    lambda z: -softplus(-z),
    lambda z: s(-z),
    *(lambda z, f=f: -f(z) for f in SIGMOID[1:3]),
]
LOG_OF_THE_OTHER = [lambda z, f=f: -f(z) for f in SOFTPLUS]
TANH = [
    math.tanh,
    sech2,
    lambda z: -2 * math.tanh(z) * sech2(z),
    lambda z: sech2(z) * (4 * math.tanh(z) ** 2 - 2 * sech2(z)),
]


def pair(z):
    return dl.stack([z, 0 * z])


def softmax_by_hand(z):
    e = dl.exp(pair(z))
    return (e / dl.sum(e))[0]


FUNCTIONS = {
    "sigmoid": (dl.sigmoid, SIGMOID),
    "1 / (1 + exp(-z))": (lambda z: 1 / (1 + dl.exp(-z)), SIGMOID),
    "exp(z) / (1 + exp(z))": (lambda z: dl.exp(z) / (1 + dl.exp(z)), SIGMOID),
    "softmax": (lambda z: dl.softmax(pair(z))[0], SIGMOID),
    "softmax by hand": (softmax_by_hand, SIGMOID),
    "tanh": (dl.tanh, TANH),
    "softplus": (dl.softplus, SOFTPLUS),
    "log(1 + exp(z))": (lambda z: dl.log(1 + dl.exp(z)), SOFTPLUS),
    "log1p(exp(z))": (lambda z: dl.log1p(dl.exp(z)), SOFTPLUS),
    "log_sigmoid": (dl.log_sigmoid, LOG_SIGMOID),
    "log(sigmoid(z))": (lambda z: dl.log(dl.sigmoid(z)), LOG_SIGMOID),
    "log(1 / (1 + exp(-z)))": (lambda z: dl.log(1 / (1 + dl.exp(-z))), LOG_SIGMOID),
    "-log(1 + exp(-z))": (lambda z: -dl.log(1 + dl.exp(-z)), LOG_SIGMOID),
    "log(1 - sigmoid(z))": (lambda z: dl.log(1 - dl.sigmoid(z)), LOG_OF_THE_OTHER),
}
# As precise as numbers near 1 are: what is left of a 1 is lost to rounding.
ROUNDED = {
    "log(softmax(z))": (lambda z: dl.log(dl.softmax(pair(z)))[0], LOG_SIGMOID),
    "log of one softmax": (lambda z: dl.log(dl.softmax(pair(z))[0]), LOG_SIGMOID),
    "log of a softmax by hand": (lambda z: dl.log(softmax_by_hand(z)), LOG_SIGMOID),
    "logsumexp": (lambda z: dl.logsumexp(pair(z)), SOFTPLUS),
    "log(sum(exp(z)))": (lambda z: dl.log(dl.sum(dl.exp(pair(z)))), SOFTPLUS),
    "cross_entropy": (lambda z: dl.cross_entropy(pair(z), np.array(1)), SOFTPLUS),
}


def check(f, expected, atol, derive):
    for z in FAR:
        values = [derive(f, order, z) for order in range(len(expected))]
        assert_allclose(values, [right(z) for right in expected], rtol=1e-9, atol=atol, err_msg=z)


def by_grad(f, order, z):
    if order == 0:
        x = dl.variable("x", ())
        return dl.evaluate(f(x), {x: z})
    for _ in range(order):
        f = dl.grad(f)
    return f(z)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_precise_in_the_tails(name):
    check(*FUNCTIONS[name], TINY, by_grad)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ROUNDED)
def test_derivatives_are_finite_and_close_in_the_tails(name):
    check(*ROUNDED[name], 1e-15, by_grad)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_as_precise_in_javascript(name):
    f, expected = FUNCTIONS[name]
    x, derivatives = dl.variable("x", ()), []
    for _ in expected:
        derivatives.append(f(x))
        f = dl.grad(f)
    program = dl.compile(derivatives, [x], backend="javascript")
    check(program, expected, TINY, lambda program, order, z: program(z)[order])


def by_hessian(f, order, z):
    x = dl.variable("x", (1,))
    J = f(x[0])
    if order == 0:
        return dl.evaluate(J, {x: [z]})
    gradient = dl.backprop([x], J)[x]
    wanted = {
        1: gradient,
        2: dl.hessian(J, x),
        3: dl.hvp(J, x, np.ones(1)),
        4: dl.jacobian(gradient, x),
    }
    return dl.evaluate(wanted[order], {x: [z]}).item()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
# What is taken out of a softmax by hand, by an index, is found by grad alone, in time.
@pytest.mark.parametrize(
    "name", [name for name in FUNCTIONS | ROUNDED if name != "log of a softmax by hand"]
)
def test_second_derivatives_are_right_by_whatever_function(name):
    f, (value, first, second, _) = (FUNCTIONS | ROUNDED)[name]
    check(f, [value, first, second, second, second], 1e-15, by_hessian)


def test_a_derivative_of_a_second_derivative_is_found_behind_the_simplification():
    """What is older than the argument is somebody else's, and keeps its place in the graph."""
    a = dl.variable("a", ())
    h = dl.tanh(a) * 1.0
    inner = dl.grad(lambda z: dl.log(dl.sigmoid(z * h)))
    by_h = dl.backprop([h], inner(dl.constant(0.3)) * h)[h]
    u, v = 0.3 * math.tanh(0.5), math.tanh(0.5)
    assert_allclose(dl.evaluate(by_h, {a: 0.5}), 2 * v * s(-u) - v * v * 0.3 * s(u) * s(-u))


def test_a_gradient_that_is_the_function_itself_is_no_quotient_by_it():
    x, z = dl.variable("x", ()), 0.3
    moved = dl.jvp(dl.sigmoid(x), {x: dl.sigmoid(x)})
    assert_allclose(dl.evaluate(moved, {x: z}), s(z) * s(z) * s(-z))
    assert_allclose(dl.evaluate(dl.sigmoid.bprop([x], x, dl.sigmoid(x)), {x: z}), s(z) ** 2 * s(-z))
    v, values = dl.variable("v", (3,)), np.array([0.1, -0.4, 0.7])
    q = dl.softmax(v)
    expected = dl.evaluate(q * (q - dl.sum(q * q)), {v: values})
    for product in (q.operation.bprop([v], v, q), dl.jvp(q, {v: q})):
        assert_allclose(dl.evaluate(product, {v: values}), expected)


@pytest.mark.parametrize("module", [dl.scalar_graph, dl.layerwise])
def test_the_other_engines_are_as_precise(module):
    for name, right, slope in [("tanh", math.tanh, sech2), ("sigmoid", s, SIGMOID[1])]:
        function = getattr(module, name)
        f = function.f
        derivative = function.partials[0] if module is dl.scalar_graph else function.f_prime
        for z in FAR:
            assert_allclose(f(z), right(z), rtol=1e-14)
            assert_allclose(derivative(z), slope(z), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu_is_precise_where_it_is_almost_0(dtype):
    z = dl.variable("z", (3,), dtype)
    h = dl.hidden_units.gelu(z)
    values = np.array([-10.0, -5.0, 3.0]).astype(dtype)
    right = [x * math.erfc(-x / math.sqrt(2)) / 2 for x in values.tolist()]
    assert_allclose(dl.evaluate(h, {z: values}), right, rtol=200 * np.finfo(dtype).eps)
    slope = dl.evaluate(dl.backprop([z], dl.sum(h))[z], {z: values})
    right = [
        math.erfc(-x / math.sqrt(2)) / 2 + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        for x in values.tolist()
    ]
    assert_allclose(slope, right, rtol=200 * np.finfo(dtype).eps)
