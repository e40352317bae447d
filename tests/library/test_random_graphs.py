"""Random graphs of 5 to 50 operations have the values and the derivatives of PyTorch.

Every graph runs with NumPy, simplified and as it was built, and on PyTorch's tensors; whatever
comes out is held against PyTorch's own functions and derivatives.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from random_graphs import EXAMPLES, NAMES, STEPS, grow, recipes
from strategies import few, rngs

import dlbook as dl

pytestmark = pytest.mark.slow

many = settings(few, max_examples=40)
PROGRAMS = {
    "NumPy": {},
    "NumPy, not simplified": {"simplify": False},
    "PyTorch": {"backend": "torch"},
    "PyTorch, not simplified": {"backend": "torch", "simplify": False},
    "JavaScript": {"backend": "javascript"},
    "JavaScript, not simplified": {"backend": "javascript", "simplify": False},
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Arrays this small are not worth more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def assert_equal_to(ours, theirs, program=""):
    """Compare as finely as the largest entry of each allows."""
    for place, (value, tensor) in enumerate(zip(ours, theirs, strict=True)):
        expected = torch.as_tensor(tensor).detach().numpy()
        assert tuple(value.shape) == expected.shape
        atol = 1e-10 * max(np.abs(expected).max(), 0.01)
        assert_allclose(value, expected, rtol=1e-10, atol=atol, err_msg=f"{program}, {place}")


def assert_all_programs_give(outputs, inputs, values, expected):
    for name, how in PROGRAMS.items():
        program = dl.compile(outputs, inputs, **how)
        assert_equal_to(program(*values), expected, name)


def directions(rng, twins):
    """Draw a direction for each leaf: an input, and its value."""
    variables = [dl.variable(f"r{i}", leaf.shape) for i, leaf in enumerate(twins.leaves)]
    return variables, [rng.normal(size=leaf.tensor.shape) for leaf in twins.leaves]


def slope(gradients, vectors):
    return sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))


# --- Derivatives -------------------------------------------------------------------------------


@given(recipe=recipes(), rng=rngs, hidden=st.booleans())
@many
def test_random_graphs_have_the_values_and_gradients_of_pytorch(recipe, rng, hidden):
    twins = grow(recipe, rng, hidden)
    z, torch_z = twins.scalar()
    gradients = dl.backprop(twins.ours, z)  # also on all that lies in the middle
    torch_gradients = torch.autograd.grad(torch_z, twins.theirs)
    assert_all_programs_give(
        [*twins.ours, z, *(gradients[V] for V in twins.ours)],
        twins.inputs,
        twins.values,
        [*twins.theirs, torch_z, *torch_gradients],
    )


@given(recipe=recipes(5, 30), rng=rngs, hidden=st.booleans())
@settings(few, max_examples=25)
def test_random_graphs_have_the_second_derivatives_of_pytorch(recipe, rng, hidden):
    twins = grow(recipe, rng, hidden)
    z, torch_z = twins.scalar()
    leaves, tensors = twins.ours[: len(twins.leaves)], twins.theirs[: len(twins.leaves)]
    vectors, vector_values = directions(rng, twins)
    torch_vectors = list(map(torch.from_numpy, vector_values))
    torch_gradients = torch.autograd.grad(torch_z, tensors, create_graph=True)
    products = torch.autograd.grad(slope(torch_gradients, torch_vectors), tensors)

    # Three ways: the gradient of a gradient, Equation 6.59, and forward mode over a gradient.
    gradients = dl.backprop(leaves, z)
    twice = dl.backprop(leaves, slope(gradients.values(), vectors))
    forward = dl.jvp(gradients.values(), dict(zip(leaves, vectors, strict=True)))
    assert_all_programs_give(
        [*twice.values(), *dl.hvp(z, leaves, vectors), *forward],
        [*twins.inputs, *vectors],
        [*twins.values, *vector_values],
        products * 3,
    )


@given(recipe=recipes(), rng=rngs, hidden=st.booleans())
@settings(few, max_examples=25)
def test_random_graphs_have_the_same_derivatives_forward_and_backward(recipe, rng, hidden):
    twins = grow(recipe, rng, hidden)
    z, _ = twins.scalar()
    leaves, tensors = twins.ours[: len(twins.leaves)], twins.theirs[: len(twins.leaves)]
    vectors, vector_values = directions(rng, twins)
    torch_vectors = list(map(torch.from_numpy, vector_values))
    # The derivative of a vector-Jacobian product, which is linear in its vector.
    ones = [torch.ones_like(tensor, requires_grad=True) for tensor in twins.theirs]
    products = torch.autograd.grad(twins.theirs, tensors, ones, create_graph=True)
    torch_tangents = torch.autograd.grad(slope(products, torch_vectors), ones)

    tangents = dl.jvp([*twins.ours, z], dict(zip(leaves, vectors, strict=True)))
    gradients = dl.backprop(leaves, z)
    difference = tangents.pop() - slope(gradients.values(), vectors)
    assert_all_programs_give(
        [*tangents, difference],
        [*twins.inputs, *vectors],
        [*twins.values, *vector_values],
        [*torch_tangents, 0.0],
    )


def test_random_graphs_are_made_of_all_kinds_of_steps():
    assert len(NAMES) == len(STEPS) + 1 >= 60
    rng = np.random.default_rng(0)
    names = set()
    for name in NAMES:
        for k in range(40):
            start = [(str(rng.choice(NAMES)), *rng.integers(0, 999, 3).tolist()) for _ in range(5)]
            last = (name, k, *rng.integers(0, 999, 2).tolist())
            twins = grow([*start, last], rng, hidden=k % 2 == 0)
            names |= {V.operation.name for V in dl.Graph(twins.ours) if V.operation}
    assert names >= {
        "abs", "add", "argmax", "astype", "binary_cross_entropy", "broadcast_like", "broadcast_to",
        "cholesky", "clip", "concatenate", "constant", "cos", "cross_entropy", "divide", "exp",
        "greater", "heaviside", "index", "leaky_relu", "less_equal", "log", "log1p", "log_softmax",
        "logsumexp", "matmul", "max", "max_and_index", "maximum", "mean", "minimum", "multiply",
        "negate", "one_hot", "power", "relu", "reshape", "sigmoid", "sign", "sin", "softmax",
        "softplus", "solve_triangular", "sqrt", "square", "stack", "stop_gradient", "subtract",
        "sum", "take_along_axis", "tanh", "transpose", "where",
    }  # fmt: skip


# --- Programs ----------------------------------------------------------------------------------


def with_gradients(recipe, rng, hidden):
    twins = grow(recipe, rng, hidden)
    z, _ = twins.scalar()
    gradients = dl.backprop(twins.inputs[:-1], z)
    return twins, [z, *twins.ours[len(twins.leaves) :], *gradients.values()]


def other_values(rng, values, examples=EXAMPLES):
    """Draw other values, perhaps for another number of examples; the labels are the last."""
    shapes = [(examples, *v.shape[1:]) if v.shape[:1] == (EXAMPLES,) else v.shape for v in values]
    return [*(rng.uniform(-2, 2, shape) for shape in shapes[:-1]), np.zeros(examples, np.int64)]


def assert_same(results, expected):
    for result, other in zip(results, expected, strict=True):
        assert_allclose(result, other, rtol=1e-12, atol=1e-12 * max(np.abs(other).max(), 0.01))


@given(recipe=recipes(), rng=rngs, simplify=st.booleans())
@settings(few, max_examples=20)
def test_a_program_does_not_remember_earlier_runs(recipe, rng, simplify):
    twins, outputs = with_gradients(recipe, rng, hidden=True)
    program = dl.compile(outputs, twins.inputs, simplify=simplify)
    results = program(*twins.values)
    expected = [np.array(result) for result in results]
    for examples in (EXAMPLES, 2, 7, EXAMPLES):
        values = other_values(rng, twins.values, examples)
        fresh = dl.compile(outputs, twins.inputs, simplify=simplify)
        assert_same(program(*values), fresh(*values))
        assert_same(program(*values), fresh(*values))
    assert_same(program(*twins.values), expected)
    for result, copy in zip(results, expected, strict=True):
        assert_array_equal(result, copy)  # what was returned first is as it was


@given(recipe=recipes(), rng=rngs, hidden=st.booleans(), simplify=st.booleans())
@settings(few, max_examples=20)
def test_what_a_program_returns_may_be_written_over(recipe, rng, hidden, simplify):
    twins, outputs = with_gradients(recipe, rng, hidden)
    program = dl.compile([*outputs, *outputs], twins.inputs, simplify=simplify)
    values = twins.values
    results = program(*values)
    expected = [np.array(result) for result in results]
    for i, result in enumerate(results):
        if result.ndim:
            result.fill(np.nan)
        for other, copy in zip(results[i + 1 :], expected[i + 1 :], strict=True):
            assert_array_equal(other, copy)
    for value, copy in zip(values, twins.values, strict=True):
        assert_array_equal(value, copy)
    assert_same(program(*values), expected)


@given(recipe=recipes(), rng=rngs, hidden=st.booleans(), simplify=st.booleans())
@settings(few, max_examples=20)
def test_a_program_reads_its_inputs_and_nothing_more(recipe, rng, hidden, simplify):
    twins, outputs = with_gradients(recipe, rng, hidden)
    program = dl.compile(outputs, twins.inputs, simplify=simplify)
    expected = program(*twins.values)
    locked = twins.values
    for value in locked:
        value.flags.writeable = False  # writing would be an error
    assert_same(program(*locked), expected)
    in_columns = [value.copy(order="F") for value in twins.values]
    assert_same(program(*in_columns), expected)
    spread = [np.repeat(value, 2, axis=-1)[..., ::2] if value.ndim else value for value in locked]
    assert_same(program(*spread), expected)


@given(recipe=recipes(), rng=rngs, hidden=st.booleans(), simplify=st.booleans())
@settings(few, max_examples=15)
def test_it_does_not_matter_which_outputs_are_computed_together(recipe, rng, hidden, simplify):
    twins, outputs = with_gradients(recipe, rng, hidden)
    expected = dl.compile(outputs, twins.inputs, simplify=simplify)(*twins.values)
    order = rng.permutation(len(outputs))
    shuffled = dl.compile([outputs[i] for i in order], twins.inputs, simplify=simplify)
    assert_same(shuffled(*twins.values), [expected[i] for i in order])
    for i in order[:5]:
        alone = dl.compile([outputs[i]], twins.inputs, simplify=simplify)
        assert_same(alone(*twins.values), [expected[i]])


@given(recipe=recipes(), rng=rngs, hidden=st.booleans(), simplify=st.booleans())
@settings(few, max_examples=15)
def test_a_program_may_start_in_the_middle_of_a_graph(recipe, rng, hidden, simplify):
    twins, outputs = with_gradients(recipe, rng, hidden)
    first, *others = dl.compile(outputs, twins.inputs, simplify=simplify)(*twins.values)
    middle = twins.ours[len(twins.leaves) :][::3]
    given_values = [others[twins.ours.index(V) - len(twins.leaves)] for V in middle]
    program = dl.compile(outputs, [*twins.inputs, *middle], simplify=simplify)
    assert_same(program(*twins.values, *given_values), [first, *others])


@given(recipe=recipes(), rng=rngs, hidden=st.booleans())
@settings(few, max_examples=15)
def test_a_simplified_graph_can_be_simplified_and_differentiated_again(recipe, rng, hidden):
    twins, outputs = with_gradients(recipe, rng, hidden)
    expected = dl.compile(outputs, twins.inputs, simplify=False)(*twins.values)
    once = dl.simplify(outputs)
    assert_same(dl.compile(once, twins.inputs, simplify=False)(*twins.values), expected)
    twice = dl.simplify(once)
    assert len(dl.Graph(twice)) <= len(dl.Graph(once)) <= len(dl.Graph(outputs))
    assert_same(dl.compile(twice, twins.inputs)(*twins.values), expected)
    leaves = twins.inputs[:-1]
    again = dl.backprop(leaves, once[0]).values()
    assert_same(dl.compile(again, twins.inputs)(*twins.values), expected[-len(leaves) :])
