"""Figures that a reader can move, and in which the chapter's own graph answers.

Look at :mod:`dlbook.figures.live.xor_by_hand` first: a figure is a graph, compiled to JavaScript, a
state, what a reader can move, and which parts of the picture show which numbers.
:class:`~dlbook.figures.live.figure.LiveFigure` puts it together.
"""

from dlbook.figures.live import starts
from dlbook.figures.live.figure import LiveFigure
from dlbook.figures.live.xor_by_hand import xor_by_hand
from dlbook.figures.live.xor_trainer import xor_trainer

# By the name that a page knows it by; each gets its file on the site, and is tested.
FIGURES = {"xor-by-hand": xor_by_hand, "xor-trainer": xor_trainer}

__all__ = ["FIGURES", "LiveFigure", "starts", "xor_by_hand", "xor_trainer"]
