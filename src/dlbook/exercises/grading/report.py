"""What a graded class gets: feedback for each student, and one table for the lecturer."""

import csv
import html
from pathlib import Path

from dlbook.exercises.checking.messages import Message

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ font-family: sans-serif; line-height: 1.4; max-width: 50em; margin: 2em auto;
padding: 0 1em }} pre {{ white-space: pre-wrap }}</style>
</head>
<body>
<h1>{title}</h1>
<p>{total}</p>
{parts}
</body>
</html>
"""


def number(points):
    """Write points without needless digits."""
    return f"{points:g}"


def _message(entry):
    values = [tuple(pair) for pair in entry["values"]]
    return Message(entry["status"], entry["headline"], values, entry["text"])


def _points(entry):
    if entry["points"] is None:
        return f"up to {number(entry['max'])}, marked by a person"
    return f"{number(entry['points'])} of {number(entry['max'])}"


def _total(record):
    waiting = sum(e["max"] for e in record["exercises"] if e["points"] is None)
    more = f", and up to {number(waiting)} that a person marks" if waiting else ""
    return f"{number(record['points'])} of {number(record['max'])} points{more}"


def _fenced(text):
    """Put a text where Markdown leaves it alone, whatever is in it."""
    return "\n".join(f"    {line}" for line in text.split("\n"))


def as_markdown(record):
    """Return a student's feedback as Markdown."""
    parts = [f"# {record['notebook']}: {_escaped(record['student'])}", f"{_total(record)}."]
    if record["remarks"]:
        parts.append(_fenced("\n".join(record["remarks"])))
    for entry in record["exercises"]:
        parts.append(f"## {entry['name']} {entry['title']} ({_points(entry)})")
        parts.append(_fenced(repr(_message(entry))))
        if entry.get("answer"):
            parts += ["Your answer:", _fenced(entry["answer"])]
    return "\n\n".join(parts) + "\n"


def _escaped(text):
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|" else c for c in text)


def as_html(record):
    """Return a student's feedback as a page that needs nothing else, and runs nothing."""
    e = html.escape
    parts = [f"<pre>{e(remark)}</pre>" for remark in record["remarks"]]
    for entry in record["exercises"]:
        parts.append(f"<h2>{e(entry['name'])} {e(entry['title'])} ({e(_points(entry))})</h2>")
        parts.append(_message(entry)._repr_html_())
        if entry.get("answer"):
            parts.append(f"<p>Your answer:</p><pre>{e(entry['answer'])}</pre>")
    title = f"{record['notebook']}: {record['student']}"
    return PAGE.format(title=e(title), total=e(_total(record)), parts="\n".join(parts))


def write_feedback(records, folder):
    """Write ``FOLDER/STUDENT/NOTEBOOK.md`` and ``.html`` for each student."""
    for record in records:
        name = record["student"].replace("/", "_").replace("\\", "_")
        place = Path(folder, name.lstrip(".") or "_")
        place.mkdir(parents=True, exist_ok=True)
        for kind, text in (("md", as_markdown(record)), ("html", as_html(record))):
            (place / f"{record['notebook']}.{kind}").write_text(text, encoding="utf-8")


def write_table(records, path):
    """Write the class as a CSV: a row for each student, a column for each exercise.

    An exercise that waits for a person is empty.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        names = [entry["name"] for entry in records[0]["exercises"]] if records else []
        table.writerow(["student", "notebook", *names, "points", "max", "remarks"])
        for record in records:
            points = [
                "" if e["points"] is None else number(e["points"]) for e in record["exercises"]
            ]
            total = [number(record["points"]), number(record["max"])]
            first = [_inert(record["student"]), record["notebook"]]
            table.writerow([*first, *points, *total, _inert(" ".join(record["remarks"]))])


def _inert(text):
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
