"""Section 6.5.6: every operation computes what it says, and its rules are its derivatives.

Each operation is held against NumPy, against finite differences and against PyTorch; its compiled
program against its ``f``; forward mode against back-propagation.
"""

import pickle

import numpy as np
from examples import DTYPES, EXAMPLES_OF, Example, result_of
from found import (
    DIFFERENTIABLE,
    OPERATIONS,
    PRECISION,
    TRUE_TO_F,
    assert_same,
    draw_example,
    draw_smooth,
    each,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import few, fewer, rngs, smooth_values
from values import (
    assert_shape_fits,
    bprop_values,
    interpret,
    torch_grad,
    torch_gradients,
    torch_inputs,
)

import dlbook as dl
from dlbook.operations.comparisons import Clip, Heaviside, IsLarger, Maximum, Minimum
from dlbook.operations.elementwise import Abs, Sign
from dlbook.operations.flow import Recompute
from dlbook.operations.functions import LeakyRelu, Relu
from dlbook.operations.indexing import MaxAndIndex
from dlbook.operations.reductions import Max, Min


@each(OPERATIONS)
def test_every_operation_has_an_example(kind):
    assert kind in EXAMPLES_OF, f"{kind.__name__} is not tested: it has no @example_of"


@each(OPERATIONS)
@given(data=st.data())
@few
def test_an_operation_computes_what_numpy_computes(kind, data):
    example = draw_example(data, kind)
    result, expected = example.f(*example.arrays), example.numpy(*example.arrays)
    precision = PRECISION.get(str(result.dtype), 0)
    assert result.shape == np.shape(expected)
    assert_allclose(result, expected, rtol=precision, atol=precision)


@each(OPERATIONS)
@given(data=st.data())
@few
def test_an_operation_has_the_shape_and_the_dtype_that_the_graph_says(kind, data):
    example = draw_example(data, kind)
    node = example.operation(*example.variables())
    result = np.asarray(example.f(*example.arrays))
    assert_shape_fits(result.shape, node.shape)
    assert result.dtype == node.dtype


@each([kind for kind in OPERATIONS if kind.mixes])
@given(data=st.data())
@fewer
def test_inputs_of_different_dtypes_are_first_converted_to_their_common_one(kind, data):
    example = draw_example(data, kind, "float64")
    letters = kind.kinds + "b" * (kind.kinds == "fiu")  # a bool that meets a number becomes one
    dtypes = [name for letter in letters for name in DTYPES[letter]]
    arrays = [a.astype(data.draw(st.sampled_from(dtypes))) for a in example.arrays]
    common = np.result_type(*arrays)
    assume(common.kind in kind.kinds)
    example = Example(example.operation, arrays, example.numpy, example.shapes)
    node, expected = node_and_value(example)
    assert node.dtype == expected.dtype == example.f(*(a.astype(common) for a in arrays)).dtype
    assert_allclose(
        expected, example.numpy(*(a.astype(common) for a in arrays)), rtol=1e-5, atol=1e-5
    )


def node_and_value(example):
    variables = example.variables()
    node = example.operation(*variables)
    return node, dl.evaluate(node, dict(zip(variables, example.arrays, strict=True)))


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_the_same_f_runs_on_tensors_of_pytorch(kind, data):
    example = draw_example(data, kind, tensors=True)
    if example.arrays:
        result = example.f(*map(torch.from_numpy, example.arrays))
        assert isinstance(result, torch.Tensor)
        assert_same([result.numpy()], [np.asarray(example.f(*example.arrays))])


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_an_operation_survives_a_journey_to_another_process(kind, data):
    example = draw_example(data, kind)
    operation = pickle.loads(pickle.dumps(example.operation))
    assert repr(operation) == repr(example.operation)
    if kind is not Recompute:  # which is equal to no other
        assert operation == example.operation and hash(operation) == hash(example.operation)
    assert_same(
        [np.asarray(result_of(operation, example.arrays))],
        [np.asarray(example.f(*example.arrays))],
    )


# --- Compiled programs: what an operation says about its code ---------------------------------


def computed_before(V):
    """A variable that is computed from an input, and the value of the input that gives ``V``'s."""
    if V.dtype.kind == "b":
        return dl.equal(V, np.True_), lambda value: value
    if V.dtype.kind == "f":
        return V * 2, lambda value: value / 2
    if V.dtype.kind == "u":
        return dl.maximum(V, 0), lambda value: value
    return V + 1, lambda value: value - 1


def computed_after(V):
    """Something that is computed from ``V`` and has its shape."""
    if V.dtype.kind == "b":
        return dl.where(V, 1.5, 2.5)
    return V * 1.5 if V.dtype.kind == "f" else V + 1


@st.composite
def small_graphs(draw, example):
    """Put an operation at the end, in the middle or at the start of a small graph, or all that."""
    variables, values = example.variables(), example.arrays
    inner, outer = variables, values
    if draw(st.booleans()):
        before = [computed_before(V) for V in variables]
        inner = [V for V, _ in before]
        outer = [
            np.asarray(back(value), value.dtype)
            for (_, back), value in zip(before, values, strict=True)
        ]
    node = example.operation(*inner)
    outputs = draw(
        st.sampled_from(
            [
                [node],
                [computed_after(node)],
                [node, computed_after(node), node],
                [computed_after(node), dl.sum(node), *(V for V in inner if V.operation)],
                [dl.sum(computed_after(node) + computed_after(node)[None]), node[None]],
            ]
        )
    )
    return outputs, variables, outer


@each(OPERATIONS)
@given(data=st.data())
@few
def test_a_program_computes_what_f_computes(kind, data):
    example = draw_example(data, kind)
    outputs, variables, values = data.draw(small_graphs(example))
    given = [value.copy() for value in values]
    expected = interpret(outputs, dict(zip(variables, values, strict=True)))
    for simplify in (True, False):
        program = dl.compile(outputs, variables, simplify)
        for as_numbers in (False, True):  # a scalar may be given as an array or as a number
            results = program(*(v[()] if as_numbers else v for v in values))
            assert_same(results, expected)
            for result in results:  # they belong to the caller
                if result.ndim:
                    result.fill(0)
            assert_same(values, given)


@each(OPERATIONS)
@given(data=st.data())
@fewer
def test_a_program_for_pytorch_computes_what_f_computes(kind, data):
    example = draw_example(data, kind, tensors=True)
    outputs, variables, values = data.draw(small_graphs(example))
    expected = interpret(outputs, dict(zip(variables, values, strict=True)))
    program = dl.compile(outputs, variables, data.draw(st.booleans()), backend="torch")
    results = program(*map(torch.from_numpy, values))
    assert_same([result.numpy() for result in results], expected)


@each(OPERATIONS)
@given(data=st.data())
@few
def test_a_program_in_javascript_computes_what_f_computes(kind, data):
    example = draw_example(data, kind)
    outputs, variables, values = data.draw(small_graphs(example))
    expected = interpret(outputs, dict(zip(variables, values, strict=True)))
    simplify = data.draw(st.booleans())
    try:
        program = dl.compile(outputs, variables, simplify, backend="javascript")
    except TypeError as error:
        assert "JavaScript holds" in str(error)
        assert any(V.dtype in (np.int64, np.uint64) for V in dl.Graph(outputs))
        assume(False)
    for _ in range(2):  # nothing may be left over from the first
        assert_same(program(*values), expected)


# --- Derivatives -------------------------------------------------------------------------------


@each(TRUE_TO_F)
@given(data=st.data())
@fewer
def test_bprop_agrees_with_central_differences(kind, data):
    example, G = draw_smooth(data, kind)
    for place, gradient in zip(example.wanted, bprop_values(example, G), strict=True):
        expected = central_differences(example, place, G)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)


