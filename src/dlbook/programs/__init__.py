"""Section 6.5.5: from a graph to a program that runs. Start with ``compiling.py``."""
