"""Let a minute of the event loop, and of the embedded database, pass in a second or two."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.store.dialects import Dialect, dialect_for

FACTOR = 30.0


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
