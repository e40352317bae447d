"""Every exercise takes what is right and says what is wrong with what is not.

For each: the instructor's solution and at least three right answers of another style pass; at least
five typical wrong ones fail with the words that name their mistake; the stub is "not attempted
yet". The answers stand in ``answers``, one module for each section with ``RIGHT`` and
``WRONG``.
"""

import importlib
import importlib.util
import re
import time
from functools import cache
from pathlib import Path

import nbformat
import pytest
from busy import busy_processes

from dlbook.exercises.checking import exercise as exercises
from dlbook.exercises.checking.counterexample import TRIES
from dlbook.exercises.checking.exercise import KINDS, LEVELS, Open

ROOT = Path(__file__).resolve().parents[2]
EXHAUSTIVE = pytest.mark.exhaustive
SECTIONS = sorted(p.stem for p in (ROOT / "src/dlbook/exercises/sections").glob("section_*.py"))
CALLS = TRIES + 100  # at most, of an answer and of typical mistakes in one check


@cache
def section_of(module):
    return importlib.import_module(f"dlbook.exercises.sections.{module}").section


@cache
def answers_to(module):
    path = Path(__file__).parent / "answers" / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"answers_{module}", path)
    answers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(answers)
    return answers


@cache
def notebook_of(module, version):
    name = section_of(module).name
    folder = ROOT / "exercises" / ("source/" + name if version == "instructor" else "")
    return nbformat.read(folder / f"{name}.ipynb", as_version=4)


def cells_of(module, version):
    """Return the cells of a notebook by their nbgrader name."""
    cells = notebook_of(module, version).cells
    return {c.metadata["nbgrader"]["grade_id"]: c for c in cells if "nbgrader" in c.metadata}


@cache
def values_in(module, version):
    """Return the names that a notebook defines, without running its checks."""
    namespace = {"__name__": "__main__"}
    for cell in notebook_of(module, version).cells:
        is_ours = "nbgrader" in cell.metadata  # not the one that fetches the course on Colab
        if cell.cell_type == "code" and is_ours and "ex.q" not in cell.source:
            exec(compile(cell.source, f"<{module}>", "exec"), namespace)
    return namespace


EXERCISES = [
    pytest.param(module, exercise, id=f"{module.removeprefix('section_')}-{exercise.name}")
    for module in SECTIONS
    for exercise in section_of(module).exercises
]
each_exercise = pytest.mark.parametrize(("module", "exercise"), EXERCISES)
each_section = pytest.mark.parametrize("module", SECTIONS)
FIRST = 2  # answers of each kind to each exercise; what is marked exhaustive tries the others
# A function, a value, a trial, words: what is marked exhaustive does it with all the others.
ONE_OF_A_KIND = ("6_1-q2", "6_1-q4", "6_0-q10", "6_1-q10")
one_of_a_kind = pytest.mark.parametrize(
    ("module", "exercise"),
    [
        pytest.param(*p.values, id=p.id, marks=() if p.id in ONE_OF_A_KIND else EXHAUSTIVE)
        for p in EXERCISES
    ],
)


@pytest.fixture
def check(module, exercise, record_property, monkeypatch):
    """Check answers, and note for the table how many of each kind, and the slowest."""
    counts, calls = {}, []
    call = exercises.call
    monkeypatch.setattr(exercises, "call", lambda *words: calls.append(1) or call(*words))

    def checked(answer):
        calls.clear()
        start = time.perf_counter()
        message = exercise.check(answer)
        seconds = time.perf_counter() - start
        kind = {"noted": "right", "untried": "stub"}.get(message.status, message.status)
        counts[kind] = counts.get(kind, 0) + 1
        counts["slowest"] = max(counts.get("slowest", 0), seconds)
        assert len(calls) <= CALLS
        return message

    yield checked
    record_property(f"exercise {section_of(module).name} {exercise.name}", counts)


def answers_of(module, exercise):
    """Return other right answers, and wrong ones with the words that name their mistake."""
    answers = answers_to(module)
    return answers.RIGHT.get(exercise.name, []), answers.WRONG.get(exercise.name, [])


def accepts(exercise, answers, check):
    """Try right answers."""
    passes = "noted" if isinstance(exercise, Open) else "right"
    for answer in answers:
        message = check(answer)
        assert message.status == passes, message


