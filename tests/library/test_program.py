"""Sections 6.5.1 and 6.5.5: a graph runs on numbers, safely, or says what is wrong with them."""

import ast
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import fewer

import dlbook as dl


def linear_model():
    """X w + b, with its inputs in the order in which the program takes them."""
    X, w, b = dl.variable("X", (None, 2)), dl.variable("w", (2,)), dl.variable("b", ())
    return X, w, b, (X @ w + b).named("y_hat")


# --- The source --------------------------------------------------------------------------------


def lines_of(program):
    """The function of a program's source, and its statements."""
    (function,) = [
        node for node in ast.parse(program.source).body if isinstance(node, ast.FunctionDef)
    ]
    return function, [ast.unparse(node) for node in function.body]


def test_the_source_is_python_with_one_line_for_each_operation():
    X, w, b, y_hat = linear_model()
    J = dl.sum(dl.relu(y_hat) ** 2)
    program = dl.compile([J], [X, w, b], simplify=False)
    function, _ = lines_of(program)
    assert [argument.arg for argument in function.args.args] == ["X", "w", "b"]
    *operations, last = function.body
    assert all(isinstance(line, ast.Assign) for line in operations)
    assert isinstance(last, ast.Return)
    assert len(operations) == 5  # matmul, add, relu, square, sum


def test_the_source_uses_the_names_of_the_graph_and_tells_shapes():
    X, w, b, y_hat = linear_model()
    source = dl.compile([y_hat], [X, w, b]).source
    assert "def program(X, w, b):\n" in source
    assert "matmul_1 = X.dot(w)  # (None,)" in source
    assert "y_hat = np.add(matmul_1, b, out=matmul_1)  # (None,)" in source
    assert "return [y_hat]" in source


def test_the_simplifier_can_be_switched_off():
    x = dl.variable("x", (3,))
    y = dl.log(dl.softmax(x * 1))
    plain, simple = (dl.compile([y], [x], simplify=on) for on in (False, True))
    assert "softmax" in plain.source and "multiply" in plain.source
    assert "softmax" not in simple.source and "multiply" not in simple.source
    assert_allclose(plain(np.arange(3.0))[0], simple(np.arange(3.0))[0], rtol=1e-14)


# --- Buffers -----------------------------------------------------------------------------------


def buffers(program):
    return program.source.count("= empty(")


def test_a_chain_of_any_length_needs_one_buffer():
    x = dl.variable("x", (None, 3))
    h = x
    for _ in range(20):
        h = dl.tanh(h)
    program = dl.compile([dl.sum(h)], [x])
    assert buffers(program) == 1
    value = np.linspace(-1, 1, 6).reshape(2, 3)
    expected = value
    for _ in range(20):
        expected = np.tanh(expected)
    assert_allclose(program(value)[0], expected.sum())


def test_gradients_over_several_paths_are_summed_in_one_buffer():
    X, w = dl.variable("X", (None, 4)), dl.variable("w", (4,))
    z = sum(dl.sum(dl.sin(X * (w * float(i)))) for i in range(1, 8))
    program = dl.compile([dl.backprop([w], z)[w]], [X, w])
    sums = [line for line in lines_of(program)[1] if "np.add(" in line]
    assert len(sums) == 6
    assert len({re.search(r"out=(\w+)", line)[1] for line in sums}) == 1


def test_no_value_is_overwritten_before_its_last_use():
    x, A = dl.variable("x", (3, 3)), np.arange(9.0).reshape(3, 3) / 10
    a = dl.exp(x)
    b = a + a.T  # a view of a is read beside a
    c = dl.tanh(b) * a  # a is read after b was made
    d = (c @ c).T + c.reshape(9).reshape(3, 3)
    program = dl.compile([dl.sum(d * b), c], [x])
    e = np.exp(A)
    c_value = np.tanh(e + e.T) * e
    expected = (((c_value @ c_value).T + c_value) * (e + e.T)).sum()
    for _ in range(2):
        z, c_result = program(A)
        assert_allclose(z, expected)
        assert_allclose(c_result, c_value)


