"""What bears a section's old name is found: notebooks, submissions, a learner's account."""

import importlib
import json

import pytest

from dlbook.exercises import grading
from dlbook.exercises.checking import progress, renamed
from dlbook.exercises.sections import section_6_5_5, section_6_5_9

OLD = "6_5_2_general_backprop"
NEW = section_6_5_5.section.name


@pytest.mark.parametrize(
    "old, today",
    [
        (OLD, "6_5_5_general_backprop"),
        ("section_6_5_2", "section_6_5_5"),
        ("6_5_3", "6_5_9"),
        ("6_5_1_backprop", "6_5_1_backprop"),
        ("6_5_2_1_other", "6_5_2_1_other"),
        ("6_5_21", "6_5_21"),
        ("tiny", "tiny"),
    ],
)
def test_an_old_name_becomes_todays_and_others_stay(old, today):
    assert renamed.todays_name(old) == renamed.todays_name(today) == today


def test_a_notebook_that_was_downloaded_before_finds_its_section():
    from dlbook.exercises import section_6_5_2, section_6_5_3

    assert (section_6_5_2, section_6_5_3) == (section_6_5_5, section_6_5_9)


def test_the_account_of_a_learner_goes_on_under_the_new_name(tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("DLBOOK_PROGRESS", str(file))
    tried = {"tries": 2, "solved": True, "seen": False}
    file.write_text(json.dumps({"6_1_xor": {"q1": tried}, OLD: {"q1": tried, "q2": tried}}))
    assert progress.of(NEW, "q1") == tried
    progress.note(NEW, "q1", tried=True, seen=True)
    assert progress.of(NEW, "q1") == {"tries": 3, "solved": True, "seen": True}
    assert json.loads(file.read_text()).keys() == {"6_1_xor", NEW}
    assert "2 of" in str(section_6_5_5.progress())


@pytest.mark.parametrize("first", [OLD, NEW])
def test_an_account_under_both_names_keeps_the_better(first, tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("DLBOOK_PROGRESS", str(file))
    entries = {
        OLD: {"q1": {"tries": 5, "solved": True, "seen": False}},
        NEW: {"q1": {"tries": 1, "solved": False, "seen": True}},
    }
    second = NEW if first == OLD else OLD
    file.write_text(json.dumps({name: entries[name] for name in (first, second)}))
    assert progress.of(NEW, "q1") == {"tries": 5, "solved": True, "seen": True}


@pytest.mark.parametrize("name", ["6.5.2", "6.5.5", OLD, NEW, "section_6_5_2", "section_6_5_5"])
def test_a_class_is_graded_by_either_name(name):
    module = grading.find_section(name)
    assert importlib.import_module(module).section is section_6_5_5.section


def test_submissions_of_the_old_notebook_are_found(tmp_path):
    folder = tmp_path / "submitted"
    for student, name in {"anna": OLD, "ben": NEW}.items():
        place = folder / student / name
        place.mkdir(parents=True)
        (place / f"{name}.ipynb").write_bytes(student.encode())
    (folder / "carla" / OLD).mkdir(parents=True)
    found = {s.student: s.data for s in grading.find_submissions([folder], NEW)}
    assert found == {"anna": b"anna", "ben": b"ben", "carla": None}
    one = folder / "anna" / OLD / f"{OLD}.ipynb"
    assert [s.student for s in grading.find_submissions([one], NEW)] == ["anna"]


@pytest.mark.parametrize("name", ["6_1_xor", NEW])
def test_names_are_distinct_and_todays_is_first(name):
    names = renamed.all_names(name)
    assert names[0] == name and len(set(names)) == len(names)
    assert {renamed.todays_name(old) for old in names} == {name}
