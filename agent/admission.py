"""Whether an attempt may be started here: checked by the agent itself, whoever sent it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.executors.base import Executor
from agent.settings import AgentSettings
from orchestrator.catalog.files import current_digest
from orchestrator.catalog.models import Capability, Catalog, CatalogEntry
from orchestrator.catalog.parameters import check_parameters
from orchestrator.domain.digest import task_digest
from orchestrator.domain.value import Parameters
from orchestrator.errors import Refused
from orchestrator.protocol import Envelope, WorkRequest


class CatalogSource(Protocol):
    """Where the catalogue comes from; `orchestrator.catalog.catalogue.LiveCatalog` is one."""

    def current(self) -> Catalog:
        """Return the catalogue as it is now."""


class NotAdmitted(Exception):
    """The attempt must not start; the text is a sentence for people."""


class TooLate(NotAdmitted):
    """It was not started in time; nothing is wrong with it."""


@dataclass(frozen=True)
class Admitted:
    """What is to be run: the entry, the parameters with their defaults, and who runs it."""

    entry: CatalogEntry
    parameters: Parameters
    executor: Executor


@dataclass(frozen=True)
class Order:
    """A work request as it came in, with the time left to start it."""

    request: WorkRequest
    trace: str
    seconds_left: float
    received_at: float = field(default_factory=time.monotonic)

    @classmethod
    def read(cls, envelope: Envelope, request: WorkRequest) -> "Order":
        """Take the time left from the sender's two times: clocks need not agree."""
        left = (request.start_before - envelope.sent_at).total_seconds()
        return cls(request, envelope.trace, left)

    @property
    def time_left(self) -> float:
        """Seconds left to start it, at least 0."""
        return max(0.0, self.received_at + self.seconds_left - time.monotonic())

    @property
    def is_too_late(self) -> bool:
        """Whether its time to start has passed."""
        return self.time_left <= 0


class Admission:
    """Decides by the agent's own catalogue what it can and may run."""

    def __init__(
        self, settings: AgentSettings, catalog: CatalogSource, executors: Sequence[Executor]
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._executors = executors

    def capabilities(self) -> dict[str, str]:
        """Return what this agent can do, by name, with the digest of each entry."""
        return {
            name: entry.digest
            for name, entry in self._catalog.current().entries.items()
            if entry.capability.agent_type == self._settings.agent_type
            and self._executor(entry.capability) is not None
        }

    def admit(self, order: Order) -> Admitted:
        """Check everything that can be checked here.

        Raises:
            TooLate: its time to start has passed.
            NotAdmitted: it cannot be run here, or is not what was approved.
        """
        if order.is_too_late:
            raise TooLate("it could not be started in time")
        request = order.request
        entry = self._entry(request.capability)
        executor = self._executor(entry.capability)
        if executor is None:
            raise NotAdmitted(f"this agent has no way to run {request.capability}")
        if self._digest(entry, request) != request.task_digest:
            raise NotAdmitted(
                "the script or catalogue entry changed after the approval; ask again for a new plan"
            )
        try:
            parameters = check_parameters(entry.capability, request.parameters)
        except Refused as fault:
            raise NotAdmitted(fault.error.message) from fault
        return Admitted(entry, parameters, executor)

    def _entry(self, name: str) -> CatalogEntry:
        entry = self._catalog.current().get(name)
        if entry is None:
            raise NotAdmitted(f"{name} is not in the catalogue of this agent")
        if entry.capability.agent_type != self._settings.agent_type:
            raise NotAdmitted(
                f"{name} is work for {entry.capability.agent_type} agents; "
                f"this one is of type {self._settings.agent_type}"
            )
        return entry

    def _executor(self, capability: Capability) -> Executor | None:
        asks = capability.run is not None and capability.run.llm is not None
        if capability.reasoning != asks:  # open-ended work is for a model, and nothing else is
            return None
        return next((each for each in self._executors if each.can_run(capability)), None)

    def _digest(self, entry: CatalogEntry, request: WorkRequest) -> str | None:
        try:
            return task_digest(
                entry=current_digest(entry),
                parameters=request.parameters,
                target=request.target,
                agent_type=entry.capability.agent_type,
                model_tier=request.model_tier,
            )
        except ValueError:  # parameters without a canonical form were never approved
            return None
