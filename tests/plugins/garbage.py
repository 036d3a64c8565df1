"""Keep the garbage collector away from what stays to the end.

Loading some thousand tests and all that they import makes a million objects which live as long
as the process: walking through them again and again takes a fifth of the whole run.
"""

import gc

import pytest


def pytest_configure() -> None:
    """Make no search while everything is loaded."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Search from now on, and only in what tests make."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """Leave the collector as it was found, also where nothing was collected."""
    gc.enable()