def test_a_step_allocates_nothing_but_what_it_returns():
    X, y = dl.variable("X", (None, 64), np.float32), dl.variable("y", (None,), np.int64)
    W1, W2 = dl.variable("W1", (64, 128), np.float32), dl.variable("W2", (128, 10), np.float32)
    logits = dl.relu(X @ W1) @ W2
    J = dl.mean(dl.cross_entropy(logits, y)) + 1e-4 * (dl.sum(W1**2) + dl.sum(W2**2))
    program = dl.compile([J, *dl.backprop([W1, W2], J).values()], [X, y, W1, W2])
    rng = np.random.default_rng(0)
    values = [
        rng.normal(size=(256, 64)).astype(np.float32),
        rng.integers(0, 10, 256),
        rng.normal(size=(64, 128)).astype(np.float32),
        rng.normal(size=(128, 10)).astype(np.float32),
    ]
    program(*values)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        results = program(*values)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    returned = sum(result.nbytes for result in results)
    assert peak < returned + 16_000  # no temporary of 256 x 10 floats, let alone of 256 x 128


def test_the_buffers_follow_the_number_of_examples():
    X = dl.variable("X", (None, 2))
    program = dl.compile([dl.sum(dl.tanh(X) * X, axis=1), dl.mean(X)], [X])
    for m in (3, 1, 5, 3):
        value = np.arange(2.0 * m).reshape(m, 2)
        rows, mean = program(value)
        assert_allclose(rows, (np.tanh(value) * value).sum(axis=1))
        assert_allclose(mean, value.mean())


def test_a_program_may_be_called_from_several_threads():
    x = dl.variable("x", (1000,))
    h = dl.tanh(x)
    for _ in range(10):
        h = dl.tanh(h + x)
    program = dl.compile([h], [x])
    inputs = [np.full(1000, float(i)) for i in range(40)]
    expected = [program(value)[0] for value in inputs]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda value: program(value)[0], inputs))
    assert_array_equal(results, expected)


def test_an_operation_with_two_outputs_runs_once():
    X = dl.variable("X", (None, 5))
    largest, index = dl.max_and_index(X, axis=1)
    program = dl.compile([largest, dl.one_hot(index, 5), index], [X])
    assert program.source.count("max_and_index(") == 1
    value = np.random.default_rng(0).normal(size=(3, 5))
    results = program(value)
    assert_array_equal(results[0], value.max(axis=1))
    assert_array_equal(results[1], np.eye(5)[value.argmax(axis=1)])
    assert_array_equal(results[2], value.argmax(axis=1))


def test_an_operation_with_two_outputs_may_be_written_twice():
    c = dl.variable("c", (3,))
    first, second = dl.max_and_index(c)[0], dl.max_and_index(c)[0]
    for simplify in (True, False):
        program = dl.compile([first + second * 2, second], [c], simplify=simplify)
        assert program(np.arange(3.0)) == [6, 2]


def test_an_operation_must_keep_what_its_shape_rule_says():
    class Wrong(dl.Operation):
        name = "wrong"

        def infer_shape(self, a):
            return a.shape

        def f(self, a):
            return a.sum()

    x = dl.variable("x", (3,))
    for output in (Wrong()(x), Wrong()(x) * 2):
        with pytest.raises(ValueError, match=r"wrong: f gave an array of shape \(\), .* \(3,\)"):
            dl.evaluate(output, {x: np.ones(3)})


def test_many_outputs_are_returned_in_linear_time():
    x = dl.variable("x", (2,))
    outputs = [x * float(i) for i in range(3000)]
    results = dl.compile(outputs, [x])(np.ones(2))
    assert all((result == i).all() for i, result in enumerate(results))


# --- PyTorch -----------------------------------------------------------------------------------


