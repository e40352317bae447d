"""What is copied, sent to another process, or written to a file comes back as it was."""

import copy
import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import dlbook as dl

W, b = dl.variable("W", (2, 3)), dl.variable("b", (3,), np.float32)
VALUES = {W: np.arange(6.0).reshape(2, 3), b: np.ones(3, np.float32)}


def chain(length):
    x = dl.variable("x", ())
    h = x
    for _ in range(length):
        h = dl.tanh(h)
    return x, h


# --- Pickle ------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dumps", [pickle.dumps, pickle._dumps], ids=["C", "Python"])
def test_a_graph_keeps_its_structure(dumps, protocol):
    x = dl.variable("x", (None, 2))
    y = (dl.exp(x) * x).named("y")
    z = dl.sum(y * y + x)
    Z, (Y,), X = pickle.loads(dumps((z, [y], x), protocol))  # the last one first
    assert Y in dl.Graph(Z) and Y.inputs[1] is X
    ((Y, (Z, X)),) = pickle.loads(dumps({y: (z, x)}, protocol)).items()
    assert Y in dl.Graph(Z) and Y.inputs[1] is X
    X, Y, Z = pickle.loads(dumps([x, y, z], protocol))
    assert len(dl.Graph([X, Y, Z])) == len(dl.Graph([x, y, z]))
    assert Y in dl.Graph(Z) and Y.inputs[1] is X and Y.name == "y" and X.shape == (None, 2)
    data = np.array([[1.0, 2.0]])
    assert dl.evaluate(Z, {X: data}) == dl.evaluate(z, {x: data})


@pytest.mark.parametrize("length", [1, 2, 1000, 1001, 3000])
def test_a_deep_graph_does_not_need_a_deep_stack(length):
    x, h = chain(length)
    g = dl.backprop([x], h)[x]
    X, H, G = pickle.loads(pickle.dumps([x, h, g]))
    assert len(dl.Graph([H, G])) == len(dl.Graph([h, g]))
    assert dl.evaluate(G, {X: 0.1}) == dl.evaluate(g, {x: 0.1})
    assert copy.deepcopy(h) is h


def test_after_what_cannot_be_pickled_everything_else_can():
    class Local(dl.Operation):
        name = "local"

        def infer_shape(self, x):
            return x.shape

    _, h = chain(3000)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(dl.tanh(Local()(h)))
    assert len(dl.Graph(pickle.loads(pickle.dumps(h)))) == 3001


def test_a_program_is_compiled_again():
    x, h = chain(3)
    for how in ({}, {"simplify": False}, {"backend": "torch"}):
        program = dl.compile([h * 2], [x], **how)
        for other in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
            assert type(other) is type(program) and other is not program
            assert other.source == program.source
            assert other(0.5) == program(0.5)


# --- Copies ------------------------------------------------------------------------------------


def test_a_copy_of_parameters_has_the_same_variables_and_other_arrays():
    for copied in (copy.deepcopy(VALUES), copy.copy(VALUES), dict(VALUES)):
        assert list(copied) == [W, b]
    copied = copy.deepcopy(VALUES)
    copied[W] += 1
    assert VALUES[W][0, 0] == 0
    J = dl.sum(dl.square(W))
    trained = dl.train(J, copy.deepcopy({W: VALUES[W]}), {}, dl.GradientDescent(0.1), 1)
    again = dl.train(J, copy.deepcopy(trained.parameters), {}, dl.GradientDescent(0.1), 1)
    assert again.costs[0] == trained.costs[1]


def test_a_variable_of_the_same_name_is_not_the_same_one():
    J = dl.sum(W)
    namesake = pickle.loads(pickle.dumps(W))
    message = "'W' is not an ancestor of 'sum'; another variable named 'W' is$"
    with pytest.raises(ValueError, match=message):
        dl.backprop([namesake], J)
    with pytest.raises(ValueError, match=f"^train: {message}"):
        dl.train(J, {namesake: VALUES[W]}, {}, dl.GradientDescent(0.1), 1)


# --- A program inside of itself ----------------------------------------------------------------


class Again(dl.Operation):
    name = "again"

    def infer_shape(self, x):
        return x.shape

    def f(self, x):
        return program(x - 1)[0] if x[0] > 0 else x


x1 = dl.variable("x", (1,))
program = dl.compile([Again()(x1)], [x1])


def test_a_program_that_calls_itself_says_so_and_goes_on_working():
    found = []

    def call():
        with pytest.raises(RuntimeError, match=r"^program: called from inside itself"):
            program(np.ones(1))
        found.append(program(np.zeros(1))[0])

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert_array_equal(found, [[0]])


# --- Files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["best", "best.npz", "a.b"])
def test_saved_parameters_come_back(tmp_path, name):
    dl.save(tmp_path / name, VALUES)
    for order in ([W, b], [b, W]):
        loaded = dl.load(tmp_path / name, order)
        assert list(loaded) == order
        for V in order:
            assert loaded[V].dtype == V.dtype
            assert_array_equal(loaded[V], VALUES[V])
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
    (path,) = tmp_path.iterdir()
    with np.load(path) as file:
        assert sorted(file.files) == ["W", "b"]


def test_any_name_can_be_saved_and_the_file_is_replaced_whole(tmp_path):
    names = ["file", "arr_0", "θ/1", "..", "W 1", "allow_pickle", "x.npy"]
    values = {dl.variable(name, ()): np.float64(i) for i, name in enumerate(names)}
    path = str(tmp_path / "some.npz")
    dl.save(path, values)
    assert list(dl.load(path, values).values()) == list(range(len(names)))
    before = (tmp_path / "some.npz").read_bytes()
    with pytest.raises(ValueError, match=r"^save: 'W' is float64 of shape \(2, 3\), but the"):
        dl.save(path, {**values, W: np.ones(2)})
    assert (tmp_path / "some.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_what_does_not_fit_is_not_loaded(tmp_path):
    path = tmp_path / "some.npz"
    dl.save(path, VALUES)
    c, narrow = dl.variable("c", (3,)), dl.variable("W", (2, 2))
    for variables, error, message in [
        (
            [W, b, c],
            ValueError,
            r"^load: .*some.npz has no value for c; it holds W, b, and W, b, c",
        ),
        ([W], ValueError, r"^load: .* has values for what is not among the variables: b; it holds"),
        (
            [narrow, b],
            ValueError,
            r"^load: 'W' is float64 of shape \(2, 2\), but the value has the",
        ),
        ([W, dl.variable("b", (3,))], TypeError, r"^load: 'b' is float64 .* the value is float32"),
        (["W", "b"], TypeError, r"^load: takes variables, got 'W'"),
        ([W, narrow], ValueError, r"^load: several variables are named W; in a file"),
    ]:
        with pytest.raises(error, match=message):
            dl.load(path, variables)
    with pytest.raises(ValueError, match=r"^save: several variables are named W"):
        dl.save(path, {W: VALUES[W], narrow: np.ones((2, 2))})
    with pytest.raises(FileNotFoundError):
        dl.load(tmp_path / "other", [W])
