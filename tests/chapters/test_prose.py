"""What the README and the pages about the course say of it in passing: numbers, names, commands."""

import ast
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

import dlbook as dl

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "index.md", "exercises/class.md")
PAGES += ("reference/benchmarks.md", "reference/glossary.md", "reference/notation.md")
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
EXERCISES = sorted(ROOT.glob("exercises/*.ipynb"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def counts():
    """What there is of each thing that a page counts."""
    ledger = yaml.safe_load(read("ledger.yml"))
    found = {kind: len(entries) for kind, entries in ledger.items()}
    cells = [c for path in EXERCISES for c in json.loads(path.read_text("utf-8"))["cells"]]
    names = [cell["metadata"].get("nbgrader", {}).get("grade_id", "") for cell in cells]
    return found | {"exercises": sum(name.endswith("-statement") for name in names)}


COUNTED = re.compile(r"(\d+)\s+(?:numbered\s+)?(equations|figures|algorithms|claims|exercises)\b")


def wrong_counts(text, counts):
    text = text.replace("by our count, ", "")
    return [
        f"{number} {kind}, and there are {counts[kind]}"
        for number, kind in COUNTED.findall(text)
        if counts[kind] != int(number)
    ]


@pytest.mark.parametrize("name", ["README.md", "index.md", "CHANGELOG.md"])
def test_what_a_page_counts_is_there_as_often(name):
    text = read(name).replace("**", "")  # how large a number is written
    assert COUNTED.search(text) and not wrong_counts(text, counts())


def test_a_wrong_count_is_found():
    there = {"equations": 2, "claims": 3}
    assert wrong_counts("2 numbered equations and, by our count, 3\nclaims", there) == []
    assert len(wrong_counts("3 equations and 3 claims, not 4 claims", there)) == 2


def test_each_chapter_has_an_exercise_notebook():
    assert [path.name for path in CHAPTERS] == [path.name for path in EXERCISES]
    assert f"{len(CHAPTERS)} notebooks" in read("CHANGELOG.md").replace("Ten", "10")


def test_the_readmes_code_runs_and_is_a_straight_line_of_calls(capsys):
    names = {}
    for code in blocks(read("README.md"), "python"):
        exec(code, names)
    source = ast.parse(capsys.readouterr().out)
    assert not [n for n in ast.walk(source) if isinstance(n, ast.For | ast.While | ast.If)]
    solution = np.ones((2, 2)), np.array([0.0, -1.0]), np.array([1.0, -2.0]), np.array(0.0)
    J, *gradients = names["step"](*dl.datasets.xor(), *solution)
    assert J == 0 and not any(np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("name", PAGES)
def test_code_on_a_page_names_what_there_is(name):
    for code in blocks(read(name), "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("dlbook"):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names)


def commands(text):
    """Return the targets that a page asks make for."""
    lines = "\n".join(blocks(text, "bash"))
    return {*re.findall(r"`make ([a-z-]+)", text), *re.findall(r"^make ([a-z-]+)", lines, re.M)}


def test_the_pages_and_the_makefile_name_the_same_commands():
    makefile = read("Makefile").replace("\\\n", "")
    named = set().union(*(commands(read(name)) for name in PAGES))
    assert named == set(re.search(r"^\.PHONY:(.*)", makefile, re.MULTILINE)[1].split())


FOLDERS = ("web", "tools", "tests", "src", ".github")
FILE = re.compile(r"`([\w/]+\.(?:css|js|json|py|svg|txt|yml))`")


def is_there(name):
    places = [ROOT / folder for folder in FOLDERS]
    return (ROOT / name).exists() or any(next(place.rglob(name), None) for place in places)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_names_exist(name):
    files = FILE.findall(read(name))
    assert files and not [file for file in files if not is_there(file)]


def test_the_places_that_the_readme_lists_exist():
    table = read("README.md").partition("| place | what |")[2].partition("\n\n")[0]
    firsts = " ".join(row.split("|")[1] for row in table.splitlines() if row)
    places = re.findall(r"`([^`]+)`", firsts)
    assert len(places) > 10 and not [place for place in places if not (ROOT / place).exists()]
