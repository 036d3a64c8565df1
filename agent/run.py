"""One attempt at this agent, from its slot to its result."""

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import structlog

from agent import processes
from agent.admission import Admission, Admitted, NotAdmitted, Order, TooLate
from agent.executors.base import Ended, Job
from agent.journal import Journal
from agent.output import Output
from agent.processes import Birth
from agent.redact import Secrets
from agent.settings import AgentSettings
from orchestrator.crash_points import crash_point
from orchestrator.domain.agents import LEASE
from orchestrator.domain.ids import new_id
from orchestrator.errors import TransportError
from orchestrator.protocol import (
    RESULTS_QUEUE,
    Claim,
    Outcome,
    Payload,
    ResourceUse,
    WorkResult,
    WorkStatus,
    seal,
)
from orchestrator.transport.port import Transport

_log = structlog.get_logger(__name__)


_LEAVE_SECONDS = LEASE.total_seconds() / 2
"""Leave that took longer to come is asked for anew: at the end of the lease it is worth nothing."""


class Stop(Enum):
    """Why an attempt ends before its time."""

    CANCELLED = "it was called off"
    SUPERSEDED = "a newer try of the step took its place"
    STOPPING = "the agent was stopped"


@dataclass(frozen=True)
class Means:
    """What every attempt of an agent works with."""

    agent_id: str
    settings: AgentSettings
    transport: Transport
    journal: Journal
    admission: Admission
    secrets: Secrets
    slots: asyncio.Semaphore
    at_once: asyncio.Event


