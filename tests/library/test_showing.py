"""Objects show themselves: as what one types to make them, and never by an address in memory."""

import importlib.util
import inspect
import pkgutil
import re

import numpy as np
import pytest

import dlbook as dl
from dlbook import (
    distributions,
    exercises,
    figures,
    hidden_units,
    layerwise,
    output_units,
    playing,
    scalar_graph,
)
from dlbook.checkpoints import Recomputing
from dlbook.claims import Finding
from dlbook.figures import graphs, live
from dlbook.figures.animation import Animation
from dlbook.figures.chapter_map import ChapterMap
from dlbook.figures.style import Captioned
from dlbook.operations.base import Occurrence
from dlbook.operations.branches import choice_of
from dlbook.regions import linear_regions
from dlbook.showing import Typed, shortened, written

ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def cube(z):
    return z**3


H, z, a = dl.variable("H", (None, 3)), dl.variable("z", (None,)), dl.variable("a", (None,))
w = dl.variable("w", ())
NAMES = {**vars(dl), "H": H, "z": z, "a": a, "cube": cube}

# What one types, and what is shown: the same text, but for comments.
TYPED = """
Layer(2, 3)
Layer(2, 3, 'relu')
Layer(2, 'scalar', names=('w', 'b', 'y_hat'))
Layer(2, 3, tanh, dtype='float32')
Layer(2, 3, cube, copies=4)
Layer(2, 3, hidden_units.get('maxout(3)'))
LowRank(10, 5, 2)
LowRank(10, 5, 2, 'relu', names=('W', 'c', 'h'))
LocallyConnected((8, 8), 3)
LocallyConnected((8, 8), 3, channels=4, activation='relu')
MLP([2, 1], hidden='relu')
MLP([2, 3, 1], hidden='tanh', copies=5)
MLP([2, 8, 8, 8, 8, 1], hidden=cube, skip=2, dtype='float32')
hidden_units.get('relu')
hidden_units.get('maxout(7)')
hidden_units.HiddenUnit('cube', 'z^3', 'never', cube, learned={'k': 1.0}, gain=2.0)
output_units.Bernoulli(3)
output_units.Bernoulli(3, out_size=2, dtype='float32')
output_units.Clipped(3)
output_units.Multinoulli(3, 4)
output_units.Multinoulli(3, 4, restricted=True)
output_units.Gaussian(3)
output_units.Gaussian(3, out_size=2, spread='sigma', constant=True)
output_units.Gaussian(3, spread='precision', floor=0.01)
output_units.FullGaussian(3, 2, floor=0.1)
output_units.MixtureDensity(3, 4)
output_units.MixtureDensity(3, 4, out_size=2, spread='variance')
output_units.Affine(3)
output_units.Affine(3, shape=(2, 2), names=('U', 'v'))
distributions.Bernoulli(z)
distributions.Clipped(z)
distributions.Multinoulli(H)
distributions.Gaussian(z)
distributions.Gaussian(z, raw=a, spread='sigma', floor=0.01)
GradientDescent(0.1)
Momentum(0.1)
Momentum(0.1, momentum=0.5)
Adam(0.01)
Adam(0.01, rho1=0.8)
GradientClipping(Momentum(0.1), 2.0)
""".strip().splitlines()


@pytest.mark.parametrize("text", TYPED)
def test_models_show_themselves_as_what_one_types_to_make_them(text):
    thing = eval(text, NAMES)
    assert repr(thing).split("  # ")[0] == text
    assert repr(eval(repr(thing), NAMES)) == repr(thing)


def test_what_is_left_out_in_the_middle_makes_the_rest_go_by_name():
    layer = dl.LocallyConnected((8, 8), 3, 1, 2, "relu")
    assert repr(layer) == "LocallyConnected((8, 8), 3, stride=2, activation='relu')"


@pytest.mark.parametrize("unit", hidden_units.UNITS.values(), ids=list(hidden_units.UNITS))
def test_every_hidden_unit_shows_how_to_get_it(unit):
    again = eval(repr(unit), NAMES)
    assert again is unit or again.name == unit.name == "maxout(2)"


