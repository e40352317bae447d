"""Section 6.5.6: every operation computes what it says, and its bprop is its derivative.

The operations are found, not listed: each class in ``dlbook.operations`` needs an entry among the
examples below, and is then held against NumPy, against finite differences and against PyTorch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import (
    EXAMPLES,
    broadcastable,
    few,
    fewer,
    hide_examples,
    rngs,
    shapes,
    sizes,
    smooth_values,
)

import dlbook as dl
from dlbook.operations.base import Constant
from dlbook.operations.elementwise import (
    Add,
    AsType,
    Divide,
    Multiply,
    Negate,
    Power,
    Relu,
    Square,
    Step,
    Subtract,
)
from dlbook.operations.linear import MatMul
from dlbook.operations.reductions import Count, Mean, Sum
from dlbook.operations.shapes import BroadcastLike, ExpandDims, Reshape, Squeeze, Transpose

# --- Examples: for each operation, how to draw one use of it ---------------------------------


@dataclass(frozen=True)
class Example:
    """One use of an operation: with these arrays it should give what ``numpy`` gives."""

    operation: dl.Operation
    arrays: list[np.ndarray]
    numpy: Callable | None = None  # where NumPy has a counterpart
    shapes: list[tuple] | None = None  # of the variables, if not those of the arrays

    def variables(self):
        shapes = self.shapes or [array.shape for array in self.arrays]
        return [
            dl.variable("abcdefgh"[i], shape, array.dtype)
            for i, (shape, array) in enumerate(zip(shapes, self.arrays, strict=True))
        ]

    def as_type(self, dtype):
        arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in self.arrays]
        return Example(self.operation, arrays, self.numpy, self.shapes)

    @property
    def float_places(self):
        """The inputs that have a gradient."""
        return [i for i, array in enumerate(self.arrays) if array.dtype.kind == "f"]


EXAMPLES_OF = {}


def example_of(kind):
    """Register the function below as the one that draws examples of this operation."""

    def register(make):
        EXAMPLES_OF[kind] = make
        return make

    return register


def elementwise(kind, numpy, inputs, positive=False):
    """Register an operation without settings that acts entry by entry."""

    @example_of(kind)
    def make(draw):
        rng = draw(rngs)
        arrays = [smooth_values(rng, s, positive) for s in draw(broadcastable(inputs))]
        return Example(kind(), arrays, numpy)


elementwise(Add, np.add, inputs=2)
elementwise(Subtract, np.subtract, inputs=2)
elementwise(Multiply, np.multiply, inputs=2)
elementwise(Divide, np.divide, inputs=2)
elementwise(Negate, np.negative, inputs=1)
elementwise(Square, np.square, inputs=1)
elementwise(Relu, lambda z: np.maximum(z, 0), inputs=1)
elementwise(Step, lambda z: np.heaviside(z, 0), inputs=1)


@example_of(AsType)
def draw_astype(draw):
    array = smooth_values(draw(rngs), draw(shapes))
    return Example(AsType(array.dtype), [array], np.array)


@example_of(Power)
def draw_power(draw):
    exponent = draw(st.sampled_from([-2, -1, -0.5, 0.5, 1.5, 3, 4.0]))
    array = smooth_values(draw(rngs), draw(shapes), positive=exponent % 1 != 0)
    return Example(Power(exponent), [array], lambda a: np.power(a, exponent))


@example_of(MatMul)
def draw_matmul(draw):
    rows, inner, columns = draw(sizes), draw(sizes), draw(sizes)
    stack_a, stack_b = draw(broadcastable(2, max_dims=2))
    left = draw(st.sampled_from([(inner,), (*stack_a, rows, inner)]))
    right = draw(st.sampled_from([(inner,), (*stack_b, inner, columns)]))
    rng = draw(rngs)
    return Example(MatMul(), [smooth_values(rng, left), smooth_values(rng, right)], np.matmul)


def draw_reduction(kind, numpy):
    @example_of(kind)
    def make(draw):
        shape, keepdims = draw(shapes), draw(st.booleans())
        axes = draw_axes(draw, len(shape))
        return Example(
            kind(axes, keepdims),
            [smooth_values(draw(rngs), shape)],
            lambda a: numpy(a, axis=axes, keepdims=keepdims),
        )


draw_reduction(Sum, np.sum)
draw_reduction(Mean, np.mean)


@example_of(Count)
def draw_count(draw):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape))
    return Example(
        Count(axes),
        [smooth_values(draw(rngs), shape)],
        lambda a: np.asarray(np.prod([a.shape[axis] for axis in axes]), a.dtype),
    )


@example_of(Transpose)
def draw_transpose(draw):
    shape = draw(shapes)
    axes = tuple(draw(st.permutations(range(len(shape)))))
    array = smooth_values(draw(rngs), shape)
    return Example(Transpose(axes), [array], lambda a: np.transpose(a, axes))


@example_of(Reshape)
def draw_reshape(draw):
    a, b, c, m = draw(sizes), draw(sizes), draw(sizes), EXAMPLES
    before, after = draw(
        st.sampled_from(
            [
                ((a, b, c), (a * b, c)),
                ((a, b), (b, a)),
                ((a,), (1, a, 1)),
                ((1, 1), ()),
                ((None, a, b), (None, a * b)),
                ((None, a), (None, 1, a)),
                ((None, 1), (None,)),
            ]
        )
    )
    array = smooth_values(draw(rngs), tuple(m if s is None else s for s in before))
    filled = tuple(m if s is None else s for s in after)
    return Example(Reshape(after), [array], lambda a: np.reshape(a, filled), [before])


@example_of(ExpandDims)
def draw_expand_dims(draw):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape) + 2, exactly=2)
    array = smooth_values(draw(rngs), shape)
    return Example(ExpandDims(axes), [array], lambda a: np.expand_dims(a, axes))


@example_of(Squeeze)
def draw_squeeze(draw):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape), among=[a for a, size in enumerate(shape) if size == 1])
    array = smooth_values(draw(rngs), shape)
    return Example(Squeeze(axes), [array], lambda a: np.squeeze(a, axes))


@example_of(BroadcastLike)
def draw_broadcast_like(draw):
    small, other = draw(broadcastable(2))
    rng = draw(rngs)
    arrays = [smooth_values(rng, small), smooth_values(rng, np.broadcast_shapes(small, other))]
    return Example(BroadcastLike(), arrays, lambda a, b: np.broadcast_to(a, b.shape))


@example_of(Constant)
def draw_constant(draw):
    value = smooth_values(draw(rngs), draw(shapes))
    return Example(Constant(value), [], lambda: value)


def draw_axes(draw, ndim, among=None, exactly=None):
    """Draw a set of axes, counted from 0 and in order."""
    among = list(range(ndim)) if among is None else among
    lists = st.lists(st.sampled_from(among), unique=True, min_size=exactly or 0, max_size=exactly)
    return tuple(sorted(draw(lists))) if among else ()


# --- All operations, found by themselves ------------------------------------------------------


def found_operations():
    """Every class in ``dlbook.operations`` that computes something by itself."""
    open_ends, found = [dl.Operation], set()
    while open_ends:
        kind = open_ends.pop()
        open_ends.extend(kind.__subclasses__())
        if kind.__module__.startswith("dlbook.operations.") and "f" in vars(kind):
            found.add(kind)
    return sorted(found - {dl.Operation}, key=lambda kind: kind.__name__)


OPERATIONS = found_operations()
DIFFERENTIABLE = [kind for kind in OPERATIONS if kind.bprop is not dl.Operation.bprop]


def each(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


def draw_example(data, kind, dtype=np.float64):
    """Draw one example, some with their sizes hidden behind None."""
    if kind not in EXAMPLES_OF:
        pytest.fail(
            f"{kind.__name__} has no example to be tested with: write a function that draws one, "
            f"marked @example_of({kind.__name__}), in {__file__}",
            pytrace=False,
        )
    example = data.draw(st.composite(EXAMPLES_OF[kind])()).as_type(dtype)
    if example.shapes is None and data.draw(st.booleans()):
        hidden = [hide_examples(array.shape) for array in example.arrays]
        example = Example(example.operation, example.arrays, example.numpy, hidden)
    return example


@each(OPERATIONS)
def test_every_operation_has_an_example(kind):
    assert kind in EXAMPLES_OF, f"{kind.__name__} is not tested: it has no @example_of"


@each(OPERATIONS)
@given(data=st.data())
@few
def test_an_operation_computes_what_numpy_computes(kind, data):
    example = draw_example(data, kind)
    if example.numpy is not None:
        result, expected = example.operation.f(*example.arrays), example.numpy(*example.arrays)
        assert_allclose(result, expected, rtol=1e-14, atol=1e-14)


@each(OPERATIONS)
@given(data=st.data())
@few
def test_an_operation_has_the_shape_and_the_dtype_that_the_graph_says(kind, data):
    example = draw_example(data, kind, data.draw(st.sampled_from([np.float32, np.float64])))
    node = example.operation(*example.variables())
    result = np.asarray(example.operation.f(*example.arrays))
    assert_shape_fits(result.shape, node.shape)
    assert result.dtype == node.dtype


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_the_same_f_runs_on_tensors_of_pytorch(kind, data):
    example = draw_example(data, kind)
    if example.arrays:
        result = example.operation.f(*map(torch.from_numpy, example.arrays))
        assert isinstance(result, torch.Tensor)
        expected = example.operation.f(*example.arrays)
        assert result.dtype == torch.float64
        assert_allclose(result.numpy(), expected, rtol=1e-13, atol=1e-13)


@each(DIFFERENTIABLE)
@given(data=st.data())
@few
def test_bprop_agrees_with_central_differences(kind, data):
    example = draw_example(data, kind)
    G = smooth_values(data.draw(rngs), np.shape(example.operation.f(*example.arrays)))
    for place, gradient in zip(example.float_places, bprop_values(example, G), strict=True):
        expected = central_differences(example, place, G)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)


@each(DIFFERENTIABLE)
@given(data=st.data())
@few
def test_bprop_agrees_with_pytorch(kind, data):
    example = draw_example(data, kind)
    G = smooth_values(data.draw(rngs), np.shape(example.operation.f(*example.arrays)))
    ours, theirs = bprop_values(example, G), torch_gradients(example, G)
    for gradient, expected in zip(ours, theirs, strict=True):
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


@each(DIFFERENTIABLE)
@given(data=st.data())
@fewer
def test_the_gradient_has_the_shape_of_its_input(kind, data):
    example = draw_example(data, kind)
    variables = example.variables()
    node = example.operation(*variables)
    G = dl.variable("G", node.shape)
    for i in example.float_places:
        gradient = example.operation.bprop(variables, variables[i], G)
        assert gradient is None or gradient.shape == variables[i].shape


@each([kind for kind in DIFFERENTIABLE if kind is not AsType])  # whose dtype is its setting
@given(data=st.data())
@fewer
def test_float32_stays_float32_forwards_and_backwards(kind, data):
    example = draw_example(data, kind, np.float32)
    result = np.asarray(example.operation.f(*example.arrays))
    assert result.dtype == np.float32
    for gradient in bprop_values(example, np.ones_like(result)):
        assert gradient.dtype == np.float32


@each(DIFFERENTIABLE)
@given(data=st.data())
@fewer
def test_second_derivatives_agree_with_pytorch(kind, data):
    example = draw_example(data, kind)
    rng = data.draw(rngs)
    G = smooth_values(rng, np.shape(example.operation.f(*example.arrays)))
    R = [smooth_values(rng, example.arrays[i].shape) for i in example.float_places]
    ours, theirs = second_derivatives(example, G, R), torch_second_derivatives(example, G, R)
    for gradient, expected in zip(ours, theirs, strict=True):
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)


def assert_shape_fits(shape, inferred):
    assert len(shape) == len(inferred)
    assert all(said in (None, size) for size, said in zip(shape, inferred, strict=True))


def bprop_values(example, G_value):
    """The gradients that bprop gives for each input of floats; zeros where it says None."""
    variables = example.variables()
    G = dl.variable("G", example.operation(*variables).shape, G_value.dtype)
    gradients = [example.operation.bprop(variables, variables[i], G) for i in example.float_places]
    program = dl.compile([g for g in gradients if g is not None], [*variables, G])
    values = iter(program(*example.arrays, G_value))
    return [
        np.zeros_like(example.arrays[i]) if gradient is None else next(values)
        for i, gradient in zip(example.float_places, gradients, strict=True)
    ]


def central_differences(example, place, G, h=1e-5):
    """The gradient of the sum of f(inputs) * G, one entry at a time."""
    arrays = [array.copy() for array in example.arrays]
    entries, gradient = arrays[place], np.zeros_like(arrays[place])
    for i in np.ndindex(entries.shape):
        middle, sums = entries[i].copy(), []
        for value in (middle + h, middle - h):
            entries[i] = value
            sums.append(np.sum(example.operation.f(*arrays) * G))
        entries[i] = middle
        gradient[i] = (sums[0] - sums[1]) / (2 * h)
    return gradient


def torch_inputs(example):
    tensors = [torch.from_numpy(array.copy()) for array in example.arrays]
    for i in example.float_places:
        tensors[i].requires_grad_()
    return tensors, [tensors[i] for i in example.float_places]


def torch_grad(outputs, wanted, **more):
    return torch.autograd.grad(outputs, wanted, allow_unused=True, materialize_grads=True, **more)


def torch_gradients(example, G):
    tensors, wanted = torch_inputs(example)
    if not wanted:
        return []
    zero = sum(0 * tensor.sum() for tensor in wanted)  # so that all take part
    z = (example.operation.f(*tensors) * torch.from_numpy(G)).sum() + zero
    return [gradient.numpy() for gradient in torch_grad(z, wanted)]


def second_derivatives(example, G, R):
    """Differentiate the sum of R * gradient once more, through the graph that bprop built."""
    variables = example.variables()
    wanted = [variables[i] for i in example.float_places]
    if not wanted:
        return []
    node = example.operation(*variables)
    G_variable = dl.variable("G", node.shape)
    R_variables = [dl.variable("R", V.shape) for V in wanted]
    zero = sum(0 * dl.sum(V) for V in wanted)  # so that all take part
    first = dl.backprop(wanted, dl.sum(node * G_variable) + zero)
    z = sum(dl.sum(first[V] * r) for V, r in zip(wanted, R_variables, strict=True)) + zero
    second = dl.backprop(wanted, z)
    program = dl.compile(second.values(), [*variables, G_variable, *R_variables])
    return program(*example.arrays, G, *R)


def torch_second_derivatives(example, G, R):
    tensors, wanted = torch_inputs(example)
    if not wanted:
        return []
    zero = sum(0 * tensor.sum() for tensor in wanted)
    z = (example.operation.f(*tensors) * torch.from_numpy(G)).sum() + zero
    first = torch_grad(z, wanted, create_graph=True)
    z = sum((g * torch.from_numpy(r)).sum() for g, r in zip(first, R, strict=True)) + zero
    return [gradient.numpy() for gradient in torch_grad(z, wanted)]


# --- Equal inputs are distinct to bprop (Section 6.5.6) ---------------------------------------


def value_of(output, values):
    return dl.evaluate(output, values)


def test_the_bprop_of_multiply_gives_x_for_one_of_two_equal_inputs():
    x, G = dl.variable("x", (3,)), dl.variable("G", (3,))
    gradient = dl.multiply.bprop([x, x], x, G)
    at = {x: np.array([1.0, 2.0, 3.0]), G: np.ones(3)}
    assert_array_equal(value_of(gradient, at), [1.0, 2.0, 3.0])


def gradient_at(make, value):
    x = dl.variable("x", np.shape(value))
    z = dl.sum(make(x))
    return value_of(dl.backprop([x], z)[x], {x: value})


X_VALUE = np.array([1.0, -2.0, 3.0])


def test_x_times_x_has_the_gradient_2x():
    assert_array_equal(gradient_at(lambda x: x * x, X_VALUE), 2 * X_VALUE)


def test_x_minus_x_has_the_gradient_0():
    assert_array_equal(gradient_at(lambda x: x - x, X_VALUE), np.zeros(3))


def test_x_plus_x_has_the_gradient_2():
    assert_array_equal(gradient_at(lambda x: x + x, X_VALUE), np.full(3, 2.0))


def test_x_over_x_has_the_gradient_0():
    assert_allclose(gradient_at(lambda x: x / x, X_VALUE), np.zeros(3), atol=1e-15)


def test_the_product_of_a_vector_with_itself_has_the_gradient_2x():
    assert_array_equal(gradient_at(lambda x: x @ x, X_VALUE), 2 * X_VALUE)


def test_the_product_of_a_matrix_with_itself_counts_both_places():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    ones = np.ones((2, 2))
    assert_array_equal(gradient_at(lambda x: x @ x, A), ones @ A.T + A.T @ ones)


def test_x_repeated_like_itself_has_the_gradient_1():
    assert_array_equal(gradient_at(lambda x: dl.broadcast_like(x, x), X_VALUE), np.ones(3))


# --- Reductions, shapes and powers by their public names --------------------------------------


@pytest.mark.parametrize(("ours", "numpy"), [(dl.sum, np.sum), (dl.mean, np.mean)])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), [0, -1], (), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_and_keepdims_mean_what_they_mean_in_numpy(ours, numpy, axis, keepdims):
    A_value = np.arange(24.0).reshape(2, 3, 4)
    A = dl.variable("A", (None, 3, 4))
    node = ours(A, axis, keepdims)
    expected = numpy(A_value, tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)
    assert_shape_fits(expected.shape, node.shape)
    assert_allclose(value_of(node, {A: A_value}), expected)
    example = Example(node.operation, [A_value], shapes=[A.shape])
    G = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    assert_allclose(bprop_values(example, G), torch_gradients(example, G))


def test_variables_have_the_methods_of_arrays():
    A, value = dl.variable("A", (2, 3)), np.arange(6.0).reshape(2, 3)
    for method in (
        lambda A: A.T,
        lambda A: A.sum(0),
        lambda A: A.mean(axis=1, keepdims=True),
        lambda A: A.reshape(3, 2),
        lambda A: A.reshape((6,)),
        lambda A: A.transpose(1, 0),
        lambda A: A.transpose(),
        lambda A: -A,
    ):
        assert_array_equal(value_of(method(A), {A: value}), method(value))


def test_the_mean_counts_the_examples_when_it_runs():
    X = dl.variable("X", (None, 2))
    gradient = dl.compile([dl.backprop([X], dl.mean(X))[X]], [X])
    for m in (1, 3, 10):
        assert_allclose(gradient(np.ones((m, 2)))[0], np.full((m, 2), 1 / (2 * m)))


@pytest.mark.parametrize("exponent", [0, 1, 2, 2.0, 3, -1, 0.5])
def test_powers_and_their_gradients(exponent):
    x, value = dl.variable("x", (3,)), np.array([0.5, 1.0, 2.0])
    assert_allclose(value_of(x**exponent, {x: value}), value**exponent)
    gradient = dl.backprop([x], dl.sum(x**exponent))[x]
    assert_allclose(value_of(gradient, {x: value}), exponent * value ** (exponent - 1.0))


def test_the_rectifier_has_the_gradient_0_at_0():
    z_value = np.array([-1.0, 0.0, 1.0])
    assert_array_equal(gradient_at(dl.relu, z_value), [0.0, 0.0, 1.0])
    z = dl.variable("z", (3,))
    assert_array_equal(value_of(dl.step(z), {z: z_value}), [0.0, 0.0, 1.0])


def test_a_reshape_to_as_many_rows_as_examples_can_be_differentiated():
    X, value = dl.variable("X", (None, 3)), np.arange(12.0).reshape(4, 3)
    flipped = dl.reshape(X.T, None, 3)
    assert_array_equal(value_of(flipped, {X: value}), value.T.reshape(4, 3))
    gradient = dl.backprop([X], dl.sum(flipped))[X]
    assert_array_equal(value_of(gradient, {X: value}), np.ones((4, 3)))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "int64", "float32"])
def test_a_sum_has_the_dtype_that_the_graph_says(dtype):
    A = dl.variable("A", (3,), dtype)
    assert value_of(dl.sum(A), {A: np.ones(3, dtype)}).dtype == dl.sum(A).dtype


@pytest.mark.parametrize("exponent", [3, 2.5, np.float64(3.0), np.float64(0.5)])
def test_a_power_of_float32_is_float32_for_any_kind_of_number(exponent):
    A = dl.variable("A", (3,), np.float32)
    assert value_of(A**exponent, {A: np.ones(3, np.float32)}).dtype == np.float32


def test_an_operation_shows_its_settings():
    A = dl.variable("A", (2, 3))
    assert repr(dl.sum(A, 1).operation) == "sum(axes=(1,), keepdims=False)"
    assert repr(dl.relu) == "relu"
    assert "relu" in repr(dl.relu(A)) and "(2, 3)" in repr(dl.relu(A))
    assert repr(dl.constant([1.0, 2.0]).operation) == "constant"


# --- Constants ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda x: 2 * x,
        lambda x: x * 2.5,
        lambda x: 1 - x,
        lambda x: 1.5 / x,
        lambda x: x**3,
        lambda x: x**2,
        lambda x: x**0,
        lambda x: x**0.5,
        lambda x: dl.mean(x * 0.1),
    ],
)
def test_a_plain_number_takes_the_dtype_of_what_it_meets(make):
    x = dl.variable("x", (3,), np.float32)
    z = dl.sum(make(x))
    gradient = dl.backprop([x], z)[x]
    program = dl.compile([make(x), z, gradient], [x])
    assert {V.dtype for V in program.outputs} == {np.dtype(np.float32)}
    results = program(np.array([1.0, 2.0, 4.0], np.float32))
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_a_fraction_that_meets_integers_becomes_a_float():
    n = dl.variable("n", (2,), np.int64)
    assert (n + 1).dtype == np.int64
    assert (n + 0.5).dtype == np.float64
    assert_array_equal(value_of(n + 0.5, {n: np.array([1, 2])}), [1.5, 2.5])


def test_an_array_on_the_left_of_an_operator_becomes_a_constant():
    x, a, A = dl.variable("x", (2,)), np.array([3.0, 5.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    value = np.array([7.0, 11.0])
    for make in (
        lambda x: a + x,
        lambda x: a - x,
        lambda x: a * x,
        lambda x: a / x,
        lambda x: A @ x,
        lambda x: a @ x,
        lambda x: np.float64(2) * x,
    ):
        assert isinstance(make(x), dl.Variable)
        assert_allclose(value_of(make(x), {x: value}), make(value))


def test_an_array_may_change_after_it_became_a_constant():
    x, a = dl.variable("x", (2,)), np.array([3.0, 5.0])
    outputs = [x + a, dl.constant(a)]
    a[:] = 0
    for result, expected in zip(
        dl.compile(outputs, [x])(np.ones(2)), ([4.0, 6.0], [3.0, 5.0]), strict=True
    ):
        assert_array_equal(result, expected)


def test_a_constant_is_called_by_its_value_or_by_its_name():
    assert dl.constant(2.0).name == "2"
    assert dl.constant([1.0, 2.0]).name == "constant"
    assert dl.constant([1.0, 2.0], name="c").name == "c"
    assert dl.constant(1, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([], ValueError, r"constant: the value is empty \(shape \(0,\)\)"),
        (float("nan"), ValueError, r"constant: the value of shape \(\) contains NaN in 1 of 1"),
        ([[1.0, np.nan]], ValueError, r"shape \(1, 2\) contains NaN .* first at \(0, 1\)"),
        ("text", TypeError, "constant: needs float32, float64, integers or bools, got <U4"),
        (None, TypeError, "constant: needs float32, float64, integers or bools, got object"),
        (1j, TypeError, "constant: needs float32, float64, integers or bools, got complex128"),
    ],
)
def test_what_is_no_number_cannot_be_a_constant(value, error, message):
    with pytest.raises(error, match=message):
        dl.constant(value)


# --- Mistakes, reported when the graph is built -----------------------------------------------

A23, B23, C3, M = (
    dl.variable("A", (2, 3)),
    dl.variable("B", (2, 3)),
    dl.variable("c", (3,)),
    dl.variable("M", (None, 3)),
)
SCALAR, WHOLE = dl.variable("s", ()), dl.variable("n", (2, 3), np.int64)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: A23 + dl.variable("b", (2,)), r"add: the shapes of 'A' \(2, 3\) and 'b' \(2,\)"),
        (lambda: A23 * M, r"multiply: .*'A' \(2, 3\) and 'M' \(None, 3\).* None is no fixed"),
        (lambda: A23 @ B23, r"matmul: the shapes of 'A' \(2, 3\) and 'B' \(2, 3\).* last but one"),
        (lambda: A23 @ dl.variable("w", (2,)), r"matmul: .*'w' \(2,\) .* only size of the second"),
        (lambda: A23 @ SCALAR, r"matmul: .*'s' \(\) do not fit"),
        (lambda: SCALAR @ A23, r"matmul: the shapes of 's' \(\) and 'A' \(2, 3\)"),
        (
            lambda: dl.variable("P", (2, 2, 3)) @ dl.variable("Q", (3, 3, 4)),
            r"matmul: the shapes of 'P' \(2, 2, 3\) and 'Q' \(3, 3, 4\) do not fit",
        ),
        (lambda: dl.sum(A23, axis=2), r"sum: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.mean(A23, axis=-3), r"mean: 'A' of shape \(2, 3\) has no axis -3"),
        (lambda: dl.sum(SCALAR, axis=0), r"sum: 's' of shape \(\) has no axis 0"),
        (lambda: dl.sum(A23, axis=(0, -2)), r"sum: an axis is given twice in \(0, -2\)"),
        (lambda: A23.reshape(4), r"reshape: 'A' \(2, 3\) cannot take the shape \(4,\)"),
        (lambda: A23.reshape(None, 3), r"reshape: 'A' \(2, 3\) cannot take the shape \(None, 3\)"),
        (lambda: M.reshape(None, None), r"reshape: .* at most one size may be None"),
        (lambda: M.reshape(6), r"reshape: 'M' \(None, 3\) cannot take the shape \(6,\)"),
        (lambda: A23.reshape(-1, -6), r"reshape: each size must be .*, got -1 in \(-1, -6\)"),
        (lambda: A23.transpose(0, 0), r"transpose: an axis is given twice in \(0, 0\)"),
        (lambda: A23.transpose(0), r"transpose: \(0,\) is no order of the axes"),
        (lambda: A23.transpose(2, 3), r"transpose: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: SCALAR.transpose(0), r"transpose: 's' of shape \(\) has no axis 0"),
        (lambda: Squeeze((0,))(A23), r"squeeze: the axes \(0,\) of 'A' \(2, 3\) must have size 1"),
        (
            lambda: dl.broadcast_like(A23, C3),
            r"broadcast_like: 'A' \(2, 3\) cannot be repeated to the shape \(3,\) of 'c'",
        ),
        (lambda: dl.broadcast_like(C3, dl.variable("d", (4,))), r"broadcast_like: the shapes of"),
    ],
)
def test_shapes_that_do_not_fit_are_reported_with_the_operation(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WHOLE / 2, r"divide: needs floats, but 'n' of shape \(2, 3\) is int64"),
        (lambda: dl.relu(WHOLE), "relu: needs floats, but 'n'"),
        (lambda: dl.step(WHOLE), "step: needs floats, but 'n'"),
        (lambda: dl.mean(WHOLE), "mean: needs floats, but 'n'"),
        (lambda: WHOLE**3, "power: needs floats, but 'n'"),
        (lambda: A23 @ WHOLE.T, "matmul: needs floats"),
        (lambda: A23**C3, "power: the exponent must be a finite number, got <c"),
        (lambda: A23 ** (True), "power: the exponent must be a finite number, got True"),
        (lambda: A23 ** "2", "power: the exponent must be a finite number, got '2'"),
        (lambda: A23 + "1", "add: an input must be a variable, a NumPy array or a number, got str"),
        (lambda: None * A23, "multiply: an input must be .* got NoneType"),
        (lambda: dl.relu([1.0, 2.0]), "relu: an input must be .* got list"),
        (lambda: A23 + np.array(["a"]), "constant: needs float32, float64, integers or bools"),
        (lambda: dl.sum([1.0, 2.0]), "sum: an input must be .* got list"),
    ],
)
def test_values_of_a_wrong_kind_are_reported_with_the_operation(build, message):
    with pytest.raises(TypeError, match=message):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: dl.relu(A23, B23),
        lambda: dl.add(A23),
        lambda: dl.multiply(A23, B23, A23),
        lambda: dl.negate(),
    ],
)
def test_a_wrong_number_of_inputs_is_reported_when_the_graph_is_built(build):
    with pytest.raises(TypeError, match=r"relu|add|multiply|negate"):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: dl.sum(A23, axis=1.5),
        lambda: dl.mean(A23, axis=0.0),
        lambda: A23.reshape(2.0, 3.0),
    ],
)
def test_axes_and_sizes_must_be_whole_numbers(build):
    with pytest.raises((TypeError, ValueError), match=r"sum|mean|reshape"):
        build()


def test_a_comparison_is_an_operation_or_a_clear_error():
    try:
        node = A23 > 0
    except TypeError:
        return
    assert isinstance(node, dl.Variable)


def test_nan_in_an_array_that_meets_a_variable_is_reported():
    with pytest.raises(ValueError, match=r"contains NaN in 1 of 3 entries, the first at \(1,\)"):
        C3 * np.array([1.0, np.nan, 2.0])


def test_an_operation_without_a_rule_says_which_part_is_missing():
    class Unfinished(dl.Operation):
        name = "unfinished"

    operation = Unfinished()
    with pytest.raises(NotImplementedError, match="unfinished: the shape rule is missing"):
        operation(A23)
    with pytest.raises(NotImplementedError, match="unfinished: f is missing"):
        operation.f(1.0)
    with pytest.raises(dl.NotDifferentiable, match="unfinished: its gradient is not defined"):
        operation.bprop([A23], A23, A23)


def test_an_operation_of_ones_own_joins_the_graph():
    class Cube(dl.Operation):
        name = "cube"

        def infer_shape(self, A):
            return A.shape

        def f(self, A):
            return A**3

        def bprop(self, inputs, X, G):
            return G * 3 * dl.square(X)

    x = dl.variable("x", (3,))
    z = dl.sum(Cube()(x))
    assert_allclose(value_of(dl.backprop([x], z)[x], {x: X_VALUE}), 3 * X_VALUE**2)
