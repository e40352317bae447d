"""What every stored notebook keeps to, and what the ledger of the chapter asks of it."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from course import anchors
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {
    "6_0_introduction": ["6.0"],
    "6_1_xor": ["6.1"],
    "6_2_1_cost_functions": ["6.2", "6.2.1.1", "6.2.1.2"],
    "6_2_2_output_units": ["6.2.2.1", "6.2.2.2", "6.2.2.3", "6.2.2.4"],
    "6_3_hidden_units": ["6.3", "6.3.1", "6.3.2", "6.3.3"],
    "6_4_architecture": ["6.4", "6.4.1", "6.4.2"],
    "6_5_1_backprop": ["6.5", "6.5.1", "6.5.2", "6.5.3", "6.5.4"],
    "6_5_5_general_backprop": ["6.5.5", "6.5.6", "6.5.7", "6.5.8"],
    "6_5_9_beyond_backprop": ["6.5.9", "6.5.10"],
    "6_6_history": ["6.6"],
}


# Shown with another section than the ledger's: path sums come with the algorithm that avoids them.
ELSEWHERE = {"eq-6-55": "6_5_1_backprop"}


def find(pattern):
    """List the notebooks that match, without the copies that JupyterLab keeps."""
    return sorted(path for path in ROOT.glob(pattern) if ".ipynb_checkpoints" not in path.parts)


def read_ledger():
    """Map each entry's id, written as tags and anchors write it, to its section."""
    kinds = yaml.safe_load((ROOT / "ledger.yml").read_text(encoding="utf-8")).values()
    return {entry["id"].replace(".", "-"): entry["section"] for kind in kinds for entry in kind}


CHAPTERS = find("chapters/**/*.ipynb")
# The students' notebooks are made from the instructor's; tests/exercises looks at them.
NOTEBOOKS = CHAPTERS + find("exercises/source/*/*.ipynb")
LEDGER = read_ledger()


def name_of(path):
    """Name a notebook by its path in the repository."""
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def notebook(path):
    """Read the stored notebook."""
    return nbformat.read(path, as_version=4)


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=name_of)


# The rules. Each lists what breaks it, so that a failing test shows where to look.


def code_cells(notebook):
    """List the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    """List the cells that hold text."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs(notebook):
    """List the outputs of all cells."""
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def texts(output):
    """List every piece of text that one output holds."""
    return [output.get("text", ""), *output.get("traceback", []), *output.get("data", {}).values()]


def ledger_tags(cell):
    """List the tags of a cell that have the form of a ledger entry."""
    return [tag for tag in cell.metadata.get("tags", []) if re.match("(eq|fig|alg|claim)-", tag)]


def images(notebook):
    """List the pictures that are stored in outputs, in attachments or inside text."""
    bundles = [output.get("data", {}) for output in outputs(notebook)]
    bundles += [b for cell in prose(notebook) for b in cell.get("attachments", {}).values()]
    stored = [kind for bundle in bundles for kind in bundle if kind.startswith("image/")]
    pieces = [str(text) for output in outputs(notebook) for text in texts(output)]
    pieces += [cell.source for cell in prose(notebook)]
    return stored + re.findall("data:image|<svg", "\n".join(pieces))


def errors(notebook):
    """List the outputs that are errors."""
    return [output for output in outputs(notebook) if output.output_type == "error"]


def words_on_stderr(notebook):
    """List what cells wrote to stderr."""
    return [output.text for output in outputs(notebook) if output.get("name") == "stderr"]


def counts_out_of_order(notebook):
    """List the pairs of expected and stored execution count that differ."""
    stored = [cell.execution_count for cell in code_cells(notebook) if cell.source.strip()]
    return [pair for pair in enumerate(stored, start=1) if pair[0] != pair[1]]


def long_cells(notebook):
    """List the code cells of more than 25 lines."""
    return [cell.source for cell in code_cells(notebook) if len(cell.source.splitlines()) > 25]


def traces_of_a_machine(notebook):
    """List the paths in code and outputs, and the memory addresses in outputs."""
    shown = "\n".join(str(text) for output in outputs(notebook) for text in texts(output))
    code = "\n".join(cell.source for cell in code_cells(notebook))
    paths = re.findall(r"(?<![\w.])/(?:home|Users|tmp)/.*|\b[A-Z]:\\\w.*", shown + "\n" + code)
    return paths + re.findall(r"0x[0-9a-fA-F]{6,}", shown)


def repeated_ids(notebook):
    """List the cell ids that stand twice or are missing."""
    ids = [cell.get("id") for cell in notebook.cells]
    return [one for one in ids if one is None or ids.count(one) > 1]


