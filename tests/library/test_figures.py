"""The drawings: what reaches a notebook, what reaches a page, and what they say in words."""

import gzip
import inspect
import re
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch, Polygon
from matplotlib.text import Text
from numpy.testing import assert_allclose

import dlbook as dl
from dlbook import figures, showing
from dlbook.figures import backprop as section_6_5
from dlbook.figures import objects
from dlbook.figures.graphs import computational_graph, graph_panel, math_text, place
from dlbook.operations.base import Constant

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


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


@pytest.fixture
def reader(monkeypatch):
    """The surroundings of somebody who reads a notebook; a test is told to keep to the text."""
    for name in ("DLBOOK_FIGURES", *showing.STRICT):
        monkeypatch.delenv(name, raising=False)


def test_a_notebook_gets_the_same_drawing_with_its_style_and_its_caption_as_text(network, reader):
    bundle = figures.network(network).show("fig-6-2", "Drawn twice.")._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == "Figure 6.2: Drawn twice."
    page = ElementTree.fromstring(bundle["text/html"])
    style, figure = page
    assert (page.get("class"), style.tag, figure.tag) == ("dl-output", "style", "figure")
    assert figure.find("figcaption/strong").tail == " Drawn twice."


def test_a_notebook_that_is_tested_or_stored_keeps_the_text(network, reader, monkeypatch):
    for name in showing.STRICT:
        with monkeypatch.context() as tested:
            tested.setenv(name, "1")
            assert set(figures.network(network)._repr_mimebundle_()) == {"text/plain"}


def test_a_notebook_has_the_colours_of_the_site_on_light_and_on_dark_ground():
    site = (ROOT / "web/theme/static/figures.css").read_text(encoding="utf-8")
    theirs = [dict(re.findall(r"(--dl-[\w-]+): (#\w{6})", part)) for part in site.split("}")[:2]]
    blocks = (ROOT / "src/dlbook/notebook.css").read_text(encoding="utf-8").split("}")[:2]
    ours = [dict(re.findall(r"(--dl-[\w-]+): (#\w{6})", part)) for part in blocks]
    assert set(ours[0]) == {f"--dl-{name}" for name in figures.COLORS} == set(ours[1])
    for mine, pages in zip(ours, theirs, strict=True):
        assert mine.items() <= pages.items()


def test_the_style_that_travels_with_an_output_changes_nothing_around_it():
    rules = re.sub(r"@[\w-]+[^{]*\{", "", re.sub(r"@keyframes.*?\} \}", "", showing.style_sheet()))
    selectors = [part.strip(" }") for part in re.findall(r"([^{}]+)\{", rules)]
    assert len(selectors) > 15
    assert not [s for s in selectors for one in s.split(", ") if ".dl-output" not in s]


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
    css = (ROOT / "web/theme/static/figures.css").read_text(encoding="utf-8")
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


def test_a_gradient_that_nobody_asked_for_is_drawn_by_the_name_that_it_has():
    x = dl.variable("x", ())
    u = dl.sin(x).named("u")
    z = (u * u).named("z")
    panel = graph_panel(z, gradients=dl.backprop([x], z))
    texts = [node.text for node in panel.nodes.values() if node.gradient and not node.constant]
    assert r"$\dfrac{dz}{dx}$" in texts and r"$\nabla_{u}$" in texts
    assert "grad_x" not in panel.alt and "dz/dx = multiply(grad_u, cos)" in panel.alt


def test_a_gradient_that_two_variables_share_is_named_once():
    x, y = dl.variable("x", ()), dl.variable("y", ())
    z = ((x + y) ** 2).named("z")
    gradients = dl.backprop([x, y], z)
    (node,) = (n for n in graph_panel(z, gradients={x: gradients[x]}).nodes.values() if n.beside)
    assert node.text == r"$\dfrac{\partial z}{\partial x}$ = $\nabla_{y}$"
    alt = graph_panel(z, gradients=gradients).alt
    assert "the gradient: dz/dx = dz/dy, dz/dy;" in alt


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
    assert "heaviside" in drawing.alt and "computes grad_x () from x" in drawing.alt


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
        ("grad_w", 0, r"$\nabla_{w}$"),
        ("grad_W(1)", 2, r"$\nabla_{\mathbfit{W}^{(1)}}$"),
        ("grad_energy", 0, "grad_energy"),
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


