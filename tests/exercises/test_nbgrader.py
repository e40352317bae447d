"""nbgrader works on the exercises as they are: from release to autograde to feedback.

One tiny section, made-up submissions: right, half right, empty, broken, hostile. Once with the
sandbox, as ``exercises/nbgrader_config.py`` has it, and once with nbgrader's own kernels.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_notebook
from sandboxed import needs_sandbox

ROOT = Path(__file__).resolve().parents[2]
# nbgrader calls other commands of its environment by their names.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
PACKAGES = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).strip(
    os.pathsep
)

RIGHT = dict(tiny_notebook.SOLUTIONS)
HALF = {**tiny_notebook.STUBS, "q2": RIGHT["q2"], "q1": "def double(x):\n    return x + 2"}
# A name that is patched costs the others nothing; what ends the process, its own exercise.
HOSTILE = {**RIGHT, "q1": "import os\ndef double(x): os._exit(0)", "q3": "np.sum = None\nsize = 8"}


class Course:
    """A copy of the course's folder, in which nbgrader's commands are run."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copy(ROOT / "exercises" / "nbgrader_config.py", folder)
        with open(folder / "nbgrader_config.py", "a", encoding="utf-8") as config:
            config.write('\nc.SandboxedExecute.section = "tiny_section"\n')
        cells = tiny_notebook.cells({}, tiny_notebook.HERE)
        (folder / "source" / "tiny").mkdir(parents=True)
        (folder / "source" / "tiny" / "tiny.ipynb").write_bytes(tiny_notebook.text(cells))

    def run(self, *words, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words],
            cwd=self.folder,
            env={**os.environ, "PATH": PATH, "PYTHONPATH": PACKAGES, **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    def hand_in(self, student, answers, without=()):
        """Hand in the released notebook with these answers in the place of its stubs."""
        notebook = json.loads((self.folder / "release" / "tiny" / "tiny.ipynb").read_text())
        for cell in notebook["cells"]:
            name = cell["metadata"]["nbgrader"]["grade_id"]
            cell["source"] = answers.get(name, cell["source"])
        notebook["cells"] = [
            cell
            for cell in notebook["cells"]
            if cell["metadata"]["nbgrader"]["grade_id"] not in without
        ]
        place = self.folder / "submitted" / student / "tiny"
        place.mkdir(parents=True)
        (place / "tiny.ipynb").write_text(json.dumps(notebook))

    def grades(self):
        """Return the points by student, from nbgrader's own export."""
        self.run("export")
        with open(self.folder / "grades.csv", newline="") as file:
            return {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}

    def feedback(self, student):
        return (self.folder / "feedback" / student / "tiny" / "tiny.html").read_text()


@pytest.fixture
def course(tmp_path):
    pytest.importorskip("nbgrader")
    course = Course(tmp_path)
    course.run("generate_assignment", "tiny")
    released = (tmp_path / "release" / "tiny" / "tiny.ipynb").read_text()
    assert "SOLUTION" not in released and "return 2 * x" not in released
    return course


def test_from_release_to_feedback_in_the_sandbox(course):
    needs_sandbox()
    course.hand_in("anna", RIGHT, without=["q1-check"])
    course.hand_in("ben", HALF)
    course.hand_in("carla", {})
    course.hand_in("dan", {**RIGHT, "q1": "def double(x:", "q2-check": "assert True"})
    course.hand_in("eva", HOSTILE)
    course.run("autograde", "tiny")
    course.run("generate_feedback", "tiny")
    # Eight points, three of them for words that a person reads.
    assert course.grades() == {"anna": 5, "ben": 2, "carla": 0, "dan": 4, "eva": 3}
    assert "q1: right." in course.feedback("anna")
    assert "another value than expected" in course.feedback("ben")
    assert "not attempted yet" in course.feedback("carla")
    assert "SyntaxError" in course.feedback("dan")
    assert "exit code 0" in course.feedback("eva")


@pytest.mark.exhaustive
def test_from_release_to_feedback_with_a_kernel(course):
    """The plain way, for those who trust their students: an error is no points."""
    course.hand_in("ben", HALF)
    course.run("autograde", "tiny", DLBOOK_PLAIN_AUTOGRADE="1")
    course.run("generate_feedback", "tiny")
    assert course.grades() == {"ben": 2}
    assert "another value than expected" in course.feedback("ben")
