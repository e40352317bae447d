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


class Entries(SphinxPostTransform):
    """Let an entry of the bibliography be a paragraph: the text cites authors, not its number."""

    default_priority = 20
    formats = ("html",)

    def run(self):
        for entry in list(self.document.findall(nodes.citation)):
            texts = [child for child in entry.children if not isinstance(child, nodes.label)]
            entry.replace_self(nodes.container("", *texts, ids=entry["ids"], classes=["citation"]))


def parents(node):
    while node := node.parent:
        yield node
