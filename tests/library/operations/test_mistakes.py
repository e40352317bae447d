"""Mistakes: reported when the graph is built, or, where only the data shows them, when it runs."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from values import A23, B23, C3, M, value_of

import dlbook as dl
from dlbook.operations.comparisons import Where
from dlbook.operations.indexing import PutAlong
from dlbook.operations.shapes import Squeeze

# --- Mistakes, reported when the graph is built -----------------------------------------------

SCALAR, WHOLE, TRUTH = (
    dl.variable("s", ()),
    dl.variable("n", (2, 3), np.int64),
    dl.variable("t", (2, 3), bool),
)
CUBE3, ROWS = dl.variable("C", (2, 3, 4)), dl.variable("y", (None,), np.int64)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: A23 + dl.variable("b", (2,)), r"add: the shapes of 'A' \(2, 3\) and 'b' \(2,\)"),
        (lambda: A23 * M, r"multiply: .*'A' \(2, 3\) and 'M' \(None, 3\).* None is no fixed"),
        (lambda: dl.maximum(A23, A23.T), r"maximum: the shapes of 'A' .* and 'transpose' \(3, 2\)"),
        (lambda: A23 > A23.T, r"greater: the shapes of 'A' \(2, 3\) and 'transpose' \(3, 2\)"),
        (lambda: A23**A23.T, r"power: the shapes of 'A' \(2, 3\) and 'transpose' \(3, 2\)"),
        (
            lambda: dl.where(TRUTH, A23, A23.T),
            r"where: the shapes of 't' \(2, 3\) and 'A' \(2, 3\) and 'transpose' \(3, 2\) do not",
        ),
        (
            lambda: dl.binary_cross_entropy(M, A23),
            r"binary_cross_entropy: the labels 'A' \(2, 3\) must .* logits 'M' \(None, 3\)",
        ),
        (
            lambda: dl.parametric_relu(A23, dl.variable("alpha", (2,))),
            r"multiply: the shapes of 'alpha' \(2,\) and 'A' \(2, 3\) do not fit",
        ),
        (lambda: A23 @ B23, r"matmul: the shapes of 'A' \(2, 3\) and 'B' \(2, 3\).* last but one"),
        (lambda: A23 @ dl.variable("w", (2,)), r"matmul: .*'w' \(2,\) .* only size of the second"),
        (lambda: A23 @ SCALAR, r"matmul: .*'s' \(\) do not fit"),
        (lambda: SCALAR @ A23, r"matmul: the shapes of 's' \(\) and 'A' \(2, 3\)"),
        (
            lambda: dl.variable("P", (2, 2, 3)) @ dl.variable("Q", (3, 3, 4)),
            r"matmul: the shapes of 'P' \(2, 2, 3\) and 'Q' \(3, 3, 4\) do not fit",
        ),
        (
            lambda: dl.dot(CUBE3, C3),
            r"dot: takes scalars, .* got 'C' \(2, 3, 4\) and 'c' \(3,\); s",
        ),
        (lambda: dl.dot(A23, B23), r"matmul: the shapes of 'A' \(2, 3\) and 'B' \(2, 3\)"),
        (lambda: dl.sum(A23, axis=2), r"sum: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.mean(A23, axis=-3), r"mean: 'A' of shape \(2, 3\) has no axis -3"),
        (lambda: dl.max(A23, axis=2), r"max: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.min(A23, axis=2), r"min: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.logsumexp(A23, axis=2), r"logsumexp: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.softmax(A23, axis=2), r"softmax: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.softmax(SCALAR), r"softmax: 's' of shape \(\) has no axis -1"),
        (lambda: dl.log_softmax(A23, axis=2), r"log_softmax: 'A' .* has no axis 2"),
        (lambda: dl.argmax(A23, axis=2), r"argmax: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.max_and_index(A23, axis=2), r"max_and_index: 'A' .* has no axis 2"),
        (lambda: dl.max_and_index(SCALAR), r"max_and_index: 's' of shape \(\) has no axis -1"),
        (lambda: dl.take(A23, 0, axis=2), r"take: 'A' of shape \(2, 3\) has no axis 2"),
        (lambda: dl.take_along_axis(A23, WHOLE, 2), r"take_along_axis: 'A' .* has no axis 2"),
        (lambda: dl.concatenate([A23, A23], axis=2), r"concatenate: 'A' .* has no axis 2"),
        (lambda: dl.concatenate([SCALAR, SCALAR]), r"concatenate: 's' .* has no axis 0"),
        (lambda: dl.sum(SCALAR, axis=0), r"sum: 's' of shape \(\) has no axis 0"),
        (lambda: dl.sum(A23, axis=(0, -2)), r"sum: an axis is given twice in \(0, -2\)"),
        (lambda: A23.reshape(4), r"reshape: 'A' \(2, 3\) cannot take the shape \(4,\)"),
        (lambda: A23.reshape(None, 3), r"reshape: 'A' \(2, 3\) cannot take the shape \(None, 3\)"),
        (lambda: M.reshape(None, None), r"reshape: .* at most one size may be None"),
        (lambda: M.reshape(6), r"reshape: 'M' \(None, 3\) cannot take the shape \(6,\)"),
        (lambda: A23.reshape(-1, -6), r"reshape: each size must be .*, got -6 in \(-6,\)"),
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
        (
            lambda: dl.broadcast_to(A23, (2, 4)),
            r"broadcast_to: 'A' \(2, 3\) cannot be repeated to the shape \(2, 4\)",
        ),
        (lambda: dl.broadcast_to(A23, (3,)), r"broadcast_to: 'A' \(2, 3\) cannot be repeated"),
        (lambda: dl.broadcast_to(C3, (None, 3)), r"broadcast_to: .* to the shape \(None, 3\)"),
        (lambda: dl.broadcast_to(M, (4, 3)), r"broadcast_to: 'M' \(None, 3\) cannot be repeated"),
        (lambda: dl.broadcast_to(C3, (0, 3)), r"broadcast_to: each size must be .*, got 0"),
        (lambda: dl.maxout(A23, 2), r"maxout: the last axis of 'A' \(2, 3\) .* multiple .* got 2"),
        (lambda: dl.maxout(A23, 0), r"maxout: .* a positive whole number, got 0"),
        (lambda: dl.maxout(A23, 1.5), r"maxout: .* a positive whole number, got 1.5"),
        (lambda: dl.maxout(A23, True), r"maxout: .* a positive whole number, got True"),
        (lambda: dl.maxout(SCALAR, 1), r"maxout: the last axis of 's' \(\) must be"),
        (lambda: dl.maxout(M.T, 3), r"maxout: the last axis of 'transpose' \(3, None\) must be"),
        (lambda: dl.clip(A23, 2, 1), r"clip: the lower bound must not be above .* got 2 and 1"),
        (lambda: dl.clip(A23, np.nan, 1), r"clip: the lower bound must not be .* got nan and 1"),
        (lambda: dl.concatenate([]), r"concatenate: there must be at least one variable"),
        (lambda: dl.stack([]), r"stack: there must be at least one variable"),
        (
            lambda: dl.concatenate([A23, C3]),
            r"concatenate: the shapes 'A' \(2, 3\), 'c' \(3,\) must have equally many axes",
        ),
        (
            lambda: dl.concatenate([A23, A23.T]),
            r"concatenate: the shapes 'A' \(2, 3\), 'transpose' \(3, 2\) do not fit: all sizes but "
            r"that of axis 0",
        ),
        (lambda: dl.concatenate([M, M]), r"concatenate: .* must not be the number of examples"),
        (lambda: dl.concatenate([M, A23], 1), r"concatenate: .*'M' \(None, 3\), 'A' \(2, 3\) do"),
        (
            lambda: dl.stack([A23, C3]),
            r"stack: the shapes 'A' \(2, 3\), 'c' \(3,\) must all be the",
        ),
        (lambda: dl.stack([A23, A23], axis=3), r"stack: a result of 3 axes has no axis 3"),
        (lambda: dl.stack([A23], axis=-4), r"stack: a result of 3 axes has no axis -4"),
        (lambda: dl.stack([A23], axis=0.5), r"stack: a result of 3 axes has no axis 0.5"),
        (
            lambda: dl.take_along_axis(A23, ROWS, 0),
            r"take_along_axis: the index 'y' \(None,\) must have the sizes of 'A' \(2, 3\) on all "
            r"axes but 0",
        ),
        (lambda: dl.take_along_axis(A23, WHOLE.T, 0), r"take_along_axis: the index 'transpose'"),
        (
            lambda: dl.cross_entropy(A23, ROWS),
            r"cross_entropy: the logits 'A' \(2, 3\) must have one row of classes for each of the "
            r"labels 'y' \(None,\)",
        ),
        (lambda: dl.cross_entropy(SCALAR, ROWS), r"cross_entropy: the logits 's' \(\) must have"),
        (lambda: dl.cross_entropy(A23, WHOLE), r"cross_entropy: .* labels 'n' \(2, 3\)"),
        (lambda: dl.cross_entropy(M.T, WHOLE[0]), r"'transpose' \(3, None\) must have one row"),
        (
            lambda: dl.cross_entropy(A23, C3),
            r"cross_entropy: the probabilities 'c' \(3,\) must have the shape of the logits 'A'",
        ),
        (lambda: dl.cross_entropy(SCALAR, SCALAR), r"cross_entropy: the probabilities 's' \(\)"),
        (
            lambda: dl.cholesky(A23),
            r"cholesky: needs square matrices, but 'A' has the shape \(2, 3",
        ),
        (lambda: dl.cholesky(C3), r"cholesky: needs square matrices, but 'c'"),
        (
            lambda: dl.cholesky(dl.variable("S", (None, None))),
            r"cholesky: needs square matrices, but 'S' has the shape \(None, None\)",
        ),
        (
            lambda: dl.solve_triangular(A23, A23),
            r"solve_triangular: needs square matrices, but 'A'",
        ),
        (
            lambda: dl.solve_triangular(A23 @ A23.T, C3),
            r"solve_triangular: 'c' \(3,\) must have matrices with as many rows as 'matmul' "
            r"\(2, 2\); for a vector b use b\[:, None\]",
        ),
        (
            lambda: dl.solve_triangular(A23 @ A23.T, A23.T),
            r"solve_triangular: 'transpose' \(3, 2\) must have matrices with as many rows",
        ),
        (
            lambda: dl.solve_triangular(dl.variable("L", (2, 1, 1)), dl.variable("R", (3, 1, 1))),
            r"solve_triangular: the shapes of 'L' \(2, 1, 1\) and 'R' \(3, 1, 1\) do not fit",
        ),
        (lambda: A23[0:0], r"index: \[0:0\] of 'A' \(2, 3\) is empty"),
        (lambda: A23[:, 3:], r"index: \[:, 3:\] of 'A' \(2, 3\) is empty"),
        (lambda: A23[..., 2:1], r"index: \[..., 2:1\] of 'A' \(2, 3\) is empty"),
        (lambda: M[:3], r"index: \[:3\] of 'M' \(None, 3\) would have a size that depends on"),
        (lambda: M[1:], r"index: \[1:\] of 'M' \(None, 3\) would have a size that depends on"),
        (lambda: M[::2], r"index: \[::2\] of 'M' \(None, 3\) would have a size that depends on"),
        (lambda: M[:2000], r"index: \[:2000\] of 'M' \(None, 3\) would have a size that depends"),
        (lambda: M[-3:], r"index: \[-3:\] of 'M' \(None, 3\) would have a size that depends on"),
        (
            lambda: A23[[0, 1], [0, 1, 2]],
            r"index: the shapes of .* \(2,\) and .* \(3,\) do not fit",
        ),
        (lambda: A23[WHOLE[0], ROWS], r"index: the shapes of 'index' \(3,\) and 'y' \(None,\) do"),
    ],
)
def test_shapes_that_do_not_fit_are_reported_with_the_operation(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (2, r"index: \[2\] does not fit 'A' \(2, 3\): 2 is out of bounds for the size 2"),
        (-3, r"index: \[-3\] does not fit 'A' \(2, 3\): -3 is out of bounds for the size 2"),
        ((0, 3), r"index: \[0, 3\] does not fit 'A' \(2, 3\): 3 is out of bounds for the size 3"),
        ((0, 0, 0), r"index: \[0, 0, 0\] does not fit 'A' \(2, 3\): too many axes"),
        ((..., ...), r"index: \[..., ...\] does not fit 'A' \(2, 3\): .* more than one ..."),
        ((slice(None), [0], 0), r"index: \[:, array, 0\] does not fit 'A' \(2, 3\): too many axes"),
    ],
)
def test_a_key_that_does_not_fit_is_reported_when_the_graph_is_built(key, message):
    with pytest.raises(IndexError, match=message):
        A23[key]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WHOLE / 2, r"divide: needs floats, but 'n' of shape \(2, 3\) is int64"),
        (lambda: dl.relu(WHOLE), "relu: needs floats, but 'n'"),
        (lambda: dl.heaviside(WHOLE), "heaviside: needs floats, but 'n'"),
        (lambda: dl.mean(WHOLE), "mean: needs floats, but 'n'"),
        (lambda: dl.softmax(WHOLE), "softmax: needs floats, but 'n'"),
        (lambda: dl.log_softmax(WHOLE), "log_softmax: needs floats, but 'n'"),
        (lambda: dl.logsumexp(WHOLE), "logsumexp: needs floats, but 'n'"),
        (lambda: dl.clip(WHOLE, 0, 1), "clip: needs floats, but 'n'"),
        (lambda: dl.cholesky(WHOLE @ WHOLE.T), "matmul: needs floats, but 'n'"),
        (lambda: WHOLE**3, "power: needs floats, but 'n'"),
        (lambda: 2**WHOLE, "power: needs floats, but 'n'"),
        (lambda: A23 @ WHOLE.T, "matmul: needs floats"),
        (lambda: TRUTH + TRUTH, r"add: needs numbers, but 't' of shape \(2, 3\) is bool"),
        (lambda: dl.max(TRUTH), r"max: needs numbers, but 't'"),
        (lambda: -TRUTH, r"negate: needs numbers, but 't'"),
        (
            lambda: dl.one_hot(A23, 3),
            r"one_hot: needs integers, but 'A' of shape \(2, 3\) is float",
        ),
        (lambda: dl.one_hot(TRUTH, 2), r"one_hot: needs integers, but 't'"),
        (
            lambda: dl.one_hot(WHOLE, 2.0),
            r"one_hot: .* positive whole number, got 2.0 .*'n' \(2, 3",
        ),
        (lambda: dl.one_hot(WHOLE, 0), r"one_hot: .* positive whole number, got 0"),
        (lambda: dl.one_hot(WHOLE, True), r"one_hot: .* positive whole number, got True"),
        (lambda: dl.one_hot(WHOLE, 3, "complex64"), "one_hot: needs float32, .* got complex64"),
        (lambda: dl.where(A23, 1.0, 2.0), "where: the condition must be a bool, .* 'A' is float64"),
        (lambda: dl.where(True, A23, A23), "where: an input must be .* got bool"),
        (
            lambda: dl.cross_entropy(WHOLE, WHOLE[0]),
            "cross_entropy: .* floats, but 'n' .* is int64",
        ),
        (
            lambda: dl.binary_cross_entropy(WHOLE, WHOLE),
            "binary_cross_entropy: the logits must be floats, but 'n'",
        ),
        (
            lambda: dl.take_along_axis(A23, B23, 0),
            "take_along_axis: 'B' must be integers, it is fl",
        ),
        (lambda: dl.take(A23, C3), "index: 'A' takes whole numbers, .* got float64"),
        (lambda: A23[C3], "index: 'A' takes whole numbers, .* got float64"),
        (lambda: A23[TRUTH], "index: .* got bool; to choose by a condition, use where"),
        (lambda: A23[A23 > 0], "index: .* got bool; to choose by a condition, use where"),
        (lambda: A23[np.ones((2, 3), bool)], "index: .* got bool; to choose by a condition"),
        (lambda: A23[[True, False]], "index: .* got bool; to choose by a condition, use where"),
        (lambda: A23[True], "index: .* got bool"),
        (lambda: A23[np.True_], "index: .* got bool"),
        (lambda: A23[1.0], "index: .* got float"),
        (lambda: A23["x"], "index: .* got str"),
        (lambda: A23[[]], "index: .* got float64"),
        (lambda: A23[0.5:], "index: .* got slice"),
        (lambda: A23[:, True:], "index: .* got slice"),
        (lambda: dl.clip(A23, "0", 1), "clip: a bound must be a number, got '0'"),
        (lambda: dl.clip(A23, 0, True), "clip: a bound must be a number, got True"),
        (lambda: dl.clip(A23, C3, 1), "clip: a bound must be a number, got <c"),
        (lambda: dl.leaky_relu(A23, C3), "leaky_relu: the slope must be a number, got <c"),
        (lambda: dl.leaky_relu(A23, True), "leaky_relu: the slope must be a number, got True"),
        (lambda: A23 ** (True), "power: the exponent must be a finite number or .*, got True"),
        (lambda: A23 ** "2", "power: the exponent must be a finite number or a variable, got '2'"),
        (lambda: A23**np.inf, "power: the exponent must be a finite number or .*, got inf"),
        (lambda: A23 + "1", "add: an input must be a variable, a NumPy array or a number, got str"),
        (lambda: True + A23, "add: an input must be .* got bool"),
        (lambda: None * A23, "multiply: an input must be .* got NoneType"),
        (lambda: A23 > "1", "greater: an input must be .* got str"),
        (lambda: A23 + np.array(["a"]), "constant: needs float32, float64, integers or bools"),
        (lambda: A23.astype(complex), "astype: needs float32, float64, integers .* got complex128"),
        (lambda: A23.astype(np.float16), "astype: needs float32, float64, .* got float16"),
        (lambda: dl.broadcast_to(A23, 3), "broadcast_to: the shape must be a tuple .* got 3"),
        (lambda: dl.concatenate([A23, [1.0]]), "concatenate: an input must be .* got list"),
        (lambda: dl.stack([A23, None]), "stack: an input must be .* got NoneType"),
        (lambda: dl.sum(A23, axis=1.5), "sum: an axis must be a whole number, got 1.5"),
        (lambda: dl.mean(A23, axis=0.0), "mean: an axis must be a whole number, got 0.0"),
        (lambda: dl.max(A23, axis="0"), "max: an axis must be a whole number, got '0'"),
        (lambda: dl.softmax(A23, axis=0.5), "softmax: an axis must be a whole number, got 0.5"),
    ],
)
def test_values_of_a_wrong_kind_are_reported_with_the_operation(build, message):
    with pytest.raises(TypeError, match=message):
        build()


FUNCTIONS = [
    "abs", "argmax", "astype", "cholesky", "clip", "cos", "exp", "log", "log1p", "log_softmax",
    "logsumexp", "max", "max_and_index", "maxout", "mean", "min", "negate", "one_hot", "relu",
    "reshape", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "square", "heaviside",
    "stop_gradient", "sum", "tanh", "transpose", "leaky_relu", "broadcast_to",
]  # fmt: skip
MORE = {
    "astype": (float,),
    "clip": (0, 1),
    "maxout": (1,),
    "one_hot": (3,),
    "broadcast_to": ((3,),),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_list_is_no_input_of_an_operation(name):
    with pytest.raises(TypeError, match=f"^{name}: an input must be a variable, .* got list; "):
        getattr(dl, name)([1.0, 2.0], *MORE.get(name, ()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_operation_takes_an_array_as_it_is(name):
    array = np.array([[2, 1], [1, 2]]) if name == "one_hot" else np.array([[2.0, 1.0], [1.0, 2.0]])
    more = (
        (2, 2) if name == "reshape" else {"broadcast_to": ((2, 2),)}.get(name, MORE.get(name, ()))
    )
    V = dl.variable("V", (2, 2), array.dtype)
    ours, theirs = (getattr(dl, name)(A, *more) for A in (array, V))
    if name != "max_and_index":
        ours, theirs = [ours], [theirs]
    for result, expected in zip(ours, theirs, strict=True):
        assert_array_equal(value_of(result, {}), value_of(expected, {V: array}))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: dl.relu(A23, B23), "relu: takes 1 inputs, got 2"),
        (lambda: dl.add(A23), "add: takes 2 inputs, got 1"),
        (lambda: dl.multiply(A23, B23, A23), "multiply: takes 2 inputs, got 3"),
        (lambda: dl.negate(), "negate: takes 1 inputs, got 0"),
        (lambda: Where()(TRUTH, A23), "where: takes 3 inputs, got 2"),
    ],
)
def test_a_wrong_number_of_inputs_is_reported_when_the_graph_is_built(build, message):
    with pytest.raises(TypeError, match=message):
        build()


def test_nan_in_an_array_that_meets_a_variable_is_reported():
    with pytest.raises(ValueError, match=r"contains NaN in 1 of 3 entries, the first at \(1,\)"):
        C3 * np.array([1.0, np.nan, 2.0])


# --- Mistakes that only the data can show, reported when the graph runs -------------------------


@pytest.mark.parametrize("wrong", [-1, 3, 255])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("simplify", [True, False])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_label_that_is_no_class_is_reported_wherever_labels_are_used(
    wrong, dtype, simplify, backend
):
    if wrong < 0 and dtype == "uint8":
        wrong = 200
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,), dtype)
    labels = np.array([0, wrong, 1]).astype(dtype)
    cost = dl.cross_entropy(z, y)
    outputs = {
        "cross_entropy": [cost],
        "one_hot|cross_entropy": [dl.softmax(z) - dl.one_hot(y, 3)],
        "cross_entropy|one_hot": [dl.backprop([z], dl.mean(cost))[z]],
        "one_hot": [dl.one_hot(y, 3)],
    }
    low, high = min(0, wrong), max(1, wrong)
    for name, output in outputs.items():
        program = dl.compile(output, [z, y], simplify, backend)
        with pytest.raises(
            ValueError,
            match=rf"({name}): the labels must be from 0 to 2, for 3 classes, but they go from "
            rf"{low} to {high}",
        ):
            program(np.zeros((3, 3)), labels)
        for result in program(np.zeros((2, 3)), labels[::2].copy()):  # it still runs
            assert np.isfinite(np.asarray(result)).all()


def test_a_wrong_label_is_reported_by_evaluate_and_among_constants():
    z, y = dl.variable("z", (3, 3)), dl.variable("y", (3,), np.int64)
    wrong = np.array([0, -1, 1])
    with pytest.raises(ValueError, match="cross_entropy: the labels must be from 0 to 2"):
        dl.evaluate(dl.cross_entropy(z, y), {z: np.zeros((3, 3)), y: wrong})
    with pytest.raises(ValueError, match="cross_entropy: the labels must be from 0 to 2"):
        dl.evaluate(dl.cross_entropy(z, wrong), {z: np.zeros((3, 3))})
    with pytest.raises(ValueError, match="one_hot: the labels must be from 0 to 2"):
        dl.evaluate(dl.one_hot(wrong, 3), {})


def test_labels_that_are_floats_are_no_labels():
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,))
    with pytest.raises(ValueError, match=r"cross_entropy: the probabilities 'y' \(None,\) must"):
        dl.cross_entropy(z, y)
    y = dl.variable("y", (None,), np.int64)
    with pytest.raises(TypeError, match=r"'y' is int64 of shape .* the value is float64"):
        dl.evaluate(dl.cross_entropy(z, y), {z: np.zeros((2, 3)), y: np.array([0.0, 1.0])})


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("simplify", [True, False])
def test_an_index_outside_of_its_axis_is_reported_when_it_runs(backend, simplify):
    X, i = dl.variable("X", (None, 3)), dl.variable("i", (2,), np.int64)
    value = np.arange(6.0).reshape(2, 3)
    for node in (X[i], X[5] + i[0], X[:, i], dl.take(X, i, axis=1)):
        program = dl.compile([node], [X, i], simplify, backend)
        for wrong in (np.array([0, 7]), np.array([0, -7])):
            with pytest.raises(IndexError, match=r"out of (bounds|range)"):
                program(value, wrong)
    along = dl.variable("along", (None, 1), np.int64)
    for node in (dl.take_along_axis(X, along, 1), PutAlong(1)(X[:, :1], X, along)):
        program = dl.compile([node], [X, along], simplify, backend)
        for wrong in (3, -4):
            with pytest.raises((IndexError, RuntimeError), match="out of bounds"):
                program(value, np.array([[0], [wrong]]))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("simplify", [True, False])
def test_a_matrix_without_factors_is_reported_when_it_runs(backend, simplify):
    A = dl.variable("A", (None, 2, 2))
    good, bad = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 2.0], [2.0, 1.0]])
    L = dl.cholesky(A)
    for output in (L, dl.backprop([A], dl.sum(L))[A]):
        program = dl.compile([output], [A], simplify, backend)
        assert np.isfinite(np.asarray(program(np.stack([good, good]))[0])).all()
        with pytest.raises(
            ValueError, match=r"cholesky: the matrix of shape \(2, 2, 2\) is not positive definite"
        ):
            program(np.stack([good, bad]))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("transposed", [True, False])
def test_a_triangular_matrix_with_a_0_on_its_diagonal_is_reported_when_it_runs(backend, transposed):
    L, B = dl.variable("L", (2, 2)), dl.variable("B", (2, 1))
    program = dl.compile([dl.solve_triangular(L, B, transposed)], [L, B], backend=backend)
    with pytest.raises(
        ValueError, match=r"solve_triangular: the matrix of shape \(2, 2\) has a 0 on its diagonal"
    ):
        program(np.array([[1.0, 5.0], [2.0, 0.0]]), np.ones((2, 1)))


# --- What a function gets that is no variable, and what a rule of one's own must not do ---------

z = dl.sum(A23)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dl.Graph("z"), "Graph: the outputs must be variables, got 'z'"),
        (lambda: dl.Graph([z, None]), "Graph: the outputs must be variables, got None"),
        (lambda: dl.backprop("A", z), "backprop: the targets must be variables, got 'A'"),
        (lambda: dl.backprop(np.tanh, z), "backprop: the targets must be variables, got <ufunc"),
        (lambda: dl.jvp(None, {A23: A23}), "jvp: the outputs must be variables, got None"),
        (lambda: dl.simplify(3), "simplify: the outputs must be variables, got 3"),
        (lambda: dl.simplify([z], 3), "simplify: the inputs must be variables, got 3"),
        (lambda: dl.compile([z], "A"), "compile: the inputs must be variables, got 'A'"),
        (lambda: dl.evaluate([z, z], {}), "evaluate: computes one variable, .* use compile"),
        (lambda: dl.get_operation(None), "get_operation: takes a variable, got None"),
        (lambda: dl.get_consumers(A23, z), r"get_consumers: takes a variable and a Graph.*Graph\("),
        (lambda: dl.relu(A23, axis=1), "relu: takes its inputs alone, got axis="),
        (lambda: dl.constant(1, name=2), "constant: the name must be a text, got 2"),
        (lambda: 0 & A23, r"logical_and: .* so write \(x > 0\) & \(x < 1\)"),
    ],
)
def test_what_is_no_variable_is_named_with_the_function_that_was_called(call, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        call()


def test_an_axis_that_a_mean_has_lost_is_found():
    with pytest.raises(ValueError, match=r"^subtract: .*keepdims=True in 'mean' leaves the axis"):
        M - dl.mean(M, axis=1)
    with pytest.raises(ValueError, match=r"no fixed number$"):
        A23 * M


def test_a_cross_entropy_over_the_examples_is_refused():
    one = dl.variable("z", (None,))
    with pytest.raises(ValueError, match=r"^cross_entropy: the last axis .* use binary_cross_ent"):
        dl.cross_entropy(one, dl.variable("y", (None,)))


def test_the_keys_of_a_dict_of_gradients_are_not_its_values():
    x = dl.variable("x", ())
    for (gradient,) in (dl.backprop([x], dl.square(x)), dl.backprop([x], dl.exp(x))):
        with pytest.raises(ValueError, match=r"no value is given for x, .*: take gradients\[W\]$"):
            dl.evaluate(gradient, {})


class Doubled(dl.Operation):
    name = "doubled"

    def infer_shape(self, A):
        return A.shape

    def f(self, A):
        A *= 2
        return A


def test_what_the_caller_gives_is_not_changed_by_an_f():
    given = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"^doubled: .*read-only; computed from 'A' \(2, 3\)"):
        dl.evaluate(Doubled()(A23), {A23: given})
    assert_array_equal(given, 1)


def test_rules_take_what_the_contract_says_and_give_variables():
    with pytest.raises(TypeError, match=r"^Bad: bprop must take \(self, inputs, X, G\), got \(sel"):
        type("Bad", (dl.Operation,), {"bprop": lambda self, G: G})
    with pytest.raises(TypeError, match=r"^Bad: jvp must take \(self, inputs, tangents\), got"):
        type("Bad", (dl.Operation,), {"jvp": lambda self, tangents: tangents})
    three = type("Three", (Doubled,), {"jvp": lambda self, inputs, tangents: 3.0})
    with pytest.raises(TypeError, match=r"^jvp: the jvp of doubled must return a variable"):
        dl.jvp(three()(A23), {A23: np.ones((2, 3))})
