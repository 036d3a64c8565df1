"""Keep the garbage collector away from what stays to the end.

Loading some thousand tests and all that they import makes a million objects which live as long
as the process: walking through them again and again takes a fifth of the whole run. What tests
make is searched, too, though seldom: at the usual 700 new objects that takes an eighth of it.
"""

import gc

import pytest

_SELDOM = (50_000, 20, 50)
_USUAL = gc.get_threshold()


def pytest_configure() -> None:
    """Make no search while everything is loaded."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Search from now on, and only in what tests make."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    gc.enable()


def pytest_unconfigure() -> None:
    """Leave the collector as it was found, also where nothing was collected."""
    gc.set_threshold(*_USUAL)
    gc.enable()