# --- The figures of Sections 6.2.2 and 6.5: what each says of the small data it is given ---------


def texts_beside_ticks(figure):
    """List what was written into a figure, ticks left out."""
    parts = [figure, *figure.axes]
    texts = [text for part in parts for text in part.texts]
    texts += [text for axes in figure.axes for text in (axes.title, axes.xaxis.label)]
    texts += [axes.yaxis.label for axes in figure.axes]
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    texts += [text for legend in legends if legend for text in legend.get_texts()]
    return [text for text in texts if text.get_text().strip()]


def assert_no_text_is_cut(drawing):
    drawing.figure.draw_without_rendering()
    for text in texts_beside_ticks(drawing.figure):
        whole, seen = text.get_window_extent(), text.get_tightbbox()
        assert seen is not None and seen.width > 0, f"not drawn: {text}"
        assert_allclose(seen.extents, whole.extents, atol=1, err_msg=f"cut: {text}")


def figures_of_output_units():
    draw, z, steps = figures.output_units, np.linspace(-5, 5, 101), np.arange(40)
    s, soft, half = 1 / (1 + np.exp(-z)), np.log1p(np.exp(z)), np.linspace(0.5, 0.25, 40)
    wide, T = np.arange(-2.0, 4.0), 10 ** np.linspace(1, -2, 31)
    heated = np.exp(np.array([1.0, 2.0, 3.0]) / T[:, None])
    lead, costs = np.linspace(0, 10, 11), np.tile(1 / (1.0 + steps), (2, 1))
    groups = {"wrong": 0.1, "unsure": 0.3, "sure": 0.6}
    learned = {"log-likelihood": 1 - 0.9**steps, "squared error": 1 - 0.99**steps}
    return {
        "distributions": (
            draw.distributions(
                {"coin": np.array([0.25, 0.75]), "bump": (z, np.exp(-((z - 1) ** 2)))}
            ),
            "coin: bars for the labels from 0 on, 0.25, 0.75",
            "bump: a density with its peaks at 1.0",
        ),
        "clipped": (
            draw.clipped(
                wide,
                {"clipped": np.clip(wide, 0, 1), "sigmoid": 1 / (1 + np.exp(-wide))},
                {"clipped": (half, half), "sigmoid": (half / 2, half * 1.2)},
                ["good start", "bad start"],
            ),
            "where 67% of the drawn range lies",
            "bad start, sigmoid from 60% to 30% wrong",
        ),
        "saturation": (
            draw.saturation(
                z,
                [soft, soft - z],
                [s, s - 1],
                {"log-likelihood": 1 - s, "squared error": 2 * s * (1 - s) ** 2},
            ),
            "for y = 0 from 0.01 up to 0.99, for y = 1 from -0.99 up to 0.01",
            "log-likelihood 1e+00; squared error 1e-02",
        ),
        "gradient_mass": (
            draw.gradient_mass(
                {group: share * np.array([1.0, 0.5, 0.2]) for group, share in groups.items()},
                {"examples": groups, "cost": dict(zip(groups, (0.5, 0.25, 0.25), strict=True))},
            ),
            "sure from 0.60 for the most active class to 0.30 for the next",
            "cost: wrong 50%, unsure 25%, sure 25%",
        ),
        "bad_start": (
            draw.bad_start(
                lead,
                {"log-likelihood": np.ones(11), "squared error": np.exp(-lead)},
                {"all weights 0": learned},
            ),
            "squared error from 1 to 4.5e-05",
            "all weights 0, log-likelihood: from 0.00 to above one half at step 7",
        ),
        "logits": (
            draw.logits(
                {"3 logits": costs, "2 logits": 2 * costs},
                {"3 logits": np.array([0.5, 0.3, 0.4]), "2 logits": np.array([0.5, 0.3, 0.9])},
                step=10,
            ),
            "2 logits: training cost from 2.00 to 0.05",
            "test cost of the last class at step 10 0.90, mean of the others 0.40",
        ),
        "competition": (
            draw.competition(
                T,
                {"$z = (1, 2, 3)$": heated / heated.sum(axis=1, keepdims=True)},
                z,
                {"max": np.maximum(z, 0), "above": soft, "below": z * s},
            ),
            "z = (1, 2, 3) from (0.30, 0.33, 0.37) to (0.00, 0.00, 1.00)",
            "above runs above it, by 0.69 at most",
        ),
    }


