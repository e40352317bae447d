"""The drawings: what reaches a notebook, what reaches a page, and what they say in words."""

import base64
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch
from numpy.testing import assert_allclose

import dlbook as dl
from dlbook import figures
from dlbook.figures import backprop as section_6_5
from dlbook.figures.graphs import computational_graph, graph_panel, math_text, place
from dlbook.operations.base import Constant


@pytest.fixture
def network():
    return dl.Network(
        dl.Layer(2, 2, dl.relu, names=("W", "c", "h")),
        dl.Layer(2, "scalar", names=("w", "b", "y")),
    )


def ids_of(svg):
    return re.findall(r'\bid="([^"]+)"', svg)


def assert_fit_for_a_page(drawing):
    svg = drawing.svg()
    assert ElementTree.fromstring(svg).get("aria-label") == drawing.alt
    assert not re.search(r"(?<!, )#[0-9a-f]{6}", svg)  # no colour that the theme cannot change
    assert "<style" not in svg
    return svg


def test_a_notebook_gets_a_picture_and_its_caption_as_text(network, monkeypatch):
    monkeypatch.delenv("DLBOOK_FIGURES", raising=False)
    bundle = figures.network(network).show("fig-6-2", "Drawn twice.")._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "Figure 6.2: Drawn twice."


def test_a_page_gets_a_vector_drawing_that_takes_its_colours_from_the_page(network, monkeypatch):
    monkeypatch.setenv("DLBOOK_FIGURES", "html")
    drawing = figures.network(network).show("fig-6-2", "Weights < arrows.")
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    page = ElementTree.fromstring(bundle["text/html"])
    assert page.tag == "figure"
    assert page.find("figcaption").find("strong").tail == " Weights < arrows."
    svg = assert_fit_for_a_page(drawing)
    for name in ("ink", "muted", "paper", "blue-pale", "orange-pale"):
        assert f"var(--dl-{name}, {figures.COLORS[name]})" in svg


def test_drawings_on_one_page_share_no_ids(network):
    drawing = figures.network(network)
    first, second = drawing.svg(), drawing.svg()
    assert len(ids_of(first)) == len(set(ids_of(first)))
    assert not set(ids_of(first)) & set(ids_of(second))
    for used in re.findall(r'(?:href="#|url\(#)([^")]+)', first):
        assert used in ids_of(first)


def test_the_site_knows_every_colour_of_the_library():
    css = (Path(__file__).parents[1] / "_static" / "custom.css").read_text(encoding="utf-8")
    light = css[css.index(":root") : css.index("}")]
    for name, color in figures.COLORS.items():
        assert f"--dl-{name}: {color};" in light


def test_a_network_is_drawn_from_the_object(network):
    alt = figures.network(network).alt
    assert "2 for x, 2 for h, 1 for y" in alt
    assert "W to h, w to y" in alt


# --- Computational graphs -----------------------------------------------------------------------


def forward_graph():
    """A graph with a constant used twice, an input used twice, and a variable without a name."""
    x, w, y = dl.variable("x", (3,)), dl.variable("w", (3,)), dl.variable("y", ())
    two = dl.constant(2.0)
    u = (two * (x @ w)).named("u(1)")
    return [x, w, y], (two * (u * u) + dl.tanh(y)).named("J")


def graph_and_gradient():
    targets, J = forward_graph()
    return J, dl.backprop(targets, J)


def chain_and_gradient():
    variables = section_6_5.chain()
    z = variables["z"]
    return section_6_5.simplified_gradient(z, [variables[name] for name in "wxy"])


def mlp_and_gradient():
    variables = section_6_5.mlp()
    targets = [variables["W(1)"], variables["W(2)"]]
    return variables["J"], dl.backprop(targets, variables["J"])


with_gradient = pytest.mark.parametrize(
    "build", [graph_and_gradient, chain_and_gradient, mlp_and_gradient]
)


