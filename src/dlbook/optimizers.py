"""Section 6.5: the learning algorithm, which uses the gradient and is not the gradient.

Look at :class:`GradientDescent` first: the others move along a direction that they make of this
gradient and earlier ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real

import numpy as np

from dlbook.graph import Variable

Values = dict[Variable, np.ndarray]


class Optimizer:
    """What all have in common: a learning rate, and a step against a direction.

    Parameters
    ----------
    learning_rate : float
        Positive.

    Raises
    ------
    ValueError
        If the learning rate is not a positive number.
    """

    name = "optimizer"

    def __init__(self, learning_rate: float):
        _check(self.name, "learning rate", learning_rate, math.inf)
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
        _check_gradients(self.name, parameters, gradients)
        pairs = zip(parameters.items(), gradients, strict=True)
        return {V: value - self.learning_rate * self.direction(V, G) for (V, value), G in pairs}

    def direction(self, V: Variable, gradient: np.ndarray) -> np.ndarray:
        """Return where to go, given the gradient with respect to ``V``; may remember it."""
        return gradient


class GradientDescent(Optimizer):
    """Step against the gradient: theta - learning_rate * gradient (Section 4.3)."""

    name = "gradient descent"


class Momentum(Optimizer):
    """Step along a velocity, to which every gradient adds (Section 8.3.2).

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float
        The share of the velocity that is left after a step, from 0 to below 1.

    An optimizer with a memory serves one training.
    """

    name = "momentum"

    def __init__(self, learning_rate: float, momentum: float = 0.9):
        super().__init__(learning_rate)
        _check(self.name, "momentum", momentum, 1, least=0)
        self.momentum, self._velocity = float(momentum), {}

    def direction(self, V, gradient):
        self._velocity[V] = self.momentum * self._velocity.get(V, 0.0) + gradient
        return self._velocity[V]


class Adam(Optimizer):
    """Step along the mean gradient over the root of the mean square of each entry (Section 8.5.3).

    Parameters
    ----------
    learning_rate : float
        Positive: about how far an entry moves in a step.
    rho1, rho2 : float
        The shares of the two means that are left after a step, from 0 to below 1.
    delta : float
        Positive; keeps an entry still whose gradients are all but 0.

    An optimizer with a memory serves one training.
    """

    name = "Adam"

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho1: float = 0.9,
        rho2: float = 0.999,
        delta: float = 1e-8,
    ):
        super().__init__(learning_rate)
        for what, rho in (("rho1", rho1), ("rho2", rho2)):
            _check(self.name, what, rho, 1, least=0)
        _check(self.name, "delta", delta, math.inf)
        self.rho1, self.rho2, self.delta = float(rho1), float(rho2), float(delta)
        self._memory: dict[Variable, tuple] = {}

    def direction(self, V, gradient):
        s, r, t = self._memory.get(V, (0.0, 0.0, 0))
        s = self.rho1 * s + (1 - self.rho1) * gradient
        r = self.rho2 * r + (1 - self.rho2) * gradient * gradient
        t += 1
        self._memory[V] = s, r, t
        # Both means began at 0, and are too small by a factor that is known.
        return s / (1 - self.rho1**t) / (np.sqrt(r / (1 - self.rho2**t)) + self.delta)


class Clipped:
    """Shorten the gradient to a norm, all parameters together, and step (Section 10.11.1).

    Parameters
    ----------
    optimizer : Optimizer
        What takes the step.
    norm : float
        Positive: longer gradients keep their direction and get this length.
    """

    name = "clipped"

    def __init__(self, optimizer: Optimizer, norm: float):
        _check(self.name, "norm", norm, math.inf)
        self.optimizer, self.norm = optimizer, float(norm)

    def step(
        self, parameters: Mapping[Variable, np.ndarray], gradients: list[np.ndarray]
    ) -> Values:
        """Return the parameters after one step; as :meth:`Optimizer.step`."""
        _check_gradients(self.name, parameters, gradients)
        # Divided by the largest entry first, so that squares do not overflow.
        largest = max((float(np.abs(G).max()) for G in gradients), default=0.0)
        if largest > 0 and math.isfinite(largest):
            length = math.sqrt(sum(float(np.square(G / largest).sum()) for G in gradients))
            if largest * length > self.norm:
                gradients = [G / largest * (self.norm / length) for G in gradients]
        return self.optimizer.step(parameters, gradients)


def _check(name: str, what: str, value: float, limit: float, least: float | None = None) -> None:
    """Raise a ValueError unless it is a number below the limit, and positive or at least so."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and value < limit and (value > 0 if least is None else value >= least)):
        wanted = "positive" if least is None else f"from {least} to below {limit}"
        raise ValueError(f"{name}: the {what} must be {wanted}, got {value}")


def _check_gradients(name: str, parameters: Mapping[Variable, np.ndarray], gradients: list) -> None:
    if len(gradients) != len(parameters):
        raise ValueError(
            f"{name}: {len(gradients)} gradients for {len(parameters)} parameters "
            f"({', '.join(V.name for V in parameters)})"
        )
    for (V, value), gradient in zip(parameters.items(), gradients, strict=True):
        if np.shape(gradient) != np.shape(value):
            raise ValueError(
                f"{name}: '{V.name}' has the shape {np.shape(value)}, its gradient "
                f"{np.shape(gradient)}"
            )
