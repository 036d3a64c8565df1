"""Measure coverage once in each worker, and of one example of a test.

In a worker of xdist pytest-cov starts the measuring of a lone process as well, since a worker is
told nothing of workers. Where that of the worker pauses, for `no_cover`, the other one goes on:
all that nobody wants measured was, and took three times as long.
"""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop what was started for a lone process, before pytest-cov starts the worker's."""
    plugin = session.config.pluginmanager.getplugin("_cov")
    alone = getattr(plugin, "cov_controller", None)
    if hasattr(session.config, "workerinput") and alone is not None:
        alone.cov.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave further examples of a test unmeasured: they go the same ways through the code."""
    seen: set[str] = set()
    for item in items:
        test, *_ = item.nodeid.partition("[")
        if test in seen:
            item.add_marker(pytest.mark.no_cover)
        seen.add(test)