def assert_drawn(panel, variables):
    """Hold nodes and edges against those of a graph, with constants at each of their uses."""
    variables = list(variables)
    computed = {str(V.number): V for V in variables if not isinstance(V.operation, Constant)}
    constants = {n: node for n, node in panel.nodes.items() if node.constant}
    assert panel.nodes.keys() - constants.keys() == computed.keys()
    drawn = Counter((panel.nodes[edge.tail].text, edge.tail, edge.head) for edge in panel.edges)
    expected, uses = Counter(), Counter()
    for V in variables:
        for U in V.inputs:
            if isinstance(U.operation, Constant):
                uses[U.name, str(V.number)] += 1
            else:
                expected[panel.nodes[str(U.number)].text, str(U.number), str(V.number)] += 1
    assert uses == Counter((text, head) for text, tail, head in drawn if tail in constants)
    assert expected == Counter({edge: n for edge, n in drawn.items() if edge[1] not in constants})


def test_the_nodes_and_edges_drawn_are_those_of_the_graph():
    _, J = forward_graph()
    panel = graph_panel(J)
    assert_drawn(panel, dl.Graph(J))
    texts = {(node.text, node.operation) for node in panel.nodes.values()}
    assert ("$u^{(1)}$", "×") in texts and ("", "tanh") in texts and ("$J$", "+") in texts
    assert not any(node.gradient for node in panel.nodes.values())


@with_gradient
def test_a_gradient_is_drawn_with_all_its_nodes_and_told_apart(build):
    J, gradients = build()
    panel = graph_panel(J, gradients=gradients)
    forward, both = dl.Graph(J), dl.Graph([J, *gradients.values()])
    assert_drawn(panel, both)
    for V in both:
        if not isinstance(V.operation, Constant):
            node = panel.nodes[str(V.number)]
            assert node.gradient == (V not in forward)
            assert (node.fill == figures.COLORS["orange-pale"]) == node.gradient
    assert any(node.gradient for node in panel.nodes.values())


