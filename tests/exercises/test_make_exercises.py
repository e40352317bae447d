"""The command behind `make exercises` makes the students' notebooks, and loses nobody's work."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
import tiny_notebook

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = sorted(p.stem for p in (ROOT / "src/dlbook/exercises/sections").glob("section_*.py"))


class Course:
    """A course of two small notebooks, in a folder of its own."""

    def __init__(self, root, monkeypatch, capsys):
        spec = importlib.util.spec_from_file_location("make_exercises", ROOT / "tools/exercises.py")
        self.tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.tool)
        self.monkeypatch, self.capsys, self.folder = monkeypatch, capsys, root / "exercises"
        folders = {"ROOT": root, "COURSE": self.folder, "SOLUTIONS": root / "solutions"}
        for name, folder in folders.items():
            folder.mkdir(exist_ok=True)
            monkeypatch.setattr(self.tool, name, folder)
        monkeypatch.delenv("OVERWRITE", raising=False)
        shutil.copy(ROOT / "exercises" / "nbgrader_config.py", self.folder)
        for name in ("one", "two"):
            self.write(f"source/{name}/{name}.ipynb", tiny_notebook.cells({}))

    def write(self, name, cells):
        on_colab = {**tiny_notebook.cell("", "import sys"), "id": "on-colab"}
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiny_notebook.text([on_colab, *cells]))

    def make(self, *options):
        """Run the command, and return its exit status and what it said."""
        self.monkeypatch.setattr(sys, "argv", ["exercises.py", *options])
        self.capsys.readouterr()
        return self.tool.main(), "".join(self.capsys.readouterr())

    def read(self, name):
        return json.loads((self.folder / f"{name}.ipynb").read_text())

    def edit(self, name, change):
        """Let `change` work on the cells of a student's notebook, by their names."""
        notebook = self.read(name)
        change({c["metadata"].get("nbgrader", {}).get("grade_id"): c for c in notebook["cells"]})
        (self.folder / f"{name}.ipynb").write_text(json.dumps(notebook))

    def solution_becomes(self, name, text):
        """Change the instructor's notebook."""
        cells = tiny_notebook.cells({"q3": text})
        self.write(f"source/{name}/{name}.ipynb", cells)


@pytest.fixture
def course(tmp_path, monkeypatch, capsys):
    pytest.importorskip("nbgrader")
    course = Course(tmp_path, monkeypatch, capsys)
    status, said = course.make()
    assert status == 0 and "exercises/one.ipynb: written" in said
    return course


def test_a_notebook_that_somebody_has_answered_is_kept(course):
    course.edit("one", lambda cells: cells["q1"].update(source="def double(x): return x + x"))
    course.edit("one", lambda cells: cells["q3"].update(source="size = 8"))
    course.solution_becomes(
        "one", "size = (\n    ### BEGIN SOLUTION\n    9\n    ### END SOLUTION\n)"
    )
    course.solution_becomes(
        "two", "size = [\n    ### BEGIN SOLUTION\n    9\n    ### END SOLUTION\n]"
    )
    before = course.read("one")
    status, said = course.make()
    assert status == 1 and course.read("one") == before
    assert "exercises/one.ipynb: NOT made, somebody has worked in it: q1, q3" in said
    assert "Move or rename it" in said and "make exercises OVERWRITE=1" in said
    assert "exercises/two.ipynb: written" in said and "size = [" in str(course.read("two"))


def test_an_answer_is_kept_where_nothing_else_has_changed(course):
    course.edit("one", lambda cells: cells["q4"].update(source='words = "because"'))
    status, said = course.make()
    assert status == 1 and "in it: q4" in said and "because" in str(course.read("one"))


def test_a_cell_that_somebody_has_added_is_kept(course):
    def add(cells):
        cells["q1"]["source"] = "helper = 1"
        del cells["q1"]["metadata"]["nbgrader"]

    course.edit("one", add)
    status, said = course.make()
    assert status == 1 and "in it: cell 3\n" in said and "helper" in str(course.read("one"))


@pytest.mark.parametrize("text", ["", "no notebook", "<<<<<<< HEAD\n{}", '{"cells": [1]}'])
def test_what_cannot_be_read_is_kept(course, text):
    (course.folder / "one.ipynb").write_text(text)
    status, said = course.make()
    assert status == 1 and "cannot be read" in said
    assert (course.folder / "one.ipynb").read_text() == text


def test_what_was_only_run_is_made_anew(course):
    output = {"output_type": "stream", "name": "stdout", "text": "1"}

    def run(cells):
        for cell in cells.values():
            cell.update(execution_count=1, outputs=[output])

    course.edit("one", run)
    assert course.make("--check") == (1, "exercises/one.ipynb: out of date\n")
    assert course.make() == (0, "exercises/one.ipynb: written\n")
    assert course.make() == (0, "")


def test_an_older_stub_is_no_answer(course):
    """A stub that was handed out before the instructor's notebook was changed is made anew."""
    course.solution_becomes(
        "one", "size = [\n    ### BEGIN SOLUTION\n    9\n    ### END SOLUTION\n]"
    )
    status, said = course.make()
    assert status == 0 and "exercises/one.ipynb: written" in said
    assert "size = [" in str(course.read("one"))


@pytest.mark.parametrize("way", ["by the option", "by the variable"])
def test_who_asks_for_it_loses_the_answers(course, way, monkeypatch):
    course.edit("one", lambda cells: cells["q3"].update(source="size = 8"))
    if way == "by the variable":  # which make hands on
        monkeypatch.setenv("OVERWRITE", "1")
    status, said = course.make(*["--overwrite"] * (way == "by the option"))
    assert status == 0 and "exercises/one.ipynb: written" in said
    assert "size = 8" not in str(course.read("one"))


@pytest.mark.parametrize("module", SECTIONS)
def test_what_is_generated_is_up_to_date(module):
    spec = importlib.util.spec_from_file_location("make_exercises", ROOT / "tools/exercises.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    name = importlib.import_module(f"dlbook.exercises.sections.{module}").section.name
    for path, text in tool.products(ROOT / f"exercises/source/{name}/{name}.ipynb").items():
        assert path.read_text(encoding="utf-8") == text, f"run `make exercises`: {path.name} is old"
