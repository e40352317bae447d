"""The data of the chapter: XOR and the like, digits, and MNIST read from files made up here."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import few, rngs

import dlbook as dl


def test_xor_is_1_where_exactly_one_entry_is_1():
    X, y = dl.datasets.xor()
    assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    assert_array_equal(y, [0, 1, 1, 0])
    assert X.dtype == y.dtype == np.float64


def test_xor_is_made_anew_for_each_caller():
    X, y = dl.datasets.xor()
    X[:], y[:] = 7, 7
    assert dl.datasets.xor()[0].max() == 1
    assert dl.datasets.xor()[1].max() == 1


def test_no_linear_model_does_better_on_xor_than_one_half():
    X, y = dl.datasets.xor()
    theta = np.linalg.lstsq(np.c_[X, np.ones(4)], y, rcond=None)[0]
    np.testing.assert_allclose(theta, [0, 0, 0.5], atol=1e-12)


@pytest.mark.parametrize("distractors", [0, 1, 8])
def test_sign_of_product_labels_points_whose_first_two_coordinates_agree_in_sign(distractors):
    X, y = dl.datasets.sign_of_product(500, distractors, np.random.default_rng(0))
    assert X.shape == (500, 2 + distractors)
    assert y.shape == (500,)
    assert X.dtype == y.dtype == np.float64
    assert X.min() >= -1 and X.max() <= 1
    assert_array_equal(y, np.sign(X[:, 0]) == np.sign(X[:, 1]))
    assert 0.4 < y.mean() < 0.6


def test_sign_of_product_depends_on_nothing_but_its_rng():
    draws = [dl.datasets.sign_of_product(20, 2, np.random.default_rng(s)) for s in (1, 1, 2)]
    assert_array_equal(draws[0][0], draws[1][0])
    assert_array_equal(draws[0][1], draws[1][1])
    assert not np.array_equal(draws[0][0], draws[2][0])


def test_the_distractors_say_nothing_about_the_label():
    X, y = dl.datasets.sign_of_product(4000, 3, np.random.default_rng(0))
    for column in X.T:  # nor does either of the first two by itself
        assert abs(np.corrcoef(column, y)[0, 1]) < 0.06
    assert abs(np.corrcoef(X[:, 0] * X[:, 1], y)[0, 1]) > 0.7


@pytest.mark.parametrize(("examples", "distractors"), [(0, 2), (-1, 0), (3, -1)])
def test_sign_of_product_needs_an_example(examples, distractors):
    message = f"sign_of_product: needs at least 1 .*, got {examples} and {distractors}"
    with pytest.raises(ValueError, match=message):
        dl.datasets.sign_of_product(examples, distractors, np.random.default_rng(0))


MADE = ["heteroscedastic", "turning", "three_branches", "two_joint_arm"]


@pytest.mark.parametrize("name", MADE)
def test_data_with_a_distribution_depend_on_nothing_but_their_rng(name):
    make = getattr(dl.datasets, name)
    draws = [make(20, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    for first, second in zip(*draws[:2], strict=True):
        assert_array_equal(first, second)
        assert first.dtype == np.float64 and len(first) == 20
    assert not np.array_equal(draws[0][1], draws[2][1])


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("examples", [0, -3])
def test_data_with_a_distribution_need_an_example(name, examples):
    with pytest.raises(ValueError, match=f"{name}: needs at least 1 example, got {examples}"):
        getattr(dl.datasets, name)(examples, np.random.default_rng(0))


def test_the_noise_of_heteroscedastic_has_the_width_that_is_returned_with_it():
    X, y, sigma = dl.datasets.heteroscedastic(20_000, np.random.default_rng(0))
    scaled = (y - np.sin(2 * X[:, 0])) / sigma
    for part in np.array_split(scaled, 5):
        assert abs(part.mean()) < 0.05 and abs(part.std() - 1) < 0.05
    assert (np.diff(sigma) > 0).all()
    assert sigma[-1] > 8 * sigma[0]


def test_the_covariance_of_turning_turns_and_keeps_its_widths():
    _, Y, means, covariances = dl.datasets.turning(20_000, np.random.default_rng(0))
    widths = np.sqrt(np.linalg.eigvalsh(covariances))
    np.testing.assert_allclose(widths, np.broadcast_to([0.1, 0.4], widths.shape))
    for part in np.array_split(np.arange(20_000), 8):
        residuals = (Y - means)[part]
        expected = covariances[part].mean(axis=0)
        np.testing.assert_allclose(residuals.T @ residuals / len(part), expected, atol=0.01)
    assert np.abs(covariances[0] - np.diag([0.01, 0.16])).max() < 0.01  # upright
    middle = covariances[np.abs(means[:, 0]).argmin()]
    assert np.abs(middle - np.diag([0.16, 0.01])).max() < 0.01  # lying


def test_three_branches_keeps_to_its_curves_and_their_shares():
    X, y = dl.datasets.three_branches(20_000, np.random.default_rng(0))
    shares, means, sigmas = dl.datasets.three_branches_parameters(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    distances = np.abs(y[:, None] - means) / sigmas
    nearest = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 5
    for part in np.array_split(np.arange(20_000), 4):
        counted = np.bincount(nearest[part], minlength=3) / len(part)
        np.testing.assert_allclose(counted, shares[part].mean(axis=0), atol=0.03)


def test_every_place_is_reached_in_two_ways_which_are_mirror_images():
    X, Y = dl.datasets.two_joint_arm(500, np.random.default_rng(0))
    np.testing.assert_allclose(dl.datasets.hand(Y), X, atol=1e-12)
    other = np.stack([Y[:, 0] + Y[:, 1], -Y[:, 1]], axis=1)
    np.testing.assert_allclose(dl.datasets.hand(other), X, atol=1e-12)
    assert 0.4 < np.mean(Y[:, 1] > 0) < 0.6
    distance = np.linalg.norm(X, axis=1)
    assert distance.min() > 0.6 - 1e-9 and distance.max() < 1.8 + 1e-9


def test_the_mean_of_the_two_ways_stretches_the_arm():
    X, Y = dl.datasets.two_joint_arm(100, np.random.default_rng(0))
    other = np.stack([Y[:, 0] + Y[:, 1], -Y[:, 1]], axis=1)
    reached = dl.datasets.hand((Y + other) / 2)
    np.testing.assert_allclose(np.linalg.norm(reached, axis=1), 2)
    direction = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(reached, 2 * direction, atol=1e-12)


def test_delays_know_their_mean_and_their_median():
    X, y, mean, median = dl.datasets.delays(20_000, np.random.default_rng(0))
    assert X.shape == (20_000, 1) and X.dtype == np.float64
    assert y.shape == mean.shape == median.shape == (20_000,)
    assert -1 <= X[0] < X[-1] <= 1 and (np.diff(X[:, 0]) >= 0).all()
    assert (y > 1 + X[:, 0] / 2).all() and (mean > median).all()
    assert abs(np.mean(y > median) - 0.5) < 0.01
    for part in (X[:, 0] < -0.4, np.abs(X[:, 0]) < 0.4, X[:, 0] > 0.4):
        assert abs(y[part].mean() / mean[part].mean() - 1) < 0.03
        assert abs(np.mean(y[part] > median[part]) - 0.5) < 0.02


def test_delays_need_an_example():
    with pytest.raises(ValueError, match="delays: needs at least 1 example, got 0"):
        dl.datasets.delays(0, np.random.default_rng(0))


# --- Digits ------------------------------------------------------------------------------------


def test_digits_are_small_pictures_with_their_labels():
    X, y = dl.datasets.digits()
    assert (X.shape, y.shape) == ((1797, 64), (1797,))
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    assert (X.min(), X.max()) == (0, 1)
    assert set(X.ravel() * 16) == set(range(17))
    assert set(y) == set(range(10)) and np.bincount(y).min() > 170


def test_a_zero_is_dark_in_the_middle_and_rows_follow_one_another():
    X, y = dl.datasets.digits()
    zero = X[y == 0].mean(0).reshape(8, 8)
    assert zero[3:5, 3:5].max() < 0.2 < 0.4 < zero[3:5, [2, 5]].min()


def test_digits_are_made_anew_for_each_caller():
    X, y = dl.datasets.digits()
    X[:], y[:] = 7, 7
    assert dl.datasets.digits()[0].max() == 1
    assert dl.datasets.digits()[1].min() == 0


# --- Training and test examples ----------------------------------------------------------------


@few
@given(rngs, st.integers(2, 30), st.data())
def test_a_split_puts_every_example_on_one_side_with_its_target(rng, examples, data):
    test = data.draw(st.integers(1, examples - 1))
    X = np.arange(2.0 * examples).reshape(examples, 2)
    y = np.arange(examples)
    kept = X.copy(), y.copy()
    X_train, y_train, X_test, y_test = dl.datasets.split(X, y, test, rng)
    assert (len(X_test), len(X_train)) == (test, examples - test)
    assert sorted([*y_train, *y_test]) == list(range(examples))
    for inputs, targets in ((X_train, y_train), (X_test, y_test)):
        assert_array_equal(inputs, X[targets])
    assert_array_equal(X, kept[0])
    assert_array_equal(y, kept[1])
    X_test[:] = X_train[:] = -1  # copies, not views
    assert_array_equal(X, kept[0])


def test_a_split_depends_on_nothing_but_its_rng():
    X, y = dl.datasets.digits()
    first, again, other = (
        dl.datasets.split(X, y, 400, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        assert_array_equal(one, two)
    assert not np.array_equal(first[3], other[3])


@pytest.mark.parametrize("test", [0, 5, 6, -1, 2.0, 0.4, True, None])
def test_a_split_leaves_something_on_both_sides(test):
    message = f"split: needs .*; got 5 examples, 5 targets and {test} to test"
    with pytest.raises(ValueError, match=message):
        dl.datasets.split(np.ones((5, 2)), np.ones(5), test, np.random.default_rng(0))


def test_a_split_needs_a_target_for_each_example():
    with pytest.raises(ValueError, match=r"split: needs as .* 5 examples, 4 targets and 2 to test"):
        dl.datasets.split(np.ones((5, 2)), np.ones(4), 2, np.random.default_rng(0))


# --- MNIST -------------------------------------------------------------------------------------

TRAIN_X, TRAIN_Y, TEST_X, TEST_Y = (f"{name}.gz" for name in dl.datasets.MNIST)


def idx(array):
    """Write bytes in the IDX format."""
    sizes = np.array(array.shape, ">i4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A folder with a small MNIST: its arrays by file name, and how to write another file."""
    rng, folder = np.random.default_rng(0), tmp_path / "mnist"
    folder.mkdir()
    arrays = {
        TRAIN_X: rng.integers(0, 256, (6, 28, 28)),
        TRAIN_Y: rng.integers(0, 10, 6),
        TEST_X: rng.integers(0, 256, (4, 28, 28)),
        TEST_Y: rng.integers(0, 10, 4),
    }
    for name, array in arrays.items():
        (folder / name).write_bytes(gzip.compress(idx(array)))
    monkeypatch.setenv("DLBOOK_DATA", str(tmp_path))
    return arrays, folder