def test_a_network_shows_its_layers_and_how_much_it_learns():
    network = dl.Network(
        dl.Layer(2, 2, "relu", names=("W", "c", "h")),
        dl.Layer(2, 2),
        dl.Layer(2, 2, skipped),
        skips=[(1, 3)],
    )
    assert repr(network) == (
        "Network(\n"
        "    Layer(2, 2, 'relu', names=('W', 'c', 'h')),\n"
        "    Layer(2, 2),\n"
        "    Layer(2, 2, skipped),\n"
        "    skips=[(1, 3)],\n"
        ")  # 18 parameters"
    )
    assert repr(eval(repr(network), {**NAMES, "skipped": skipped})) == repr(network)
    assert repr(dl.MLP([2, 3, 1])) == "MLP([2, 3, 1], hidden='relu')  # 13 parameters"
    assert repr(dl.MLP([784, 256, 10])).endswith("  # 203,530 parameters")


def skipped(z):
    return z


def test_a_deep_network_shows_its_first_and_last_layers():
    lines = repr(dl.Network(*[dl.Layer(2, 2) for _ in range(50)])).splitlines()
    assert len(lines) == 23 and lines[11] == "    ... 30 more ...,"


def test_a_distribution_shows_its_variables_by_name_or_formula():
    unit = output_units.MixtureDensity(3, 4)
    assert repr(unit(H)) == "distributions.Mixture(z, mu, a, scalar=True)"
    assert repr(output_units.FullGaussian(3, 2)(H)) == "distributions.FullGaussian(y_hat, B)"
    assert repr(distributions.Bernoulli(2 * z + 1)) == (
        "distributions.Bernoulli(add(multiply(2, z), 1))"
    )


def test_a_class_of_ones_own_shows_its_own_name():
    class Mine(distributions.Distribution):
        name = "mine"

        def __init__(self, z, scale=1.0):
            super().__init__((), z=z)
            self.scale = scale

    class Bare(output_units.OutputUnit):
        pass

    assert repr(Mine(z)) == "Mine(z)" and repr(Mine(z, 2.0)) == "Mine(z, scale=2.0)"
    assert repr(Bare()) == "Bare()"


def test_a_program_shows_its_source_and_of_a_long_one_both_ends():
    program = dl.compile([dl.sum(H * 2)], [H])
    assert repr(program) == program.source.rstrip("\n")
    V = w
    for _ in range(300):
        V = dl.sin(V)
    lines = repr(dl.compile([V.named("y")], [w])).splitlines()
    assert lines[0] == "def program(w):" and lines[-1] == "    return [y]"
    assert lines[50] == "    # ... 202 more ..." and len(lines) == 101


def test_what_training_leaves_shows_its_steps_and_costs():
    theta = dl.variable("theta", ())
    J = (theta - 1) ** 2
    steps = [dl.train(J, {theta: 0.0}, {}, dl.GradientDescent(0.25), n) for n in (0, 2)]
    assert repr(steps[0]) == "<Trained: 0 steps, cost from 1 to 1>"
    assert repr(steps[1]) == "<Trained: 2 steps, cost from 1 to 0.0625>"
    watched = dl.train(J, {theta: 0.0}, {}, dl.GradientDescent(0.25), 2, validation=(J, {}))
    assert repr(watched) == "<Trained: 2 steps, cost from 1 to 0.0625, least error 0.0625>"


SECTIONS = [m.name for m in pkgutil.iter_modules([f"{exercises.__path__[0]}/sections"])]


@pytest.mark.parametrize("module", SECTIONS)
def test_an_exercise_shows_what_to_do_with_it_and_no_hint(module):
    section = importlib.import_module(f"dlbook.exercises.sections.{module}").section
    assert repr(section) == f"{section.title}: {', '.join(e.name for e in section.exercises)}"
    for exercise in section.exercises:
        title, ways = repr(exercise).splitlines()
        assert title.startswith(f"{exercise.name} {exercise.title}: level {exercise.level} of 3")
        assert ways.strip().startswith(f"{exercise.name}.check({exercise.answer})")
        assert not any(hint in repr(exercise) for hint in exercise.hints)


def test_values_are_written_as_one_types_them_and_cut_off_when_long():
    assert written(np.float32) == written(np.dtype("float32")) == "'float32'"
    assert written(cube) == "cube" and written(np.exp) == "exp" and written(dl.tanh) == "tanh"
    assert written(lambda z: z) == "<lambda>" and written(object()) == "<object object>"
    assert written("a\nb") == r"'a\nb'" and len(written(list(range(1000)))) == 60
    assert shortened("a\n  b") == "a b" and shortened("abcdefgh", 6) == "abc..."


# --- Everything that the library hands out -----------------------------------------------------

