"""One try of a task, and what its end means for the task."""

from datetime import datetime
from enum import StrEnum

from orchestrator.domain.lifecycle import AttemptStatus
from orchestrator.domain.value import Value

MAX_RETRIES = 3
"""A task has one budget of 1 + 3 attempts; a person's Retry opens a new one."""

MAX_WITHDRAWN = 16
"""So many more may be withdrawn before they were begun: their agents died, the work was not tried.
Agents that do nothing but die must not be fed for ever."""


class Attempt(Value):
    """One leased try of one task by one agent."""

    attempt_id: str
    task_id: str
    plan_id: str
    number: int  # rises with every try; the fencing token
    round: int  # which budget it counts against
    agent_id: str
    incarnation: str  # of the agent's process; a restarted agent counts as another
    status: AttemptStatus
    sequence: int = 0
    progress: int | None = None
    reason: str | None = None
    lease_until: datetime | None = None
    cancel_wanted: bool = False
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_spent(self) -> bool:
        """Whether it counts against the budget: all but what ended before leave was given for it.

        A failure counts in any case: who refuses work would go on refusing it.
        """
        withdrawn = self.status in {AttemptStatus.SUPERSEDED, AttemptStatus.INTERRUPTED}
        return self.started_at is not None or not withdrawn


class Consequence(StrEnum):
    """What an attempt's end means for its task."""

    DONE = "done"
    REROUTE = "reroute"
    FAIL = "fail"
    ASK = "ask"  # may or may not have happened: a person decides
    CANCEL = "cancel"


def consequence(status: AttemptStatus, *, started: bool, idempotent: bool) -> Consequence:
    """Apply the rule of retry safety.

    An attempt goes to another agent by itself only when it provably never started or when
    doing it twice is harmless. A failure that ran its course is a failure; an interruption
    that may have had an effect is for a person to judge.
    """
    if status is AttemptStatus.SUCCEEDED:
        return Consequence.DONE
    if not started or idempotent:
        return Consequence.REROUTE
    if status in {AttemptStatus.FAILED, AttemptStatus.TIMED_OUT}:
        return Consequence.FAIL
    return Consequence.ASK
