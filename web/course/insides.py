"""All that these pages know of the insides of others: of MyST-NB, Sphinx and its extensions.

What is public is imported where it is used. What may be gone with somebody's next version stands
here, with what it is for; it is looked for when a build begins, and missed by its name.
"""

from importlib import import_module
from importlib.metadata import version

from docutils import nodes
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String
from sphinx.errors import ExtensionError


def find(package, name, use):
    """Return what has this dotted name.

    Raises ExtensionError, with the version of the package that has it no longer, and with its use.
    """
    module, _, last = name.rpartition(".")
    try:
        return getattr(import_module(module), last)
    except (ImportError, AttributeError) as error:
        raise ExtensionError(
            f"{package} {version(package)} has no {name}, which this site needs {use}: "
            "see web/course/insides.py."
        ) from error


# Notebooks run beforehand, side by side, by MyST-NB's own clients.
RUN = "to run notebooks side by side"
ExecutionError = find("myst-nb", "myst_nb.core.execute.ExecutionError", RUN)
NotebookClientCache = find("myst-nb", "myst_nb.core.execute.NotebookClientCache", RUN)
SphinxDocLogger = find("myst-nb", "myst_nb.core.loggers.SphinxDocLogger", RUN)
cache = find("myst-nb", "myst_nb.core.execute.cache", RUN)
create_client = find("myst-nb", "myst_nb.core.execute.create_client", RUN)
create_nb_reader = find("myst-nb", "myst_nb.core.read.create_nb_reader", RUN)
run_notebook = find("myst-nb", "myst_nb.core.execute.cache.single_nb_execution", RUN)

component = find("sphinx-design", "sphinx_design.shared.create_component", "for folds and tabs")
Bridge = find("Sphinx", "sphinx.highlighting.PygmentsBridge", "to colour code")
English = find("Sphinx", "sphinx.search.en.SearchEnglish", "to find the book's numbers")

Bibliography = find(
    "sphinxcontrib-bibtex",
    "sphinxcontrib.bibtex.transforms.BibliographyTransform",
    "for references in the margin",
)

# sphinx-exercise gives one of these ids to the body of every box of its own.
BOXES = {"exercise-content", "solution-content"}


def leave_out_of_contents(described):
    """Let the contents of a page not name what is described here."""
    for signature in described.children:
        signature["_toc_name"] = ""


def has_warned(app):
    return bool(app._warncount)


def cells(document):
    """Return MyST-NB's cells, those in tabs, too."""
    return [c for c in document.findall(nodes.container) if "cell" in c["classes"]]


def hides_its_code(cell):
    """Tell whether a cell has the tag ``hide-input``, and take it from MyST-NB if so."""
    return cell.attributes.pop("hide_mode", "") == "input"


def draw_lightly():
    """Let code have elements for the few kinds of words that the style sheet has a colour for."""
    kinds = {
        Comment: "c", Keyword: "k", Operator.Word: "k", Name.Builtin: "k", Name.Class: "d",
        Name.Function: "d", Name.Decorator: "d", Number: "m", String: "s",
        Generic.Prompt: "gp", Generic.Output: "go", Generic.Error: "e",
    }  # fmt: skip

    class Light(Bridge.html_formatter):
        def _get_css_classes(self, token):
            found = next((k for k in (token, *reversed(token.split())) if k in kinds), None)
            return kinds.get(found, "")

    Bridge.html_formatter = Light


def citations(env):
    """Return a paragraph for each entry of the bibliography, by its anchor."""
    found = env.get_domain("cite").citations
    return {c.citation_id: Bibliography.backend.paragraph(c.formatted_entry) for c in found}
