"""Worlds in which the claims of section 6.0 are false."""

from worlds import World

WORLDS = [
    World(  # the model may use the product of its inputs
        "claim-6-0-a",
        (("[X, np.ones(4)]", "[X, X[:, 0] * X[:, 1], np.ones(4)]"),),
        verdict="did not show",
        says=r"differs with the other by up to \d.* error of 0\.00, less than",
    ),
    World(  # nothing to ignore: nearness is all that a kernel needs
        "claim-6-0-b",
        (
            ("distractors = [0, 2, 4, 8, 16]", "distractors = [0]"),
            ("draws = 4", "draws = 3"),
            ("steps=1500", "steps=400"),
        ),
        verdict="did not show",
        says=r"on 0 of 2 tasks, and clearly fewer on 2 of 2 tasks",
    ),
    World(  # a kernel that cannot fit what it is given
        "claim-6-0-b",
        (
            ('SVC(kernel="rbf", C=10, gamma=10_000)', 'SVC(kernel="linear")'),
            ("distractors = [0, 2, 4, 8, 16]", "distractors = [8]"),
            ("draws = 4", "draws = 2"),
            ("steps=1500", "steps=100"),
        ),
        verdict="did not show",
        says=r"fits 0 of 4 training sets",
    ),
]
