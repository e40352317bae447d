"""Turn pytest-benchmark's record into results.json and into tables in Markdown.

Called as ``python measurements/benchmarks/report.py _build/benchmarks.json``. A time is the median
over the rounds of a turn, of the turn that was disturbed least: other programs only ever add to it,
and to libraries that use both cores a hundredfold.
"""

import json
import math
import sys
from pathlib import Path


def read(record):
    """Return what is worth keeping of the record, as it goes into results.json."""
    with open(record, encoding="utf-8") as file:
        record = json.load(file)
    machine, benchmarks = record["machine_info"], record["benchmarks"]
    groups = {
        "step": steps,
        "memory": memory,
        "program": programs,
        "chain": chains,
        "epoch": epochs,
    }
    results = {
        "date": record["datetime"][:10],
        "machine": {
            "cpu": machine["cpu"].get("brand_raw", machine["processor"]),
            "cores": machine["cpu"].get("count"),
            "threads": machine["threads"],
            "pools": machine["pools"],
            "load_before": machine["load_before"],
            "system": f"{machine['system']} {machine['machine']}",
        },
        "versions": {"python": machine["python_version"], **machine["versions"]},
        **{
            name: rows([b for b in benchmarks if b["group"] == name])
            for name, rows in groups.items()
        },
    }
    return {**results, "targets": targets(results)}


def by(benchmarks, key):
    """Return {value of the key: benchmarks that have it}."""
    found = {}
    for b in benchmarks:
        value = b["extra_info"][key]
        found.setdefault(tuple(value) if isinstance(value, list) else value, []).append(b)
    return found


def medians(benchmarks):
    """Return the median time of each turn, in microseconds."""
    return [round(b["stats"]["median"] * 1e6, 2) for b in benchmarks]


def ratio(times, a, b):
    """Return how many times b's time a takes; None if one of them was not measured."""
    if not (a in times and b in times):
        return None
    return round(min(times[a]) / min(times[b]), 3)


def steps(benchmarks):
    """Return each contender's time for each size, and its ratios to by hand and to dlbook."""
    rows = []
    for size, here in by(benchmarks, "size").items():
        times = {contender: medians(turns) for contender, turns in by(here, "contender").items()}
        rows.append(
            {
                "size": size,
                "microseconds": {c: min(t) for c, t in times.items()},
                "turns": times,
                "to_by_hand": {c: ratio(times, c, "by hand") for c in times},
                "to_dlbook": {c: ratio(times, c, "dlbook") for c in times},
            }
        )
    return rows


def memory(benchmarks):
    """Return the bytes that dlbook and the step by hand take for each size."""
    rows = []
    for size, here in by(benchmarks, "size").items():
        row = {"size": size}
        for key in ["first_call", "later_calls"]:
            used = {c: b["extra_info"][key] for c, (b,) in by(here, "contender").items()}
            row[key] = used
        if "dlbook" in used:
            first = row["first_call"]
            row["to_by_hand"] = round(first["dlbook"] / first["by hand"], 3)
        rows.append(row)
    return rows


def programs(benchmarks):
    """Return time and multiply-adds of the cost, its gradient and a Hessian-vector product."""
    rows = []
    for size, here in by(benchmarks, "size").items():
        turns = by(here, "program")
        times = {name: medians(of) for name, of in turns.items()}
        counts = {name: of[0]["extra_info"]["multiply_adds"] for name, of in turns.items()}
        rows.append(
            {
                "size": size,
                "microseconds": {name: min(t) for name, t in times.items()},
                "turns": times,
                "multiply_adds": counts,
                "gradient_to_forward": ratio(times, "gradient", "forward"),
                "multiply_adds_to_forward": round(counts["gradient"] / counts["forward"], 3),
                "hvp_to_gradient": ratio(times, "hvp", "gradient"),
            }
        )
    return rows


def epochs(benchmarks):
    """Return the seconds that each contender takes for one epoch of minibatches."""
    turns = {c: [t / 1e6 for t in medians(of)] for c, of in by(benchmarks, "contender").items()}
    if not turns:
        return {}
    return {
        "seconds": {c: round(min(t), 3) for c, t in turns.items()},
        "pytorch_to_dlbook": ratio(turns, "pytorch", "dlbook"),
    }


def chains(benchmarks):
    """Return the seconds of each stage by the length of the chain, and the exponent of growth."""
    rows = []
    for stage, here in by(benchmarks, "stage").items():
        seconds = {n: b["stats"]["median"] for n, (b,) in by(here, "nodes").items()}
        (n, first), (m, last) = min(seconds.items()), max(seconds.items())
        rows.append(
            {
                "stage": stage,
                "seconds": {n: round(t, 5) for n, t in seconds.items()},
                "exponent": round(math.log(last / first) / math.log(m / n), 2),
            }
        )
    return rows


