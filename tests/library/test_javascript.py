"""Section 6.5.5: what a program in JavaScript looks like, what it keeps to, and what it refuses.

That it computes what the others compute is tested beside them: every operation, random graphs,
extreme values, the optimizers' steps.
"""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import few

import dlbook as dl
from dlbook.operations.elementwise import Elementwise
from dlbook.programs.javascript.helpers import CALLS, HELPERS


def javascript(outputs, inputs, **how):
    return dl.compile(outputs, inputs, backend="javascript", **how)


def xor_network(m=None):
    X, y = dl.variable("X", (m, 2)), dl.variable("y", (m,))
    W, c = dl.variable("W", (2, 2)), dl.variable("c", (2,))
    w, b = dl.variable("w", (2,)), dl.variable("b", ())
    J = dl.mean((y - (dl.relu(X @ W + c) @ w + b)) ** 2)
    return J, [X, y, W, c, w, b]


# --- The source ---------------------------------------------------------------------------------


def test_the_source_is_one_function_that_makes_the_program():
    J, inputs = xor_network()
    source = javascript([J, *dl.backprop(inputs[2:], J).values()], inputs).source
    assert source.startswith("function make(m) {\n") and source.endswith("}\n")
    assert "  return function program(X, y, W, c, w, b) {\n" in source
    for word in ("import", "export", "require", "eval", "window", "document"):
        assert not re.search(rf"\b{word}\b", source)


def test_each_loop_says_what_it_computes_and_of_which_shape():
    J, inputs = xor_network()
    source = javascript([J], inputs, simplify=False).source
    assert "    // matmul_1 (m, 2)\n    for (let i = 0; i < m; i++) {\n" in source
    assert "Math.max(matmul_1[i * 2 + j] + c[j], 0)" in source


def test_operations_on_entries_are_written_into_the_loop_that_reads_them():
    x = dl.variable("x", (5,))
    source = javascript([dl.sum(dl.exp(2 * x + 1))], [x]).source
    assert source.count("for (") == 1
    assert "sum_2 += Math.exp(2 * x[i] + 1);" in source


def test_what_is_read_twice_is_computed_once():
    x = dl.variable("x", (5,))
    e = dl.exp(x)
    source = javascript([dl.sum(e), dl.sum(e * x)], [x]).source
    assert source.count("Math.exp") == 1


def test_a_transpose_is_no_loop():
    A = dl.variable("A", (2, 3))
    assert javascript([dl.sum(A.T, axis=0)], [A]).source.count("for (") == 2
    source = javascript([dl.exp(A.T)], [A]).source
    assert "Math.exp(A[i + j * 3])" in source


def test_memory_is_used_again_when_nobody_reads_it_any_more():
    x = dl.variable("x", (None, 3))
    h = x
    for _ in range(40):
        h = dl.softmax(h @ np.eye(3))
    source = javascript([dl.sum(h)], [x]).source
    assert 2 <= len(re.findall(r"new Float64Array\(3 \* m\)", source)) <= 4


def test_names_are_those_of_the_graph_but_for_words_of_the_language():
    x, function = dl.variable("class", (2,)), dl.variable("m", ())
    program = javascript([dl.sum(x * function)], [x, function])
    assert "program(v_class, m_1)" in program.source
    assert program([1.0, 2.0], 3.0) == [9]


def test_only_the_helpers_that_are_called_are_there():
    x = dl.variable("x", (3,))
    assert "const" not in javascript([x + x], [x]).source.split("return")[0].replace(
        "const buffer", ""
    ).replace("const add", "")
    assert "const erf =" in javascript([dl.erfc(x)], [x]).source
    for name, code in HELPERS.items():
        called = {other for other in HELPERS if re.search(rf"\b{other}\b\s*[(\[]", code)}
        assert called - {name} <= set(CALLS.get(name, ())), name


def test_a_deep_graph_is_no_trouble():
    x = dl.variable("x", (2,))
    h = x
    for _ in range(3000):
        h = dl.tanh(h)
    program, other = javascript([h], [x], simplify=False), dl.compile([h], [x])
    assert_allclose(program([1.0, -2.0]), other([1.0, -2.0]), rtol=1e-12)


# --- What it keeps to ---------------------------------------------------------------------------


def test_results_are_the_callers_own():
    x = dl.variable("x", (3,))
    program = javascript([x, x + 1, x.reshape((3, 1))], [x])
    first = program([1.0, 2.0, 3.0])
    for result in first:
        result.fill(7)
    assert_array_equal(program([1.0, 2.0, 3.0])[1], [2, 3, 4])


def test_it_runs_for_any_number_of_examples_in_turn():
    J, inputs = xor_network()
    program, other = javascript([J], inputs), dl.compile([J], inputs)
    rng = np.random.default_rng(0)
    for m in (4, 1, 1000, 4):
        values = [
            rng.normal(size=[m if size is None else size for size in V.shape]) for V in inputs
        ]
        assert_allclose(program(*values), other(*values), rtol=1e-12)