def test_a_program_for_pytorch_takes_and_returns_tensors():
    X, w, b, y_hat = linear_model()
    J = dl.mean(dl.softplus(y_hat)) + 0.1 * dl.sum(w**2)
    outputs = [J, *dl.backprop([w, b], J).values()]
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(5, 2)), rng.normal(size=2), rng.normal(size=())]
    expected = dl.compile(outputs, [X, w, b])(*values)
    program = dl.compile(outputs, [X, w, b], backend="torch")
    for arguments in (map(torch.tensor, values), values):
        results = program(*arguments)
        for result, array in zip(results, expected, strict=True):
            assert isinstance(result, torch.Tensor) and result.dtype == torch.float64
            assert_allclose(result.numpy(), array, rtol=1e-14)


def test_tensors_that_pytorch_would_differentiate_are_taken_as_values():
    x = dl.variable("x", (2,))
    (result,) = dl.compile([x], [x], backend="torch")(
        torch.ones(2, dtype=float, requires_grad=True)
    )
    assert not result.requires_grad


def test_results_of_a_program_for_pytorch_share_no_memory():
    x, outputs = aliasing_graph()
    value = torch.arange(4.0, dtype=torch.float64).reshape(2, 2)
    results = dl.compile(outputs.values(), [x], backend="torch")(value)
    for result in results:
        result.fill_(-1)
    assert_array_equal(value.numpy(), np.arange(4.0).reshape(2, 2))
    again = dl.compile(outputs.values(), [x], backend="torch")(value)
    expected = dl.compile(outputs.values(), [x])(value.numpy())
    for result, array in zip(again, expected, strict=True):
        assert_array_equal(result.numpy(), array)


def test_a_program_runs_on_a_gpu():
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU here")
    X, w, b, y_hat = linear_model()
    program = dl.compile([dl.mean(dl.softplus(y_hat + 1))], [X, w, b], backend="torch")
    values = [torch.ones(3, 2, dtype=float), torch.ones(2, dtype=float), torch.tensor(0.5).double()]
    (on_gpu,), (on_cpu,) = program(*(v.cuda() for v in values)), program(*values)
    assert on_gpu.is_cuda
    assert_allclose(on_gpu.cpu(), on_cpu)
    with pytest.raises(ValueError, match="program: the tensors must be on one device, got 'X' on"):
        program(values[0].cuda(), *values[1:])


UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
ON_ANY_DTYPE = {
    "sum": dl.sum,
    "sum over no axes": lambda x: dl.sum(x, ()),
    "to float": lambda x: x.astype(float),
    "to int": lambda x: x.astype("int64"),
    "a part": lambda x: x[1:],
    "reshaped": lambda x: x.reshape(2, 1),
    "repeated": lambda x: dl.broadcast_to(x, (3, 2)),
    "joined": lambda x: dl.concatenate([x, x]),
    "stacked": lambda x: dl.stack([x, x]),
    "one-hot": lambda x: dl.one_hot(x, 4),
    "equal": lambda x: dl.equal(x, 3),
    "square": dl.square,
    "maximum": lambda x: dl.max_and_index(x)[0],
    "its place": dl.argmax,
    "chosen": lambda x: dl.where(np.array([True, False]), x, np.float32(1)),
    "compared": lambda x: x > 1,
}


@pytest.mark.parametrize("name", ON_ANY_DTYPE)
@pytest.mark.parametrize("dtype", [*UNSIGNED, "int8", "int16", "int32", "int64", "bool"])
def test_pytorch_computes_in_the_promised_dtype_or_says_so_when_compiling(dtype, name):
    x = dl.variable("x", (2,), dtype)
    try:
        V = ON_ANY_DTYPE[name](x)
    except TypeError:
        assert dtype == "bool"  # of which there is no square, and no one-hot vector
        return
    value = np.array([3, 1]).astype(dtype)
    expected = dl.compile([V], [x])(value)[0]
    try:
        program = dl.compile([V], [x], backend="torch")
    except TypeError as error:
        assert dtype in UNSIGNED[1:]
        assert re.match(
            rf"compile: PyTorch computes nothing with {dtype}, but \w+ gets 'x'", str(error)
        )
        return
    result = program(value)[0].numpy()
    assert result.dtype == V.dtype == expected.dtype
    assert_array_equal(result, expected)


