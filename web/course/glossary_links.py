"""Where a chapter sets a term of the glossary in italics or bold, it leads to the glossary.

Chapters do so where they introduce a term. In the notebook it stays plain emphasis.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode


class GlossaryLinks(SphinxPostTransform):
    """Link the first emphasis of each term on a page."""

    default_priority = 8

    def run(self):
        if not self.env.docname.startswith("chapters/"):
            return
        terms = {
            name.lower(): entry[:2]
            for (kind, name), entry in self.env.get_domain("std").objects.items()
            if kind == "term"
        }
        for node in list(self.document.findall(is_emphasis)):
            term = node.astext().lower()
            place = terms.pop(term, None) or terms.pop(term.removesuffix("s"), None)
            if place and not isinstance(node.parent, nodes.reference | nodes.title):
                emphasis = node.deepcopy()
                link = make_refnode(self.app.builder, self.env.docname, *place, emphasis)
                node.replace_self(link)


def is_emphasis(node):
    return isinstance(node, nodes.emphasis | nodes.strong)