def test_mnist_is_read_from_the_folder_that_dlbook_data_names(mnist, monkeypatch):
    arrays, _ = mnist
    monkeypatch.setattr("pooch.retrieve", None)  # it is not asked
    X, y, X_test, y_test = dl.datasets.mnist()
    assert (X.shape, X.dtype, X_test.shape) == ((6, 784), np.float32, (4, 784))
    assert y.dtype == y_test.dtype == np.int64 and X_test.dtype == np.float32
    assert_array_equal(X, arrays[TRAIN_X].reshape(6, 784).astype(np.float32) / 255)
    assert_array_equal(X_test, arrays[TEST_X].reshape(4, 784).astype(np.float32) / 255)
    assert_array_equal(y, arrays[TRAIN_Y])
    assert_array_equal(y_test, arrays[TEST_Y])
    X[:], y[:] = 0, 0  # they belong to the caller


@pytest.mark.parametrize("missing", [TRAIN_X, TRAIN_Y, TEST_X, TEST_Y])
def test_a_missing_file_is_named(mnist, missing):
    (mnist[1] / missing).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        dl.datasets.mnist()
    assert "mnist: DLBOOK_DATA is" in str(caught.value) and missing in str(caught.value)


def test_a_folder_without_mnist_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("DLBOOK_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"DLBOOK_DATA is .*nowhere.*, but there is no "):
        dl.datasets.mnist()


WHOLE = idx(np.arange(6))
DAMAGED = {
    "cut off": gzip.compress(WHOLE)[:-9],
    "with other bytes inside": gzip.compress(WHOLE)[:12] + b"\xff\xff\xff\xff\xff" + WHOLE,
    "with a wrong checksum": gzip.compress(WHOLE)[:-8] + bytes(8),
    "not compressed": WHOLE,
    "a page that says it is not there": b"<html>404</html>",
    "empty": b"",
    "compressed nothing": gzip.compress(b""),
    "too short for a header": gzip.compress(b"\0\0\x08"),
    "too short for its sizes": gzip.compress(b"\0\0\x08\x03\0\0"),
    "of floats": gzip.compress(b"\0\0\x0d" + WHOLE[3:]),
    "of another kind": gzip.compress(b"PK" + WHOLE[2:]),
    "short of one entry": gzip.compress(WHOLE[:-1]),
    "with one entry too many": gzip.compress(WHOLE + b"\0"),
    "with a negative size": gzip.compress(b"\0\0\x08\x01\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("name", [TRAIN_X, TEST_Y])
def test_a_damaged_file_is_reported_and_not_read(mnist, name, content):
    (mnist[1] / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"mnist: {name} is damaged: "):
        dl.datasets.mnist()


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            TRAIN_Y,
            np.arange(5),
            r"training labels have the shape \(5,\), and the pictures \(6, 28, ",
        ),
        (TEST_X, np.ones((4, 8, 8)), r"test labels .* \(4,\), and the pictures \(4, 8, 8\)"),
        (TRAIN_X, np.ones((6, 784)), r"training labels .* \(6,\), and the pictures \(6, 784\)"),
        (TRAIN_Y, np.ones((6, 28, 28)), r"training labels have the shape \(6, 28, 28\), and"),
        (TEST_Y, np.array(3), r"test labels have the shape \(\), and the pictures \(4, 28, 28\)"),
    ],
)
def test_files_that_do_not_belong_together_are_reported(mnist, name, array, message):
    (mnist[1] / name).write_bytes(gzip.compress(idx(array)))
    with pytest.raises(ValueError, match=f"mnist: the {message}"):
        dl.datasets.mnist()