def tags_outside_the_ledger(notebook):
    """List the tags that look like a ledger entry and are none."""
    return [tag for cell in notebook.cells for tag in ledger_tags(cell) if tag not in LEDGER]


def tagged_cells_that_show_nothing(notebook):
    """List the cells that carry a figure without drawing it, or another entry without an assert."""
    return [
        f"{tag}: {cell.source}"
        for cell in code_cells(notebook)
        for tag in ledger_tags(cell)
        if not (draws_a_figure(cell) if tag.startswith("fig-") else asserts(cell.source))
    ]


def draws_a_figure(cell):
    """Tell whether an output's text line begins with "Figure"."""
    lines = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return any(line.startswith("Figure") for line in lines)


def asserts(source):
    """Tell whether the code, lines for IPython left out, holds an assert."""
    code = re.sub(r"(?m)^\s*[%!].*$", "", source)
    return any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(code)))


def entries_without_a_cell(notebook, entries):
    """List the entries that no code cell carries as a tag."""
    shown = {tag for cell in code_cells(notebook) for tag in ledger_tags(cell)}
    return [entry for entry in entries if entry not in shown]


def entries_without_an_anchor(notebook, entries):
    """List the entries that no link can point to, since nothing on the page has their name."""
    named = {name for cell in code_cells(notebook) for name in anchors.in_code(cell.source)}
    named |= {name for cell in prose(notebook) for name in anchors.in_prose(cell.source)}
    return [entry for entry in entries if entry not in named]


# Text that is MyST's alone, and stands raw in every other program: a target, a directive, an option
# of one, a role, an attribute.
MYST = re.compile(
    r"^\([\w-]+\)=|^\s*(?:`{3,}|:{3,}|~{3,})\{.*|^:[\w-]+:.*|\{[\w:-]+\}`[^`]*`|\)\{[.#].*?\}", re.M
)
# What a page cannot do without: for each chapter the openings of what may stay.
MYST_NEEDED: dict[str, tuple[str, ...]] = {}


