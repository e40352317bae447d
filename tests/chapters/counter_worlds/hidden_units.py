"""Worlds in which the claims of section 6.3 are false."""

from worlds import World

WORLDS = [
    World(  # half of the pictures are empty, so that biases of 0 give exact zeros
        "claim-6-3-a",
        (
            (
                "labels = dl.datasets.digits()\nX, y = dl.variable",
                "labels = dl.datasets.digits()\n"
                "pictures = pictures * (np.arange(1797) % 2)[:, None]\nX, y = dl.variable",
            ),
            ("descent, 500, [exact]", "descent, 20, [exact]"),
            ("descent, 1000, [costs", "descent, 300, [costs"),
        ),
        verdict="did not show",
        says=r"same weights in 0 of 3 trainings",
    ),
    World(  # all weights are large
        "claim-6-3-1-a",
        (('0.01: "weights of size 0.01", 0.05: "0.05"', '0.5: "0.5", 0.7: "0.7"'),),
        verdict="did not show",
        says=r"0\.7 5\d%",
    ),
    World(  # what stands for the rectifier is smooth, and has a slope on both sides
        "claim-6-3-1-b",
        (("woken = {}, {}\nfor", 'woken = {}, {}\nunits[0] = "softplus"\nfor'),),
        verdict="did not show",
        says=r"came to softplus from (\S+) of \1 cases",
    ),
    World(  # the generalisations are rectifiers, too
        "claim-6-3-1-b",
        (
            ("from_each(name, seed)", 'from_each("relu", seed)'),
            ("push_down(name, seed)", 'push_down("relu", seed)'),
        ),
        verdict="holds in part",
        says=r"to each other kind from 0%",
    ),
    World(  # biases are not 0
        "claim-6-3-1-c",
        (
            ("{b1: start.pop(b1)}", "{b1: start.pop(b1) + 2}"),
            ("data, descent, 1000", "data, descent, 100"),
        ),
        verdict="did not show",
        says=r"features of x and -x differ by up to",
    ),
    World(  # one of the functions is not convex
        "claim-6-3-1-d",
        (
            ("lambda x: dl.exp(x)", "lambda x: dl.sin(3 * x)"),
            ("ks, steps = [2, 4, 8, 16], 1000", "ks, steps = [2, 4, 8, 16], 10"),
        ),
        verdict="did not show",
        says=r"that is too little for exp x",
    ),
    World(  # rectified units are not trained on task B, and so forget nothing
        "claim-6-3-1-e",
        (
            ("np.arange(60), [0.02]", "np.arange(6), [0.02, 0.03]"),
            (
                "values, memory = descent.step(values, gradients, memory)\n            if t in",
                'if (name, task) != ("relu", "B"):\n'
                "                values, memory = descent.step(values, gradients, memory)\n"
                "            if t in",
            ),
        ),
        verdict="did not show",
        says=r"maxout units \S+ points more",
    ),
    World(  # sigmoid networks are tanh networks
        "claim-6-3-2-a",
        (
            (
                "unit, copies=20)\n    y =",
                'unit.replace("sigmoid", "tanh"), copies=20)\n    y =',
            ),
            (
                "network = dl.MLP([64, *[32] * hidden, 10], unit, copies=9)",
                'network = dl.MLP([64, *[32] * hidden, 10], unit.replace("sigmoid", "tanh"), '
                "copies=9)",
            ),
            ("depths, trained_deep = (1, 2, 3, 5), {}", "depths, trained_deep = (1,), {}"),
        ),
        verdict="did not show",
        says=r"sigmoid networks have [+-]0 points",
        takes="long",
    ),
    World(  # each run made two hundred errors more
        "claim-6-3-3-a",
        (('.append(int(row["errors"]))', '.append(int(row["errors"]) + 200)'),),
        verdict="did not show",
        says=r"2\.97% \(95% interval 2\.",
    ),
    World(  # no more than one direction gets through, whatever q is
        "claim-6-3-3-b",
        (
            ('dl.LowRank(n, 64, q, "relu") if q', 'dl.LowRank(n, 64, 1, "relu") if q'),
            ('"digits": [*ranks, None], "breast cancer": [1, 2, 4, None]', '"digits": [16, None]'),
        ),
        verdict="did not show",
        says=r"no q with half of the 4,096 weights or fewer suffices",
    ),
    World(  # the address says nothing
        "claim-6-3-3-c",
        (
            ("return 2.0 * bits - 1, v", "return 0.0 * bits, v"),
            ("dl.Adam(0.02), 1000", "dl.Adam(0.02), 50"),
        ),
        verdict="did not show",
        says=r"^0% .* of the starts learned",
    ),
    World(  # rectified networks have two units only, and all RBF units start from data
        "claim-6-3-3-d",
        (
            (
                'entrants = [*dl.hidden_units.UNITS, "rbf, from data"]',
                'entrants = ["relu", "softplus", "rbf", "rbf, from data"]',
            ),
            (
                "network = dl.MLP([64, *hidden, 10], unit, copies=len(seeds))\n    return train",
                'hidden = (2,) if unit == "relu" else hidden\n'
                "    network = dl.MLP([64, *hidden, 10], unit, copies=len(seeds))\n"
                "    return train",
            ),
            ('if name == "rbf, from data":', 'if name.startswith("rbf"):'),
            (
                "pilots, fresh = 1000 + np.tile(np.arange(3), 7), np.arange(20)",
                "pilots, fresh = 1000 + np.tile(np.arange(3), 7), np.arange(5)",
            ),
            ("np.full(20, best)", "np.full(5, best)"),
        ),
        verdict="did not show",
        says=r"Softplus: -\d.* fewer than the rectifier",
        takes="long",
    ),
]
