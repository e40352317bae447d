"""For each claim of the chapter a world in which it is false: one module for each page."""

from importlib import import_module
from pkgutil import iter_modules

WORLDS = [
    world
    for module in iter_modules(__path__, f"{__name__}.")
    for world in import_module(module.name).WORLDS
]
