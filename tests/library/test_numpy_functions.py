"""NumPy's functions on variables: they add a node where there is one to add, or say what to use."""

import math
import operator

import numpy as np
import pytest
import scipy.special
from numpy.lib import NumpyVersion
from numpy.testing import assert_allclose

import dlbook as dl
from dlbook.numpy_functions import INSTEAD
from dlbook.operators import by_name

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0.2, 0.9, (2, 2)), RNG.uniform(0.2, 0.9, (2, 2))
x, y = dl.variable("x", (2, 2)), dl.variable("y", (2, 2))
ROWS = np.array([[1, 0], [0, 0]])


def value_of(V):
    return dl.evaluate(V, {x: X, y: Y})


def refused(call):
    with pytest.raises(TypeError) as caught:
        call()
    return str(caught.value)


# --- Functions that act entry by entry ----------------------------------------------------------

UFUNCS = sorted({f for f in vars(np).values() if isinstance(f, np.ufunc)}, key=lambda f: f.__name__)
# By the name that NumPy gives them; the operations of the library know it.
BITWISE = {"bitwise_and", "bitwise_or", "invert", "bitwise_not"}  # NumPy's words for & | ~
KNOWN = BITWISE | {getattr(f, "ufunc", "") or name for name, f in by_name.items()} | {"power"}


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_every_ufunc_of_numpy_is_an_operation_or_refused_by_name(ufunc):
    if ufunc.__name__ in KNOWN and ufunc is not np.heaviside:
        logical = ufunc.__name__.startswith("logical") or ufunc.__name__ in BITWISE
        taken, arrays = ((x > 0.5, y > 0.5), (X > 0.5, Y > 0.5)) if logical else ((x, y), (X, Y))
        V = ufunc(*taken[: ufunc.nin])
        assert isinstance(V, dl.Variable) and V.inputs[0] is taken[0]
        assert_allclose(value_of(V), ufunc(*arrays[: ufunc.nin]), rtol=1e-15)
    else:
        said = refused(lambda: ufunc(*(x, y)[: ufunc.nin]))
        assert said.startswith(f"np.{ufunc.__name__}: ") and "dlbook" in said


def test_the_operation_that_is_called_is_the_librarys_own():
    assert np.exp(x).operation is dl.exp and np.negative(x).operation is dl.negate
    assert np.absolute(x).operation is dl.abs and np.true_divide(x, y).operation is dl.divide
    assert np.power(x, 2).operation is dl.square and np.matmul(X, y).operation is dl.matmul
    assert str(np.maximum(0, X @ y)) == "maximum(0, matmul(constant, y))"
    assert scipy.special.erf(x).operation is dl.erf  # SciPy asks in the same way


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.pow,
    operator.gt, operator.ge, operator.lt, operator.le, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("sign", OPERATORS, ids=lambda f: f.__name__)
def test_an_array_on_the_left_of_an_operator_counts_as_a_constant(sign):
    for left in (X, X[0, 0], np.float64(0.5)):
        if np.ndim(left) or sign is not operator.matmul:
            assert_allclose(value_of(sign(left, y)), sign(left, Y), rtol=1e-15)


def test_variables_are_still_equal_to_themselves_alone():
    assert (x == x) is True and (x == y) is False and (x != y) is True and (x == 0) is False


def test_a_single_precision_array_on_the_left_keeps_its_precision():
    single = dl.variable("s", (2,), np.float32)
    assert (np.ones(2, np.float32) * single).dtype == np.float32
    assert np.maximum(0, single).dtype == np.float32


# --- Functions of whole arrays ------------------------------------------------------------------