class Run:
    """One attempt; `execute` it once, the other methods say what happens meanwhile.

    `ended` is set when nothing of it runs any more, `process` names what it runs, `has_slot`
    tells whether it counts as load.
    """

    def __init__(self, order: Order, means: Means) -> None:
        self.order = order
        self.request = order.request
        self.ended = asyncio.Event()
        self.process: Birth | None = None
        self._means = means
        self._stop = asyncio.Event()
        self._why: Stop | None = None
        self._claim_id = ""
        self._go = asyncio.Event()
        self._has_leave = False
        self.has_slot = False

    @property
    def attempt_id(self) -> str:
        """The attempt's id."""
        return self.request.attempt_id

    def go(self, claim_id: str) -> None:
        """Take leave to start, if it answers the latest claim."""
        if claim_id in {"", self._claim_id}:
            self._go.set()

    def stop(self, why: Stop) -> None:
        """End it: not started, it never will; running, it is stopped. The first reason stays."""
        if self._why is None:
            self._why = why
            self._stop.set()

    def stop_before_start(self, why: Stop) -> None:
        """End it if it has no leave to start yet; let it be if it has."""
        if not self._has_leave:
            self.stop(why)

    async def execute(self, after: list["Run"]) -> WorkResult | None:
        """Do it, once every run of `after` has ended; None where there is nothing to report."""
        try:
            for older in after:
                await older.ended.wait()
            return await self._with_slot()
        except TooLate as reason:
            return self._result(Outcome.INTERRUPTED, started=False, reason=str(reason))
        except NotAdmitted as reason:
            return self._result(Outcome.FAILED, started=False, reason=str(reason))
        except Exception as fault:  # noqa: BLE001 - logged; whatever breaks, there is a result
            _log.exception("attempt_broke", attempt_id=self.attempt_id)
            return await self._broken(fault)
        finally:
            self.ended.set()

    async def _with_slot(self) -> WorkResult | None:
        try:
            async with asyncio.timeout(self.order.time_left):
                self.has_slot = await self._unless_stopped(self._means.slots.acquire())
        except TimeoutError as fault:
            raise TooLate("the agent was busy until it was too late to start it") from fault
        if not self.has_slot:
            return self._never_started()
        try:
            self._means.admission.admit(self.order)
            if not await self._claimed():
                return self._never_started()
            self._has_leave = True
            crash_point("agent.has_leave")
            # Once more: the wait for leave may have been long.
            return await self._work(self._means.admission.admit(self.order))
        finally:
            self.has_slot = False
            self._means.slots.release()

    async def _claimed(self) -> bool:
        """Ask for leave until there is an answer; False where it was stopped meanwhile."""
        while not self._stop.is_set() and not self.order.is_too_late:
            self._go.clear()
            self._claim_id = new_id()
            claim = Claim(
                agent_id=self._means.agent_id,
                attempt_id=self.attempt_id,
                attempt_number=self.request.attempt_number,
                claim_id=self._claim_id,
            )
            crash_point("agent.before_claim")
            asked_at = time.clock_gettime(time.CLOCK_BOOTTIME)
            if not await self._unless_stopped(self._send(claim)):
                break
            crash_point("agent.after_claim")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._means.settings.claim_seconds):
                    has_leave = await self._unless_stopped(self._go.wait())
                # Also while the machine slept: by then somebody else may have been given the step.
                if time.clock_gettime(time.CLOCK_BOOTTIME) - asked_at < _LEAVE_SECONDS:
                    return has_leave
        if not self._stop.is_set():
            raise TooLate("nobody gave leave to start it in time")
        return False

    async def _work(self, admitted: Admitted) -> WorkResult:
        output = Output(self._means.secrets.redactor)
        folder = self._means.settings.work_folder / self.attempt_id
        telling = asyncio.create_task(self._keep_telling(output))
        try:
            await self._means.journal.claimed(self.attempt_id)
            await asyncio.to_thread(_make_folder, folder)
            ended = await admitted.executor.run(self._job(admitted, output, folder))
            crash_point("agent.after_effect")
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return self._of(ended, output)

    def _job(self, admitted: Admitted, output: Output, folder: Path) -> Job:
        return Job(
            attempt_id=self.attempt_id,
            entry=admitted.entry,
            parameters=admitted.parameters,
            deadline_seconds=self.request.deadline_seconds,
            folder=folder,
            output=output,
            started=self._started,
            model_tier=self.request.model_tier,
            material=self.request.material,
            model_stops=self.request.model_stops,
            stop=self._stop,
            at_once=self._means.at_once,
        )

    async def _started(self, process: Birth) -> None:
        await self._means.journal.started(self.attempt_id, process)
        crash_point("agent.started")
        self.process = process

    async def _broken(self, fault: Exception) -> WorkResult:
        reason = f"a fault in the agent broke it off ({type(fault).__name__}); see the agent's log"
        if isinstance(fault, OSError) and fault.strerror:
            reason = f"the agent could not go on: {fault.strerror}"
        elif isinstance(fault, sqlite3.OperationalError):
            reason = f"the agent could not go on, its journal cannot be written: {fault}"
        if self.process is None:
            return self._result(Outcome.FAILED, started=False, reason=reason)
        grace = self._means.settings.term_seconds
        group = self.process.pid if processes.is_alive(self.process) else None
        while not await processes.end(self.attempt_id, group, grace_seconds=grace):
            _log.error("processes_survive_SIGKILL", attempt_id=self.attempt_id)
        return self._result(Outcome.INTERRUPTED, started=True, reason=reason)

    async def _keep_telling(self, output: Output) -> None:
        """Tell that it runs, and what it prints, at most once in `status_seconds`."""
        sequence = 0
        while True:
            if self.process is not None and ((text := output.live()) or sequence == 0):
                sequence += 1
                status = WorkStatus(
                    agent_id=self._means.agent_id,
                    attempt_id=self.attempt_id,
                    attempt_number=self.request.attempt_number,
                    sequence=sequence,
                    output=text,
                )
                await self._send(status)
            await asyncio.sleep(self._means.settings.status_seconds)

    async def _send(self, payload: Payload) -> None:
        try:
            message = seal(payload, trace=self.order.trace)
            await self._means.transport.publish(RESULTS_QUEUE, message.encode())
        except TransportError as fault:
            _log.warning("could_not_tell", attempt_id=self.attempt_id, reason=str(fault))

    async def _unless_stopped(self, wanted: Awaitable[Any]) -> bool:
        """Wait for what is wanted; False, and no more waiting for it, once it is stopped."""
        waiting = asyncio.ensure_future(wanted)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.done()
        finally:
            waiting.cancel()
            stopped.cancel()

    def _never_started(self) -> WorkResult | None:
        if self._why is Stop.CANCELLED:
            return self._result(Outcome.CANCELLED, started=False, reason=Stop.CANCELLED.value)
        if self._why is Stop.STOPPING:
            return self._result(Outcome.INTERRUPTED, started=False, reason=Stop.STOPPING.value)
        return None

    def _of(self, ended: Ended, output: Output) -> WorkResult:
        outcome, reason = ended.outcome, ended.reason
        if outcome is Outcome.INTERRUPTED and self._why is not None:
            reason = self._why.value
            outcome = Outcome.CANCELLED if self._why is Stop.CANCELLED else outcome
        return self._result(
            outcome,
            started=ended.started,
            reason=self._means.secrets.redactor().hide(reason),
            exit_code=ended.exit_code,
            use=ended.use,
            output=output.final(),
        )

    def _result(
        self,
        outcome: Outcome,
        *,
        started: bool,
        reason: str,
        exit_code: int | None = None,
        output: str = "",
        use: ResourceUse | None = None,
    ) -> WorkResult:
        return WorkResult(
            agent_id=self._means.agent_id,
            attempt_id=self.attempt_id,
            attempt_number=self.request.attempt_number,
            outcome=outcome,
            started=started,
            exit_code=exit_code,
            output=output,
            reason=reason,
            use=use or ResourceUse(),
        )


def _make_folder(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