def raw_myst(notebook, needed=()):
    """List what the Markdown of a notebook holds that only MyST understands."""
    text = "\n".join(re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", c.source) for c in prose(notebook))
    return [found for found in MYST.findall(text) if not found.startswith(tuple(needed))]


def code_hidden_on_the_site_alone(notebook):
    """List the cells whose code the site folds and JupyterLab shows, or the other way round."""
    return [
        cell.source
        for cell in code_cells(notebook)
        if ("hide-input" in cell.metadata.get("tags", []))
        != cell.metadata.get("jupyter", {}).get("source_hidden", False)
    ]


CITED = re.compile(r"\[([^\]]*)\]\(\.\./reference/bibliography\.md#(\w+)\)")


def citations(notebook):
    """List what the text cites: what a reader sees, and the key of the entry."""
    return [found for cell in prose(notebook) for found in CITED.findall(cell.source)]


def bibliography():
    """Map the keys of the bibliography to their names, as in "Nair and Hinton, 2010"."""
    return {
        key: f"{called(entry.persons['author'])}, {entry.fields['year']}"
        for key, entry in parse_file(ROOT / "reference" / "references.bib").entries.items()
    }


def called(authors):
    """Name authors by their last names, or the first of more than two."""
    names = [" ".join(map(str, [*a.rich_prelast_names, *a.rich_last_names])) for a in authors]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


def entries_of(path):
    """List the ledger entries of the sections that a chapter's notebook covers."""
    chapter_of = {section: chapter for chapter, names in SECTIONS.items() for section in names}
    return [
        entry
        for entry, section in LEDGER.items()
        if ELSEWHERE.get(entry, chapter_of[section]) == path.stem
    ]


def verdicts(notebook):
    """List the claims that an output gives a verdict on, as the ledger writes them."""
    lines = [output.get("data", {}).get("text/plain", "") for output in outputs(notebook)]
    found = [
        re.match(r"Claim ([\d.]+-[a-z]) (holds|did not show|undecided)", line) for line in lines
    ]
    return [f"claim-{one[1]}".replace(".", "-") for one in found if one]


def files_of_the_book():
    """List the files that the table of contents names."""

    def walk(node):
        if isinstance(node, dict):
            named = [node[key] for key in ("root", "file") if key in node]
            return named + [file for value in node.values() for file in walk(value)]
        return [file for child in node for file in walk(child)] if isinstance(node, list) else []

    return walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


# What holds for every notebook.


@every_notebook
def test_no_image_is_stored(notebook):
    assert not images(notebook)


@every_notebook
def test_no_stored_output_is_an_error(notebook):
    assert not errors(notebook)


@every_notebook
def test_no_cell_wrote_to_stderr(notebook):
    assert not words_on_stderr(notebook)


@every_notebook
def test_cells_ran_once_from_first_to_last(notebook):
    assert not counts_out_of_order(notebook)


@every_chapter
def test_no_code_cell_is_longer_than_25_lines(notebook):
    assert not long_cells(notebook)


@every_notebook
def test_no_path_or_memory_address_of_a_machine_is_stored(notebook):
    assert not traces_of_a_machine(notebook)


@every_notebook
def test_each_cell_has_an_id_of_its_own(notebook):
    assert not repeated_ids(notebook)


@every_notebook
def test_ledger_tags_name_entries_of_the_ledger(notebook):
    assert not tags_outside_the_ledger(notebook)


@every_notebook
def test_tagged_cells_assert_or_draw_what_they_carry(notebook):
    assert not tagged_cells_that_show_nothing(notebook)


@pytest.mark.skipif(not NOTEBOOKS, reason="there are no notebooks yet")
def test_cleaning_the_notebooks_again_changes_nothing(tmp_path):
    copies = [tmp_path / name_of(path) for path in NOTEBOOKS]
    for path, copy in zip(NOTEBOOKS, copies, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    subprocess.run([sys.executable, ROOT / "tools/notebooks.py", "--clean", *copies], check=True)
    pairs = zip(NOTEBOOKS, copies, strict=True)
    changed = [
        name_of(old) for old, new in pairs if old.read_text("utf-8") != new.read_text("utf-8")
    ]
    assert not changed, "run `make notebooks`"


# What holds for the chapters.


@every_chapter
def test_every_ledger_entry_of_the_chapter_has_a_tagged_cell(path, notebook):
    assert not entries_without_a_cell(notebook, entries_of(path))


@every_chapter
def test_every_ledger_entry_of_the_chapter_has_an_anchor(path, notebook):
    assert not entries_without_an_anchor(notebook, entries_of(path))


@every_chapter
def test_every_claim_of_the_chapter_has_one_verdict(path, notebook):
    claims = [entry for entry in entries_of(path) if entry.startswith("claim-")]
    assert sorted(verdicts(notebook)) == sorted(claims)


@every_chapter
def test_the_markdown_of_a_chapter_is_plain(path, notebook):
    assert not raw_myst(notebook, MYST_NEEDED.get(path.stem, ()))


@every_chapter
def test_what_hides_code_on_the_site_hides_it_in_jupyter(notebook):
    assert not code_hidden_on_the_site_alone(notebook)


def test_chapters_cite_as_the_bibliography_has_it_and_all_that_is_in_it():
    entries = bibliography()
    cited = [found for path in CHAPTERS for found in citations(nbformat.read(path, as_version=4))]
    assert not [(text, entries[key]) for text, key in cited if text != entries[key]]
    assert entries.keys() - {key for _, key in cited} == {
        "goodfellow2016deep"
    }  # the front page does


@every_chapter
def test_the_exercises_of_a_chapter_are_a_link_to_their_notebook(path, notebook):
    linked = anchors.EXERCISES.search(notebook.cells[-1].source)
    assert linked and linked[1] == path.stem and (ROOT / "exercises" / path.name).is_file()


def test_every_entry_of_the_ledger_is_shown_somewhere():
    tagged = {
        tag
        for path in CHAPTERS
        for cell in code_cells(nbformat.read(path, as_version=4))
        for tag in ledger_tags(cell)
    }
    assert tagged == LEDGER.keys()


@every_chapter
def test_the_chapter_stands_in_the_table_of_contents(path):
    assert name_of(path.with_suffix("")) in [
        file.removesuffix(".ipynb") for file in files_of_the_book()
    ]


def test_every_chapter_says_which_sections_it_covers():
    assert {path.stem for path in CHAPTERS} <= SECTIONS.keys()


def test_every_section_of_the_ledger_belongs_to_one_chapter():
    covered = [section for sections in SECTIONS.values() for section in sections]
    assert len(covered) == len(set(covered))
    assert set(LEDGER.values()) <= set(covered)


# The rules themselves: each must find the fault that it is there for.

FIGURE = new_output("display_data", {"text/plain": "Figure 6.1: two spaces"})
SHOWN = {"tags": ["eq-6-1"]}
DRAWN = {"tags": ["fig-6-1"]}


def code(source="1", *found, count=1, **fields):
    """Make a code cell that ran, with the outputs found."""
    return new_code_cell(source, outputs=list(found), execution_count=count, **fields)


def stream(name, text):
    """Make an output that a cell wrote to a stream."""
    return new_output("stream", name=name, text=text)


FAULTS = [
    (images, [code("1", new_output("display_data", {"image/png": "iVBORw0KGgo="}))]),
    (images, [code("1", new_output("display_data", {"text/html": "<p><svg></svg>"}))]),
    (images, [new_markdown_cell("![](data:image/png;base64,iVBORw0KGgo=)")]),
    (images, [new_markdown_cell("![](a)", attachments={"a": {"image/png": "iVBORw0KGgo="}})]),
    (errors, [code("1/0", new_output("error", ename="E", evalue="", traceback=["E"]))]),
    (words_on_stderr, [code("1", stream("stderr", "beware"))]),
    (counts_out_of_order, [code(count=2), code(count=1)]),
    (counts_out_of_order, [code(count=None)]),
    (long_cells, [code("1\n" * 26)]),
    (traces_of_a_machine, [code("1", stream("stdout", "/home/ada/book.py"))]),
    (traces_of_a_machine, [code("1", stream("stdout", "in C:\\Users\\ada"))]),
    (traces_of_a_machine, [code("1", stream("stdout", "<f at 0x7f3a5c1d2e80>"))]),
    (traces_of_a_machine, [code("open('/tmp/x')")]),
    (repeated_ids, [code(id="a"), code(id="a", count=2)]),
    (raw_myst, [new_markdown_cell("(eq-6-1)=\nText")]),
    (raw_myst, [new_markdown_cell("As {cite}`lecun1985procedure` says.")]),
    (raw_myst, [new_markdown_cell(":::{admonition} Mind\nthe gap\n:::")]),
    (raw_myst, [new_markdown_cell("- a\n\n  ```{math}\n  x\n  ```")]),
    (code_hidden_on_the_site_alone, [code(metadata={"tags": ["hide-input"]})]),
    (code_hidden_on_the_site_alone, [code(metadata={"jupyter": {"source_hidden": True}})]),
    (tags_outside_the_ledger, [code("assert 1", metadata={"tags": ["eq-6-60"]})]),
    (tagged_cells_that_show_nothing, [code("# assert", metadata=SHOWN)]),
    (tagged_cells_that_show_nothing, [code("1", metadata=DRAWN)]),
    (tagged_cells_that_show_nothing, [code("1", FIGURE, metadata={"tags": ["fig-6-1", "eq-6-1"]})]),
]


@pytest.mark.parametrize(("rule", "cells"), FAULTS)
def test_a_rule_finds_the_fault_it_is_there_for(rule, cells):
    assert rule(notebook_of(cells))


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _ in FAULTS))
def test_a_rule_lets_a_sound_notebook_pass(rule):
    cells = [
        new_markdown_cell("$$\nf: \\mathbb{R} \\tag{6.1}\n$$\n\nSee https://a.org/home/x, {a}."),
        code(
            "%matplotlib inline\nassert True" + "\n1" * 23, stream("stdout", "0x10"), metadata=SHOWN
        ),
        code("draw()", FIGURE, count=2, metadata=DRAWN),
        code("", count=None),
    ]
    assert not rule(notebook_of(cells))


