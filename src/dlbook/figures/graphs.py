"""Networks and computational graphs, drawn from the objects themselves (Figures 6.2, 6.8 to 6.11).

Graphviz decides where everything goes; look at :func:`place`. What is drawn there is in the house
style, so that these drawings match the others. A graph and its gradient stand side by side: the
one goes up, the other comes down, and the gradient on a variable is at the height of the variable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from dlbook.checks import needed_by, shape_text
from dlbook.figures.style import COLORS, Drawing, in_style
from dlbook.graph import Graph, Variable, has_name
from dlbook.network import Network
from dlbook.operations.base import Constant, computed_by

if TYPE_CHECKING:
    import pygraphviz

POINTS = 72.0  # Graphviz counts in points, Matplotlib in inches
LARGEST = 400  # nodes in one drawing
MANY = 100  # nodes that can still be arranged with care
SPELLED = 30  # operations that an alternative text gives one by one
GAP = 0.06  # between the lines of a node, in inches
DASHES = (0, (3.5, 2))  # for all that belongs to a gradient
CODE = "DejaVu Sans Mono"  # for the names of operations, as in a program


@dataclass
class Node:
    """What is drawn at one place: a circle with a name, below it what computes it, and a note."""

    text: str
    fill: str = COLORS["paper"]
    note: str = ""
    rank: int | None = None  # nodes of equal rank stand side by side
    operation: str = ""
    constant: bool = False
    gradient: bool = False  # whether back-propagation has added it
    beside: str = ""  # the node on which this one is the gradient

    @property
    def lines(self) -> list[tuple[str, float, dict[str, str]]]:
        """What is written, from top to bottom: a text, its size in points, and its looks."""
        word = len(self.operation) > 2 and "$" not in self.operation
        lines = [
            (self.text, 12, {"color": COLORS["muted"]} if self.constant else {}),
            (self.operation, 8.5 if word else 12, {"family": CODE} if word else {}),
            (self.note, 8, {"color": COLORS["muted"]}),
        ]
        return [line for line in lines if line[0]]

    @property
    def extents(self) -> list[tuple[float, float, float]]:
        """What :func:`_extent` says of each line."""
        return [_extent(text, size, looks.get("family")) for text, size, looks in self.lines]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches: a circle if the texts are short, else a rounded box."""
        widths, heights, _ = zip(*self.extents, strict=True)
        width, height = max(widths), sum(heights) + GAP * (len(heights) - 1)
        if self.constant:
            return (width + 0.16, height + 0.16)
        if width <= 0.35 and height <= 0.36:
            return (0.55, 0.55) if len(widths) == 1 else (0.62, 0.62)
        return (width + 0.25, height + 0.24)


@dataclass
class Edge:
    """An arrow from one node to another, with an optional text beside it."""

    tail: str
    head: str
    text: str = ""


@dataclass
class Panel:
    """One of the graphs in a drawing, with a title below it, and what it shows in words.

    The gradient can be left out: then the graph stands as it does beside its gradient.
    """

    nodes: dict[str, Node]
    edges: list[Edge]
    title: str = ""
    alt: str = ""
    hide_gradient: bool = False

    def shows(self, name: str) -> bool:
        """Return whether a node is drawn."""
        return not (self.hide_gradient and self.nodes[name].gradient)


@cache
@in_style
def _extent(text: str, size: float, family: str | None = None) -> tuple[float, float, float]:
    """Return width and height of a text's ink, in inches, and its middle above the baseline."""
    if not text:
        return 0.0, 0.0, 0.0
    ink = TextPath((0, 0), text, size, prop=family and {"family": family}).get_extents()
    height = max(ink.height, 0.7 * size)  # a low sign has the room of a letter
    return ink.width / POINTS, height / POINTS, (ink.y0 + ink.y1) / 2 / POINTS


@dataclass
class Layout:
    """Where the nodes of a drawing are, in inches, and on which curves its edges run."""

    points: dict[str, np.ndarray]
    paths: list[Path]


def place(nodes: dict[str, Node], edges: list[Edge], direction: str) -> Layout:
    """Let Graphviz arrange nodes and edges; ``direction`` as its ``rankdir``."""
    if any(node.gradient for node in nodes.values()):
        return _place_with_gradient(nodes, edges, direction)
    in_rows = any(node.rank is not None for node in nodes.values())
    graph = _new_graph(nodes, rankdir=direction, splines="line" if in_rows else "spline")
    for rank in sorted({node.rank for node in nodes.values() if node.rank is not None}):
        members = [name for name, node in nodes.items() if node.rank == rank]
        graph.add_subgraph(members, rank="same")
        for left, right in pairwise(members):
            graph.add_edge(left, right, key="order", style="invis")  # keeps x1 left of x2
    return _layout(graph, nodes, edges, "dot")


