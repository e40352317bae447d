"""Formulas are typeset when the site is built, not in the reader's browser.

MathJax, from the package that carries it for sites without a network, runs in QuickJS: its output
is plain HTML with a style sheet and fonts. A page then needs no script for its formulas, shows
them at once, and shows them where scripts are off.
"""

import json
import re
from functools import cache
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import quickjs
from docutils import nodes
from sphinx.util.math import get_node_equation_number

# In the order in which one needs the other.
COMPONENTS = (
    "startup",
    "core",
    "adaptors/liteDOM",
    "input/tex-full",
    "output/chtml",
    "output/chtml/fonts/tex",
    "a11y/assistive-mml",
)
# `typeset` takes and gives JSON: the bridge to Python knows no strings that QuickJS has not joined.
PROGRAM = """
MathJax.loader.preLoad(...COMPONENTS);
MathJax.startup.getComponents();
MathJax.startup.makeMethods();
const html = (node) => MathJax.startup.adaptor.outerHTML(node);
function typeset(tex, display) { return JSON.stringify(html(MathJax.tex2chtml(tex, {display}))); }
function sheet() { return JSON.stringify(html(MathJax.chtmlStylesheet())); }
"""
CONFIG = {
    "loader": {"load": []},  # all that is needed has been loaded by then
    "startup": {"typeset": False},
    "tex": {"packages": {"[-]": ["noundefined"]}},  # an unknown command is an error, not red
    "chtml": {"fontURL": "output/chtml/fonts/woff-v2", "adaptiveCSS": False},
}


def mathjax_folder():
    # The package's name is no Python name, so it cannot be imported in the usual way.
    return Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"


@cache
def mathjax():
    """Return QuickJS with MathJax in it."""
    context = quickjs.Context()
    context.eval(f"var window = globalThis, MathJax = {json.dumps(CONFIG)};")
    for component in COMPONENTS:
        context.eval((mathjax_folder() / f"{component}.js").read_text(encoding="utf-8"))
    context.eval(f"const COMPONENTS = {json.dumps(COMPONENTS)}; {PROGRAM}")
    return context


class FormulaError(ValueError):
    pass


@cache
def typeset(tex, display):
    """Return the HTML of a formula.

    Raises FormulaError if MathJax does not understand it.
    """
    html = json.loads(mathjax().get("typeset")(tex, display))
    if error := re.search(r'data-mjx-error="([^"]*)"', html):
        raise FormulaError(f"{unescape(error[1])}: {tex}")
    # A page may show a formula twice, and its anchor is the label around it.
    html = re.sub(r' id="mjx-eqn:[^"]*"', "", html)
    return html.replace(' style="height: NaNem;"', "").replace(' style="position: relative;"', "")


def style_sheet():
    """Return the style sheet of MathJax's output, with every character of its fonts."""
    css = re.sub(r"</?style[^>]*>", "", unescape(json.loads(mathjax().get("sheet")())))
    # A cure for old Safari, in a form that other browsers do not read, and are not meant to.
    return re.sub(r"^_::-webkit-full-page-media.*?}", "", css, flags=re.DOTALL | re.MULTILINE)


def _html(translator, node, tex, display):
    try:
        return typeset(tex.strip(), display)
    except FormulaError as error:
        message = translator.document.reporter.error(str(error), base_node=node)
        return f"<code>{translator.encode(message.astext())}</code>"


def visit_inline(self, node):
    self.body += [
        self.starttag(node, "span", "", CLASS="math notranslate nohighlight"),
        _html(self, node, node.astext(), False),
        "</span>",
    ]
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    tex = node.astext()
    if not node["nowrap"] and r"\\" in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    if not node["nowrap"] and node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body += [_html(self, node, tex, True), "</div>\n"]
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("built", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
