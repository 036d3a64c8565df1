"""What the agent's tests play in: a catalogue made on the spot, and the other end of the wire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import psutil
from pydantic import JsonValue

from agent.processes import ATTEMPT_VARIABLE
from agent.settings import AgentSettings
from agent.worker import Agent
from orchestrator.catalog.files import hash_capability
from orchestrator.catalog.models import Action, Capability, Catalog, CatalogEntry, Risk
from orchestrator.domain.digest import canonical_hash, task_digest
from orchestrator.domain.ids import new_id
from orchestrator.domain.value import Parameters
from orchestrator.protocol import (
    RESULTS_QUEUE,
    Claim,
    Envelope,
    Go,
    Payload,
    WorkRequest,
    WorkResult,
    WorkStatus,
    control_queue,
    decode,
    seal,
    work_queue,
)
from orchestrator.transport.port import Transport
from tests.plugins.waiting import until

Kind = TypeVar("Kind", bound=Payload)


class Book:
    """A catalogue that a test may change at any time."""

    def __init__(self, *entries: CatalogEntry) -> None:
        self.entries = {entry.capability.name: entry for entry in entries}

    def current(self) -> Catalog:
        return Catalog(entries=dict(self.entries))


def entry(
    name: str,
    command: tuple[str, ...] | None,
    *,
    folder: Path = Path("/"),
    agent_type: str = "infra",
    reasoning: bool = False,
    properties: dict[str, JsonValue] | None = None,
) -> CatalogEntry:
    """Make a catalogue entry as the loader would."""
    capability = Capability(
        name=name,
        description=name,
        agent_type=agent_type,
        risk=Risk.LOW,
        reasoning=reasoning,
        parameters={"type": "object", "properties": properties or {}},
        run=Action(command=command) if command else None,
    )
    return CatalogEntry(
        capability=capability,
        source="test",
        folder=str(folder),
        entry_hash=canonical_hash(capability.model_dump(mode="json", exclude={"override"})),
        file_hashes=hash_capability(capability, folder),
    )


def python(name: str, code: str, *more: str) -> CatalogEntry:
    """Make an entry that runs a few lines of Python."""
    return entry(name, ("python3", "-c", code, *more))


def settings(home: Path, **changes: object) -> AgentSettings:
    """Return settings with short waits."""
    short: dict[str, object] = {
        "home": home,
        "name": "one",
        "agent_type": "infra",
        "heartbeat_seconds": 0.05,
        "claim_seconds": 0.1,
        "status_seconds": 0.02,
        "report_seconds": 0.01,
        "term_seconds": 0.3,
        "stop_seconds": 10,
    }
    return AgentSettings.model_validate(short | changes)


def work_for(entry: CatalogEntry, parameters: Parameters | None = None) -> WorkRequest:
    """Return a right work request for an entry; change it with `model_copy`."""
    given = parameters or {}
    return WorkRequest(
        plan_id=new_id(),
        task_id=new_id(),
        attempt_id=new_id(),
        attempt_number=1,
        capability=entry.capability.name,
        parameters=given,
        task_digest=task_digest(
            entry=entry.digest,
            parameters=given,
            target=None,
            agent_type=entry.capability.agent_type,
            model_tier="none",
        ),
        start_before=datetime.now(UTC) + timedelta(hours=1),
        deadline_seconds=60,
    )


class FakeOrchestrator:
    """Reads the results queue, keeps every message, and says go to each claim."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.agent_id = ""
        self.messages: list[tuple[Envelope, Payload]] = []
        self.answer: Callable[[Claim], Payload | None] = lambda claim: Go(
            attempt_id=claim.attempt_id, claim_id=claim.claim_id
        )

    async def open(self) -> None:
        await self.transport.consume(RESULTS_QUEUE, self._read, prefetch=8)

    async def send(self, payload: Payload, trace: str = "") -> None:
        """Send work to the agent's queue, anything else to its control queue."""
        work = isinstance(payload, WorkRequest)
        queue = work_queue(self.agent_id) if work else control_queue(self.agent_id)
        await self.transport.publish(queue, seal(payload, trace=trace).encode())

    def all(self, kind: type[Kind], attempt_id: str | None = None) -> list[Kind]:
        """Return every message of a kind, of one attempt where it is named."""
        found = [payload for _, payload in self.messages if isinstance(payload, kind)]
        if attempt_id is None:
            return found
        return [each for each in found if getattr(each, "attempt_id", None) == attempt_id]

    async def some(self, kind: type[Kind], attempt_id: str | None = None, number: int = 1) -> Kind:
        """Wait for the `number`-th message of a kind."""
        await until(
            lambda: len(self.all(kind, attempt_id)) >= number,
            what=f"{kind.TYPE} number {number}",
            seconds=20,
        )
        return self.all(kind, attempt_id)[number - 1]

    async def result(self, request: WorkRequest) -> WorkResult:
        """Wait for the result of an attempt."""
        return await self.some(WorkResult, request.attempt_id)

    async def done(self, request: WorkRequest) -> WorkResult:
        """Hand an attempt over and wait for its result."""
        await self.send(request)
        return await self.result(request)

    async def running(self, request: WorkRequest) -> None:
        """Wait until the agent says that an attempt runs."""
        await self.some(WorkStatus, request.attempt_id)

    async def printed(self, request: WorkRequest, text: str) -> None:
        """Wait until an attempt printed `text`."""
        await until(
            lambda: (
                text in "".join(each.output for each in self.all(WorkStatus, request.attempt_id))
            ),
            what=f"the output {text!r}",
        )

    async def _read(self, body: bytes) -> None:
        envelope, payload = decode(body)
        self.messages.append((envelope, payload))
        if isinstance(payload, Claim) and (answer := self.answer(payload)):
            await self.send(answer)


async def reported(agent: Agent) -> None:
    """Wait until the agent knows that every result arrived; a repeat meanwhile is one with it."""
    await until(lambda: not agent._reporter._under_way, what="every report to be confirmed")


def carriers(attempt_id: str) -> list[int]:
    """Return every live process that carries an attempt's id, found without the agent's code."""
    return [process.pid for process in psutil.process_iter() if _variable(process) == attempt_id]


def _variable(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(ATTEMPT_VARIABLE)
    except psutil.Error:
        return None
