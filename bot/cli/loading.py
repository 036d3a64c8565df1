"""Load a program of `chiffon` at the moment in which it is needed."""

import gc
from importlib import import_module
from types import ModuleType


def loaded(name: str) -> ModuleType:
    """Import a module; what comes with it is held to be no garbage, now and later.

    It stays to the end of the process, and to look through it takes a third of the start.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()
