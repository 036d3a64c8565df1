"""An agent's standing with the orchestrator: registration and heartbeats."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from agent.labels import LabelProbe, probed
from agent.machine import Machine
from agent.settings import AgentSettings
from orchestrator.domain.ids import new_id
from orchestrator.errors import TransportError
from orchestrator.protocol import (
    RESULTS_QUEUE,
    AgentState,
    Heartbeat,
    Payload,
    Register,
    seal,
)
from orchestrator.transport.port import Transport

_FIRST_TRIES_SECONDS = 0.5
_CATALOGUE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Session:
    """Says who this agent is, and every few seconds that it is there.

    Args:
        agent_id: as kept in the journal.
        settings: name, type, labels, slots and intervals.
        transport: carries the messages.
        capabilities: what it can do now, by name, with the digest of the entry.
        holds: the attempts that it still has.
        load: 0 idle to 1 all slots busy.
        probes: labels to find out, now and every `label_seconds`.
        told: called whenever the broker has taken a message.
    """

    def __init__(  # noqa: PLR0913 - four of them are what a message is made of
        self,
        agent_id: str,
        settings: AgentSettings,
        transport: Transport,
        *,
        capabilities: Callable[[], Mapping[str, str]],
        holds: Callable[[], Awaitable[Sequence[str]]],
        load: Callable[[], float],
        probes: Sequence[LabelProbe],
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.incarnation = new_id()
        self._agent_id = agent_id
        self._settings = settings
        self._transport = transport
        self._capabilities = capabilities
        self._holds = holds
        self._load = load
        self._probes = probes
        self._told = told
        self._machine = Machine()
        self._labels: dict[str, str] = dict(settings.labels)
        self._state = AgentState.READY
        self._registered_with: Mapping[str, str] | None = None
        self._reachable = True
        self._due = asyncio.Event()
        self.introduced = asyncio.Event()  # the first registration is with the broker
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Register as soon as possible and keep telling."""
        self._tasks = [asyncio.create_task(self._keep_telling(), name="heartbeat")]

    def register(self) -> None:
        """Register again: the orchestrator asked for it."""
        self._registered_with = None
        self._due.set()

    def stopping(self) -> None:
        """Tell at once, and from now on, that nothing new is taken."""
        self._state = AgentState.STOPPING
        self._due.set()

    async def close(self) -> None:
        """Say no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_telling(self) -> None:
        await self._look_at_labels()
        self._tasks.append(asyncio.create_task(self._keep_looking(), name="labels"))
        self._tasks.append(asyncio.create_task(self._keep_comparing(), name="catalogue"))
        while True:
            self._due.clear()
            sent = await self._try_to_tell()
            interval = self._settings.heartbeat_seconds
            await self._wait(interval if sent else min(interval, _FIRST_TRIES_SECONDS))

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._settings.label_seconds)
            await self._look_at_labels()

    async def _keep_comparing(self) -> None:
        """Register soon after the catalogue was edited: until then no new plan fits this agent."""
        while True:
            await asyncio.sleep(_CATALOGUE_SECONDS)
            known = self._registered_with
            if known is not None and known != self._capabilities():
                self._due.set()

    async def _look_at_labels(self) -> None:
        found = await probed(self._probes, self._settings.labels)
        if found != self._labels:
            self._labels = found
            self._due.set()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._due.wait()
        except TimeoutError:
            pass

    async def _try_to_tell(self) -> bool:
        try:
            return await self._tell()
        except Exception:  # noqa: BLE001 - a working agent must not fall silent; it is logged
            _log.exception("heartbeat_failed")
            return False

    async def _tell(self) -> bool:
        capabilities = dict(self._capabilities())
        if self._state is AgentState.STOPPING or self._registered_with == capabilities:
            return await self._send(await self._heartbeat())
        self._registered_with = capabilities  # before the wait: it may be reset meanwhile
        registered = await self._send(await self._register(capabilities))
        if registered:
            self.introduced.set()
        else:
            self._registered_with = None
        return registered

    async def _send(self, payload: Payload) -> bool:
        try:
            async with asyncio.timeout(self._settings.heartbeat_seconds):
                await self._transport.publish(RESULTS_QUEUE, seal(payload).encode())
        except (TransportError, TimeoutError) as fault:
            if self._reachable:
                _log.warning("the_orchestrator_does_not_answer", reason=str(fault))
            self._reachable = False
            return False
        self._told()
        if not self._reachable:
            _log.info("the_orchestrator_answers_again")
        self._reachable = True
        return True

    async def _register(self, capabilities: dict[str, str]) -> Register:
        return Register(
            agent_id=self._agent_id,
            name=self._settings.name,
            agent_type=self._settings.agent_type,
            incarnation=self.incarnation,
            labels=self._labels,
            specializations=self._settings.specializations,
            capabilities=capabilities,
            slots=self._settings.slots,
            holds=tuple(await self._holds()),
            free=await self._machine.free(),
        )

    async def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            agent_id=self._agent_id,
            incarnation=self.incarnation,
            status=self._state,
            load=self._load(),
            labels=self._labels,
            free=await self._machine.free(),
            holds=tuple(await self._holds()),
        )
