"""What runs beside a student's code. It knows nothing of what is right: when a class is graded, it
can be read by the code it runs beside.

An adapter asks an answer that is no function of arrays: a graph, an operation, a class. It is
called as ``adapter(answer, *arguments)`` and returns arrays and plain values. ``calling.py`` calls
an answer, ``clock.py`` ends it in time; ``session.py`` does both in the sandbox, and talks to the
grader in the words of ``wire.py``.
"""

import numpy as np

import dlbook as dl


def graph(build, *arrays):
    """Let a function that builds a graph be called with arrays: variables in, values out.

    Raises
    ------
    TypeError
        If what the function returns is no variable, or a tuple of variables.
    """
    variables = [
        dl.variable(f"x{number}", np.shape(array), np.asarray(array).dtype)
        for number, array in enumerate(arrays)
    ]
    built = build(*variables)
    several = isinstance(built, (tuple, list))
    for output in built if several else [built]:
        if output is None:
            return None
        if not isinstance(output, dl.Variable):
            kind = type(output).__name__
            raise TypeError(f"it should return a dl.Variable, built from its arguments; got {kind}")
    program = dl.compile(list(built) if several else [built], inputs=variables)
    values = program(*arrays)
    return tuple(values) if several else values[0]
