"""Where a test needs the sandbox in which submissions run."""

import os
import sys

import pytest

from dlbook.exercises.grading.sandbox import why_not


def needs_sandbox():
    """Skip where there is no sandbox, but not on the machine that decides about a change."""
    if why := why_not():
        message = f"Grading in a sandbox was NOT tested: {why}"
        is_due = os.environ.get("CI") and sys.platform.startswith("linux")
        pytest.fail(message, pytrace=False) if is_due else pytest.skip(message)
