"""Write the repository's address and the release where they cannot be read from pyproject.toml.

The address is set under ``[project.urls]`` in pyproject.toml, and the release is its ``version``.
The site reads the address there. CITATION.cff has to repeat both, and so has each notebook that is
written by hand: in a note on where its page is, and in a cell that fetches the released course when
it is opened on Colab.
"""

import argparse
import re
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell
from notebooks import EXERCISE_MIME_TYPES, clean

ROOT = Path(__file__).resolve().parents[1]
NOTE_ID, CELL_ID = "by-itself", "on-colab"
INSTALL = '"dlbook[course] @ git+REPOSITORY@TAG"'
# Neither is on the page: the site takes out what has the tag.
NOTE = f"""\
*[This notebook as a page, with its pictures](PAGE). To run it by itself, install the course first,
`pip install {INSTALL}`, and PyTorch; on Colab the next cell does so.*"""
CELL = f"""\
import sys

if "google.colab" in sys.modules:  # fetch the course; elsewhere it is there
    %pip install --quiet {INSTALL}"""
# In an exercise the checks speak.
PLAY = """

from dlbook import playing

playing.begin()  # after a change of yours, an assert says what no longer holds"""


def read_project(root):
    """Return what stands under ``[project]``."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def setup_cells(project, path):
    """Return the note on where a notebook's page is, and the cell that fetches the course on Colab.

    Parameters
    ----------
    project : dict
        What stands under ``[project]``.
    path : Path
        Of the notebook: an exercise's page is its chapter.
    """
    is_chapter = path.parent.name == "chapters"
    page = f"chapters/{path.stem}.html" if re.match(r"\d", path.stem) else ""
    values = {
        "PAGE": f"{project['urls']['Documentation']}{page}",
        "REPOSITORY": project["urls"]["Repository"],
        "TAG": f"v{project['version']}",
    }
    texts = [NOTE, CELL + PLAY if is_chapter else CELL]
    for name, value in values.items():
        texts = [text.replace(name, value) for text in texts]
    hidden = {"tags": ["remove-cell"]}
    note = new_markdown_cell(texts[0], id=NOTE_ID, metadata=hidden)
    return note, new_code_cell(texts[1], id=CELL_ID, metadata=hidden)


def put_cells(notebook, note, cell):
    """Let the note be a notebook's second cell, and the other one its first cell of code."""
    cells = [old for old in notebook.cells if old.id not in (NOTE_ID, CELL_ID)]
    cells.insert(1, note)
    first = next((i for i, old in enumerate(cells) if old.cell_type == "code"), len(cells))
    notebook.cells = [*cells[:first], cell, *cells[first:]]


def notebook_text(path, project):
    """Return the text of a notebook with these cells in it."""
    notebook = nbformat.read(path, as_version=4)
    put_cells(notebook, *setup_cells(project, path))
    clean(notebook, EXERCISE_MIME_TYPES)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def citation_text(text, project):
    """Return the text of CITATION.cff with both addresses and the version."""
    urls = project["urls"]
    lines = {"repository-code": urls["Repository"], "url": urls["Documentation"]}
    for key, value in (lines | {"version": project["version"]}).items():
        text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", text)
    return text


def main():
    """Write the files that do not have the address and the release yet, and name them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="another clone than this one")
    root = parser.parse_args().root
    project = read_project(root)
    paths = [*root.glob("chapters/*.ipynb"), *root.glob("exercises/source/*/*.ipynb")]
    for path in [root / "CITATION.cff", *sorted(paths)]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            new = notebook_text(path, project)
        else:
            new = citation_text(text, project)
        if new != text:
            path.write_text(new, encoding="utf-8", newline="\n")
            print(path.relative_to(root).as_posix())


if __name__ == "__main__":
    main()
