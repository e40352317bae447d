"""Make the students' notebooks and the solutions from the instructor's notebooks, with nbgrader's
own steps.

``exercises/source/NAME/NAME.ipynb`` is what is written by hand. From it come
``exercises/NAME.ipynb``, which a student opens, and ``src/dlbook/exercises/solutions/NAME.md``,
which ``ex.q1.solution()`` and the site read.
"""

import argparse
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
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # Run by the tests for errors; there is no output to compare with.
            cell.metadata["tags"] = ["nbval-ignore-output"]
    return nbformat.writes(notebook).rstrip("\n") + "\n"


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


def main():
    """Write what has changed, or with ``--check`` only say so; return 1 if that found something."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    stale = []
    for path in sources():
        for product, text in products(path).items():
            if not product.is_file() or product.read_text(encoding="utf-8") != text:
                stale.append(product)
                if not check:
                    product.write_text(text, encoding="utf-8", newline="\n")
    for product in stale:
        print(f"{product.relative_to(ROOT)}: {'out of date' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
