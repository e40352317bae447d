"""Ways to ask the answers of section 6.3: weights are judged by what a network does with them."""

import numpy as np


def as_sigmoid_network(convert, X, layers):
    """Let an answer convert a network's weights, and run them with sigmoid hidden units.

    Raises
    ------
    ValueError
        If what comes back is no list of pairs with the shapes of those given.
    """
    wanted = [(np.shape(W), np.shape(b)) for W, b in layers]
    converted = convert(layers)
    if converted is None:
        return None
    converted = list(converted)
    if len(converted) != len(wanted):
        raise ValueError(f"{len(converted)} layers came back, {len(wanted)} were given")
    H = np.asarray(X, float)
    for number, (pair, shapes) in enumerate(zip(converted, wanted, strict=True), start=1):
        W, b = (np.asarray(array, float) for array in pair)
        if (W.shape, b.shape) != shapes:
            raise ValueError(
                f"layer {number} came back with shapes {W.shape} and {b.shape}; "
                f"it was given with {shapes[0]} and {shapes[1]}"
            )
        z = H @ W + b
        H = z if number == len(wanted) else 0.5 * (1 + np.tanh(z / 2))
    return H
