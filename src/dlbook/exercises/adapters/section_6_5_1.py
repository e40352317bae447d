"""Asks a function that differentiates a chain, and counts what it does meanwhile."""

import math

from dlbook.exercises.adapters.calling import line_of

CHAINS = (  # where it starts, its length, and which values are to be kept
    (0.5, 1, 1),
    (0.5, 4, 2),
    (0.5, 5, 3),
    (-1.2, 37, 5),
    (0.5, 100, 10),
    (0.9, 6, 50),
)


def counted(gradient):
    """Return, for each of the `CHAINS`, what the function says and what it took."""
    results = []
    for chain in CHAINS:
        results.append(_counted(gradient, *chain))
        if results[-1]["error"]:
            break
    return results


def _counted(gradient, w, n, every):
    count = {"evaluations": 0, "held": 0, "peak": 0}
    order = []

    class Held(float):
        """A number that knows its place in the chain, and is counted while somebody holds it."""

        def __new__(cls, value, place):
            count["held"] += 1
            count["peak"] = max(count["peak"], count["held"])
            number = super().__new__(cls, value)
            number.place = place
            return number

        def __del__(self):
            count["held"] -= 1

    def f(x):
        count["evaluations"] += 1
        return Held(math.sin(x), getattr(x, "place", -1) + 1)

    def pull(x, g):
        order.append(getattr(x, "place", None))
        return float(g) * math.cos(x)

    result, error, line = None, "", ""
    try:
        result = gradient(f, pull, Held(w, 0), n, every)
    except Exception as raised:
        error, line = f"{type(raised).__name__}: {raised}", line_of(raised)
    return {
        "error": error,
        "line": line,
        "w": w,
        "n": n,
        "every": every,
        "slope": float(result) if isinstance(result, Held) else result,
        "order": order[: n + 2],
        "evaluations": count["evaluations"],
        "held": count["peak"],
    }
