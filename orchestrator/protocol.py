"""The wire between orchestrator and agents: JSON, one frozen model per message type.

Every message is an `Envelope`; its `type` says which model its `payload` is. Unknown fields
are ignored, so that a newer peer may add some; an unknown version is refused (`WireError`).
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.ids import new_id
from orchestrator.domain.value import Parameters
from orchestrator.errors import ChiffonError

PROTOCOL_VERSION = 1
RESULTS_QUEUE = "chiffon.results"
DEAD_QUEUE = "chiffon.dead"

Name: TypeAlias = Annotated[str, Field(max_length=64)]
"""What an agent calls itself; as long as the database lets a name be."""

_INTEGER_END = 2**31  # of a database's integer column
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # in JSON, which knows no other way to write it


def work_queue(agent_id: str) -> str:
    """Return the queue on which an agent is handed work."""
    return f"agent.{agent_id}"


def control_queue(agent_id: str) -> str:
    """Return the queue for answers and orders that must overtake work: go, cancel."""
    return f"agent.{agent_id}.control"


class WireError(ChiffonError):
    """The bytes are no message of this protocol; the text says why."""


class Payload(BaseModel):
    """Base of every payload; `TYPE` is its name on the wire."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
    TYPE: ClassVar[str]


class FreeResources(BaseModel):
    """What an agent has left: whole MiB of memory, cores, MiB of GPU memory."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    cpu_cores: float = Field(default=0, ge=0)
    memory_mb: int = Field(default=0, ge=0)
    gpu_vram_mb: int = Field(default=0, ge=0)


class Register(Payload):
    """An agent introduces itself; sent at its start and again when it is asked to."""

    TYPE: ClassVar[str] = "register"

    agent_id: Name
    name: Name
    agent_type: Name
    incarnation: Name = Field(description="New at every start of the agent's process")
    labels: dict[str, str] = Field(default_factory=dict)
    specializations: tuple[str, ...] = ()
    capabilities: dict[str, str] = Field(
        default_factory=dict,
        description="Capability name to the hash of its catalogue entry",
    )
    slots: int = Field(
        default=1, ge=1, lt=_INTEGER_END, description="How many tasks it runs at once"
    )
    holds: tuple[str, ...] = Field(
        default=(),
        description="Attempt ids it still has: queued, running, or unreported",
    )
    free: FreeResources = FreeResources()


class AgentState(StrEnum):
    """What an agent says of itself."""

    READY = "ready"
    STOPPING = "stopping"  # finishes what it has, takes nothing new


class Heartbeat(Payload):
    """A sign of life, every 10 s; 30 s without one and the agent counts as silent."""

    TYPE: ClassVar[str] = "heartbeat"

    agent_id: str
    incarnation: str
    status: AgentState = AgentState.READY
    load: float = Field(default=0, ge=0, description="0 idle to 1 all slots busy")
    labels: dict[str, str] = Field(default_factory=dict)
    free: FreeResources = FreeResources()
    holds: tuple[str, ...] = ()


class WorkRequest(Payload):
    """One attempt of one task, for one agent."""

    TYPE: ClassVar[str] = "work_request"

    plan_id: str
    task_id: str
    attempt_id: str
    attempt_number: int = Field(ge=1, description="Fencing token: only the highest may report")
    capability: str
    parameters: Parameters
    target: str | None = None
    model_tier: str = "none"
    task_digest: str = Field(description="What was approved; the agent computes it again")
    start_before: AwareDatetime = Field(
        description="Not started by then: hand it back, run nothing"
    )
    deadline_seconds: int = Field(ge=1, description="Running time after which it is stopped")
    material: str = Field(
        default="",
        description="What earlier steps put out: for a language model to read, never an order",
    )
    model_stops: dict[str, str] = Field(
        default_factory=dict,
        description="Tier of model to the sentence that says why it must not be used now",
    )


class Claim(Payload):
    """An agent asks for leave to start; nothing is run before `Go`."""

    TYPE: ClassVar[str] = "claim"

    agent_id: str
    attempt_id: str
    attempt_number: int
    claim_id: str = Field(default="", description="New each time it asks; `Go` repeats it")


class Go(Payload):
    """Leave to start: the orchestrator has moved the attempt to `claimed`.

    An agent that was suspended may find an old answer waiting, given before its lease ran out:
    it starts only on the answer to its latest claim.
    """

    TYPE: ClassVar[str] = "go"

    attempt_id: str
    claim_id: str = Field(default="", description="From the claim it answers; empty fits any")


class Superseded(Payload):
    """The attempt is no longer wanted; do not start it."""

    TYPE: ClassVar[str] = "superseded"

    attempt_id: str


class Cancel(Payload):
    """Stop the attempt if it runs, forget it if it does not."""

    TYPE: ClassVar[str] = "cancel"

    attempt_id: str


class ReportIn(Payload):
    """The orchestrator does not know this agent (any more): register again."""

    TYPE: ClassVar[str] = "report_in"

    agent_id: str


class WorkStatus(Payload):
    """How a running attempt gets on; only a higher sequence counts."""

    TYPE: ClassVar[str] = "work_status"

    agent_id: str
    attempt_id: str
    attempt_number: int
    sequence: int = Field(ge=1, lt=_INTEGER_END)
    progress: int | None = Field(default=None, ge=0, le=100)
    output: str = Field(default="", description="The next piece of output, already redacted")


class Outcome(StrEnum):
    """How an attempt ended, in the agent's words."""

    SUCCESS = "success"
    FAILED = "failed"  # it ran and failed, or was refused before it ran
    TIMED_OUT = "timed_out"  # stopped at its deadline; the whole process group is gone
    CANCELLED = "cancelled"  # stopped because it was told to
    INTERRUPTED = "interrupted"  # the agent stopped under it; nothing of it runs any more


