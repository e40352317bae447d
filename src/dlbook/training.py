"""Section 6.2: gradient-based learning, the loop that repeats gradient and step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from dlbook.backprop import backprop
from dlbook.checks import check_values
from dlbook.graph import Variable
from dlbook.program import check_input, compile


@dataclass(frozen=True)
class Trained:
    """What training leaves behind.

    Attributes
    ----------
    parameters : dict of Variable to array
        The values after the last step.
    costs : array, shape (steps + 1,)
        The cost before each step, and after the last.
    recorded : list of array, each of shape (steps + 1, ...)
        The values of the recorded variables at the same moments.
    """

    parameters: dict[Variable, np.ndarray]
    costs: np.ndarray
    recorded: list[np.ndarray]


def train(
    J: Variable,
    parameters: Mapping[Variable, Any],
    data: Mapping[Variable, Any],
    optimizer: Any,
    steps: int,
    record: Iterable[Variable] = (),
) -> Trained:
    """Minimise a cost on the whole training set.

    Parameters
    ----------
    J : Variable
        The cost, a scalar.
    parameters : dict of Variable to array
        The parameters with their initial values.
    data : dict of Variable to array
        Values of the other inputs of ``J``.
    optimizer : object
        Its ``step(parameters, gradients)`` returns the next parameters, as
        :meth:`~dlbook.optimizers.GradientDescent.step` does.
    steps : int
    record : list of Variable, optional
        Variables of the same graph whose values are kept at every step.

    Raises
    ------
    ValueError, TypeError
        If data or parameters have a wrong shape or dtype, are empty or contain NaN; if the number
        of steps is negative.
    FloatingPointError
        If the cost or a gradient stops being finite; the message says at which step.
    """
    if not (isinstance(steps, int | np.integer) and steps >= 0):
        raise ValueError(
            f"train: the number of steps must be 0 or a whole number above, got {steps!r}"
        )
    record = list(record)
    gradients = backprop(parameters, J)
    outputs = [J, *record, *(gradients[V] for V in parameters)]
    program = compile(outputs, [*parameters, *data])
    parameters = {V: _checked(V, value).copy() for V, value in parameters.items()}
    data = {V: _checked(V, value) for V, value in data.items()}
    costs, recorded = [], [[] for _ in record]
    # The bar goes to a terminal only, so that notebooks and logs stay the same from run to run.
    for step in tqdm(range(steps + 1), desc="training", disable=None, leave=False):
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the step
            cost, *values = program(*parameters.values(), *data.values())
        _check_finite(step, {J: cost, **dict(zip(parameters, values[len(record) :], strict=True))})
        costs.append(cost)
        for kept, value in zip(recorded, values, strict=False):
            kept.append(value)
        if step < steps:
            parameters = optimizer.step(parameters, values[len(record) :])
    return Trained(parameters, np.array(costs), [np.array(kept) for kept in recorded])


def _checked(V: Variable, value: Any) -> np.ndarray:
    """Return the value as an array; NaN is looked for here, once, and not in every step."""
    array = check_input(V, value)
    check_values("train", f"'{V.name}'", array)
    return array


def _check_finite(step: int, found: Mapping[Variable, np.ndarray]) -> None:
    """Raise a FloatingPointError if the cost or the gradient of a parameter is not finite."""
    for number, (V, value) in enumerate(found.items()):
        if not np.isfinite(value).all():
            what = f"the gradient of '{V.name}' is not finite" if number else f"the cost is {value}"
            raise FloatingPointError(
                f"train: {what} after {step} steps; a smaller learning rate may help"
            )