@each(TRUE_TO_F)
@given(data=st.data())
@few
def test_bprop_agrees_with_pytorch(kind, data):
    example, G = draw_smooth(data, kind)
    ours, theirs = bprop_values(example, G), torch_gradients(example, G)
    for gradient, expected in zip(ours, theirs, strict=True):
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


@each(DIFFERENTIABLE)
@given(data=st.data())
@fewer
def test_forward_mode_agrees_with_back_propagation(kind, data):
    example, G_value = draw_smooth(data, kind)
    variables, rng = example.variables(), data.draw(rngs)
    node = example.operation(*variables)
    G = dl.variable("G", node.shape)
    targets = [variables[i] for i in example.wanted]
    moving = [V for V in targets if data.draw(st.booleans())] or targets
    T = {V: dl.variable(f"T_{V.name}", V.shape) for V in moving}
    forward = dl.jvp(node, T)
    assert (forward.shape, forward.dtype) == (node.shape, node.dtype)
    inputs = {V.name: value for V, value in zip(variables, example.arrays, strict=True)}
    T_values = [smooth_values(rng, inputs[V.name].shape) for V in moving]
    if not moving:
        return
    backward = dl.backprop(moving, dl.sum(node * G))
    program = dl.compile([forward, *backward.values()], [*variables, G, *T.values()])
    moved, *gradients = program(*example.arrays, G_value, *T_values)
    terms = [g * t for g, t in zip(gradients, T_values, strict=True)]
    scale = sum(np.abs(term).sum() for term in terms)
    assert_allclose(np.sum(G_value * moved), sum(t.sum() for t in terms), atol=1e-12 * (1 + scale))


