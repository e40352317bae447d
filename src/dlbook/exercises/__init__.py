"""Exercises that answer back: one module for each section, ``from dlbook.exercises import
section_6_1 as ex``.

An exercise has three words: ``ex.q3.check(my_softmax)`` looks for an input on which the answer
fails and shows the smallest it finds, ``ex.q3.hint()`` gives a little more at every call,
``ex.q3.solution()`` shows how it can be done. ``ex.progress()`` shows where one stands.

Look first at ``exercise.py``, what an exercise is, and at any ``section_*.py``. What runs beside a
student's code (``calling.py`` and ``adapters``) knows no answers, so that a class can be graded
with the rest kept out of reach.
"""

from importlib.util import find_spec

from dlbook.checks import needed_by

with needed_by("dlbook.exercises"):
    for name in ("hypothesis", "platformdirs"):  # loaded by what uses them: not beside an answer
        if find_spec(name) is None:
            raise ModuleNotFoundError(name=name)
