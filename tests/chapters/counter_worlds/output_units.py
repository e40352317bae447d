"""Worlds in which the claims of section 6.2.2 are false."""

from worlds import World

FEWER_STARTS = ("scales, draws = [4, 8, 16], 20", "scales, draws = [4, 8, 16], 5")
FEWER_RUNS = ("0.02, 0.05, 0.1], 12", "0.02, 0.05, 0.1], 3")

WORLDS = [
    World(  # a cost without a logarithm
        "claim-6-2-2-a",
        (("cost = dl.binary_cross_entropy(z, y)", "cost = (y - dl.sigmoid(z)) ** 2"),),
        verdict="did not show",
        says=r"wrong, the slope is 1e-05 or more",
    ),
    World(  # softplus as it stands, without the maximum in front
        "claim-6-2-2-b",
        (("np.maximum(0, x) + np.log1p(np.exp(-np.abs(x)))", "np.log(1 + np.exp(x))"),),
        verdict="holds in part",
        says=r"with z, from \|z\| = 89 in float32",
    ),
    World(  # the probability keeps what rounding takes from it
        "claim-6-2-2-b",
        (
            (
                "return -y * np.log(y_hat) - (1 - y) * np.log(1 - y_hat)",
                "return softplus(y, z)",
            ),
        ),
        verdict="did not show",
        says=r"probability, the cost is inf or nan for no z",
    ),
    World(  # a softmax so hot that all of its answers are guesses
        "claim-6-2-2-c",
        (
            ('z = p.omega["z"]\nexample', 'z = p.omega["z"] / 100\nexample'),
            ("[1, 10, 30, 100, 300, 1000], 5", "[1, 30, 100], 2"),
        ),
        verdict="did not show",
        says=r"it gets 11% and 1\d% of the push. A right example costs \d\d% and 9\d%",
    ),
    World(  # a squared error that does move
        "claim-6-2-2-d",
        (
            FEWER_STARTS,
            (
                "dl.sum((q - hot) ** 2, axis=2)",
                "dl.sum((dl.softmax(many_z / 16) - hot) ** 2, axis=2)",
            ),
        ),
        verdict="holds in part",
        says=r"0, 0 and 0 of 5 trainings by squared error",
    ),
    World(  # a logarithm inside the square
        "claim-6-2-2-d",
        (
            FEWER_STARTS,
            (
                "dl.sum((q - hot) ** 2, axis=2)",
                "dl.sum((dl.log_softmax(many_z) * hot) ** 2, axis=2)",
            ),
        ),
        verdict="did not show",
        says=r"0, 0 and 0 of 5 trainings by squared error",
    ),
    World(  # one logit less is still behind when training ends
        "claim-6-2-2-e",
        (("moments = (50, 500)", "moments = (50, 51)"),),
        verdict="holds in part",
        says=r"on digits .* and \+\d\.\d points \(\+[2-9]",
        takes="long",
    ),
    World(  # sigmoids side by side do not compete
        "claim-6-2-2-f",
        (("dl.jacobian(dl.softmax(v), v)", "dl.jacobian(dl.sigmoid(v), v)"),),
        verdict="holds in part",
        says=r"In 0 of 100 Jacobians",
    ),
    World(  # a penalty on the parameter of the variance
        "claim-6-2-2-g",
        (
            (
                "J = dl.costs.maximum_likelihood(p, targets)\n    kept",
                "J = dl.costs.maximum_likelihood(p, targets) + unit.parameters[-1] ** 2\n    kept",
            ),
        ),
        verdict="did not show",
        says=r"differ by [1-9]\d*\.\d+% as sigma",
    ),
    World(  # what is called precision is the standard deviation
        "claim-6-2-2-h",
        (
            FEWER_RUNS,
            (
                "p = dl.distributions.Gaussian(r, a, spread)",
                "p = dl.distributions.Gaussian(r, a, swapped[spread])",
            ),
            (
                "here = {r: np.full(widths.size, residual), a: raw_numbers[spread]}",
                "here = {r: np.full(widths.size, residual), a: raw_numbers[swapped[spread]]}",
            ),
            (
                "def slope(spread, residual):",
                'swapped = dict(zip(raw_numbers, ("precision", "variance", "sigma")))\n\n\n'
                "def slope(spread, residual):",
            ),
            (
                "p = dl.distributions.Gaussian(mean, raw, spread)",
                "p = dl.distributions.Gaussian(mean, raw, swapped[spread])",
            ),
            ("values, each, 1000)", "values, each, 300)"),
        ),
        verdict="did not show",
        says=r"gradient reaches 0\.5, .* and 9,9",
    ),
    World(  # B and its transpose are added, not multiplied
        "claim-6-2-2-i",
        (("matrices @ matrices.transpose(0, 2, 1)", "matrices + matrices.transpose(0, 2, 1)"),),
        verdict="did not show",
        says=r"fails for some B \(random",
    ),
    World(  # only a narrow band of the covariance is decomposed
        "claim-6-2-2-i",
        (
            (
                "times(L[j:, :j], L[j, :j])",
                "times(L[j:, max(j - 2, 0) : j], L[j, max(j - 2, 0) : j])",
            ),
        ),
        verdict="did not show",
        says=r"to the power 2\.0",
    ),
    World(  # no variance can become small
        "claim-6-2-2-j",
        (('"variance", 1e-6)', '"variance", 1.0)'), ("0.03, 0.1], 20", "0.03, 0.1], 4")),
        verdict="did not show",
        says=r"0, 0, 0 and 0 of 4 plain runs",
        takes="long",
    ),
    World(  # a clipping that never clips
        "claim-6-2-2-j",
        (('"clipped": 1.0}', '"clipped": 1e9}'), ("0.03, 0.1], 20", "0.03, 0.1], 8")),
        verdict="holds in part",
        says=r"(\d+%) \(95% interval (\d+%) to (\d+%)\) against \1",
        takes="long",
    ),
]
