"""Code that only draws is folded, in the same form as hints and solutions.

They are sphinx-design's dropdowns: a ``<details>``, which opens without a script. MyST-NB has a
form of its own for such code, with paragraphs where HTML allows none.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from course import insides


class FoldCode(SphinxPostTransform):
    """Fold the code of each cell with the tag ``hide-input``."""

    default_priority = 198  # before MyST-NB folds it and sphinx-design writes out its dropdowns
    formats = ("html",)

    def run(self):
        for cell in insides.cells(self.document):
            if insides.hides_its_code(cell):
                cell.insert(0, fold("Show the code", "source", cell.pop(0)))


def fold(title, kind, content):
    """Return a dropdown as sphinx-design's directive makes it."""
    return insides.component(
        "dropdown",
        children=[nodes.rubric("", title), content],
        has_title=True,
        opened=False,
        icon=None,
        chevron=None,
        container_classes=[kind],
        title_classes=[],
        body_classes=[],
    )
