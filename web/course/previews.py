"""Previews of what a reference points to: equations, figures, algorithms, claims and terms.

Each becomes a small script of its own in ``_static/previews``, which the page's script loads when a
reader stops at a reference to it. A script also loads where pages are read from disk; a file
that is fetched does not.
"""

import json
import re
from pathlib import Path

from docutils import nodes

ANCHOR = re.compile(r"(eq|fig|alg|claim|term)-.+")


def find_previews(doctree):
    """Yield each anchor of a page that has a preview, and the node to show."""
    formulas, waiting = {}, []
    for block in doctree.findall(nodes.math_block):
        for number in re.findall(r"\\tag\{([\d.]+)\}", block.astext()):
            formulas["eq-" + number.replace(".", "-")] = block
    for node in doctree.findall(nodes.Element):
        for anchor in filter(ANCHOR.fullmatch, node.get("ids", [])):
            kind = anchor.partition("-")[0]
            if kind == "eq" and anchor in formulas:
                yield anchor, formulas[anchor]
            elif kind == "term":
                yield anchor, node.parent[-1][0]  # of the definition, the paragraph
            elif kind == "alg" and not isinstance(node, nodes.target | nodes.paragraph):
                yield anchor, node
            elif kind in ("fig", "claim"):
                waiting.append(anchor)  # it is drawn by a cell further down
        if isinstance(node, nodes.raw) and (shown := drawn(node.astext())):
            matching = [anchor for anchor in waiting if re.match(shown, anchor)]
            yield from ((anchor, node) for anchor in matching)
            waiting = [anchor for anchor in waiting if anchor not in matching]


def drawn(html):
    """Return a pattern for the anchors that the output of a cell may belong to."""
    if "<figure" in html:
        return "fig-"
    if found := re.search(r'class="dl-finding.*?Claim ([\d.]+-[a-z])', html, re.DOTALL):
        return f"claim-{found[1].replace('.', '-')}$"
    return None


def read_references(app):
    """Find the figures that are referred to by a name of their own; all others have a number."""
    root = Path(app.srcdir)
    kinds = ("*.md", "reference/**/*.md", "chapters/*.ipynb", "exercises/**/*.ipynb")
    sources = [path for kind in kinds for path in root.glob(kind)]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    app.previewed_figures = set(re.findall(r"#(fig-[\w-]+)\)", text))


def is_wanted(app, anchor):
    """Tell whether anything may refer to an anchor; pictures are too heavy to write in vain."""
    return not anchor.startswith("fig-") or bool(
        re.fullmatch(r"fig-\d+-\d+", anchor) or anchor in app.previewed_figures
    )


def write_previews(app, pagename, templatename, context, doctree):
    """Write the previews of one page."""
    if doctree is None or app.builder.format != "html":
        return
    folder = Path(app.outdir, "_static", "previews")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [found for found in find_previews(doctree) if is_wanted(app, found[0])]
    for anchor, node in wanted:
        translator = app.builder.create_translator(doctree, app.builder)
        node.walkabout(translator)
        html = "".join(translator.body)
        # A copy has no controls, no links, and no names that the page has already.
        html = re.sub(r'<label class="dl-switch">.*?</label>| tabindex="0"', "", html)
        html = re.sub(r'(<(?:div|p|li|section|span|dl|dt)\b[^>]*?) id="[^"]*"', r"\1", html)
        html = re.sub(r"<a\b[^>]*>", "<span>", html).replace("</a>", "</span>")
        script = f"showPreview({json.dumps(anchor)}, {json.dumps(html, ensure_ascii=False)});\n"
        (folder / f"{anchor}.js").write_text(script, encoding="utf-8")