@with_gradient
def test_what_belongs_to_a_gradient_is_dashed(build):
    J, gradients = build()
    panel = graph_panel(J, gradients=gradients)
    patches = computational_graph(J, gradients=gradients).figure.axes[0].patches
    arrows = [patch for patch in patches if isinstance(patch, FancyArrowPatch)]
    borders = [patch for patch in patches if not isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(panel.edges)
    assert sum(p.get_linestyle() != "-" for p in borders) == sum(
        node.gradient and not node.constant for node in panel.nodes.values()
    )
    assert sum(p.get_linestyle() != "-" for p in arrows) == sum(
        panel.nodes[edge.head].gradient for edge in panel.edges
    )


@pytest.mark.parametrize("direction", ["BT", "LR"])
@with_gradient
def test_nodes_keep_clear_of_one_another_and_a_gradient_of_its_graph(build, direction):
    J, gradients = build()
    panel = graph_panel(J, True, gradients)
    layout = place(panel.nodes, panel.edges, direction)
    half = {name: np.array(node.size) / 2 for name, node in panel.nodes.items()}
    for a, b in combinations(panel.nodes, 2):
        apart = np.abs(layout.points[a] - layout.points[b])
        assert np.any(apart >= half[a] + half[b])
    for name, node in panel.nodes.items():
        if node.beside:  # in a row
            along = "LR".count(direction[0])
            assert_allclose(*(layout.points[n][1 - along] for n in (name, node.beside)), atol=0.02)
    for edge, path in zip(panel.edges, layout.paths, strict=True):
        for name, end in ((edge.tail, path.vertices[0]), (edge.head, path.vertices[-1])):
            assert np.all(np.abs(end - layout.points[name]) < half[name] + 0.1)
        (points,) = path.to_polygons(closed_only=False)
        for name in panel.nodes.keys() - {edge.tail, edge.head}:
            assert not np.any(np.all(np.abs(points - layout.points[name]) < half[name] / 2, axis=1))


def test_a_text_fits_into_its_node():
    J, gradients = mlp_and_gradient()
    for node in graph_panel(J, True, gradients).nodes.values():
        for width, _, _ in node.extents:
            assert width < node.size[0]
        assert sum(height for _, height, _ in node.extents) < node.size[1]


def test_gradients_are_labelled_as_the_book_writes_them():
    J, gradients = graph_and_gradient()
    texts = {node.beside: node.text for node in graph_panel(J, gradients=gradients).nodes.values()}
    x, _, y = gradients
    assert texts[str(x.number)] == r"$\nabla_{\mathbfit{x}}\,J$"
    assert texts[str(y.number)] == r"$\dfrac{\partial J}{\partial y}$"  # one of several inputs
    z, gradients = chain_and_gradient()
    texts = {node.text for node in graph_panel(z, gradients=gradients).nodes.values()}
    assert r"$\dfrac{dz}{dw}$" in texts


def test_a_gradient_that_is_a_variable_of_the_graph_is_written_on_it():
    x, y = dl.variable("x", ()), dl.variable("y", ())
    z = (x * y).named("z")
    panel = graph_panel(z, gradients={x: y, y: x})  # as simplified
    assert panel.nodes[str(y.number)].text == r"$\dfrac{\partial z}{\partial x}$ = $y$"
    assert not any(node.gradient for node in panel.nodes.values())
    assert panel.alt.endswith("the gradient: dz/dx = y, dz/dy = x.")


def test_a_gradient_that_is_a_constant_has_a_node_of_its_own():
    x, y = dl.variable("x", ()), dl.variable("y", ())
    z = (x + y).named("z")
    drawing = computational_graph(z, gradients=dl.backprop([x, y], z))
    assert drawing.alt.endswith("the gradient: dz/dx = 1, dz/dy = 1.")


def test_the_alternative_text_says_what_is_computed_first_forward_then_backward():
    z, gradients = chain_and_gradient()
    assert computational_graph(z, gradients=gradients).alt == (
        "The graph that computes z from w: x = f(w); y = f(x); z = f(y). "
        "Beside it the gradient: dz/dw, dz/dx, dz/dy; dashed, what it adds to the graph: "
        "dz/dy = f'(y); f' 1 = f'(x); dz/dx = multiply(dz/dy, f' 1); f' 2 = f'(w); "
        "dz/dw = multiply(dz/dx, f' 2)."
    )


def test_the_alternative_text_gives_shapes_on_demand():
    x = dl.variable("x", (None, 2))
    alt = computational_graph(dl.relu(x).named("h"), shapes=True).alt
    assert alt == "The graph that computes h (None, 2) from x (None, 2): h (None, 2) = relu(x)."


def test_the_alternative_text_of_a_long_graph_counts_its_operations():
    z = dl.variable("x", ())
    for _ in range(40):
        z = dl.tanh(z * 2)
    alt = computational_graph(z.named("z")).alt
    assert alt == "The graph that computes z from x: 80 operations, 40 multiply, 40 tanh."


def test_a_gradient_can_be_drawn_as_a_graph_of_its_own():
    x = dl.variable("x", ())
    gradient = dl.backprop([x], dl.relu(x) * x)[x]
    drawing = figures.computational_graph(gradient, shapes=True)
    assert "step" in drawing.alt and "from x" in drawing.alt


def test_an_input_that_is_taken_twice_has_two_arrows():
    x = dl.variable("x", ())
    z = x * x
    for panel in (graph_panel(z), graph_panel(z, gradients=dl.backprop([x], z))):
        layout = place(panel.nodes, panel.edges, "BT")
        first, second = (
            path.vertices
            for edge, path in zip(panel.edges, layout.paths, strict=True)
            if edge.head == str(z.number)
        )
        assert np.abs(first.mean(axis=0) - second.mean(axis=0)).max() > 0.05


def test_a_drawing_is_the_same_each_time():
    J, gradients = mlp_and_gradient()
    first, second = (computational_graph(J, gradients=gradients).svg() for _ in range(2))
    marks = r"dl[0-9a-f]{8}-"  # differ, as two drawings may be on one page
    assert re.sub(marks, "", first) == re.sub(marks, "", second)


@pytest.mark.parametrize(
    "name, ndim, expected",
    [
        ("h1", 0, "$h_{1}$"),
        ("x1,2", 0, "$x_{1,2}$"),
        ("y_hat", 1, r"$\hat{\mathbfit{y}}$"),
        ("u(1)", 0, "$u^{(1)}$"),
        ("W(2)", 2, r"$\mathbfit{W}^{(2)}$"),
        ("h(i)3", 0, "h(i)3"),
        ("J_MLE", 0, r"$J_{\mathrm{MLE}}$"),
        ("w_i", 0, "$w_{i}$"),
        ("beta", 1, r"$\mathbfit{\beta}$"),
        ("lambda", 0, r"$\lambda$"),
        ("sigma2", 0, r"$\sigma_{2}$"),
        ("dz/dw", 0, r"$\dfrac{dz}{dw}$"),
        ("dJ/dW(1)", 0, r"$\dfrac{dJ}{dW^{(1)}}$"),
        ("price in $", 0, r"price in \$"),
        ("logits", 2, "logits"),
        ("km/h", 0, "km/h"),
    ],
)
def test_names_are_written_as_in_the_book(name, ndim, expected):
    assert math_text(name, ndim) == expected


def test_every_greek_letter_is_known_to_the_drawings():
    letters = figures.graphs.GREEK.split("|")
    panel = graph_panel([dl.variable(letter, ()) for letter in letters])
    assert all(
        node.text == f"$\\{name}$" for name, node in zip(letters, panel.nodes.values(), strict=True)
    )
    figures.graphs.draw_panels([panel]).svg()


def test_names_that_are_no_mathematics_are_drawn_as_they_are():
    x = dl.variable("price in $", (2,))
    z = dl.sum(x).named("$\\foo$")
    figures.computational_graph(z, gradients=dl.backprop([x], z)).svg()


def test_a_graph_that_nobody_could_read_is_refused():
    z = dl.variable("x", ())
    for _ in range(500):
        z = z * 2
    with pytest.raises(ValueError, match="computational_graph: 1001 nodes are too many"):
        figures.computational_graph(z)


def test_gradients_need_the_one_output_that_they_are_of():
    x = dl.variable("x", ())
    z, u = dl.tanh(x).named("z"), dl.exp(x).named("u")
    with pytest.raises(ValueError, match="gradients are those of one output, but there are 2"):
        computational_graph([z, u], gradients=dl.backprop([x], z))
    with pytest.raises(TypeError, match="only variables can be drawn, got 3"):
        computational_graph([z, 3])
    with pytest.raises(TypeError, match="only variables can be drawn, got None"):
        computational_graph(z, gradients={x: None})


# --- The figures of Section 6.5 -----------------------------------------------------------------


def figures_of_section_6_5(shapes):
    chain, mlp = section_6_5.chain(), section_6_5.mlp()
    return [
        section_6_5.examples(shapes),
        section_6_5.repeated(chain, shapes),
        section_6_5.symbol_to_symbol(chain, shapes),
        section_6_5.mlp_cost(mlp, shapes=shapes),
        section_6_5.mlp_cost(mlp, gradients=True, shapes=shapes),
    ]


@pytest.mark.parametrize("shapes", [False, True])
def test_the_figures_of_section_6_5_are_fit_for_a_page(shapes, capfd):
    for drawing in figures_of_section_6_5(shapes):
        assert_fit_for_a_page(drawing)
        written = drawing.figure.get_tightbbox().bounds
        page = (*[-0.02] * 2, *(drawing.figure.get_size_inches() + 0.04))
        assert written[0] >= page[0] and written[1] >= page[1]
        assert written[2] <= page[2] and written[3] <= page[3]
        assert ("()" in drawing.alt) == shapes
    assert capfd.readouterr() == ("", "")  # Graphviz has nothing to complain about


def test_figure_6_8_shows_its_four_formulas():
    alt = section_6_5.examples().alt
    for graph in (
        "(a) The graph that computes z from x, y: z = multiply(x, y).",
        "(b) The graph that computes y_hat from x, w, b: "
        "u(1) = matmul(x, w); u(2) = add(u(1), b); y_hat = sigmoid(u(2)).",
        "(c) The graph that computes H from X, W, b: "
        "U(1) = matmul(X, W); U(2) = add(U(1), b); H = relu(U(2)).",
        "(d) The graph that computes y_hat, u(3) from x, w, lambda: y_hat = matmul(x, w); "
        "u(1) = square(w); u(2) = sum(u(1)); u(3) = multiply(lambda, u(2)).",
    ):
        assert graph in alt


def test_the_graphs_of_figure_6_8_compute_what_their_formulas_say():
    rng = np.random.default_rng(0)
    X, W, w, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=3), 0.3
    v = section_6_5.product()
    assert dl.evaluate(v["z"], {v["x"]: 2.0, v["y"]: 3.0}) == 6.0
    v = section_6_5.logistic_regression()
    y_hat = dl.evaluate(v["y_hat"], {v["x"]: X[0], v["w"]: w, v["b"]: b})
    assert_allclose(y_hat, 1 / (1 + np.exp(-(X[0] @ w + b))))
    v = section_6_5.relu_layer()
    H = dl.evaluate(v["H"], {v["X"]: X, v["W"]: W, v["b"]: W[0]})
    assert_allclose(H, np.maximum(0, X @ W + W[0]))
    v = section_6_5.weight_decay()
    decay = dl.evaluate(v["u(3)"], {v["w"]: w, v["lambda"]: 0.1})
    assert_allclose(decay, 0.1 * np.sum(w**2))


