"""What a student calls of an exercise has the types that the checkers see here."""

from typing import assert_type

from dlbook.exercises import section_6_1 as ex
from dlbook.exercises.checking.exercise import Exercise, Function, Open
from dlbook.exercises.checking.messages import Message


def test_what_a_student_calls_has_types(monkeypatch, tmp_path):
    monkeypatch.setenv("DLBOOK_PROGRESS", str(tmp_path / "progress.json"))
    assert_type(ex.q1, Function)
    assert_type(ex.q10, Open)
    assert_type(ex.q1.check(lambda *arguments: 0), Message)
    assert_type(ex.q1.check().passed, bool)
    assert_type(ex.q1.hint(), Message)
    assert_type(ex.q1.solution(), Message)
    assert_type(ex.q1.badge, str)
    assert_type(ex.progress(), Message)
    assert_type(ex.section.exercises, list[Exercise])
