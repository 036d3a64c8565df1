"""What the service answers with: plain values that a bot, a page or a program can show."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from orchestrator.domain.fallback import FallbackDecision
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus, TaskStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.request import Ambiguity, Complexity, DecomposedRequest
from orchestrator.errors import Error


class Result(BaseModel):
    """Base of every answer; where `error` is set, the other fields hold nothing of use."""

    model_config = ConfigDict(frozen=True)

    error: Error | None = None


class Identity(BaseModel):
    """Who speaks: a person within a team (`local` without Slack), as the door vouches for it."""

    model_config = ConfigDict(frozen=True)

    person: str
    team: str = "local"
    key: str | None = None  # the name of the REST key they came with; never the key

    def is_same_person(self, other: "Identity") -> bool:
        """Say whether both are one person, whichever door they came through."""
        return (self.person, self.team) == (other.person, other.team)

    def as_details(self) -> dict[str, JsonValue]:
        """Return what an audit event keeps of the door, beside the person."""
        return {} if self.key is None else {"key": self.key}


DEFERRED = "Of `out_of_scope`, what was to wait for a time"


class KeyHolder(Result):
    """Whom a REST key lets in: the key's name, and the one person that it acts as."""

    name: str = ""
    person: str = ""
    team: str = ""


class SubmitResult(Result):
    """Answer to a request: what was understood."""

    request_id: str = ""
    status: RequestStatus = RequestStatus.PENDING
    decomposed_request: DecomposedRequest | None = None
    ambiguities: tuple[Ambiguity, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    deferred: tuple[str, ...] = Field(default=(), description=DEFERRED)
    offers: tuple[str, ...] = Field(
        default=(),
        description="What can be done, said where nothing or not all of it could be",
    )
    plan_id: str | None = Field(default=None, description="Set where the plan was made at once")
    plan_number: int | None = None


class HeardResult(Result):
    """Whether a message has done its deed."""

    heard: bool = False


class RequestView(Result):
    """One stored request."""

    request_id: str = ""
    status: RequestStatus = RequestStatus.PENDING
    request_text: str = ""
    requester: str = ""
    created_at: datetime | None = None
    plan_id: str | None = None
    plan_number: int | None = None
    ambiguities: tuple[Ambiguity, ...] = ()
    question_message: str | None = None  # the time stamp of the message that asks them
    out_of_scope: tuple[str, ...] = ()
    deferred: tuple[str, ...] = Field(default=(), description=DEFERRED)


class RequestPart(BaseModel):
    """One part of a request, as it was understood."""

    model_config = ConfigDict(frozen=True)

    order: int
    name: str


class CapabilityOption(BaseModel):
    """A capability that may have been meant."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    risk: str
    understood: bool = Field(default=False, description="It is what was understood")


class CorrectionOptions(Result):
    """What was understood, and every capability that may have been meant, the nearest first."""

    request_id: str = ""
    plan_id: str | None = Field(default=None, description="The open plan; a correction names it")
    plan_number: int | None = None
    words: str = Field(default="", description="The words that the nearest ones are nearest to")
    parts: tuple[RequestPart, ...] = ()
    nearest: tuple[CapabilityOption, ...] = ()


class CapabilityForm(Result):
    """What a capability asks for, to be filled in."""

    capability: str = ""
    description: str = ""
    risk: str = ""
    parameters_schema: dict[str, JsonValue] = Field(default_factory=dict)
    suggested: dict[str, JsonValue] = Field(
        default_factory=dict, description="Values that the words of the request hold"
    )


class Phrase(BaseModel):
    """Words that a person corrected, and the capability that they chose for them."""

    model_config = ConfigDict(frozen=True)

    capability: str
    text: str
    remembered: bool = False


class PhraseMeaning(Phrase):
    """Words that may be remembered, with what they mean so far."""

    means: tuple[str, ...] = Field(
        default=(), description="The capabilities that these words mean today"
    )


class PhraseList(Result):
    """The words of a plan that may be remembered."""

    plan_id: str = ""
    phrases: tuple[PhraseMeaning, ...] = ()


class RememberResult(Result):
    """The phrases that are examples of the catalogue now."""

    plan_id: str = ""
    phrases: tuple[Phrase, ...] = ()


class PlanResult(Result):
    """A plan as it is shown before and after it is decided."""

    plan_id: str = ""
    request_id: str = ""
    number: int = 0
    revision: int = 1
    request_text: str = ""
    requester: str = ""
    tasks: tuple[WorkTask, ...] = ()
    human_readable_summary: str = ""
    status: PlanStatus = PlanStatus.PENDING_APPROVAL
    complexity_level: Complexity = Complexity.SIMPLE
    will_use_external_ai: bool = False
    out_of_scope: tuple[str, ...] = ()
    deferred: tuple[str, ...] = Field(default=(), description=DEFERRED)
    notes: tuple[str, ...] = ()
    digest: str = ""
    created_at: datetime | None = None
    approved_at: datetime | None = None
    expires_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


class ApproveResult(Result):
    """Answer to a decision."""

    plan_id: str = ""
    status: PlanStatus | None = None
    dispatch_started: bool = False


class DispatchedTask(BaseModel):
    """What became of handing over one task."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    step_number: int
    status: str = Field(description="`dispatched` or `dispatch_failed`")
    agent_id: str | None = None
    error: str | None = None


class DispatchResult(Result):
    """Answer to dispatching what is ready."""

    plan_id: str = ""
    status: PlanStatus | None = None
    dispatched_tasks: tuple[DispatchedTask, ...] = ()


class TaskState(BaseModel):
    """Where one task of a plan stands."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    step_number: int
    name: str
    status: TaskStatus
    agent_id: str | None = None
    agent_name: str | None = None
    attempts: int = 0
    progress: int | None = None
    reason: str | None = Field(default=None, description="Why it failed, was skipped or waits")
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None


class ExecutionLog(BaseModel):
    """What one attempt left behind."""

    model_config = ConfigDict(frozen=True)

    step_number: int
    task_id: str
    attempt_id: str
    attempt_number: int
    agent_id: str
    work_type: str
    status: str
    exit_code: int | None = None
    output: str = ""
    reason: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None


class PlanStatusResult(Result):
    """Where a plan stands."""

    plan_id: str = ""
    number: int = 0
    revision: int = 1
    request_text: str = ""
    status: PlanStatus | None = None
    tasks: tuple[TaskState, ...] = ()
    execution_logs: tuple[ExecutionLog, ...] = ()
    summary: dict[str, int] = Field(
        default_factory=dict,
        description="total, waiting, dispatched, executing, completed, failed",
    )


class PlanListItem(BaseModel):
    """One line of the list of plans."""

    model_config = ConfigDict(frozen=True)

    plan_id: str
    number: int
    revision: int
    status: PlanStatus
    request_text: str
    requester: str
    created_at: datetime
    steps: int
    completed: int


class PlanList(Result):
    """The newest plans first."""

    plans: tuple[PlanListItem, ...] = ()


class AuditEvent(BaseModel):
    """One thing that happened, never changed afterwards."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    kind: str
    actor: str
    at: datetime
    details: dict[str, JsonValue] = Field(default_factory=dict)


class CandidateView(BaseModel):
    """One agent that was weighed for a task: why it was out, or its score by parts."""

    model_config = ConfigDict(frozen=True)

    agent_id: str
    name: str
    excluded: str | None = None
    score: float | None = Field(default=None, description="0 to 100")
    parts: dict[str, float] = Field(
        default_factory=dict, description="success, recent, specialization, load"
    )


class RoutingView(BaseModel):
    """Why a task went to the agent it went to."""

    model_config = ConfigDict(frozen=True)

    step_number: int
    task_id: str
    attempt_id: str | None = None
    attempt_number: int
    agent_id: str | None = None
    agent_name: str | None = None
    score: float | None = None
    sentence: str
    candidates: tuple[CandidateView, ...] = ()
    at: datetime


class FallbackView(FallbackDecision):
    """Which language model was chosen, why, and when."""

    at: datetime


class Explanation(Result):
    """The story of a plan or a step, told from the database alone."""

    plan_id: str = ""
    number: int = 0
    step_number: int | None = None
    understood: tuple[str, ...] = Field(
        default=(), description="One sentence a step: which words led to it, how sure"
    )
    routing: tuple[RoutingView, ...] = ()
    fallback: tuple[FallbackView, ...] = ()
    models: tuple[str, ...] = Field(
        default=(), description="The same decisions about language models, each in words"
    )
    events: tuple[AuditEvent, ...] = ()

    def model_sentences(self) -> tuple[str, ...]:
        """Return the decisions about language models in words."""
        return self.models or tuple(each.sentence() for each in self.fallback)


class AgentView(BaseModel):
    """One registered agent."""

    model_config = ConfigDict(frozen=True)

    agent_id: str
    name: str
    agent_type: str
    online: bool
    labels: dict[str, str]
    capabilities: tuple[str, ...]
    load: float
    last_seen_at: datetime


class AgentList(Result):
    """Every agent that has registered."""

    agents: tuple[AgentView, ...] = ()


class GapView(BaseModel):
    """Something asked for that no capability covers."""

    model_config = ConfigDict(frozen=True)

    text: str
    times: int
    last_asked_at: datetime


class GapList(Result):
    """The most frequent gaps first."""

    gaps: tuple[GapView, ...] = ()