def test_figure_6_9_is_a_chain_of_one_function():
    alt = section_6_5.repeated(section_6_5.chain()).alt
    assert alt == "The graph that computes z from w: x = f(w); y = f(x); z = f(y)."


def test_figure_6_10_adds_the_nodes_of_the_derivative_to_the_chain():
    drawing = section_6_5.symbol_to_symbol(section_6_5.chain())
    chain = "The graph that computes z from w: x = f(w); y = f(x); z = f(y)."
    assert drawing.alt == (
        f"Left: {chain} Right: {chain} Beside it the gradient: dz/dy, dz/dx, dz/dw; dashed, what "
        "it adds to the graph: dz/dy = f'(y); dy/dx = f'(x); dz/dx = multiply(dz/dy, dy/dx); "
        "dx/dw = f'(w); dz/dw = multiply(dz/dx, dx/dw)."
    )
    # 4 nodes and 3 arrows on the left; on the right 5 nodes and 7 arrows more.
    kinds = Counter(isinstance(p, FancyArrowPatch) for p in drawing.figure.axes[0].patches)
    assert kinds == {False: 4 + 4 + 5, True: 3 + 3 + 7}


def test_the_function_of_the_chain_has_the_derivatives_that_it_says():
    v = section_6_5.chain()
    w, x, y = v["w"], v["x"], v["y"]
    first = dl.backprop([w], v["z"])[w]
    at_x, at_y = np.sin(0.7), np.sin(np.sin(0.7))
    assert_allclose(dl.evaluate(v["z"], {w: 0.7}), np.sin(at_y))
    assert_allclose(dl.evaluate(first, {w: 0.7}), np.cos(at_y) * np.cos(at_x) * np.cos(0.7))
    second = dl.backprop([w], dl.backprop([w], x)[w])[w]
    assert_allclose(dl.evaluate(second, {w: 0.7}), -np.sin(0.7))
    z, gradients = section_6_5.simplified_gradient(v["z"], [w, y])
    values = dl.compile([z, *gradients.values()], inputs=[w])(0.7)
    assert_allclose(values, [np.sin(at_y), dl.evaluate(first, {w: 0.7}), np.cos(at_y)])


