"""Cells with the tag ``pytorch`` share a place with the cell before them, as tabs.

In the notebook they stay two cells, one after the other. The tabs are sphinx-design's: radio
buttons, which work from the keyboard and without a script.
"""

from docutils import nodes
from sphinx.transforms import SphinxTransform

from course import insides


class PyTorchTabs(SphinxTransform):
    """Put the two cells of each pair into tabs."""

    default_priority = 410  # when the cells have been read, and before references are resolved

    def apply(self):
        for cell in insides.cells(self.document):
            if "tag_pytorch" in cell["classes"]:
                siblings = cell.parent.children
                ours = siblings[siblings.index(cell) - 1]
                if ours not in insides.cells(self.document):
                    raise ValueError(f"{self.env.docname}: no cell before one with tag pytorch")
                tabs = insides.component("tab-set", classes=["sd-tab-set"])
                ours.replace_self(tabs)
                cell.parent.remove(cell)
                tabs += [tab("dlbook", ours), tab("PyTorch", cell)]


def tab(name, cell):
    """Return a tab with a cell in it; choosing one chooses it in all pairs of the site."""
    label = nodes.rubric(name, name, classes=["sd-tab-label"], sync_group="library", sync_id=name)
    content = insides.component("tab-content", classes=["sd-tab-content"], children=[cell])
    return insides.component("tab-item", classes=["sd-tab-item"], children=[label, content])