def _layout(
    graph: pygraphviz.AGraph, nodes: dict[str, Node], edges: list[Edge], program: str
) -> Layout:
    """Add the edges, run one of Graphviz's programs, and read what it has found."""
    ends = [(edge.tail, edge.head, str(number)) for number, edge in enumerate(edges)]
    for (tail, head, key), edge in zip(ends, edges, strict=True):
        graph.add_edge(tail, head, key=key, weight=50 if edge.text else 1)
    graph.layout(prog=program)
    return Layout(_points(graph, nodes), [_path(graph.get_edge(*e).attr["pos"]) for e in ends])


def _points(graph: pygraphviz.AGraph, names: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: _point(graph.get_node(name).attr["pos"]) for name in names}


def _point(text: str) -> np.ndarray:
    return np.array([float(x) for x in text.split(",")[-2:]]) / POINTS


def _path(text: str) -> Path:
    """Read Graphviz's curve: an end point for the arrow, then the points of Bézier pieces."""
    end, *points = map(_point, text.replace("\\\n", "").split())
    return Path([*points, end], [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1), Path.LINETO])


def _new_graph(nodes: dict[str, Node], **settings: str) -> pygraphviz.AGraph:
    """Return a graph of these nodes, without edges."""
    with needed_by("figures: a drawing of a graph"):
        import pygraphviz
    graph = pygraphviz.AGraph(directed=True, strict=False, nodesep="0.3", ranksep="0.5", **settings)
    # Without limits the time for a pretty arrangement explodes.
    limits = {"nslimit": "2", "nslimit1": "2", "mclimit": "0.2"}
    graph.graph_attr.update(limits if len(nodes) > MANY else {"mclimit": "10"})
    for name, node in nodes.items():
        width, height = node.size
        shape = "ellipse" if width == height else "box"
        # The texts are drawn later: without them Graphviz needs no fonts.
        graph.add_node(name, label="", shape=shape, fixedsize=True, width=width, height=height)
    return graph


def _place_with_gradient(nodes: dict[str, Node], edges: list[Edge], direction: str) -> Layout:
    """Arrange a graph and its gradient side by side: the one goes up, the other comes down."""
    graph = _new_graph(nodes, rankdir=direction, splines="none")
    graph.graph_attr.update(nodesep="0.25", ranksep="0.22")  # every second row is left for helpers
    helpers = _helpers(nodes, edges)
    for edge in edges:
        tail, head = nodes[edge.tail], nodes[edge.head]
        if not head.gradient:
            graph.add_edge(edge.tail, edge.head, minlen=2, weight=4)
        elif not tail.gradient:
            graph.add_edge(edge.tail, edge.head, constraint=False)
        elif edge.tail not in helpers:
            graph.add_edge(edge.head, edge.tail, minlen=2, weight=4)
        elif head.beside and Edge(head.beside, edge.tail) in edges:
            graph.add_edge(edge.tail, edge.head)  # in a row: x, f'(x), and the gradient on x
            graph.add_subgraph([edge.tail, edge.head], rank="same")
        else:
            graph.add_edge(edge.head, edge.tail, minlen=1, weight=2)
    for name, node in nodes.items():
        if node.beside:
            graph.add_subgraph([node.beside, name], rank="same")
    graph.layout(prog="dot")
    _put_gradient_right(graph, nodes, direction)
    return _with_short_edges(graph, nodes, edges)


def _helpers(nodes: dict[str, Node], edges: list[Edge]) -> set[str]:
    """Return what the gradient computes from values of the way forward alone, such as f'(x)."""
    later = {
        edge.head for edge in edges if nodes[edge.tail].gradient and not nodes[edge.tail].constant
    }
    return {n for n, node in nodes.items() if node.gradient and not node.beside} - later