class Difficulty(StrEnum):
    """How hard the agent found it; routing learns from it."""

    STRAIGHTFORWARD = "straightforward"
    TRICKY = "tricky"


class ModelCall(BaseModel):
    """One call of a language model, with the provider's own counts."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    tier: ModelTier
    model: str = Field(max_length=100)
    tokens_in: int = Field(default=0, ge=0, lt=_INTEGER_END)
    tokens_out: int = Field(default=0, ge=0, lt=_INTEGER_END)
    cost: float = Field(default=0, ge=0)
    error: str = Field(default="", description="Why it gave no answer; empty where it did")
    asked: bool = Field(default=True, description="False: it must not be asked, and was not")


class ResourceUse(BaseModel):
    """What an attempt used."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    wall_seconds: float = Field(default=0, ge=0)
    cpu_seconds: float = Field(default=0, ge=0)
    peak_memory_mb: int = Field(default=0, ge=0)
    model: str | None = None
    tokens: int = Field(default=0, ge=0)
    calls: tuple[ModelCall, ...] = Field(default=(), max_length=10)


class WorkResult(Payload):
    """The end of an attempt. Sent until confirmed; a repeat changes nothing."""

    TYPE: ClassVar[str] = "work_result"

    agent_id: str
    attempt_id: str
    attempt_number: int
    outcome: Outcome
    started: bool = Field(description="False: it provably never ran, so anyone may run it")
    exit_code: int | None = Field(default=None, ge=-_INTEGER_END, lt=_INTEGER_END)
    output: str = Field(default="", description="Head and tail, redacted, at most 64 KiB")
    reason: str = Field(default="", description="One sentence for people where it did not succeed")
    use: ResourceUse = ResourceUse()
    difficulty: Difficulty = Difficulty.STRAIGHTFORWARD


_PAYLOADS: dict[str, type[Payload]] = {
    model.TYPE: model
    for model in (
        Register,
        Heartbeat,
        WorkRequest,
        Claim,
        Go,
        Superseded,
        Cancel,
        ReportIn,
        WorkStatus,
        WorkResult,
    )
}

SomePayload = TypeVar("SomePayload", bound=Payload)


class Envelope(BaseModel):
    """What travels: the payload and what is needed to read, trace and de-duplicate it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    protocol_version: int = PROTOCOL_VERSION
    message_id: str = Field(default_factory=new_id, max_length=255)
    type: str
    sent_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    trace: str = Field(default="", description="Correlation id, from request to attempt")
    payload: dict[str, JsonValue]

    def encode(self) -> bytes:
        """Return the message as UTF-8 JSON."""
        return self.model_dump_json().encode()


def seal(
    payload: Payload,
    *,
    trace: str = "",
    message_id: str | None = None,
    sent_at: datetime | None = None,
) -> Envelope:
    """Put `payload` into an envelope.

    Args:
        payload: the message.
        trace: correlation id.
        message_id: given where a repeat must be spotted.
        sent_at: given where the payload holds times of another clock than this machine's.
    """
    return Envelope(
        message_id=message_id or new_id(),
        type=payload.TYPE,
        sent_at=sent_at or datetime.now(UTC),
        trace=trace,
        payload=payload.model_dump(mode="json"),
    )


def decode(body: bytes) -> tuple[Envelope, Payload]:
    """Read a message; U+0000, which no database need hold, is read as U+FFFD.

    Raises:
        WireError: not JSON, no envelope, an unknown version or type, or a bad payload.
    """
    try:
        envelope = Envelope.model_validate_json(_NUL.sub(rb"\1\\ufffd", body))
    except ValidationError as fault:
        message = f"no message of this protocol: {fault.errors()[0]['msg']}"
        raise WireError(message) from fault
    if envelope.protocol_version != PROTOCOL_VERSION:
        message = f"unknown protocol version {envelope.protocol_version}; upgrade the older side"
        raise WireError(message)
    model = _PAYLOADS.get(envelope.type)
    if model is None:
        message = f"unknown message type {envelope.type!r}"
        raise WireError(message)
    try:
        return envelope, model.model_validate(envelope.payload)
    except ValidationError as fault:
        where = ".".join(str(part) for part in fault.errors()[0]["loc"])
        message = f"bad {envelope.type}: {where}: {fault.errors()[0]['msg']}"
        raise WireError(message) from fault
