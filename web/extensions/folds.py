"""Code that only draws is folded, in the same form as hints and solutions.

They are sphinx-design's dropdowns: a ``<details>``, which opens without a script. MyST-NB has a
form of its own for such code, with paragraphs where HTML allows none.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_design.shared import create_component


class FoldCode(SphinxPostTransform):
    """Fold the code of each cell with the tag ``hide-input``."""

    default_priority = 198  # before MyST-NB folds it and sphinx-design writes out its dropdowns
    formats = ("html",)

    def run(self):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("hide_mode") == "input":
                del cell["hide_mode"]
                cell.insert(0, fold("Code", "source", cell.pop(0)))


def fold(title, kind, content):
    """Return a dropdown as sphinx-design's directive makes it."""
    return create_component(
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


def setup(app):
    app.add_post_transform(FoldCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
