"""The command behind `make notebooks`, on small notebooks made here."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

TOOL = Path(__file__).resolve().parents[2] / "tools" / "notebooks.py"
PRINTS = """
for letter in "abc":
    print(letter, flush=True)
"""
DRAWS = """
from IPython.display import display
picture = {"image/png": "iVBORw0KGgo=", "text/html": "<b>", "text/plain": "Figure 6.1: two spaces"}
display(picture, raw=True)
"""


def run_tool(*arguments):
    """Run the command and return what it printed with its exit status."""
    command = [sys.executable, TOOL, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    return result.stdout, result.returncode


def write(path, *sources, outputs=()):
    """Store a notebook that a careless editor left: stray metadata, odd counts."""
    notebook = new_notebook(metadata={"widgets": {"state": {}}})
    notebook.cells = [
        new_code_cell(source, execution_count=7, metadata={"collapsed": True, "tags": ["eq-6-1"]})
        for source in sources
    ]
    notebook.cells[0].outputs = list(outputs)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the path of a notebook that the command has run and cleaned."""
    path = tmp_path_factory.mktemp("notebooks") / "sound.ipynb"
    write(path, PRINTS, DRAWS, "import os; os.path.exists('sound.ipynb')")
    said, status = run_tool(path)
    assert status == 0
    assert "sound.ipynb: " in said and said.endswith(" s\n")
    return path


def test_a_picture_is_stored_as_its_text_line_only(done):
    _, drawn, _ = nbformat.read(done, as_version=4).cells
    assert [output.data for output in drawn.outputs] == [{"text/plain": "Figure 6.1: two spaces"}]


def test_pieces_of_printed_text_are_stored_as_one(done):
    printed, _, _ = nbformat.read(done, as_version=4).cells
    assert [output.text for output in printed.outputs] == ["a\nb\nc\n"]


def test_a_notebook_runs_in_its_own_folder(done):
    *_, found = nbformat.read(done, as_version=4).cells
    assert found.outputs[0].data == {"text/plain": "True"}


def test_counts_are_in_order_and_only_what_matters_is_kept_of_the_metadata(done):
    notebook = nbformat.read(done, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert all(cell.metadata == {"tags": ["eq-6-1"]} for cell in notebook.cells)
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}


def test_a_second_time_changes_no_byte(done, tmp_path):
    before = done.read_bytes()
    assert before.endswith(b"}\n") and b"\r" not in before
    copy = tmp_path / "sound.ipynb"
    copy.write_bytes(before)
    assert run_tool("--check", copy)[1] == 0
    assert run_tool("--clean", copy)[1] == 0
    assert copy.read_bytes() == before


def test_a_check_shows_what_differs_and_writes_nothing(done, tmp_path):
    path = tmp_path / "sound.ipynb"
    path.write_text(done.read_text("utf-8").replace('"c\\n"', '"d\\n"'), "utf-8", newline="\n")
    before = path.read_bytes()
    said, status = run_tool("--check", path)
    assert status == 1
    assert '-      "d\\n"' in said and '+      "c\\n"' in said
    assert path.read_bytes() == before


def test_notebooks_that_fail_are_named_with_their_cell_and_left_as_they_were(tmp_path):
    wrong, loud = tmp_path / "wrong.ipynb", tmp_path / "loud.ipynb"
    write(wrong, "1", "x = 0\n1 / x")
    write(loud, "1", "import sys\nsys.stderr.write('beware')")
    before = wrong.read_bytes(), loud.read_bytes()
    said, status = run_tool(wrong, loud)
    assert status == 1
    assert "wrong.ipynb: left as it was\ncell 2 (x = 0) raised ZeroDivisionError" in said
    assert "ZeroDivisionError: division by zero" in said and "\x1b" not in said
    assert "loud.ipynb: left as it was\ncell 2 (import sys) wrote to stderr:\nbeware" in said
    assert (wrong.read_bytes(), loud.read_bytes()) == before


def test_cleaning_alone_keeps_the_stored_results_and_refuses_a_stored_error(tmp_path):
    kept, refused = tmp_path / "kept.ipynb", tmp_path / "refused.ipynb"
    write(kept, "1 / 0", outputs=[new_output("stream", name="stdout", text="as stored")])
    write(refused, "1", outputs=[new_output("error", ename="E", evalue="", traceback=["E: no"])])
    said, status = run_tool("--clean", kept, refused)
    assert status == 1
    assert "refused.ipynb: left as it was" in said and "kept.ipynb: left" not in said
    assert nbformat.read(kept, as_version=4).cells[0].outputs[0].text == "as stored"


def test_cells_without_an_id_or_with_anothers_get_their_own(tmp_path):
    path = tmp_path / "copied.ipynb"
    write(path, "1", "2", "3")
    text = path.read_text("utf-8")
    first, second, _ = (cell.id for cell in nbformat.reads(text, as_version=4).cells)
    path.write_text(text.replace(second, first), "utf-8")
    _, status = run_tool("--clean", path)
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert status == 0
    assert ids[0] == first and len(set(ids)) == 3


def test_a_notebook_that_does_not_exist_is_named(tmp_path):
    result = subprocess.run(
        [sys.executable, TOOL, tmp_path / "none.ipynb"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "no such notebook" in result.stderr and "none.ipynb" in result.stderr
