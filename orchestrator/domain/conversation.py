"""What the conversation about a request owes to people: cards that show a plan, and replies.

Kept in the database and asked of the service, so that a restart or an outage of the chat loses
nothing. A card is a state (the newest wins); replies are a queue in order.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from orchestrator.domain.value import Value
from orchestrator.domain.views import Phrase, PlanResult, PlanStatusResult, Result


class NoticeKind(StrEnum):
    """What a reply in the thread tells."""

    QUESTION = "question"  # something must be answered before the request can be planned
    OUT_OF_SCOPE = "out_of_scope"  # nothing of it can be done
    REQUEST_FAILED = "request_failed"  # it could not be thought about
    TASK_COMPLETED = "task_completed"
    TASK_FAILED = "task_failed"
    TASK_REROUTED = "task_rerouted"  # from, to and why
    TASK_HELD = "task_held"  # quota or budget is spent: a person lets it go on, or cancels
    DISPATCH_WAITS = "dispatch_waits"  # approved, but the broker cannot be reached; once a plan
    OUTCOME_UNKNOWN = "outcome_unknown"  # a person must look, then decide
    PLAN_ENDED = "plan_ended"  # the summary, with durations


class Notice(Value):
    """A reply owed to a thread.

    `content` by kind:

    - question: `ambiguities` (as `Ambiguity`), `understood` (list of sentences)
    - out_of_scope: `out_of_scope`, `deferred`, `offers` (lists of text)
    - request_failed: `reason`, `hint`
    - task_*, outcome_unknown: `step_number`, `name`, `task_id`, `reason`, and where it ran
      `attempt_number`, `agent_name`, `exit_code`, `duration_seconds`, `output` (its last 2,000
      characters) and `output_characters` (how many there are in all)
    - task_rerouted: also `from_agent` and `to_agent`
    - dispatch_waits: `reason`
    - plan_ended: `status`, `duration_seconds`, `steps` (list of `step_number`, `name`, `status`,
      `duration_seconds`, `reason`)

    Once it is posted, `message` is the time stamp of the message.
    """

    notice_id: str
    request_id: str
    plan_id: str | None = None
    number: int | None = None
    kind: NoticeKind
    team: str
    channel: str
    thread: str | None = None
    requester: str
    content: dict[str, JsonValue]
    created_at: datetime


class NoticeList(Result):
    """The oldest reply that is owed to each thread; a lease keeps others from posting them."""

    notices: tuple[Notice, ...] = ()


class Card(Value):
    """A plan's card: what it must show now, and the messages that show an older state."""

    card_id: str
    version: int
    team: str
    channel: str
    thread: str | None = None
    messages: tuple[str, ...] = ()  # time stamps of its messages, in order; empty: never posted
    plan: PlanResult
    state: PlanStatusResult
    decided_at: datetime | None = None
    decision_notes: str | None = None
    policy: str | None = None  # under which it was approved, see `domain.approval.Policy`
    phrases: tuple[Phrase, ...] = ()  # corrected ones, that an approver may have remembered
    approvers: tuple[str, ...] = ()  # CHIFFON_ADMINS; empty: nobody may approve


class CardList(Result):
    """Cards that show an old state; a lease keeps others from drawing them."""

    cards: tuple[Card, ...] = ()