def _put_gradient_right(graph: pygraphviz.AGraph, nodes: dict[str, Node], direction: str) -> None:
    """Arrange again, with the same rows, but a wall between the graph and its gradient."""
    rows: dict[float, list[str]] = {}
    for name, (x, y) in _points(graph, nodes).items():
        rows.setdefault(round(x if direction in ("LR", "RL") else y, 2), []).append(name)
    walls = [f"wall {number}" for number in range(len(rows))]
    for wall, row in zip(walls, sorted(rows), strict=True):
        graph.add_node(wall, label="", shape="point", width=0.01, height=0.01)
        graph.add_subgraph([wall, *rows[row]], rank="same")
        for name in rows[row]:
            graph.add_edge(*((wall, name) if nodes[name].gradient else (name, wall)))
    for below, above in pairwise(walls):
        graph.add_edge(below, above, weight=100)
    graph.layout(prog="dot")


def _with_short_edges(
    placed: pygraphviz.AGraph, nodes: dict[str, Node], edges: list[Edge]
) -> Layout:
    """Leave the nodes where they are, and lead each edge the shortest way around them."""
    # To go around hundreds of nodes would take minutes.
    graph = _new_graph(nodes, splines="true" if len(nodes) <= MANY else "line", esep="+5", sep="+6")
    for name in nodes:
        graph.get_node(name).attr["pos"] = placed.get_node(name).attr["pos"]
    layout = _layout(graph, nodes, edges, "nop")
    for edge in edges:
        twins = [i for i, other in enumerate(edges) if other == edge]
        if len(twins) > 1 and edges[twins[0]] is edge:  # as x is twice an input of x * x
            _spread([layout.paths[i] for i in twins])
    return layout


def _spread(paths: list[Path]) -> None:
    """Move paths between the same two nodes apart."""
    x, y = paths[0].vertices[-1] - paths[0].vertices[0]
    for i, path in enumerate(paths):
        path.vertices += (i - (len(paths) - 1) / 2) * 0.14 * np.array([-y, x]) / np.hypot(x, y)


def draw(nodes: dict[str, Node], edges: list[Edge], direction: str, alt: str) -> Drawing:
    """Draw nodes and edges where Graphviz places them."""
    return draw_panels([Panel(nodes, edges, alt=alt)], direction)


@in_style
def draw_panels(panels: Sequence[Panel], direction: str = "BT", columns: int = 1) -> Drawing:
    """Draw several graphs in rows of ``columns``, each above its title."""
    layouts = [place(panel.nodes, panel.edges, direction) for panel in panels]
    boxes = [_box(panel, layout) for panel, layout in zip(panels, layouts, strict=True)]
    titled = 0.35 if any(panel.title for panel in panels) else 0.0
    sizes = np.zeros((-(-len(panels) // columns) * columns, 2))
    for i, (panel, (low, high)) in enumerate(zip(panels, boxes, strict=True)):
        width, height = high - low
        sizes[i] = max(width, _extent(panel.title, 11)[0]), height + titled
    sizes += 0.3 if columns == 1 else (0.6, 0.3)
    grid = sizes.reshape(-1, columns, 2)
    widths, heights = grid[..., 0].max(axis=0), grid[..., 1].max(axis=1)
    figure = Figure(figsize=(widths.sum(), heights.sum()))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, widths.sum()), ylim=(0, heights.sum()), aspect="equal")
    axes.axis("off")
    for i, (panel, layout, (low, high)) in enumerate(zip(panels, layouts, boxes, strict=True)):
        row, column = divmod(i, columns)
        center, foot = widths[: column + 1].sum() - widths[column] / 2, heights[row + 1 :].sum()
        axes.text(center, foot + 0.2, panel.title, ha="center", fontsize=11)
        shift = (center - (low[0] + high[0]) / 2, foot + titled + 0.15 - low[1])
        _draw_panel(axes, panel, layout, shift)
    return Drawing(figure, " ".join(panel.alt for panel in panels))


def _box(panel: Panel, layout: Layout) -> np.ndarray:
    """Return the lower left and the upper right corner of what is drawn of a graph."""
    bounds, shown = [], []
    for name, point in layout.points.items():
        half = np.array(panel.nodes[name].size) / 2
        bounds.append((point - half, point + half))
        shown.append(panel.shows(name))
    for edge, path in zip(panel.edges, layout.paths, strict=True):
        bounds.append(path.get_extents().get_points())
        shown.append(panel.shows(edge.tail) and panel.shows(edge.head))
    corners = np.array(bounds)
    # What is hidden counts in height alone, so that two panels side by side stay level.
    x, y = corners[shown, :, 0], corners[:, :, 1]
    return np.array([[x.min(), y.min()], [x.max(), y.max()]])


def _draw_panel(axes, panel: Panel, layout: Layout, shift: tuple[float, float]) -> None:
    moved = Affine2D().translate(*shift)
    for edge, path in zip(panel.edges, layout.paths, strict=True):
        if panel.shows(edge.tail) and panel.shows(edge.head):
            gradient = panel.nodes[edge.head].gradient
            _draw_edge(axes, moved.transform_path(path), edge.text, gradient)
    for name, node in panel.nodes.items():
        if panel.shows(name):
            _draw_node(axes, node, *(layout.points[name] + shift))


def _draw_edge(axes, path: Path, text: str, gradient: bool) -> None:
    line = DASHES if gradient else "-"
    axes.add_patch(
        FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=9, color=COLORS["muted"], lw=1, ls=line
        )
    )
    if text:
        (x0, y0), (x1, y1) = path.vertices[[0, -1]]
        sideways = np.array([y0 - y1, x1 - x0]) / np.hypot(x1 - x0, y1 - y0)
        x, y = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) - 0.16 * sideways
        axes.text(x, y, text, ha="center", va="center", fontsize=12)


