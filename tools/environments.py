"""Try the library in environments that this one is not.

`bare` has the library's wheel and what it cannot do without, and trains XOR; `lowest` has the
lowest versions that pyproject.toml allows, and runs the library's tests; `colab` has Colab's
versions, runs the cell that fetches the course there, and then three chapters. Each takes minutes.
Where one cannot be had, the status is 3, and the last line says why.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WINDOWS = os.name == "nt"
LEFT_OUT = 3
# The rooms of the library's tests and the exercises', without what needs nbgrader or a sandbox.
TESTS = ("tests/library", "tests/exercises")
NEED_MORE = ("test_grading.py", "test_make_exercises.py", "test_nbgrader.py")
CHAPTERS = ["6_0_introduction", "6_1_xor", "6_6_history"]
COLAB_PYTHON = "3.13"
# Colab installs PyTorch and JAX too, each larger than all the rest; the course installs neither.
NOT_INSTALLED = ("jax", "torch")


class LeftOut(Exception):
    """The environment cannot be had here."""


def run(*command, check=True, **options):
    """Run a command and say which; raise an error if it fails."""
    print("$", *[part if "\n" not in str(part) else "..." for part in command], flush=True)
    return subprocess.run([str(part) for part in command], check=check, **options)


def python_of(version):
    """Return a Python of a version such as 3.13: this one, one on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [
        sys.executable,
        shutil.which(f"python{version}"),
        *pyenv.glob(f"versions/{version}.*/bin/python"),
    ]
    for python in filter(None, found):
        says = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(says, capture_output=True, text=True).stdout.strip() == version:
            return python
    raise LeftOut(f"there is no Python {version}")


def export(folder):
    """Copy what git knows of the working tree, as it is now."""
    names = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(names, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    if found.returncode:
        raise LeftOut("this is no clone of the repository")
    for name in filter(None, found.stdout.split("\0")):
        if (ROOT / name).is_file():  # not one that has just been deleted
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


LIST = """
import json
from importlib.metadata import distributions

print(json.dumps([(found.name, found.version) for found in distributions()]))
"""


class Environment:
    """A virtual environment of its own."""

    def __init__(self, folder, python=sys.executable):
        run(python, "-m", "venv", folder)
        self.folder, self.scripts = folder, folder / ("Scripts" if WINDOWS else "bin")
        self.python = self.scripts / "python"
        reached = self.pip("download", "--no-deps", "--dest", folder / "probe", "tqdm", check=False)
        if reached.returncode:
            raise LeftOut("pip finds no packages here")

    def pip(self, *arguments, **options):
        """Run pip."""
        pip = [self.python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
        return run(*pip, **options)

    def packages(self):
        """Return the version of each package."""
        listed = run(self.python, "-c", LIST, capture_output=True, text=True).stdout
        return {name_of(name): version for name, version in json.loads(listed)}


# --- The wheel alone ---------------------------------------------------------------------------

TRAIN_XOR = """
import sys

import numpy as np

import dlbook as dl

X, y = dl.variable("X", (None, 2)), dl.variable("y", (None,))
W, c, w, b = (dl.variable(*V) for V in [("W", (2, 8)), ("c", (8,)), ("w", (8,)), ("b", ())])
y_hat = dl.relu(X @ W + c) @ w + b
J = dl.mean((y - y_hat) ** 2)
rng = np.random.default_rng(0)
start = {V: rng.normal(size=V.shape) for V in (W, c, w, b)}
points, labels = dl.datasets.xor()
trained = dl.train(J, start, {X: points, y: labels}, dl.Adam(0.02), steps=1000)
answers = dl.evaluate(y_hat, {X: points, **trained.parameters})
assert (answers.round() == labels).all(), answers
assert "site-packages" in dl.__file__, dl.__file__
print("learned XOR:", *answers.round(2))
"""


def bare(folder):
    """Install the wheel and nothing else, and train XOR."""
    environment = Environment(folder / "environment")
    clone = export(folder / "clone")
    environment.pip("wheel", "--no-deps", "--wheel-dir", folder, clone)
    before = set(environment.packages())
    environment.pip("install", *folder.glob("dlbook-*.whl"))
    more = set(environment.packages()) - before - {"colorama"}  # which tqdm wants on Windows
    assert more == {"dlbook", *map(name_of, PROJECT["dependencies"])}, more
    run(environment.python, "-W", "error", "-c", TRAIN_XOR, cwd=folder)


# --- The lowest versions -----------------------------------------------------------------------


def name_of(requirement):
    """Return the name of a package out of `name>=1.2`."""
    return re.match(r"[\w-]+", requirement)[0].lower().replace("_", "-")


def lower_bounds():
    """Return `name==version` of the lowest versions that the library and the course allow."""
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["course"]]
    return [re.sub(r">=([\w.]+).*", r"==\1", line.partition(";")[0].strip()) for line in wanted]


def tools_for_tests():
    """Return what runs the tests, at the versions that were tested."""
    wanted = {"nbformat", "pytest", "pytest-xdist"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if name_of(line) in wanted]


def lowest(folder):
    """Install the lowest versions, on the lowest Python, and run the library's tests."""
    python = python_of(PROJECT["requires-python"].removeprefix(">="))
    environment = Environment(folder / "environment", python)
    # A newer pyparsing warns the oldest Matplotlib.
    environment.pip("install", *lower_bounds(), *tools_for_tests(), "pyparsing<3.3")
    clone = export(folder / "clone")
    environment.pip("install", "--no-deps", clone)
    ignored = [f"--ignore=tests/exercises/{name}" for name in NEED_MORE]
    run(environment.python, "-m", "pytest", "-q", "-n", "auto", *TESTS, *ignored, cwd=clone)


# --- Colab -------------------------------------------------------------------------------------

# What has happened in Colab's kernel before the first cell.
STARTUP = """
import sys, types

import numpy

sys.modules["google.colab"] = types.ModuleType("google.colab")
"""
KERNEL = {"display_name": "Colab", "language": "python"}
GIT = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]


