"""Ask a cost where it is least."""

import numpy as np


def least(cost, y, q):
    """Return the prediction, in steps of 1/4, at which the mean of ``cost(y, f, q)`` is least.

    If a cost is nan somewhere, so is what comes back.
    """
    y = np.asarray(y)
    low, high = np.floor(y.min()) - 1, np.ceil(y.max()) + 1
    predictions = np.arange(4 * low, 4 * high + 1) / 4
    costs = [cost(y.copy(), float(f), q) for f in predictions]
    if any(c is None or c is Ellipsis for c in costs):
        return None
    means = np.array([np.mean(np.asarray(c)) for c in costs])
    if np.isnan(means).any():
        return float("nan")
    return float(predictions[np.argmin(np.round(means, 9))])
