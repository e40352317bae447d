"""An example of an operation: how to draw one use of it, and what NumPy gives for it.

Each module beside this one whose name begins with ``examples_`` has those of some operations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from strategies import broadcastable, rngs, some_values

import dlbook as dl


@dataclass(frozen=True)
class Example:
    """One use of an operation: with these arrays it should give what ``numpy`` gives."""

    operation: dl.Operation
    arrays: list[np.ndarray]
    numpy: Callable
    shapes: list[tuple] | None = None  # of the variables, if not those of the arrays

    def variables(self):
        shapes = self.shapes or [array.shape for array in self.arrays]
        return [
            dl.variable("abcdefgh"[i], shape, array.dtype)
            for i, (shape, array) in enumerate(zip(shapes, self.arrays, strict=True))
        ]

    @property
    def wanted(self):
        """The places of the inputs that have a gradient."""
        gives = self.operation.infer_dtype(*self.variables())
        if gives.kind != "f":
            return []
        return [i for i, array in enumerate(self.arrays) if array.dtype.kind == "f"]

    def f(self, *arrays):
        """What the operation computes; one of the results, if there are several."""
        return result_of(self.operation, arrays)


def result_of(operation, arrays):
    result = operation.f(*arrays)
    return result if operation.output is None else result[operation.output]


EXAMPLES_OF, DTYPES_OF = {}, {}
DTYPES = {"f": ["float64", "float32"], "i": ["int64", "int32"], "u": ["uint8"], "b": ["bool"]}
SIGNED = DTYPES["f"] + DTYPES["i"]


def example_of(kind, dtypes=None):
    """Register the function below as the one that draws examples of this operation.

    It is given the dtype of the values to draw: one of all that the operation takes, unless
    ``dtypes`` says which.
    """

    def register(make):
        EXAMPLES_OF[kind] = make
        DTYPES_OF[kind] = dtypes or [name for letter in kind.kinds for name in DTYPES[letter]]
        return make

    return register


def elementwise(kind, numpy, inputs=1, positive=False, dtypes=None):
    """Register an operation without settings that acts entry by entry."""

    @example_of(kind, dtypes)
    def make(draw, dtype):
        rng = draw(rngs)
        arrays = [some_values(rng, s, dtype, positive) for s in draw(broadcastable(inputs))]
        return Example(kind(), arrays, numpy)
