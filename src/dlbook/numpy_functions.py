"""NumPy's functions on variables: ``np.exp(W)`` is ``dl.exp(W)``, and adds a node to the graph.

NumPy asks a variable before it computes. Where there is an operation of that name, it is called; a
setting that it has not is refused. Where there is none, the error says what to write instead.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Functions = Mapping[str, Callable[..., Any]]

# What to write in place of what there is no operation for.
INSTEAD = {
    "add.reduce": "sum(x, axis=0)",
    "arctanh": "0.5 * log((1 + x) / (1 - x))",
    "average": "mean(x)",
    "cbrt": "sign(x) * abs(x) ** (1 / 3)",
    "cosh": "(exp(x) + exp(-x)) / 2",
    "einsum": "a product with @, sums and transposes",
    "exp2": "exp(np.log(2) * x)",
    "expit": "sigmoid(x)",
    "float_power": "x ** y",
    "fmax": "maximum(a, b)",
    "fmin": "minimum(a, b)",
    "hstack": "concatenate([a, b], axis=1)",
    "hypot": "sqrt(a ** 2 + b ** 2)",
    "inner": "a @ b.T",
    "log10": "log(x) / np.log(10)",
    "log2": "log(x) / np.log(2)",
    "log_expit": "log_sigmoid(x)",
    "logaddexp": "logsumexp(stack([a, b]), axis=0)",
    "maximum.reduce": "max(x, axis=0)",
    "minimum.reduce": "min(x, axis=0)",
    "ones_like": "broadcast_like(1.0, x)",
    "outer": "a[:, None] * b",
    "positive": "x",
    "ptp": "max(x) - min(x)",
    "ravel": "reshape(x, -1)",
    "reciprocal": "1 / x",
    "sinh": "(exp(x) - exp(-x)) / 2",
    "swapaxes": "transpose(x, ...)",
    "tan": "sin(x) / cos(x)",
    "vdot": "sum(a * b)",
    "vstack": "concatenate([a, b])",
    "zeros_like": "broadcast_like(0.0, x)",
}


# What NumPy's signs for bools call: an array stands left of them.
BITWISE = {"bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not"}


def call_ufunc(
    functions: Functions, V: Any, ufunc: np.ufunc, method: str, inputs: tuple, settings: dict
) -> Any:
    """Do what ``Variable.__array_ufunc__`` is for; raise a TypeError if it cannot be done."""
    name = BITWISE.get(ufunc.__name__, ufunc.__name__)
    if "out" in settings:
        raise TypeError(
            f"{_called(ufunc)}: '{V.name}' has no value yet that could be written into an array; "
            f"leave out= away, and write a = a + x in place of a += x"
        )
    if settings:
        raise TypeError(
            f"{_called(ufunc)}: takes no {min(settings)}= where an input is a variable, as "
            f"'{V.name}' is"
        )
    operation = functions.get(name) or next(
        (f for f in functions.values() if getattr(f, "ufunc", "") == name), None
    )
    if method != "__call__" or operation is None:
        raise _missing(functions, V, ufunc, "" if method == "__call__" else f".{method}")
    takes = inspect.signature(getattr(operation, "f", operation)).parameters
    if len(takes) != len(inputs):
        raise _misfit(ufunc, operation)
    return operation(*inputs)


def call_function(functions: Functions, V: Any, function: Any, args: tuple, kwargs: dict) -> Any:
    """Do what ``Variable.__array_function__`` is for; raise a TypeError if it cannot be done."""
    if function in (np.shape, np.ndim):
        return getattr(V, function.__name__)
    operation = functions.get(function.__name__)
    if operation is None or function.__module__ not in ("numpy", "numpy.linalg"):
        raise _missing(functions, V, function)
    positional, named = _translated(function, operation, args, kwargs)
    try:
        inspect.signature(operation).bind(*positional, **named)
    except TypeError:
        raise _misfit(function, operation) from None
    return operation(*positional, **named)


def _translated(function: Any, operation: Any, args: tuple, kwargs: dict) -> tuple[list, dict]:
    """Return the arguments as the operation takes them: what it must have in order, else by name.

    Raises a TypeError if it has no such argument, or one is left out that is not the same then.
    """
    try:
        theirs = inspect.signature(function)
    except ValueError:  # some versions of NumPy do not tell
        return list(args), kwargs
    ours = inspect.signature(operation).parameters
    needed = [p for p in ours.values() if p.default is p.empty]
    given = theirs.bind(*args, **kwargs).arguments
    positional, named = [], {}
    for place, (name, parameter) in enumerate(theirs.parameters.items()):
        own = ours.get(name)
        if name in given and place < len(needed) and own in (None, needed[place]):
            positional.append(given[name])
        elif name in given and own is not None:
            named[name] = given[name]
        elif name in given and given[name] is not parameter.default:
            raise _misfit(function, operation, f", and no {name}")
        elif own and parameter.default is None and own.default not in (None, own.empty):
            raise _misfit(function, operation, f"; say which {name}, by default it is not NumPy's")
    return positional, named


def _misfit(function: Any, operation: Any, why: str = "") -> TypeError:
    """Return the error where the operation takes other arguments than NumPy's function."""
    name = getattr(operation, "name", function.__name__)
    takes = ", ".join(inspect.signature(getattr(operation, "f", operation)).parameters)
    return TypeError(f"{_called(function)}: dlbook's {name} takes {takes}{why}")


def _missing(functions: Functions, V: Any, function: Any, method: str = "") -> TypeError:
    """Return the error where there is no operation: with what to write, or a name that is close."""
    name = function.__name__ + method
    close = difflib.get_close_matches(name, functions, n=1, cutoff=0.8)
    if name in INSTEAD:
        cure = f"write {INSTEAD[name]}"
    elif close:
        cure = f"the closest is dlbook's {close[0]}"
    else:
        cure = "where its value is wanted, take dlbook.evaluate first"
    return TypeError(
        f"{_called(function)}{method}: '{V.name}' is a variable, and dlbook has no operation of "
        f"that name; {cure}"
    )


def _called(function: Any) -> str:
    """Return how a function is called: ``np.linalg.norm``."""
    module = getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is not function:
        return function.__name__
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"
