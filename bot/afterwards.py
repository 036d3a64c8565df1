"""What goes on after Slack has been acknowledged: tracked, so that nothing is lost or leaked."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from orchestrator.domain.ids import new_id

_CLOSING_SECONDS = 3.0
_log = structlog.get_logger(__name__)


class Afterwards:
    """Tasks that nobody awaits; a fault in one is logged under an id."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` go on by itself."""
        task = asyncio.create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until nothing goes on any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self, seconds: float = _CLOSING_SECONDS) -> None:
        """Give what goes on some seconds to end, then cancel it.

        What is cancelled is not lost: requests and decisions are in the database before.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001 - the boundary: nobody else would hear
        _log.exception("background_fault", fault_id=new_id())
