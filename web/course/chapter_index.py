"""The index of the chapter: every equation, figure, algorithm and claim under the book's number.

Its pages hold the directive ``chapter-index`` and nothing else; what they show comes from the
ledger, from the tags and the stored text of the notebooks, and from the library's docstrings, so
that it is as true as the tests of those are.
"""

import ast
import itertools
import json
import re
from functools import cache
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

KINDS = {"equations": "eq", "figures": "fig", "algorithms": "alg", "claims": "claim"}
VERDICT = re.compile(
    r"Claim (\d(?:\.\d)*-[a-z]) (holds in part|holds|did not show|undecided): (.*?)"
    r"(?: Tried: (.*)\.)?$",
    re.DOTALL,
)


class Entry:
    """One line of the ledger, and where it is shown."""

    def __init__(self, line, chapters, library):
        self.id, self.section, self.says = line["id"], line["section"], line["says"]
        self.anchor = self.id.replace(".", "-")
        self.number = self.id.partition("-")[2]
        self.chapter = next((c for c in chapters if self.anchor in c.tags), None)
        self.library = library.get(self.anchor, [])
        self.is_theorem = line.get("theorem", False)

    @property
    def verdict(self):
        """What was found, if anything was judged."""
        return self.chapter.verdicts.get(self.number, ("",))[0] if self.chapter else ""


class Chapter:
    """What a notebook says about itself."""

    def __init__(self, path, root):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        self.docname = path.relative_to(root).with_suffix("").as_posix()
        cells = notebook["cells"]
        prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        self.title = prose[0].splitlines()[0].lstrip("# ")
        self.tags = {tag for cell in cells for tag in cell["metadata"].get("tags", [])}
        self.formulas = {}
        for block in re.findall(r"\$\$(.*?)\$\$", "\n\n".join(prose), re.DOTALL):
            for number in re.findall(r"\\tag\{([\d.]+)\}", block):
                self.formulas[number] = re.sub(r"\\tag\{[\d.]+\}", "", block).strip()
        self.captions, self.verdicts = {}, {}
        for cell in cells:
            for text in map(_plain, cell.get("outputs", [])):
                if found := re.match(r"Figure ([\d.]+): (.*)", text, re.DOTALL):
                    self.captions[found[1]] = found[2]
                if found := VERDICT.match(text):
                    self.verdicts[found[1]] = found.groups()[1:]


def _plain(output):
    return "".join(output.get("data", {}).get("text/plain", ""))


@cache  # a build asks for it once for each list and each count
def read_library(source):
    """Map each anchor to the public names whose docstrings name it: eq-6-29 to dlbook.softmax."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        module = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for name, node in _public(ast.parse(path.read_text(encoding="utf-8"))):
            if module.startswith("dlbook.figures") and "." in name:
                continue  # a method is no figure, though its docstring may name one
            for anchor in mentions(ast.get_docstring(node) or ""):
                found.setdefault(anchor, []).append(f"{module}.{name}")
    return found


def _public(tree, prefix=""):
    """Yield the public classes, functions and methods with their names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{prefix}{node.name}.")


def mentions(text):
    """List the anchors of the equations, algorithms and figures that a docstring names."""
    anchors = []
    kinds = {"Equation": "eq", "Algorithm": "alg", "Figure": "fig"}
    for kind, rest in re.findall(
        r"(Equation|Algorithm|Figure)s?\s+((?:6\.\d+[a-z]?(?:,\s+|\s+and\s+|\s+to\s+)?)+)", text
    ):
        numbers = re.findall(r"(to\s+)?6\.(\d+)", rest)
        for to, number in numbers:
            first = int(anchors[-1].rpartition("-")[2]) + 1 if to and anchors else int(number)
            anchors += [f"{kinds[kind]}-6-{n}" for n in range(first, int(number) + 1)]
    return list(dict.fromkeys(anchors))


@cache
def read_ledger(root):
    """Return the ledger's lines by kind, and the chapters that may show them."""
    ledger = yaml.safe_load((root / "ledger.yml").read_text(encoding="utf-8"))
    return ledger, [Chapter(path, root) for path in sorted(root.glob("chapters/*.ipynb"))]


def read_entries(root, kind):
    """Return the ledger's entries of one kind."""
    ledger, chapters = read_ledger(root)
    library = read_library(root / "src")
    return [Entry(line, chapters, library) for line in ledger[kind]]


