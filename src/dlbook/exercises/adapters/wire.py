"""What passes between a grader and a session: frames of JSON, a length before each.

Numbers, texts, arrays and lists, tuples and dicts of these; nothing that could run. The grader
takes whatever comes back for hostile: a frame that is too long, nested too deep or of another form
than `encode` makes is `Malformed`, and counts as the answer's failure.
"""

import base64
import json
import math
import os
import select
import struct
import time

import numpy as np

FRAME = 8 << 20  # bytes
NODES = 50_000  # lists, objects and what is in them
DEPTH = 24
DIGITS = 1000  # of an integer
HEAD = struct.Struct(">I")
DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in (
        "bool",
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}


class Malformed(ValueError):
    """A frame that `encode` cannot have made, or a value that it does not take."""


class Closed(EOFError):
    """The other side is gone."""


class Late(TimeoutError):
    """Nothing came in time."""


class Foreign:
    """Stands for a value that cannot be sent. Its class bears the name of the value's class."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def foreign(kind, text):
    """Make a `Foreign` that messages call by the name of its class."""
    name = kind if kind.isidentifier() and len(kind) < 50 else "object"
    return type(name, (Foreign,), {})(text[:200])


def encode(value, depth=0):
    """Turn a value into what JSON can hold."""
    if depth > DEPTH:
        raise Malformed("nested too deep")
    if value is None or isinstance(value, bool):
        return value
    if value is Ellipsis:
        return {"dots": 0}
    if isinstance(value, np.generic):
        return _encode_scalar(value)
    if isinstance(value, (str, int, float, complex)):
        return _encode_plain(value)
    if isinstance(value, (list, tuple)):
        items = [encode(item, depth + 1) for item in value]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict):
        pairs = [[encode(k, depth + 2), encode(v, depth + 2)] for k, v in value.items()]
        return {"dict": pairs}
    if isinstance(value, (np.ndarray, range)) or hasattr(value, "__array__"):
        return _encode_array(value)
    return _encode_foreign(value)


def _encode_plain(value):
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        number = int(value)
        return number if number.bit_length() < 3 * DIGITS else _encode_foreign(value)
    if isinstance(value, float):
        return float(value)
    return {"complex": [value.real, value.imag]}


def _encode_scalar(value):
    if isinstance(value, np.str_):
        return str(value)
    if value.dtype.kind == "f" and value.dtype.itemsize > 8:
        value = np.float64(value)
    if value.dtype.str not in DTYPES:
        return _encode_foreign(value)
    return {"scalar": [value.dtype.str, base64.b64encode(value.tobytes()).decode("ascii")]}


def _encode_array(value):
    try:
        array = np.asarray(value)
        if array.dtype.kind in "biufc" and array.dtype.str not in DTYPES:
            array = array.astype(
                {"f": "f8", "c": "c16"}.get(array.dtype.kind, array.dtype.kind + "8")
            )
    except Exception:
        return _encode_foreign(value)
    if array.dtype.str not in DTYPES:
        return _encode_foreign(value)
    if array.nbytes > FRAME:
        raise Malformed(f"a value of more than {FRAME >> 20} MiB")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    data = base64.b64encode(array.tobytes(order)).decode("ascii")
    shape = list(array.shape)
    return {"array": [array.dtype.str, shape, order, bool(array.flags.writeable), data]}


def _encode_foreign(value):
    try:
        text = repr(value)[:200]
    except Exception:
        text = object.__repr__(value)
    return {"foreign": [type(value).__name__, text]}


def decode(data, depth=0):
    """Turn what JSON held back into the value; the opposite of `encode`."""
    if depth > DEPTH:
        raise Malformed("nested too deep")
    if data is None or isinstance(data, (bool, int, float)):
        return data
    if isinstance(data, str):
        return data.encode("utf-8", "replace").decode("utf-8")  # half a character is none
    if isinstance(data, list):
        return [decode(item, depth + 1) for item in data]
    if not isinstance(data, dict) or len(data) != 1:
        raise Malformed("an object that is no value")
    ((tag, content),) = data.items()
    if tag not in _DECODERS:
        raise Malformed("an unknown kind of value")
    try:
        return _DECODERS[tag](content, depth)
    except Malformed:
        raise
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise Malformed(f"{tag}: {type(error).__name__}") from None


def _listed(content, length=None):
    if not isinstance(content, list) or (length is not None and len(content) != length):
        raise Malformed("a list of another length")
    return content


def _decode_tuple(content, depth):
    return tuple(decode(item, depth + 1) for item in _listed(content))


def _decode_dict(content, depth):
    result = {}
    for pair in _listed(content):
        key, value = (decode(part, depth + 2) for part in _listed(pair, 2))
        result[key] = value
    return result


def _decode_complex(content, _):
    real, imaginary = _listed(content, 2)
    if not isinstance(real, (int, float)) or not isinstance(imaginary, (int, float)):
        raise Malformed("complex")
    return complex(real, imaginary)


def _bytes(text, size):
    data = base64.b64decode(text.encode("ascii"), validate=True)
    if len(data) != size:
        raise Malformed("another number of bytes than the shape says")
    return data


def _numbers(dtype, data):
    if dtype.kind == "b":  # a byte that is neither 0 nor 1 is no bool
        return np.frombuffer(data, np.uint8) != 0
    return np.frombuffer(data, dtype).copy()


def _decode_scalar(content, _):
    name, text = _listed(content, 2)
    dtype = DTYPES[name]
    return _numbers(dtype, _bytes(text, dtype.itemsize))[0]


def _decode_array(content, _):
    name, shape, order, writeable, text = _listed(content, 5)
    dtype = DTYPES[name]
    whole = all(type(n) is int and 0 <= n < 1 << 31 for n in _listed(shape))
    if not whole or len(shape) > 16 or order not in ("C", "F") or type(writeable) is not bool:
        raise Malformed("array")
    array = _numbers(dtype, _bytes(text, math.prod(shape) * dtype.itemsize))
    array = array.reshape(shape, order=order)
    array.flags.writeable = writeable
    return array


def _decode_foreign(content, _):
    kind, text = _listed(content, 2)
    return foreign(decode(kind), decode(text))


def _decode_dots(*_):
    return Ellipsis


_DECODERS = {
    "tuple": _decode_tuple,
    "dict": _decode_dict,
    "complex": _decode_complex,
    "scalar": _decode_scalar,
    "array": _decode_array,
    "foreign": _decode_foreign,
    "dots": _decode_dots,
}


def pack(message, limit=FRAME):
    """Return the frame of a message, its length before it."""
    try:
        text = json.dumps(encode(message), ensure_ascii=True, separators=(",", ":"))
    except RecursionError:
        raise Malformed("nested too deep") from None
    except (TypeError, ValueError) as error:
        raise Malformed(str(error)) from None
    if len(text) > limit:
        raise Malformed(f"a value of more than {limit >> 20} MiB")
    return HEAD.pack(len(text)) + text.encode("ascii")


def unpack(body):
    """Return the message in a frame without its length.

    Raises
    ------
    Malformed
        For anything that `pack` cannot have made.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > NODES:
        raise Malformed("too many values")
    try:
        message = decode(json.loads(body.decode("ascii")))
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(message, dict):
        raise Malformed("not a message")
    return message


