"""End an attempt and do what follows: done, failed, handed on, or for a person to judge."""

from dataclasses import dataclass

import structlog

from orchestrator.domain.attempt import Attempt, Consequence, consequence
from orchestrator.domain.conversation import NoticeKind
from orchestrator.domain.lifecycle import AttemptStatus, TaskStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import advance
from orchestrator.usecases.context import Context
from orchestrator.usecases.notify import tell_attempt, tell_end_of_cancelled

_log = structlog.get_logger(__name__)

_TASK_AFTER = {
    Consequence.DONE: TaskStatus.COMPLETED,
    Consequence.FAIL: TaskStatus.FAILED,
    Consequence.ASK: TaskStatus.OUTCOME_UNKNOWN,
    Consequence.CANCEL: TaskStatus.CANCELLED,
    Consequence.REROUTE: TaskStatus.PENDING,
}

_NOTICE_OF = {  # a step that goes to another agent is told once it is known to whom
    Consequence.DONE: NoticeKind.TASK_COMPLETED,
    Consequence.FAIL: NoticeKind.TASK_FAILED,
    Consequence.ASK: NoticeKind.OUTCOME_UNKNOWN,
}


@dataclass(frozen=True)
class Ending:
    """How an attempt ended."""

    status: AttemptStatus
    started: bool
    reason: str = ""
    actor: str = "orchestrator"
    final: bool = False  # nobody else may try


async def end_attempt(
    ctx: Context, uow: UnitOfWork, stored: StoredPlan, attempt: Attempt, ending: Ending
) -> bool:
    """End `attempt`, move its task, and move the plan on; the plan's row is locked.

    Says whether the attempt was still open: a terminal state is never left.
    """
    reason = ending.reason or None
    if not await uow.attempts.move(attempt.attempt_id, ending.status, reason=reason):
        return False
    await uow.logs.noted(
        attempt.attempt_id, status=ending.status.value, reason=ending.reason, ended_at=uow.now
    )
    task = stored.plan.task(attempt.task_id)
    what_next = _what_next(attempt, task, ending)
    target = _TASK_AFTER[what_next]
    if task.status is not target:
        await uow.plans.move_task(task.task_id, target, reason)
    await _tell(uow, stored, task, attempt, ending, what_next)
    kind = _NOTICE_OF.get(what_next)
    if kind is not None:
        await tell_attempt(uow, stored, attempt, kind, ending.reason)
    await advance(ctx, uow, stored.plan.plan_id)
    await tell_end_of_cancelled(uow, stored)
    return True


def _what_next(attempt: Attempt, task: WorkTask, ending: Ending) -> Consequence:
    if attempt.cancel_wanted and ending.status is not AttemptStatus.SUCCEEDED:
        return Consequence.CANCEL
    if ending.final:
        return Consequence.FAIL
    return consequence(ending.status, started=ending.started, idempotent=task.idempotent)


async def _tell(
    uow: UnitOfWork,
    stored: StoredPlan,
    task: WorkTask,
    attempt: Attempt,
    ending: Ending,
    what_next: Consequence,
) -> None:
    succeeded = ending.status is AttemptStatus.SUCCEEDED
    await uow.audit.add(
        f"attempt_{ending.status.value}",
        actor=ending.actor,
        request_id=stored.plan.request_id,
        plan_id=stored.plan.plan_id,
        details={
            "step": task.step_number,
            "attempt": attempt.number,
            "agent": attempt.agent_id,
            "reason": ending.reason,
            "consequence": what_next.value,
        },
    )
    log = _log.info if succeeded else _log.warning
    log(
        f"attempt_{ending.status.value}",
        plan=stored.plan.number,
        step=task.step_number,
        attempt=attempt.number,
        agent=attempt.agent_id,
        consequence=what_next.value,
    )  # the reason may quote the task's output: it stays in the rows
