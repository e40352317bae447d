"""Worlds in which the claims of section 6.4 are false."""

from worlds import World

WORLDS = [
    World(  # no layer is wider than another
        "claim-6-4-1-a",
        (
            ("cornered = [4, 8, 16, 32, 64]", "cornered = [8, 8, 8, 8, 8]"),
            ("hill_fits = [2, 4, 8, 16]", "hill_fits = [2, 2, 2, 2]"),
        ),
        verdict="did not show",
        says=r"less than a fifth in 0 of 8 cases",
    ),
    World(  # every start finds the function, and it is one that training prefers
        "claim-6-4-1-b",
        (
            (
                '"2 units a layer": (2, (1, 2, 3, 5)), "16 units',
                '"2 units a layer": (32, (1,)), "16 units',
            ),
            ("(16, (3, 5))", "(16, ())"),
            ("parity = bits.sum(axis=1) % 2", "parity = bits[:, 0]"),
        ),
        verdict="did not show",
        says=r"units: 1: (8|9|10)\d?%",
    ),
    World(  # a slip in the weights: a unit fires for its row alone, but not by 1
        "claim-6-4-1-c",
        (("regions.lookup_table(table), inputs)", "regions.lookup_table(table), 0.9 * inputs)"),),
        verdict="did not show",
        says=r"^\d of 343 tables",
    ),
    World(  # not all tables may come
        "claim-6-4-1-d",
        (("regions.all_bits(8)  # a table a row", "regions.all_bits(8)[:100]"),),
        verdict="did not show",
        says=r"Over 100 targets of 3 bits \d of 7",
    ),
    World(  # only the first layer folds
        "claim-6-4-1-e",
        (("regions.sawtooth(depth), 0, 1))\n", "regions.sawtooth(1), 0, 1))\n"),),
        verdict="did not show",
        says=r"make 2 linear pieces, and each layer brings the factor 1;",
    ),
    World(  # no layer is skipped
        "claim-6-4-2-a",
        (
            ('"with skips": (2, "lecun")', '"with skips": (None, "lecun")'),
            ("depths, norms, at_start = [3, 6, 12, 24, 48]", "depths, norms, at_start = [3, 12]"),
            ("for depth in (12, 48)", "for depth in (12,)"),
        ),
        verdict="did not show",
        says=r"10\^0 times that of the plain chain",
        takes="long",
    ),
    World(  # each of ten times as many units sees a square
        "claim-6-4-2-b",
        (
            ("3, channels=4", "3, channels=40"),
            ("for s in range(20)", "for s in range(2)"),
        ),
        verdict="did not show",
        says=r"12,960 in place of 9,216",
    ),
]
