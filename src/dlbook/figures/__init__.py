"""The pictures of the course: each function draws one thing from computed values.

A drawing shows itself at the end of a cell; ``.show(label, caption)`` gives it its caption.
"""

from dlbook.figures import backprop, costs, densities, introduction, output_units, xor
from dlbook.figures.chapter_map import ChapterMap
from dlbook.figures.graphs import computational_graph, network
from dlbook.figures.style import COLORS, Drawing

__all__ = [
    "COLORS",
    "ChapterMap",
    "Drawing",
    "backprop",
    "computational_graph",
    "costs",
    "densities",
    "introduction",
    "network",
    "output_units",
    "xor",
]
