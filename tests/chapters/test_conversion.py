"""A chapter becomes a script, a show of slides and a page, by nbconvert as it comes."""

import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import PythonExporter, SlidesExporter
from nbconvert.exporters import ScriptExporter

CHAPTERS = sorted(Path(__file__).resolve().parents[2].glob("chapters/*.ipynb"))
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@every_chapter
def test_a_script_is_python_and_runs_without_a_notebook(path):
    text, about = ScriptExporter().from_filename(str(path))
    assert about["output_extension"] == ".py"
    code = PythonExporter(exclude_markdown=True).from_filename(str(path))[0]
    compile(code, path.name, "exec")
    alone = [line for line in code.splitlines() if "get_ipython()" in line]
    assert len(alone) == 1 and alone[0].startswith("    ")  # on Colab only
    assert "# # " in text


@every_chapter
def test_each_figure_and_each_numbered_thing_has_a_slide(path):
    cells = nbformat.read(path, as_version=4).cells
    texts = [cell.source for cell in cells]
    slides = [c for c in cells if c.metadata.get("slideshow", {}).get("slide_type") == "slide"]
    shown = "\n".join(cell.source for cell in slides)
    for sign in (r"\.show\(", r"\bjudge\(", r"\\tag\{", r"> ### Algorithm"):
        assert len(re.findall(sign, shown)) == len(re.findall(sign, "\n".join(texts)))
    page = SlidesExporter().from_filename(str(path))[0]
    assert page.count("<section") >= len(slides) and "by-itself" not in page
