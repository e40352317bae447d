"""Make the students' notebooks and the solutions from the instructor's notebooks, with nbgrader's
own steps.

``exercises/source/NAME/NAME.ipynb`` is what is written by hand. From it come
``exercises/NAME.ipynb``, which a student opens, and ``src/dlbook/exercises/solutions/NAME.md``,
which ``ex.q1.solution()`` and the site read.

A student's notebook in which somebody has answered is kept, and the others are made: nbgrader
stores a checksum beside each of its cells, so that a change is seen, whatever the instructor's
notebook has become since.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from nbgrader.utils import compute_checksum
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "exercises"
SOLUTIONS = ROOT / "src" / "dlbook" / "exercises" / "solutions"
# As nbgrader's own generate_assignment has them, without those that need its database.
STEPS = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
)
QUESTION = re.compile(r"q\d+")


def sources():
    """List the instructor's notebooks."""
    return sorted(COURSE.glob("source/*/*.ipynb"))


def students_version(path):
    """Return the notebook as students get it: stubs for solutions, no outputs."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(COURSE)).load_config()
    notebook = nbformat.read(path, as_version=4)
    for step in STEPS:
        notebook, _ = step(config=config).preprocess(notebook, {})
    notebook.cells = [each for cell in notebook.cells for each in (cell, *room_to_ask(cell))]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # Run by the tests for errors; there is no output to compare with.
            cell.metadata["tags"] = ["nbval-ignore-output"]
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def room_to_ask(cell):
    """Return a cell of the student's own after one that checks an answer, which is locked."""
    question, _, what = cell.metadata.get("nbgrader", {}).get("grade_id", "").partition("-")
    if what != "check":
        return []
    source = f"# Yours, to try something or to ask: ex.{question}.hint(), ex.{question}.solution()"
    return [nbformat.v4.new_code_cell(source, id=f"ask-{question}")]


def solutions(path):
    """Return the solution cells as a page: a heading and a block of code for each."""
    notebook = nbformat.read(path, as_version=4)
    parts = ["<!-- Made by tools/exercises.py from the instructor's notebook. -->\n"]
    for cell in notebook.cells:
        names = cell.metadata.get("nbgrader", {})
        if names.get("solution") and QUESTION.fullmatch(names["grade_id"]):
            code = "\n".join(line for line in cell.source.split("\n") if " SOLUTION" not in line)
            parts.append(f"## {names['grade_id']}\n\n```python\n{code.strip()}\n```\n")
    return "\n".join(parts)


def products(path):
    """Return what is made from one of the instructor's notebooks: texts by path."""
    return {
        COURSE / path.name: students_version(path),
        SOLUTIONS / f"{path.stem}.md": solutions(path),
    }


def work_in(path, made):
    """List the cells of a student's notebook that are no longer as they were handed out.

    Parameters
    ----------
    path : Path
        The notebook, or another file, or none.
    made : str
        The notebook as it would be made now.
    """
    if path.suffix != ".ipynb" or not path.is_file():
        return []
    unmarked = [cell for cell in nbformat.reads(made, 4).cells if "nbgrader" not in cell.metadata]
    ours = {key for cell in unmarked for key in (cell.id, cell.source)}
    try:
        cells = nbformat.read(path, as_version=4).cells
        return [
            cell.metadata.get("nbgrader", {}).get("grade_id", f"cell {number}")
            for number, cell in enumerate(cells, start=1)
            if is_work(cell, ours)
        ]
    except Exception:  # no JSON, no notebook, no text
        return ["it cannot be read as a notebook"]


def is_work(cell, ours):
    """Whether a cell was changed since it was made, or added; `ours` are those without a mark."""
    about = cell.metadata.get("nbgrader", {})
    if "checksum" in about and "grade_id" in about:
        return about["checksum"] != compute_checksum(cell)
    return bool(cell.source.strip()) and not {cell.get("id"), cell.source} & ours


KEPT = """\
{path}: NOT made, somebody has worked in it: {cells}
    Move or rename it, and run this again. To lose what is in it: make exercises OVERWRITE=1"""


def main():
    """Write what has changed, or with ``--check`` only say so; return 1 if that found something.

    Return 1, too, if a notebook was kept because somebody has worked in it.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        default=bool(os.environ.get("OVERWRITE")),
        help="make a notebook anew even if somebody has worked in it (or set OVERWRITE=1)",
    )
    options = parser.parse_args()
    to_do = 0
    for path in sources():
        for product, text in products(path).items():
            if product.is_file() and product.read_text("utf-8", errors="replace") == text:
                continue
            name = product.relative_to(ROOT)
            if options.check:
                print(f"{name}: out of date")
            elif not options.overwrite and (cells := work_in(product, text)):
                print(KEPT.format(path=name, cells=", ".join(cells)), file=sys.stderr)
            else:
                product.write_text(text, encoding="utf-8", newline="\n")
                print(f"{name}: written")
                continue
            to_do += 1
    return 1 if to_do else 0


if __name__ == "__main__":
    sys.exit(main())
