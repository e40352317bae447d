"""The exercises' rooms: sections and grading stand on checking, and all of them on adapters."""

import ast
from pathlib import Path

import pytest

import dlbook
from dlbook import exercises
from dlbook.exercises.sections import section_6_1

ROOMS = Path(exercises.__file__).parent
BELOW = {
    "sections": {"sections", "checking", "adapters"},
    "grading": {"grading", "checking", "adapters"},
    "checking": {"checking", "adapters"},
    "adapters": {"adapters"},
}


def rooms_named_in(path):
    """Return the rooms whose modules a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[2] for name in names if name.startswith("dlbook.exercises.")}
    return found


@pytest.mark.parametrize("room", BELOW)
def test_imports_only_go_down(room):
    for path in (ROOMS / room).glob("*.py"):
        assert rooms_named_in(path) <= BELOW[room], path


def test_nothing_of_the_library_imports_the_exercises():
    folder = Path(dlbook.__file__).parent
    for path in set(folder.rglob("*.py")) - set(ROOMS.rglob("*.py")):
        assert not rooms_named_in(path), path


def test_a_notebook_finds_a_section_without_its_room():
    from dlbook.exercises import section_6_1 as ex

    assert ex is section_6_1
    with pytest.raises(ImportError, match="cannot import name 'section_9_9'"):
        from dlbook.exercises import section_9_9  # noqa: F401