def figures_of_densities():
    draw, x, sizes = figures.densities, np.linspace(-1, 1, 20), 2 ** np.arange(4, 11)
    X, y, grid, widths = x[:, None], np.zeros(20), np.linspace(-2, 2, 41), np.logspace(-1, 1, 21)
    level, three = np.full((5, 3), 0.5), ("sigma", "variance", "precision")
    one_lost, lost = level * [1, 1, np.nan], level * np.inf
    places, angles = np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([[0, 0], [np.pi / 2, 0]])
    hits = np.array([[[0, 1], [1, -1]], [[1, 0], [1, 0]]]) * np.pi / 2
    moments = np.tile([[-1.0, 0.0]], (7, 1)), np.tile(np.diag([1.0, 0.1]), (7, 1, 1))
    bumps = np.exp(-(((grid[:, None] - [-1, 1]) / 0.3) ** 2))
    parts = {
        "probabilities": np.stack([0.5 + x / 4, 0.5 - x / 4], axis=1),
        "means": np.stack([x, 1 + 0 * x], axis=1),
        "sigmas": np.full((20, 2), 0.2),
    }
    sure = np.array([[1.0, 0.0], [0.99, 0.01], [0.0, 1.0], [0.6, 0.4]])
    return {
        "bands": (
            draw.bands(X, y, {"off": (y + 3, 0.1), "broad": (y, y + 1)}, (y, y + 1)),
            "off, the band holds 0% of the points of the left half and 0% of the right half",
            "broad, the band holds 100% of the points of the left half",
        ),
        "gradients": (
            draw.gradients(
                widths,
                {
                    r: dict(zip(three, (1 / widths, widths, widths / widths), strict=True))
                    for r in (1.0, 0.1)
                },
            ),
            "residual 0.1: by sigma 1e+01 at the least width, 1 in the middle, 0.1 at the largest",
        ),
        "learning": (
            draw.learning(
                {
                    rate: dict(zip(three, (level, one_lost, lost), strict=True))
                    for rate in (0.1, 0.5)
                },
                limit=1000,
            ),
            "rate 0.1, sigma: none failed",
            "rate 0.5, variance: 1 of 3 failed; rate 0.5, precision: all failed",
        ),
        "covariances": (
            draw.covariances(
                np.random.default_rng(0).normal(size=(30, 2)),
                {"learned": moments, "true": moments},
                {"full": (sizes, 1e-9 * sizes**3.0), "diagonal": (sizes, 1e-6 * sizes)},
            ),
            "with fitted slopes: full 3.0, diagonal 1.0",
        ),
        "single_gaussian": (
            draw.single_gaussian(
                X, y, y, y + 1, 0.5, {"true": bumps.sum(axis=1), "fitted": np.exp(-(grid**2))}, grid
            ),
            "densities over y at x = 0.5",
            "a single broad peak at 0.00, where the true density is 0.00",
        ),
        "mixture": (
            draw.mixture(x, grid, np.tile(bumps[:, :1], (1, 20)), parts, (x, y)),
            "component 1 from y = -1.0 to 1.0, its probability from 0.25 to 0.75",
        ),
        "responsibilities": (
            draw.responsibilities(
                X[:4], y[:4], sure, 0.5, grid, bumps, bumps / bumps.sum(axis=1, keepdims=True)
            ),
            "2 points, 1 points; 1 points are shared",
            "the density at x = 0.5",
        ),
        "clipping": (
            draw.clipping(
                {"plain": (x + 2, 10.0**x), "clipped": (1 - x, 0 * x + 1)},
                {"plain": ([0.01, 0.1], [0.5, 1.0]), "clipped": ([0.01, 0.1], [0.0, 0.25])},
            ),
            "which ends at: plain 3.0, clipped 0.0",
            "plain: 50% at 0.01, 100% at 0.1; clipped: 0% at 0.01, 25% at 0.1",
        ),
        "arms": (
            draw.arms(places, angles, hits),
            "place (1.0, 1.0): squared error misses by 1.41, the components by 0.00 and 0.00",
            "place (0.0, 2.0): squared error misses by 0.00",
        ),
    }


