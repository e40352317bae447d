"""Section 6.2: gradient-based learning, the loop that repeats gradient and step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy  # which loads a submodule where it is first used
from numpy.typing import ArrayLike

from dlbook.backpropagation import backprop
from dlbook.checks import (
    check_rng,
    check_values,
    in_the_name_of,
    real_number,
    shape_text,
    whole_number,
)
from dlbook.differentiability import check_slope
from dlbook.graph import Variable
from dlbook.optimizers import CanStep
from dlbook.programs.compiling import compile
from dlbook.programs.not_finite import first_not_finite
from dlbook.programs.program import Program
from dlbook.programs.values import check_input
from dlbook.waiting import progress

Values = dict[Variable, np.ndarray]


@dataclass(frozen=True)
class Trained:
    """What training leaves behind.

    Attributes
    ----------
    parameters : dict of Variable to array
        The values after the last step; with early stopping, those with the least validation error.
    costs : array, shape (steps + 1,)
        The cost before each step, and after the last; with minibatches, on the batch at hand.
        Fewer if training stopped early.
    recorded : list of array, each of shape (steps + 1, ...)
        The values of the recorded variables at the same moments.
    errors : array, shape (epochs,)
        The validation error at the end of each epoch, if there is one.
    epoch : int
        How many epochs the parameters have seen; 0 for the initial ones.
    memory : object
        What the optimizer remembered when the parameters had these values, to go on with;
        ``None`` before any step.
    """

    parameters: Values
    costs: np.ndarray
    recorded: list[np.ndarray]
    errors: np.ndarray = field(default_factory=lambda: np.empty(0))
    epoch: int = 0
    memory: Any = None

    def __repr__(self) -> str:
        if not len(self.costs):  # nothing was finite
            return "<Trained: no cost>"
        steps = (
            f"{len(self.costs) - 1:,} steps, cost from {self.costs[0]:.3g} to {self.costs[-1]:.3g}"
        )
        least = f", least error {self.errors.min():.3g}" if len(self.errors) else ""
        return f"<Trained: {steps}{least}>"


class TrainingDiverged(FloatingPointError):
    """Training met a cost or a gradient that is not finite.

    Attributes
    ----------
    trained : Trained
        What there was before: the last parameters with which all was finite, or the initial
        ones.
    """

    def __init__(self, message: str, trained: Trained):
        super().__init__(message)
        self.trained = trained

    def __reduce__(self) -> tuple[Any, ...]:  # to come back from another process
        return type(self), (str(self), self.trained)


def train(
    J: Variable,
    parameters: Mapping[Variable, ArrayLike],
    data: Mapping[Variable, ArrayLike],
    optimizer: CanStep,
    steps: int,
    record: Iterable[Variable] = (),
    *,
    memory: Any = None,
    batch_size: int | None = None,
    rng: np.random.Generator | None = None,
    validation: tuple[Variable, Mapping[Variable, ArrayLike]] | None = None,
    patience: int | None = None,
) -> Trained:
    """Minimise a cost: gradient, step, and again.

    Parameters
    ----------
    J : Variable
        The cost, a scalar.
    parameters : dict of Variable to array
        The parameters with their initial values.
    data : dict of Variable to array
        Values of the other inputs of ``J``.
    optimizer : object
        Its ``step(parameters, gradients, memory)`` returns the next parameters and the next
        memory, as :meth:`~dlbook.optimizers.CanStep.step` says.
    steps : int
    record : list of Variable, optional
        Variables of the same graph whose values are kept at every step.
    memory : optional
        ``Trained.memory`` of a training before this one, to go on from its parameters. Taken in
        two parts, with all examples at every step, training gives the same bits as at once.
    batch_size : int, optional
        To take so many examples for each step, all of them once in an epoch, in an order that
        ``rng`` draws; what is left over at the end of an epoch is too few and left out. Without it
        every step takes all examples, and is an epoch.
    rng : numpy.random.Generator, optional
        Needed for minibatches.
    validation : (Variable, dict of Variable to array), optional
        A number that depends on the parameters, and values for its other inputs: the error that
        is measured at the end of every epoch.
    patience : int, optional
        To stop early, when the validation error has not become less for so many epochs.

    Raises
    ------
    ValueError, TypeError
        If data or parameters have a wrong shape or dtype, are empty or contain NaN; if the cost
        changes with the parameters by jumps alone; if the number of steps is negative, a batch
        larger than the data or without ``rng``, or there is patience without validation.
    TrainingDiverged
        If the cost or a gradient stops being finite, or the validation error is NaN, a
        FloatingPointError; the message says at which step, and ``trained`` holds what there was
        before.
    """
    _check_whole("number of steps", steps, 0)
    _check_given("train", J, parameters, data)
    _check_optimizer(optimizer)
    record = [record] if isinstance(record, Variable) else record
    if not isinstance(record, Iterable) or isinstance(record, str):
        raise TypeError(f"train: record must be variables, got {record!r}")
    record = list(record)
    with in_the_name_of("train"):
        gradients = backprop(parameters, J)
        check_slope("train", J, parameters)
        outputs = [J, *record, *(gradients[V] for V in parameters)]
        program = compile(outputs, [*parameters, *data])
    theta = {V: _checked(V, value).copy() for V, value in parameters.items()}
    batches = _Batches({V: _checked(V, value) for V, value in data.items()}, batch_size, rng)
    watch = _Watch(validation, patience, theta)
    costs: list[np.ndarray] = []
    recorded: list[list[np.ndarray]] = [[] for _ in record]
    good = (theta, memory)

    def so_far(theta: Values, memory: Any, step: int) -> Trained:
        epoch = step // batches.per_epoch
        if patience is not None and watch.best is not None:
            (theta, memory), epoch = watch.best, watch.best_epoch
        kept = [np.array(values) for values in recorded]
        return Trained(theta, np.array(costs), kept, np.array(watch.errors), epoch, memory)

    step = 0
    bar = closing(progress(range(steps + 1), "training"))  # gone, whatever ends the loop
    # What is not finite is reported with the step, and needs no warning.
    quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
    with bar as moments, quiet, in_the_name_of("train"):
        for step in moments:
            batch = batches.next()
            cost, *values = program(*theta.values(), *batch)
            slopes = values[len(record) :]
            problem = _not_finite({J: cost, **dict(zip(theta, slopes, strict=True))})
            if not problem and step and step % batches.per_epoch == 0:
                problem = watch.measure(theta, memory)
            if problem:
                hint = "; a smaller learning rate may help" if step else ": before any step"
                where = first_not_finite(outputs, {**theta, **dict(zip(data, batch, strict=True))})
                hint += f"; {where}" if where else ""
                raise TrainingDiverged(
                    f"train: {problem} after {step} steps{hint}",
                    so_far(*good, max(step - 1, 0)),
                )
            costs.append(cost)
            for kept, value in zip(recorded, values, strict=False):
                kept.append(value)
            if step == steps or watch.has_enough:
                break
            good = theta, memory
            theta, memory = _stepped(optimizer.step(theta, slopes, memory), theta)
    return so_far(theta, memory, step)


def _stepped(result: Any, before: Values) -> tuple[Values, Any]:
    """Return what a step has returned if it is what was asked for: a dict unpacks, too."""
    if not isinstance(result, tuple) or len(result) != 2:
        found = f"{len(result)}" if isinstance(result, tuple) else f"a {type(result).__name__}"
        raise TypeError(
            f"train: the optimizer's step must return a tuple of two, the parameters and the "
            f"memory, got {found}"
        )
    if list(result[0]) != list(before):
        raise ValueError(
            "train: the optimizer's step must return the parameters by the same variables and in "
            "the same order"
        )
    return result


class _Batches:
    """Hands out the data: all of them, or some examples at a time."""

    def __init__(
        self,
        data: dict[Variable, np.ndarray],
        size: int | None,
        rng: np.random.Generator | None,
    ):
        self.data, self.size, self.rng = data, size, rng
        self.order, self.per_epoch = np.empty(0, np.int64), 1
        if size is None:
            return
        counts = {len(value) for V, value in data.items() if None in V.shape[:1]}
        _check_whole("batch size", size, 1)
        if len(counts) != 1 or size > min(counts):
            raise ValueError(
                f"train: a batch of {size} cannot be taken from data with "
                f"{', '.join(map(str, sorted(counts))) or 'no'} examples"
            )
        check_rng("train", rng)
        self.examples = counts.pop()
        self.per_epoch, self.place = self.examples // size, 0

    def next(self) -> list[np.ndarray]:
        if self.size is None:
            return list(self.data.values())
        if self.place % self.per_epoch == 0 and self.rng is not None:
            self.order = self.rng.permutation(self.examples)
        start = self.place % self.per_epoch * self.size
        chosen = self.order[start : start + self.size]
        self.place += 1
        return [value[chosen] if None in V.shape[:1] else value for V, value in self.data.items()]


class _Watch:
    """Measures the validation error, and remembers the best parameters (Section 7.8)."""

    def __init__(self, validation: Any, patience: int | None, parameters: Values):
        self.patience, self.best_epoch, self.least = patience, 0, np.inf
        self.program: Program | None = None
        self.errors: list[float] = []
        self.best: tuple[Values, Any] | None = None
        if patience is not None:
            _check_whole("patience", patience, 1)
            if validation is None:
                raise ValueError("train: to stop early needs a validation error")
        if validation is not None:
            if not isinstance(validation, tuple | list) or len(validation) != 2:
                raise TypeError(
                    f"train: validation is a pair, the error and a dict with the values of its "
                    f"inputs, got {validation!r}"
                )
            error, data = validation
            if not isinstance(error, Variable) or error.shape != ():
                raise ValueError(f"train: the validation error must be a scalar, got {error!r}")
            self.program = compile([error], [*parameters, *data])
            self.data = [_checked(V, value) for V, value in data.items()]

    def measure(self, parameters: Values, memory: Any) -> str:
        """Measure the error at the end of an epoch; return what is wrong with it, if anything."""
        if self.program is None:
            return ""
        error = float(self.program(*parameters.values(), *self.data)[0])
        if np.isnan(error):
            return "the validation error is nan"
        self.errors.append(error)
        if error < self.least:
            self.least, self.best_epoch = error, len(self.errors)
            self.best = dict(parameters), memory
        return ""

    @property
    def has_enough(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and len(self.errors) - self.best_epoch >= self.patience


def minimize(
    J: Variable,
    parameters: Mapping[Variable, ArrayLike],
    data: Mapping[Variable, ArrayLike],
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
    _check_given("minimize", J, parameters, data)
    _check_search(parameters, tolerance, steps)
    with in_the_name_of("minimize"):
        gradients = backprop(parameters, J)
        check_slope("minimize", J, parameters)
        program = compile([J, *(gradients[V] for V in parameters)], [*parameters, *data])
    start = {V: _checked(V, value, "minimize") for V, value in parameters.items()}
    given = [_checked(V, value, "minimize") for V, value in data.items()]
    ends = np.cumsum([value.size for value in start.values()])

    def parts(theta: np.ndarray) -> list[np.ndarray]:
        pieces = zip(np.split(theta, ends[:-1]), start.values(), strict=True)
        return [piece.reshape(value.shape) for piece, value in pieces]

    def cost_and_gradient(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not np.isfinite(theta).all():
            raise RuntimeError(
                f"minimize: the search left the finite numbers after J = {costs[-1]:g}; another "
                f"start may help"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # a step too far; the search returns
            J, *gradients = program(*parts(theta), *given)
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
    if not (whole_number(steps) and steps > 0):
        raise ValueError(
            f"minimize: the number of steps must be a positive whole number, got {steps!r}"
        )
    if not (real_number(tolerance) and 0 < tolerance < np.inf):
        raise ValueError(f"minimize: the tolerance must be positive, got {tolerance!r}")


def _check_given(where: str, J: Any, parameters: Any, data: Any) -> None:
    """Raise a TypeError if something else than a variable and two dicts of values is given."""
    if not isinstance(J, Variable):
        raise TypeError(f"{where}: the cost must be a variable, got {J!r}")
    if isinstance(parameters, Mapping) and not parameters:
        raise ValueError(f"{where}: there must be at least one parameter")
    for what, given in (("parameters", parameters), ("data", data)):
        if not isinstance(given, Mapping):
            raise TypeError(
                f"{where}: the {what} must be a dict from variables to their values, got a "
                f"{type(given).__name__}"
            )
        for V in given:
            if not isinstance(V, Variable):
                raise TypeError(
                    f"{where}: the {what} must have variables for keys, got {V!r}; the variable "
                    f"itself is the key, not its name"
                )
    for V in parameters:
        if None in V.shape or V.operation is not None:
            what = "depends on the number of examples" if None in V.shape else "is computed"
            raise ValueError(
                f"{where}: '{V.name}' {shape_text(V.shape)} cannot be a parameter, since it "
                f"{what}; parameters come before data"
            )


def _check_optimizer(optimizer: Any) -> None:
    if not callable(getattr(optimizer, "step", None)) or isinstance(optimizer, type):
        called = f"; call it: {optimizer.__name__}(0.1)" if isinstance(optimizer, type) else ""
        cure = called or ", such as dl.GradientDescent(0.1)"
        raise TypeError(
            f"train: the optimizer must be an object with a step{cure}, got {optimizer!r}"
        )


def _checked(V: Variable, value: Any, where: str = "train") -> np.ndarray:
    """Return the value as an array; NaN is looked for here, once, and not in every step."""
    with in_the_name_of(where):
        array = check_input(V, value)
    check_values(where, f"'{V.name}'", array)
    return array


def _check_whole(what: str, value: Any, least: int) -> None:
    if not (whole_number(value) and value >= least):
        raise ValueError(
            f"train: the {what} must be {least} or a whole number above, got {value!r}"
        )


def _not_finite(found: Mapping[Variable, np.ndarray]) -> str:
    """Return what of the cost and the gradients is not finite, if anything is."""
    for number, (V, value) in enumerate(found.items()):
        # One number tells most of the time; where the sum overflows, a closer look does.
        if not np.isfinite(np.add.reduce(value, axis=None)) and not np.isfinite(value).all():
            return f"the gradient of '{V.name}' is not finite" if number else f"the cost is {value}"
    return ""
