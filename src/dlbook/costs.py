"""Section 6.2.1: cost functions, from the principle of maximum likelihood and without it.

Look at :func:`maximum_likelihood` first: for every output unit it is the same line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from dlbook.checks import shape_text
from dlbook.distributions import Distribution
from dlbook.graph import Variable
from dlbook.operations import abs, constant, mean, square, sum
from dlbook.operations.base import as_variables
from dlbook.operations.elementwise import add_up
from dlbook.operators import Operand


def maximum_likelihood(p: Distribution, y: Operand) -> Variable:
    """Return J, the mean of -log p(y | x) over the examples (Equation 6.12).

    Parameters
    ----------
    p : Distribution
        What an output unit gives for the features of the examples.
    y : Variable, shape (m, ...)
        The targets; an array, if the number of examples is known.

    Raises
    ------
    ValueError, TypeError
        If the targets are none of this distribution.
    """
    if not isinstance(p, Distribution):
        raise TypeError(
            f"maximum likelihood: needs the distribution that an output unit gives, got "
            f"{type(p).__name__}"
        )
    return mean(p.negative_log_likelihood(y)).named("J_MLE")


def squared_error(y_hat: Operand, y: Operand) -> Variable:
    """Return the mean of ||y - y_hat||^2 over the examples (Equations 6.1 and 6.14).

    Parameters
    ----------
    y_hat, y : Variable or array, shape (m,) or (m, d)

    Raises ValueError if the shapes differ.
    """
    return _over_examples("squared error", y_hat, y, square)


def absolute_error(y_hat: Operand, y: Operand) -> Variable:
    """Return the mean of ||y - y_hat||_1 over the examples (Equation 6.16).

    Parameters
    ----------
    y_hat, y : Variable or array, shape (m,) or (m, d)

    Raises ValueError if the shapes differ.
    """
    return _over_examples("absolute error", y_hat, y, abs)


def _over_examples(
    name: str, y_hat: Operand, y: Operand, of: Callable[[Variable], Variable]
) -> Variable:
    y_hat, y = as_variables(name, y_hat, y)
    if y_hat.shape != y.shape or y.ndim == 0:
        # (m,) and (m, 1) would repeat each other to (m, m), and train on nonsense.
        raise ValueError(
            f"{name}: '{y_hat.name}' {shape_text(y_hat.shape)} and '{y.name}' "
            f"{shape_text(y.shape)} must have one shape, examples first"
        )
    errors = of(y - y_hat)
    return mean(sum(errors, axis=tuple(range(1, y.ndim))) if y.ndim > 1 else errors)


def weight_decay(weights: Iterable[Variable]) -> Variable:
    """Return the sum of all squared weights, Omega in J = J_MLE + lambda Omega (Equation 6.56).

    Its gradient is 2 W. Many texts write lambda / 2 in place of lambda, so that the gradient of
    the product is lambda W: the same penalty under half the number.

    Raises
    ------
    ValueError
        If there are no weights.
    TypeError
        If one variable is given, and not a list of them.
    """
    if isinstance(weights, Variable):
        raise TypeError(f"weight decay: takes a list of variables, got '{weights.name}' alone")
    weights = list(weights)
    for W in weights:
        if not isinstance(W, Variable):
            raise TypeError(
                f"weight decay: takes variables, got {type(W).__name__}; the weight itself, not "
                f"its value"
            )
    omega = add_up(sum(square(W)) for W in weights)
    if omega is None:
        raise ValueError("weight decay: there must be at least one weight")
    return omega.named("Omega")


def expected_cost(
    cost: Callable[[Variable], Variable], f: Variable, y: ArrayLike, p: ArrayLike
) -> Variable:
    """Return E[cost(y - f(x))] over a known distribution, exactly (Equations 6.14 and 6.16).

    Parameters
    ----------
    cost : function of Variable
        Of the error, entry by entry: ``dl.square`` or ``dl.abs``.
    f : Variable, shape (n,)
        The prediction for each of n values of x: a function as a table.
    y : array, shape (k,)
        The values that y can take.
    p : array, shape (n, k)
        P(x, y): not negative, and 1 in total.

    Raises
    ------
    ValueError
        If the shapes do not fit, or ``p`` is no distribution.
    """
    targets: np.ndarray = np.asarray(y, f.dtype)
    shares: np.ndarray = np.asarray(p, f.dtype)
    if shares.shape != (*f.shape, *targets.shape) or shares.ndim != 2:
        raise ValueError(
            f"expected cost: needs f (n,), y (k,) and p (n, k), got {shape_text(f.shape)}, "
            f"{targets.shape} and {shares.shape}"
        )
    if not ((shares >= 0).all() and np.isclose(shares.sum(), 1)):
        raise ValueError(
            f"expected cost: the probabilities must not be negative and add up to 1, but the "
            f"least is {shares.min():g} and their sum {shares.sum():g}"
        )
    errors = constant(targets[None, :], name="y") - f.reshape(len(shares), 1)
    return sum(constant(shares, name="p") * cost(errors))
