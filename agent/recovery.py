"""After a start: end what an earlier life of this agent left running, and own up to it."""

import asyncio
import shutil
from pathlib import Path

import structlog

from agent import processes
from agent.journal import Entry, Journal, State
from orchestrator.protocol import Outcome, WorkResult, seal

_log = structlog.get_logger(__name__)

_STARTED = "the agent was killed while it ran; nothing of it runs any more"
_NOT_STARTED = "the agent was killed before it started"


async def recover(
    journal: Journal, agent_id: str, *, work_folder: Path, term_seconds: float
) -> list[Entry]:
    """Bring every journalled attempt to its end; return those that are still to be reported.

    An attempt is called interrupted only once nothing of it runs any more.
    """
    entries = await journal.open_entries()
    unfinished = [entry for entry in entries if entry.state is not State.FINISHED]
    await asyncio.gather(
        *(_end(journal, agent_id, entry, term_seconds=term_seconds) for entry in unfinished)
    )
    for entry in unfinished:
        folder = work_folder / entry.attempt_id
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return await journal.open_entries()


async def _end(journal: Journal, agent_id: str, entry: Entry, *, term_seconds: float) -> None:
    process = entry.process
    group = process.pid if process is not None and processes.is_alive(process) else None
    while not await processes.end(entry.attempt_id, group, grace_seconds=term_seconds):
        _log.error("processes_survive_SIGKILL", attempt_id=entry.attempt_id)
    started = entry.state is State.STARTED
    _log.warning("attempt_interrupted", attempt_id=entry.attempt_id, started=started)
    result = WorkResult(
        agent_id=agent_id,
        attempt_id=entry.attempt_id,
        attempt_number=entry.attempt_number,
        outcome=Outcome.INTERRUPTED,
        started=started,
        reason=_STARTED if started else _NOT_STARTED,
    )
    await journal.finish(entry.attempt_id, seal(result, trace=entry.trace).encode())