@pytest.mark.parametrize(
    "error", [ConnectionError("no route to host"), ValueError("SHA256 differs")]
)
def test_without_network_and_folder_the_error_says_what_to_do(monkeypatch, error):
    def retrieve(*arguments, **settings):
        raise error

    monkeypatch.delenv("DLBOOK_DATA", raising=False)
    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(OSError) as caught:
        dl.datasets.mnist()
    message = str(caught.value)
    assert (
        message.startswith(f"mnist: {TRAIN_X} cannot be fetched from https://")
        and str(error) in message
    )
    assert message.endswith("set DLBOOK_DATA to the folder that has it in a subfolder 'mnist'")
    assert caught.value.__cause__ is error


def test_what_is_fetched_is_checked_and_kept(mnist, monkeypatch):
    arrays, folder = mnist
    asked = []

    def retrieve(url, known_hash, name, path):
        asked.append((url, known_hash, name))
        return str(folder / name)

    monkeypatch.setenv("DLBOOK_DATA", "")
    monkeypatch.setattr("pooch.retrieve", retrieve)
    assert_array_equal(dl.datasets.mnist()[1], arrays[TRAIN_Y])
    assert [name for _, _, name in asked] == [TRAIN_X, TRAIN_Y, TEST_X, TEST_Y]
    for url, known_hash, name in asked:
        assert url == dl.datasets.MNIST_URL + name
        assert known_hash == "sha256:" + dl.datasets.MNIST[name.removesuffix(".gz")]
        assert len(known_hash) == len("sha256:") + 64