def test_a_choice_is_made_in_the_common_dtype():
    c, n, x = (
        dl.variable("c", (2,), bool),
        dl.variable("n", (2,), np.int32),
        dl.variable("x", (2,), "f4"),
    )
    values = np.array([True, False]), np.array([16777217, 0], np.int32), np.array([0.5, 0.5], "f4")
    for backend in ("numpy", "torch"):
        (result,) = dl.compile([dl.where(c, n, x)], [c, n, x], backend=backend)(*values)
        assert_array_equal(np.asarray(result), [16777217, 0.5])


def test_arrays_that_run_backwards_become_tensors():
    x, A = dl.variable("x", (3,)), dl.variable("A", (3, 2))
    program = dl.compile([x + dl.sum(A, 1)], [x, A], backend="torch")
    a, b = np.arange(3.0), np.arange(6.0).reshape(3, 2)
    for flipped in ((a[::-1], b[::-1, ::-1]), (a, np.flip(b, 1)), (a[::-1].copy(), b.T[::-1].T)):
        assert_array_equal(program(*flipped)[0], flipped[0] + flipped[1].sum(1))


def test_wrong_tensors_are_reported():
    X, w, b, y_hat = linear_model()
    program = dl.compile([y_hat], [X, w, b], backend="torch")
    good = [torch.ones(4, 2, dtype=float), torch.ones(2, dtype=float), torch.ones((), dtype=float)]
    with pytest.raises(TypeError, match=r"'X' is float64 .*, but the tensor is float32 of shape"):
        program(good[0].float(), *good[1:])
    with pytest.raises(
        ValueError, match=r"'X' is float64 .*, but the value has the shape \(4, 3\)"
    ):
        program(torch.ones(4, 3, dtype=float), *good[1:])
    with pytest.raises(ValueError, match="'X' is empty"):
        program(good[0][:0], *good[1:])
    with pytest.raises(TypeError, match=r"program: 1 values for 3 inputs \(X, w, b\)"):
        program(good[0])
    with pytest.raises(
        ValueError, match="backend must be 'numpy' or 'torch' or 'javascript', got 'jax'"
    ):
        dl.compile([y_hat], [X, w, b], backend="jax")


# --- Names -------------------------------------------------------------------------------------


def test_what_is_used_twice_is_computed_once():
    x = dl.variable("x", ())
    y = dl.sin(x)
    assert dl.compile([y * y, y + 1, y, dl.sin(x)], [x]).source.count("np.sin(") == 1


def test_a_program_knows_its_inputs_and_outputs():
    X, w, b, y_hat = linear_model()
    program = dl.compile(y_hat, [X, w, b])
    assert program.inputs == [X, w, b]
    assert program.outputs == [y_hat]
    assert isinstance(program, dl.Program)


AWKWARD = [
    "m", "np", "slice", "Ellipsis", "store", "buffer_1",
    "program", "lambda", "None", "add", "multiply", "add_1", "constant", "constant_2", "print",
    "v_lambda", "__builtins__", "_", "2x", "a b", "a.b", "W'", "x#\n", "σ", "σ²", "x₁", "½", "重み",
]  # fmt: skip


@pytest.mark.parametrize("name", AWKWARD)
def test_a_variable_may_have_any_name(name):
    x = dl.variable(name, ())
    y = ((x + 2) * x).named(name)
    program = dl.compile([y, x], [x])
    assert program(3.0) == [15.0, 3.0]
    assert len(program.source.splitlines()) == 4


@given(names=st.lists(st.sampled_from([*AWKWARD, "x", "h"]), min_size=3, max_size=3))
@fewer
def test_names_may_clash(names):
    a, b = dl.variable(names[0], ()), dl.variable(names[1], ())
    h = (a - b).named(names[2])
    z = ((h + 2) * a).named(names[0])
    assert dl.compile([z, h, a, b], [a, b])(5.0, 3.0) == [20.0, 2.0, 5.0, 3.0]


def test_two_variables_of_the_same_name_stay_apart():
    first, second = dl.variable("W", ()), dl.variable("W", ())
    assert dl.evaluate(first - second, {first: 5.0, second: 3.0}) == 2
    assert dl.evaluate(first - second, {second: 3.0, first: 5.0}) == 2


