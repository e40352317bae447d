"""Networks and computational graphs, drawn from the objects themselves (Figures 6.2, 6.8 to 6.11).

Graphviz decides where everything goes; look at :func:`place`. What is drawn there is in the house
style, so that these drawings match the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pygraphviz
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from dlbook.checks import shape_text
from dlbook.figures.style import COLORS, Drawing, in_style
from dlbook.graph import Graph, Variable
from dlbook.network import Network
from dlbook.operations.base import Constant

POINTS = 72.0  # Graphviz counts in points, Matplotlib in inches
LARGEST = 400  # nodes in one drawing


@dataclass
class Node:
    """What is drawn at one place: a circle with a text."""

    text: str
    fill: str = COLORS["paper"]
    note: str = ""
    rank: int | None = None  # nodes of equal rank stand side by side

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches: a circle if the text is short, else a rounded box."""
        width = max(_text_width(self.text, 12), _text_width(self.note, 8))
        if width <= 0.35:
            return (0.55, 0.55)
        return (width + 0.25, 0.5 if self.note else 0.4)


@dataclass
class Edge:
    """An arrow from one node to another, with an optional text beside it."""

    tail: str
    head: str
    text: str = ""


def _text_width(text: str, size: float) -> float:
    return TextPath((0, 0), text, size=size).get_extents().width / POINTS if text else 0.0


def place(nodes: dict[str, Node], edges: list[Edge], direction: str) -> pygraphviz.AGraph:
    """Let Graphviz arrange nodes and edges; ``direction`` as its ``rankdir``."""
    graph = pygraphviz.AGraph(directed=True, strict=False, rankdir=direction)
    in_rows = any(node.rank is not None for node in nodes.values())
    graph.graph_attr.update(nodesep="0.3", ranksep="0.5", splines="line" if in_rows else "spline")
    # Without limits the time for a pretty arrangement explodes beyond a hundred nodes.
    graph.graph_attr.update(nslimit="2", nslimit1="2", mclimit="0.2")
    for name, node in nodes.items():
        width, height = node.size
        shape = "ellipse" if width == height else "box"
        # The texts are drawn later: without them Graphviz needs no fonts.
        graph.add_node(name, label="", shape=shape, fixedsize=True, width=width, height=height)
    for rank in sorted({node.rank for node in nodes.values() if node.rank is not None}):
        members = [name for name, node in nodes.items() if node.rank == rank]
        graph.add_subgraph(members, rank="same")
        for left, right in pairwise(members):
            graph.add_edge(left, right, key="order", style="invis")  # keeps x1 left of x2
    for number, edge in enumerate(edges):
        graph.add_edge(edge.tail, edge.head, key=str(number), weight=50 if edge.text else 1)
    graph.layout(prog="dot")
    return graph


@in_style
def draw(nodes: dict[str, Node], edges: list[Edge], direction: str, alt: str) -> Drawing:
    """Draw nodes and edges where Graphviz places them."""
    graph = place(nodes, edges, direction)
    left, bottom, right, top = (float(x) / POINTS for x in graph.graph_attr["bb"].split(","))
    figure = Figure(figsize=(right - left + 0.3, top - bottom + 0.3))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left - 0.15, right + 0.15), ylim=(bottom - 0.15, top + 0.15), aspect="equal")
    axes.axis("off")
    for number, edge in enumerate(edges):
        _draw_edge(axes, graph.get_edge(edge.tail, edge.head, str(number)).attr["pos"], edge.text)
    for name, node in nodes.items():
        x, y = _point(graph.get_node(name).attr["pos"])
        _draw_node(axes, node, x, y)
    return Drawing(figure, alt)


def _point(text: str) -> tuple[float, float]:
    x, y = text.split(",")[-2:]
    return float(x) / POINTS, float(y) / POINTS


def _draw_edge(axes, position: str, text: str) -> None:
    """Draw Graphviz's curve: an end point for the arrow, then the points of Bézier pieces."""
    end, *points = position.replace("\\\n", "").split()
    points = [_point(p) for p in points]
    codes = [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)]
    path = Path([*points, _point(end)], [*codes, Path.LINETO])
    axes.add_patch(
        FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=9, color=COLORS["muted"], lw=1)
    )
    if text:
        (x0, y0), (x1, y1) = points[0], _point(end)
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
    patch.set(facecolor=node.fill, edgecolor=COLORS["ink"], linewidth=1.1)
    axes.add_patch(patch)
    up = 0.07 if node.note else 0.0
    axes.text(x, y + up, node.text, ha="center", va="center", fontsize=12)
    axes.text(
        x, y - 1.7 * up, node.note, ha="center", va="center", fontsize=8, color=COLORS["muted"]
    )


