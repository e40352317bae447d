"""Worlds in which the claims of section 6.1 are false."""

from worlds import World

CLOSE = """    start[w] = start[w] + [[1], [-2]]
    data = {inputs: X, targets: y[:, None]}"""

WORLDS = [
    World(  # something bends between the layers
        "claim-6-1-a",
        (("dl.Layer(2, 50, names", "dl.Layer(2, 50, dl.relu, names"),),
        verdict="did not show",
        says=r"by up to \d+% of the largest output",
    ),
    World(  # one unit cannot solve it, from whatever start
        "claim-6-1-b",
        (
            ("costs = {2: final}", "costs = {1: learn_from(100, units=1)[0]}"),
            ("in (3, 4, 8)", "in (2,)"),
            ("learn_from(1000, units=2)", "learn_from(100, units=2)"),
        ),
        verdict="did not show",
        says=r"100 starts with 1 hidden unit 0%",
    ),
    World(  # every start is next to the book's solution, and ends in it
        "claim-6-1-b",
        (
            ("learn_from(1000, units=2)", "learn_from(100, units=2)"),
            ("in (3, 4, 8)", "in (2,)"),
            ("{W: hidden, w: out[:, :, None]}", "{W: 1 + hidden / 999, w: out[:, :, None] / 999}"),
            ("c: np.full(c.shape, bias)", "c: np.zeros(c.shape) + [0, -1]"),
            ("    data = {inputs: X, targets: y[:, None]}", CLOSE),
        ),
        verdict="holds in part",
        says=r"hidden units 100% .* 100 compute the book's function, 0 compute",
    ),
]
