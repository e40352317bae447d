"""PyTorch, which not every Python has: ``from optional import torch``.

Where it is missing, a stand-in takes its place. A test that calls something of it is skipped, as is
one that lets the library load PyTorch, and the summary counts them.
"""

import sys

import pytest


def skip(*args, **kwargs):
    """Skip the test that came here."""
    pytest.skip("PyTorch is not installed")


class StandIn:
    """Has every attribute, but nothing of it can be called."""

    __call__ = skip

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn()

    def __bool__(self):
        return False


class Finder:
    """Is asked for a module when no other has found it."""

    def find_spec(self, name, path=None, target=None):
        """Skip the test that asks for PyTorch, at once: an error would be shrunk by Hypothesis."""
        if name == "torch":
            skip()


try:
    import torch
except ModuleNotFoundError:
    torch = StandIn()
    sys.meta_path.append(Finder())
