"""A plan that a transaction holds: its row is locked, and all that is decided by is at hand.

Whoever changes a plan, its tasks or its attempts holds the plan's row, so what was read once is
true until the commit. The exception is an agent's word on how a running attempt gets on; the
guards of the updates notice where that came in between.
"""

from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.plan import ResourceNeed, WorkPlan
from orchestrator.domain.value import Value
from orchestrator.domain.views import Identity


class Approval(Value):
    """One decision about one revision."""

    plan_id: str
    revision: int
    digest: str
    decision: str
    team: str
    person: str
    notes: str | None = None
    policy: str
    decided_at: datetime


class StoredPlan(Value):
    """A plan with whose request it answers."""

    plan: WorkPlan
    request_text: str
    requester: Identity
    correlation_id: str
    channel: str | None = None
    thread: str | None = None
    start_before: datetime | None = None


@dataclass
class Held:
    """A plan as it stands, with the changes of this transaction; attempts in their order."""

    stored: StoredPlan
    approval: Approval | None = None
    source_key: str | None = None  # of the approval
    attempts: dict[str, Attempt] = field(default_factory=dict)
    reserved: dict[str, ResourceNeed] = field(default_factory=dict)
    dispatched: set[str] = field(default_factory=set)  # attempts that the broker is known to have

    @property
    def plan_id(self) -> str:
        """The plan's id."""
        return self.stored.plan.plan_id

    @property
    def task_ids(self) -> frozenset[str]:
        """The ids of its tasks."""
        return frozenset(task.task_id for task in self.stored.plan.tasks)

    def change(self, **values: object) -> None:
        """Take new values of the plan."""
        known = {name: value for name, value in values.items() if name in WorkPlan.model_fields}
        more = {name: value for name, value in values.items() if name in StoredPlan.model_fields}
        plan = self.stored.plan.model_copy(update=known)
        self.stored = self.stored.model_copy(update={**more, "plan": plan})

    def change_task(self, task_id: str, **values: object) -> None:
        """Take new values of a task."""
        tasks = tuple(
            task.model_copy(update=values) if task.task_id == task_id else task
            for task in self.stored.plan.tasks
        )
        self.change(tasks=tasks)

    def change_attempt(self, attempt_id: str, **values: object) -> None:
        """Take new values of an attempt."""
        self.attempts[attempt_id] = self.attempts[attempt_id].model_copy(update=values)
