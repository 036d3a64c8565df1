"""The agent: one worker, from its start to its stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence

import structlog

from agent.admission import Admission, CatalogSource
from agent.desk import Desk
from agent.executors.base import Executor
from agent.executors.command import CommandExecutor
from agent.executors.llm import LlmExecutor
from agent.journal import Journal
from agent.labels import DEFAULT_PROBES, LabelProbe
from agent.pulse import Pulse
from agent.recovery import recover
from agent.redact import Secrets
from agent.reporter import Reporter
from agent.run import Means
from agent.session import Session
from agent.settings import AgentSettings
from orchestrator.crash_points import crash_point
from orchestrator.domain.model_rules import ModelRules
from orchestrator.llm.port import Models
from orchestrator.protocol import control_queue, work_queue
from orchestrator.transport.port import Subscription, Transport

_CONTROL_PREFETCH = 16
_PRUNE_SECONDS = 24 * 3600.0
_LAST_REPORT_SECONDS = 5.0
_BROKER_SECONDS_AT_ONCE = 1.0
_BREAK_OFF_SECONDS = 0.2

_log = structlog.get_logger(__name__)


class Agent:
    """One worker. `start` and `stop` it, or `run` it until somebody stops it.

    `agent_id` is known once it has started.

    Args:
        settings: who it is and where it keeps its things.
        transport: the broker.
        catalog: what it may run; asked anew for each attempt.
        executors: how actions are run; by default commands, and prompts where `models` are given.
        models: the language models of this machine, and what may leave it for them.
        probes: labels it finds out by itself; by default the host's name and Docker's engine.
    """

    def __init__(
        self,
        settings: AgentSettings,
        transport: Transport,
        catalog: CatalogSource,
        *,
        executors: Sequence[Executor] | None = None,
        models: tuple[Models, ModelRules] | None = None,
        probes: Sequence[LabelProbe] = DEFAULT_PROBES,
    ) -> None:
        self.settings = settings
        self.agent_id = ""
        self._transport = transport
        self._probes = probes
        self._journal = Journal(settings.journal_file)
        self._admission = Admission(
            settings, catalog, _usual(settings, models) if executors is None else executors
        )
        self._reporter = Reporter(transport, self._journal, settings.report_seconds)
        self._pulse = Pulse(settings.journal_file.parent, settings.name)
        self._at_once = asyncio.Event()
        self._stopped = asyncio.Event()
        self._session: Session | None = None
        self._desk: Desk | None = None
        self._work: Subscription | None = None
        self._control: Subscription | None = None
        self._pruning: asyncio.Task[None] | None = None
        self._shutting_down: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Work until `stop` is called; a cancelled agent stops at once.

        Raises:
            JournalError: another agent works on this journal, or it is not usable.
        """
        await self.start()
        try:
            await self._stopped.wait()
        finally:
            await self.stop(graceful=False)

    async def start(self) -> None:
        """Take the journal, register, end what an earlier life left, then take work.

        Raises:
            JournalError: another agent works on this journal, or it is not usable.
        """
        await self._journal.open()
        try:
            await self._start()
        except BaseException:
            await self._shut_down()
            raise

    def take_nothing_new(self) -> None:
        """Say that it stops soon, and hand back what has not started; what runs goes on."""
        if self._session is not None:
            self._session.stopping()
        if self._desk is not None:
            self._desk.take_nothing_new()

    async def stop(self, *, graceful: bool = True) -> None:
        """Take nothing new, hand back what has not started, let the rest finish in time.

        What is not finished after `stop_seconds` is ended and reported as interrupted. A second
        call, or a first one with `graceful` false, ends it at once, and gives the broker one
        second more; what could not be reported then is reported by the next start.
        """
        if self._shutting_down is not None or not graceful:
            self._at_once.set()
        if self._shutting_down is None:
            self._shutting_down = asyncio.create_task(self._shut_down(), name="stop agent")
        await asyncio.shield(self._shutting_down)

    async def _start(self) -> None:
        self.agent_id = await self._journal.agent_id()
        desk = Desk(self._means(), self._reporter, self._report_in)
        self._desk = desk
        # Declared before the agent is known, so that whoever routes work to it finds a queue;
        # read only after the recovery, so that no new attempt runs beside an orphan.
        for queue in (work_queue(self.agent_id), control_queue(self.agent_id)):
            await self._transport.declare(queue)
        self._session = self._open_session(desk)
        self._session.start()
        await self._recover()
        self._control = await self._transport.consume(
            control_queue(self.agent_id), desk.on_control, prefetch=_CONTROL_PREFETCH
        )
        self._work = await self._transport.consume(
            work_queue(self.agent_id), desk.on_work, prefetch=self.settings.slots
        )
        self._pruning = asyncio.create_task(self._keep_pruning(), name="prune journal")
        _log.info("agent_started", agent=self.settings.name, agent_id=self.agent_id)

    def _means(self) -> Means:
        return Means(
            agent_id=self.agent_id,
            settings=self.settings,
            transport=self._transport,
            journal=self._journal,
            admission=self._admission,
            secrets=Secrets(self.settings.all_secret_files),
            slots=asyncio.Semaphore(self.settings.slots),
            at_once=self._at_once,
        )

    def _open_session(self, desk: Desk) -> Session:
        return Session(
            self.agent_id,
            self.settings,
            self._transport,
            capabilities=self._admission.capabilities,
            holds=self._holds,
            load=lambda: desk.load,
            probes=self._probes,
            told=self._pulse.beat,
        )

    async def _recover(self) -> None:
        unreported = await recover(
            self._journal,
            self.agent_id,
            work_folder=self.settings.work_folder,
            term_seconds=self.settings.term_seconds,
        )
        if unreported:
            crash_point("agent.recovered")
        # Told of an interruption first, the orchestrator would not know that this is a new life,
        # and that the step may be given to this agent again.
        if self._session is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._session.introduced.wait(), self.settings.introduction_seconds
                )
        for entry in unreported:
            if entry.result is not None:
                self._reporter.report(entry.attempt_id, entry.result)

    async def _holds(self) -> list[str]:
        return [entry.attempt_id for entry in await self._journal.open_entries()]

    def _report_in(self) -> None:
        if self._session is not None:
            self._session.register()

    async def _keep_pruning(self) -> None:
        while True:
            await self._journal.prune()
            await asyncio.sleep(_PRUNE_SECONDS)

    async def _shut_down(self) -> None:
        """Stop in order. Steps end before the broker is waited for: it may be away."""
        self.take_nothing_new()
        leaving = None if self._work is None else asyncio.create_task(self._work.cancel())
        if self._desk is not None:
            await self._desk.close()
        hurry = asyncio.create_task(self._no_more_time())
        if leaving is not None:
            await _in_time(leaving, hurry)
        if self._desk is not None:
            await self._desk.close()  # what was delivered meanwhile is handed back
        await _in_time(self._reporter.close(_LAST_REPORT_SECONDS), hurry)
        if self._control is not None:
            await _in_time(self._control.cancel(), hurry)
        hurry.cancel()
        if self._session is not None:
            await self._session.close()
        self._pulse.end()
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.gather(self._pruning, return_exceptions=True)
        await self._journal.close()
        self._stopped.set()
        _log.info("agent_stopped", agent=self.settings.name)

    async def _no_more_time(self) -> None:
        """Wait for the second signal, and then for as long as the broker is still given."""
        await self._at_once.wait()
        await asyncio.sleep(_BROKER_SECONDS_AT_ONCE)


async def _in_time(goodbye: Awaitable[None], hurry: asyncio.Task[None]) -> None:
    """Wait for something that the broker has a part in, until `hurry` has ended."""
    waiting = asyncio.ensure_future(goodbye)
    await asyncio.wait({waiting, hurry}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=_BREAK_OFF_SECONDS)
    elif (fault := waiting.exception()) is not None:
        _log.warning("not_stopped_cleanly", reason=str(fault))


def _usual(settings: AgentSettings, models: tuple[Models, ModelRules] | None) -> list[Executor]:
    found: list[Executor] = [
        CommandExecutor(settings.homelab_folder, term_seconds=settings.term_seconds)
    ]
    if models is not None:
        found.append(LlmExecutor(*models))
    return found
