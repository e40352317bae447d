"""The data of the chapter. Everything here is made by code or comes with scikit-learn."""

from __future__ import annotations

import numpy as np


def xor() -> tuple[np.ndarray, np.ndarray]:
    """Return the four points of XOR and what the function says there (Section 6.1).

    Returns
    -------
    X : array of float64, shape (4, 2)
        One point a row, in the order of Equation 6.7.
    y : array of float64, shape (4,)
        1 where exactly one of the two entries is 1, else 0.
    """
    X = np.array([(x1, x2) for x1 in (0, 1) for x2 in (0, 1)], dtype=np.float64)
    y = np.logical_xor(X[:, 0], X[:, 1]).astype(np.float64)
    return X, y


def sign_of_product(
    examples: int, distractors: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points whose label is whether the first two coordinates agree in sign (Section 6.0).

    XOR once more, spread over a continuum and hidden among coordinates that do not matter.

    Parameters
    ----------
    examples : int
        The number of points, m.
    distractors : int
        How many coordinates have nothing to do with the label.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 2 + distractors)
        Uniform between -1 and 1.
    y : array of float64, shape (examples,)
        1 where the first two coordinates have the same sign, else 0.

    Raises
    ------
    ValueError
        If there is to be no example, or a negative number of distractors.
    """
    if examples < 1 or distractors < 0:
        raise ValueError(
            f"sign_of_product: needs at least 1 example and 0 distractors, got {examples} and "
            f"{distractors}"
        )
    X = rng.uniform(-1.0, 1.0, size=(examples, 2 + distractors))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.float64)
    return X, y