def test_a_sum_of_many_is_as_precise_as_numpys():
    x = dl.variable("x", (None,))
    program = javascript([dl.sum(x)], [x])
    values = np.full(2**20 + 3, 0.1)
    (found,) = program(values)
    assert abs(found / (0.1 * len(values)) - 1) < 1e-14


@given(a=st.floats(-4, 4), b=st.one_of(st.floats(allow_nan=True), st.integers(-3, 3)))
@few
def test_a_power_is_numpys(a, b):
    x, p = dl.variable("x", ()), dl.variable("p", ())
    with np.errstate(all="ignore"):
        expected = np.power(a, float(b))
    try:
        (found,) = javascript([x**p], [x, p])(a, float(b))
    except ValueError as error:  # NaN among the values is reported
        assert "NaN" in str(error) and np.isnan(b)
        return
    assert_allclose(found, expected, rtol=1e-14)


def test_powers_of_one_and_of_what_is_infinite_are_numpys():
    x, p = dl.variable("x", (None,)), dl.variable("p", (None,))
    bases, exponents = np.meshgrid(
        [1, -1, 0, -0.0, 2, -2, 0.5, np.inf], [np.nan, np.inf, -np.inf, 0, 3]
    )
    with np.errstate(all="ignore"):
        expected = np.power(bases.ravel(), exponents.ravel())
    (found,) = javascript([x**p], [x, p])(bases.ravel(), exponents.ravel())
    assert_array_equal(found, expected)


def test_the_error_function_is_precise_far_out_too():
    x = dl.variable("x", (None,))
    values = np.concatenate([np.linspace(-6, 26, 3201), [np.inf, -np.inf, 0.0, -0.0, 1e-300]])
    erf, erfc = javascript([dl.erf(x), dl.erfc(x)], [x])(values)
    assert_allclose(erf, list(map(math.erf, values)), rtol=4e-15)
    assert_allclose(erfc, list(map(math.erfc, values)), rtol=4e-15)
    assert np.signbit(erf[-2])


def test_halves_are_rounded_as_numpy_rounds_them():
    x = dl.variable("x", (None,))
    rng = np.random.default_rng(0)
    sizes = 2.0 ** rng.uniform(-30, 17, 5000)
    values = np.concatenate(
        [rng.choice([-1, 1], 5000) * sizes, [65519.9, 65520, 2.0**-25, 0, -0.0]]
    )
    (found,) = javascript([dl.round_to(x, "float16")], [x])(values)
    with np.errstate(over="ignore"):
        assert_array_equal(found, values.astype(np.float16).astype(float))


@given(values=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=6))
@few
def test_int32_wraps_as_numpys_does(values):
    x = dl.variable("x", (None,), np.int32)
    outputs = [x * (x + 7), x + x - 7, -x, x**2]
    given_values = np.array(values, np.int32)
    with np.errstate(over="ignore"):
        expected = dl.compile(outputs, [x])(given_values)
    for found, wanted in zip(javascript(outputs, [x])(given_values), expected, strict=True):
        assert_array_equal(found, wanted)


# --- What it refuses ----------------------------------------------------------------------------


def test_integers_that_may_leave_2_to_the_53_are_refused_by_name_when_compiled():
    n = dl.variable("n", (3,), np.int64)
    with pytest.raises(TypeError, match=r"^compile: square of 'multiply' is int64 and may leave"):
        javascript([(n * 3) ** 2], [n])
    assert_array_equal(javascript([n * 3 + 1], [n])([1, -2, 3])[0], [4, -5, 10])


def test_an_integer_that_is_given_must_be_small_enough():
    n = dl.variable("n", (3,), np.int64)
    with pytest.raises(
        ValueError, match=r"'n' .* int64, and JavaScript is given such .* 2147483649"
    ):
        javascript([n + 1], [n])([1, 2, 2**31 + 1])


def test_an_operation_of_someone_elses_is_refused_by_name():
    class Twice(dl.Operation):
        name = "twice"

        def infer_shape(self, A):
            return A.shape

        def f(self, A):
            return 2 * A

    class Sine(Elementwise):
        name, kinds = "sine", "f"

        def f(self, a):
            return np.sin(a)

    x = dl.variable("x", (3,))
    with pytest.raises(TypeError, match=r"^compile: JavaScript has no loops for twice"):
        javascript([Twice()(x)], [x])
    with pytest.raises(TypeError, match=r"^compile: JavaScript has no formula for sine"):
        javascript([Sine()(x)], [x])


def test_values_that_do_not_fit_are_reported_in_the_words_of_numpys_program():
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,), np.int64)
    values = np.zeros((2, 3)), np.array([0, 3])
    messages = []
    for backend in ("numpy", "javascript"):
        with pytest.raises((ValueError, IndexError)) as raised:
            dl.compile([dl.cross_entropy(z, y)], [z, y], backend=backend)(*values)
        messages.append(str(raised.value))
    assert messages[0] == messages[1] and "label" in messages[0]


def test_nan_in_a_scalar_result_is_reported_with_the_input_it_came_from():
    x = dl.variable("x", (2,))
    with pytest.raises(ValueError, match=r"'x'.*NaN"):
        javascript([dl.sum(x)], [x])([1.0, np.nan])
