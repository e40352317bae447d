"""The data of the chapter: made by code, or part of scikit-learn, but for MNIST.

MNIST alone has to be fetched, and no notebook needs it.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from dlbook.checks import check_rng, needed_by, whole_number


def xor() -> tuple[np.ndarray, np.ndarray]:
    """Return the four points of XOR and what the function says there (Section 6.1).

    Returns
    -------
    X : array of float64, shape (4, 2)
        One point a row, in the order of Equation 6.7.
    y : array of float64, shape (4,)
        1 where exactly one of the two entries is 1, else 0.
    """
    X = np.array([(x1, x2) for x1 in (0, 1) for x2 in (0, 1)], dtype=np.float64)
    y = np.logical_xor(X[:, 0], X[:, 1]).astype(np.float64)
    return X, y


def sign_of_product(
    examples: int, distractors: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points whose label is whether the first two coordinates agree in sign (Section 6.0).

    XOR once more, spread over a continuum and hidden among coordinates that do not matter.

    Parameters
    ----------
    examples : int
        The number of points, m.
    distractors : int
        How many coordinates have nothing to do with the label.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 2 + distractors)
        Uniform between -1 and 1.
    y : array of float64, shape (examples,)
        1 where the first two coordinates have the same sign, else 0.

    Raises
    ------
    ValueError
        If there is to be no example, or a negative number of distractors.
    """
    if examples < 1 or distractors < 0:
        raise ValueError(
            f"sign_of_product: needs at least 1 example and 0 distractors, got {examples} and "
            f"{distractors}"
        )
    check_rng("sign_of_product", rng)
    X = rng.uniform(-1.0, 1.0, size=(examples, 2 + distractors))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.float64)
    return X, y


def heteroscedastic(
    examples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a curve whose noise grows from left to right (Section 6.2.2.4).

    Parameters
    ----------
    examples : int
        The number of points, m.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 1)
        Uniform between -2 and 2, in ascending order.
    y : array of float64, shape (examples,)
        sin(2 x) and normal noise.
    sigma : array of float64, shape (examples,)
        The standard deviation of the noise at each x: from about 0.05 to about 0.55.

    Raises ValueError if there is to be no example.
    """
    _check_examples("heteroscedastic", examples)
    check_rng("heteroscedastic", rng)
    x = np.sort(rng.uniform(-2.0, 2.0, size=examples))
    sigma = 0.05 + 0.5 / (1 + np.exp(-3 * x))
    y = np.sin(2 * x) + sigma * rng.normal(size=examples)
    return x[:, None], y, sigma


def turning(
    examples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw points in a plane whose covariance turns with x (Section 6.2.2.4).

    Parameters
    ----------
    examples : int
        The number of points, m.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 1)
        Uniform between -1 and 1, in ascending order.
    Y : array of float64, shape (examples, 2)
        Normal: standard deviation 0.4 along a direction that makes half a turn, 0.1 across it.
    means : array of float64, shape (examples, 2)
        The expected target of each example.
    covariances : array of float64, shape (examples, 2, 2)

    Raises ValueError if there is to be no example.
    """
    _check_examples("turning", examples)
    check_rng("turning", rng)
    x = np.sort(rng.uniform(-1.0, 1.0, size=examples))
    means = np.stack([2 * x, 0.5 * np.cos(3 * x)], axis=1)
    angle = np.pi * x / 2
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    B = np.stack([0.4 * along, 0.1 * across], axis=2)
    Y = means + (B @ rng.normal(size=(examples, 2, 1)))[:, :, 0]
    return x[:, None], Y, means, B @ B.transpose(0, 2, 1)


