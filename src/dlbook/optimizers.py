"""Section 6.5: the learning algorithm, which uses the gradient and is not the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np

from dlbook.graph import Variable

Values = dict[Variable, np.ndarray]


class GradientDescent:
    """Step against the gradient: theta - learning_rate * gradient (Section 4.3).

    Parameters
    ----------
    learning_rate : float
        Positive.

    Raises
    ------
    ValueError
        If the learning rate is not a positive number.
    """

    def __init__(self, learning_rate: float):
        if not (isinstance(learning_rate, Real) and 0 < learning_rate < np.inf):
            raise ValueError(
                f"gradient descent: the learning rate must be positive, got {learning_rate}"
            )
        self.learning_rate = float(learning_rate)  # a plain number keeps float32 as it is

    def step(
        self, parameters: Mapping[Variable, np.ndarray], gradients: list[np.ndarray]
    ) -> Values:
        """Return the parameters after one step; the ones given stay as they are.

        Parameters
        ----------
        parameters : dict of Variable to array
        gradients : list of array
            One for each parameter, in the same order and of the same shape.

        Raises
        ------
        ValueError
            If a gradient is missing, or has another shape than its parameter.
        """
        if len(gradients) != len(parameters):
            raise ValueError(
                f"gradient descent: {len(gradients)} gradients for {len(parameters)} parameters "
                f"({', '.join(V.name for V in parameters)})"
            )
        stepped = {}
        for (V, value), gradient in zip(parameters.items(), gradients, strict=True):
            if np.shape(gradient) != np.shape(value):
                raise ValueError(
                    f"gradient descent: '{V.name}' has the shape {np.shape(value)}, its gradient "
                    f"{np.shape(gradient)}"
                )
            stepped[V] = value - self.learning_rate * gradient
        return stepped