def test_names_that_python_takes_for_the_same_stay_apart():
    # Python reads the letter of mathematics as a plain x.
    plain, bold = dl.variable("x", ()), dl.variable("\N{MATHEMATICAL BOLD SMALL X}", ())
    assert dl.evaluate(plain - bold, {plain: 5.0, bold: 3.0}) == 2
    h = (plain * 2).named("\N{MATHEMATICAL BOLD SMALL X}")
    assert dl.evaluate(h + plain, {plain: 5.0}) == 15


# --- Results -----------------------------------------------------------------------------------


def test_a_program_gives_one_result_for_each_output_in_order():
    X, w, b, y_hat = linear_model()
    results = dl.compile([b, y_hat, w, y_hat], [X, w, b])(np.eye(2), np.array([2.0, 3.0]), 1.0)
    for result, expected in zip(results, [1.0, [3.0, 4.0], [2.0, 3.0], [3.0, 4.0]], strict=True):
        assert_array_equal(result, expected)


def test_evaluate_gives_the_value_of_one_variable():
    X, w, b, y_hat = linear_model()
    values = {w: np.array([2.0, 3.0]), X: np.eye(2), b: 1.0}
    assert_array_equal(dl.evaluate(y_hat, values), [3.0, 4.0])
    assert_array_equal(dl.evaluate(w, values), [2.0, 3.0])
    assert dl.evaluate(dl.constant(2.0) * 3, {}) == 6


def test_a_program_runs_for_any_number_of_examples():
    X, w, b, y_hat = linear_model()
    program = dl.compile([y_hat], [X, w, b])
    for m in (1, 2, 100):
        assert program(np.ones((m, 2)), np.ones(2), 0.0)[0].shape == (m,)


def aliasing_graph():
    """Outputs of every kind that could share memory with something else."""
    x, c = dl.variable("x", (2, 2)), dl.constant(np.ones((2, 2)))
    h = x * 2
    outputs = {
        "input": x,
        "input once more": x,
        "constant": c,
        "view of an input": x.T,
        "view of a view of an input": x.T.reshape(4),
        "view of a constant": c.reshape(4),
        "computed": h,
        "computed once more": h,
        "view of what is computed": h.T,
        "the same entries": x.reshape(2, 2),
        "repeated": dl.broadcast_like(dl.sum(x), x),
        "sum over no axis": dl.sum(x, axis=()),
        "first power": x**1,
        "gradient of a sum": dl.backprop([x], dl.sum(x))[x],
    }
    return x, outputs


def test_results_share_no_memory_with_inputs_or_with_each_other():
    x, outputs = aliasing_graph()
    x_value = np.arange(4.0).reshape(2, 2)
    results = dl.compile(outputs.values(), [x])(x_value)
    for (name, result), place in zip(
        zip(outputs, results, strict=True), range(len(results)), strict=True
    ):
        assert result.flags.writeable, name
        for other in [x_value, *results[:place]]:
            assert not np.shares_memory(result, other), name


def test_changing_a_result_changes_nothing_later():
    x, outputs = aliasing_graph()
    program = dl.compile(outputs.values(), [x])
    x_value = np.arange(4.0).reshape(2, 2)
    first = program(x_value)
    kept = [result.copy() for result in first]
    second = program(x_value * 10)
    for result, expected in zip(first, kept, strict=True):
        assert_array_equal(result, expected)
    for result in [*first, *second]:
        result[...] = -1
    for result, expected in zip(program(x_value), kept, strict=True):
        assert_array_equal(result, expected)


def test_a_given_variable_in_the_middle_is_no_alias_of_its_result():
    x = dl.variable("x", (2,))
    h = x * 2
    h_value = np.array([3.0, 4.0])
    (result,) = dl.compile([h], [h])(h_value)
    assert not np.shares_memory(result, h_value)


def test_inputs_stay_as_they_are():
    x, outputs = aliasing_graph()
    x_value = np.arange(4.0).reshape(2, 2)
    x_value.flags.writeable = False
    dl.compile(outputs.values(), [x])(x_value)
    assert_array_equal(x_value, np.arange(4.0).reshape(2, 2))


