"""A section of its own for the tests of grading: five exercises, one of each kind of answer."""

import numpy as np

from dlbook.exercises import adapters
from dlbook.exercises.checking.exercise import Function, Open, Value
from dlbook.exercises.checking.inputs import numbers, vectors
from dlbook.exercises.checking.section import Section

section = Section("tiny", "A tiny section")
progress = section.progress


def given_total(values):
    """Add the values up."""
    result = 0.0
    for value in values[1:]:
        result = result + value
    return result


q1 = section.add(
    Function(
        title="Twice",
        answer="double",
        kind="implement",
        level=1,
        hints=["Twice."],
        names=("x",),
        expected=lambda x: 2 * x,
        cases=[(1.0,), (0.0,), (-3.5,)],
        inputs=numbers().map(lambda x: (x,)),
    )
)
q2 = section.add(
    Function(
        title="The sum",
        answer="total",
        kind="bug",
        level=2,
        hints=["Where does it begin?"],
        names=("values",),
        given=given_total,
        expected=lambda values: np.sum(values),
        cases=[(np.array([1.0, 2.0]),)],
        inputs=vectors(3).map(lambda values: (values,)),
    )
)
q3 = section.add(
    Value(
        title="A number",
        answer="size",
        kind="figure",
        level=1,
        hints=["It is odd."],
        right=lambda: 7,
    )
)
q4 = section.add(Open(title="In words", answer="words", kind="open", level=3, hints=["Write."]))
q5 = section.add(
    Function(
        title="A graph",
        answer="build",
        kind="implement",
        level=1,
        hints=["Multiply."],
        names=("x",),
        adapter=adapters.graph,
        expected=lambda x: x**2,
        cases=[(np.array([1.0, 2.0]),)],
    )
)
