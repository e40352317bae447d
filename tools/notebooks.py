"""Run the book's notebooks and clean them: what is stored is text that any machine repeats.

A notebook is written only if it ran without an error and without a word on stderr.
Pictures stay out of the file, so a diff shows what changed and nbval compares all that is left.
"""

import argparse
import difflib
import os
import re
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.reader import NotJSONError

ROOT = Path(__file__).resolve().parents[1]
KEPT_MIME_TYPES = ("text/plain", "text/markdown")
# In an exercise the checks' answers are kept as a browser shows them, too.
EXERCISE_MIME_TYPES = (*KEPT_MIME_TYPES, "text/html")
KEPT_CELL_METADATA = ("tags", "nbgrader")
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # What a program that makes a script of it looks for.
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def find_notebooks():
    """List every notebook that is written by hand: chapters, and exercises with solutions."""
    paths = [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("exercises/source/*/*.ipynb")]
    return sorted(path for path in paths if ".ipynb_checkpoints" not in path.parts)


def run(notebook, folder):
    """Run the cells in order; an error ends the run and stays in the notebook as an output."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    with suppress(CellExecutionError):
        client.execute(env=os.environ | {"DLBOOK_STRICT": "1"})  # an assert that fails is an error


def clean(notebook, mime_types=KEPT_MIME_TYPES):
    """Keep what is the same on every machine and in every run."""
    notebook.nbformat_minor = 5
    notebook.metadata = NOTEBOOK_METADATA
    seen, count = {None}, 0
    for cell in notebook.cells:
        cell.metadata = {k: cell.metadata[k] for k in KEPT_CELL_METADATA if cell.metadata.get(k)}
        if "hide-input" in cell.metadata.get("tags", []):  # on the site; in Jupyter, too
            cell.metadata["jupyter"] = {"source_hidden": True}
        if slide := slide_of(cell):
            cell.metadata["slideshow"] = {"slide_type": slide}
        if cell.get("id") in seen:
            cell.id = uuid.uuid4().hex[:8]
        seen.add(cell.id)
        if cell.cell_type == "code":
            count += bool(cell.source.strip())
            cell.execution_count = count if cell.source.strip() else None
            cell.outputs = clean_outputs(cell, mime_types)


def slide_of(cell):
    """Say what a cell is in a show of slides: one of its own if it shows something numbered."""
    if "nbgrader" in cell.metadata:
        return None
    if "remove-cell" in cell.metadata.get("tags", []) or cell.source.startswith("> **Try it.**"):
        return "skip"
    if cell.cell_type == "markdown":
        return "slide" if re.search(r"(?m)^#|\\tag\{|^> #", cell.source) else None
    return "slide" if re.search(r"\.show\(|\bjudge\(", cell.source) else None


def clean_outputs(cell, mime_types):
    """Join neighbouring pieces of one stream, and keep only the text of what is displayed."""
    kept = []
    for output in cell.outputs:
        if "data" in output:
            output.data = {k: output.data[k] for k in mime_types if k in output.data}
            output.metadata = {}
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def complaints(notebook):
    """List what must not be stored, naming the cell: errors, and anything on stderr."""
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        name = f"cell {number} ({cell.source.strip().partition(chr(10))[0]})"
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
                found.append(f"{name} raised {output.ename}:\n{traceback}")
            elif output.get("name") == "stderr":
                found.append(f"{name} wrote to stderr:\n{output.text}")
    return found


def treat(path, mode):
    """Run and clean one notebook; return what to say about it and whether all is well."""
    name = f"{path.parent.name}/{path.name}"
    start = time.perf_counter()
    stored = path.read_text(encoding="utf-8")
    try:
        notebook = nbformat.reads(stored, as_version=4)
        if mode != "clean":
            run(notebook, path.parent)
    except (NotJSONError, CellTimeoutError, DeadKernelError) as error:
        return f"{name}: {error}", False
    is_exercise = "exercises" in path.parts
    clean(notebook, EXERCISE_MIME_TYPES if is_exercise else KEPT_MIME_TYPES)
    if found := complaints(notebook):
        return "\n".join([f"{name}: left as it was", *found]), False
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if mode != "check":
        path.write_text(text, encoding="utf-8", newline="\n")
    elif text != stored:
        old, new = stored.splitlines(), text.splitlines()
        diff = difflib.unified_diff(old, new, "stored", "fresh", n=1, lineterm="")
        return "\n".join([f"{name}: differs from what is stored", *diff]), False
    return f"{name}: {time.perf_counter() - start:.1f} s", True


def main():
    """Treat the notebooks side by side; return 1 if one of them failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="which ones; without, all of them")
    modes = parser.add_mutually_exclusive_group()
    add_mode = {"action": "store_const", "dest": "mode"}
    modes.add_argument("--clean", const="clean", help="clean without running", **add_mode)
    modes.add_argument("--check", const="check", help="run, compare and write nothing", **add_mode)
    options = parser.parse_args()
    paths = [path.resolve() for path in options.notebooks] or find_notebooks()
    for path in paths:
        if not path.is_file():
            parser.error(f"no such notebook: {path}")
    sys.stdout.reconfigure(errors="backslashreplace")  # a traceback may hold any letter
    results = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for message, well in pool.map(lambda path: treat(path, options.mode), paths):
            print(message, flush=True)
            results.append(well)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