def targets(results):
    """Return each target with the numbers found and whether all of them reach it."""
    step, program = results["step"], results["program"]
    rivals = {
        c: [row["to_dlbook"].get(c) for row in step]
        for c in ["PyTorch", "jax.jit", "autograd", "MyGrad"]
    }
    by_hand = [row["to_by_hand"].get("dlbook") for row in step]
    tuned = [ratio(row["turns"], "dlbook", "by hand, tuned") for row in step]
    memory = [row.get("to_by_hand") for row in results["memory"]]
    products = [row["multiply_adds_to_forward"] for row in program]
    hvps = [row["hvp_to_gradient"] for row in program]
    stages = [max(row["seconds"].items())[1] for row in results["chain"]]
    chain = [round(sum(stages), 2)] if stages else []
    epoch = [results["epoch"]["pytorch_to_dlbook"]] if results["epoch"] else []
    aims = [
        ("time to that by hand, at most 1.10", by_hand, lambda r: r <= 1.10),
        ("time to that by hand and tuned, at most 1.15", tuned, lambda r: r <= 1.15),
        ("PyTorch to dlbook, two smallest, at least 4", rivals["PyTorch"][:2], lambda r: r >= 4),
        (
            "PyTorch to dlbook, two largest, at least 1.2",
            rivals["PyTorch"][-2:],
            lambda r: r >= 1.2,
        ),
        ("jax.jit to dlbook, two largest, over 1", rivals["jax.jit"][-2:], lambda r: r > 1),
        ("autograd to dlbook, over 1", rivals["autograd"], lambda r: r > 1),
        ("MyGrad to dlbook, over 1", rivals["MyGrad"], lambda r: r > 1),
        ("memory to that by hand, at most 1.25", memory, lambda r: r <= 1.25),
        ("multiply-adds with the gradient to without, at most 3", products, lambda r: r <= 3),
        ("Hessian times vector to the gradient, at most 3", hvps, lambda r: r <= 3),
        ("seconds for a chain of 100,000, at most 20", chain, lambda s: s <= 20),
        ("PyTorch to dlbook, an epoch of minibatches, at least 1.5", epoch, lambda r: r >= 1.5),
    ]
    return [
        {
            "target": text,
            "found": found,
            "reached": None if not found or None in found else all(map(reaches, found)),
        }
        for text, found, reaches in aims
    ]


def table(head, rows):
    """Return a table in Markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def markdown(results):
    """Return all tables."""
    names = list(dict.fromkeys(c for row in results["step"] for c in row["microseconds"]))
    sizes = "examples, inputs, hidden, classes"
    step = [
        [
            show(row["size"]),
            *(f"{row['microseconds'][c]:,} ({row['to_by_hand'][c]})" for c in names),
        ]
        for row in results["step"]
    ]
    memory = [
        [show(row["size"]), c, f"{row['first_call'][c]:,}", f"{row['later_calls'][c]:,}"]
        for row in results["memory"]
        for c in row["first_call"]
    ]
    program = [
        [show(row["size"]), name, f"{us:,}", f"{row['multiply_adds'][name]:,}"]
        for row in results["program"]
        for name, us in row["microseconds"].items()
    ]
    chain = [[row["stage"], *row["seconds"].values(), row["exponent"]] for row in results["chain"]]
    epoch = [[c, s] for c, s in results["epoch"].get("seconds", {}).items()]
    lengths = [f"{n:,} nodes" for n in (results["chain"] or [{"seconds": {}}])[0]["seconds"]]
    words = {True: "reached", False: "MISSED", None: "not measured"}
    aims = [[t["target"], show(t["found"]), words[t["reached"]]] for t in results["targets"]]
    tables = {
        "One gradient step, microseconds (ratio to the step by hand)": ([sizes, *names], step),
        "Memory, bytes at the peak": ([sizes, "step", "first call", "later calls"], memory),
        "The cost, with its gradient, and the Hessian times a vector": (
            [sizes, "program", "microseconds", "multiply-adds"],
            program,
        ),
        "A chain, seconds": (["stage", *lengths, "growth exponent"], chain),
        "One epoch, 784-256-10, 60,000 examples, minibatches of 128": (["loop", "seconds"], epoch),
        "Targets": (["target", "found", ""], aims),
    }
    return "\n".join(
        f"## {title}\n\n{table(*parts)}" for title, parts in tables.items() if parts[1]
    )


def show(numbers):
    return ", ".join(map(str, numbers))


def disturbed(results):
    """Return the signs that something else was running: before, or in most turns of a contender."""
    load = results["machine"]["load_before"]
    return [f"load {load} before the start"] * (load > 1) + [
        f"{name} at {show(row['size'])}"
        for row in results["step"] + results["program"]
        for name, turns in row["turns"].items()
        if sorted(turns)[len(turns) // 2] > 2 * min(turns)
    ]


if __name__ == "__main__":
    results = read(sys.argv[1])
    print(markdown(results))
    if found := disturbed(results):
        sys.exit("The machine was busy, nothing is recorded: " + "; ".join(found))
    text = json.dumps(results, indent=1) + "\n"
    Path(__file__).with_name("results.json").write_text(text, encoding="utf-8")