def three_branches(examples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw points from three curves at once, which one by chance (Section 6.2.2.4, Figure 6.4).

    :func:`three_branches_parameters` gives the shares, the curves and the widths.

    Parameters
    ----------
    examples : int
        The number of points, m.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 1)
        Uniform between -2 and 2, in ascending order.
    y : array of float64, shape (examples,)

    Raises ValueError if there is to be no example.
    """
    _check_examples("three_branches", examples)
    check_rng("three_branches", rng)
    X = np.sort(rng.uniform(-2.0, 2.0, size=(examples, 1)), axis=0)
    shares, means, sigmas = three_branches_parameters(X)
    c = (rng.random((examples, 1)) > np.cumsum(shares, axis=1)[:, :2]).sum(axis=1)
    rows = np.arange(examples)
    return X, means[rows, c] + sigmas[rows, c] * rng.normal(size=examples)


def three_branches_parameters(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what :func:`three_branches` draws from.

    Parameters
    ----------
    X : array, shape (m, 1)

    Returns
    -------
    shares, means, sigmas : array of float64, shape (m, 3)
        How probable each curve is at x, where it is, and how wide.
    """
    x = np.asarray(X, dtype=np.float64).reshape(-1)
    shares = np.exp(np.stack([0.3 * x, -0.3 * x, 0.4 + 0.2 * x], axis=1))
    means = [1.9 + 0.4 * np.sin(2 * x), 1 - 0.15 * x, -1.8 + 0.25 * x**2]
    sigmas = [0.12 + 0 * x, 0.08 + 0.03 * np.abs(x), 0.18 + 0.06 * x]
    return shares / shares.sum(axis=1, keepdims=True), np.stack(means, 1), np.stack(sigmas, 1)


def two_joint_arm(examples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw places of the hand, and joint angles that bring it there (Section 6.2.2.4).

    Both parts of the arm have length 1, and the shoulder is at the origin. Every place can be
    reached in two ways; which of them is recorded is a matter of chance.

    Parameters
    ----------
    examples : int
        The number of places, m.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 2)
        Places in front of the shoulder, at a distance between 0.6 and 1.8.
    Y : array of float64, shape (examples, 2)
        The angle of the upper arm to the first axis, and of the forearm to the upper arm, in
        radians.

    Raises ValueError if there is to be no example.
    """
    _check_examples("two_joint_arm", examples)
    # Of the square of the distance, so that the places are spread evenly over the area.
    check_rng("two_joint_arm", rng)
    distance = np.sqrt(rng.uniform(0.6**2, 1.8**2, size=examples))
    direction = rng.uniform(-np.pi / 3, np.pi / 3, size=examples)
    X = distance[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=1)
    elbow = rng.choice([-1.0, 1.0], size=examples) * 2 * np.arccos(distance / 2)
    return X, np.stack([direction - elbow / 2, elbow], axis=1)


def hand(Y: np.ndarray) -> np.ndarray:
    """Return where the joint angles ``Y``, shape (..., 2), bring the hand of the arm, (..., 2)."""
    upper, fore = Y[..., 0], Y[..., 0] + Y[..., 1]
    return np.stack([np.cos(upper) + np.cos(fore), np.sin(upper) + np.sin(fore)], axis=-1)


def delays(
    examples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw journeys: seldom much longer than usual, never shorter (Section 6.2.1.2).

    A journey takes the usual time, 1 + x / 2, and a log-normal delay whose median is largest at
    the rush hour, x = 0. So the mean duration is above the median at every x, and both are known.

    Parameters
    ----------
    examples : int
        The number of journeys, m.
    rng : numpy.random.Generator

    Returns
    -------
    X : array of float64, shape (examples, 1)
        The time of day, uniform between -1 and 1, in ascending order.
    y : array of float64, shape (examples,)
        How long the journey took.
    mean, median : array of float64, shape (examples,)
        E[y | x] and the median of y given x, for each of the examples.

    Raises ValueError if there is to be no example.
    """
    _check_examples("delays", examples)
    check_rng("delays", rng)
    x = np.sort(rng.uniform(-1.0, 1.0, size=examples))
    usual, delay = 1 + x / 2, 0.2 + 0.8 * np.exp(-((x / 0.35) ** 2))
    y = usual + delay * rng.lognormal(size=examples)
    return x[:, None], y, usual + delay * np.exp(0.5), usual + delay


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,797 small pictures of handwritten digits, which come with scikit-learn.

    Returns
    -------
    X : array of float64, shape (1797, 64)
        The 8 by 8 pixels of a picture, row by row, from 0 to 1.
    y : array of int64, shape (1797,)
        Which digit it is.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    """
    with needed_by("digits"):
        from sklearn.datasets import load_digits
    X, y = load_digits(return_X_y=True)
    return X / 16, y.astype(np.int64)


def split(
    X: np.ndarray, y: np.ndarray, test: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw examples to test with, and return ``X_train, y_train, X_test, y_test``.

    Parameters
    ----------
    X, y : array, shapes (m, ...)
    test : int
        How many examples to take out.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If ``X`` and ``y`` have different lengths, or nothing would be left to train or to test.
    """
    if len(X) != len(y) or not (whole_number(test) and 0 < test < len(X)):
        raise ValueError(
            f"split: needs as many targets as examples, and some to train and to test with; got "
            f"{len(X)} examples, {len(y)} targets and {test} to test"
        )
    check_rng("split", rng)
    order = rng.permutation(len(X))
    kept, taken = order[test:], order[:test]
    return X[kept], y[kept], X[taken], y[taken]


