"""Exercises that answer back: one module for each section, ``from dlbook.exercises import
section_6_1 as ex``.

An exercise has three words: ``ex.q3.check(my_softmax)`` looks for an input on which the answer
fails and shows the smallest it finds, ``ex.q3.hint()`` gives a little more at every call,
``ex.q3.solution()`` shows how it can be done. ``ex.progress()`` shows where one stands.

Four rooms: ``sections`` has what is asked, ``checking`` how an answer is tried, ``grading`` how a
class is, and ``adapters`` what runs beside a student's code. That knows no answers, so that a class
can be graded with the rest kept out of reach. Imports only go down: sections and grading may use
checking, all of them adapters. Look first at ``checking/exercise.py``, what an exercise is, and at
any section.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dlbook.checks import needed_by

if TYPE_CHECKING:  # what __getattr__ gives
    from dlbook.exercises.sections import section_6_0 as section_6_0
    from dlbook.exercises.sections import section_6_1 as section_6_1
    from dlbook.exercises.sections import section_6_2_1 as section_6_2_1
    from dlbook.exercises.sections import section_6_2_2 as section_6_2_2
    from dlbook.exercises.sections import section_6_3 as section_6_3
    from dlbook.exercises.sections import section_6_4 as section_6_4
    from dlbook.exercises.sections import section_6_5_1 as section_6_5_1
    from dlbook.exercises.sections import section_6_5_5 as section_6_5_5
    from dlbook.exercises.sections import section_6_5_9 as section_6_5_9
    from dlbook.exercises.sections import section_6_6 as section_6_6

with needed_by("dlbook.exercises"):
    for name in ("hypothesis", "platformdirs"):  # loaded by what uses them: not beside an answer
        if find_spec(name) is None:
            raise ModuleNotFoundError(name=name)


def __getattr__(name):
    """Give a section's module to a notebook that asks for it without its room."""
    if name.startswith("section_"):
        renamed = import_module(f"{__name__}.checking.renamed")
        module = f"{__name__}.sections.{renamed.todays_name(name)}"
        if find_spec(module):
            return import_module(module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