class ChapterIndex(SphinxDirective):
    """``{chapter-index} equations``: the entries of one kind, section by section."""

    required_arguments = 1

    def run(self):
        (kind,) = self.arguments
        root = Path(self.env.srcdir)
        entries = read_entries(root, kind)
        self.env.note_dependency(str(root / "ledger.yml"))
        for path in [*root.glob("chapters/*.ipynb"), *(root / "src").rglob("*.py")]:
            self.env.note_dependency(str(path))
        lines = []
        for section, group in itertools.groupby(entries, lambda entry: entry.section):
            lines += [f"## Section {section}", ""]
            for entry in group:
                lines += _place(kind, entry)
                kinds = f"dl-entry {_class(entry.verdict)}".rstrip()
                lines += [f":::{{div}} {kinds}", *_lines(kind, entry), ":::", ""]
        holder = nodes.container()
        self.state.nested_parse(StringList(lines, "ledger.yml"), 0, holder, match_titles=True)
        return holder.children


class ChapterCount(SphinxDirective):
    """``{chapter-count} equations``: how many are shown, and what became of the claims.

    Of claims a reader may choose a verdict here: what is shown then is the style sheet's, without a
    script.
    """

    required_arguments = 1

    def run(self):
        (kind,) = self.arguments
        entries = read_entries(Path(self.env.srcdir), kind)
        shown = sum(entry.chapter is not None for entry in entries)
        text = f"{shown} of {len(entries)} {kind} are shown."
        if kind != "claims":
            return [nodes.paragraph("", text)]
        choice = nodes.raw("", _filter(entries), format="html")
        return [nodes.paragraph("", f"{text} {_tally(entries)}"), choice]


WORDS = {
    "holds": "hold",
    "holds in part": "hold in part",
    "did not show": "did not show",
    "undecided": "are undecided",
}


def _counts(entries):
    found = [entry.verdict for entry in entries]
    return {verdict: found.count(verdict) for verdict in WORDS if verdict in found}


def _tally(entries):
    counts = [f"{count} {WORDS[verdict]}" for verdict, count in _counts(entries).items()]
    return f"In our experiments {', '.join(counts)}."


def _class(verdict):
    return f"dl-{verdict.replace(' ', '-')}" if verdict else ""


def _filter(entries):
    """Write the choice of a verdict."""
    choices = {"": f"all {len(entries)}"}
    choices |= {verdict: f"{verdict}: {count}" for verdict, count in _counts(entries).items()}
    labels = "".join(
        f'<label class="{_class(verdict)}"><input type="radio" name="verdict" '
        f'value="{_class(verdict)}"{"" if verdict else " checked"}> {text}</label>\n'
        for verdict, text in choices.items()
    )
    return f'<fieldset class="dl-filter"><legend>Show</legend>\n{labels}</fieldset>'


def _place(kind, entry):
    """Name the place of a claim in the list, for the box in the chapter to lead to."""
    return [f"(listed-{entry.anchor})=", ""] if kind == "claims" else []


class LinkVerdicts(SphinxPostTransform):
    """Let the box with a verdict lead to the list, with the book's wording and all others."""

    default_priority = 6
    formats = ("html",)
    verdict = re.compile(r'(<div class="dl-finding[^>]*><p><strong>)(Claim ([\d.]+-[a-z]))')

    def run(self):
        there = "reference/by_number/claims"
        if there not in self.env.found_docs:
            return
        page = self.app.builder.get_relative_uri(self.env.docname, there)
        for node in list(self.document.findall(nodes.raw)):
            if self.verdict.search(node.astext()):
                html = self.verdict.sub(lambda found: self.linked(found, page), node.astext())
                node.replace_self(nodes.raw("", html, format="html"))

    def linked(self, found, page):
        anchor = f"listed-claim-{found[3].replace('.', '-')}"
        return f'{found[1]}<a class="reference internal" href="{page}#{anchor}">{found[2]}</a>'


