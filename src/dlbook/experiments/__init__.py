"""What no notebook can take: experiments that run for hours, and what came of them.

Each is a module that runs by itself, ``python -m dlbook.experiments.depth``, with its results as a
table beside it; look at :mod:`dlbook.experiments.record` first. One can stop it at any time, and go
on later. The chapters run a small version, and draw the table.
"""
