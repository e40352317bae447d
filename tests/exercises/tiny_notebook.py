"""Notebooks of the tiny section: the instructor's, and what students make of it."""

import json

GIVEN = '''def total(values):
    """Add the values up."""
    result = 0.0
    for value in values[1:]:
        result = result + value
    return result'''
SOLUTIONS = {
    "q1": "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
    "q2": GIVEN
    + "\n\n### BEGIN SOLUTION\ndef total(values):\n    return np.sum(values)\n### END SOLUTION",
    "q3": "size = (\n    ### BEGIN SOLUTION\n    7\n    ### END SOLUTION\n)",
    "q4": 'words = """\n### BEGIN SOLUTION\n'
    + "Because the sum of two of them is what one of them is twice.\n### END SOLUTION\n"
    + '"""',
    "q5": "def build(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION",
}
STUBS = {
    "q1": "def double(x):\n    ...",
    "q2": GIVEN,
    "q3": "size = (\n    ...\n)",
    "q4": 'words = """\n...\n"""',
    "q5": "def build(x):\n    ...",
}
NAMES = {"q1": "double", "q2": "total", "q3": "size", "q4": "words", "q5": "build"}
POINTS = {"q1": 1, "q2": 2, "q3": 1, "q4": 3, "q5": 1}
SETUP = "import numpy as np\n\nimport dlbook as dl\nfrom dlbook.exercises import section_6_1 as ex"
HERE = SETUP.replace("from dlbook.exercises import section_6_1 as", "import tiny_section as")


def cell(name, source, kind="code", **about):
    """Return a cell with nbgrader's metadata, or without if it has no name."""
    defaults = {"grade": False, "locked": False, "solution": False, "task": False}
    metadata = {"nbgrader": {**defaults, "grade_id": name, "schema_version": 3, **about}}
    new = {"cell_type": kind, "source": source, "metadata": metadata if name else {}}
    if name:
        new["id"] = f"cell-{name}"
    return new | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def cells(answers, setup=SETUP):
    """Return the cells of a notebook with these answers; solutions where there is none."""
    result = [cell("setup", setup, locked=True)]
    for q, points in POINTS.items():
        worth = {"grade": True, "points": points}
        answer = answers.get(q, SOLUTIONS[q])
        result.append(cell(q, answer, solution=True, **(worth if q == "q4" else {})))
        check = f"ex.{q}.check({NAMES[q]})"
        result.append(cell(f"{q}-check", check, locked=True, **({} if q == "q4" else worth)))
    return [*result, cell("progress", "ex.progress()", locked=True)]


def text(cells):
    """Return a notebook's file."""
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook).encode()


def notebook(**answers):
    """Return the file of a submission with these answers, and solutions for the rest."""
    return text(cells(answers))
