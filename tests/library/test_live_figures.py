"""Figures that a reader can move: what they compute is what the library computes.

Each figure of ``live.FIGURES`` is found here, and again by the tests in a browser.
"""

import gzip
import json
import re
from importlib import import_module
from xml.etree import ElementTree

import numpy as np
import pytest
import quickjs
from numpy.testing import assert_allclose

import dlbook as dl
from dlbook.figures import live
from dlbook.figures.live import player
from dlbook.figures.live.controls import Choice, Drag, Slider, Switch
from dlbook.figures.live.starts import normals

of_the_trainer = import_module("dlbook.figures.live.xor_trainer")
of_hand = import_module("dlbook.figures.live.xor_by_hand")
each_figure = pytest.mark.parametrize("name", live.FIGURES)


@pytest.fixture(scope="module")
def figures():
    return {name: make() for name, make in live.FIGURES.items()}


def in_quickjs(figure, state):
    """All that a figure computes from a state, by its programs in JavaScript."""
    values = dict(state)
    for name in figure.shows:
        program = figure.programs[name]
        given = [np.reshape(values[V.name], V.shape) for V in program.inputs]
        found = dl.compile(program.outputs.values(), program.inputs, backend="javascript")(*given)
        values |= dict(zip(program.outputs, found, strict=True))
    return values


def random_states(figure, count=20):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield {
            key: value + rng.normal(size=np.shape(value)) * (1 + np.abs(value))
            for key, value in figure.start.items()
        }


@each_figure
def test_the_programs_of_a_figure_compute_what_numpys_do(figures, name):
    figure = figures[name]
    for state in [figure.start, *random_states(figure)]:
        expected, found = figure.compute(state), in_quickjs(figure, state)
        for key, value in expected.items():
            assert_allclose(found[key], value, rtol=1e-10, atol=1e-10, err_msg=key)


@each_figure
def test_the_still_is_the_first_frame(figures, name):
    figure = figures[name]
    page = ElementTree.fromstring(as_xml(figure.html()))
    frame, sentence = engine(figure).frame(figure.start)
    shown = {key: [] for key in frame}
    for part in page.iter():
        if part.get("data-mark") in frame:
            shown[part.get("data-mark")].append(part)
    for key, items in frame.items():
        for part, item in zip(shown[key], items, strict=True):
            for attribute, value in item.items():
                has = part.text if attribute == "text" else part.get(attribute)
                assert has == str(value)
    (line,) = (part.text for part in page.iter("p") if part.get("class") == "live-says")
    assert line == sentence


def as_xml(html):
    """HTML whose empty elements are closed."""
    return re.sub(r"<(input\b[^>]*)>", r"<\1/>", html).replace(' inert="">', ">")


def engine(figure):
    return player.Engine(figure.name, figure.spec(), figure.sources())


@each_figure
def test_a_figure_weighs_little(figures, name):
    assert len(gzip.compress(figures[name].script().encode())) <= 8_000


def test_the_player_weighs_little():
    assert len(gzip.compress(player.site_script().encode())) <= 15_000


@each_figure
def test_whatever_can_be_moved_is_part_of_the_state(figures, name):
    figure = figures[name]
    for control in figure.controls:
        if isinstance(control, Slider | Switch | Drag):
            assert control.state in figure.start
        if isinstance(control, Choice):
            for state in control.states.values():
                for key, value in (state or {}).items():
                    assert np.size(value) == np.size(figure.start[key])


@each_figure
def test_a_figure_without_its_script_is_a_picture_with_words(figures, name):
    html = figures[name].html(controls=False)
    assert 'role="img"' in html and "<button" not in html and "tabindex" not in html
    assert len(figures[name].alt) > 80


def test_values_that_are_not_finite_are_hidden_and_told(figures):
    figure = figures["xor-by-hand"]
    frame, sentence = engine(figure).frame({**figure.start, "w": [1e200, 1e200]})
    assert "left all bounds" in sentence and "∞" in sentence
    frame, _ = engine(figure).frame({**figure.start, "w": [0, 0]})  # no line where w is 0
    assert {item["visibility"] for item in frame["levels"]} == {"hidden"}


def test_a_figure_can_start_elsewhere_on_a_page():
    figure = live.xor_by_hand().starting(b=0.5)
    html = figure.html()
    assert 'data-start="{&quot;b&quot;: 0.5}"' in html and figure.start["b"] == 0.5
    assert figure.values["J"] != live.xor_by_hand().values["J"]


