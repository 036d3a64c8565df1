"""Where an agent's messages come in: work and orders, each attempt taken up exactly once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

import structlog

from agent.admission import Order
from agent.journal import Entry, State
from agent.reporter import Reporter
from agent.run import Means, Run, Stop
from orchestrator.crash_points import crash_point
from orchestrator.domain.ids import is_id
from orchestrator.errors import TryLater
from orchestrator.protocol import (
    Cancel,
    Go,
    Outcome,
    ReportIn,
    Superseded,
    WireError,
    WorkRequest,
    WorkResult,
    decode,
    seal,
)

_LONGEST_PAUSE = 30.0
_END_SECONDS = 15.0  # beyond `term_seconds`, what SIGKILL may take

_log = structlog.get_logger(__name__)


class Desk:
    """Takes messages, starts a run for each new attempt, keeps and reports its result.

    Args:
        means: what the runs work with.
        reporter: gets results to the orchestrator.
        report_in: called when the orchestrator asks who this is.
    """

    def __init__(self, means: Means, reporter: Reporter, report_in: Callable[[], None]) -> None:
        self._means = means
        self._reporter = reporter
        self._report_in = report_in
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # A cancel must not slip by the attempt it is about: one at a time for each attempt.
        self._doors: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closing = False

    @property
    def load(self) -> float:
        """0 idle to 1 all slots busy."""
        return sum(run.has_slot for run in self._runs.values()) / self._means.settings.slots

    async def on_work(self, body: bytes) -> None:
        """Take up an attempt; returns, and so acknowledges it, once it is journalled.

        Raises:
            WireError: it is no work request.
            TryLater: the journal cannot be written now.
        """
        envelope, payload = decode(body)
        if not isinstance(payload, WorkRequest):
            raise WireError(f"{envelope.type} is no work")
        if not is_id(payload.attempt_id):  # it names a folder
            raise WireError("the attempt id is no UUID")
        crash_point("agent.received")
        async with _journalled(), self._door(payload.attempt_id):
            await self._take_up(Order.read(envelope, payload))
        crash_point("agent.journalled")

    async def on_control(self, body: bytes) -> None:
        """Follow an order or an answer.

        Raises:
            WireError: it is neither.
            TryLater: the journal cannot be written now.
        """
        envelope, payload = decode(body)
        match payload:
            case Go(attempt_id=attempt_id, claim_id=claim_id):
                if run := self._runs.get(attempt_id):
                    run.go(claim_id)
            case Superseded(attempt_id=attempt_id):
                if run := self._runs.get(attempt_id):
                    run.stop_before_start(Stop.SUPERSEDED)
            case Cancel(attempt_id=attempt_id):
                await self._cancel(attempt_id)
            case ReportIn():
                self._report_in()
            case _:
                raise WireError(f"{envelope.type} is no order to an agent")

    def take_nothing_new(self) -> None:
        """Hand back what has not started, and whatever comes from now on."""
        self._closing = True
        for run in self._runs.values():
            run.stop_before_start(Stop.STOPPING)

    async def close(self) -> None:
        """Hand back what has not started, let the rest finish in time, then end it."""
        self.take_nothing_new()
        await self._all_done(self._means.settings.stop_seconds)
        for run in self._runs.values():
            run.stop(Stop.STOPPING)
        if self._tasks:
            await asyncio.wait(
                self._tasks, timeout=self._means.settings.term_seconds + _END_SECONDS
            )
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _door(self, attempt_id: str) -> asyncio.Lock:
        return self._doors.setdefault(attempt_id, asyncio.Lock())

    async def _take_up(self, order: Order) -> None:
        request, journal = order.request, self._means.journal
        entry = Entry(
            attempt_id=request.attempt_id,
            task_id=request.task_id,
            attempt_number=request.attempt_number,
            capability=request.capability,
            trace=order.trace,
        )
        if known := await journal.receive(entry):
            await self._answer_again(known, order)
        elif await journal.highest_number(request.task_id) > request.attempt_number:
            reason = "a newer try of this step was handed to this agent already"
            self._refuse(order, Outcome.FAILED, reason)
        else:
            self._start(order)

    def _start(self, order: Order) -> None:
        older = [run for run in self._runs.values() if run.request.task_id == order.request.task_id]
        for each in older:
            each.stop(Stop.SUPERSEDED)
        run = Run(order, self._means)
        if self._closing:
            run.stop(Stop.STOPPING)
        self._runs[run.attempt_id] = run
        self._spawn(self._carry_out(run, older), order)

    async def _carry_out(self, run: Run, older: list[Run]) -> None:
        try:
            await self._keep(run.order, await run.execute(older))
        finally:
            self._runs.pop(run.attempt_id, None)

    async def _keep(self, order: Order, result: WorkResult | None) -> None:
        """Journal a result, however long a full disk refuses it, and report it."""
        attempt_id, pause = order.request.attempt_id, self._means.settings.report_seconds
        message = seal(result, trace=order.trace).encode() if result else b""
        while True:
            try:
                if result is None:
                    await self._means.journal.drop(attempt_id)
                else:
                    await self._means.journal.finish(attempt_id, message)
            except sqlite3.Error as fault:
                _log.exception("journal_not_written", attempt_id=attempt_id, reason=str(fault))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                break
        if result is not None:
            crash_point("agent.finished")
            _log.info("attempt_ended", attempt_id=attempt_id, outcome=result.outcome.value)
            self._reporter.report(attempt_id, message)

    async def _answer_again(self, known: Entry, order: Order) -> None:
        """Say again what became of an attempt that came before; it is never run twice."""
        if known.state is not State.FINISHED:
            return
        if known.result is not None:
            self._reporter.report(known.attempt_id, known.result)
        elif not known.task_id:  # it was called off before it came
            self._refuse(order, Outcome.CANCELLED, Stop.CANCELLED.value)

    async def _cancel(self, attempt_id: str) -> None:
        async with _journalled(), self._door(attempt_id):
            if run := self._runs.get(attempt_id):
                run.stop(Stop.CANCELLED)
            else:
                await self._means.journal.forget(attempt_id)

    def _refuse(self, order: Order, outcome: Outcome, reason: str) -> None:
        result = WorkResult(
            agent_id=self._means.agent_id,
            attempt_id=order.request.attempt_id,
            attempt_number=order.request.attempt_number,
            outcome=outcome,
            started=False,
            reason=reason,
        )
        self._spawn(self._keep(order, result), order)

    def _spawn(self, work: Coroutine[None, None, None], order: Order) -> None:
        task = asyncio.create_task(work, name=f"attempt {order.request.attempt_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _all_done(self, seconds: float) -> None:
        """Wait for every run, at most so long, and not at all once time is up at once."""
        if not self._tasks:
            return
        hurry = asyncio.create_task(self._means.at_once.wait())
        done = asyncio.create_task(asyncio.wait(self._tasks))
        ends: tuple[asyncio.Future[Any], ...] = (hurry, done)
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


@asynccontextmanager
async def _journalled() -> AsyncIterator[None]:
    """Keep a message until there is room for it on the disk: it is not to blame."""
    try:
        yield
    except sqlite3.OperationalError as fault:
        raise TryLater(f"the agent's journal cannot be written: {fault}") from fault