# Each is called with NumPy on arrays, and in the same words on variables.
CALLS = {
    "argmin": [lambda A, B: np.argmin(A), lambda A, B: np.argmin(A, axis=-1)],
    "cumsum": [lambda A, B: np.cumsum(A), lambda A, B: np.cumsum(A, axis=1)],
    "expand_dims": [lambda A, B: np.expand_dims(A, 1), lambda A, B: np.expand_dims(A, (0, -1))],
    "norm": [lambda A, B: np.linalg.norm(A), lambda A, B: np.linalg.norm(A, axis=0)],
    "prod": [lambda A, B: np.prod(A), lambda A, B: np.prod(A, (0, 1), keepdims=True)],
    "squeeze": [lambda A, B: np.squeeze(A), lambda A, B: np.squeeze(A[:, :1], axis=1)],
    "std": [lambda A, B: np.std(A, 0), lambda A, B: np.std(A, ddof=1)],
    "var": [lambda A, B: np.var(A), lambda A, B: np.var(A, 1, ddof=1, keepdims=True)],
    "argmax": [lambda A, B: np.argmax(A), lambda A, B: np.argmax(A, 1)],
    "astype": [lambda A, B: np.astype(A, np.float32)],
    "broadcast_to": [lambda A, B: np.broadcast_to(A, (3, 2, 2))],
    "cholesky": [lambda A, B: np.linalg.cholesky(A @ A.T)],
    "clip": [lambda A, B: np.clip(A, 0.4, 0.6), lambda A, B: np.clip(A, a_min=0.4, a_max=0.6)],
    "concatenate": [lambda A, B: np.concatenate([A, B]), lambda A, B: np.concatenate((X, A), 1)],
    "dot": [lambda A, B: np.dot(A, B), lambda A, B: np.dot(A, 2.0)],
    "max": [lambda A, B: np.max(A), lambda A, B: np.max(A, axis=1, keepdims=True)],
    "mean": [lambda A, B: np.mean(A, 0), lambda A, B: np.mean(a=A)],
    "min": [lambda A, B: np.min(A, (0, 1))],
    "reshape": [lambda A, B: np.reshape(A, (1, 4)), lambda A, B: np.reshape(A, 4)],
    "stack": [lambda A, B: np.stack([A, B]), lambda A, B: np.stack([A, B], axis=-1)],
    "sum": [lambda A, B: np.sum(A), lambda A, B: np.sum(A, 0, None, None, True)],
    "take": [lambda A, B: np.take(A, ROWS, axis=0), lambda A, B: np.take(A, ROWS, 1)],
    "take_along_axis": [lambda A, B: np.take_along_axis(A, ROWS, 1)],
    "transpose": [lambda A, B: np.transpose(A), lambda A, B: np.transpose(A, axes=(1, 0))],
    "where": [lambda A, B: np.where(A > B, A, B), lambda A, B: np.where(X > 0.5, A, 0.0)],
}
ELSEWHERE = {"cholesky": np.linalg.cholesky, "norm": np.linalg.norm}