@each(DIFFERENTIABLE)
@given(data=st.data())
@fewer
def test_float32_stays_float32_forwards_and_backwards(kind, data):
    example = draw_example(data, kind, "float32")
    variables = example.variables()
    node = example.operation(*variables)
    if not hasattr(example.operation, "dtype"):  # then it is a setting
        assert node.dtype == np.float32 or node.dtype.kind != "f"
    if node.dtype.kind == "f":
        for gradient in bprop_values(example, np.ones_like(example.f(*example.arrays))):
            assert gradient.dtype == np.float32
        targets = [variables[i] for i in example.wanted]
        assert dl.jvp(node, {V: V for V in targets}).dtype == node.dtype


@each(TRUE_TO_F)
@given(data=st.data())
@fewer
def test_second_derivatives_agree_with_pytorch(kind, data):
    example, G = draw_smooth(data, kind)
    rng = data.draw(rngs)
    R = [smooth_values(rng, example.arrays[i].shape) for i in example.wanted]
    ours, theirs = second_derivatives(example, G, R), torch_second_derivatives(example, G, R)
    for gradient, expected in zip(ours, theirs, strict=True):
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)


@each(
    [Relu, LeakyRelu, Abs, Sign, Heaviside, Clip, Maximum, Minimum, Max, Min, MaxAndIndex, IsLarger]
)
@given(data=st.data())
@fewer
def test_what_is_linear_in_pieces_has_the_second_derivative_0(kind, data):
    example, _ = draw_smooth(data, kind)
    pairs = zip(example.variables(), example.arrays, strict=True)
    variables = [dl.variable(V.name, a.shape) for V, a in pairs]
    z = dl.sum(example.operation(*variables) * 3)
    for V in variables:
        H = dl.evaluate(dl.hessian(z, V), dict(zip(variables, example.arrays, strict=True)))
        assert_array_equal(H, np.zeros_like(H))


def central_differences(example, place, G, h=1e-5):
    """The gradient of the sum of f(inputs) * G, one entry at a time."""
    arrays = [array.copy() for array in example.arrays]
    entries, gradient = arrays[place], np.zeros_like(arrays[place])
    for i in np.ndindex(entries.shape):
        middle, sums = entries[i].copy(), []
        for value in (middle + h, middle - h):
            entries[i] = value
            sums.append(np.sum(example.f(*arrays) * G))
        entries[i] = middle
        gradient[i] = (sums[0] - sums[1]) / (2 * h)
    return gradient


def second_derivatives(example, G, R):
    """Differentiate the sum of R * gradient once more, through the graph that bprop built.

    Forward mode through the same graph has to say the same.
    """
    variables = example.variables()
    wanted = [variables[i] for i in example.wanted]
    if not wanted:
        return []
    node = example.operation(*variables)
    G_variable = dl.variable("G", node.shape)
    R_variables = [dl.variable("R", V.shape) for V in wanted]
    zero = sum(0 * dl.sum(V) for V in wanted)  # so that all take part
    first = dl.backprop(wanted, dl.sum(node * G_variable) + zero)
    z = sum(dl.sum(first[V] * r) for V, r in zip(wanted, R_variables, strict=True)) + zero
    second = dl.backprop(wanted, z)
    directions = dict(zip(wanted, R_variables, strict=True))
    forward = dl.jvp([first[V] + 0 * V for V in wanted], directions)
    program = dl.compile([*second.values(), *forward], [*variables, G_variable, *R_variables])
    results = program(*example.arrays, G, *R)
    half = len(results) // 2
    for backwards, forwards in zip(results[:half], results[half:], strict=True):
        assert_allclose(forwards, backwards, rtol=1e-12, atol=1e-11)
    return results[:half]


def torch_second_derivatives(example, G, R):
    tensors, wanted = torch_inputs(example)
    if not wanted:
        return []
    zero = sum(0 * tensor.sum() for tensor in wanted)
    z = (example.f(*tensors) * torch.from_numpy(G)).sum() + zero
    first = torch_grad(z, wanted, create_graph=True)
    z = sum((g * torch.from_numpy(r)).sum() for g, r in zip(first, R, strict=True)) + zero
    return [gradient.numpy() for gradient in torch_grad(z, wanted)]