class Stream:
    """Messages over a pair of pipes.

    Parameters
    ----------
    incoming, outgoing : int
        File descriptors.
    """

    def __init__(self, incoming, outgoing):
        self.incoming, self.outgoing = incoming, outgoing

    def send(self, message, deadline=None):
        """Send a message, at the latest by a time of `time.monotonic`."""
        self.send_frame(pack(message), deadline)

    def send_frame(self, frame, deadline=None):
        """Send what `pack` made."""
        rest = memoryview(frame)
        if deadline is not None:
            os.set_blocking(self.outgoing, False)
        while rest:
            if deadline is not None:
                self._wait(self.outgoing, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self.outgoing, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed from error

    def receive(self, deadline=None):
        """Return the next message."""
        (length,) = HEAD.unpack(self._read(HEAD.size, deadline))
        if length > FRAME:
            raise Malformed("a frame that is too long")
        return unpack(self._read(length, deadline))

    def has_something(self):
        """Whether something has come that nobody has read yet."""
        poll = select.poll()
        poll.register(self.incoming, select.POLLIN)
        return bool(poll.poll(0))

    def _read(self, size, deadline):
        parts, missing = [], size
        while missing:
            if deadline is not None:
                self._wait(self.incoming, select.POLLIN, deadline)
            try:
                part = os.read(self.incoming, min(missing, 1 << 16))
            except OSError as error:
                raise Closed from error
            if not part:
                raise Closed
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    @staticmethod
    def _wait(descriptor, event, deadline):
        poll = select.poll()
        poll.register(descriptor, event)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late
            if poll.poll(math.ceil(1000 * left)):
                return
