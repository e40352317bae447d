"""Worlds in which the claims of sections 6.5 to 6.5.4 are false."""

from worlds import World

FEW_STEPS = (("passes=40", "passes=2"), ('"maxiter": 35', '"maxiter": 5'))

WORLDS = [
    World(  # a program that gives something near the gradient
        "claim-6-5-a",
        (
            ("[J, dl.backprop([theta], J)[theta]]", "[J, 1.001 * dl.backprop([theta], J)[theta]]"),
            *FEW_STEPS,
        ),
        verdict="did not show",
        says=r"PyTorch confirms 0% of the gradients",
    ),
    World(  # two learners that are one: what they make of the gradient is the same
        "claim-6-5-a",
        (("beta=0.9)", "beta=0.0)"), *FEW_STEPS),
        verdict="holds in part",
        says=r"3 learners .* ended at 2 different places",
    ),
    World(  # a function that it differentiates only half
        "claim-6-5-a",
        (("guess + a / guess", "guess + dl.stop_gradient(a / guess)"), *FEW_STEPS),
        verdict="holds in part",
        says=r"4 get the slope that calculus gives \(not for root\)",
    ),
    World(  # all is computed again in one go: nothing is kept, and then everything
        "claim-6-5-c",
        (
            ("nodes[every:-1:every]", "nodes[:0]"),
            ("depths = np.array([25, 100, 400])", "depths = np.array([25])"),
            ("name: [25, 100]", "name: [25]"),
        ),
        verdict="holds in part",
        says=r"In [01] of 3 chains .* leave 96% to 100% of the memory",
    ),
    World(  # a checkpoint everywhere: nothing is left to compute again
        "claim-6-5-c",
        (
            ("nodes[every:-1:every]", "nodes[1:-1]"),
            ("depths = np.array([25, 100, 400])", "depths = np.array([25])"),
            ("name: [25, 100]", "name: [25]"),
        ),
        verdict="did not show",
        says=r"for 1\.00 to 1\.00 times the evaluations",
    ),
]
