"""The search finds what the book calls by a number: "6.29", "eq 6.29", "algorithm 6.5".

Sphinx takes a text apart at each dot, and the search leaves out words that are only digits.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from course import insides

ANCHOR = re.compile(r"(eq|fig|alg)-(\d+)-(\d+[a-z]?)")
NAMES = {"eq": ("eq", "equation"), "fig": ("fig", "figure"), "alg": ("alg", "algorithm")}


class English(insides.English):
    """English in which "6.29" is one word."""

    _word_re = re.compile(r"\d+(?:\.\d+)+|\w+")
    # A `var`, since Sphinx's own may have been declared by then.
    js_splitter_code = r"""
var splitQuery = (query) => query.match(/\d+(?:\.\d+)+|[\p{Letter}\p{Number}_]+/gu) || [];
"""


class IndexNumbers(SphinxTransform):
    """Name each numbered equation, figure and algorithm as one would search for it."""

    default_priority = 700  # after labels have become ids, before the index is collected

    def apply(self):
        entries = []
        for node in self.document.findall(nodes.Element):
            for anchor in node.get("ids", ()):
                if found := ANCHOR.fullmatch(anchor):
                    kind, chapter, number = found.groups()
                    entries += [
                        ("single", f"{name} {chapter}.{number}", anchor, "main", None)
                        for name in NAMES[kind]
                    ]
        if entries:
            self.document += addnodes.index(entries=list(dict.fromkeys(entries)))
