"""A plan: the ordered tasks proposed for one request, and what may be decided about it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import Field

from orchestrator.domain.digest import ModelTier, plan_digest, task_digest
from orchestrator.domain.lifecycle import ENDED_TASKS, PlanStatus, TaskStatus
from orchestrator.domain.request import Complexity
from orchestrator.domain.value import Parameters, Value


class ResourceNeed(Value):
    """What one task needs: cores, MiB of memory, MiB of GPU memory, seconds (an estimate)."""

    cpu_cores: float = 0
    memory_mb: int = 0
    gpu_vram_mb: int = 0
    duration_seconds: int = 0


class WorkTask(Value):
    """One unit of work for one agent."""

    task_id: str
    step_number: int = Field(ge=1, description="Place in the plan, from 1")
    name: str = Field(description="The step in plain words")
    capability: str
    agent_type: str = Field(description="The pool that may run it")
    parameters: Parameters
    target: str | None = Field(default=None, description="Label the agent must carry")
    risk: str
    reasoning: bool = False
    idempotent: bool = False
    model_tier: ModelTier = ModelTier.NONE
    resources: ResourceNeed = ResourceNeed()
    timeout_seconds: int = 600
    depends_on: tuple[int, ...] = Field(default=(), description="Step numbers it waits for")
    entry_digest: str = Field(description="Hash of the catalogue entry and the files it runs")
    digest: str = Field(description="Hash of what this task will run")
    source_words: str = ""
    confidence: float = 1
    notes: tuple[str, ...] = Field(default=(), description="What the approver should know")
    status: TaskStatus = TaskStatus.PENDING
    round: int = Field(default=1, ge=1, description="Rises when a person retries it")

    def computed_digest(self, entry: str | None = None) -> str:
        """Hash this task as it stands, with `entry` as the entry digest if one is given."""
        return task_digest(
            entry=self.entry_digest if entry is None else entry,
            parameters=self.parameters,
            target=self.target,
            agent_type=self.agent_type,
            model_tier=self.model_tier,
        )


class WorkPlan(Value):
    """The ordered tasks proposed for one request; one revision of it."""

    plan_id: str
    request_id: str
    number: int = Field(ge=0, description="What people call it: #12; 0 until it is stored")
    revision: int = Field(default=1, ge=1)
    status: PlanStatus = PlanStatus.PENDING_APPROVAL
    tasks: tuple[WorkTask, ...]
    human_readable_summary: str
    complexity_level: Complexity
    will_use_external_ai: bool = False
    notes: tuple[str, ...] = ()
    digest: str
    requester: str = ""
    created_at: datetime
    approved_at: datetime | None = None
    expires_at: datetime | None = None

    def task(self, task_id: str) -> WorkTask:
        """Return one of its tasks.

        Raises:
            KeyError: it has no such task.
        """
        for task in self.tasks:
            if task.task_id == task_id:
                return task
        raise KeyError(task_id)

    def computed_digest(self) -> str:
        """Hash this plan as its tasks stand now."""
        return digest_of(self.tasks, self.revision)


def digest_of(tasks: Iterable[WorkTask], revision: int) -> str:
    """Return the digest of a plan with these tasks."""
    ordered = sorted(tasks, key=lambda task: task.step_number)
    return plan_digest([(task.computed_digest(), task.depends_on) for task in ordered], revision)


def ready_tasks(tasks: Sequence[WorkTask]) -> list[WorkTask]:
    """Return the pending tasks whose every predecessor is completed, in order."""
    status = {task.step_number: task.status for task in tasks}
    return [
        task
        for task in tasks
        if task.status is TaskStatus.PENDING
        and all(status.get(step) is TaskStatus.COMPLETED for step in task.depends_on)
    ]


def doomed_tasks(tasks: Sequence[WorkTask]) -> list[WorkTask]:
    """Return the pending or held tasks that can never run, since one they wait for cannot."""
    lost = {
        task.step_number
        for task in tasks
        if task.status in {TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED}
    }
    doomed: list[WorkTask] = []
    for task in sorted(tasks, key=lambda each: each.step_number):
        waits = task.status in {TaskStatus.PENDING, TaskStatus.HELD}
        if waits and lost.intersection(task.depends_on):
            lost.add(task.step_number)
            doomed.append(task)
    return doomed


def settled_status(statuses: Iterable[TaskStatus]) -> PlanStatus | None:
    """Return how a running plan ends or waits with tasks like these; None while it goes on.

    It waits for a person as soon as nothing else moves and an outcome is unknown.
    """
    found = list(statuses)
    if all(status in ENDED_TASKS for status in found):
        done = all(status is TaskStatus.COMPLETED for status in found)
        return PlanStatus.COMPLETED if done else PlanStatus.FAILED
    waits = {TaskStatus.OUTCOME_UNKNOWN, TaskStatus.HELD}.intersection(found)
    moves = {TaskStatus.DISPATCHED, TaskStatus.EXECUTING}.intersection(found)
    return PlanStatus.WAITING if waits and not moves else None


def summary_counts(
    statuses: Iterable[TaskStatus], buckets: Mapping[TaskStatus, str]
) -> dict[str, int]:
    """Count tasks per bucket; every status counts in exactly one, `total` counts all."""
    counts = {"total": 0, **dict.fromkeys(buckets.values(), 0)}
    for status in statuses:
        counts["total"] += 1
        counts[buckets[status]] += 1
    return counts