def figures_of_chain_rule():
    draw, stages, passes = figures.chain_rule, np.arange(1, 9), np.arange(1.0, 6.0)
    product, square = dl.scalar_graph.multiply, dl.scalar_graph.square
    G = dl.scalar_graph.ScalarGraph(2, [(product, 1, 2), (square, 3)])
    u = G.forward([2.0, -3.0])
    jacobian = np.array([[1.0, 0.0], [0.0, -2.0], [0.0, 3.0]])
    out = np.array([1.0, -1.0, 0.5])
    depths, seconds = np.array([4, 16]), np.array([1e-4, 4e-4])
    return {
        "learners": (
            draw.learners({"slow": (passes, 1 / passes), "quick": (passes, 1 / passes**2)}),
            "The cost from 1.00 downwards: slow ends at 0.2; quick ends at 0.04.",
        ),
        "jacobian_product": (
            draw.jacobian_product(jacobian, out, jacobian.T @ out, ["$J$", "$G$", "$J G$"]),
            "A matrix of 2 rows and 3 columns times a column of 3 numbers is a column of 2.",
            "3 of the 6 entries of the matrix are empty",
        ),
        "scalar_graph": (
            draw.scalar_graph(G, u, G.backward(u), {1: "x", 4: "J"}),
            "Forward: u(1) = 2, u(2) = -3, u(3) = -6, u(4) = 36.",
            "u(1) to u(3) −3, u(2) to u(3) 2, u(3) to u(4) −12",
            "36 on u(1)",
        ),
        "paths_and_edges": (
            draw.paths_and_edges(stages, 2**stages, 4 * stages),
            "from 2 to 256; the edges bend over, from 4 to 32",
        ),
        "checkpoints": (
            draw.checkpoints(
                {"all kept": np.array([1, 2, 3, 4, 3, 2]), "checkpoints": np.array([1, 2, 1, 2])},
                depths,
                {"all kept": depths, "checkpoints": np.array([4, 8])},
                {"all kept": seconds, "checkpoints": 1.5 * seconds},
            ),
            "for 16 it is 16 (all kept) and 8 (checkpoints)",
            "with checkpoints 1.5 times as long",
        ),
    }


