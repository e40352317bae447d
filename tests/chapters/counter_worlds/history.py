"""Worlds in which the claims of section 6.6 are false."""

from worlds import World

SHORT = (("[0.01, 0.04, 0.15, 0.6, 2.5]", "[0.04, 0.15]"),)

WORLDS = [
    World(  # whatever is asked for, it is the same unit and the same cost
        "claim-6-6-a",
        (
            *SHORT,
            ("dl.MLP(sizes, unit, copies", 'dl.MLP(sizes, "tanh", copies'),
            ('"cross-entropy": dl.cross_entropy}', '"cross-entropy": squared_error}'),
            ("seeds=8,", "seeds=3,"),
            ("steps=750,", "steps=100,"),
            ("np.arange(0, 751, 25)", "np.arange(0, 101, 25)"),
        ),
        verdict="did not show",
        says=r"rectifier helps in 0 of 4 and cross-entropy helps in 0 of 4",
    ),
    World(  # sigmoids where rectifiers should be
        "claim-6-6-b",
        (
            *SHORT,
            ("dl.MLP(sizes, unit, copies", 'dl.MLP(sizes, "sigmoid", copies'),
            ("COUNTS = [50, 200, 1000]", "COUNTS = [50, 100]"),
            ("experiment(6, RATES[:-1],", "experiment(3, RATES,"),
        ),
        verdict="did not show",
        says=r"rectifiers errs on .*(6|7|8|9)\d% of the test.* saves 0 points",
        takes="long",
    ),
]