def test_in_a_notebook_a_figure_is_its_still_and_a_line_of_text(monkeypatch):
    monkeypatch.delenv("DLBOOK_FIGURES", raising=False)
    figure = live.xor_by_hand().show("fig-x", "Solve it.")
    bundle = figure._repr_mimebundle_()
    assert bundle["text/plain"] == "Figure: Solve it."
    assert "<svg" in bundle["text/html"] and ".live-panel" in bundle["text/html"]
    assert json.dumps(bundle)


def test_the_sites_build_never_gets_a_widget(monkeypatch):
    monkeypatch.setenv("DLBOOK_FIGURES", "html")
    bundle = live.xor_by_hand().show("fig-x", "Solve it.")._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert 'data-live="xor-by-hand"' in bundle["text/html"]


# --- XOR by hand ----------------------------------------------------------------------------------


def verdict(**state):
    figure = live.xor_by_hand()
    return engine(figure).frame({**figure.start, **figure.starting(**state).start})[1]


def test_one_turn_of_an_arrow_solves_xor():
    assert "2 of the four" in verdict()
    assert "book’s own function" in verdict(g=[[1, 1], [1, 1]])


def test_classified_solved_and_solved_as_the_book_does_are_told_apart():
    nearly = {"g": [[1, 1], [1, 1]], "w": [1, -1.9]}
    assert "classified, but not solved" in verdict(**nearly)
    other = of_hand.trained()
    assert "another function" in verdict(**other)


def test_the_presets_are_what_they_say():
    (choice,) = (c for c in live.xor_by_hand().controls if isinstance(c, Choice))
    states = choice.states
    costs = {
        name: float(live.xor_by_hand().starting(**state).values["J"])
        for name, state in states.items()
        if state
    }
    assert costs["a linear model"] == 0.25 and costs["the book’s solution"] == 0
    assert costs["a slip on slides"] == 0.25 and costs["one that training found"] < 1e-6
    assert "slip" in verdict(**states["a slip on slides"])


def test_the_points_travel_by_the_steps_of_the_section():
    X, _ = dl.datasets.xor()
    figure = live.xor_by_hand().starting(g=[[1, 1], [1, 1]])
    for stage, matrix in enumerate((X, "XW", "affine", "H")):
        values = figure.compute({**figure.start, "stage": stage})
        assert_allclose(values["points"], values[matrix] if stage else matrix, atol=1e-12)


# --- The trainer ----------------------------------------------------------------------------------


def test_a_start_is_the_same_in_python_and_in_the_page():
    context = quickjs.Context()
    context.eval(player.part("frame.js") + player.part("starts.js"))
    for start in (1, 2, 500, 1000):
        code = f"JSON.stringify(Array.from({{length: 64}}, (_, i) => normal({start}, i)))"
        assert json.loads(context.eval(code)) == normals(np.array([start]), 64)[0].tolist()


def test_starts_are_nearly_normal_and_differ():
    drawn = normals(np.arange(1, 1001), 24)
    assert abs(drawn.mean()) < 0.02 and abs(drawn.std() - 1) < 0.02
    assert len(np.unique(drawn)) > 23_900
    assert np.abs(np.corrcoef(drawn.T) - np.eye(24)).max() < 0.12


def test_the_recorded_fates_are_those_of_training():
    costs = of_the_trainer.ends()
    distance = np.abs(costs[:, None] - [0, 1 / 8, 1 / 6, 1 / 4])
    assert distance.min(axis=1).max() < 1e-3
    assert "".join(map(str, distance.argmin(axis=1))) == of_the_trainer.fates()


def test_the_trainers_step_is_a_graph_of_the_optimizer():
    figure = live.xor_trainer()
    step = figure.programs["step"]
    values, X, y = dict(figure.start), *dl.datasets.xor()
    for _ in range(3):
        values |= step(values)
    W, c, w, b = (
        np.reshape(values[name], V.shape) for name, V in zip("Wcwb", step.inputs[:4], strict=True)
    )
    outputs = dl.relu.f(X @ W[:, :2] + c[:2]) @ w[:2] + b
    assert_allclose(np.mean((y - outputs) ** 2), 10 ** step(values)["at"][1])
    assert_allclose(w[2:], figure.start["w"][2:])  # units that are not there do not learn
