"""What coverage is measured on: once in each worker, and one example of a test."""

from types import SimpleNamespace
from typing import cast

import pytest

from tests.plugins import measured


def test_further_examples_are_not_measured(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    items = pytester.getitems(
        """
        import pytest

        @pytest.mark.parametrize("number", range(5))
        def test_many(number):
            pass

        def test_one():
            pass
        """
    )
    measured.pytest_collection_modifyitems(items)
    unmeasured = [item.name for item in items if item.get_closest_marker("no_cover")]
    assert unmeasured == [f"test_many[{number}]" for number in range(1, 5)]


@pytest.mark.parametrize(("worker", "stopped"), [(True, 1), (False, 0)])
def test_what_a_worker_started_for_a_lone_process_ends(*, worker: bool, stopped: int) -> None:
    stops: list[str] = []
    cov = SimpleNamespace(stop=lambda: stops.append("stop"))
    plugins = {"_cov": SimpleNamespace(cov_controller=SimpleNamespace(cov=cov))}
    config = SimpleNamespace(pluginmanager=SimpleNamespace(getplugin=plugins.get))
    if worker:
        config.workerinput = {}
    measured.pytest_sessionstart(cast("pytest.Session", SimpleNamespace(config=config)))
    assert len(stops) == stopped
