"""What helpers assert is explained as what tests assert is."""

import pytest

pytest.register_assert_rewrite("found", "values")
