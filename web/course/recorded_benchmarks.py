"""What ``measurements/benchmarks/results.json`` says, as tables and sentences.

The page holds the directive ``recorded`` and explanations; every number comes from the record, and
so does every sentence that would have to change with it.
"""

import json
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from dlbook.figures import benchmarks

OURS, HAND, TUNED = "dlbook", "by hand", "by hand, tuned"


def table(head, rows):
    """Return a table in Markdown, with numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def size(numbers):
    examples, *widths = numbers
    return f"{examples} × " + "\N{NON-BREAKING HYPHEN}".join(map(str, widths))


def when(results):
    machine, versions = results["machine"], results["versions"]
    names = {"numpy": "NumPy", "python": "Python", "torch": "PyTorch", "jax": "JAX"}
    used = ", ".join(f"{names[name]} {versions[name]}" for name in names if name in versions)
    return [
        f"Recorded on {results['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['system']}, {machine['threads']} threads for everybody; {used}."
    ]


def step(results):
    names = list(dict.fromkeys(name for row in results["step"] for name in row["microseconds"]))
    rows = []
    for row in results["step"]:
        times = row["microseconds"]
        least = min(times.values())
        cells = [f"{times[n]:,.0f}" if n in times else "" for n in names]
        bold = [
            f"**{c}**" if times.get(n) == least else c for n, c in zip(names, cells, strict=True)
        ]
        rows.append([size(row["size"]), *bold])
    return table(["size", *names], rows)


def summary(results):
    rows = results["step"]
    libraries = [n for n in rows[0]["microseconds"] if n not in (HAND, TUNED)]
    first = [min(libraries, key=row["microseconds"].get) for row in rows]
    others = sorted({name for name in first if name != OURS})
    won = f"dlbook is the fastest of the libraries at {first.count(OURS)} of {len(rows)} sizes"
    won += f"; at the others it is {' or '.join(others)}." if others else "."
    hand = [row["to_by_hand"][OURS] for row in rows]
    tuned = [row["to_dlbook"][TUNED] for row in rows]
    rivals = [
        f"{name} from {max(times):.3g} to {min(times):.2f}"
        for name in libraries
        if name != OURS and (times := [row["to_dlbook"][name] for row in rows])
    ]
    return [
        f"{won} Its step takes between {min(hand):.2f} and {max(hand):.2f} of the time of the same "
        f"step written by hand. The step that was tuned with a profiler takes between "
        f"{min(tuned):.2f} and {max(tuned):.2f} of dlbook's time: the rest is the price of a "
        f"program that serves every graph. In multiples of dlbook's time the others take, at the "
        f"size worst and best for them: {', '.join(rivals)}."
    ]


def targets(results):
    words = {True: "reached", False: "**missed**", None: "not measured"}
    aims = results["targets"]
    rows = [
        [aim["target"], ", ".join(map(str, aim["found"])), words[aim["reached"]]] for aim in aims
    ]
    missed = sum(aim["reached"] is False for aim in aims)
    return [
        f"Of {len(aims)} targets {missed} were missed.",
        "",
        *table(["target", "found", "verdict"], rows),
    ]


def programs(results):
    rows = [
        [
            size(row["size"]),
            *(f"{row['microseconds'][name]:,.0f}" for name in ("forward", "gradient", "hvp")),
            row["multiply_adds_to_forward"],
        ]
        for row in results["program"]
    ]
    costs = ["cost, µs", "and gradient, µs", "Hessian times vector, µs"]
    return table(["size", *costs, "multiply-adds, ratio"], rows)


def epoch(results):
    seconds = results["epoch"]["seconds"]
    names = {"dlbook": "`dl.train`", "pytorch": "PyTorch"}
    return table(["loop", "seconds"], [[names[name], s] for name, s in seconds.items()])


def memory(results):
    rows = [
        [size(row["size"]), name, f"{row['first_call'][name]:,}", f"{row['later_calls'][name]:,}"]
        for row in results["memory"]
        for name in row["first_call"]
    ]
    return table(["size", "step", "first call, bytes", "later calls, bytes"], rows)


def chain(results):
    lengths = [f"{int(n):,} nodes, s" for n in results["chain"][0]["seconds"]]
    rows = [
        [row["stage"], *(f"{s:.3g}" for s in row["seconds"].values()), row["exponent"]]
        for row in results["chain"]
    ]
    return table(["stage", *lengths, "growth exponent"], rows)


def javascript(results):
    """Return what Node measured, from a record of its own."""
    results = results["javascript"]
    names = list(dict.fromkeys(name for row in results["step"] for name in row["microseconds"]))
    rows = []
    for row in results["step"]:
        times = row["microseconds"]
        cells = [f"{times[n]:,.3g}" if times.get(n, 999) < 999 else _whole(times, n) for n in names]
        rows.append([row["name"], *cells])
    versions = results["versions"]
    used = f"Node {versions['node'].removeprefix('v')}"
    used += f" and TensorFlow.js {versions['tensorflow']}" if versions["tensorflow"] else ""
    busy = results["machine"]["load_before"] > 1
    note = " The machine was busy with other work, so that only the ratios mean anything." * busy
    when = f"Recorded on {results['date']}: {results['machine']['cpu']}, {used}."
    return [
        f"{when}{note} {_of_hand(results)}",
        "",
        *table(["microseconds a step", *names], rows),
    ]


def _whole(times, name):
    return f"{times[name]:,.0f}" if name in times else ""


def _of_hand(results):
    """Say how the program compares, in the worst case and in the best."""
    said = []
    for name, words in (
        (HAND, "written by hand"),
        ("objects", "with an object for each unit and weight"),
        ("TensorFlow.js", "in TensorFlow.js"),
    ):
        ratios = [row["to_dlbook"][name] for row in results["step"] if name in row["to_dlbook"]]
        if ratios:
            said.append(
                f"the step {words} takes {min(ratios):.3g} to {max(ratios):,.3g} times as long"
            )
    return f"Compared with dlbook's program {'; '.join(said)}."


SHOWN = (when, summary, step, epoch, targets, programs, memory, chain, javascript)
PARTS = {f.__name__: f for f in SHOWN}
FOLDER = Path("measurements", "benchmarks")


class Recorded(SphinxDirective):
    """``{recorded} step``: a part of the record."""

    required_arguments = 1

    def run(self):
        results = self.read("results.json")
        if self.arguments[0].startswith("javascript"):
            results["javascript"] = self.read("javascript.json")
        if self.arguments[0] == "javascript-chart":
            chart = benchmarks.times(results["javascript"]["step"]).show(
                "fig-javascript-times",
                "A training step in JavaScript, on a logarithmic axis: shorter is better.",
            )
            return [nodes.raw("", chart.html(), format="html")]
        holder = nodes.container()
        lines = PARTS[self.arguments[0]](results)
        self.state.nested_parse(StringList(lines, "the record"), 0, holder)
        return holder.children

    def read(self, name):
        path = Path(self.env.srcdir, FOLDER, name)
        self.env.note_dependency(str(path))
        return json.loads(path.read_text(encoding="utf-8"))
