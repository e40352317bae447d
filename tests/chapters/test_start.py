"""The page at which `make lab` begins leads to everything, and readers have copies of their own."""

import re
from pathlib import Path

import nbformat
import pytest
import workbook

ROOT = Path(__file__).resolve().parents[2]
TEXT = "\n".join(cell.source for cell in nbformat.read(ROOT / "start.ipynb", as_version=4).cells)
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))


def test_lab_begins_at_the_root_with_a_copy_of_the_exercises():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lab:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    assert re.search(r"workbook\.py\n.*jupyterlab start\.ipynb", recipe)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_page_leads_to_each_chapter_by_its_title_and_to_its_exercises(path):
    title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
    number, _, name = title.partition(" ")
    row = f"| {number} | [{name}](chapters/{path.name}) | [to work in](my_exercises/{path.name}) |"
    assert row in TEXT


def test_all_that_it_leads_to_is_there():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    named = [link.replace("my_exercises/", "exercises/") for link in links]
    assert len(named) > 20 and not [name for name in named if not (ROOT / name).is_file()]


def test_a_copy_is_made_once_and_never_overwritten(tmp_path):
    (tmp_path / "exercises").mkdir()
    for name in ("one", "two"):
        (tmp_path / "exercises" / f"{name}.ipynb").write_text(name)
    assert workbook.copy_missing(tmp_path) == ["one.ipynb", "two.ipynb"]
    answered = tmp_path / "my_exercises" / "one.ipynb"
    answered.write_text("my answer")
    (tmp_path / "my_exercises" / "two.ipynb").unlink()
    assert workbook.copy_missing(tmp_path) == ["two.ipynb"]
    assert answered.read_text() == "my answer"
