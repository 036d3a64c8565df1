"""Measure coverage once in each worker, and of few examples of a test.

In a worker of xdist pytest-cov starts the measuring of a lone process as well, since a worker is
told nothing of workers. Where that of the worker pauses, for `no_cover`, the other one goes on:
all that nobody wants measured was, and took three times as long.
"""

from collections import Counter

import pytest

_EXAMPLES = 3
"""Of a test with many: the others go the same ways through the code."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop what was started for a lone process, before pytest-cov starts the worker's."""
    plugin = session.config.pluginmanager.getplugin("_cov")
    alone = getattr(plugin, "cov_controller", None)
    if hasattr(session.config, "workerinput") and alone is not None:
        alone.cov.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave further examples of a test unmeasured."""
    seen: Counter[str] = Counter()
    for item in items:
        test, *_ = item.nodeid.partition("[")
        seen[test] += 1
        if seen[test] > _EXAMPLES:
            item.add_marker(pytest.mark.no_cover)