# --- Inputs ------------------------------------------------------------------------------------


def test_a_variable_in_the_middle_may_be_an_input():
    _, _, b, y_hat = linear_model()
    J = dl.mean(y_hat)
    assert dl.compile([J], [y_hat])(np.array([1.0, 3.0])) == [2.0]
    assert dl.evaluate(J + b, {y_hat: np.array([1.0, 3.0]), b: 5.0}) == 7


def test_a_variable_in_the_middle_may_be_given_beside_what_it_comes_from():
    x = dl.variable("x", ())
    h = x * 2
    assert dl.evaluate(h + x, {h: 100.0, x: 1.0}) == 101


def test_inputs_that_nothing_depends_on_are_allowed():
    X, w, b, y_hat = linear_model()
    unused = dl.variable("unused", (3,))
    values = {unused: np.zeros(3), X: np.eye(2), w: np.ones(2), b: 0.0}
    assert_array_equal(dl.evaluate(y_hat, values), [1.0, 1.0])


def test_lists_of_floats_and_plain_numbers_are_accepted():
    X, w, b, y_hat = linear_model()
    values = {X: [[1.0, 2.0]], w: [3.0, 4.0], b: 5}
    assert_array_equal(dl.evaluate(y_hat, values), [16.0])
    n = dl.variable("n", (2,), np.int64)
    assert_array_equal(dl.evaluate(n + 1, {n: np.array([1, 2])}), [2, 3])


def test_a_plain_number_suits_a_float32():
    s = dl.variable("s", (), np.float32)
    for value in (2, 2.0, np.float32(2)):
        result = dl.evaluate(s * 2, {s: value})
        assert result == 4 and result.dtype == np.float32


def test_infinity_is_a_number():
    s = dl.variable("s", ())
    assert dl.evaluate(s + 1, {s: np.inf}) == np.inf


def test_values_may_lie_in_memory_in_any_order():
    X, w, b, y_hat = linear_model()
    X_value = np.arange(12.0).reshape(2, 6).T[::2]
    values = {X: X_value, w: np.array([1.0, 9.0, 1.0])[::2], b: 0.0}
    assert_array_equal(dl.evaluate(y_hat, values), X_value.sum(axis=1))


# --- Mistakes ----------------------------------------------------------------------------------


def test_a_missing_input_is_named_with_what_depends_on_it():
    X, w, b, y_hat = linear_model()
    with pytest.raises(ValueError, match="compile: no value is given for b, w, on which y_hat"):
        dl.compile([y_hat], [X])
    with pytest.raises(ValueError, match=r"^evaluate: no value is given for X, on which y_hat"):
        dl.evaluate(y_hat, {w: np.ones(2), b: 0.0})


def test_an_input_given_twice_is_named():
    X, w, b, y_hat = linear_model()
    with pytest.raises(ValueError, match="compile: given twice among the inputs: w"):
        dl.compile([y_hat], [X, w, b, w])


@pytest.mark.parametrize("wrong", ["x", 3, None, np.ones(2)])
def test_inputs_and_outputs_must_be_variables(wrong):
    x = dl.variable("x", ())
    with pytest.raises(TypeError, match="compile: the inputs must be variables, got"):
        dl.compile([x], [wrong])
    with pytest.raises(TypeError, match="compile: the outputs must be variables, got"):
        dl.compile([wrong], [x])


def test_a_name_is_no_variable():
    x = dl.variable("x", ())
    with pytest.raises(TypeError, match=r"^evaluate: the inputs must be variables, got 'x'"):
        dl.evaluate(x, {"x": 1.0})


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_a_wrong_number_of_values_is_reported(count):
    X, w, b, y_hat = linear_model()
    program = dl.compile([y_hat], [X, w, b])
    message = rf"program: {count} values for 3 inputs \(X, w, b\)"
    with pytest.raises(TypeError, match=message):
        program(*[1.0] * count)