def test_all_functions_of_numpy_that_are_operations_are_tried():
    same = {name for name in by_name if callable(getattr(np, name, ELSEWHERE.get(name)))}
    assert same - {f.__name__ for f in UFUNCS} - {"abs"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_function_of_numpy_gives_what_it_gives_for_arrays(name):
    for call in CALLS[name]:
        V, expected = call(x, y), call(X, Y)
        assert isinstance(V, dl.Variable) and V.dtype == expected.dtype
        assert_allclose(value_of(V), expected, rtol=1e-15)


def test_the_shape_of_a_variable_is_known_to_numpy():
    rows = dl.variable("X", (None, 2))
    assert np.shape(rows) == (None, 2) and np.ndim(rows) == 2


# --- What there is not --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: np.sum(x, dtype=float), "np.sum: dlbook's sum takes A, axis, keepdims, and no dt"),
        (lambda: np.sum(x, 0, np.float32), "np.sum: .* no dtype"),
        (lambda: np.max(x, initial=0), "np.max: .* no initial"),
        (lambda: np.mean(x, where=X > 0), "np.mean: .* no where"),
        (lambda: np.reshape(x, 4, order="F"), "np.reshape: .* no order"),
        (lambda: np.where(x > 0), "np.where: dlbook's where takes condition, a, b"),
        (lambda: np.take(x, ROWS), "np.take: .* say which axis"),
        (lambda: np.heaviside(x, 0), "np.heaviside: dlbook's heaviside takes z"),
        (lambda: np.exp(x, where=X > 0), "np.exp: takes no where= where an input is a variable"),
        (lambda: np.add(x, 1, dtype=np.float32), "np.add: takes no dtype="),
        (lambda: np.exp(X, out=x), "np.exp: 'x' has no value yet"),
        (lambda: operator.iadd(X.copy(), x), r"np.add: .* write a = a \+ x in place of a \+= x"),
        (lambda: X // x, "np.floor_divide: 'x' is a variable, and dlbook has no"),
        (lambda: np.multiply.outer(x, y), "np.multiply.outer: 'x' is a variable"),
        (lambda: np.cbrt(x), r"np.cbrt: .*; write sign\(x\) \* abs\(x\) \*\* \(1 / 3\)"),
        (lambda: np.linalg.norm(x, 1), "np.linalg.norm: .* no ord"),
        (lambda: np.var(x, mean=X), "np.var: .* no mean"),
        (lambda: np.amax(x), "np.amax: .*; the closest is dlbook's max"),
        (lambda: np.fabs(x), "np.fabs: .*; the closest is dlbook's abs"),
        (lambda: np.emath.sqrt(x), "sqrt: 'x' is a variable, .* the closest is dlbook's sqrt"),
        (lambda: np.fft.fft(x), "np.fft.fft: .*; where its value is wanted, take dlbook.evaluate"),
        (lambda: np.allclose(x, X), "np.allclose: .* dlbook.evaluate first"),
        (lambda: scipy.special.expit(x), r"expit: 'x' is a variable, .*; write sigmoid\(x\)"),
        (lambda: np.array_equal(X, x), "np.array_equal: 'x' is a variable"),
        (lambda: np.add(x, [1.0, 2.0]), "add: an input must be a variable, .* got list"),
    ],
)  # fmt: skip
def test_what_there_is_no_operation_for_is_refused_with_what_to_use(call, words):
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.skipif(
    NumpyVersion(np.__version__) < "2.1.0", reason="NumPy's own clip wants both bounds"
)
@pytest.mark.parametrize("bounds", [{"min": 0}, {"a_min": 0}])
def test_clip_needs_both_bounds(bounds):
    with pytest.raises(TypeError, match=r"np.clip: dlbook's clip takes a, low, high"):
        np.clip(x, **bounds)


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.asarray(x), lambda: np.array([x]), lambda: np.array([x, 1.0]),
        lambda: np.sum([x, y]), lambda: np.full(2, x), lambda: scipy.special.softmax(x),
        lambda: np.float64(x), lambda: RNG.normal(x), lambda: assert_allclose(x, X),
    ],
)  # fmt: skip
def test_a_variable_is_no_array(call):
    with pytest.raises(TypeError, match="'x' is a variable and no array: it has no value before"):
        call()


@pytest.mark.parametrize("call", [float, int, complex, bool, math.exp, math.isfinite])
def test_a_variable_is_no_number(call):
    with pytest.raises(TypeError, match="'s' has no value before the graph runs"):
        call(dl.variable("s", ()))


def test_a_variable_has_no_length_and_no_entries_to_walk_over():
    assert refused(lambda: len(x)) == "'x' has no length before the graph runs; see its shape"
    for walk in (list, sum, max, iter, lambda V: [*V]):
        assert "'x' is not iterable: it has no entries" in refused(lambda walk=walk: walk(x))
    for join in (dl.stack, dl.concatenate):
        assert "takes a list of variables" in refused(lambda join=join: join(x))


# What NumPy's function is called with, where it is not one array.
ARGUMENTS = {
    "expand_dims": (X, 1), "float_power": (X, Y), "fmax": (X, Y), "fmin": (X, Y),
    "hstack": ([X, Y],), "hypot": (X, Y), "inner": (X, Y), "logaddexp": (X, Y),
    "outer": (X[0], Y[0]), "vdot": (X, Y), "vstack": ([X, Y],),
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in INSTEAD if "..." not in INSTEAD[n] and n != "einsum"])
def test_what_to_write_instead_gives_the_same(name):
    function = getattr(scipy.special if "expit" in name else np, name.split(".")[0], np.linalg.norm)
    function = getattr(function, name.partition(".")[2] or "__call__")
    a, b = (x[0], y[0]) if name == "outer" else (x, y)
    V = eval(INSTEAD[name], {**by_name, "np": np, "x": x, "y": y, "a": a, "b": b})
    assert_allclose(value_of(V), function(*ARGUMENTS.get(name, (X,))), rtol=1e-12)


@pytest.mark.parametrize("name", INSTEAD)
def test_what_to_write_instead_is_for_what_there_is_not(name):
    assert name not in by_name
