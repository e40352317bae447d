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
from fontTools import subset, ttLib
from sphinx.transforms.post_transforms import SphinxPostTransform

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


TAG = re.compile(r"\\tag\{([^}]*)\}")


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


def style_sheet(letters=None):
    """Return the style sheet of MathJax's output, for every character or for those of ``letters``.

    These are the classes by which its rules know a character and its face, ``mjx-c1D6FC`` and
    ``TEX-I``.
    """
    css = re.sub(r"</?style[^>]*>|/\*.*?\*/", "", unescape(json.loads(mathjax().get("sheet")())))
    # A cure for old Safari, in a form that other browsers do not read, and are not meant to.
    css = re.sub(r"^_::-webkit-full-page-media.*?}", "", css, flags=re.DOTALL | re.MULTILINE)
    if letters is None:
        return css
    rules = re.split(r"^\}", css, flags=re.MULTILINE)[:-1]  # a bracket is a character, too
    named = re.compile(r"(?<=\.)(?:mjx-c[0-9A-F]+|TEX-\w+)")
    kept = [rule for rule in rules if set(named.findall(rule)) <= letters]
    return re.sub(r"\s+", " ", "".join(f"{rule}}}" for rule in kept)).replace("} ", "}\n").strip()


def with_fonts(css, folder):
    """Return a style sheet whose fonts lie in a folder beside it, with the letters that it names.

    Fonts that no rule uses are left out. They are no letters of the page's text, so that a search
    for those would find none.
    """
    folder.mkdir(exist_ok=True)
    signs = re.findall(r'content: "(.*?)"', css)
    letters = "".join(re.sub(r"\\([0-9A-F]+)", lambda c: chr(int(c[1], 16)), s) for s in signs)

    def face(found):
        family, source = found[1], mathjax_folder() / found[2]
        if not re.search(rf"\b{family}\b(?!-)", css.replace(found[0], "")):
            return ""
        write_font(source, letters, folder / source.name)
        # Letters of a formula may stand in another font until theirs is there.
        return (
            f'@font-face{{font-family:{family};src:url("{folder.name}/{source.name}") '
            f'format("woff");font-display:swap}}'
        )

    return re.sub(r'@font-face ?\{ ?font-family: (\S+); src: url\("(.*?)"\).*?\}', face, css)


def write_font(source, letters, target):
    with ttLib.TTFont(source, recalcTimestamp=False) as font:
        if source.stem != "MathJax_Zero":  # of a single blank, for measuring
            options = subset.Options(notdef_outline=True, hinting=False)
            options.drop_tables += ["FFTM"]
            subsetter = subset.Subsetter(options)
            subsetter.populate(text=letters)
            subsetter.subset(font)
        font.flavor = "woff"
        font.save(target)


class KeepTogether(SphinxPostTransform):
    """Let no line begin with what belongs to the formula before it: a comma, a bracket."""

    default_priority = 450
    formats = ("html",)

    def run(self):
        for formula in list(self.document.findall(nodes.math)):
            around = formula.parent
            at = around.index(formula)
            before, after = (around[i] if 0 <= i < len(around) else None for i in (at - 1, at + 1))
            start = re.search(r"[(\[“‘]+$", before) if isinstance(before, nodes.Text) else None
            end = re.match(r"[^\s(\[“‘—]+", after) if isinstance(after, nodes.Text) else None
            if not (start or end):
                continue
            whole = nodes.inline(classes=["together"])
            around[at] = whole
            whole += [nodes.Text(start[0])] if start else []
            whole += formula
            if end:
                whole += nodes.Text(end[0])
                around[at + 1] = nodes.Text(after[end.end() :])
            if start:
                around[at - 1] = nodes.Text(before[: start.start()])


def _html(translator, node, tex, display):
    try:
        return typeset(tex.strip(), display)
    except FormulaError as error:
        message = translator.document.reporter.error(str(error), base_node=node)
        return f"<code>{translator.encode(message.astext())}</code>"


def _starttag(translator, node, tag):
    """Begin an element that keeps the formula as it was written, for who copies it."""
    written = {"data-tex": " ".join(node.astext().split())}
    return translator.starttag(node, tag, "", CLASS="math notranslate nohighlight", **written)


def visit_inline(self, node):
    self.body += [
        _starttag(self, node, "span"),
        _html(self, node, node.astext(), False),
        "</span>",
    ]
    raise nodes.SkipNode


def visit_display(self, node):
    r"""Write a formula and, beside it, the number that it has in the book, its ``\tag``.

    The number stays in view where a long formula has to be scrolled, and is a link to itself.
    """
    tex = node.astext()
    number = TAG.search(tex)
    tex = TAG.sub("", tex).strip()
    if not node["nowrap"] and r"\\" in tex and not re.search(r"\\begin\{\w*matrix", tex):
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    self.body += [
        _starttag(self, node, "div"),
        '<div class="formula">',
        _html(self, node, tex, True),
        "</div>",
    ]
    if number:
        anchor = f"eq-{number[1].replace('.', '-')}"
        there = anchor in self.document.ids
        tag, link = ("a", f' href="#{anchor}"') if there else ("span", "")
        self.body.append(f'<{tag} class="eqno"{link}>({number[1]})</{tag}>')
    self.body.append("</div>\n")
    raise nodes.SkipNode
