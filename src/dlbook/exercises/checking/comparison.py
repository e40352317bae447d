"""What is different between an answer and what was expected, in a student's terms."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Difference:
    """A headline, and a text that says more where there is more to say."""

    headline: str
    text: str = ""


def difference(answer, expected, rtol=1e-6, atol=1e-9):
    """Return the `Difference` between an answer and what was expected, or None."""
    if answer is None:
        return Difference("returns None", "Is there a return at the end?")
    if answer is Ellipsis or answer is NotImplemented:
        return Difference("returns no value", "The dots are still there.")
    if isinstance(expected, (bool, str)) or expected is None:
        return _plain(answer, expected)
    if isinstance(expected, dict):
        return _dicts(answer, expected, rtol, atol)
    if isinstance(expected, (tuple, list)) and not _is_numeric(expected):
        return _sequences(answer, expected, rtol, atol)
    return _arrays(answer, expected, rtol, atol)


def _is_numeric(sequence):
    return bool(sequence) and all(isinstance(item, (int, float, np.number)) for item in sequence)


def _plain(answer, expected):
    if isinstance(expected, bool) and isinstance(answer, (bool, np.bool_)):
        return None if bool(answer) == expected else Difference("not so")
    if type(answer) is not type(expected):
        wanted = type(expected).__name__
        return Difference(f"a {type(answer).__name__} where a {wanted} was expected")
    return None if answer == expected else Difference("not so")


def _dicts(answer, expected, rtol, atol):
    if not isinstance(answer, dict):
        return Difference(f"a {type(answer).__name__} where a dict was expected")
    if missing := [key for key in expected if key not in answer]:
        return Difference(f"{missing[0]!r} is missing from the dict")
    if extra := [key for key in answer if key not in expected]:
        return Difference(f"{extra[0]!r} does not belong into the dict")
    for key, value in expected.items():
        if found := difference(answer[key], value, rtol, atol):
            return Difference(f"at {key!r}: {found.headline}", found.text)
    return None


def _sequences(answer, expected, rtol, atol):
    if _stacks(answer, expected):
        answer = list(answer)
    if not isinstance(answer, (tuple, list)):
        count = len(expected)
        return Difference(f"a {type(answer).__name__} where {count} values were expected")
    if len(answer) != len(expected):
        return Difference(f"{len(answer)} values where {len(expected)} were expected")
    for number, (mine, theirs) in enumerate(zip(answer, expected, strict=True), 1):
        if found := difference(mine, theirs, rtol, atol):
            return Difference(f"value {number} of {len(expected)}: {found.headline}", found.text)
    return None


def _stacks(answer, expected):
    """Whether an array stands for several values of one shape, as ``np.array([a, b])`` does."""
    if not isinstance(answer, np.ndarray) or answer.shape[:1] != (len(expected),):
        return False
    return all(isinstance(e, np.ndarray) and e.shape == answer.shape[1:] for e in expected)


def _arrays(answer, expected, rtol, atol):
    expected = np.asarray(expected)
    try:
        answer = np.asarray(answer)
    except Exception:
        kind = type(answer).__name__
        return Difference(f"a {kind} that is no array of numbers, where numbers were expected")
    if answer.dtype.kind not in "biufc":
        kind = (
            type(answer.item()).__name__ if answer.ndim == 0 else "list that is no array of numbers"
        )
        return Difference(f"a {kind} where numbers were expected")
    if answer.shape != expected.shape:
        return _shapes(answer, expected)
    if answer.dtype.kind == "c" and expected.dtype.kind != "c":
        return Difference("complex numbers where real ones were expected")
    if expected.dtype.kind in "biu":
        return None if np.array_equal(answer, expected) else _values(answer, expected, atol)
    if answer.dtype == np.float32 and rtol >= 1e-6:  # it has seven digits, and is right with them
        rtol, atol = max(rtol, 1e-4), max(atol, 1e-6)
    close = np.isclose(answer, expected, rtol=rtol, atol=atol, equal_nan=True)
    return None if close.all() else _values(answer, expected, atol)


def _shapes(answer, expected):
    text = ""
    if answer.size == expected.size and answer.ndim != expected.ndim:
        text = "The numbers may be right; an axis too many or too few."
    elif answer.shape == expected.shape[::-1]:
        text = "Rows and columns have changed places."
    return Difference(f"shape {answer.shape} where {expected.shape} was expected", text)


def _values(answer, expected, atol):
    if np.isnan(answer).any() and not np.isnan(expected).any():
        return Difference("returns nan", "Something overflowed, or 0 met infinity.")
    if np.isinf(answer).any() and not np.isinf(expected).any():
        return Difference("returns infinity", "Something overflowed, or was divided by 0.")
    text = ""
    with np.errstate(all="ignore"):
        a, e = answer.astype(float), expected.astype(float)
        if np.allclose(a, -e) and not np.allclose(e, 0):
            text = "The sign is turned round."
        elif a.ndim == 2 and a.shape[0] == a.shape[1] and np.allclose(a, e.T, atol=atol):
            text = "Rows and columns have changed places."
        elif np.allclose(a, e, rtol=1e-3, atol=1e-9):
            off = f"{np.max(np.abs(a - e)):.2g}"
            text = f"It is close, off by {off}: rounded, or from a formula that loses digits."
        elif (np.abs(e) > 1e-6).all() and e.size > 1:
            ratio = a / e
            if np.allclose(ratio, ratio.flat[0], rtol=1e-4) and ratio.flat[0] != 0:
                text = f"Here it is {ratio.flat[0]:.4g} times what was expected."
    return Difference("another value than expected", text)


def floats(value, *shape):
    """Return an array of floats, or None if a value is no array of numbers of this shape."""
    try:
        array = np.asarray(value)
    except ValueError:  # a list in a list
        return None
    return array.astype(float) if array.dtype.kind in "iuf" and array.shape == shape else None