def figures_of_engine():
    draw, x, dots = figures.engine, np.linspace(-1, 1, 101), np.array([-1.0, 0.0, 1.0])
    n, depths = np.array([10, 100, 1000]), [1, 2, 4]
    seconds = {"forward": 1e-6 * n, "forward and back": 3e-6 * n}
    return {
        "derivatives": (
            draw.derivatives(
                x, {"$f$": x**3, "$f'$": 3 * x**2}, dots, {"$f$": dots**3, "$f'$": dots}, "cubes"
            ),
            "dots, cubes",
            "f from -1.00 to 1.00, on; f' from 0.00 to 3.00, off",
        ),
        "costs": (
            draw.costs({"chain": (n, 2 * n, 1e-6 * n), "dense": (n, n**2, 1e-6 * n**1.5)}),
            "chain: up to 1,000 nodes and 2,000 operations, slope 1.00, that of the time 1.00",
            "dense: up to 1,000 nodes and 1,000,000 operations, slope 2.00, that of the time 1.50",
        ),
        "training_step": (
            draw.training_step(
                n, seconds, depths, {"cost": np.ones(3), "gradient": 1.5 + np.array(depths)}
            ),
            "by a factor of about 3",
            "gradient: 2.5 with 1 layer, 5.5 with 4",
        ),
        "summing": (
            draw.summing(
                depths, {"all terms": np.array([2, 3, 5]), "one sum": np.array([2, 2, 2])}
            ),
            "all terms: 2 for 1, 5 for 4; one sum: 2 for 1, 2 for 4",
        ),
    }


def figures_of_curvature():
    draw, outputs, steps = figures.curvature, [1, 2, 4, 8, 16], np.logspace(-8, -1, 8)
    modes = {"forward": np.full(5, 80), "reverse": 20 * np.array(outputs)}
    x = dl.variable("x", (3,))
    z = dl.log(dl.sum(dl.exp(x))).named("z")
    gradient = dl.backprop([x], z)[x]
    orders = modes | {"best": np.minimum(*modes.values())}
    bent = np.diag([2.0, -1.0, 0.0])
    eigenvalues, costs = np.array([-1.0, 0.0, 0.1, 9.0]), np.linspace(2, 1, 11)
    return {
        "matrix_chain": (
            draw.matrix_chain([6, 4, 4, 4, 1]),
            "The factors: A of 6 by 4, B of 4 by 4, C of 4 by 4, D of 4 by 1.",
            "from the left (forward): AB of 6 by 4 for 96",
            "together 216 multiply-adds",
            "together 56 multiply-adds",
        ),
        "chain_costs": (
            draw.chain_costs(outputs, {"even": orders, "a neck": orders}, [4.0, 4.0]),
            "even: the lines cross at 4 outputs; a neck: the lines cross at 4 outputs",
        ),
        "crossing": (
            draw.crossing(outputs, modes, {mode: 1e-6 * n for mode, n in modes.items()}, 4),
            "forward 80 to 80, reverse 20 to 320; the lines meet at 4 outputs",
        ),
        "in_memory": (
            draw.in_memory({"reverse": [1, 2, 3, 2], "forward": [1, 1, 1, 1]}),
            "reverse: 4 operations, at most 3 values at once",
        ),
        "elimination": (
            draw.elimination(
                [4, 5, 5, 6, 9],
                {"forward": 6, "reverse": 5, "best": 4},
                {"forward": [1.0, 1.5], "reverse": [1.2, 1.5]},
            ),
            "that 5 orders need, from 4 to 9; marked are forward 6, reverse 5, best 4",
            "for 50% of them neither is best, the worst is 1.50 times the best",
        ),
        "simplification": (
            draw.simplification(z, x, gradient, dl.simplify([gradient])[0]),
            "Left: The graph that computes z from x",
            "Right, the gradient simplified: The graph that computes",
            "softmax(x)",
        ),
        "three_ways": (
            draw.three_ways(
                {"as a formula": [2, 6, 1400], "as a graph": [2, 4, 6]},
                steps,
                {"one side": steps, "both sides": steps**2},
                1e-16,
            ),
            "as a formula: 2 to 1,400; as a graph: 2 to 6",
            "one side: least, 1e-08, at h = 1e-08",
            "automatic differentiation: 1e-16",
        ),
        "hessians": (
            draw.hessians({"at the start": bent, "at the end": bent**2}, {"W": 2, "b": 1}),
            "rows and columns: 2 for W, 1 for b",
            "at the start: largest entry 2.00; eigenvalues, 1 positive, 1 negative, 1 zero",
        ),
        "lanczos": (
            draw.lanczos(
                [1, 2], [np.array([5.0]), np.array([0.05, 8.9])], eigenvalues, (-0.1, 0.2)
            ),
            "over 1 to 2 Lanczos steps",
            "each of the 4 eigenvalues, from -1.000 to 9.0",
        ),
        "sharpness": (
            draw.sharpness([0, 5, 10], {0.1: [5, 12, 18]}, {0.1: costs}),
            "rate 0.1: from 5 to 18, the limit is 20",
        ),
        "newton": (
            draw.newton(
                {0.1: 10.0 ** -np.arange(8.0), 1.0: 100.0 ** -np.arange(5.0)},
                [1, 2, 4],
                {0.1: [0.9, 0.8, 0.7], 1.0: [0.95, 0.9, 0.85]},
                1.0,
                610,
            ),
            "where the whole Hessian takes 610",
            "from 1.0000 to 0.7000 with damping 0.1, 0.8500 with damping 1",
        ),
    }