def test_an_entry_is_missed_unless_a_code_cell_carries_it():
    cells = [code(metadata=SHOWN), new_markdown_cell("eq-6-2", metadata={"tags": ["eq-6-2"]})]
    assert entries_without_a_cell(notebook_of(cells), ["eq-6-1", "eq-6-2"]) == ["eq-6-2"]


def test_an_anchor_is_a_tag_a_figure_a_finding_or_the_heading_of_an_algorithm():
    cells = [
        new_markdown_cell("$$\nx \\tag{6.1}\n$$\n\nas in (6.2) or eq-6-2"),
        new_markdown_cell("> ### Algorithm 6.1: Forward\n>\n> 1. Go.\n\nAlgorithm 6.2: none"),
        code('figures.draw(x).show(\n    "fig-6-1", "Two spaces.")\ndraw("fig-6-2")'),
        code('judge(\n    "claim-6-1-a", outputs=outputs)', count=2),
    ]
    wanted = ["eq-6-1", "eq-6-2", "alg-6-1", "alg-6-2", "fig-6-1", "fig-6-2", "claim-6-1-a"]
    assert entries_without_an_anchor(notebook_of(cells), wanted) == ["eq-6-2", "alg-6-2", "fig-6-2"]


def notebook_of(cells):
    """Make a notebook of cells, sound or not: nothing here checks its form."""
    notebook = new_notebook()
    notebook.cells = cells
    return notebook
