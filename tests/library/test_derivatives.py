"""Sections 6.5.6, 6.5.9 and 6.5.10: gradients of functions, Jacobians and second derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from scipy.sparse.linalg import LinearOperator, cg, eigsh
from strategies import few, fewer, rngs, smooth_values

import dlbook as dl
from dlbook import derivatives

PROGRAMS = [{}, {"simplify": False}, {"backend": "torch"}]


# --- grad --------------------------------------------------------------------------------------


def test_grad_makes_a_function_of_a_function():
    slope = dl.grad(lambda x: x**3)
    assert slope(2.0) == 12
    assert slope(-1.0) == 3
    assert isinstance(slope(2.0), np.float64)


def test_plain_numbers_and_lists_count_as_floats():
    slope = dl.grad(lambda x: dl.sum(x * x))
    for value in (3, True, np.float64(3)):
        assert slope(value) == 2 * value
    for values in ([1, 2], [1.0, 2.0], (1, 2), np.array([1.0, 2.0])):
        result = slope(values)
        assert result.dtype == np.float64
        assert_array_equal(result, [2, 4])
    assert_array_equal(slope([[1, 2], [3, 4]]), [[2, 4], [6, 8]])


def test_the_gradient_of_float32_is_float32():
    slope = dl.grad(lambda x: dl.sum(dl.tanh(x) * 0.1))
    for value in (np.float32(2), np.ones(3, np.float32)):
        assert slope(value).dtype == np.float32
        assert slope(value).shape == np.shape(value)


def test_grad_with_respect_to_any_argument():
    def f(x, y, n):
        return dl.sum(x * x * y) * n

    values = (np.array([1.0, 2.0]), np.array([3.0, 4.0]), 10)
    for argument, expected in [(0, [60, 160]), (1, [10, 40]), (2, 19), (-1, 19), (-3, [60, 160])]:
        assert_array_equal(dl.grad(f, argument)(*values), expected)
    assert_array_equal(dl.grad(f)(*values), [60, 160])
    assert_array_equal(dl.grad(f, argument=-2)(*values), [10, 40])


def test_grad_of_grad_is_the_second_derivative():
    second = dl.grad(dl.grad(lambda x: x**4))
    assert second(2.0) == 48
    assert dl.grad(second)(2.0) == 48
    assert dl.grad(dl.grad(dl.grad(dl.grad(lambda x: x**4))))(2.0) == 24
    tower = dl.sin
    for expected in [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin, np.cos]:
        tower = dl.grad(tower)
        assert_allclose(tower(0.7), expected(0.7), rtol=1e-15)


def test_mixed_second_derivatives():
    def f(x, y):
        return x**2 * y**3

    assert dl.grad(dl.grad(f, 0), 1)(2.0, 5.0) == 2 * 2 * 3 * 25
    assert dl.grad(dl.grad(f, 1), 0)(2.0, 5.0) == 2 * 2 * 3 * 25
    assert dl.grad(dl.grad(f, -1), -1)(2.0, 5.0) == 4 * 6 * 5


def test_grad_inside_a_function():
    """A penalty on the length of a gradient."""

    def potential(x):
        return dl.sum(x**3)

    def penalty(x):
        return dl.sum(dl.grad(potential)(x) ** 2)  # sum of 9 x^4

    assert_allclose(dl.grad(penalty)([1.0, 2.0]), [36, 288])
    # An inner derivative with respect to a variable of its own, at a point of the outer one.
    assert dl.grad(lambda x: x * dl.grad(lambda y: x * y**2)(3.0 * x))(2.0) == 6 * 3 * 4


ROLES = {
    "of a closure": (lambda x: dl.grad(lambda y: x * y)(x), 3.0),
    "of a closure that adds": (lambda x: x * dl.grad(lambda y: x + y)(x), 3.0),
    "of two arguments": (lambda x: dl.grad(lambda a, b: a * b)(x, x), 3.0),
    "of the second argument": (lambda x: dl.grad(lambda a, b: a * a * b, 1)(x, x), 9.0),
    "of what is computed from it": (lambda x: dl.grad(lambda y: y * dl.exp(0 * x) * x)(x), 3.0),
    "by forward mode": (lambda x: dl.grad(lambda y: dl.jvp(x * y, {x: 1.0}))(x), 1.0),
    "with its value": (lambda x: dl.value_and_grad(lambda y: x * y)(x)[1], 3.0),
}


@pytest.mark.parametrize("role", ROLES)
def test_one_variable_in_two_roles_is_told_apart(role):
    """The derivative is that by the argument alone, whatever else the variable does."""
    x = dl.variable("x", ())
    f, expected = ROLES[role]
    for place in (x, 1 * x):
        assert dl.evaluate(f(place), {x: 3.0}) == expected


def test_a_derivative_of_a_derivative_tells_roles_apart():
    assert dl.grad(lambda x: x * dl.grad(lambda y: x + y)(x))(5.0) == 1
    assert dl.grad(lambda x: dl.grad(lambda y: x * y * y)(x))(3.0) == 12  # of 2 x^2, all of x
    x = dl.variable("x", (2,))
    slope = dl.grad(lambda a, b: dl.sum(a * b))(x, x)
    assert_array_equal(dl.evaluate(slope, {x: np.array([1.0, 2.0])}), [1, 2])
    assert_array_equal(dl.evaluate(dl.grad(dl.sum)(slope), {x: np.ones(2)}), [1, 1])


def test_several_arguments_and_the_value():
    f = lambda a, b: dl.sum(a**2 * b)  # noqa: E731
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for places in ((0, 1), [0, 1], (0, -1)):
        by_a, by_b = dl.grad(f, places)(a, b)
        assert_array_equal(by_a, 2 * a * b)
        assert_array_equal(by_b, a**2)
    assert dl.grad(f, (1,))(a, b)[0].shape == (2,) and dl.grad(f, ())(a, b) == ()
    value, slope = dl.value_and_grad(f)(a, b)
    assert value == 19
    assert_array_equal(slope, 2 * a * b)
    value, (by_b, by_a) = dl.value_and_grad(f, (1, 0))(a, b)
    assert value == 19
    assert_array_equal(by_a, 2 * a * b)
    A, B = dl.variable("A", (2,)), dl.variable("B", (2,))
    value, (by_a, by_b) = dl.value_and_grad(f, (0, 1))(A, B)
    assert_array_equal(dl.evaluate(by_a, {A: a, B: b}), 2 * a * b)
    assert dl.evaluate(value, {A: a, B: b}) == 19


def test_grad_called_with_variables_gives_a_variable():
    x, s = dl.variable("x", (2,)), dl.variable("s", ())
    slope = dl.grad(lambda x, s: dl.sum(x * x) * s)
    gradient = slope(x, s)
    assert isinstance(gradient, dl.Variable)
    assert_array_equal(dl.evaluate(gradient, {x: np.array([1.0, 2.0]), s: 3.0}), [6, 12])
    with_number = slope(x, 3)
    assert_array_equal(dl.evaluate(with_number, {x: np.array([1.0, 2.0])}), [6, 12])
    by_number = dl.grad(lambda x, s: dl.sum(x) * s, 1)(x, 3.0)
    assert dl.evaluate(by_number, {x: np.array([1.0, 2.0])}) == 3


def test_grad_of_a_function_with_arrays_and_integers_inside():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert_array_equal(dl.grad(lambda x: dl.sum(A @ x))([1.0, 1.0]), [4, 6])
    slope = dl.grad(lambda z, y: dl.sum(dl.cross_entropy(z, y)))
    result = slope(np.zeros((2, 2)), np.array([0, 1]))
    assert_array_equal(result, [[-0.5, 0.5], [0.5, -0.5]])


def test_what_a_function_does_not_depend_on_has_the_gradient_0():
    for f in (
        lambda x, y: y * 2,
        lambda x, y: dl.constant(3.0),
        lambda x, y: dl.sum(dl.heaviside(x)),
    ):
        assert_array_equal(dl.grad(f)([1.0, 2.0], 3.0), [0, 0])


def test_grad_leaves_its_arguments_alone():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    slope = dl.grad(dl.sum)
    result = slope(x)
    result += 5
    assert_array_equal(x, [1, 2])
    assert_array_equal(slope(x), [1, 1])


@given(rng=rngs)
@few
def test_grad_equals_that_of_pytorch(rng):
    A, x = rng.normal(size=(4, 3)), rng.normal(size=3)

    def f(x, lib, A):
        return lib.logsumexp(lib.tanh(A @ x), 0) + lib.sum(x * x) * lib.sin(x[0])

    ours = dl.grad(lambda x: f(x, dl, A))(x)
    theirs = torch.func.grad(lambda x: f(x, torch, torch.from_numpy(A)))(torch.from_numpy(x))
    assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-14)


def test_grad_says_what_is_wrong():
    x = dl.variable("x", ())
    with pytest.raises(TypeError, match=r"^grad: takes a function of variables, got Variable"):
        dl.grad(x * x)
    with pytest.raises(TypeError, match=r"^grad: there is no argument 1 among 1"):
        dl.grad(lambda x: x, 1)(2.0)
    with pytest.raises(TypeError, match=r"^grad: there is no argument -3 among 2"):
        dl.grad(lambda x, y: x, -3)(2.0, 3.0)
    with pytest.raises(TypeError, match=r"^grad: there is no argument 0 among 0"):
        dl.grad(lambda: dl.constant(1.0))()
    for f, kind in [
        (lambda x: 3.0, "float"),
        (lambda x: [x], "list"),
        (lambda x: None, "NoneType"),
    ]:
        with pytest.raises(
            TypeError, match=f"^grad: the function must return a variable, got {kind}"
        ):
            dl.grad(f)(2.0)
    with pytest.raises(ValueError, match=r"^grad: .*scalar, but 'h' has the shape \(2,\)"):
        dl.grad(lambda x: (x * x).named("h"))([1.0, 2.0])


def test_grad_says_what_is_wrong_with_a_value():
    slope = dl.grad(dl.sum)
    with pytest.raises(ValueError, match=r"^grad: the value is no array: .*inhomogeneous"):
        slope([[1.0, 2.0], [3.0]])
    for value, dtype in [("1", "<U1"), (None, "object"), (1j, "complex128")]:
        with pytest.raises(TypeError, match=f"^grad: needs float32, float64, .*, got {dtype}"):
            slope(value)
    with pytest.raises(ValueError, match=r"^grad: 'x1' of shape \(2,\) contains NaN in 1 of 2"):
        slope([1.0, float("nan")])
    with pytest.raises(ValueError, match=r"^grad: 'x1' is empty \(shape \(0,\)\)"):
        slope([])
    with pytest.raises(dl.NotDifferentiable, match=r"^grad: 'x1' .*is int64; .* needs floats"):
        dl.grad(lambda n: dl.sum(n * 1.0))(np.array([1, 2]))
    with pytest.raises(ValueError, match=r"^grad: no value is given for w"):
        dl.grad(lambda x: x * x * dl.variable("w", ()))(2.0)
    assert dl.grad(lambda x: dl.where(x > 0, 1.0, 2.0))(2.0) == 0
    with pytest.raises(TypeError, match=r"^grad: an input must be a variable.*got list"):
        dl.grad(lambda x, y: x)(dl.variable("x", ()), [1.0])


# --- jacobian ----------------------------------------------------------------------------------


def flat(x):
    return x.reshape(int(np.prod(x.shape)))


# Functions of x with any shape, for dlbook and for PyTorch.
FUNCTIONS = {
    "entries": lambda x, lib: lib.tanh(x) * x,
    "softmax": lambda x, lib: lib.softmax(x, -1),
    "sum over an axis": lambda x, lib: lib.sum(lib.sin(x), 0),
    "scalar": lambda x, lib: lib.logsumexp(flat(x), 0),
    "outer": lambda x, lib: flat(x)[:, None] * lib.cos(flat(x)),
    "parts": lambda x, lib: x[..., :1] * x,
    "itself": lambda x, lib: x,
}


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 2)], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_jacobian_is_that_of_pytorch_in_both_modes(name, shape, how):
    value = smooth_values(np.random.default_rng(1), shape)
    x = dl.variable("x", shape)
    y = FUNCTIONS[name](x, dl)
    jacobians = [dl.jacobian(y, x, mode) for mode in (None, "forward", "reverse")]
    expected = torch.autograd.functional.jacobian(
        lambda x: FUNCTIONS[name](x, torch), torch.from_numpy(value)
    ).numpy()
    for V, result in zip(jacobians, dl.compile(jacobians, [x], **how)(value), strict=True):
        assert V.shape == y.shape + x.shape == tuple(result.shape)
        assert_allclose(result, expected, rtol=1e-12, atol=1e-14)


def test_the_jacobian_of_a_linear_function_is_its_matrix():
    A = np.arange(6.0).reshape(2, 3)
    x = dl.variable("x", (3,))
    for mode in ("forward", "reverse"):
        J = dl.jacobian(A @ x, x, mode)
        assert_array_equal(dl.evaluate(J, {x: np.ones(3)}), A)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_the_jacobian_of_what_does_not_change_with_x_is_0(mode):
    x, y, c = dl.variable("x", (3,)), dl.variable("y", (2,)), dl.constant([1.0, 2.0])
    values = {x: np.ones(3), y: np.ones(2)}
    for V in (y + dl.sum(0 * x), c * dl.sign(x[0]), dl.heaviside(x[:2]), dl.stop_gradient(x[:2])):
        assert_array_equal(dl.evaluate(dl.jacobian(V, x, mode), values), np.zeros((2, 3)))
    for V in (y * y, c * 2):  # a slip, most likely, as for backprop and hessian
        with pytest.raises(ValueError, match=r"^jacobian: 'x' is not an ancestor of 'multiply'"):
            dl.jacobian(V, x, mode)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_jacobian_has_the_dtype_of_its_function(mode, dtype):
    x = dl.variable("x", (3,), dtype)
    J = dl.jacobian(dl.softmax(x), x, mode)
    assert J.dtype == dtype
    assert dl.evaluate(J, {x: np.ones(3, dtype)}).dtype == dtype


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_jacobian_can_be_differentiated_again(mode):
    x = dl.variable("x", (3,))
    value = np.array([0.5, -1.0, 2.0])
    gradient = dl.backprop([x], dl.sum(x**3) * x[0])[x]
    H = dl.jacobian(gradient, x, mode)
    trace_slope = dl.backprop([x], dl.sum(H * np.eye(3)))[x]
    # trace = 6 x0 (x0 + x1 + x2) + 6 x0^2
    x0, x1, x2 = value
    expected = [6 * (2 * x0 + x1 + x2) + 12 * x0, 6 * x0, 6 * x0]
    assert_allclose(dl.evaluate(trace_slope, {x: value}), expected)


def counted_passes(monkeypatch):
    """Count how often the graph is gone through in each mode."""
    passes = {"forward": 0, "reverse": 0}

    def counting(mode, function):
        def counted(*arguments):
            passes[mode] += 1
            return function(*arguments)

        return counted

    monkeypatch.setattr(derivatives, "jvp", counting("forward", derivatives.jvp))
    monkeypatch.setattr(derivatives, "backprop", counting("reverse", derivatives.backprop))
    return passes


@pytest.mark.parametrize(
    ("outputs", "inputs", "expected"),
    [
        (50, 2, {"forward": 2, "reverse": 0}),
        (2, 50, {"forward": 0, "reverse": 2}),
        (7, 7, {"forward": 0, "reverse": 7}),
        (7, 8, {"forward": 0, "reverse": 7}),
        (8, 7, {"forward": 7, "reverse": 0}),
    ],
)
def test_by_default_the_mode_with_fewer_passes_is_taken(monkeypatch, outputs, inputs, expected):
    x, W = dl.variable("x", (inputs,)), dl.variable("W", (outputs, inputs))
    y = dl.tanh(W @ x)
    passes = counted_passes(monkeypatch)
    sizes = {}
    for mode in (None, "forward", "reverse"):
        sizes[mode] = len(dl.Graph([dl.jacobian(y, x, mode)]))
        if mode is None:
            assert passes == expected
    cheaper = max(expected, key=expected.get)
    assert sizes[None] == sizes[cheaper]
    if abs(outputs - inputs) > 1:
        assert sizes[None] < min(sizes["forward"], sizes["reverse"]) * 1.01
        assert sizes[None] < max(sizes["forward"], sizes["reverse"]) / 3


def test_a_mode_is_chosen_that_knows_the_number_of_its_passes(monkeypatch):
    X, w = dl.variable("X", (None, 2)), dl.variable("w", (2,))
    passes = counted_passes(monkeypatch)
    J = dl.jacobian(dl.tanh(X @ w), w)  # any number of outputs
    assert J.shape == (None, 2)
    assert passes == {"forward": 2, "reverse": 0}
    value, w_value = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0.1, -0.2])
    slopes = 1 - np.tanh(value @ w_value) ** 2
    result = dl.evaluate(J, {X: value, w: w_value})
    assert_allclose(result, slopes[:, None] * value, rtol=1e-13)

    J = dl.jacobian(dl.sum(X * w, 0), X)  # any number of inputs
    assert J.shape == (2, None, 2)
    assert passes == {"forward": 2, "reverse": 2}
    expected = np.broadcast_to((np.eye(2) * w_value)[:, None], (2, 3, 2))
    assert_allclose(dl.evaluate(J, {X: value, w: w_value}), expected)


def test_a_jacobian_needs_a_known_number_of_passes():
    X, w = dl.variable("X", (None, 2)), dl.variable("w", (2,))
    y = (X @ w).named("y")
    message = r"^jacobian: {} mode needs a fixed number of passes, but 'y' has the shape \(None,\)"
    with pytest.raises(ValueError, match=message.format("reverse") + r" and 'w' \(2,\)"):
        dl.jacobian(y, w, "reverse")
    with pytest.raises(ValueError, match=message.format("forward") + r" and 'X' \(None, 2\)"):
        dl.jacobian(y, X, "forward")
    with pytest.raises(ValueError, match=message.format("reverse") + r" and 'X' \(None, 2\)"):
        dl.jacobian(y, X)


def test_jacobian_says_what_is_wrong():
    x, n = dl.variable("x", (2,)), dl.variable("n", (2,), np.int64)
    for mode in ("backward", 1, ""):
        message = f"^jacobian: the mode must be 'forward' or 'reverse', got {mode!r}"
        with pytest.raises(ValueError, match=message):
            dl.jacobian(x * 2, x, mode)
    with pytest.raises(TypeError, match=r"^jacobian: an input must be a variable.*got list"):
        dl.jacobian([x * 2], x)
    for mode in ("forward", "reverse"):
        with pytest.raises(dl.NotDifferentiable, match=r"is int64; .* needs floats"):
            dl.jacobian(n * 2, n, mode)
        with pytest.raises(dl.NotDifferentiable, match=r"'n' .*is int64; .* needs floats"):
            dl.jacobian(n * x, n, mode)


# --- hvp ---------------------------------------------------------------------------------------


def network():
    """A small network with a smooth unit, and values for it."""
    rng = np.random.default_rng(3)
    X, y = dl.variable("X", (None, 2)), dl.variable("y", (None,), np.int64)
    W, b = dl.variable("W", (2, 3)), dl.variable("b", (3,))
    V = dl.variable("V", (3, 2))
    parameters = {V_: rng.normal(size=V_.shape) for V_ in (W, b, V)}
    data = {X: rng.normal(size=(6, 2)), y: np.array([0, 1, 1, 0, 1, 0])}
    decay = sum(dl.sum(P * P) for P in parameters)
    J = dl.mean(dl.cross_entropy(dl.tanh(X @ W + b) @ V, y)) + 0.05 * decay
    return J, parameters, data


def torch_cost(data):
    X, y = (torch.from_numpy(value) for value in data.values())

    def cost(W, b, V):
        decay = (W * W).sum() + (b * b).sum() + (V * V).sum()
        logits = torch.tanh(X @ W + b) @ V
        return torch.nn.functional.cross_entropy(logits, y) + 0.05 * decay

    return cost


def torch_hessian(parameters, data):
    """The Hessian with respect to all parameters as one long vector."""
    shapes = [value.shape for value in parameters.values()]
    ends = np.cumsum([value.size for value in parameters.values()])[:-1].tolist()

    def cost(theta):
        parts = torch.tensor_split(theta, ends)
        return torch_cost(data)(*(p.reshape(s) for p, s in zip(parts, shapes, strict=True)))

    theta = torch.from_numpy(np.concatenate([v.reshape(-1) for v in parameters.values()]))
    return torch.autograd.functional.hessian(cost, theta).numpy()


@given(rng=rngs)
@few
def test_hvp_is_that_of_pytorch(rng):
    J, parameters, data = network()
    vectors = [rng.normal(size=V.shape) for V in parameters]
    products = dl.hvp(J, parameters, vectors)
    values = {**parameters, **data}
    tensors = tuple(map(torch.from_numpy, parameters.values()))
    _, expected = torch.autograd.functional.hvp(
        torch_cost(data), tensors, tuple(map(torch.from_numpy, vectors))
    )
    for how in PROGRAMS:
        results = dl.compile(products, values, **how)(*values.values())
        for result, tensor in zip(results, expected, strict=True):
            assert_allclose(result, tensor.numpy(), rtol=1e-11, atol=1e-13)


def test_hvp_is_the_slope_of_the_gradient_along_the_vector():
    J, parameters, data = network()
    rng = np.random.default_rng(5)
    vectors = [rng.normal(size=V.shape) for V in parameters]
    gradient = dl.compile(dl.backprop(parameters, J).values(), [*parameters, *data])
    step = 1e-5

    def shifted(sign):
        pairs = zip(parameters.values(), vectors, strict=True)
        return gradient(*(w + sign * step * v for w, v in pairs), *data.values())

    products = dl.compile(dl.hvp(J, parameters, vectors), [*parameters, *data])
    results = products(*parameters.values(), *data.values())
    for product, plus, minus in zip(results, shifted(1), shifted(-1), strict=True):
        assert_allclose(product, (plus - minus) / (2 * step), rtol=1e-6, atol=1e-8)


def test_one_variable_gives_one_product_and_a_list_gives_a_list():
    x, y = dl.variable("x", (2,)), dl.variable("y", ())
    z = dl.sum(x**3) * y**2
    values = {x: np.array([1.0, 2.0]), y: 3.0}
    one = dl.hvp(z, x, np.array([1.0, 10.0]))
    assert_array_equal(dl.evaluate(one, values), [54, 1080])
    (listed,) = dl.hvp(z, [x], [np.array([1.0, 10.0])])
    assert_array_equal(dl.evaluate(listed, values), [54, 1080])
    # Two variables count as one long vector, with the mixed derivatives.
    for_x, for_y = dl.hvp(z, (x, y), (np.zeros(2), 1.0))
    assert_array_equal(dl.evaluate(for_x, values), [18, 72])
    assert dl.evaluate(for_y, values) == 18


def test_a_vector_may_be_a_variable_an_array_or_a_number():
    x, v = dl.variable("x", (None,)), dl.variable("v", (None,))
    product = dl.hvp(dl.sum(x**3), x, v)
    assert product.shape == (None,)
    for m in (1, 3):
        values = {x: np.arange(1.0, m + 1), v: np.ones(m)}
        assert_array_equal(dl.evaluate(product, values), 6 * values[x])
    s = dl.variable("s", ())
    assert dl.evaluate(dl.hvp(s**3, s, 2), {s: 5.0}) == 60
    x32 = dl.variable("x32", (2,), np.float32)
    assert dl.hvp(dl.sum(x32**3), x32, np.ones(2)).dtype == np.float32


def test_the_vector_is_not_differentiated_through():
    """Equation 6.59 holds for a v that does not depend on x; here one that does counts as fixed."""
    x = dl.variable("x", (2,))
    z = dl.sum(x**3)
    value = np.array([1.0, 2.0])
    gradient = dl.backprop([x], z)[x]
    for v, v_value in [(x, value), (gradient, 3 * value**2), (x * x, value**2)]:
        assert_array_equal(dl.evaluate(dl.hvp(z, x, v), {x: value}), 6 * value * v_value)
    wrong = dl.backprop([x], dl.sum(gradient * x))[x]  # differentiates v = x, too
    assert_array_equal(dl.evaluate(wrong, {x: value}), 6 * value * value + 3 * value**2)


def test_what_is_linear_or_made_of_straight_pieces_has_the_product_0():
    x, s = dl.variable("x", (3,)), dl.variable("s", ())
    value = np.array([1.0, -2.0, 3.0])
    a = np.array([2.0, 3.0, 4.0])
    for z in (dl.sum(x), dl.sum(a * x), dl.sum(dl.relu(x)), dl.sum(dl.abs(x)), dl.max(x), x[0]):
        product = dl.hvp(z, x, a)
        assert product.shape == (3,)
        assert_array_equal(dl.evaluate(product, {x: value}), [0, 0, 0])
    for_x, for_s = dl.hvp(dl.sum(x) + s, [x, s], [a, 1.0])
    assert_array_equal(dl.evaluate(for_x, {x: value}), [0, 0, 0])
    assert dl.evaluate(for_s, {s: 1.0}) == 0


def test_a_product_with_the_hessian_costs_a_few_gradients_not_n():
    J, parameters, _ = network()
    product = dl.hvp(J, parameters, [np.ones(V.shape) for V in parameters])
    gradient = dl.backprop(parameters, J)
    assert len(dl.Graph(product)) < 4 * len(dl.Graph(gradient.values()))


def test_hvp_says_what_is_wrong():
    x, y, n = dl.variable("x", (2,)), dl.variable("y", ()), dl.variable("n", (2,), np.int64)
    z = (dl.sum(x**2) + dl.sum(n)).named("z")
    one = np.ones(2)
    with pytest.raises(ValueError, match=r"^hvp: 2 variables need as many vectors, got 1"):
        dl.hvp(z, [x, y], [one])
    with pytest.raises(ValueError, match=r"^hvp: there must be at least one variable"):
        dl.hvp(z, [], [])
    message = r"^hvp: the vector for 'x' must have its shape \(2,\), got "
    with pytest.raises(ValueError, match=message + r"\(3,\)"):
        dl.hvp(z, x, np.ones(3))
    with pytest.raises(ValueError, match=message + r"\(\)"):
        dl.hvp(z, x, 1.0)
    with pytest.raises(TypeError, match=r"^hvp: an input must be a variable.*got list"):
        dl.hvp(z, x, [1.0, 1.0])
    with pytest.raises(ValueError, match="'y' is not an ancestor of 'z'"):
        dl.hvp(z, y, 1.0)
    with pytest.raises(ValueError, match=r"scalar, but 'x' has the shape \(2,\)"):
        dl.hvp(x, x, one)
    with pytest.raises(dl.NotDifferentiable, match=r"'n' .*is int64"):
        dl.hvp(z, n, one)
    with pytest.raises(ValueError, match="contains NaN"):
        dl.hvp(z, x, one * np.nan)


# --- hessian -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
def test_the_hessian_of_a_network_is_that_of_pytorch(how):
    J, parameters, data = network()
    values = {**parameters, **data}
    expected = torch.autograd.functional.hessian(
        torch_cost(data), tuple(map(torch.from_numpy, parameters.values()))
    )
    hessians = [dl.hessian(J, V) for V in parameters]
    results = dl.compile(hessians, values, **how)(*values.values())
    for i, (V, result) in enumerate(zip(parameters, results, strict=True)):
        assert hessians[i].shape == V.shape + V.shape == tuple(result.shape)
        assert_allclose(result, expected[i][i].numpy(), rtol=1e-11, atol=1e-13)


@given(rng=rngs, n=st.integers(1, 4))
@fewer
def test_a_hessian_is_symmetric_and_the_jacobian_of_the_gradient(rng, n):
    x = dl.variable("x", (n,))
    z = dl.logsumexp(x * x) * dl.sum(dl.sin(x)) + dl.max(x)
    gradient = dl.backprop([x], z)[x]
    outputs = [dl.hessian(z, x)] + [dl.jacobian(gradient, x, m) for m in ("forward", "reverse")]
    H, *others = dl.compile(outputs, [x])(rng.normal(size=n))
    assert_allclose(H, H.T, rtol=1e-12, atol=1e-13)
    for other in others:
        assert_allclose(H, other, rtol=1e-12, atol=1e-13)


def test_hessians_that_one_knows():
    x, s = dl.variable("x", (2,)), dl.variable("s", ())
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    value = np.array([3.0, 5.0])
    assert_array_equal(dl.evaluate(dl.hessian(x @ A @ x, x), {x: value}), A + A.T)
    assert_array_equal(dl.evaluate(dl.hessian(x[0] * x[1], x), {x: value}), [[0, 1], [1, 0]])
    assert_array_equal(dl.evaluate(dl.hessian(dl.sum(x), x), {x: value}), np.zeros((2, 2)))
    assert_array_equal(dl.evaluate(dl.hessian(dl.sum(x**3), x), {x: value}), np.diag(6 * value))
    second = dl.hessian(s**4, s)
    assert second.shape == ()
    assert dl.evaluate(second, {s: 2.0}) == 48


def test_the_hessian_of_a_cost_of_any_number_of_examples():
    X, w = dl.variable("X", (None, 2)), dl.variable("w", (2,))
    H = dl.hessian(dl.mean((X @ w) ** 2) / 2, w)
    for m in (1, 5):
        value = np.arange(2.0 * m).reshape(m, 2)
        result = dl.evaluate(H, {X: value, w: np.ones(2)})
        assert_allclose(result, value.T @ value / m)


def test_hessian_says_what_is_wrong():
    X, x = dl.variable("X", (None, 2)), dl.variable("x", (2,))
    message = r"^hessian: the shape of 'X' is not fixed: \(None, 2\)"
    with pytest.raises(ValueError, match=message):
        dl.hessian(dl.sum(X * X), X)
    with pytest.raises(ValueError, match="scalar, but 'multiply' has the shape"):
        dl.hessian(x * x, x)
    with pytest.raises(ValueError, match="'x' is not an ancestor of 'sum'"):
        dl.hessian(dl.sum(X), x)
    with pytest.raises(TypeError, match=r"^hessian: an input must be a variable.*got list"):
        dl.hessian(dl.sum(x), [x])


# --- hessian_operator --------------------------------------------------------------------------


def test_the_operator_is_the_hessian():
    J, parameters, data = network()
    A = dl.hessian_operator(J, parameters, data)
    H = torch_hessian(parameters, data)
    n = sum(value.size for value in parameters.values())
    assert isinstance(A, LinearOperator)
    assert (A.shape, A.dtype) == ((n, n), np.float64)
    rng = np.random.default_rng(0)
    v, M = rng.normal(size=n), rng.normal(size=(n, 3))
    for ours, theirs in [
        (A @ v, H @ v),
        (A.matvec(v[:, None]), H @ v[:, None]),
        (A @ M, H @ M),
        (A.T @ v, H @ v),
        (A.H @ v, H @ v),
        (A.rmatvec(v), H @ v),
        (A @ np.eye(n), H),
        ((2 * A + A) @ v, 3 * H @ v),
        (A @ np.arange(n), H @ np.arange(n)),
    ]:
        assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_the_operator_needs_no_data_where_there_is_none():
    x, s = dl.variable("x", (2,)), dl.variable("s", ())
    A = dl.hessian_operator(dl.sum(x**3) * s**2, {s: 3.0, x: [1.0, 2.0]})
    expected = [[18, 18, 72], [18, 54, 0], [72, 0, 108]]
    assert_allclose(A @ np.eye(3), expected)


def test_the_operator_stays_at_its_point():
    x = dl.variable("x", (2,))
    point = np.array([1.0, 2.0])
    A = dl.hessian_operator(dl.sum(x**3), {x: point})
    v = np.ones(2)
    first = A @ v
    point += 100  # as training does, in place
    assert_array_equal(first, [6, 12])
    assert_array_equal(A @ v, [6, 12])
    assert_array_equal(v, [1, 1])


def test_the_operator_of_float32_computes_in_float32():
    _, parameters, data = network()
    single = {
        dl.variable(V.name, V.shape, np.float32): v.astype(np.float32)
        for V, v in parameters.items()
    }
    W, b, V = single
    X, y = data
    X32 = dl.variable("X", X.shape, np.float32)
    decay = sum(dl.sum(P * P) for P in single)
    J32 = dl.mean(dl.cross_entropy(dl.tanh(X32 @ W + b) @ V, y)) + 0.05 * decay
    A = dl.hessian_operator(J32, single, {X32: data[X].astype(np.float32), y: data[y]})
    assert A.dtype == np.float32
    v = np.ones(A.shape[0])
    assert (A @ v).dtype == np.float32
    assert_allclose(A @ v, torch_hessian(parameters, data) @ v, rtol=1e-4, atol=1e-5)
    # Dtypes may mix: a few parameters more precise than others.
    x, w = dl.variable("x", (2,), np.float32), dl.variable("w", (2,))
    A = dl.hessian_operator(dl.sum(x * x * w), {x: np.ones(2, np.float32), w: np.ones(2)})
    assert A.dtype == np.float64
    assert_array_equal(A @ np.ones(4), [4, 4, 2, 2])


def convex():
    """Logistic regression with weight decay, whose Hessian is positive definite."""
    rng = np.random.default_rng(8)
    X, y = dl.variable("X", (None, 5)), dl.variable("y", (None,), np.int64)
    w, b = dl.variable("w", (5,)), dl.variable("b", ())
    J = dl.mean(dl.binary_cross_entropy(X @ w + b, y)) + 0.05 * (dl.sum(w * w) + b * b)
    data = {X: rng.normal(size=(30, 5)), y: rng.integers(0, 2, 30)}
    return J, {w: rng.normal(size=5), b: 0.3}, data


def test_conjugate_gradients_solve_a_newton_step_through_the_operator():
    J, parameters, data = convex()
    A = dl.hessian_operator(J, parameters, data)
    program = dl.compile(dl.backprop(parameters, J).values(), [*parameters, *data])
    g = np.concatenate([np.ravel(x) for x in program(*parameters.values(), *data.values())])
    H = A @ np.eye(6)
    assert np.linalg.eigvalsh(H)[0] > 0
    expected = np.linalg.solve(H, -g)
    result = dl.conjugate_gradients(A, -g, tolerance=1e-10)
    assert result.converged
    assert result.iterations <= 7
    assert_allclose(result.x, expected, rtol=1e-8)
    solution, failed = cg(A, -g, rtol=1e-10)
    assert failed == 0
    assert_allclose(solution, expected, rtol=1e-8)


def test_conjugate_gradients_report_a_hessian_that_is_not_positive_definite():
    x = dl.variable("x", (2,))
    A = dl.hessian_operator(x[0] ** 2 - x[1] ** 2, {x: np.ones(2)})
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        dl.conjugate_gradients(A, np.array([0.0, 1.0]))


def test_lanczos_and_eigsh_find_the_extreme_curvatures_through_the_operator():
    J, parameters, data = network()
    A = dl.hessian_operator(J, parameters, data)
    eigenvalues = np.linalg.eigvalsh(torch_hessian(parameters, data))
    n = A.shape[0]
    ritz = dl.lanczos(A, n, np.random.default_rng(0)).ritz_values
    assert_allclose(ritz[[0, -1]], eigenvalues[[0, -1]], rtol=1e-8)
    few_steps = dl.lanczos(A, 8, np.random.default_rng(0))
    assert_allclose(few_steps.ritz_values[-1], eigenvalues[-1], rtol=1e-3)
    start = np.ones(n)
    for which, place in [("LA", -1), ("SA", 0)]:
        (found,) = eigsh(A, k=1, which=which, v0=start, return_eigenvectors=False)
        assert_allclose(found, eigenvalues[place], rtol=1e-8)


def test_hessian_operator_says_what_is_wrong():
    x, n, w = dl.variable("x", (2,)), dl.variable("n", (2,), np.int64), dl.variable("w", ())
    z = (dl.sum(x * x * n) * w).named("z")
    one, integers = np.ones(2), np.array([1, 2])
    with pytest.raises(ValueError, match="there must be at least one variable"):
        dl.hessian_operator(z, {})
    with pytest.raises(TypeError, match=r"^hessian_operator: .*variables, got 'x'"):
        dl.hessian_operator(z, {"x": one})
    with pytest.raises(dl.NotDifferentiable, match=r"^hessian_operator: 'n' .*is int64"):
        dl.hessian_operator(z, {n: integers})
    with pytest.raises(ValueError, match=r"'x' is float64 of shape \(2,\), but .* shape \(3,\)"):
        dl.hessian_operator(z, {x: np.ones(3)}, {n: integers, w: 1.0})
    with pytest.raises(TypeError, match=r"'x' is float64 .* but the value is float32"):
        dl.hessian_operator(z, {x: one.astype(np.float32)}, {n: integers, w: 1.0})
    with pytest.raises(ValueError, match=r"^hessian_operator: no value is given for w"):
        dl.hessian_operator(z, {x: one}, {n: integers})
    with pytest.raises(ValueError, match="'stranger' is not an ancestor of 'z'"):
        dl.hessian_operator(z, {dl.variable("stranger", ()): 1.0})
    A = dl.hessian_operator(z, {x: one}, {n: integers, w: 1.0})
    with pytest.raises(ValueError, match=r"[Dd]imension mismatch"):
        A @ np.ones(3)
