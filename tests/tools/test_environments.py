"""The library in environments that this one is not: alone, with the lowest versions, on Colab."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "environments.py"
LEFT_OUT = 3
# Each installs packages from the network, and takes minutes.
pytestmark = pytest.mark.exhaustive


def run(name):
    """Run the tool and return what it printed; skip what cannot be had.

    Not on GitHub, where .github/workflows/test.yml brings each Python that is asked for.
    """
    command = [sys.executable, "-u", TOOL, name]
    together = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, **together, text=True, encoding="utf-8")
    print(done.stdout)
    if done.returncode == LEFT_OUT and "GITHUB_ACTIONS" not in os.environ:
        pytest.skip(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_the_wheel_alone_learns_xor():
    assert "learned XOR: 0.0 1.0 1.0 0.0" in run("bare").replace("-0.0", "0.0")


def test_the_library_passes_its_tests_with_the_lowest_versions_that_it_allows():
    assert " passed" in run("lowest")


def test_on_colab_the_release_runs_and_replaces_nothing_that_is_there():
    said = run("colab")
    assert said.count("cells ran") == 3 and "installed: array-api-compat dlbook hypothesis" in said