# What MNIST consists of, and the SHA-256 of what is fetched.
MNIST = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def mnist() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the MNIST pictures of digits, fetched once and kept.

    If the environment variable ``DLBOOK_DATA`` names a folder, the four files are read from its
    subfolder ``mnist`` instead.

    Returns
    -------
    X_train, X_test : array of float32, shapes (60000, 784) and (10000, 784)
        The 28 by 28 pixels of a picture, row by row, from 0 to 1.
    y_train, y_test : array of int64, shapes (60000,) and (10000,)

    Raises
    ------
    OSError
        If the files are neither there nor can be fetched.
    ValueError
        If a file is damaged.
    ModuleNotFoundError
        If the files are to be fetched and pooch is not installed.
    """
    images, labels, test_images, test_labels = (_read_idx(_mnist_file(name)) for name in MNIST)
    for name, X, y in (("training", images, labels), ("test", test_images, test_labels)):
        if y.ndim != 1 or X.shape != (len(y), 28, 28):
            raise ValueError(
                f"mnist: the {name} labels have the shape {y.shape}, and the pictures {X.shape}"
            )

    def as_rows(X: np.ndarray) -> np.ndarray:
        return X.reshape(len(X), 784).astype(np.float32) / 255

    return (
        as_rows(images),
        labels.astype(np.int64),
        as_rows(test_images),
        test_labels.astype(np.int64),
    )


def _mnist_file(name: str) -> Path:
    folder, file = os.environ.get("DLBOOK_DATA"), f"{name}.gz"
    if folder:
        path = Path(folder) / "mnist" / file
        if not path.is_file():
            raise FileNotFoundError(f"mnist: DLBOOK_DATA is {folder!r}, but there is no {path}")
        return path
    with needed_by("mnist"):
        import pooch  # only where something is to be fetched
    try:
        return Path(
            pooch.retrieve(
                MNIST_URL + file, f"sha256:{MNIST[name]}", file, pooch.os_cache("dlbook")
            )
        )
    except (OSError, ValueError) as error:
        raise OSError(
            f"mnist: {file} cannot be fetched from {MNIST_URL} ({error}); with a copy at hand, set "
            f"DLBOOK_DATA to the folder that has it in a subfolder 'mnist'"
        ) from error


def _read_idx(path: Path) -> np.ndarray:
    """Read an array of bytes in the IDX format: a magic number, the sizes, the entries."""
    packed = path.read_bytes()
    try:
        content = gzip.decompress(packed)
        ndim = content[3]
        start = 4 + 4 * ndim
        shape = tuple(np.frombuffer(content[4:start], ">i4"))
        if content[:3] != b"\0\0\x08" or len(content) != start + int(np.prod(shape)):
            raise ValueError("no IDX file of bytes, or cut off")
    except (EOFError, IndexError, OSError, ValueError, zlib.error) as error:
        raise ValueError(f"mnist: {path.name} is damaged: {error}") from error
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _check_examples(name: str, examples: int) -> None:
    if examples < 1:
        raise ValueError(f"{name}: needs at least 1 example, got {examples}")
