"""Worlds in which the claims of sections 6.5.9 and 6.5.10 are false, or truer than on the page."""

from worlds import World

FEW = ("starts = {0: 2000, 1: 500, 2: 500, 3: 500}", "starts = {0: 50, 1: 50}")

WORLDS = [
    World(  # layers of one width in all products: there the ends do settle it
        "claim-6-5-f",
        (
            ("size=(10_000, 5))", "size=(10_000, 5))\nchains[:, 2:4] = chains[:, 1:2]"),
            ("[1, 2, 4, 8, 16, 32, 64, 128, 256]", "[8, 16, 32]"),
        ),
        verdict="holds",
        says=r"the sizes at the two ends settle it",
    ),
    World(  # a forward mode that has to go back for each output, as the other does
        "claim-6-5-f",
        (
            ("dl.jacobian(network(x), x, mode)", 'dl.jacobian(network(x), x, "reverse")'),
            ("[1, 2, 4, 8, 16, 32, 64, 128, 256]", "[8, 16, 32]"),
        ),
        verdict="did not show",
        says=r"fewer multiply-adds at 0 of \d+ larger numbers",
    ),
    World(  # products that are off by a hundredth
        "claim-6-5-g",
        (
            (
                "H = dl.hessian_operator(J, parameters, data)",
                "H = 1.01 * dl.hessian_operator(J, parameters, data)",
            ),
            FEW,
        ),
        verdict="did not show",
        says=r"In 0 of 2 networks .* In 0 of 2",
    ),
    World(  # too few products for four eigenvalues
        "claim-6-5-g",
        (
            ("products, agreed = 40", "products, agreed = 4"),
            FEW,
        ),
        verdict="holds in part",
        says=r"In 0 of 2 networks 4 products",
    ),
]
