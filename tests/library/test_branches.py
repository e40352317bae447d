"""What a branch that is off contributes to a gradient: nothing, even if its slope is infinite."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import dlbook as dl

INF = np.inf
HOW = {"simplified": {}, "as it is": {"simplify": False}, "torch": {"backend": "torch"}}
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def first(x, rest=0.0):
    """The first entry of x, 1 in place of the others: a branch that is off for some entries."""
    return dl.where(np.array([True, False]), x, 1.0)


# A function of x, a value, and the gradient of the sum. In each, 0 meets an infinite slope.
OFF = {
    "where: a root": (lambda x: dl.where(x < 1, x, dl.sqrt(x)), [0.0, 4.0], [1, 0.25]),
    "where: times infinity": (lambda x: dl.where(x > 0, 0.0, x * INF), [1.0], [0]),
    "where: a product": (
        lambda x: dl.where(dl.equal(x, 0.0), 0.0, x * dl.sqrt(x)), [0.0, 1], [0, 1.5]
    ),
    "where: a quotient": (lambda x: dl.where(dl.equal(x, 0.0), 1.0, dl.sin(x) / x), [0.0], [0]),
    "where: a logarithm": (lambda x: dl.where(x > 0, x * dl.log(x), 0.0), [0.0, 1.0], [0, 1]),
    "where: an exponential": (lambda x: dl.where(x > 100, 1.0, dl.exp(x)), [1000.0, 0.0], [0, 1]),
    "where: a power": (lambda x: dl.where(x > 0, x**-0.5, 0.0), [0.0, 1.0], [0, -0.5]),
    "where: a variable power": (
        lambda x: dl.where(x > 0, x ** (0 * x - 0.5), 0.0), [0.0, 1.0], [0, -0.5]
    ),
    "where in where": (
        lambda x: dl.where(x > 0, dl.where(x > 1, x, dl.sqrt(x - 1)), dl.log(x)), [2.0], [1]
    ),
    "where of a scalar": (
        lambda x: dl.where(x[0] < 1, dl.sum(x), dl.sum(dl.sqrt(x))), [0.0, 0], [1, 1]
    ),
    "where of a mean": (
        lambda x: dl.where(x[0] < 1, dl.sum(x), dl.mean(dl.log(x))), [0.0, 0], [1, 1]
    ),
    "a branch with two ways": (
        lambda x: dl.where(x > 0, dl.sqrt(x) + dl.sqrt(x) * x, x), [0.0, 1.0], [1, 2]
    ),
    "a branch used twice": (
        lambda x: (lambda r: dl.where(x > 0, r * r + r, 0.0))(dl.sqrt(x)), [0.0, 1.0], [0, 1.5]
    ),
    "relu: times infinity": (lambda x: dl.relu(x * INF), [-1.0], [0]),
    "relu: an exponential": (lambda x: dl.relu(-dl.exp(x)), [1000.0, 0.0], [0, 0]),
    "relu: a logarithm": (lambda x: dl.relu(dl.log(x)), [0.0, 2.0], [0, 0.5]),
    "relu of relu": (lambda x: dl.relu(dl.relu(dl.log(x)) - 5), [0.0, 2.0], [0, 0]),
    "relu: through a sigmoid": (lambda x: dl.relu(dl.sigmoid(dl.log(x)) - 0.5), [0.0, 1.0], [0, 0]),
    "maximum": (lambda x: dl.maximum(dl.log(x), -5.0), [0.0, 1.0], [0, 1]),
    "minimum": (lambda x: dl.minimum(-dl.log(x), 5.0), [0.0, 1.0], [0, -1]),
    "clip": (lambda x: dl.clip(dl.log(x), -5, 5), [0.0, 1.0], [0, 1]),
    "max": (lambda x: dl.max(dl.log(x)), [0.0, 1.0], [0, 1]),
    "min": (lambda x: dl.min(-dl.log(x)), [0.0, 1.0], [0, -1]),
    "max_and_index": (lambda x: dl.max_and_index(dl.log(x))[0], [0.0, 1.0], [0, 1]),
    "index": (lambda x: dl.sqrt(x)[1:], [0.0, 4.0], [0, 0.25]),
    "an array of indices": (lambda x: dl.log(x)[np.array([1, 1])], [0.0, 4.0], [0, 0.5]),
    "take_along_axis": (
        lambda x: dl.take_along_axis(dl.log(x), np.array([1]), 0), [0.0, 4.0], [0, 0.25]
    ),
    "a constant 0": (lambda x: dl.sqrt(x) * np.array([0.0, 1.0]), [0.0, 4.0], [0, 0.25]),
    "a condition as a number": (
        lambda x: dl.stop_gradient((x > 0).astype(float)) * dl.sqrt(x), [0.0, 4.0], [0, 0.25]
    ),
    "elu": (dl.hidden_units.UNITS["elu"].function, [1000.0, 0.0], [1, 1]),
    # Sums of squares are flat where they are least, as |x| counts as flat at 0.
    "norm": (lambda x: dl.sqrt(dl.sum(dl.square(x))), [0.0, 0.0], [0, 0]),
    "norm by a power": (lambda x: dl.sum(x**2) ** 0.5, [0.0, 0.0], [0, 0]),
    "norm by products": (lambda x: dl.sqrt(dl.sum(x * x)), [0.0, 0.0], [0, 0]),
    "norm by a dot product": (lambda x: dl.sqrt(x @ x), [0.0, 0.0], [0, 0]),
    "norm of a difference": (lambda x: dl.sqrt(dl.sum((x - 1) ** 2)), [1.0, 1.0], [0, 0]),
    "root mean square": (lambda x: dl.sqrt(dl.mean(dl.square(x))), [0.0, 0.0], [0, 0]),
    "norms of rows": (
        lambda x: dl.sqrt(dl.sum(x.reshape(2, 1) ** 2, axis=1)), [0.0, 3.0], [0, 1]
    ),
    "hypot": (lambda x: dl.sqrt(x[0] ** 2 + 3 * x[1] ** 2 / 2), [0.0, 0.0], [0, 0]),
    "root of a square": (lambda x: dl.sqrt(x**2), [0.0, -3.0], [0, -1]),
    "logsumexp of nothing": (dl.logsumexp, [-INF, -INF], [0, 0]),
    "logsumexp of infinity": (dl.logsumexp, [INF, 0.0], [1, 0]),
    "logsumexp of two infinities": (dl.logsumexp, [INF, INF], [0.5, 0.5]),
    "logsumexp of something": (dl.logsumexp, [-INF, 0.0], [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", OFF)
def test_a_branch_that_is_off_has_no_gradient(name, how):
    f, value, expected = OFF[name]
    x, value = dl.variable("x", (len(value),)), np.array(value)
    (gradient,) = dl.compile([dl.backprop([x], dl.sum(f(x)))[x]], [x], **HOW[how])(value)
    assert_array_equal(np.asarray(gradient), expected)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", OFF)
def test_nor_has_it_a_part_in_a_jacobian(name, mode):
    f, value, expected = OFF[name]
    x, value = dl.variable("x", (len(value),)), np.array(value)
    rows = dl.evaluate(dl.jacobian(f(x), x, mode), {x: value})
    assert_array_equal(rows.reshape(-1, len(value)).sum(0), expected)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_entries_have_no_part_in_each_other(mode):
    x = dl.variable("x", (2,))
    J = dl.jacobian(dl.sqrt(x), x, mode)
    assert_array_equal(dl.evaluate(J, {x: np.array([0.0, 4.0])}), [[INF, 0], [0, 0.25]])


def test_a_slope_that_is_infinite_stays_so_where_the_branch_is_on():
    x = dl.variable("x", ())
    for f in (dl.sqrt, lambda x: dl.where(x < 1, dl.sqrt(x), x), lambda x: dl.sqrt(dl.abs(x) + x)):
        assert dl.grad(f)(0.0) == INF or np.isnan(dl.grad(f)(0.0))
    assert dl.grad(lambda x: dl.where(x < 1, dl.sqrt(x), x))(0.0) == INF
    assert np.isnan(dl.evaluate(dl.backprop([x], 0.0 * x * dl.sqrt(x))[x], {x: 0.0}))  # 0 by chance


def test_the_second_derivative_of_what_is_off_is_0_too():
    f = OFF["where: a root"][0]
    second = dl.grad(dl.grad(f))
    assert second(0.0) == 0 and second(4.0) == -1 / 32
    x = dl.variable("x", (2,))
    J = dl.sum(f(x))
    H = dl.evaluate(dl.hessian(J, x), {x: np.array([0.0, 4.0])})
    assert_array_equal(H, [[0, 0], [0, -1 / 32]])


def test_a_mask_needs_no_more_operations_than_before():
    """The condition moves outwards along a branch; it is not put on again and again."""
    x = dl.variable("x", ())
    h = x
    for _ in range(10):
        h = dl.sqrt(h)
    source = dl.compile([dl.backprop([x], dl.where(x > 0, h, x))[x]], [x]).source
    assert source.count("= where(") == 2


def test_a_network_of_rectifiers_is_differentiated_as_before():
    X, y = dl.variable("X", (None, 3)), dl.variable("y", (None,), int)
    network = dl.MLP([3, 4, 4, 3])
    J = dl.mean(dl.cross_entropy(network(X), y))
    gradients = dl.backprop(network.parameters, J)
    names = {V.operation.name for V in dl.Graph(gradients.values()) if V.operation}
    assert "heaviside" in names and not names & {"where", "not_equal", "logical_and"}
