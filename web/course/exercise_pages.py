"""Show a section's exercises at the end of its chapter, from the instructor's notebook and hints.

``{exercises} 6_1_xor`` stands for all of them: each as sphinx-exercise's box, with its hints and
its solution in folds, and above them links to the notebook that checks the answers.
"""

import importlib
import re
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from course.repository import places

STUB = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.MULTILINE | re.DOTALL)
INTRODUCTION = """\
They are also a notebook that checks your answers, says what is wrong with them, and gives hints.
The solutions are folded here, so that you can try first.

:::{{container}} dl-exercise-links
Download {{download}}`{name}.ipynb <../exercises/{name}.ipynb>`, or open it {places}.
:::
"""


class Exercises(SphinxDirective):
    """Write out the exercises of the named notebook."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        path = Path(self.env.srcdir, "exercises", "source", name, f"{name}.ipynb")
        module = re.match(r"\d(_\d+)*", name)[0]
        checks = importlib.import_module(f"dlbook.exercises.sections.section_{module}")
        self.env.note_dependency(str(path))
        self.env.note_dependency(checks.__file__)
        cells = {}
        for cell in nbformat.read(path, as_version=4).cells:
            if "nbgrader" in cell.metadata:
                cells[cell.metadata["nbgrader"]["grade_id"]] = cell.source
        lines = [INTRODUCTION.format(name=name, places=links(self.config, name))]
        for exercise in checks.section.exercises:
            label = f"ex-{module}-{exercise.name}".replace("_", "-")
            lines += written(exercise, cells, label)
        # A link to the page that this stands on is a link to a place on it.
        lines = [line.replace(f"](../chapters/{name}.ipynb#", "](#") for line in lines]
        container = nodes.container()
        text = "\n".join(lines).split("\n")
        self.state.nested_parse(StringList(text, source=str(path)), 0, container)
        return container.children


def links(config, name):
    """Return links to where the notebook runs in the cloud, as a page's buttons have them."""
    found = places(config.html_theme_options, f"exercises/{name}.ipynb")
    links = [f"[on {place}]({link})" for place, link in found.items()]
    return ", ".join(links[:-1]) + " or " + links[-1]


def written(exercise, cells, label):
    """Yield one exercise in MyST: a box with the statement, and with hints and solution folded."""
    _, statement = cells[f"{exercise.name}-statement"].split(f"*{exercise.badge}*", 1)
    given = [source for key, source in cells.items() if key.startswith(f"{exercise.name}-given")]
    asked = STUB.sub(r"\1...", cells[exercise.name]).strip()
    solved = "\n".join(x for x in cells[exercise.name].split("\n") if " SOLUTION" not in x)
    yield f"`````{{exercise}} {exercise.title}\n:label: {label}\n:nonumber:\n"
    yield f"{exercise.name}, {exercise.badge}\n\n{statement.strip()}\n"
    for code in [*given, asked]:
        yield f"```python\n{code}\n```\n"
    for number, hint in enumerate(exercise.hints, 1):
        yield f"````{{dropdown}} Hint {number}\n:class-container: hint\n\n{plain(hint)}\n````\n"
    yield f"````{{dropdown}} Solution\n:name: {label}-solution\n:class-container: solution\n"
    yield f"```python\n{solved.strip()}\n```\n\n{plain(exercise.after)}\n````\n"
    yield "`````\n"


def plain(text):
    """Escape what Markdown would read as markup in a text that is shown as it is in a notebook."""
    return re.sub(r"([\\`*_{}\[\]<>$#|])", r"\\\1", text)
