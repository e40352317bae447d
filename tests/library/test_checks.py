"""What counts as a number, for every module that asks for one."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from dlbook.checks import real_number, whole_number

WHOLE = [3, -1, 0, 10**30, np.int64(3), np.uint8(3), np.array([3])[0]]
REAL = [0.5, np.float32(0.5), np.float64("nan"), float("inf"), Fraction(1, 2)]
NEITHER = [True, np.bool_(True), "3", None, 1j, np.array(3), np.array([3.0]), Decimal(3), [3]]


@pytest.mark.parametrize("value", [*WHOLE, *REAL, *NEITHER], ids=repr)
def test_a_whole_number_is_pythons_or_numpys_and_no_bool(value):
    assert whole_number(value) == any(value is other for other in WHOLE)
    assert real_number(value) == any(value is other for other in [*WHOLE, *REAL])
