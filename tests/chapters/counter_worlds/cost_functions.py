"""Worlds in which the claims of sections 6.2 and 6.2.1 are false."""

from worlds import World

WORLDS = [
    World(  # features are fixed, and only the weights of the last layer differ
        "claim-6-2-a",
        (
            (
                "dl.sigmoid(4 * (inputs - a)) + dl.sigmoid(4 * (inputs - b))",
                "a * dl.sigmoid(4 * inputs) + b * dl.sigmoid(4 * inputs - 4)",
            ),
            (
                "middle = [(A + B)",
                "other[:-2] = one[:-2]\n    middle = [(A + B)",
            ),
            ("size=(1000, 2, 2)", "size=(50, 2, 2)"),
        ),
        verdict="did not show",
        says=r"0 of 7 costs have chords .* Two linear layers have 0% under",
    ),
    World(  # no model is large enough to meet all its targets
        "claim-6-2-1-a",
        (
            ("labels: (x_parted > 0).astype(int)", "labels: np.array([0, 0, 1, 0, 1, 1])"),
            ("dl.Layer(1, 8, dl.tanh), dl.Layer(8", "dl.Layer(1, 1, dl.tanh), dl.Layer(1"),
            ("y: 2 * x_parted + 1}", "y: x_parted**2}"),
            ("size=(2, 1, 8))", "size=(2, 1, 1))"),
        ),
        verdict="did not show",
        says=r"in 0 of 4 cases in which .* the weight changes by [+-]0\.00",
    ),
    World(  # no start is saturated
        "claim-6-2-1-b",
        (
            ("(0.1, 1.0, 3.0, 10.0), (0.3, 1.0, 3.0), 50", "(0.1, 0.3), (1.0,), 20"),
            ("starts = np.arange(6.0)", "starts = np.arange(6.0) / 5"),
            ("12_000", "100"),
            ("given, descent, 1000", "given, descent, 300"),
        ),
        verdict="did not show",
        says=r"at 0 of 2 sizes",
    ),
]
