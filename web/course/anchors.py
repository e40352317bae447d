r"""The chapters are plain Markdown, as any program shows it, and the site finds its places in it.

What a link can lead to says so itself: an equation by its ``\tag``, a figure by its ``show``, a
claim by its verdict, an algorithm by its heading. Look at :func:`in_code` and :func:`in_prose`
first: they say how, for the tests, too.
"""

import json
import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

from course import insides

TAG = re.compile(r"\\tag\{([\d.]+)\}")
SHOWN = re.compile(r'(?:\.show|\bjudge)\(\s*"((?:fig|claim)-[\w-]+)"')
ALGORITHM = re.compile(r"Algorithm (\d+)\.(\d+): (.+)")
ALGORITHM_HEADING = re.compile(rf"(?m)^> #+ {ALGORITHM.pattern}$")
EXERCISES = re.compile(r"(?m)^## \[Exercises\]\(\.\./exercises/((\d(?:_\d)*)\w+)\.ipynb\)$[\s\S]*")


def in_code(source):
    """List the anchors of the figures and claims that the code of a cell shows."""
    return SHOWN.findall(source)


def in_prose(source):
    """List the anchors of the equations, algorithms and exercises in the Markdown of a cell."""
    equations = [_equation(number) for number in TAG.findall(source)]
    algorithms = [f"alg-{found[0]}-{found[1]}" for found in ALGORITHM_HEADING.findall(source)]
    return equations + algorithms + [_exercises(found[1]) for found in EXERCISES.findall(source)]


def _equation(number):
    return f"eq-{number.replace('.', '-')}"


def _exercises(section):
    return f"exercises-{section.replace('_', '-')}"


def name(document, node, anchor):
    """Let links lead to a node, unless an earlier one has that name."""
    if anchor not in document.ids:
        node["ids"].append(anchor)
        document.ids[anchor] = node
        document.nameids[anchor], document.nametypes[anchor] = anchor, True


class NameWhatIsShown(SphinxTransform):
    """Give formulas, and cells with a figure or a finding, their anchors."""

    default_priority = 405  # when cells have been read, and before links are resolved

    def apply(self):
        if not self.env.docname.startswith("chapters/"):
            return  # another page may show a figure once more
        for formula in self.document.findall(nodes.math_block):
            for number in TAG.findall(formula.astext()):
                name(self.document, formula, _equation(number))
        for cell in insides.cells(self.document):
            for code in list(cell.findall(nodes.literal_block))[:1]:
                for anchor in in_code(code.astext()):
                    name(self.document, cell, anchor)


class BoxQuotes(SphinxTransform):
    """Turn quotations with a title of their own into boxes: algorithms and asides.

    An algorithm's title is a heading, ``> ### Algorithm 6.1: Forward``, and its number the book's;
    an aside begins with a few words in bold type. What a reader is to try stays in the text.
    """

    default_priority = 404

    def apply(self):
        for quote in list(self.document.findall(nodes.block_quote)):
            first = quote[0]
            words = [child for child in first.children if child.astext()]  # MyST begins with none
            if isinstance(first, nodes.rubric) and (found := ALGORITHM.match(first.astext())):
                box = self.algorithm(*found.groups(), quote.children[1:])
            elif isinstance(words[0], nodes.strong) and words[0].astext() != "Try it.":
                first.children = words[1:]
                box = aside(words[0].astext(), quote.children)
            else:
                continue
            quote.replace_self(box)

    def algorithm(self, chapter, number, title, steps):
        label = nodes.inline("", f"Algorithm {chapter}.{number} ", classes=["caption-number"])
        heading = nodes.title("", "", label, nodes.Text(f"({title})"))
        body = nodes.container("", *steps, classes=["algorithm-content"])
        box = nodes.admonition("", heading, body, classes=["proof", "algorithm"])
        name(self.document, box, f"alg-{chapter}-{number}")
        return box


def aside(title, content):
    """Return a box with a title; of the text that went on behind it, no blank is left."""
    rest = content[0]
    if rest.children and isinstance(rest[0], nodes.Text):
        rest[0] = nodes.Text(rest[0].lstrip())
    return nodes.admonition("", nodes.title("", title.rstrip(".")), *content, classes=["tip"])


def put_exercises_in(app, docname, source):
    """Write the exercises of a chapter in place of the link to their notebook."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            cell["source"] = EXERCISES.sub(
                lambda found: (
                    f"({_exercises(found[2])})=\n## Exercises\n\n```{{exercises}} {found[1]}\n```"
                ),
                text,
            )
    source[0] = json.dumps(notebook)


def let_links_name_anchors(app, env):
    """Let ``[section 6.1](6_1_xor.ipynb#claim-6-1-a)`` lead there, and to what is cited."""
    places = [(anchor, *place) for anchor, place in env.get_domain("std").anonlabels.items()]
    cited = env.get_domain("cite").citations
    places += [(c.key, c.bibliography_key.docname, c.citation_id) for c in cited]
    for anchor, docname, there in places:
        if docname in env.all_docs:
            env.metadata[docname].setdefault("myst_slugs", {}).setdefault(anchor, (0, there, ""))