DRAWN = {
    figures.output_units: figures_of_output_units,
    figures.densities: figures_of_densities,
    figures.chain_rule: figures_of_chain_rule,
    figures.engine: figures_of_engine,
    figures.curvature: figures_of_curvature,
}


@cache
def drawn_by(module):
    """Draw each figure once for all tests."""
    return DRAWN[module]()


every_module = pytest.mark.parametrize("module", DRAWN, ids=lambda module: module.__name__)


@every_module
def test_the_figures_of_a_module_are_fit_for_a_page_and_say_what_was_computed(module, capfd):
    for name, (drawing, *facts) in drawn_by(module).items():
        assert_fit_for_a_page(drawing)
        assert_no_text_is_cut(drawing)
        for fact in facts:
            assert fact in drawing.alt, name
    assert capfd.readouterr() == ("", "")


@every_module
def test_every_drawing_function_of_a_module_is_tested(module):
    functions = [f for _, f in inspect.getmembers(module, inspect.isfunction)]
    own = [f for f in functions if f.__module__ == module.__name__]
    returning = {f.__name__ for f in own if f.__annotations__.get("return") == "Drawing"}
    assert drawn_by(module).keys() == returning


def test_of_a_wide_layer_a_few_units_are_drawn():
    drawing = figures.network(dl.MLP([784, 256, 10]))
    texts = [text.get_text() for text in drawing.figure.findobj(Text)]
    assert texts.count("…") == 3
    assert sum("784" in text for text in texts) == 1
    assert "784 for x, 256 for h1, 10 for z" in drawing.alt


# --- Pictures that move -------------------------------------------------------------------------


@cache
def xor_film():
    X, y = dl.datasets.xor()
    network = dl.Network(dl.Layer(2, 2, dl.relu), dl.Layer(2, "scalar"))
    inputs, targets = dl.variable("X", (None, 2)), dl.variable("y", (None,))
    J = dl.mean((targets - network(inputs)) ** 2)
    start = network.initial_values(np.random.default_rng(1))
    descent, data = dl.GradientDescent(0.1), {inputs: X, targets: y}
    run = dl.train(J, start, data, descent, 300, record=network.parameters)
    return figures.animation.xor_training(X, y, range(0, 301, 10), run.recorded, run.costs)


def crease(degrees, offset):
    across = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    return np.column_stack([across, [-across[1], across[0]]]), np.array([-offset, 9.0])


CREASES = [crease(15, 0.05), crease(105, -0.05), crease(150, 0.1)]
SHAPE, PLACE = np.array([[5.0, 2.0], [-1.0, 2.5]]), np.array([0.1, 0.8])


@cache
def folding_film():
    return figures.animation.folding(CREASES, SHAPE, PLACE, 1.2)


