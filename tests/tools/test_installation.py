"""What the library needs to be there, and what it says when something is not."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "dlbook"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALWAYS = {
    re.match(r"[\w-]+", line)[0].replace("-", "_").lower() for line in PROJECT["dependencies"]
}
# Each of these loads more, and `dlbook[course]` brings it: the first lines of a package say so.
COURSE = {"figures", "exercises"}


def run(code, *arguments):
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(*modules):
    """Return what is loaded after these modules in a fresh interpreter."""
    code = "import importlib, json, sys\nfor m in sys.argv[1:]: importlib.import_module(m)\n"
    return set(json.loads(run(code + "print(json.dumps(list(sys.modules)))", *modules)))


def test_the_library_loads_four_packages_and_of_scipy_its_special_functions_alone():
    assert {"array_api_compat", "numpy", "scipy", "tqdm"} == ALWAYS
    more = loaded("dlbook") - loaded("array_api_compat", "numpy", "scipy.special", "tqdm")
    more = {name for name in more if name.split(".")[0] not in sys.stdlib_module_names}
    assert "dlbook.network" in more
    assert {name for name in more if not name.startswith(("dlbook", "array_api_compat."))} == set()


def imports(path):
    """Yield every import of a file: the module, and whether `needed_by` speaks for it."""

    def visit(node, spoken_for):
        if isinstance(node, ast.With):
            spoken_for |= "needed_by" in ast.unparse(node.items[0])
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], spoken_for) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0], spoken_for
        for child in ast.iter_child_nodes(node):
            yield from visit(child, spoken_for)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), False)


def test_whatever_else_a_module_needs_is_missed_in_words():
    known = ALWAYS | set(sys.stdlib_module_names) | {"dlbook"}
    # Loaded where PyTorch is asked for, or its tensors are there already; and inside of a notebook.
    within = {("programs/torch_program.py", "torch"), ("operations/matrices.py", "torch")}
    within |= {("playing.py", "IPython"), ("waiting.py", "IPython")}
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for module, spoken_for in imports(path):
            found.add(module)
            fine = module in known or spoken_for or name.split("/")[0] in COURSE
            assert fine or (name, module) in within, (name, module)
    assert found >= ALWAYS | {"hypothesis", "matplotlib", "platformdirs", "pooch", "sklearn"}


COURSE_MISSING = 'needs {}, which is not installed: pip install "dlbook[course]"'
MISSING = [
    ("sklearn", "dl.datasets.digits()", "digits: " + COURSE_MISSING),
    ("pooch", "dl.datasets.mnist()", "mnist: " + COURSE_MISSING),
    ("matplotlib", "import dlbook.figures", "dlbook.figures: " + COURSE_MISSING),
    (
        "pygraphviz",
        "from dlbook import figures; figures.network(dl.MLP([2, 2, 1]))",
        "figures: a drawing of a graph: " + COURSE_MISSING,
    ),
    (
        "hypothesis",
        "from dlbook.exercises import section_6_1",
        "dlbook.exercises: " + COURSE_MISSING,
    ),
    (
        "platformdirs",
        "from dlbook.exercises import section_6_1",
        "dlbook.exercises: " + COURSE_MISSING,
    ),
    (
        "torch",
        "x = dl.variable('x', ()); dl.compile(x + 1, [x], backend='torch')",
        "compile with the backend 'torch': needs {}, which is not installed: pip install torch",
    ),
    (
        "quickjs",
        "x = dl.variable('x', ()); dl.compile(x + 1, [x], backend='javascript')(1)",
        "a program in JavaScript: " + COURSE_MISSING,
    ),
]
TRY = """
import os, sys

os.environ.pop("DLBOOK_DATA", None)
sys.modules[sys.argv[1]] = None  # as if it were not installed
import dlbook as dl

try:
    exec(sys.argv[2])
except ModuleNotFoundError as error:
    assert error.name == sys.argv[1]
    print(error)
"""


@pytest.mark.parametrize(("module", "code", "message"), MISSING, ids=[row[0] for row in MISSING])
def test_where_a_module_is_missing_the_error_says_for_what_and_how_to_get_it(module, code, message):
    assert run(TRY, module, code).strip() == message.format(module)
