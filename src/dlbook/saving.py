"""Parameters in a file: NumPy's ``.npz``, each array by the name of its variable."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from dlbook.checks import in_the_name_of
from dlbook.graph import Variable
from dlbook.programs.values import check_input


def save(path: str | os.PathLike[str], values: Mapping[Variable, ArrayLike]) -> None:
    """Write values of variables to a file, such as ``Trained.parameters``.

    ``numpy.load`` reads it, too. What was there before is replaced once all is written.

    Parameters
    ----------
    path : str or path
        ``.npz`` is added if it is not there.
    values : dict of Variable to array
        The variables have different names.

    Raises
    ------
    ValueError
        If two variables have one name, or a value does not fit its variable.
    TypeError
        If something else than variables is given, or a value has another dtype.
    """
    if not isinstance(values, Mapping) or not values:
        found = "an empty one" if isinstance(values, Mapping) else f"a {type(values).__name__}"
        raise TypeError(
            f"save: the values must be a dict from variables to arrays, such as "
            f"Trained.parameters, got {found}"
        )
    _check_variables("save", values)
    with in_the_name_of("save"):
        arrays = {V.name: check_input(V, value) for V, value in values.items()}
    path = _with_suffix(path)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        # numpy.savez takes names as arguments, and so could not save a variable named 'file'.
        with zipfile.ZipFile(unfinished, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: str | os.PathLike[str], variables: Iterable[Variable]) -> dict[Variable, np.ndarray]:
    """Read the values of variables from a file that :func:`save` has written.

    Parameters
    ----------
    path : str or path
    variables : list of Variable
        All that the file has values for, in any order: ``network.parameters``.

    Returns
    -------
    dict of Variable to array

    Raises
    ------
    ValueError
        If the file has no value for a variable, or one for something else, or of another shape.
    TypeError
        If a value has another dtype than its variable, or something else than variables is given.
    FileNotFoundError
        If there is no such file.
    """
    variables = list(variables)
    _check_variables("load", variables)
    path = _with_suffix(path)
    with np.load(path, allow_pickle=False) as file:
        names = {V.name for V in variables}
        for there, wanted, what in (
            (set(file.files), names, "no value for"),
            (names, set(file.files), "values for what is not among the variables:"),
        ):
            if missing := sorted(wanted - there):
                raise ValueError(
                    f"load: {path} has {what} {', '.join(missing)}; it holds "
                    f"{', '.join(sorted(file.files))}, and {', '.join(sorted(names))} are wanted"
                )
        with in_the_name_of("load"):
            return {V: check_input(V, file[V.name]) for V in variables}


def _check_variables(where: str, variables: Iterable[Variable]) -> None:
    variables = list(variables)
    for V in variables:
        if not isinstance(V, Variable):
            raise TypeError(f"{where}: takes variables, got {V!r}")
    twice = [name for name, times in Counter(V.name for V in variables).items() if times > 1]
    if twice:
        raise ValueError(
            f"{where}: several variables are named {', '.join(sorted(twice))}; in a file, each "
            f"needs a name of its own"
        )


def _with_suffix(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    return path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")


__all__ = ["load", "save"]