def _draw_node(axes, node: Node, x: float, y: float) -> None:
    width, height = node.size
    if width == height:
        patch = Ellipse((x, y), width, height)
    else:
        patch = FancyBboxPatch(
            (x - width / 2 + 0.08, y - height / 2 + 0.08), width - 0.16, height - 0.16,
            boxstyle="round,pad=0.08",
        )  # fmt: skip
    if not node.constant:  # a number stands there without a border
        patch.set(facecolor=node.fill, edgecolor=COLORS["ink"], linewidth=1.1)
        patch.set_linestyle(DASHES if node.gradient else "-")
        axes.add_patch(patch)
    top = y + (sum(height + GAP for _, height, _ in node.extents) - GAP) / 2
    for (text, size, looks), (_, height, middle) in zip(node.lines, node.extents, strict=True):
        # By the ink and not by the line, whose height depends on what stands in a formula.
        axes.text(x, top - height / 2 - middle, text, ha="center", fontsize=size, **looks)
        top -= height + GAP


GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    "upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
NAME = re.compile(
    rf"(?P<letter>[A-Za-z]|(?P<greek>{GREEK}))(?P<hat>_hat)?(?P<digits>[\d,]*)"
    r"(\((?P<raised>\w+)\))?(_(?P<index>[A-Za-z\d,]+))?"
)


def math_text(name: str, ndim: int = 0) -> str:
    """Write a variable's name as the book does: italic, bold for vectors and matrices.

    ``h1`` becomes h with an index, ``W(1)`` a W with a raised (1), ``J_MLE`` a J with an upright
    index, ``y_hat`` a y with a hat, ``lambda`` the Greek letter, ``dz/dw`` a derivative and
    ``grad_w`` a gradient. Any other name stays as it is.
    """
    if name.startswith("grad_") and NAME.fullmatch(name[5:]):
        return rf"$\nabla_{{{_symbol(name[5:], ndim)}}}$"
    derivative = re.fullmatch(r"d([^/]+)/d([^/]+)", name)
    if derivative and all(NAME.fullmatch(part) for part in derivative.groups()):
        return f"$\\dfrac{{d{_symbol(derivative[1])}}}{{d{_symbol(derivative[2])}}}$"
    return f"${_symbol(name, ndim)}$" if NAME.fullmatch(name) else name.replace("$", r"\$")


def _symbol(name: str, ndim: int = 0) -> str:
    """Write a name for use within a formula."""
    parts = NAME.fullmatch(name)
    if not parts:
        words = re.sub(r"[^A-Za-z\d]+", r"\\_", name)
        return rf"\,\mathrm{{{words}}}"
    letter = "\\" * bool(parts["greek"]) + parts["letter"]
    letter = rf"\mathbfit{{{letter}}}" if ndim else letter
    letter = rf"\hat{{{letter}}}" if parts["hat"] else letter
    raised = f"^{{({_upright(parts['raised'])})}}" if parts["raised"] else ""
    index = ",".join(filter(None, (parts["digits"], parts["index"])))
    return letter + raised + (f"_{{{_upright(index)}}}" if index else "")


def _upright(index: str) -> str:
    """Set a word upright; a letter or a number stays as it is."""
    return rf"\mathrm{{{index}}}" if len(index) > 1 and index.isalpha() else index


