"""The build runs notebooks side by side, and says as much as if each had run on its page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

ROOT = Path(__file__).resolve().parents[2]
CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "web")!r})
from course.side_by_side import Notebooks
extensions = ["myst_nb"]
root_doc = "a"
html_theme = "basic"

def setup(app):
    Notebooks().connect(app)

nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "error"
"""
# Each waits for the other, so one alone would never end.
MEETS = """
import pathlib, time
pathlib.Path("{0}.here").touch()
while not pathlib.Path("{1}.here").exists():
    time.sleep(0.02)
print("{0} met", "{1}")
"""

SAYS_WHEN_READ = """
from pathlib import Path
def setup(app):
    Notebooks().connect(app)
    app.connect("doctree-read", lambda app, tree: Path(f"{app.env.docname}.here").touch())
"""


def book(folder, **cells):
    """Write a book with a notebook of one cell for each name."""
    (folder / "conf.py").write_text(CONFIG, encoding="utf-8")
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for name, source in cells.items():
        notebook = new_notebook(cells=[new_code_cell(source)], metadata=about)
        (folder / f"{name}.ipynb").write_text(writes(notebook), encoding="utf-8")


def build(folder):
    """Build it; return what was said, and the exit status."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", ".", "out"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr), done.returncode


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Build a book two of whose notebooks fail; return its folder with what came of it."""
    folder = tmp_path_factory.mktemp("book")
    meeting = {"a": MEETS.format("a", "b"), "b": MEETS.format("b", "a")}
    if os.cpu_count() == 1:
        meeting = {"a": "print('a met b')", "b": "print('b met a')"}
    book(folder, **meeting, c="first = 0\n1 / first", d="second")
    return folder, *build(folder)


def test_notebooks_wait_for_no_other(failed):
    _, said, _ = failed
    for name in "ab":
        assert f"{name}.ipynb: Executed notebook in" in said


def test_each_notebook_that_fails_is_named_with_its_cell_and_its_traceback(failed):
    folder, said, status = failed
    assert status != 0
    for name, cell, error in (
        ("c", "1 / first", "ZeroDivisionError: division by zero"),
        ("d", "second", "NameError: name 'second' is not defined"),
    ):
        warning = f"{folder / name}.ipynb: WARNING: Executing notebook failed: CellExecutionError"
        after = said.partition(warning)[2].partition("Executing notebook failed")[0]
        assert cell in after and error in after


def test_what_has_run_is_not_run_again_and_stands_on_its_page(failed, tmp_path):
    shutil.copytree(failed[0], tmp_path, dirs_exist_ok=True)
    for gone in ("c.ipynb", "d.ipynb", "a.here", "b.here"):
        (tmp_path / gone).unlink(missing_ok=True)
    book(tmp_path, e="import sys\nprint('beware', file=sys.stderr)")
    (tmp_path / "f.md").write_text("# No notebook", encoding="utf-8")
    said, status = build(tmp_path)
    assert "a met b" in (tmp_path / "out" / "a.html").read_text(encoding="utf-8")
    assert said.count("Executed notebook in") == 1
    assert "e.ipynb:10002: ERROR: stderr was found in the cell outputs" in said
    assert status != 0


@pytest.mark.exhaustive
def test_a_page_without_a_notebook_waits_for_none(tmp_path):
    book(tmp_path, a=MEETS.format("a", "f"))
    (tmp_path / "f.md").write_text("---\norphan: true\n---\n# No notebook", encoding="utf-8")
    with open(tmp_path / "conf.py", "a", encoding="utf-8") as config:
        config.write(SAYS_WHEN_READ)
    said, status = build(tmp_path)
    assert status == 0, said
    assert "a met f" in (tmp_path / "out" / "a.html").read_text(encoding="utf-8")


@pytest.mark.exhaustive
def test_a_line_that_a_cell_prints_in_two_pieces_stays_one_line(tmp_path):
    pieces = 'print("half a line,", end="", flush=True)\nprint(" and the rest")'
    book(tmp_path, a=pieces)
    said, status = build(tmp_path)
    assert status == 0, said
    assert "half a line, and the rest" in (tmp_path / "out" / "a.html").read_text(encoding="utf-8")
