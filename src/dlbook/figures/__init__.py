"""The pictures of the course: each function draws one thing from computed values.

A drawing shows itself at the end of a cell; ``.show(label, caption)`` gives it its caption.
"""

from dlbook.checks import needed_by

with needed_by("dlbook.figures"):
    import matplotlib  # noqa: F401

from dlbook.figures import (
    animation,
    architecture,
    backprop,
    benchmarks,
    chain_rule,
    costs,
    curvature,
    densities,
    engine,
    hidden_units,
    history,
    introduction,
    live,
    output_units,
    xor,
)
from dlbook.figures.chapter_map import ChapterMap
from dlbook.figures.graphs import computational_graph, network
from dlbook.figures.style import COLORS, Drawing

__all__ = [
    "COLORS",
    "ChapterMap",
    "Drawing",
    "animation",
    "architecture",
    "backprop",
    "benchmarks",
    "chain_rule",
    "computational_graph",
    "costs",
    "curvature",
    "densities",
    "engine",
    "hidden_units",
    "history",
    "introduction",
    "live",
    "network",
    "output_units",
    "xor",
]
