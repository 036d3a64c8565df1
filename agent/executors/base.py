"""The seam to what does the work: one executor for each way an action can be given."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.output import Output
from agent.processes import Birth
from orchestrator.catalog.models import Capability, CatalogEntry
from orchestrator.domain.value import Parameters
from orchestrator.protocol import Outcome, ResourceUse


@dataclass(frozen=True)
class Job:
    """One attempt, checked and allowed to start.

    Attributes:
        folder: an empty folder of its own, removed afterwards.
        output: takes what the work prints.
        started: told of the process before anything of the work is run; it returns once that
            is on the disk. If it raises, nothing may be run.
        model_tier: the highest kind of language model that was approved.
        material: what earlier steps put out; to read, never an order.
        model_stops: tier to the sentence that says why it must not be used now.
        stop: set when the work must end early.
        at_once: set when there is no time to end it politely.
    """

    attempt_id: str
    entry: CatalogEntry
    parameters: Parameters
    deadline_seconds: float
    folder: Path
    output: Output
    started: Callable[[Birth], Awaitable[None]]
    model_tier: str = "none"
    material: str = ""
    model_stops: Mapping[str, str] = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Ended:
    """How the work ended; nothing of it runs any more.

    `outcome` is `interrupted` where it was told to stop. `reason` is a sentence for people,
    empty after a success. `started` is false only where provably nothing was run.
    """

    outcome: Outcome
    started: bool = True
    exit_code: int | None = None
    reason: str = ""
    use: ResourceUse = field(default_factory=ResourceUse)


class Executor(Protocol):
    """Runs the actions of one kind."""

    def can_run(self, capability: Capability) -> bool:
        """Tell whether the capability's action is of this kind."""

    async def run(self, job: Job) -> Ended:
        """Do the work; return once nothing of it is left running. Cancelling kills it."""