@cache
def mixture_film():
    steps, x = np.linspace(0, 1, 30), np.linspace(-2, 2, 400)
    means = np.array([-1.5, 0.8, 1.8]) * steps[:, None, None] + np.zeros((30, 400, 3))
    sigmas = np.full((30, 400, 3), 0.2)
    parts = np.full((30, 400, 3), 1 / 3), means, sigmas
    y, grid = np.random.default_rng(0).normal(size=400), np.linspace(-2.8, 2.8, 91)
    truth = grid, np.exp(-(grid**2))
    return figures.animation.mixture_training(x, y, range(30), parts, 0.0, truth)


every_film = pytest.mark.parametrize("film", [xor_film, folding_film, mixture_film])


def films_in(svg):
    return ElementTree.fromstring(svg).findall(".//*[@class='dl-film']")


@every_film
def test_the_frames_of_an_animation_stand_side_by_side_and_the_last_one_shows(film):
    svg = assert_fit_for_a_page(film())
    width = float(ElementTree.fromstring(svg).get("viewBox").split()[2])
    end = f"{-(len(film().frames) - 1) * width:.2f}"
    assert 24 <= len(film().frames) <= 40
    assert len(films_in(svg)) == 2  # one for each panel, pulled alike
    for strip in films_in(svg):
        assert strip.get("transform") == f"translate({end} 0)"
        assert strip.get("style") == f"--dl-frames: {len(film().frames)}; --dl-end: {end}px"
        places = [re.findall(r"[\d.]+", picture.get("transform"))[0] for picture in strip]
        assert_allclose(np.array(places, float), width * np.arange(len(strip)), atol=0.01)
        assert all(len(picture) for picture in strip)
    assert "frame-" not in svg


@every_film
def test_an_animation_is_small(film):
    svg = film().svg().encode()
    assert len(svg) < 160_000
    assert len(gzip.compress(svg)) < 50_000


@every_film
def test_an_animation_refers_to_nothing_that_is_not_there(film):
    svg = film().svg()
    for used in re.findall(r'(?:href="#|url\(#)([^")]+)', svg):
        assert used in ids_of(svg)


@every_film
def test_a_reader_can_stop_an_animation_without_a_script(film):
    page = ElementTree.fromstring(film().html())
    assert page.get("class") == "dl-figure dl-animation"
    switch = page.find("label")
    assert switch.find("input").get("type") == "checkbox"
    assert "".join(switch.itertext()) == "PausePlay"  # of which the style sheet shows one
    assert not re.search(r"<script|\son\w+=", film().html())


def test_nothing_moves_on_paper_or_against_the_wish_of_the_reader():
    css = (ROOT / "web/theme/static/figures.css").read_text(encoding="utf-8")
    moving = [rule for rule in re.split(r"(?=@media)", css) if "animation: dl-film" in rule]
    wishes = [rule.partition("{")[0].strip() for rule in moving]
    asked = "@media screen and (prefers-reduced-motion: "
    assert wishes == [asked + "no-preference)", asked + "reduce)"]
    assert ":has(:checked)" in moving[1].partition("animation: dl-film")[0]


@every_film
def test_a_notebook_gets_a_film_that_plays_and_pauses(film, reader):
    page = film()._repr_mimebundle_()["text/html"]
    assert 'class="dl-film"' in page and 'type="checkbox"' in page
    assert ".dl-animation:has(:checked) .dl-film { animation-play-state: paused; }" in page


def test_the_text_of_an_animation_says_how_it_begins_and_ends():
    assert "from step 0 to step 300" in xor_film().alt
    assert "in the last frame are 0.00, 1.00, 1.00, 0.00" in xor_film().alt
    assert "from 1 to 8" in folding_film().alt
    assert "in the end at -1.5, 0.8, 1.8" in mixture_film().alt


def test_the_tint_of_a_frame_is_the_networks_answer():
    axes = xor_film().figure.axes[0]
    warm, cool = (
        next(a for a in xor_film().frames[-1] if a.axes is axes and a.get_zorder() == 0 and test(a))
        for test in (
            lambda a: a.get_facecolor() == to_rgba(figures.COLORS["orange-pale"]),
            lambda a: a.get_facecolor() == to_rgba(figures.COLORS["blue-pale"]),
        )
    )
    X, y = dl.datasets.xor()
    for x, label in zip(X, y, strict=True):
        assert inside(warm.get_path(), x) == (label == 1)
        assert inside(cool.get_path(), x) == (label == 0)