GOOD = {"X": np.ones((4, 2)), "w": np.ones(2), "b": 1.0}


def run_with(name, value):
    X, w, b, y_hat = linear_model()
    values = GOOD | {name: value}
    return dl.compile([y_hat], [X, w, b])(values["X"], values["w"], values["b"])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X", np.ones((4, 3)), r"'X' is float64 of shape \(None, 2\), but .* shape \(4, 3\)"),
        ("X", np.ones(2), r"'X' is float64 of shape \(None, 2\), but the value has .*\(2,\)"),
        ("X", np.ones((1, 4, 2)), r"'X' is .*, but the value has the shape \(1, 4, 2\)"),
        ("w", np.ones((2, 1)), r"'w' is float64 of shape \(2,\), but .* shape \(2, 1\)"),
        ("w", np.ones(1), r"'w' is float64 of shape \(2,\), but .* shape \(1,\)"),
        ("w", 1.0, r"'w' is float64 of shape \(2,\), but the value has the shape \(\)"),
        ("b", np.ones(1), r"'b' is float64 of shape \(\), but the value has the shape \(1,\)"),
        ("X", np.ones((0, 2)), r"'X' is empty \(shape \(0, 2\)\): no examples to compute with"),
        ("X", [[1.0, 2.0], [3.0]], "'X'"),
    ],
)
def test_values_of_a_wrong_shape_and_empty_ones_are_reported(name, value, message):
    with pytest.raises(ValueError, match=message):
        run_with(name, value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X", np.ones((4, 2), int), r"'X' is float64 .*, but the value is int64 of shape \(4, 2\)"),
        ("X", np.ones((4, 2), np.float32), r"value is float32 .* by .astype\('float64'\)"),
        ("w", np.array([True, False]), "'w' is float64 .*, but the value is bool"),
        ("b", True, "'b' is float64 .*, but the value is bool"),
        ("w", ["a", "b"], "'w' is float64 .*, but the value is <U1"),
        ("w", "ab", "'w' is float64 .*, but the value is <U2"),
        ("b", None, r"'b' is float64 of shape \(\), but the value is object of shape \(\)"),
        ("w", np.array([1.0, None]), "'w' is float64 .*, but the value is object"),
        ("b", 1j, "'b' is float64 .*, but the value is complex128"),
    ],
)
def test_values_of_a_wrong_dtype_are_reported(name, value, message):
    with pytest.raises(TypeError, match=message):
        run_with(name, value)


def test_floats_are_not_cut_to_integers():
    n = dl.variable("n", (2,), np.int64)
    with pytest.raises(TypeError, match=r"'n' is int64 .*, but the value is float64"):
        dl.evaluate(n + 1, {n: np.array([1.5, 2.5])})
    with pytest.raises(TypeError, match=r"'m' is int64 .*, but the value is float64"):
        m = dl.variable("m", (), np.int64)
        dl.evaluate(m + 1, {m: 1.5})


def test_inputs_must_agree_on_the_number_of_examples():
    X, y = dl.variable("X", (None, 2)), dl.variable("y", (None,))
    J = dl.mean((y - dl.sum(X, 1)) ** 2)
    message = r"evaluate: .* number of examples: 'X' \(4, 2\), 'y' \(1,\)"
    with pytest.raises(ValueError, match=message):
        dl.evaluate(J, {X: np.ones((4, 2)), y: np.ones(1)})
    square = dl.variable("K", (None, None))
    with pytest.raises(ValueError, match=r"number of examples: 'K' \(2, 3\)"):
        dl.evaluate(square, {square: np.ones((2, 3))})


NAN = [
    ("X", [[1.0, np.nan]], r"'X' of shape \(1, 2\) contains NaN in 1 of 2 .* first at \(0, 1\)"),
    ("w", [1.0, np.nan], r"'w' of shape \(2,\) contains NaN in 1 of 2 .* first at \(1,\)"),
    ("b", float("nan"), r"'b' of shape \(\) contains NaN in 1 of 1"),
]