# Machines that nobody is handed: what writes a program, and what a variable is made of.
MACHINES = {"Gently", "Names", "Memory", "Writer", "Operators", "Fusion", "Place", "Size", "Engine"}


def modules():
    """Every module of the library that can be imported here, but for those of the exercises."""
    for module in pkgutil.walk_packages(dl.__path__, "dlbook."):
        if not module.name.startswith("dlbook.exercises"):
            try:
                yield importlib.import_module(module.name)
            except ModuleNotFoundError as missing:
                assert missing.name == "torch"


def found_classes():
    """Every public class of the library; exceptions and operations show themselves elsewhere.

    A protocol has no objects.
    """
    for module in modules():
        for name, kind in vars(module).items():
            ours = inspect.isclass(kind) and kind.__module__ == module.__name__
            protocol = getattr(kind, "_is_protocol", False)
            if ours and not (name.startswith("_") or protocol or issubclass(kind, BaseException)):
                yield kind


def some_of_each():
    """Make at least one object of every class that is found."""
    layers = [(np.ones((1, 2)), np.zeros(2), "relu"), (np.ones(2), np.zeros(()), "identity")]
    net = layerwise.MLP([np.ones((3, 2))], [np.ones(3)], [layerwise.relu])
    run = net.forward([1.0, 2.0], [1.0, 2.0, 3.0])
    scalars = scalar_graph.ScalarGraph(2, [(scalar_graph.multiply, 1, 2)])
    drawn = figures.computational_graph(dl.sin(w))
    node, edge = graphs.Node("a"), graphs.Edge("a", "b")
    film = Animation(drawn.figure, [[]], "A film.")
    A = np.diag([1.0, 2.0, 3.0])
    yield from (eval(text, NAMES) for text in TYPED)
    yield from (H, Occurrence(H), dl.Graph(dl.sin(H)), Recomputing(dl.sin(w), [], [w]))
    yield playing.Broken("a < b", "less", {"a": "1"}, AssertionError())
    yield from (dl.Network(dl.Layer(2, 1)), dl.compile([dl.sin(H)], [H]), hidden_units.table())
    yield dl.optimizers.Optimizer(0.1)
    yield choice_of(dl.where(z > 0, z, 0.0))
    yield dl.train(w**2, {w: 1.0}, {}, dl.GradientDescent(0.1), 3)
    yield from (distributions.Distribution((), z=z), output_units.OutputUnit())
    yield from (output_units.FullGaussian(3, 2)(H), output_units.MixtureDensity(3, 2)(H))
    yield from (net, run, net.backward(run), layerwise.relu, layerwise.squared_error)
    yield from (scalars, scalar_graph.multiply, scalar_graph.Counts(), *linear_regions(layers))
    yield from (dl.conjugate_gradients(A, np.ones(3)), dl.lanczos(A, 2, np.random.default_rng(0)))
    yield from (drawn, node, edge, graphs.Panel({"a": node}, [edge]), film, Typed("a"))
    yield graphs.place({"a": node}, [], "BT")
    yield from (Finding("claim-6-0-a", "holds", "So it is.", "once"), ChapterMap([]))
    yield from map(vars(dl).get, dl.operations.__all__)
    yield from (Captioned("Alone."), live.picture.Axes((0, 1), (0, 1), (0, 0, 9, 9)))
    yield dl.compile([dl.sin(H)], [H], backend="javascript")
    for moving in (live.xor_by_hand(), live.xor_trainer()):
        controls = [control for row in moving.rows for control in row.controls]
        yield from (moving, *moving.programs.values(), *moving.rows, *controls)
    if importlib.util.find_spec("torch"):
        yield dl.compile([dl.sin(H)], [H], backend="torch")


def test_no_object_of_the_library_shows_an_address():
    for thing in some_of_each():
        if not inspect.isroutine(thing):
            assert not ADDRESS.search(repr(thing)), type(thing)
            assert not ADDRESS.search(str(thing)), type(thing)
            assert len(repr(thing)) < 3000, type(thing)


def test_every_class_of_the_library_has_been_looked_at():
    seen = {type(thing) for thing in some_of_each()}
    found = {kind for kind in found_classes() if not inspect.isabstract(kind)}
    missing = {kind for kind in found if not issubclass(kind, dl.Operation)} - seen
    missing = {kind.__name__ for kind in missing} - MACHINES
    assert not missing, "add an object of each of these to some_of_each"
