"""Lets nbgrader's autograder run submissions in the sandbox, in the place of a kernel.

``exercises/nbgrader_config.py`` puts `SandboxedExecute` where nbgrader has its ``Execute``. The
outputs it writes are those of a kernel in form; nbgrader counts the points, and keeps them.
"""

from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float, Unicode

from dlbook.exercises.grading import LOUD, REFUSED, find_section
from dlbook.exercises.grading.sandbox import Limits, SandboxError, why_not
from dlbook.exercises.grading.submission import CHECK, Assignment, Cell, Grader, tried_twice


class SandboxedExecute(NbGraderPreprocessor):
    """Runs a notebook's cells in the sandbox and writes what each check says into its output."""

    without_sandbox = Bool(False, help="run students' code unprotected").tag(config=True)
    section = Unicode("", help="the section's module, if not by the name").tag(config=True)
    cell_seconds = Float(Limits.cell, help="what a cell may compute").tag(config=True)
    submission_seconds = Float(Limits.submission, help="what all may use").tag(config=True)

    def preprocess(self, nb, resources):
        """Return the notebook with the outputs of a run."""
        if self.without_sandbox:
            self.log.warning(LOUD)
        elif why := why_not():
            raise SandboxError(REFUSED.format(why=why))
        limits = Limits(cell=self.cell_seconds, submission=self.submission_seconds)
        notebook = resources["nbgrader"]["notebook"]
        assignment = _assignment(nb, notebook, self.section or notebook)
        cells = [
            Cell(_about(cell).get("grade_id", ""), cell.source, index)
            for index, cell in enumerate(nb.cells)
            if cell.cell_type == "code"
        ]
        words = assignment, cells, limits, self.without_sandbox
        outcome = tried_twice(lambda: Grader(*words).grade())
        for number, cell in enumerate(cells, start=1):
            check = CHECK.fullmatch(cell.name)
            message = outcome.messages.get(check[1]) if check else None
            nb.cells[cell.index].execution_count = number
            nb.cells[cell.index].outputs = (
                _printed(outcome.cells.get(cell.index, {})) if message is None else _said(message)
            )
        return nb, resources


def _about(cell):
    return cell.metadata.get("nbgrader", {})


def _assignment(nb, notebook, section):
    """Read what was handed out from a submission whose cells nbgrader has set right already."""
    locked = {
        _about(cell)["grade_id"]: cell.source
        for cell in nb.cells
        if cell.cell_type == "code" and _about(cell).get("locked") and "grade_id" in _about(cell)
    }
    return Assignment(find_section(section), notebook, locked, {})


def _said(message):
    if message.status in ("wrong", "untried"):
        trace = repr(message).split("\n")
        return [new_output("error", ename="Wrong", evalue=message.headline, traceback=trace)]
    data = {"text/plain": repr(message), "text/html": message._repr_html_()}
    return [new_output("display_data", data=data)]


def _printed(answer):
    """Return what a cell printed, and its error. Nothing here is to be believed, or run."""
    outputs = []
    printed, error = answer.get("printed"), answer.get("error")
    if isinstance(printed, str) and printed:
        outputs.append(new_output("stream", name="stdout", text=printed))
    if isinstance(error, str) and error:
        text, trace = answer.get("text"), answer.get("value")
        text = text if isinstance(text, str) else ""
        lines = trace.split("\n") if isinstance(trace, str) else [f"{error}: {text}"]
        outputs.append(new_output("error", ename=error, evalue=text, traceback=lines))
    return outputs
