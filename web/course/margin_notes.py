"""Literature stands in the margin, where the screen has one, beside its mention."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from course import insides


class References(SphinxPostTransform):
    """Put the entry of the bibliography before the paragraph that cites it first on a page."""

    default_priority = 20  # when citations have become links
    formats = ("html",)

    def run(self):
        entries = insides.citations(self.env)
        for link in list(self.document.findall(nodes.reference)):
            anchor = link.get("refuri", "").partition("#")[2]
            around = next((n for n in parents(link) if isinstance(n, nodes.paragraph)), None)
            if anchor in entries and around and isinstance(around.parent, nodes.section):
                note = nodes.container("", entries.pop(anchor), classes=["margin-note"])
                around.parent.insert(around.parent.index(around), note)


def parents(node):
    while node := node.parent:
        yield node
