"""What a person asked, and what was understood of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.value import Parameters, Value

CANNOT_WAIT = "Steps run once they are approved; ask again when it is to be done."
"""Why what was asked for a later time is left out."""


class Complexity(StrEnum):
    """How much a request asks for; decides which models may be used."""

    SIMPLE = "simple"  # one or two plain tasks
    MEDIUM = "medium"  # three plain tasks or more
    COMPLEX = "complex"  # open-ended work that needs a language model


class AmbiguityKind(StrEnum):
    """Why a part of a request cannot be planned without asking."""

    MISSING_PARAMETER = "missing_parameter"  # a step lacks a value it needs
    WHICH_CAPABILITY = "which_capability"  # two readings are about as likely
    UNCLEAR_REFERENCE = "unclear_reference"  # "it", "one of the nodes": which?


class Subtask(Value):
    """One separate ask within a request."""

    order: int = Field(ge=1, description="Place in the text, from 1")
    name: str = Field(description="The step in plain words")
    intent: str = Field(description="Name of a capability in the catalogue")
    confidence: float = Field(ge=0, le=1)
    parameters: Parameters = Field(default_factory=dict)
    source_words: str = Field(description="The person's words that led to this step")
    concurrent: bool = Field(
        default=False,
        description="The person said it need not wait for the step before",
    )
    chosen: bool = Field(default=False, description="Whoever asked chose the capability themselves")


class Ambiguity(Value):
    """A question that must be answered before the request can be planned."""

    id: str = Field(description="Stable within the request; an answer names it")
    kind: AmbiguityKind
    question: str
    options: tuple[str, ...] = Field(
        default=(), description="Likely answers; empty where any text may be right"
    )
    order: int | None = Field(default=None, description="The subtask it is about")
    parameter: str | None = Field(default=None, description="The parameter it is about")
    source_words: str = ""


class ModelAsked(Value):
    """A language model that was sent the words of a request, and the row that says why."""

    decision_id: str
    tier: ModelTier
    model: str = Field(description="`provider:name`")


class DecomposedRequest(Value):
    """A request taken apart into subtasks, questions and what is out of scope."""

    original_request: str
    subtasks: tuple[Subtask, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    out_of_scope: tuple[str, ...] = Field(
        default=(), description="What no capability covers, in the person's words"
    )
    deferred: tuple[str, ...] = Field(
        default=(),
        description="Of `out_of_scope`, what was to wait: steps run once their plan is approved",
    )
    complexity_level: Complexity = Complexity.SIMPLE
    decomposer_model: str = Field(description="Which engine understood it")
    models_asked: tuple[ModelAsked, ...] = Field(
        default=(), description="Models that were sent its words, whether or not they were of use"
    )

    @property
    def uncovered(self) -> tuple[str, ...]:
        """What is out of scope because no capability covers it, not because it was to wait."""
        return tuple(words for words in self.out_of_scope if words not in self.deferred)


class Answer(Value):
    """A person's answer to one ambiguity."""

    ambiguity_id: str
    text: str = Field(min_length=1, max_length=2_000)


class Correction(Value):
    """What a person meant in the place of what was understood."""

    capability: str = Field(description="Name of a capability in the catalogue")
    parameters: Parameters = Field(
        default_factory=dict,
        description="Values for it; a text may stand for a value of any type",
    )
    order: int | None = Field(
        default=None, description="The subtask it takes the place of; None: of all of them"
    )
    plan_id: str | None = Field(
        default=None, description="The plan that was shown; None: nothing could be planned"
    )


class Request(Value):
    """A stored request."""

    request_id: str
    team: str
    requester: str
    request_text: str = Field(description="Verbatim, after NFC and trimming")
    channel: str | None = None
    thread: str | None = None
    correlation_id: str = Field(description="Follows the request to its last attempt, in logs")
    status: RequestStatus
    decomposition: DecomposedRequest | None = None
    answers: tuple[Answer, ...] = ()
    failure: str | None = None
    created_at: datetime
