"""Worlds in which the claims of section 6.1 are false."""

from worlds import World

WORLDS = [
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
]
