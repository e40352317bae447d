"""Section 6.2: gradient-based learning, the loop that repeats gradient and step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
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


def minimize(
    J: Variable,
    parameters: Mapping[Variable, Any],
    data: Mapping[Variable, Any],
    tolerance: float = 1e-9,
    steps: int = 10_000,
) -> Trained:
    """Minimise a cost until its gradient is all but zero, by SciPy's L-BFGS.

    For small problems whose exact minimum matters; the steps are of any length.

    Parameters
    ----------
    J, parameters, data
        As for :func:`train`; all parameters are float64.
    tolerance : float
        Positive: the search ends when no entry of the gradient is larger. Where rounding ends it
        before, a gradient of 100 times as much, or of 1e-6, is taken for a minimum, too.
    steps : int
        Positive: how many steps at most.

    Returns
    -------
    Trained
        ``costs`` holds the cost at the start and after each step.

    Raises
    ------
    ValueError, TypeError
        As :func:`train`; if there is no parameter, or one is float32.
    RuntimeError
        If no minimum is found: the message says how large the gradient still is, or that the
        search left the finite numbers.
    """
    _check_search(parameters, tolerance, steps)
    gradients = backprop(parameters, J)
    program = compile([J, *(gradients[V] for V in parameters)], [*parameters, *data])
    start = {V: _checked(V, value, "minimize") for V, value in parameters.items()}
    data = {V: _checked(V, value, "minimize") for V, value in data.items()}
    ends = np.cumsum([value.size for value in start.values()])

    def parts(theta):
        pieces = np.split(theta, ends[:-1])
        return [piece.reshape(V.shape) for V, piece in zip(start, pieces, strict=True)]

    def cost_and_gradient(theta):
        if not np.isfinite(theta).all():
            raise RuntimeError(
                f"minimize: the search left the finite numbers after J = {costs[-1]:g}; another "
                f"start may help"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # a step too far; the search returns
            J, *gradients = program(*parts(theta), *data.values())
        return J, np.concatenate([G.reshape(-1) for G in gradients])

    theta, costs = np.concatenate([value.reshape(-1) for value in start.values()]), [np.nan]
    costs = [float(cost_and_gradient(theta)[0])]
    options = {"maxiter": steps, "maxfun": 10 * steps, "gtol": tolerance, "ftol": 0.0, "maxcor": 30}
    found = scipy.optimize.minimize(
        cost_and_gradient,
        theta,
        jac=True,
        method="L-BFGS-B",
        options=options,
        callback=lambda intermediate_result: costs.append(float(intermediate_result.fun)),
    )
    largest = np.abs(cost_and_gradient(found.x)[1]).max()
    if not largest <= max(100 * tolerance, 1e-6):
        raise RuntimeError(
            f"minimize: stopped at J = {found.fun:g} after {found.nit} steps with a gradient of "
            f"{largest:g}, and not at a minimum: {found.message}"
        )
    return Trained(dict(zip(start, parts(found.x), strict=True)), np.array(costs), [])


def _check_search(parameters: Iterable[Variable], tolerance: float, steps: int) -> None:
    """Raise an error if there is nothing to search, or a limit makes no sense."""
    parameters = list(parameters)
    if not parameters:
        raise ValueError("minimize: there must be at least one parameter")
    for V in parameters:
        if V.dtype != np.float64:
            raise TypeError(f"minimize: needs float64 parameters, but '{V.name}' is {V.dtype}")
    if not (isinstance(steps, int | np.integer) and steps > 0):
        raise ValueError(
            f"minimize: the number of steps must be a positive whole number, got {steps!r}"
        )
    if not 0 < tolerance < np.inf:
        raise ValueError(f"minimize: the tolerance must be positive, got {tolerance}")


def _checked(V: Variable, value: Any, where: str = "train") -> np.ndarray:
    """Return the value as an array; NaN is looked for here, once, and not in every step."""
    array = check_input(V, value)
    check_values(where, f"'{V.name}'", array)
    return array


def _check_finite(step: int, found: Mapping[Variable, np.ndarray]) -> None:
    """Raise a FloatingPointError if the cost or the gradient of a parameter is not finite."""
    for number, (V, value) in enumerate(found.items()):
        if not np.isfinite(value).all():
            what = f"the gradient of '{V.name}' is not finite" if number else f"the cost is {value}"
            raise FloatingPointError(
                f"train: {what} after {step} steps; a smaller learning rate may help"
            )
