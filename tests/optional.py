"""PyTorch, which not every Python has: ``from optional import torch``.

Where it is missing, a stand-in takes its place until something is called. Then conftest.py skips
the test, as it does when the library misses PyTorch, and the summary counts what was skipped.
"""


class StandIn:
    """Has every attribute, but nothing of it can be called."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return StandIn(f"{self.name}.{attribute}")

    def __call__(self, *args, **kwargs):
        raise ModuleNotFoundError(f"{self.name} is not there", name="torch")

    def __bool__(self):
        return False


try:
    import torch
except ModuleNotFoundError:
    torch = StandIn("torch")
