"""Section 6.5.4: back-propagation through a fully connected network, Algorithms 6.3 and 6.4.

Look at :meth:`MLP.forward` and :meth:`MLP.backward` first, with the book's page open: layers are
numbered from 1, and ``W[k]`` has the printed shape, (units of layer k, units of layer k - 1). That
is the transpose of the weights elsewhere in dlbook. ``x`` may be one example, as printed, or a
design matrix with the examples as rows; so the product W h is written ``h @ W.T``, which computes
it for each row. For the general algorithm see ``dlbook.backpropagation``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


@dataclass(frozen=True)
class Activation:
    """An element-wise function f of the pre-activation a, and its derivative."""

    name: str
    f: Callable[[Array], Array] = field(repr=False)
    f_prime: Callable[[Array], Array] = field(repr=False)


def _tanh_slope(a: Array) -> Array:
    e = np.exp(-2.0 * np.abs(a))
    return 4.0 * e / (1.0 + e) ** 2  # 1 - tanh(a)^2, which would lose its digits in the tails


def _sigmoid(a: Array) -> Array:
    return np.exp(np.minimum(a, 0)) / (1.0 + np.exp(-np.abs(a)))  # 1 / (1 + exp(-a)), no overflow


identity = Activation("identity", lambda a: a, np.ones_like)
relu = Activation("relu", lambda a: np.maximum(a, 0.0), lambda a: (a > 0.0).astype(float))
tanh = Activation("tanh", np.tanh, _tanh_slope)
sigmoid = Activation("sigmoid", _sigmoid, lambda a: _sigmoid(a) * _sigmoid(-a))


@dataclass(frozen=True)
class Loss:
    """The loss L(y_hat, y) of each example, its gradient by y_hat, and a check of the target y."""

    name: str
    L: Callable[[Array, Array], Array] = field(repr=False)
    gradient: Callable[[Array, Array], Array] = field(repr=False)
    target: Callable[[Array, ArrayLike], Array] = field(repr=False)


def _same_shape(y_hat: Array, y: ArrayLike) -> Array:
    y = _array("squared error: y", y, 1, 2)
    if y.shape != y_hat.shape:
        raise ValueError(f"squared error: expected y of the shape {y_hat.shape}, got {y.shape}")
    return y


def _labels(y_hat: Array, y: ArrayLike) -> Array:
    y, classes = np.array(y), y_hat.shape[-1]
    if y.dtype.kind not in "iu" or y.shape != y_hat.shape[:-1]:
        raise ValueError(
            f"cross-entropy: expected integer labels y of the shape {y_hat.shape[:-1]}, got "
            f"{y.dtype} of shape {y.shape}"
        )
    if y.min() < 0 or y.max() >= classes:
        wrong = y.min() if y.min() < 0 else y.max()
        raise ValueError(f"cross-entropy: expected labels from 0 to {classes - 1}, got {wrong}")
    return y


def _log_softmax(z: Array) -> Array:
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


# Half the squared distance of y_hat and y (Equation 6.13).
squared_error = Loss(
    "squared error",
    lambda y_hat, y: 0.5 * ((y_hat - y) ** 2).sum(axis=-1),
    lambda y_hat, y: y_hat - y,
    _same_shape,
)
# Minus the log-softmax of the logits y_hat, at the label y (Equation 6.30).
cross_entropy = Loss(
    "cross-entropy",
    lambda y_hat, y: -np.take_along_axis(_log_softmax(y_hat), y[..., None], axis=-1)[..., 0],
    lambda y_hat, y: np.exp(_log_softmax(y_hat)) - np.eye(y_hat.shape[-1])[y],
    _labels,
)


@dataclass(frozen=True)
class Forward:
    """What Algorithm 6.3 computed: ``a[1]`` to ``a[l]``, ``h[0]`` to ``h[l]``, ``y_hat``, ``J``."""

    a: dict[int, Array]
    h: dict[int, Array]
    y_hat: Array
    y: Array
    J: float


@dataclass(frozen=True)
class Gradients:
    """What Algorithm 6.4 computed: the gradients of J; ``g[k]`` is the one by ``a[k]``."""

    W: dict[int, Array]
    b: dict[int, Array]
    x: Array
    g: dict[int, Array]


class MLP:
    """A fully connected network of depth l with its cost, J = L(y_hat, y) + lambda Omega(theta).

    Omega is the sum of the squares of all weights; biases are left out, as in Equation 6.56. Of a
    design matrix, L is the mean over the examples.

    Parameters
    ----------
    W : sequence of l arrays
        Layer k has the shape (units of layer k, units of layer k - 1).
    b : sequence of l arrays
        Layer k has the shape (units of layer k,).
    f : sequence of l Activation
    loss : Loss
    lambda_ : float

    Attributes
    ----------
    W, b, f : dict
        By the number of the layer, from 1 to l. The arrays are copies, in float64.

    Raises
    ------
    TypeError, ValueError
        If a layer does not fit the one before it, something is missing, or is NaN or infinite;
        or if the cross-entropy gets probabilities of a sigmoid for its logits.
    """

    def __init__(
        self,
        W: Sequence[ArrayLike],
        b: Sequence[ArrayLike],
        f: Sequence[Activation],
        loss: Loss = squared_error,
        lambda_: float = 0.0,
    ):
        for name, given in (("W", W), ("b", b), ("f", f)):
            if not isinstance(given, Sequence | np.ndarray):
                raise TypeError(f"MLP: expected a list of one {name} for each layer, got {given!r}")
        if not len(W) == len(b) == len(f) > 0:
            counts = f"{len(W)} W, {len(b)} b and {len(f)} f"
            raise ValueError(f"MLP: expected one W, b and f for each layer, got {counts}")
        if not all(isinstance(f_k, Activation) for f_k in f) or not isinstance(loss, Loss):
            raise TypeError(f"MLP: expected f of type Activation and a Loss, got {f} and {loss}")
        if loss is cross_entropy and f[-1] is sigmoid:
            raise ValueError(
                "MLP: cross_entropy takes logits and makes probabilities of them itself, so the "
                "last layer's f must not be sigmoid; use identity"
            )
        if not (isinstance(lambda_, int | float | np.number) and 0 <= lambda_ < np.inf):
            raise ValueError(f"MLP: expected a lambda_ that is not negative, got {lambda_}")
        self.W = {k: _array(f"MLP: W[{k}]", W_k, 2) for k, W_k in enumerate(W, start=1)}
        self.b = {k: _array(f"MLP: b[{k}]", b_k, 1) for k, b_k in enumerate(b, start=1)}
        self.f = dict(enumerate(f, start=1))
        self.l, self.loss, self.lambda_ = len(W), loss, lambda_
        for k in self.W:
            before = len(self.W[k - 1]) if k > 1 else self.W[1].shape[1]
            expected = (len(self.b[k]), before)
            if self.W[k].shape != expected:
                raise ValueError(
                    f"MLP: layer {k} has {expected[0]} biases and gets {before} inputs, so W[{k}] "
                    f"must have the shape {expected}, got {self.W[k].shape}"
                )

    def __repr__(self) -> str:
        sizes = [self.W[1].shape[1], *map(len, self.b.values())]
        units = ", ".join(f_k.name for f_k in self.f.values())
        return f"<layerwise.MLP of {sizes} units: {units}; {self.loss.name}>"

    def Omega(self) -> float:
        """Return the sum of the squares of all weights (Equation 6.56)."""
        return sum(float(np.sum(W_k**2)) for W_k in self.W.values())

    def forward(self, x: ArrayLike, y: ArrayLike) -> Forward:
        """Compute the cost J, and every value on the way to it (Algorithm 6.3).

        Parameters
        ----------
        x : array of shape (n,) or (m, n)
        y : array
            For ``squared_error`` of the shape of y_hat; for ``cross_entropy`` integer labels, of
            shape () or (m,).

        Raises
        ------
        ValueError
            If x or y has another shape, or contains NaN or infinity.
        FloatingPointError
            If the cost is not finite.
        """
        x, n = _array("forward: x", x, 1, 2), self.W[1].shape[1]
        if x.shape[-1] != n:
            raise ValueError(f"forward: expected x of shape ({n},) or (m, {n}), got {x.shape}")
        a, h = {}, {0: x}
        for k in range(1, self.l + 1):
            a[k] = self.b[k] + h[k - 1] @ self.W[k].T
            h[k] = self.f[k].f(a[k])
        y_hat = h[self.l]
        y = self.loss.target(y_hat, y)
        J = float(self.loss.L(y_hat, y).mean() + self.lambda_ * self.Omega())
        _check_finite("forward: the cost J", J)
        return Forward(a, h, y_hat, y, J)

    def backward(self, run: Forward) -> Gradients:
        """Compute the gradient of J, from the output back to the first layer (Algorithm 6.4).

        Takes what :meth:`forward` returned, and raises TypeError otherwise; ValueError if the
        shapes in it are those of another network, FloatingPointError if a gradient is not finite.
        """
        grad_W, grad_b, grad_a = {}, {}, {}
        g = self._output_gradient(run)
        for k in range(self.l, 0, -1):
            g = g * self.f[k].f_prime(run.a[k])
            grad_a[k] = g
            rows, h = np.atleast_2d(g, run.h[k - 1])  # an example alone is a design matrix of one
            grad_b[k] = rows.sum(axis=0)  # and no Omega: it leaves out the biases
            grad_W[k] = rows.T @ h + self.lambda_ * 2.0 * self.W[k]
            g = g @ self.W[k]
            _check_finite(f"backward: the gradient by W[{k}]", grad_W[k])
        return Gradients(grad_W, grad_b, g, grad_a)

    def deltas(self, run: Forward) -> dict[int, Array]:
        """Return the error terms, delta^(2) to delta^(l + 1), of the delta notation.

        It counts the input as layer 1, so its z^(k + 1) is the book's a^(k), its a^(k + 1) the
        book's h^(k), and its delta^(k + 1) the g of Algorithm 6.4. W^(k) and b^(k) are the same,
        and have the gradients delta^(k + 1) (a^(k))^T and delta^(k + 1), without weight decay.
        """
        z = {k + 1: a_k for k, a_k in run.a.items()}
        f_prime = {k + 1: f_k.f_prime for k, f_k in self.f.items()}
        n_l = self.l + 1
        delta = {n_l: self._output_gradient(run) * f_prime[n_l](z[n_l])}
        for k in range(n_l - 1, 1, -1):
            delta[k] = (delta[k + 1] @ self.W[k]) * f_prime[k](z[k])
        return delta

    def _output_gradient(self, run: Forward) -> Array:
        if not isinstance(run, Forward):
            raise TypeError(f"backward: takes what forward returned, got {run!r}")
        sizes = {k: h_k.shape[-1] for k, h_k in run.h.items()}
        expected = {0: self.W[1].shape[1]} | {k: len(b_k) for k, b_k in self.b.items()}
        if sizes != expected:
            raise ValueError(f"backward: expected layers of {expected} units, got {sizes}")
        return self.loss.gradient(run.y_hat, run.y) / len(np.atleast_2d(run.y_hat))


def _array(where: str, value: ArrayLike, *ndims: int) -> Array:
    try:
        array = np.array(value)
    except ValueError as error:
        raise ValueError(f"{where}: expected an array, got rows that differ: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where}: expected real numbers, got {array.dtype}")
    if array.ndim not in ndims or array.size == 0:
        expected = " or ".join(map(str, ndims))
        raise ValueError(f"{where}: expected {expected} axes, none empty, got shape {array.shape}")
    if not np.isfinite(array).all():
        first = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(f"{where}: expected finite numbers, got {array[first]} at {first}")
    return array.astype(float)


def _check_finite(where: str, value: float | Array) -> None:
    if not np.isfinite(value).all():
        raise FloatingPointError(f"{where} is not finite; smaller weights or inputs may help")