def test_the_chain_takes_any_function():
    drawing = section_6_5.symbol_to_symbol(section_6_5.chain(dl.tanh))
    assert "x = tanh(w); y = tanh(x); z = tanh(y)" in drawing.alt


def test_the_graph_of_figure_6_11_computes_the_cost_of_equation_6_56():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
    W1, W2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))
    v = section_6_5.mlp()
    inputs = dict(zip([v["X"], v["y"], v["W(1)"], v["W(2)"]], [X, y, W1, W2], strict=True))
    U2 = np.maximum(0, X @ W1) @ W2
    cost = np.mean(np.log(np.exp(U2).sum(axis=1)) - U2[np.arange(6), y])
    total = cost + 0.1 * (np.sum(W1**2) + np.sum(W2**2))
    assert_allclose(dl.evaluate(v["J_MLE"], inputs), cost)
    assert_allclose(dl.evaluate(v["J"], {**inputs, v["lambda"]: 0.1}), total)


def test_figure_6_11_shows_the_gradients_on_demand():
    mlp = section_6_5.mlp()
    forward, both = section_6_5.mlp_cost(mlp).alt, section_6_5.mlp_cost(mlp, gradients=True).alt
    assert "gradient" not in forward
    assert both.startswith(forward)
    for name in ("W(1)", "W(2)", "U(1)", "H", "U(2)"):
        assert f"dJ/d{name} = " in both


