"""What the chapters store is what their cells gave when the site was built.

The build has run each chapter with the library as it is. Its results are held to the stored ones
here as strictly as nbval holds its own, which `make test-all` takes from a second run.
"""

from pathlib import Path

import nbformat
import notebooks
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]

CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))


@pytest.fixture(scope="module")
def results():
    """The cache that the build has filled."""
    from course.book import cache_of
    from jupyter_cache import get_cache

    if not (folder := cache_of(ROOT)).is_dir():
        pytest.fail("The site is not built as things are: run `make book` first.", pytrace=False)
    return get_cache(folder)


def lasts(cell):
    """Say whether a cell prints the same on every machine: nbval leaves the others out, too."""
    return "nbval-ignore-output" not in cell.metadata.get("tags", [])


def cells_that_differ(stored, fresh):
    """List the cells whose results, without their pictures, are not those that are stored."""
    notebooks.clean(fresh)
    pairs = [pair for pair in zip(stored.cells, fresh.cells, strict=True) if lasts(pair[0])]
    return [(old, new.outputs) for old, new in pairs if old.get("outputs") != new.get("outputs")]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_the_build_got_the_results_that_are_stored(path, results):
    stored = nbformat.read(path, as_version=4)
    try:
        _, fresh = results.merge_match_into_notebook(stored)
    except KeyError:
        pytest.fail("The site was built with other cells: run `make book` first.", pytrace=False)
    assert not cells_that_differ(stored, fresh)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_the_page_shows_each_line_that_is_stored(path):
    html = (ROOT / "_build" / "html" / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8")
    blocks = BeautifulSoup(html, "html.parser").select(".cell_output .stream")
    shown = {line.rstrip() for block in blocks for line in block.get_text().splitlines()}
    cells = filter(lasts, nbformat.read(path, as_version=4).cells)
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    stored = "".join(output.text for output in outputs if output.output_type == "stream")
    assert stored and not {line.rstrip() for line in stored.splitlines()} - shown


def a_notebook(*outputs):
    """Make a notebook of one cell that gave these outputs."""
    return new_notebook(
        cells=[new_code_cell("1", id="a", outputs=list(outputs), execution_count=1)]
    )


STORED = new_output("display_data", {"text/plain": "Figure: 0.5"})


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [new_output("display_data", {"text/plain": "Figure: 0.6"})],
        [STORED, STORED],
        [STORED, new_output("stream", name="stderr", text="beware")],
        [new_output("display_data", {"text/plain": "Figure: 0.5", "text/markdown": "0.5"})],
        [new_output("execute_result", {"text/plain": "Figure: 0.5"}, execution_count=1)],
    ],
)
def test_a_result_that_is_not_the_stored_one_is_found(outputs):
    assert len(cells_that_differ(a_notebook(STORED), a_notebook(*outputs))) == 1


def test_a_picture_beside_the_stored_text_is_no_difference():
    drawn = {"text/plain": "Figure: 0.5", "text/html": "<svg>", "image/png": "iVBORw0KGgo="}
    assert not cells_that_differ(a_notebook(STORED), a_notebook(new_output("display_data", drawn)))