@pytest.mark.parametrize(("name", "value", "message"), NAN)
def test_nan_in_the_data_is_reported(name, value, message):
    X, w, b, y_hat = linear_model()
    values = {X: GOOD["X"][:1], w: GOOD["w"], b: GOOD["b"]}
    values |= {V: np.array(value) for V in values if V.name == name}
    with pytest.raises(ValueError, match=f"evaluate: {message}"):
        dl.evaluate(y_hat, values)
    with pytest.raises(ValueError, match=f"program: {message}"):
        dl.compile([dl.mean(y_hat)], values)(*values.values())


def test_nan_that_comes_from_elsewhere_is_a_result():
    x = dl.variable("x", ())
    with np.errstate(invalid="ignore"):
        assert np.isnan(dl.compile([dl.log(x)], [x])(-1.0)[0])


def test_a_program_that_refused_a_value_still_runs():
    X, w, b, y_hat = linear_model()
    program = dl.compile([y_hat], [X, w, b])
    with pytest.raises(ValueError, match="shape"):
        program(np.ones((1, 3)), np.ones(2), 0.0)
    assert_array_equal(program(np.ones((1, 2)), np.ones(2), 0.0)[0], [2.0])


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        (
            np.float32,
            1e300,
            r"evaluate: 'x' is float32 of shape \(\): 1e\+300 does not fit into float32",
        ),
        (np.int8, 300, r"evaluate: 'x' is int8 of shape \(\): 300 does not fit into int8"),
        (np.float32, np.float64(0.1), r"evaluate: 'x' is float32 .* but the value is float64"),
    ],
)
def test_a_number_never_loses_its_value_in_silence(dtype, value, message):
    x = dl.variable("x", (), dtype)
    with pytest.raises((ValueError, TypeError), match=message):
        dl.evaluate(x, {x: value})


def test_a_ragged_constant_is_an_error():
    with pytest.raises(ValueError, match="constant: the value is no array"):
        dl.constant([[1.0, 2.0], [3.0]])


def test_plain_numbers_in_lists_take_the_dtype():
    x = dl.variable("x", (None,), np.float32)
    assert_array_equal(dl.evaluate(x * 2, {x: [1, 2.5, 3]}), np.array([2, 5, 6], np.float32))
    n = dl.variable("n", (2, 2), np.int8)
    assert_array_equal(dl.evaluate(n, {n: ((1, 2), (3, -4))}), [[1, 2], [3, -4]])
    for V, value in [(x, [True, False]), (n, [[1, 2], [3, 4.5]]), (x, ["1", "2"])]:
        with pytest.raises(TypeError, match=f"evaluate: '{V.name}' is .*but the value is"):
            dl.evaluate(V, {V: value})
    with pytest.raises(ValueError, match=r"evaluate: 'n' is int8 .* does not fit into int8"):
        dl.evaluate(n, {n: [[1, 2], [3, 300]]})


def test_a_mask_is_never_lost_in_silence():
    x = dl.variable("x", (2,))
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    for use in (lambda: dl.evaluate(x, {x: masked}), lambda: dl.constant(masked)):
        with pytest.raises(TypeError, match="masked array, and its mask would be lost"):
            use()


def test_pytorch_finds_the_first_true_entry():
    b = dl.variable("b", (3,), bool)
    (found,) = dl.compile([dl.argmax(b)], [b], backend="torch")(np.array([False, True, True]))
    assert found == 1


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "float64", np.longlong, np.uint8, "?"])
def test_a_dtype_is_numpys_own_object_whatever_it_was_asked_for_by(dtype):
    x = dl.variable("x", (2,), dtype)
    assert x.dtype is np.dtype(x.dtype.name)
    value = np.ones(2, dtype)
    assert dl.constant(value).dtype == x.dtype
    assert_array_equal(dl.evaluate(x, {x: value}), value)


def test_values_that_fit_are_taken_at_a_glance():
    X, w, b, y_hat = linear_model()
    program = dl.compile([y_hat], [X, w, b])
    values = np.ones((3, 2)), np.ones(2), np.float64(0.5)
    program(*values)
    assert program._fits(*values)
    assert not program._fits(np.ones((4, 2)), *values[1:])
