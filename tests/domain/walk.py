"""A plan carried out in memory by the domain's own rules: what the walks of the tests move."""

from collections.abc import Sequence

from orchestrator.domain.attempt import (
    MAX_RETRIES,
    MAX_WITHDRAWN,
    Attempt,
    Consequence,
    consequence,
)
from orchestrator.domain.lifecycle import (
    ATTEMPT_MOVES,
    OPEN_ATTEMPTS,
    PLAN_MOVES,
    TASK_MOVES,
    AttemptStatus,
    Moves,
    PlanStatus,
    Status,
    TaskStatus,
    may_move,
)
from orchestrator.domain.plan import WorkTask, doomed_tasks, ready_tasks, settled_status
from tests.domain.make import NOON, make_attempt, make_task

_TASK_AFTER = {
    Consequence.DONE: TaskStatus.COMPLETED,
    Consequence.FAIL: TaskStatus.FAILED,
    Consequence.ASK: TaskStatus.OUTCOME_UNKNOWN,
    Consequence.REROUTE: TaskStatus.PENDING,
}
_FOLLOWED = {
    AttemptStatus.DISPATCHED: TaskStatus.DISPATCHED,
    AttemptStatus.CLAIMED: TaskStatus.EXECUTING,
}


class PlanWalk:
    """One plan, its tasks and attempts; every move is checked against the tables."""

    def __init__(self, shape: Sequence[tuple[Sequence[int], bool, bool]]) -> None:
        """Take (steps it waits for, idempotent, held) of each step in order."""
        self.status = PlanStatus.PENDING_APPROVAL
        self.tasks = [
            make_task(
                step,
                depends_on=tuple(after),
                idempotent=idempotent,
                status=TaskStatus.HELD if held else TaskStatus.PENDING,
            )
            for step, (after, idempotent, held) in enumerate(shape, start=1)
        ]
        self.attempts: list[Attempt] = []

    def move(self, target: PlanStatus) -> None:
        """Move the plan."""
        self.status = _moved(PLAN_MOVES, self.status, target)

    def move_task(self, step: int, target: TaskStatus, **changes: object) -> None:
        """Move a task."""
        task = self.tasks[step - 1]
        status = _moved(TASK_MOVES, task.status, target)
        self.tasks[step - 1] = task.model_copy(update={"status": status, **changes})

    def start(self, attempt: Attempt, status: AttemptStatus) -> bool:
        """Take an attempt's word on where it stands; say whether it counted."""
        if not may_move(ATTEMPT_MOVES, self._now(attempt).status, status):
            return False
        self._keep(attempt, status)
        task, follows = self.task_of(attempt), _FOLLOWED.get(status)
        if follows is not None and may_move(TASK_MOVES, task.status, follows):
            self.move_task(task.step_number, follows)
        return True

    def end(self, attempt: Attempt, status: AttemptStatus, *, started: bool) -> bool:
        """End an attempt, draw the consequence, go on; say whether it counted."""
        if not may_move(ATTEMPT_MOVES, self._now(attempt).status, status):
            return False
        self._keep(attempt, status)
        task = self.task_of(attempt)
        target = _TASK_AFTER[consequence(status, started=started, idempotent=task.idempotent)]
        if task.status is not target:
            self.move_task(task.step_number, target)
        self.advance()
        return True

    def advance(self) -> None:
        """Skip what is doomed, route what is ready, settle the plan."""
        while True:
            for doomed in doomed_tasks(self.tasks):
                self.move_task(doomed.step_number, TaskStatus.SKIPPED)
            if all(self._route(task) for task in ready_tasks(self.tasks)):
                break
        target = settled_status(task.status for task in self.tasks)
        if target is None and self.status is PlanStatus.WAITING:
            self.move(PlanStatus.EXECUTING)
        elif target is not None and target is not self.status:
            if target not in PLAN_MOVES[self.status]:
                self.move(PlanStatus.EXECUTING)
            self.move(target)

    def open_attempts(self) -> list[Attempt]:
        """Return the attempts that may still change."""
        return [attempt for attempt in self.attempts if attempt.status in OPEN_ATTEMPTS]

    def task_of(self, attempt: Attempt) -> WorkTask:
        """Return the task that an attempt tries, as it stands now."""
        return next(task for task in self.tasks if task.task_id == attempt.task_id)

    def _route(self, task: WorkTask) -> bool:
        past = [each for each in self.attempts if each.task_id == task.task_id]
        if any(each.status in OPEN_ATTEMPTS for each in past):
            return True
        tries = [each for each in past if each.round == task.round]
        spent = sum(each.is_spent for each in tries)
        if spent > MAX_RETRIES or len(tries) - spent > MAX_WITHDRAWN:
            self.move_task(task.step_number, TaskStatus.FAILED)
            return False
        self.attempts.append(make_attempt(task, "plan", number=len(past) + 1))
        return True

    def _now(self, attempt: Attempt) -> Attempt:
        return next(each for each in self.attempts if each.attempt_id == attempt.attempt_id)

    def _keep(self, attempt: Attempt, status: AttemptStatus) -> None:
        place = self.attempts.index(self._now(attempt))
        kept: dict[str, object] = {"status": status}
        if status in {AttemptStatus.CLAIMED, AttemptStatus.RUNNING}:
            kept["started_at"] = NOON
        self.attempts[place] = self.attempts[place].model_copy(update=kept)


def _moved(moves: Moves[Status], source: Status, target: Status) -> Status:
    assert may_move(moves, source, target), f"{source} cannot become {target}"
    return target
