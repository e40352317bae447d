"""Stands in for a section's module where a submission is graded.

The sandbox shows this file in the place of every ``section_*.py``, and of the packages above them:
a submission's own calls of ``check``, ``hint`` and ``solution`` run and know nothing. What is right
is decided outside.
"""

import sys


class Elsewhere:
    """Takes the words of an exercise, and answers that the check happens elsewhere."""

    status, passed = "noted", True

    def __init__(self, name=""):
        self.name = name

    def check(self, *_):
        """Say that the answer is checked elsewhere."""
        return self

    def hint(self):
        """Give no hint."""
        return self

    def solution(self):
        """Give no solution."""
        return self

    def __repr__(self):
        return f"{self.name} This notebook is being graded: answers are checked elsewhere.".strip()


def progress():
    """Show nothing: the learner's own file is not here."""
    return Elsewhere()


def __getattr__(name):
    if name[:1] == "q" and name[1:].isdigit():
        return Elsewhere(f"{name}:")
    if name.startswith("section_"):
        return sys.modules[__name__]
    raise AttributeError(f"{name} is not there while a notebook is graded")
