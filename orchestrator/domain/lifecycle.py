"""What may become what: every status and its allowed moves, as data.

`docs/lifecycle.md` draws these tables and a test holds the two together. The store makes
each move with a guarded update, so that a move that is not listed here never happens.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class RequestStatus(StrEnum):
    """Where a request stands."""

    PENDING = "pending"  # stored, not yet understood; claimed again if its worker died
    PARSING_COMPLETE = "parsing_complete"  # understood; a plan was or can be made
    REQUIRES_CLARIFICATION = "requires_clarification"  # a question is open
    OUT_OF_SCOPE = "out_of_scope"  # nothing in it can be done
    FAILED = "failed"  # could not be understood because of a fault


class PlanStatus(StrEnum):
    """Where a plan stands."""

    PENDING_APPROVAL = "pending_approval"  # shown, waiting for a person
    APPROVED = "approved"  # decided; its first tasks are routed, none handed over yet
    EXECUTING = "executing"  # an agent was handed its first task
    WAITING = "waiting"  # a person must say what became of a task
    COMPLETED = "completed"  # every task is done
    FAILED = "failed"  # it ended with a failed or skipped task
    REJECTED = "rejected"  # a person said no
    CANCELLED = "cancelled"  # a person stopped it
    EXPIRED = "expired"  # nobody decided, or it did not start, in time
    SUPERSEDED = "superseded"  # a newer revision took its place


class TaskStatus(StrEnum):
    """Where a task stands; derived from its attempts."""

    PENDING = "pending"  # not handed over yet
    HELD = "held"  # left out by the approver
    DISPATCHED = "dispatched"  # in an agent's queue
    EXECUTING = "executing"  # an agent works on it
    COMPLETED = "completed"  # done
    FAILED = "failed"  # tried, or could not be handed over
    SKIPPED = "skipped"  # not run because an earlier task failed
    CANCELLED = "cancelled"  # not run because a person stopped the plan
    OUTCOME_UNKNOWN = "outcome_unknown"  # may or may not have happened; a person decides


class AttemptStatus(StrEnum):
    """Where one try of a task stands."""

    QUEUED = "queued"  # routed and written to the outbox
    DISPATCHED = "dispatched"  # the broker confirmed it
    CLAIMED = "claimed"  # the agent asked to start and was told to go
    RUNNING = "running"  # the agent says it works
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"  # stopped at its deadline
    INTERRUPTED = "interrupted"  # its agent died; it provably does not run any more
    SUPERSEDED = "superseded"  # withdrawn before it started
    UNKNOWN = "unknown"  # its agent fell silent after the start


Status = TypeVar("Status", bound=StrEnum)
Moves = Mapping[Status, frozenset[Status]]


def _moves(table: Mapping[Status, tuple[Status, ...]]) -> Moves[Status]:
    return {source: frozenset(targets) for source, targets in table.items()}


REQUEST_MOVES: Moves[RequestStatus] = _moves(
    {
        RequestStatus.PENDING: (
            RequestStatus.PARSING_COMPLETE,
            RequestStatus.REQUIRES_CLARIFICATION,
            RequestStatus.OUT_OF_SCOPE,
            RequestStatus.FAILED,
        ),
        RequestStatus.REQUIRES_CLARIFICATION: (
            RequestStatus.PARSING_COMPLETE,
            RequestStatus.OUT_OF_SCOPE,
        ),
        RequestStatus.PARSING_COMPLETE: (),
        RequestStatus.OUT_OF_SCOPE: (RequestStatus.PARSING_COMPLETE,),  # a person says better
        RequestStatus.FAILED: (),
    }
)

PLAN_MOVES: Moves[PlanStatus] = _moves(
    {
        PlanStatus.PENDING_APPROVAL: (
            PlanStatus.APPROVED,
            PlanStatus.REJECTED,
            PlanStatus.EXPIRED,
            PlanStatus.SUPERSEDED,
            PlanStatus.CANCELLED,
        ),
        PlanStatus.APPROVED: (
            PlanStatus.EXECUTING,
            PlanStatus.CANCELLED,
            PlanStatus.EXPIRED,
        ),
        PlanStatus.EXECUTING: (
            PlanStatus.COMPLETED,
            PlanStatus.FAILED,
            PlanStatus.CANCELLED,
            PlanStatus.WAITING,
        ),
        PlanStatus.WAITING: (
            PlanStatus.EXECUTING,
            PlanStatus.FAILED,
            PlanStatus.CANCELLED,
        ),
        PlanStatus.FAILED: (PlanStatus.EXECUTING,),
        PlanStatus.EXPIRED: (PlanStatus.PENDING_APPROVAL,),
        PlanStatus.COMPLETED: (),
        PlanStatus.REJECTED: (),
        PlanStatus.CANCELLED: (),
        PlanStatus.SUPERSEDED: (),
    }
)

TASK_MOVES: Moves[TaskStatus] = _moves(
    {
        TaskStatus.PENDING: (
            TaskStatus.HELD,
            TaskStatus.DISPATCHED,
            TaskStatus.EXECUTING,  # the agent's word may overtake the relay's
            TaskStatus.COMPLETED,
            TaskStatus.FAILED,
            TaskStatus.SKIPPED,
            TaskStatus.CANCELLED,
            TaskStatus.OUTCOME_UNKNOWN,
        ),
        TaskStatus.HELD: (TaskStatus.PENDING, TaskStatus.SKIPPED, TaskStatus.CANCELLED),
        TaskStatus.DISPATCHED: (
            TaskStatus.PENDING,  # withdrawn and routed again
            TaskStatus.EXECUTING,
            TaskStatus.COMPLETED,
            TaskStatus.FAILED,
            TaskStatus.CANCELLED,
            TaskStatus.OUTCOME_UNKNOWN,
        ),
        TaskStatus.EXECUTING: (
            TaskStatus.PENDING,  # interrupted, safe to repeat, routed again
            TaskStatus.COMPLETED,
            TaskStatus.FAILED,
            TaskStatus.CANCELLED,
            TaskStatus.OUTCOME_UNKNOWN,
        ),
        TaskStatus.OUTCOME_UNKNOWN: (
            TaskStatus.PENDING,  # Retry
            TaskStatus.COMPLETED,  # Mark done
            TaskStatus.FAILED,  # Mark failed
            TaskStatus.CANCELLED,
        ),
        TaskStatus.FAILED: (TaskStatus.PENDING,),  # Retry
        TaskStatus.SKIPPED: (TaskStatus.PENDING,),  # what it waited for was retried
        TaskStatus.COMPLETED: (),
        TaskStatus.CANCELLED: (),
    }
)

_ENDED_ATTEMPT = (
    AttemptStatus.SUCCEEDED,
    AttemptStatus.FAILED,
    AttemptStatus.TIMED_OUT,
    AttemptStatus.INTERRUPTED,
    AttemptStatus.UNKNOWN,
)

ATTEMPT_MOVES: Moves[AttemptStatus] = _moves(
    {
        AttemptStatus.QUEUED: (
            AttemptStatus.DISPATCHED,
            AttemptStatus.CLAIMED,  # a claim or a result may overtake the relay's note
            AttemptStatus.RUNNING,
            AttemptStatus.SUPERSEDED,
            *_ENDED_ATTEMPT,
        ),
        AttemptStatus.DISPATCHED: (
            AttemptStatus.CLAIMED,
            AttemptStatus.RUNNING,
            AttemptStatus.SUPERSEDED,
            *_ENDED_ATTEMPT,
        ),
        AttemptStatus.CLAIMED: (
            AttemptStatus.RUNNING,
            AttemptStatus.SUPERSEDED,
            *_ENDED_ATTEMPT,
        ),
        AttemptStatus.RUNNING: (AttemptStatus.SUPERSEDED, *_ENDED_ATTEMPT),
        AttemptStatus.SUCCEEDED: (),
        AttemptStatus.FAILED: (),
        AttemptStatus.TIMED_OUT: (),
        AttemptStatus.INTERRUPTED: (),
        AttemptStatus.SUPERSEDED: (),
        AttemptStatus.UNKNOWN: (),
    }
)

OPEN_ATTEMPTS: frozenset[AttemptStatus] = frozenset(
    status for status, targets in ATTEMPT_MOVES.items() if targets
)
"""An attempt in one of these may still change."""

STARTED_ATTEMPTS: frozenset[AttemptStatus] = frozenset(
    {AttemptStatus.CLAIMED, AttemptStatus.RUNNING}
)
"""An attempt in one of these may have had an effect."""

ENDED_TASKS: frozenset[TaskStatus] = frozenset(
    {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED}
)
"""A task in one of these needs nothing more, unless a person retries it."""

TASK_BUCKET: Mapping[TaskStatus, str] = {
    TaskStatus.PENDING: "waiting",
    TaskStatus.HELD: "waiting",
    TaskStatus.DISPATCHED: "dispatched",
    TaskStatus.EXECUTING: "executing",
    TaskStatus.OUTCOME_UNKNOWN: "executing",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.FAILED: "failed",
    TaskStatus.SKIPPED: "failed",
    TaskStatus.CANCELLED: "failed",
}
"""The one bucket of a plan's summary in which a task of each status counts."""


def may_move(moves: Moves[Status], source: Status, target: Status) -> bool:
    """Say whether `moves` allows `source` to become `target`."""
    return target in moves[source]


def sources_of(moves: Moves[Status], target: Status) -> frozenset[Status]:
    """Return every status from which `target` can be reached in one move."""
    return frozenset(source for source, targets in moves.items() if target in targets)
