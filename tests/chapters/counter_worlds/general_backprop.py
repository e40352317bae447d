"""Worlds in which the claims of sections 6.5.5 to 6.5.8 are false."""

from worlds import World

SMALL = (("100, 1000, 10_000, 100_000", "100, 200, 400"), ("(25, 50, 100, 200)", "(5, 10, 20)"))

WORLDS = [
    World(  # a rule that needs more operations the more inputs there are
        "claim-6-5-b",
        (
            *SMALL,
            ("return G * dl.cos(X)", "return G * dl.cos(X) + 0 * sum(map(dl.sin, inputs))"),
            ("[16, 32, 64, 128]", "[8, 16, 32]"),
            ("range(200)", "range(5)"),
        ),
        verdict="holds in part",
        says=r"and that grows with the graph",
    ),
    World(  # a chain that is none, since each layer looks at all layers before it
        "claim-6-5-b",
        (
            *SMALL,
            ("h[-1] + dl.tanh(h[-1] @ W)", "dl.tanh(dl.concatenate(h, axis=1)[:, :4] @ W)"),
            ("range(200)", "range(5)"),
        ),
        verdict="holds in part",
        says=r"1\.[3-9]\d in layers with skips",
    ),
    World(  # a gradient on the data alone: there the book's count is all there is
        "claim-6-5-d",
        (
            (
                "gradients = dl.backprop(weights, J)",
                "gradients = dict.fromkeys(weights, dl.backprop([X], J)[X])",
            ),
        ),
        verdict="holds",
        says=r"0\.00 w for those that give the gradient on the weights",
    ),
    World(  # layers that multiply their weights with each other
        "claim-6-5-d",
        (("U = H @ W", "U = H @ (W @ (W.T @ W))"),),
        verdict="did not show",
        says=r"Forward takes [\d.]+ to \d+\.\d+ w",
    ),
    World(  # a sum that makes all its terms first
        "claim-6-5-e",
        (
            ("ours = peak(one, x_value, W_value)", "ours = naive"),
            ("uses = (2, 4, 8, 16)", "uses = (2, 4)"),
        ),
        verdict="did not show",
        says=r"one buffer takes 5 matrices, all terms first 5",
    ),
    World(  # an engine that has an answer to everything
        "claim-6-5-e",
        (
            ('name = "mystery"', 'name, bprop = "mystery", lambda self, inputs, X, G: G'),
            ('dl.variable("n", (3,), int), {}', 'dl.variable("n", (3,)), {}'),
            ("uses = (2, 4, 8, 16)", "uses = (2, 4)"),
        ),
        verdict="did not show",
        says=r"Of 2 gradients that exist nowhere 0 are reported",
    ),
]