def network(network: Network) -> Drawing:
    """Draw a network twice: a circle for each unit, and a circle for each layer (Figure 6.2).

    Of a layer with more than six units the first three and the last are drawn.
    """
    sizes = [network.layers[0].in_size, *(layer.width for layer in network.layers)]
    names = ["x", *(layer.names[2] for layer in network.layers)]
    nodes, edges = {}, []
    for rank, (name, size) in enumerate(zip(names, sizes, strict=True)):
        alone = size == 1 and rank == len(sizes) - 1
        for i in _drawn(size):
            text = math_text(name if alone else f"{name}{',' * name[-1].isdigit()}{i}")
            nodes[f"{rank}.{i}"] = Node(text if i else "…", _fill(rank, len(sizes)), rank=rank)
        vector = math_text(name, 0 if alone else 1)
        nodes[f"{rank}"] = Node(vector, _fill(rank, len(sizes)))
    for rank, layer in enumerate(network.layers, start=1):
        for i in _drawn(sizes[rank - 1]):
            edges += [Edge(f"{rank - 1}.{i}", f"{rank}.{j}") for j in _drawn(sizes[rank])]
        weights = math_text(layer.weights.name, layer.weights.ndim)
        edges.append(Edge(f"{rank - 1}", f"{rank}", weights))
    rows = ", ".join(f"{size} for {name}" for name, size in zip(names, sizes, strict=True))
    steps = ", ".join(f"{layer.weights.name} to {layer.names[2]}" for layer in network.layers)
    alt = (
        f"Left, circles for units in rows from bottom to top: {rows}; an arrow from every unit to "
        f"every unit of the next row. Right, one circle for each row; arrows from x by {steps}."
    )
    return draw(nodes, edges, "BT", alt)


def _drawn(size: int) -> list[int]:
    """Return the numbers of the units to draw; 0 stands for those that are left out."""
    return list(range(1, size + 1)) if size <= 6 else [1, 2, 3, 0, size]


def _fill(rank: int, ranks: int) -> str:
    return {0: COLORS["blue-pale"], ranks - 1: COLORS["orange-pale"]}.get(rank, COLORS["paper"])


def computational_graph(
    outputs: Variable | Iterable[Variable],
    shapes: bool = False,
    direction: str = "BT",
    gradients: Mapping[Variable, Variable] | None = None,
) -> Drawing:
    """Draw the graph that computes ``outputs``, each operation below the name of its result.

    A constant has no border and stands at each of its uses. What belongs to the gradient alone is
    dashed: it comes down at the side of the graph.

    Parameters
    ----------
    outputs : Variable or list of Variable
    shapes : bool
        Whether to write each variable's shape below it.
    direction : str
        Graphviz's ``rankdir``: ``"BT"`` from bottom to top, ``"LR"`` from left to right.
    gradients : dict of Variable to Variable, optional
        What ``backprop`` returns for the one output: to be drawn with it, as in Figure 6.10.

    Raises
    ------
    TypeError
        If something else than variables is given.
    ValueError
        If the graph has more nodes than anybody could read, or there are gradients, but not one
        output.
    """
    return draw_panels([graph_panel(outputs, shapes, gradients)], direction)


def graph_panel(
    outputs: Variable | Iterable[Variable],
    shapes: bool = False,
    gradients: Mapping[Variable, Variable] | None = None,
    title: str = "",
) -> Panel:
    """Return what :func:`computational_graph` draws, as one panel of a drawing."""
    ends = [outputs] if isinstance(outputs, Variable) else list(outputs)
    gradients = dict(gradients or {})
    _check(ends, gradients)
    forward, graph = Graph(ends), Graph([*ends, *gradients.values()])
    if len(graph) > LARGEST:
        raise ValueError(f"computational_graph: {len(graph)} nodes are too many to draw or to read")
    shown = {*ends, *gradients.values()}
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for V in graph:
        targets = [T for T, G in gradients.items() if G is V]
        labels = [_gradient_text(T, ends[0], forward) for T in targets]
        node = _node_of(V, labels, shapes, _has_name(V, *targets))
        if node.constant and V not in shown:
            continue
        if V not in forward:
            node.gradient, node.fill = True, COLORS["orange-pale"]
            node.beside = next((str(T.number) for T in targets if T in forward), "")
        for i, U in enumerate(V.inputs):
            tail = str(U.number)
            if isinstance(U.operation, Constant) and U not in shown:
                tail = f"{V.number}.{i}"
                nodes[tail] = _node_of(U, [], shapes, _has_name(U))
                nodes[tail].gradient = node.gradient
            edges.append(Edge(tail, str(V.number)))
        nodes[str(V.number)] = node
    return Panel(nodes, edges, title, _in_words(ends, forward, graph, gradients, shapes))