def math_text(name: str, ndim: int = 0) -> str:
    """Write a variable's name as the book does: italic, bold for vectors and matrices.

    ``h1`` becomes h with an index, ``y_hat`` a y with a hat.
    """
    parts = re.fullmatch(r"([A-Za-z]+?)(_hat)?([\d,]*)", name)
    if not parts or len(parts[1]) > 1:
        return name.replace("$", r"\$")
    letter = rf"\mathbfit{{{parts[1]}}}" if ndim else parts[1]
    letter = rf"\hat{{{letter}}}" if parts[2] else letter
    return f"${letter}_{{{parts[3]}}}$" if parts[3] else f"${letter}$"


def network(network: Network) -> Drawing:
    """Draw a network twice: a circle for each unit, and a circle for each layer (Figure 6.2)."""
    sizes = [network.layers[0].in_size, *(layer.width for layer in network.layers)]
    names = ["x", *(layer.names[2] for layer in network.layers)]
    nodes, edges = {}, []
    for rank, (name, size) in enumerate(zip(names, sizes, strict=True)):
        alone = size == 1 and rank == len(sizes) - 1
        for i in range(size):
            text = math_text(name if alone else f"{name}{',' * name[-1].isdigit()}{i + 1}")
            nodes[f"{rank}.{i}"] = Node(text, _fill(rank, len(sizes)), rank=rank)
        vector = math_text(name, 0 if alone else 1)
        nodes[f"{rank}"] = Node(vector, _fill(rank, len(sizes)))
    for rank, layer in enumerate(network.layers, start=1):
        for i in range(sizes[rank - 1]):
            edges += [Edge(f"{rank - 1}.{i}", f"{rank}.{j}") for j in range(sizes[rank])]
        weights = math_text(layer.weights.name, layer.weights.ndim)
        edges.append(Edge(f"{rank - 1}", f"{rank}", weights))
    rows = ", ".join(f"{size} for {name}" for name, size in zip(names, sizes, strict=True))
    steps = ", ".join(f"{layer.weights.name} to {layer.names[2]}" for layer in network.layers)
    alt = (
        f"Left, circles for units in rows from bottom to top: {rows}; an arrow from every unit to "
        f"every unit of the next row. Right, one circle for each row; arrows from x by {steps}."
    )
    return draw(nodes, edges, "BT", alt)


def _fill(rank: int, ranks: int) -> str:
    return {0: COLORS["blue-pale"], ranks - 1: COLORS["orange-pale"]}.get(rank, COLORS["paper"])


def computational_graph(
    outputs: Variable | Iterable[Variable], shapes: bool = False, direction: str = "BT"
) -> Drawing:
    """Draw the graph that computes ``outputs``; operations are written in their nodes.

    Parameters
    ----------
    outputs : Variable or list of Variable
    shapes : bool
        Whether to write each variable's shape below it.
    direction : str
        Graphviz's ``rankdir``: ``"BT"`` from bottom to top, ``"LR"`` from left to right.

    Raises
    ------
    ValueError
        If the graph has more nodes than anybody could read.
    """
    ends = [outputs] if isinstance(outputs, Variable) else list(outputs)
    graph = Graph(ends)
    if len(graph) > LARGEST:
        raise ValueError(f"computational_graph: {len(graph)} nodes are too many to draw or to read")
    nodes, edges = {}, []
    for V in graph:
        name = str(V.number)
        fill = COLORS["blue-pale"] if V.operation is None else COLORS["paper"]
        nodes[name] = Node(_node_text(V), fill, note=shape_text(V.shape) if shapes else "")
        edges += [Edge(str(U.number), name) for U in V.inputs]
    inputs = ", ".join(V.name for V in graph if V.operation is None)
    steps = ", ".join(V.operation.name for V in graph if V.inputs)
    alt = f"The graph that computes {', '.join(V.name for V in ends)} from {inputs} by {steps}."
    return draw(nodes, edges, direction, alt)


def _node_text(V: Variable) -> str:
    """Write what stands in a node: the name if it has one of its own, and the operation."""
    if V.operation is None or isinstance(V.operation, Constant):
        return math_text(V.name, V.ndim)
    sign = V.operation.symbol or V.operation.name
    return sign if V.name == V.operation.name else f"{math_text(V.name, V.ndim)} = {sign}"
