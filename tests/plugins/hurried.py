"""Let the minutes that a test waits for pass sooner: in step, or by leaps."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.store.dialects import Dialect, dialect_for
from tests.plugins.missing import in_ci

# Slack's three seconds must stay long enough for what really computes, with coverage in CI.
FACTOR = 6.0 if in_ci() else 15.0
_A_BREATH = 0.001  # seconds in which what was sent on the loopback has arrived


@contextmanager
def hurried(monkeypatch: pytest.MonkeyPatch, factor: float = FACTOR) -> Iterator[None]:
    """Let time run `factor` times as fast for everything that asks the running loop or SQLite.

    Sleeps, time limits, lanes and leases keep their lengths, and so their order: only the clock
    by which they are all measured runs faster. It stays where it is at the end, since a loop's
    time never goes back.
    """
    loop = asyncio.get_running_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    real_time, real_select = loop.time, selector.select
    began, since = loop.time(), datetime.now(UTC)

    def fast_time() -> float:
        return began + (real_time() - began) * factor

    def fast_select(timeout: float | None = None) -> object:
        return real_select(timeout if timeout is None else timeout / factor)

    async def fast_now(_: Dialect, __: AsyncConnection) -> datetime:
        return since + timedelta(seconds=loop.time() - began)

    loop.time = fast_time  # type: ignore[method-assign]
    selector.select = fast_select
    monkeypatch.setattr(type(dialect_for("sqlite+aiosqlite:///")), "now", fast_now)
    try:
        yield
    finally:
        gone = fast_time() - real_time()
        loop.time = lambda: real_time() + gone  # type: ignore[method-assign]
        selector.select = real_select


@contextmanager
def leaping() -> Iterator[None]:
    """Let time leap to whatever the running loop would wait for, once nothing is left to read.

    For tests whose every part lives in this loop; time would leap over the work of a thread, as
    of a database, for which there is `hurried`. A busy machine changes nothing: work takes no time.
    """
    loop = asyncio.get_running_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    real_time, real_select = loop.time, selector.select
    ahead = 0.0

    def select(timeout: float | None = None) -> object:
        nonlocal ahead
        if timeout is None or timeout <= _A_BREATH:
            return real_select(timeout)
        found = real_select(_A_BREATH)
        if not found:
            ahead += timeout
        return found

    loop.time = lambda: real_time() + ahead  # type: ignore[method-assign]
    selector.select = select
    try:
        yield
    finally:
        selector.select = real_select