def colab(folder):
    """Install what Colab has, and run three chapters from the cell that fetches the course on."""
    if WINDOWS:
        raise LeftOut("Colab is a Linux")
    environment = Environment(folder / "environment", python_of(COLAB_PYTHON))
    lines = (ROOT / "tools" / "colab.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line[:1] != "#" and name_of(line) not in NOT_INSTALLED]
    environment.pip("install", *wanted)
    before = environment.packages()
    release(folder / "repository")
    os.environ |= like_colab(folder, environment)
    for chapter in CHAPTERS:
        run_chapter(chapter, folder / "content")
    after = environment.packages()
    replaced = {name: after.get(name) for name in before if after.get(name) != before[name]}
    assert not replaced, f"the first cell has replaced what Colab has: {replaced}"
    print("installed:", *sorted(set(after) - set(before)))


def release(folder):
    """Make a repository with the working tree as the release, and something broken after it."""
    export(folder)
    run("git", "init", "--quiet", "--initial-branch", "main", folder)

    def commit(message):
        run("git", "add", "--all", cwd=folder)
        run(*GIT, "commit", "--quiet", "--message", message, cwd=folder)

    commit("Release")
    run("git", "tag", f"v{PROJECT['version']}", cwd=folder)
    (folder / "pyproject.toml").write_text("This is not released yet.")
    commit("Break everything")


def like_colab(folder, environment):
    """Make what a notebook finds on Colab, and return the variables that lead there."""
    (folder / "content").mkdir()
    startup = folder / "ipython/profile_default/startup/colab.py"
    kernel = folder / "jupyter/kernels/colab/kernel.json"
    git = folder / "gitconfig"
    for path in (startup, kernel):
        path.parent.mkdir(parents=True)
    startup.write_text(STARTUP)
    starts = [str(environment.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps(KERNEL | {"argv": starts}))
    url = (folder / "repository").as_uri()
    git.write_text(f'[url "{url}"]\n    insteadOf = {PROJECT["urls"]["Repository"]}\n')
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PATH": str(folder / "jupyter"),
        "GIT_CONFIG_GLOBAL": str(git),
    }


def run_chapter(name, content):
    """Run a chapter on the kernel that is like Colab's, in a folder with nothing in it."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.id == "on-colab" for cell in cells)
    # Those that run PyTorch, and those that compare with what came of it.
    skipped = [cell for cell in cells if "torch" in cell.source.lower()]
    notebook.cells = [cell for cell in cells if cell not in skipped]
    NotebookClient(notebook, timeout=900, kernel_name="colab").execute(cwd=content)
    print(f"{name}: {len(notebook.cells)} cells ran, {len(skipped)} with PyTorch were skipped")


def main():
    """Make the environment that is named, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("environment", choices=["bare", "lowest", "colab"])
    chosen = globals()[parser.parse_args().environment]
    os.environ.pop("PYTHONPATH", None)  # would lead out of the environment
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            chosen(Path(folder).resolve())
        except LeftOut as reason:
            print(f"left out: {reason}")
            sys.exit(LEFT_OUT)


if __name__ == "__main__":
    main()