def test_the_alternative_text_of_xor_gives_the_outputs_that_were_computed():
    X, y = dl.datasets.xor()
    H = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    alt = figures.xor.spaces(X, y, H, np.array([1.0, -2.0]), 0.0).alt
    assert "outputs at the points are 0.00, 1.00, 1.00, 0.00" in alt


# --- The figures of Section 6.2.1 ---------------------------------------------------------------


def figures_of_section_6_2_1():
    x, rng = np.linspace(-1, 1, 9), np.random.default_rng(0)
    y, walk = rng.integers(0, 3, 9), np.linspace(0, 2, 50)
    curves = {"one": x**2, "other": x**2 + 1}
    runs = {"one": walk, "other": walk / 2}
    penalised = {0.0: (walk, np.nan), 0.1: (walk**2, 1.0)}
    return {
        "chords": figures.costs.chords(
            {"saddle": lambda a, b: a * b, "bowl": lambda a, b: a**2 + b**2},
            np.array([[-1.0, 1.0], [1.0, -1.0]]),
            [np.ones((5, 2))],
        ),
        "classics": figures.costs.generalised_linear(
            x, {"linear": x, "softmax": y}, x, {"linear": x, "softmax": np.full((9, 3), 1 / 3)}
        ),
        "no minimum": figures.costs.no_minimum(walk, penalised, {0.0: walk}, walk + 0.1, penalised),
        "predictions": figures.costs.over_predictions(
            x, {"squared error": (x**2)[:, None], "other": 0.5 + abs(x)[:, None]}, ["first $x$"]
        ),
        "means": figures.costs.means_and_medians(x, x**2 + 2, curves, curves),
        "over z": figures.costs.over_z(x, curves, curves),
        "recovery": figures.costs.recovery(
            {"start": runs}, np.arange(3.0), {"one": np.array([1, 10, 99]), "other": y[:3] + 1}
        ),
    }


def test_the_figures_of_section_6_2_1_are_fit_for_a_page_and_say_what_was_computed():
    drawings = figures_of_section_6_2_1()
    for drawing in drawings.values():
        assert_fit_for_a_page(drawing)
    saddle, bowl = drawings["chords"].alt.split("; bowl: ")
    assert "saddle: -1.00 and -1.00 at the ends of the chord, 0.00 in the middle" in saddle
    assert "the chord lies below the cost" in saddle and "the chord lies above the cost" in bowl
    assert "the minimum is at 1.0 for lambda 0.1" in drawings["no minimum"].alt
    assert "squared error, first x: least at 0.00" in drawings["predictions"].alt
    assert "one: from 1 to 99" in drawings["recovery"].alt
