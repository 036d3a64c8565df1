"""Gets results to the orchestrator: published again and again until one is confirmed."""

import asyncio
import sqlite3

import structlog

from agent.journal import Journal
from orchestrator.crash_points import crash_point
from orchestrator.errors import TransportError
from orchestrator.protocol import RESULTS_QUEUE
from orchestrator.transport.port import Transport

_LONGEST_PAUSE = 30.0

_log = structlog.get_logger(__name__)


class Reporter:
    """Reports results in the background; what it cannot report in time stays journalled."""

    def __init__(self, transport: Transport, journal: Journal, first_pause: float) -> None:
        self._transport = transport
        self._journal = journal
        self._first_pause = first_pause
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def report(self, attempt_id: str, message: bytes) -> None:
        """Start to report a journalled result, unless that is under way already."""
        if attempt_id in self._under_way:
            return
        task = asyncio.create_task(self._report(attempt_id, message), name=f"report {attempt_id}")
        self._under_way[attempt_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(attempt_id, None))

    async def close(self, seconds: float) -> None:
        """Give what is under way so long, then leave it to the next start."""
        tasks = list(self._under_way.values())
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _report(self, attempt_id: str, message: bytes) -> None:
        pause = self._first_pause
        while True:
            try:
                await self._transport.publish(RESULTS_QUEUE, message)
                crash_point("agent.result_confirmed")
                await self._journal.reported(attempt_id)
                crash_point("agent.result_noted")
            except (TransportError, sqlite3.Error) as fault:
                _log.warning("result_not_taken_yet", attempt_id=attempt_id, reason=str(fault))
            else:
                _log.info("result_reported", attempt_id=attempt_id)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
