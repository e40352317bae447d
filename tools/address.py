"""Write the repository's address and the release where they cannot be read from pyproject.toml.

The address is set under ``[project.urls]`` in pyproject.toml, and the release is its ``version``.
The site reads the address there. CITATION.cff has to repeat both, and so has each notebook that is
written by hand, in a cell that fetches the released course when it is opened on Colab.
"""

import argparse
import re
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell
from notebooks import EXERCISE_MIME_TYPES, clean

ROOT = Path(__file__).resolve().parents[1]
CELL_ID = "on-colab"
# The notebooks also read files of the repository, so all of it is fetched.
CELL = """\
import sys

if "google.colab" in sys.modules:  # fetch the course; elsewhere it is there
    url, tag = "URL", "TAG"
    %cd -q /content
    ![ -d dlbook ] || git clone --quiet --depth 1 --branch {tag} {url} dlbook
    %pip install --quiet "./dlbook[course]"
    %cd -q dlbook/FOLDER"""


def read_project(root):
    """Return what stands under ``[project]``."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def setup_source(project, folder):
    """Return the code that fetches the course on Colab, for a notebook of a folder."""
    source = CELL.replace("URL", project["urls"]["Repository"]).replace("FOLDER", folder)
    return source.replace("TAG", f"v{project['version']}")


def put_cell(notebook, source):
    """Let the notebook's first cell of code be the one that fetches the course on Colab."""
    cells = [cell for cell in notebook.cells if cell.id != CELL_ID]
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    cell = new_code_cell(source, id=CELL_ID, metadata={"tags": ["remove-cell"]})
    notebook.cells = [*cells[:first], cell, *cells[first:]]


def notebook_text(text, project, folder):
    """Return the text of a notebook with the cell in it."""
    notebook = nbformat.reads(text, as_version=4)
    put_cell(notebook, setup_source(project, folder))
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
            new = notebook_text(text, project, path.relative_to(root).parts[0])
        else:
            new = citation_text(text, project)
        if new != text:
            path.write_text(new, encoding="utf-8", newline="\n")
            print(path.relative_to(root).as_posix())


if __name__ == "__main__":
    main()