def inside(path, point):
    return any(Polygon(part).get_path().contains_point(point) for part in path.to_polygons())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_folded_sheet_is_what_layers_of_absolute_values_compute(count):
    pieces, _ = figures.animation.fold_sheet(CREASES[:count], -1.0, 1.2)
    area = sum(abs(shoelace(piece[:, :2])) for piece in pieces)
    assert_allclose(area, 2.4**2)  # the pieces are the sheet
    for piece in pieces:
        x = piece[:, :2]
        for turn, bias in CREASES[:count]:
            x = (np.abs(x @ turn + bias) - bias) @ turn.T
        assert_allclose(piece[:, 2:], x, atol=1e-12)


def shoelace(corners):
    x, y = corners.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@pytest.mark.parametrize("slope", [1.0, 0.3, 0.0])
def test_a_fold_comes_about_as_the_slope_falls(slope):
    pieces, lines = figures.animation.fold_sheet(CREASES[:1], slope, 1.2)
    (across, _), offset = CREASES[0][0].T, 0.05
    for piece in pieces:
        z, folded = piece[:, :2] @ across - offset, piece[:, 2:] @ across - offset
        assert_allclose(folded, np.maximum(z, 0) + slope * np.minimum(z, 0), atol=1e-12)
    assert_allclose(lines[0] @ across, offset)


# What the library's objects show in a notebook.


def test_a_network_shows_its_layers_with_their_parameters_and_shapes(network):
    table = ElementTree.fromstring(objects.network(network).replace("class=number", ""))
    rows = [[cell.text for cell in row] for row in table.findall("tbody/tr")]
    assert rows == [
        ["1", "relu", "2", "W", "(2, 2)", "4"],
        [None, None, None, "c", "(2,)", "2"],
        ["2", "identity", "1", "w", "(2,)", "2"],
        [None, None, None, "b", "()", "1"],
    ]
    assert table.find("caption").text == "9 parameters in all"


def test_a_distribution_shows_its_parameters():
    p = dl.distributions.Gaussian(dl.variable("mu", (None,)), dl.variable("a", (None,)))
    assert "<td>mean</td><td>mu</td><td>(None,)</td>" in objects.distribution(p)


def test_a_program_shows_its_source():
    x = dl.variable("x", ())
    program = dl.compile([x * 2], [x])
    assert objects.program(program).startswith("<pre>") and "def " in objects.program(program)


def test_a_graph_is_drawn_unless_it_is_too_large_to_read():
    x = dl.variable("x", ())
    assert "<svg" in objects.graph(dl.Graph([x * x]))
    z = x
    for _ in range(objects.MANY):
        z = dl.sin(z)
    assert objects.graph(dl.Graph([z])) is None


def test_a_training_shows_its_cost(network):
    X, y = dl.variable("X", (None, 2)), dl.variable("y", (None,))
    points, labels = dl.datasets.xor()
    J = dl.mean((y - network(X)) ** 2)
    start = network.initial_values(np.random.default_rng(0))
    run = dl.train(J, start, {X: points, y: labels}, dl.GradientDescent(0.1), 10)
    assert f"The cost of 10 steps, from {run.costs[0]:.3g} to" in objects.training(run)
    assert_fit_for_a_page(objects.costs(run.costs))


def test_a_notebook_shows_these_objects_beside_their_text(network, reader):
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.display_formatter = DisplayFormatter(parent=shell)
    objects.show_objects(shell)
    data, _ = shell.display_formatter.format(network)
    assert data["text/plain"] == repr(network)
    assert data["text/html"].startswith('<div class="dl-output"><style>')