def _check(ends: list[Variable], gradients: dict[Variable, Variable]) -> None:
    for V in [*ends, *gradients, *gradients.values()]:
        if not isinstance(V, Variable):
            raise TypeError(f"computational_graph: only variables can be drawn, got {V!r}")
    if gradients and len(ends) != 1:
        raise ValueError(
            f"computational_graph: gradients are those of one output, but there are {len(ends)}: "
            f"{', '.join(V.name for V in ends)}"
        )


def _node_of(V: Variable, gradients: list[str], shapes: bool, named: bool) -> Node:
    """Return the node of a variable, which may be the gradient on others."""
    names = gradients + [math_text(V.name, V.ndim)] * named
    return Node(
        text=" = ".join(names),
        fill=COLORS["paper"] if V.operation else COLORS["blue-pale"],
        note=shape_text(V.shape) if shapes else "",
        operation=_sign(V) if V.inputs else "",
        constant=isinstance(V.operation, Constant) and not gradients,
    )


def _sign(V: Variable) -> str:
    """Return how an operation is written; one whose sign has a place to fill goes by its name."""
    op = computed_by(V)
    return op.symbol if op.symbol and "·" not in op.symbol else op.name


def _has_name(V: Variable, *targets: Variable) -> bool:
    """Return whether a variable has a name, and not only that of the gradient on a target."""
    named = not V.inputs or has_name(V)
    return named and V.name not in [f"grad_{T.name}" for T in targets]


def _gradient_text(V: Variable, z: Variable, forward: Graph) -> str:
    """Write the gradient of ``z`` on ``V``: a fraction if it is a scalar, else with a nabla."""
    of, on = _symbol(z.name, z.ndim), _symbol(V.name, V.ndim)
    if V.ndim:
        return rf"$\nabla_{{{on}}}\,{of}$"
    d = "d" if sum(U.operation is None for U in forward) == 1 else r"\partial "
    return rf"$\dfrac{{{d}{of}}}{{{d}{on}}}$"


def _in_words(
    ends: list[Variable],
    forward: Graph,
    graph: Graph,
    gradients: dict[Variable, Variable],
    shapes: bool,
) -> str:
    """Write the alternative text: what is computed from what, first forward, then backward."""
    labels = {T: f"d{ends[0].name}/d{T.name}" for T in gradients}
    called = _called(graph, {G: labels[T] for T, G in gradients.items() if not _has_name(G, T)})

    def listed(variables: Iterable[Variable]) -> str:
        return ", ".join(called[V] + f" {shape_text(V.shape)}" * shapes for V in variables)

    def computed(variables: list[Variable]) -> str:
        if len(variables) > SPELLED:
            times = Counter(computed_by(V).name for V in variables).items()
            return f"{len(variables)} operations, " + ", ".join(f"{n} {name}" for name, n in times)
        steps = (
            f"{computed_by(V).name}({', '.join(called[U] for U in V.inputs)})" for V in variables
        )
        return "; ".join(f"{listed([V])} = {s}" for V, s in zip(variables, steps, strict=True))

    inputs = listed(V for V in graph if V.operation is None) or "constants"
    way = [V for V in forward if V.inputs]
    text = f"The graph that computes {listed(ends)} from {inputs}"
    text += f": {computed(way)}." if way else "."
    if gradients:
        back = [V for V in graph if V.inputs and V not in forward]
        names = ", ".join(
            labels[T] + f" = {called[G]}" * (called[G] != labels[T]) for T, G in gradients.items()
        )
        text += f" Beside it the gradient: {names}"
        text += f"; dashed, what it adds to the graph: {computed(back)}." if back else "."
    return text


def _called(graph: Graph, labels: dict[Variable, str]) -> dict[Variable, str]:
    """Return how each variable is called in words; those without a name are numbered."""
    unnamed = [V for V in graph if not _has_name(V) and V not in labels]
    totals, called = Counter(V.name for V in unnamed), {}
    seen: Counter[str] = Counter()
    for V in graph:
        called[V] = labels.get(V, V.name)
        if not _has_name(V) and V not in labels and totals[V.name] > 1:
            seen[V.name] += 1
            called[V] += f" {seen[V.name]}"
    return called
