"""Section 6.5.3: back-propagation where every node is one number, Algorithms 6.1 and 6.2.

Look at :meth:`ScalarGraph.forward` and :meth:`ScalarGraph.backward` first, with the book's page
open: the names are the printed ones, and nodes are numbered from 1. What is done is counted in a
:class:`Counts`, if one is given. For the general algorithm see ``dlbook.backpropagation``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from numbers import Integral, Real
from typing import Any


@dataclass
class Counts:
    """How often each thing was done. A method that gets one counts on from where it stands."""

    function_evaluations: int = 0
    partial_derivatives: int = 0
    multiplications: int = 0
    additions: int = 0
    values_held: int = 0  # the most values of a chain kept at one time: Equations 6.52 and 6.53


@dataclass(frozen=True)
class Function:
    """A function of numbers: ``f``, and one partial derivative for each of its arguments."""

    name: str
    f: Callable[..., float] = field(repr=False)
    partials: tuple[Callable[..., float], ...] = field(repr=False)

    def evaluate(self, A: list[float], counts: Counts, where: str) -> float:
        """Return f(A); ``where`` names the node if an error has to be raised."""
        counts.function_evaluations += 1
        return _call(f"{where} = {self.name}", self.f, A)

    def differentiate(self, k: int, A: list[float], counts: Counts, where: str) -> float:
        """Return the partial derivative at A by the argument that stands at position k."""
        counts.partial_derivatives += 1
        return _call(
            f"the derivative of {where} = {self.name} by argument {k + 1}", self.partials[k], A
        )


def _tanh_slope(a: float) -> float:
    e = math.exp(-2.0 * abs(a))
    return 4.0 * e / (1.0 + e) ** 2  # 1 - tanh(a)^2, which would lose its digits in the tails


def _sigmoid(a: float) -> float:
    return math.exp(min(a, 0.0)) / (1.0 + math.exp(-abs(a)))  # 1 / (1 + exp(-a)), no overflow


add = Function("add", lambda a, b: a + b, (lambda a, b: 1.0, lambda a, b: 1.0))
subtract = Function("subtract", lambda a, b: a - b, (lambda a, b: 1.0, lambda a, b: -1.0))
multiply = Function("multiply", lambda a, b: a * b, (lambda a, b: b, lambda a, b: a))
divide = Function("divide", lambda a, b: a / b, (lambda a, b: 1.0 / b, lambda a, b: -a / b / b))
negate = Function("negate", lambda a: -a, (lambda a: -1.0,))
square = Function("square", lambda a: a * a, (lambda a: 2.0 * a,))
exp = Function("exp", math.exp, (math.exp,))
log = Function("log", math.log, (lambda a: 1.0 / a,))
sin = Function("sin", math.sin, (math.cos,))
cos = Function("cos", math.cos, (lambda a: -math.sin(a),))
tanh = Function("tanh", math.tanh, (_tanh_slope,))
sigmoid = Function("sigmoid", _sigmoid, (lambda a: _sigmoid(a) * _sigmoid(-a),))
relu = Function("relu", lambda a: max(a, 0.0), (lambda a: 1.0 if a > 0 else 0.0,))


class ScalarGraph:
    """Inputs u(1) to u(n_i), and then u(n_i + 1) to u(n), each a function of nodes before it.

    Parameters
    ----------
    n_i : int
        The number of inputs.
    nodes : iterable of tuple
        ``(function, parent, ...)`` for each computed node: ``(multiply, 1, 2)`` is u(1) u(2).

    Attributes
    ----------
    f, Pa : dict
        Of each computed node, by its number: the function, and the tuple of its parents. The book
        has a set of parents, so none stands there twice.
    edges : list of tuple of int
        ``(j, i)`` for each parent u(j) of u(i).
    children : dict of int to list of int

    Raises
    ------
    TypeError, ValueError
        If n_i is no positive whole number, or a node no such tuple with one parent for each
        partial derivative, all of them before it.
    """

    def __init__(self, n_i: int, nodes: Iterable[tuple[Any, ...]]):
        self.n_i = _whole("scalar graph: n_i", n_i)
        self.f: dict[int, Function] = {}
        self.Pa: dict[int, tuple[int, ...]] = {}
        for i, node in enumerate(nodes, start=self.n_i + 1):
            self.f[i], self.Pa[i] = _node(i, node)
        if not self.f:
            raise ValueError("scalar graph: expected at least one computed node")
        self.n = self.n_i + len(self.f)
        self.edges = [(j, i) for i, parents in self.Pa.items() for j in parents]
        self.children: dict[int, list[int]] = {j: [] for j in range(1, self.n + 1)}
        for j, i in self.edges:
            self.children[j].append(i)

    def __repr__(self) -> str:
        return f"<ScalarGraph: u(1) to u({self.n_i}) given, up to u({self.n}) computed>"

    def forward(self, x: Iterable[float], counts: Counts | None = None) -> dict[int, float]:
        """Compute every node, ``{i: u(i)}`` (Algorithm 6.1, Equation 6.48).

        The printed algorithm returns ``u[n]`` alone; Algorithm 6.2 needs the other values too.
        Raises TypeError or ValueError if x is not n_i numbers, or a node has no finite value.
        """
        counts = counts or Counts()
        u = _inputs(x, self.n_i)
        for i in range(self.n_i + 1, self.n + 1):
            A = [u[j] for j in self.Pa[i]]
            u[i] = self.f[i].evaluate(A, counts, f"u({i})")
        return u

    def backward(self, u: dict[int, float], counts: Counts | None = None) -> dict[int, float]:
        """Compute the derivative of u(n) by every node (Algorithm 6.2, Equation 6.49).

        Takes what :meth:`forward` returned, and returns ``grad_table``, of which the printed
        algorithm gives out the entries 1 to n_i. Raises TypeError or ValueError if u does not have
        the value of each node, or a derivative is not finite.
        """
        counts = counts or Counts()
        self._check("backward", u)
        grad_table = {self.n: 1.0}
        for j in range(self.n - 1, 0, -1):
            grad_table[j] = 0.0
            for i in self.children[j]:
                grad_table[j] += grad_table[i] * self._partial(i, j, u, counts)
                counts.multiplications += 1
                counts.additions += 1
            _number(f"backward: the derivative of u({self.n}) by u({j})", grad_table[j])
        return grad_table

    def paths(self, j: int) -> Iterator[tuple[int, ...]]:
        """Yield each path from u(j) to u(n), as the numbers of its nodes.

        There can be exponentially many. Raises ValueError if there is no node j.
        """
        if j not in self.children:
            raise ValueError(f"paths: expected a node from 1 to {self.n}, got {j!r}")
        unfinished: list[tuple[int, ...]] = [(j,)]
        while unfinished:
            path = unfinished.pop()
            if path[-1] == self.n:
                yield path
            unfinished.extend((*path, i) for i in reversed(self.children[path[-1]]))

    def sum_over_paths(self, j: int, u: dict[int, float], counts: Counts | None = None) -> float:
        """Return the derivative of u(n) by u(j) as a sum over all paths (Equation 6.55).

        Each path computes all of its edges, whatever other paths have computed. Raises what
        :meth:`paths` and :meth:`backward` raise.
        """
        counts = counts or Counts()
        self._check("sum over paths", u)
        total = 0.0
        for path in self.paths(j):
            product = 1.0
            for before, after in pairwise(path):
                product *= self._partial(after, before, u, counts)
                counts.multiplications += 1
            total += product
            counts.additions += 1
        return _number(f"sum over paths: the derivative of u({self.n}) by u({j})", total)

    def _partial(self, i: int, j: int, u: dict[int, float], counts: Counts) -> float:
        """Return the partial derivative of u(i) by its parent u(j): what one edge stands for."""
        A = [u[parent] for parent in self.Pa[i]]
        return self.f[i].differentiate(self.Pa[i].index(j), A, counts, f"u({i})")

    def _check(self, where: str, u: dict[int, float]) -> None:
        if not isinstance(u, dict) or u.keys() != self.children.keys():
            raise ValueError(
                f"{where}: expected the values of nodes 1 to {self.n}, as forward returns"
            )
        for i, value in u.items():
            _number(f"{where}: u({i})", value)


def chain_derivative_stored(
    function: Function, w: float, steps: int = 3, counts: Counts | None = None
) -> float:
    """Differentiate f(f(...f(w))) with f applied ``steps`` times (Equation 6.52).

    Each value is computed once and kept. Raises TypeError or ValueError if the function has not
    one argument, w is no finite number, steps is no positive whole number, or a result not finite.
    """
    counts, chain = counts or Counts(), [_chain_start(function, w, steps)]
    for _ in range(steps - 1):
        chain.append(function.evaluate([chain[-1]], counts, "chain"))
    counts.values_held = max(counts.values_held, len(chain))
    derivative = 1.0
    for value in reversed(chain):
        derivative *= function.differentiate(0, [value], counts, "chain")
        counts.multiplications += 1
    return _number("chain: the derivative", derivative)


def chain_derivative_recomputed(
    function: Function, w: float, steps: int = 3, counts: Counts | None = None
) -> float:
    """Differentiate the same chain, starting again from w for each factor (Equation 6.53).

    Only w and the value just computed are kept, at the price of steps (steps - 1) / 2 evaluations
    of f instead of steps - 1. Raises what :func:`chain_derivative_stored` raises.
    """
    counts, w = counts or Counts(), _chain_start(function, w, steps)
    counts.values_held = max(counts.values_held, min(steps, 2))
    derivative = 1.0
    for applications in reversed(range(steps)):
        value = w
        for _ in range(applications):
            value = function.evaluate([value], counts, "chain")
        derivative *= function.differentiate(0, [value], counts, "chain")
        counts.multiplications += 1
    return _number("chain: the derivative", derivative)


# --- Checks ---------------------------------------------------------------------------------------


def _number(where: str, value: Any) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{where}: expected one real number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {value}")
    return float(value)


def _call(where: str, function: Callable[..., float], A: list[float]) -> float:
    where = f"{where} at {A}"
    try:
        value = function(*A)
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"{where}: expected a finite number, got {error}") from None
    return _number(where, value)


def _whole(where: str, value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{where} must be a positive whole number, got {value!r}")
    return int(value)


def _chain_start(function: Any, w: Any, steps: Any) -> float:
    if not isinstance(function, Function) or len(function.partials) != 1:
        raise TypeError(f"chain: expected a Function of one argument, got {function!r}")
    _whole("chain: steps", steps)
    return _number("chain: w", w)


def _inputs(x: Any, n_i: int) -> dict[int, float]:
    if isinstance(x, dict | set) or not hasattr(x, "__len__") or len(x) != n_i:
        raise ValueError(f"forward: expected a list of n_i = {n_i} numbers, got {x!r}")
    return {i: _number(f"forward: x_{i}", x_i) for i, x_i in enumerate(x, start=1)}


def _node(i: int, node: Any) -> tuple[Function, tuple[int, ...]]:
    where = f"scalar graph: u({i})"
    if not isinstance(node, tuple) or not node or not isinstance(node[0], Function):
        raise TypeError(f"{where}: expected a tuple (function, parent, ...), got {node!r}")
    function, parents = node[0], node[1:]
    where = f"{where} = {function.name}"
    if not parents or len(parents) != len(function.partials):
        raise ValueError(
            f"{where}: expected one parent for each partial derivative, got the parents {parents} "
            f"for {len(function.partials)} partial derivatives"
        )
    for j in parents:
        if not isinstance(j, Integral) or isinstance(j, bool) or not 1 <= int(j) < i:
            raise ValueError(f"{where}: expected parents from 1 to {i - 1}, got {j!r}")
    if len(set(parents)) < len(parents):
        raise ValueError(f"{where}: expected each parent once, got {parents}")
    return function, tuple(map(int, parents))
