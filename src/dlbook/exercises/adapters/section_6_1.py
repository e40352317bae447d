"""How the answers to the exercises on section 6.1 are asked."""

import numpy as np

XOR_INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TABLES = ([0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 0.25, 0.5, 0.0])


def learned(learn):
    """Let a function learn three tables, and return its parameters for each."""
    return [learn(XOR_INPUTS.copy(), np.array(y), np.random.default_rng(0)) for y in TABLES]
