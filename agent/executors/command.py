"""Runs `run: {command: [...]}`: an argument list, never a shell line."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from agent import processes
from agent.executors.base import Ended, Job
from agent.executors.gate import Exit, GatedProcess, spawn
from agent.processes import ATTEMPT_VARIABLE, Birth, birth_of
from orchestrator.catalog.models import Capability
from orchestrator.catalog.template import render_argv
from orchestrator.crash_points import crash_point
from orchestrator.protocol import Outcome, ResourceUse

_PASSED_ON = ("HOME", "TZ", "XDG_RUNTIME_DIR")
_PASSED_ON_PREFIX = "DOCKER_"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAST_OUTPUT_SECONDS = 2.0  # a process that escaped may hold the pipe open for ever
_LONGEST_REASON = 300
_MEMORY_SECONDS = (0.05, 0.1, 0.2, 0.4, 1.0)

_log = structlog.get_logger(__name__)


class CommandExecutor:
    """Runs commands in a clean environment and folder, within a deadline.

    Args:
        homelab: where the starter's capabilities work, told as `CHIFFON_HOMELAB`.
        term_seconds: what a command gets to end by itself once it was asked to.
        environment: the agent's own, of which only the few harmless variables are passed on.
    """

    def __init__(
        self,
        homelab: Path,
        *,
        term_seconds: float = 5,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._homelab = homelab
        self._term_seconds = term_seconds
        self._own = os.environ if environment is None else environment

    def can_run(self, capability: Capability) -> bool:
        """Tell whether the capability has a command to run."""
        return capability.run is not None and bool(capability.run.command)

    async def run(self, job: Job) -> Ended:
        """Run the command; return once it and everything it started is gone."""
        environment = self.environment(job.attempt_id)
        try:
            argv = _resolve(_argv(job), environment["PATH"])
            process = spawn(argv, environment, job.folder)
        except (ValueError, LookupError) as fault:
            return _refused(str(fault))
        except OSError as fault:
            return _refused(f"the command could not be started: {fault.strerror}")
        try:
            return await self._behind_gate(job, process)
        finally:
            process.close()

    def environment(self, attempt_id: str) -> dict[str, str]:
        """Return the whole environment of a command: an allowlist, nothing else."""
        passed = {
            name: value
            for name, value in self._own.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIX)
        }
        own_programs = str(Path(sys.executable).parent)
        return passed | {
            "PATH": os.pathsep.join((own_programs, self._own.get("PATH") or _PATH)),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",  # output comes as it is printed, both streams in order
            "CHIFFON_HOMELAB": str(self._homelab),
            ATTEMPT_VARIABLE: attempt_id,
        }

    async def _behind_gate(self, job: Job, process: GatedProcess) -> Ended:
        born = birth_of(process.pid) or Birth(process.pid, "", processes.boot_id())
        await job.started(born)
        if job.stop.is_set():  # the last moment to call it off without a trace
            return Ended(Outcome.INTERRUPTED, started=False, reason="stopped before its start")
        memory = _MemoryWatch(process.pid)
        reading = asyncio.create_task(process.read(job.output.feed))
        measuring = asyncio.create_task(memory.run())
        began = time.monotonic()
        try:
            process.let_go()
            crash_point("agent.let_go")
            outcome = await _first_end(job, process)
            await self._end(job, process.pid)
            left = await asyncio.shield(process.exited)
            await asyncio.wait({reading}, timeout=_LAST_OUTPUT_SECONDS)
        finally:
            await _settle(reading, measuring)
        use = ResourceUse(
            wall_seconds=round(time.monotonic() - began, 3),
            cpu_seconds=round(left.cpu_seconds, 3),
            peak_memory_mb=max(memory.peak_mb, left.memory_mb),
        )
        return _verdict(job, outcome, left, use)

    async def _end(self, job: Job, group: int) -> None:
        """End what is left of it. There is no result before that, however long it takes."""
        while not await processes.end(
            job.attempt_id, group, grace_seconds=self._term_seconds, at_once=job.at_once
        ):
            _log.error("processes_survive_SIGKILL", attempt_id=job.attempt_id, group=group)


async def _first_end(job: Job, process: GatedProcess) -> Outcome | None:
    """Wait for the command's end, the deadline or a stop; None for the first of them."""
    stopped = asyncio.create_task(job.stop.wait())
    ends: tuple[asyncio.Future[Any], ...] = (process.exited, stopped)
    try:
        await asyncio.wait(
            ends,
            timeout=job.deadline_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        stopped.cancel()
    if process.exited.done():
        return None
    return Outcome.INTERRUPTED if job.stop.is_set() else Outcome.TIMED_OUT


def _verdict(job: Job, outcome: Outcome | None, left: Exit, use: ResourceUse) -> Ended:
    if outcome is Outcome.TIMED_OUT:
        reason = f"stopped at its deadline of {job.deadline_seconds:g} s"
        return Ended(outcome, exit_code=left.code, reason=reason, use=use)
    if outcome is not None:
        return Ended(outcome, exit_code=left.code, reason="stopped before its end", use=use)
    if left.code == 0:
        return Ended(Outcome.SUCCESS, exit_code=0, use=use)
    reason = _why_failed(left.code, job.output.final())
    return Ended(Outcome.FAILED, exit_code=left.code, reason=reason, use=use)


def _why_failed(code: int, output: str) -> str:
    """Return the last thing the command said, where it said anything, and its exit status."""
    how = f"exit status {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = f"ended by {signal.Signals(-code).name}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f"{lines[-1][:_LONGEST_REASON]} ({how})" if lines else f"it failed: {how}"


def _argv(job: Job) -> list[str]:
    capability = job.entry.capability
    if capability.run is None or not capability.run.command:
        raise ValueError(f"{capability.name} has no command")
    return render_argv(
        capability.run.command, job.parameters, capability.parameters, job.entry.folder
    )


def _resolve(argv: list[str], path: str) -> list[str]:
    """Return `argv` with the program as a whole path.

    Raises:
        LookupError: there is no such program here; the text says what to do.
    """
    program = shutil.which(argv[0], path=path)
    if program is None:
        raise LookupError(
            f"`{argv[0]}` is not an executable program on this agent; "
            "install it there, or correct the command in the catalogue"
        )
    return [program, *argv[1:]]


def _refused(reason: str) -> Ended:
    return Ended(Outcome.FAILED, started=False, reason=reason)


class _MemoryWatch:
    """Looks now and then at what a process group has in memory, and keeps the most."""

    def __init__(self, group: int) -> None:
        self._group = group
        self.peak_mb = 0

    async def run(self) -> None:
        for seconds in itertools.chain(_MEMORY_SECONDS, itertools.repeat(_MEMORY_SECONDS[-1])):
            await asyncio.sleep(seconds)
            seen = await asyncio.to_thread(processes.memory_mib, self._group)
            self.peak_mb = max(self.peak_mb, seen)


async def _settle(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for end in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(end, Exception):
            _log.error("output_or_memory_could_not_be_followed", exc_info=end)
