"""Write the repository's address where it cannot be read from pyproject.toml.

The address is set under ``[project.urls]`` in pyproject.toml. The site reads it there. CITATION.cff
has to repeat it, and so has each notebook that is written by hand, in a cell that fetches the
course when the notebook is opened on Colab.
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
    url = "URL"
    ![ -d /content/dlbook ] || git clone --quiet --depth 1 {url} /content/dlbook
    %pip install --quiet /content/dlbook
    %cd -q /content/dlbook/FOLDER"""


def read_urls(root):
    """Return the addresses under ``[project.urls]``."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]


def setup_source(url, folder):
    """Return the code that fetches the course on Colab, for a notebook of a folder."""
    return CELL.replace("URL", url).replace("FOLDER", folder)


def put_cell(notebook, source):
    """Let the notebook's first cell of code be the one that fetches the course on Colab."""
    cells = [cell for cell in notebook.cells if cell.id != CELL_ID]
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    cell = new_code_cell(source, id=CELL_ID, metadata={"tags": ["remove-cell"]})
    notebook.cells = [*cells[:first], cell, *cells[first:]]


def notebook_text(text, url, folder):
    """Return the text of a notebook with the cell in it."""
    notebook = nbformat.reads(text, as_version=4)
    put_cell(notebook, setup_source(url, folder))
    clean(notebook, EXERCISE_MIME_TYPES)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def citation_text(text, urls):
    """Return the text of CITATION.cff with both addresses."""
    for key, url in (("repository-code", urls["Repository"]), ("url", urls["Documentation"])):
        text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {url}", text)
    return text


def main():
    """Write the files that do not have the address yet, and name them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="another clone than this one")
    root = parser.parse_args().root
    urls = read_urls(root)
    paths = [*root.glob("chapters/*.ipynb"), *root.glob("exercises/source/*/*.ipynb")]
    for path in [root / "CITATION.cff", *sorted(paths)]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            new = notebook_text(text, urls["Repository"], path.relative_to(root).parts[0])
        else:
            new = citation_text(text, urls)
        if new != text:
            path.write_text(new, encoding="utf-8", newline="\n")
            print(path.relative_to(root).as_posix())


if __name__ == "__main__":
    main()