def refuses(answers, check):
    """Try wrong answers: the message names the mistake."""
    for answer, words in answers:
        message = check(answer)
        assert message.status == "wrong", (words, message)
        assert words in repr(message).replace("\n    ", " "), message


@each_exercise
def test_answers(module, exercise, check):
    """The solution, other right answers, typical wrong ones and the stub each get their answer."""
    right, wrong = answers_of(module, exercise)
    if not isinstance(exercise, Open):
        assert len(right) >= 3 and len(wrong) >= 5, (len(right), len(wrong))
    accepts(exercise, [values_in(module, "instructor")[exercise.answer], *right[:FIRST]], check)
    refuses(wrong[:FIRST], check)
    message = check(values_in(module, "student")[exercise.answer])
    assert message.status == "untried" and "not attempted yet" in message.headline


@EXHAUSTIVE
@each_exercise
def test_all_other_answers(module, exercise, check):
    right, wrong = answers_of(module, exercise)
    accepts(exercise, right[FIRST:], check)
    refuses(wrong[FIRST:], check)


@one_of_a_kind
def test_the_same_answer_gets_the_same_message(module, exercise):
    for answer, _ in answers_of(module, exercise)[1][:1]:
        assert repr(exercise.check(answer)) == repr(exercise.check(answer))


@one_of_a_kind
def test_a_busy_machine_judges_alike(module, exercise):
    """Beside eight other processes answers get the same messages, and none is late."""
    right, wrong = answers_of(module, exercise)
    solution = values_in(module, "instructor")[exercise.answer]
    with busy_processes():
        accepts(exercise, [solution, *right], exercise.check)
        refuses(wrong, exercise.check)


@each_exercise
def test_hints_are_a_ladder_and_the_solution_is_there(module, exercise):
    assert len(exercise.hints) >= 2
    assert "\n" not in exercise.title and exercise.kind in KINDS and exercise.level in LEVELS
    assert exercise.section.solution(exercise)


@each_section
def test_a_section_has_eight_to_twelve_exercises_and_four_are_marked(module):
    exercises = section_of(module).exercises
    assert 8 <= len(exercises) <= 12
    assert sum(exercise.marked for exercise in exercises) == 4
    assert {exercise.level for exercise in exercises} == {1, 2, 3}
    assert len({exercise.kind for exercise in exercises}) >= 4
    assert len({exercise.answer for exercise in exercises}) == len(exercises)
    named = importlib.import_module(f"dlbook.exercises.sections.{module}")
    assert [getattr(named, exercise.name) for exercise in exercises] == exercises


@each_section
def test_the_notebook_asks_what_the_module_checks(module):
    cells = cells_of(module, "instructor")
    for exercise in section_of(module).exercises:
        heading, _, badge, *_ = cells[f"{exercise.name}-statement"].source.split("\n")
        assert heading == f"## {exercise.name} {exercise.title}"
        assert badge == f"*{exercise.badge}*"
        call = f"ex.{exercise.name}.check({exercise.answer})"
        assert cells[f"{exercise.name}-check"].source == call
        graded = cells[exercise.name if isinstance(exercise, Open) else f"{exercise.name}-check"]
        assert graded.metadata["nbgrader"]["points"] == exercise.level


@each_section
def test_no_solution_leaks_into_the_students_version(module):
    """No line of a solution stands in the students' notebook, but for what the stub shares."""
    students = notebook_of(module, "student")
    everything = nbformat.writes(students)
    assert "BEGIN SOLUTION" not in everything and "BEGIN HIDDEN" not in everything
    assert not any(cell.get("outputs") for cell in students.cells)
    shown = {line.strip() for cell in students.cells for line in cell.source.split("\n")}
    for name, cell in cells_of(module, "instructor").items():
        if not cell.metadata["nbgrader"]["solution"]:
            continue
        assert "### BEGIN SOLUTION" in cell.source, name
        for region in re.findall(r"BEGIN SOLUTION\n(.*?)\n\s*### END", cell.source, re.DOTALL):
            leaked = {line.strip() for line in region.split("\n") if len(line.strip()) > 12} & shown
            given = {line.strip() for line in region.split("\n") if line.strip().startswith("def ")}
            assert not leaked - given, (name, leaked)
