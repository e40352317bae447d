"""Section 6.5: the learning algorithm, which uses the gradient and is not the gradient.

Look at :class:`GradientDescent` first: the others move along directions that they make of this
gradient and earlier ones. What they remember of those is a value that the caller holds.

Given variables in place of arrays, a step is a graph. Compiled once, it takes to rounding the steps
that it takes on arrays::

    theta = {V: V for V in network.parameters}
    memory = optimizer.start(theta)
    after, then = optimizer.step(theta, dl.backprop(theta, J), memory)
    inputs = [*theta, *memory.values(), *data]
    step = dl.compile([*after.values(), *then.values()], inputs)

    state = [*values.values(), *optimizer.start(values).values()]
    for _ in range(100):
        state = step(*state, *data.values())
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import reduce
from numbers import Real
from typing import Any, NoReturn, Protocol, overload

import numpy as np

from dlbook import operations as op
from dlbook.checks import real_number
from dlbook.graph import Variable, variable
from dlbook.showing import as_typed

# What a step takes: arrays alone or variables alone.
Arrays = Mapping[Variable, np.ndarray]
Symbols = Mapping[Variable, Variable]
# What an optimizer remembers: of each parameter, as memory["velocity", W], and of all, as
# memory["t"]. Nobody changes one; every step returns a new one.
Key = str | tuple[str, Variable]
Memory = dict[Key, Any]
KINDS = ("an array", "a variable")
ALONE = "a step takes arrays alone or variables alone"


class CanStep(Protocol):
    """What training asks of an optimizer; it may remember whatever it likes."""

    def step(
        self,
        parameters: Mapping[Variable, np.ndarray],
        gradients: list[np.ndarray],
        memory: Any = None,
    ) -> tuple[Mapping[Variable, np.ndarray], Any]:
        """Return the parameters after one step, in the same order, and the memory for the next.

        The memory is ``None`` at first, and then what the step before has returned.
        """
        ...


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
    remembers: tuple[str, ...] = ()  # for each parameter, of its shape and dtype

    def __init__(self, learning_rate: float):
        _check(self.name, "learning rate", learning_rate, math.inf)
        self.learning_rate = float(learning_rate)  # a plain number keeps float32 as it is

    @overload
    def step(
        self,
        parameters: Arrays,
        gradients: Iterable[np.ndarray] | Arrays,
        memory: Mapping[Key, Any] | None = None,
    ) -> tuple[dict[Variable, np.ndarray], Memory]: ...
    @overload
    def step(
        self,
        parameters: Symbols,
        gradients: Iterable[Variable] | Symbols,
        memory: Mapping[Key, Any] | None = None,
    ) -> tuple[dict[Variable, Variable], Memory]: ...
    def step(
        self,
        parameters: Arrays | Symbols,
        gradients: Iterable[Any] | Arrays | Symbols,
        memory: Mapping[Key, Any] | None = None,
    ) -> tuple[dict[Variable, Any], Memory]:
        """Return the parameters after one step, and the memory; those given stay as they are.

        Parameters
        ----------
        parameters : dict of Variable to array, or of Variable to Variable
            With variables for values, the result is the graph of the next values.
        gradients : list or dict
            One for each parameter and of its shape: in the same order, or by the same variables,
            as :func:`~dlbook.backpropagation.backprop` gives them. Arrays if the parameters are,
            else variables.
        memory : dict, optional
            What the step before has returned, or :meth:`start`; without it this is the first.

        Returns
        -------
        parameters : dict
            By the same variables and of the same dtypes.
        memory : dict
            For the next step.

        Raises
        ------
        ValueError
            If a gradient is missing, or has another shape than its parameter, or the memory is
            that of other parameters or of another optimizer.
        TypeError
            If arrays and variables are mixed, or something is neither.
        """
        found = _by_parameter(self.name, parameters, gradients)
        keys = self._keys(parameters)
        if memory is None:
            memory = dict.fromkeys(keys, 0.0)
        else:
            _check_memory(self.name, parameters, memory, keys)
        directions, memory = self.directions(found, memory)
        after = {V: value - self.learning_rate * directions[V] for V, value in parameters.items()}
        return after, {key: memory[key] for key in keys}  # in an order that one can rely on

    def start(self, parameters: Arrays | Symbols) -> Memory:
        """Return the memory before the first step, or variables that stand for any memory.

        Parameters
        ----------
        parameters : dict of Variable to array, or of Variable to Variable

        Returns
        -------
        dict
            Zeros for arrays: the values with which a compiled step begins. For variables new ones
            named as ``velocity_W``: the inputs of a step's graph.

        Raises TypeError if arrays and variables are mixed, or something is neither.
        """
        _check_parameters(self.name, parameters)
        return {
            (what, V): variable(f"{what}_{V.name}", value.shape, value.dtype)
            if isinstance(value, Variable)
            else np.zeros_like(value)
            for what in self.remembers
            for V, value in parameters.items()
        }

    def directions(
        self, gradients: dict[Variable, Any], memory: Mapping[Key, Any]
    ) -> tuple[dict[Variable, Any], Memory]:
        """Return where to go, by parameter, and the memory after this step.

        The memory given is complete, with zeros before the first step.
        """
        return gradients, {}

    def _keys(self, parameters: Iterable[Variable]) -> list[Key]:
        return [(what, V) for what in self.remembers for V in parameters]

    def __repr__(self) -> str:
        return as_typed(self, always=["learning_rate"], unnamed=["learning_rate"])


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

    It remembers the ``velocity`` of each parameter.
    """

    name = "momentum"
    remembers = ("velocity",)

    def __init__(self, learning_rate: float, momentum: float = 0.9):
        super().__init__(learning_rate)
        _check(self.name, "momentum", momentum, 1, least=0)
        self.momentum = float(momentum)

    def directions(
        self, gradients: dict[Variable, Any], memory: Mapping[Key, Any]
    ) -> tuple[dict[Variable, Any], Memory]:
        velocity = {V: self.momentum * memory["velocity", V] + G for V, G in gradients.items()}
        return velocity, {("velocity", V): value for V, value in velocity.items()}


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

    It remembers ``s`` and ``r``, the two means, for each parameter, and ``t``, the number of steps.
    """

    name = "Adam"
    remembers = ("s", "r")

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

    def start(self, parameters: Arrays | Symbols) -> Memory:
        memory = super().start(parameters)
        symbols = any(isinstance(value, Variable) for value in parameters.values())
        return {**memory, "t": variable("t", ()) if symbols else 0.0}

    def directions(
        self, gradients: dict[Variable, Any], memory: Mapping[Key, Any]
    ) -> tuple[dict[Variable, Any], Memory]:
        t = memory["t"] + 1.0
        t = t if isinstance(t, Variable) else float(t)  # as above: NumPy's would have a dtype
        # Both means began at 0, and are too small by a factor that is known.
        of_s, of_r = 1 - self.rho1**t, 1 - self.rho2**t
        directions: dict[Variable, Any] = {}
        after: Memory = {"t": t}
        for V, G in gradients.items():
            s = self.rho1 * memory["s", V] + (1 - self.rho1) * G
            r = self.rho2 * memory["r", V] + (1 - self.rho2) * G * G
            after["s", V], after["r", V] = s, r
            directions[V] = s / _like(of_s, G) / (np.sqrt(r / _like(of_r, G)) + self.delta)
        return directions, after

    def _keys(self, parameters: Iterable[Variable]) -> list[Key]:
        return [*super()._keys(parameters), "t"]


class GradientClipping:
    """Shorten the gradient to a norm, all parameters together, and step (Section 10.11.1).

    Parameters
    ----------
    optimizer : Optimizer
        What takes the step, and remembers.
    norm : float
        Positive: longer gradients keep their direction and get this length.
    """

    name = "clipped"

    def __init__(self, optimizer: CanStep, norm: float):
        if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
            raise TypeError(
                f"{self.name}: the optimizer must be an object with a step, such as "
                f"dl.GradientDescent(0.1), got {optimizer!r}"
            )
        _check(self.name, "norm", norm, math.inf)
        self.optimizer: Any = optimizer
        self.norm = float(norm)

    @overload
    def step(
        self,
        parameters: Arrays,
        gradients: Iterable[np.ndarray] | Arrays,
        memory: Any = None,
    ) -> tuple[Mapping[Variable, np.ndarray], Any]: ...
    @overload
    def step(
        self,
        parameters: Symbols,
        gradients: Iterable[Variable] | Symbols,
        memory: Any = None,
    ) -> tuple[Mapping[Variable, Variable], Any]: ...
    def step(
        self,
        parameters: Arrays | Symbols,
        gradients: Iterable[Any] | Arrays | Symbols,
        memory: Any = None,
    ) -> tuple[Mapping[Variable, Any], Any]:
        """Return the parameters after one step, and the memory; as :meth:`Optimizer.step`."""
        found = list(_by_parameter(self.name, parameters, gradients).values())
        symbols = any(isinstance(G, Variable) for G in found)
        shorten = _shortened_graph if symbols else _shortened
        return self.optimizer.step(parameters, shorten(found, self.norm), memory)

    def start(self, parameters: Arrays | Symbols) -> Any:
        """Return the memory of what takes the step; as :meth:`Optimizer.start`."""
        return self.optimizer.start(parameters)

    def __repr__(self) -> str:
        return f"GradientClipping({self.optimizer!r}, {self.norm!r})"


def _shortened(gradients: list[np.ndarray], norm: float) -> list[np.ndarray]:
    # Divided by the largest entry first, so that squares do not overflow.
    largest = max((float(np.abs(G).max()) for G in gradients), default=0.0)
    if largest > 0 and math.isfinite(largest):
        length = math.sqrt(sum(float(np.square(G / largest).sum()) for G in gradients))
        if largest * length > norm:
            return [G / largest * (norm / length) for G in gradients]
    return gradients


def _shortened_graph(gradients: list[Variable], norm: float) -> list[Variable]:
    """Do what ``_shortened`` does, without a choice that needs the values."""
    largest = reduce(op.maximum, [op.max(op.abs(G)).astype(np.float64) for G in gradients])
    some = op.where(largest > 0, op.where(largest < math.inf, largest, 1.0), 1.0)
    parts = [G / _like(some, G) for G in gradients]
    squares = [op.sum(op.square(part)).astype(np.float64) for part in parts]
    share = norm / op.maximum(op.sqrt(reduce(op.add, squares)), 1.0)  # 1 only if there are zeros
    too_long = largest > op.where(largest < math.inf, share, math.inf)  # no product to overflow
    share = op.where(too_long, share, 1.0)  # 0 would make NaN of what is infinite
    pairs = zip(gradients, parts, strict=True)
    return [op.where(too_long, part * _like(share, G), G) for G, part in pairs]


def _like(number: Any, G: Any) -> Any:
    """Give a variable the dtype of ``G``; a plain number of Python takes it anyway."""
    as_it_is = not isinstance(number, Variable) or number.dtype == G.dtype
    return number if as_it_is else number.astype(G.dtype)


def _check(name: str, what: str, value: float, limit: float, least: float | None = None) -> None:
    """Raise a ValueError unless it is a number below the limit, and positive or at least so."""
    enough = real_number(value) and (value > 0 if least is None else value >= least)
    if not (enough and value < limit):
        wanted = "positive" if least is None else f"from {least} to below {limit}"
        raise ValueError(f"{name}: the {what} must be {wanted}, got {value!r}")


def _by_parameter(
    name: str, parameters: Mapping[Variable, Any], gradients: Any
) -> dict[Variable, Any]:
    """Return the gradients by parameter, all there and like their parameters."""
    _check_parameters(name, parameters)
    if isinstance(gradients, Mapping):
        _check_same(name, "the gradients must be by the parameters", parameters, gradients)
        found = {V: gradients[V] for V in parameters}
    elif isinstance(gradients, Variable) or not isinstance(gradients, Iterable):
        raise TypeError(f"{name}: the gradients must be a list or a dict, got {_kind(gradients)}")
    else:
        gradients = list(gradients)
        if len(gradients) != len(parameters):
            raise ValueError(
                f"{name}: {len(gradients)} gradients for {len(parameters)} parameters "
                f"({', '.join(V.name for V in parameters)})"
            )
        found = dict(zip(parameters, gradients, strict=True))
    for V, gradient in found.items():
        _check_like(name, V, parameters[V], "gradient", gradient)
    return found


def _check_memory(
    name: str, parameters: Mapping[Variable, Any], memory: Any, keys: list[Key]
) -> None:
    if not isinstance(memory, Mapping):
        raise TypeError(
            f"{name}: the memory must be None or the dict that a step has returned, got "
            f"{_kind(memory)}"
        )
    _check_same(name, "the memory must be of this optimizer and these parameters", keys, memory)
    for key in keys:
        if isinstance(key, tuple):
            what, V = key
            _check_like(name, V, parameters[V], what, memory[key])
        else:
            _check_number(name, parameters, key, memory[key])


def _check_number(name: str, parameters: Mapping[Variable, Any], what: str, found: Any) -> None:
    if isinstance(found, Variable):
        for V, value in parameters.items():
            if not isinstance(value, Variable):
                _refuse_mixture(name, V, value, what, found)
    if _kind(found) not in KINDS or _shape(found) != ():
        raise TypeError(f"{name}: the {what} in the memory must be a number, got {found!r}")


def _check_parameters(name: str, parameters: Any) -> None:
    if not isinstance(parameters, Mapping) or not all(isinstance(V, Variable) for V in parameters):
        raise TypeError(
            f"{name}: the parameters must be a dict from variables to their values, got "
            f"{parameters!r}"
        )
    kinds = {V: _kind(value) for V, value in parameters.items()}
    for V, kind in kinds.items():
        first = next(iter(kinds))
        if kind not in KINDS:
            raise TypeError(
                f"{name}: the parameter '{V.name}' must be an array or a variable, got {kind}"
            )
        if kind != kinds[first]:
            raise TypeError(
                f"{name}: {ALONE}, but the parameter '{first.name}' is {kinds[first]} and the "
                f"parameter '{V.name}' is {kind}"
            )


def _check_like(name: str, V: Variable, value: Any, what: str, found: Any) -> None:
    """Raise an error unless what is found for a parameter is of its kind and shape."""
    if type(found) is type(value) and getattr(found, "shape", None) == _shape(value):
        return  # most of the time
    if _kind(found) != _kind(value):
        _refuse_mixture(name, V, value, what, found)
    if _shape(found) != _shape(value):
        raise ValueError(
            f"{name}: '{V.name}' has the shape {_shape(value)}, its {what} {_shape(found)}"
        )


def _refuse_mixture(name: str, V: Variable, value: Any, what: str, found: Any) -> NoReturn:
    raise TypeError(
        f"{name}: {ALONE}, but the parameter '{V.name}' is {_kind(value)} and its {what} is "
        f"{_kind(found)}"
    )


def _check_same(name: str, wanted: str, keys: Iterable[Any], found: Mapping[Any, Any]) -> None:
    """Raise a ValueError unless what is found has these keys and no others."""
    keys = dict.fromkeys(keys)
    if keys.keys() == found.keys():
        return
    lacking = [_key_text(key) for key in keys if key not in found]
    others = [_key_text(key) for key in found if key not in keys]
    facts = [f"{', '.join(lacking)} missing"] if lacking else []
    facts += [f"{', '.join(others)} too much"] if others else []
    hint = " (another variable, if of the same name)" if {*lacking} & {*others} else ""
    raise ValueError(f"{name}: {wanted}, but there is {' and '.join(facts)}{hint}")


def _key_text(key: Any) -> str:
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], Variable):
        return f"{key[0]} of '{key[1].name}'"
    return f"'{key.name}'" if isinstance(key, Variable) else str(key)


def _kind(value: Any) -> str:
    if isinstance(value, Variable):
        return "a variable"
    if hasattr(value, "dtype") or isinstance(value, Real):
        return "an array"
    return "None" if value is None else f"a {type(value).__name__}"


def _shape(value: Any) -> tuple[int | None, ...]:
    return value.shape if hasattr(value, "shape") else np.shape(value)