def _lines(kind, entry):
    """Write one entry in Markdown."""
    if entry.chapter is None:
        return [f"**{entry.number}** {_escape(entry.says)} *(in preparation)*"]
    where = f"{{ref}}`{entry.chapter.title} <{entry.anchor}>`"
    formula = entry.chapter.formulas.get(entry.number) if kind == "equations" else None
    says = "" if formula else _escape(entry.says)
    lines = [f"**{{ref}}`{entry.number} <{entry.anchor}>`** {says}", ""]
    if formula:
        lines += ["$$", formula.rstrip(",. "), "$$", ""]
    if kind == "figures":
        lines += [f"```{{thumbnail}} {entry.chapter.docname} {entry.anchor}", "```", ""]
    if kind == "claims" and entry.number in entry.chapter.verdicts:
        verdict, text, tried = entry.chapter.verdicts[entry.number]
        lines += [f"**Found here: {verdict}.** {_escape(text)}", ""]
        lines += [f"Tried: {_escape(tried)}.", ""] if tried else []
        lines += ["A theorem: the check would catch a mistake.", ""] if entry.is_theorem else []
    names = ", ".join(f"{{py:obj}}`{name}`" for name in entry.library[:4])
    return [*lines, f"Shown in {where}" + (f"; in the library {names}" if names else "")]


def _escape(text):
    return re.sub(r"([\\`*_{}\[\]<>$|~^])", r"\\\1", text)


class Thumbnail(SphinxDirective):
    """``{thumbnail} chapters/6_1_xor fig-6-1``: a figure of another page, small."""

    required_arguments = 2

    def run(self):
        docname, label = self.arguments
        return [thumbnail(docname=docname, label=label)]


class thumbnail(nodes.General, nodes.Element):  # docutils names its nodes so
    pass


class FillThumbnails(SphinxPostTransform):
    """Put the figures in once all pages have been read."""

    default_priority = 5

    def run(self):
        drawn = cache(self.drawn)  # a page shows several figures of the same chapter
        for node in list(self.document.findall(thumbnail)):
            svg = self.find(drawn(node["docname"]), node["label"])
            picture = f'<div class="dl-thumbnail">{svg}</div>' if svg else ""
            node.replace_self(nodes.raw("", picture, format="html"))

    def drawn(self, docname):
        """Return what stands in a page as HTML already: figures are among it."""
        return [raw.astext() for raw in self.env.get_doctree(docname).findall(nodes.raw)]

    def find(self, drawn, label):
        """Return the SVG of a figure; its title, "Figure 6.4", tells which it is."""
        title = f"<strong>Figure {label.removeprefix('fig-').replace('-', '.')}.</strong>"
        for text in drawn:
            if title in text and (svg := re.search(r"<svg.*?</svg>", text, re.S)):
                return svg[0]
        return ""


NUMBER = re.compile(r"\b(Equation|Figure|Algorithm) (6\.\d+)[a-z]?\b")


def link_numbers(app, what, name, obj, options, lines):
    """Let a docstring's "Equation 6.29" lead to the chapter that shows it.

    Docstrings are written for people first: what reStructuredText would read as its own signs in
    their formulas, as in ``|x|`` or ``W_:,i``, is marked as plain.
    """
    kinds = {"Equation": "eq", "Figure": "fig", "Algorithm": "alg"}
    shown = {tag for chapter in app.chapter_index_chapters for tag in chapter.tags}

    def link(found):
        anchor = f"{kinds[found[1]]}-{found[2].replace('.', '-')}"
        return f":ref:`{found[0]} <{anchor}>`" if anchor in shown else found[0]

    def written(piece):
        if piece.startswith(("`", ":")):  # code, or a link
            return piece
        return NUMBER.sub(link, re.sub(r"_(?=\W|$)", r"\_", piece.replace("|", r"\|")))

    code = r"(``.*?``|:[\w:]+:`.*?`)"
    lines[:] = ["".join(map(written, re.split(code, line))) for line in lines]


def put_sentences_first(app, what, name, obj, options, lines):
    """Move sentences that stand behind a list of parameters to the front, where they belong.

    In this project a docstring may end in a line such as "Raises ValueError if ...", which
    napoleon would take for one more parameter.
    """
    starts = [i for i, line in enumerate(lines[1:]) if re.fullmatch(r"-{3,}", line)]
    if not starts:
        return
    paragraphs = "\n".join(lines[starts[0] :]).split("\n\n")
    moved = [p for p in paragraphs if re.match(r"[A-Z][^\n]*\s", p) and p.rstrip().endswith(".")]
    moved = [p for p in moved if not re.match(r"\S+\n(-{3,}|    )", p)]
    kept = [p for p in paragraphs if p not in moved]
    text = [*lines[: starts[0]], *"\n\n".join([*moved, *kept]).split("\n")]
    lines[:] = text


def read_chapters(app):
    root = Path(app.srcdir)
    app.chapter_index_chapters = [Chapter(path, root) for path in root.glob("chapters/*.ipynb")]
