"""Whoever plays in a chapter is told what no longer holds, and the chapter goes on.

The changes are those that the chapters themselves invite, "Change `this` to `that`", and some more;
each is made in a kernel as a reader has it, and the whole chapter run.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from dlbook import playing, showing

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
INVITATION = re.compile(r"\*\*Try it\.\*\* Change `([^`]+)` to `([^`]+)`: (.+\?)")
FEW = 5  # a page
READER = {name: value for name, value in os.environ.items() if name not in showing.STRICT}


def invitations(notebook):
    """List the changes that a chapter invites: the number of the cell, the code, the other code."""
    return [
        (number, found[1], found[2])
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
        and (found := INVITATION.match(re.sub(r"\s*\n> |^> ", " ", cell.source).strip()))
    ]


def change(notebook, old, new, below=None):
    """Change the nearest cell of code above a place, or the only one that has the code."""
    cells = [
        cell for cell in notebook.cells[:below] if cell.cell_type == "code" and old in cell.source
    ]
    assert cells and cells[-1].source.count(old) == 1, old
    cells[-1].source = cells[-1].source.replace(old, new)


def run(notebook):
    """Run a notebook as a reader does; return what stopped it, or an empty text."""
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(ROOT / "chapters")}},
    )
    try:
        client.execute(env=READER)
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"
    return ""


def texts(notebook, beginning):
    """List the texts of outputs that begin in this way."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.get("data", {}).get("text/plain", "") for output in outputs]
    return [text for text in shown if text.startswith(beginning)]


# What each chapter invites.


def read(path):
    return nbformat.read(path, as_version=4)


EDITS = [(path.stem, *found) for path in CHAPTERS for found in invitations(read(path))]
# That of the usual run, in a chapter that takes few seconds.
QUICK = {("6_5_1_backprop", "[2.0, 0.5, 1.0]")}
# What stops a chapter, and says why.
STOPS = {
    ("6_0_introduction", "dl.GradientDescent(2.0)"): (
        "TrainingDiverged: train: the cost is inf after .* a smaller learning rate may help"
    ),
    ("6_5_9_beyond_backprop", "dl.GradientDescent(0.02), 200"): (
        "LinAlgError: conjugate gradients: .* is not positive definite: .* solve with A"
    ),
}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_invites_several_changes_to_code_that_stands_above_them(path):
    notebook = read(path)
    found = invitations(notebook)
    assert len(found) >= FEW
    assert "".join(c.source for c in notebook.cells).count("**Try it.**") == len(found)
    for number, old, new in found:
        change(read(path), old, new, number)


def edit(name, number, old, new):
    marks = [] if (name, new) in QUICK else [pytest.mark.exhaustive]
    return pytest.param(name, number, old, new, id=f"{name}: {new}", marks=marks)


@pytest.mark.parametrize(("name", "number", "old", "new"), [edit(*each) for each in EDITS])
def test_a_chapter_goes_on_after_a_change_or_says_why_not(name, number, old, new):
    notebook = read(ROOT / "chapters" / f"{name}.ipynb")
    change(notebook, old, new, number)
    stopped = run(notebook)
    assert re.match(STOPS.get((name, new), "$"), stopped)


def test_a_change_turns_a_verdict_and_says_what_no_longer_holds():
    notebook = read(ROOT / "chapters" / "6_1_xor.ipynb")
    change(notebook, "dl.Layer(2, 50, names", "dl.Layer(2, 50, dl.relu, names")
    number = next(n for n, cell in enumerate(notebook.cells) if "claim-6-1-a" in cell.source)
    del notebook.cells[number + 2 :]
    assert not run(notebook)
    assert texts(notebook, "Claim 6.1-a did not show")
    assert "np.allclose(outputs, points @ w_prime + b_prime)" in texts(notebook, "After your")[0]


# How it is said.

SCRIPT = """
import sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("from dlbook import playing; playing.begin(); playing.begin()")
for cell in sys.argv[1:]:
    shell.run_cell(cell)
"""


def said(*cells, **environment):
    """Return what cells write when they run one after the other."""
    command = [sys.executable, "-c", SCRIPT, *cells]
    done = subprocess.run(command, capture_output=True, text=True, env=READER | environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_failing_assert_says_its_words_and_its_numbers_and_the_cell_goes_on():
    text = said("cost = 0.3125\nassert cost == 1 / 4  # the least there is\nprint('on')")
    assert text == (
        "After your change this no longer holds: the least there is:\n"
        "    cost == 1 / 4\n    Here cost = 0.3125.\non\n"
    )


def test_a_line_in_a_loop_or_a_function_speaks_once_in_each_run():
    cell = "def f(x):\n    assert x > 1\n\nfor k in range(100):\n    f(k - 50)"
    assert said(cell).count("no longer holds") == 1
    assert said(cell, cell).count("no longer holds") == 2


def test_what_holds_is_not_mentioned_and_other_errors_stay_errors():
    assert said("assert 1 < 2") == ""
    assert "ZeroDivisionError" in said("1 / 0")


def test_what_can_no_longer_be_tried_says_why():
    cell = "import numpy as np\nassert (np.ones(2) @ np.ones(3)) > 0\nprint('on')"
    text = said(cell)
    assert "it cannot even be tried: matmul" in text and text.endswith("on\n")


@pytest.mark.parametrize("name", showing.STRICT)
def test_where_it_is_tested_a_failing_assert_is_an_error(name):
    text = said("assert 1 > 2\nprint('on')", **{name: "1"})
    assert "AssertionError" in text and "on\n" not in text and "no longer" not in text


def test_outside_a_notebook_nothing_happens():
    done = [sys.executable, "-c", "from dlbook import playing; playing.begin(); assert 0"]
    assert subprocess.run(done, capture_output=True, env=READER).returncode == 1


def test_a_box_shows_what_no_longer_holds_with_its_signs_escaped():
    box = playing.Broken("a < b", "<less>", {"a": "1"}, AssertionError()).html()
    assert "<code>a &lt; b</code>" in box and "&lt;less&gt;" in box and "Here a = 1." in box
