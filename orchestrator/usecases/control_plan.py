"""A person takes a hand in a plan: cancel it, retry a step, say what became of one, resume."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.approval import highest, may_approve
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.digest import canonical_hash
from orchestrator.domain.lifecycle import (
    OPEN_ATTEMPTS,
    PLAN_MOVES,
    STARTED_ATTEMPTS,
    AttemptStatus,
    PlanStatus,
    TaskStatus,
)
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.views import ApproveResult, Identity
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.protocol import Cancel, control_queue, seal
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import RUNNING, advance
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import decision_about, plan_by, split_step, step_by
from orchestrator.usecases.model_brief import why_held
from orchestrator.usecases.notify import tell_end_of_cancelled

_log = structlog.get_logger(__name__)


class Resolution(StrEnum):
    """What a person says became of a step with an unknown outcome."""

    RETRY = "retry"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Order:
    """Who wants it, why, and the key under which it came in."""

    who: Identity
    notes: str | None = None
    source_key: str | None = None


Deed = Callable[[UnitOfWork, StoredPlan], Awaitable[None]]


async def cancel_plan(ctx: Context, reference: str, order: Order) -> ApproveResult:
    """Stop a plan: what has not started never will, what runs is told to stop.

    Raises:
        Refused: no such plan, or this person may not.
        Conflict: it has ended already.
    """

    async def deed(uow: UnitOfWork, stored: StoredPlan) -> None:
        plan = stored.plan
        if PlanStatus.CANCELLED not in PLAN_MOVES[plan.status]:
            raise Conflict(
                f"Plan #{plan.number} is {plan.status.value} and cannot be cancelled.",
                "Nothing of it runs any more.",
            )
        await _stop_attempts(uow, stored)
        await uow.plans.move(plan.plan_id, PlanStatus.CANCELLED)
        await tell_end_of_cancelled(uow, stored)

    return await _do(ctx, reference, order, "plan_cancelled", deed)


async def _stop_attempts(uow: UnitOfWork, stored: StoredPlan) -> None:
    attempts = await uow.attempts.of_plan(stored.plan.plan_id)
    running = {each.task_id: each for each in attempts if each.status in OPEN_ATTEMPTS}
    await uow.attempts.want_cancelled([each.attempt_id for each in running.values()])
    for task in stored.plan.tasks:
        attempt = running.get(task.task_id)
        if attempt is not None:
            await _stop(uow, attempt, stored.correlation_id)
        if attempt is None or attempt.status not in STARTED_ATTEMPTS:
            await uow.plans.move_task(task.task_id, TaskStatus.CANCELLED, "The plan was cancelled.")


async def _stop(uow: UnitOfWork, attempt: Attempt, trace: str) -> None:
    """Withdraw an attempt that has not started; a started one ends when its agent says so."""
    if attempt.status not in STARTED_ATTEMPTS:
        reason = "The plan was cancelled."
        await uow.attempts.move(attempt.attempt_id, AttemptStatus.SUPERSEDED, reason=reason)
        await uow.logs.noted(attempt.attempt_id, status="superseded", reason=reason)
    message = seal(Cancel(attempt_id=attempt.attempt_id), trace=trace)
    await uow.mail.post(control_queue(attempt.agent_id), message)


async def retry_task(ctx: Context, reference: str, order: Order) -> ApproveResult:
    """Run a failed step again, and with it the steps that were skipped because of it.

    A step that is held goes on, once what it was held for is no longer so.

    Raises:
        Refused: no such step, or this person may not.
        Conflict: the step has not failed, or its plan cannot be taken up again.
    """

    async def deed(uow: UnitOfWork, stored: StoredPlan) -> None:
        _, task = await step_by(uow, reference)
        if task.status is TaskStatus.OUTCOME_UNKNOWN:
            await _resolve(uow, stored, task, Resolution.RETRY)
        elif task.status is TaskStatus.HELD:
            await _release(ctx, uow, stored, task)
        elif task.status is TaskStatus.FAILED:
            await _reopen(uow, stored, [task])
        else:
            raise _not_so(stored, task, "failed")
        await advance(ctx, uow, stored.plan.plan_id)

    return await _do(ctx, reference, order, "task_retried", deed)


async def _release(ctx: Context, uow: UnitOfWork, stored: StoredPlan, task: WorkTask) -> None:
    reason = await why_held(ctx, uow, stored, task)
    if reason:
        raise Conflict(f"Step {stored.plan.number}.{task.step_number} stays held. {reason}")
    await uow.plans.move_task(task.task_id, TaskStatus.PENDING)


async def resolve_outcome(
    ctx: Context, reference: str, resolution: Resolution, order: Order
) -> ApproveResult:
    """Say what became of a step whose outcome is unknown: retry, done or failed.

    Raises:
        Refused: no such step, or this person may not.
        Conflict: its outcome is known.
    """

    async def deed(uow: UnitOfWork, stored: StoredPlan) -> None:
        _, task = await step_by(uow, reference)
        if task.status is not TaskStatus.OUTCOME_UNKNOWN:
            raise _not_so(stored, task, "of unknown outcome")
        await _resolve(uow, stored, task, resolution)
        await advance(ctx, uow, stored.plan.plan_id)

    return await _do(ctx, reference, order, f"task_resolved_{resolution.value}", deed)


async def resume_plan(ctx: Context, reference: str, order: Order) -> ApproveResult:
    """Run what failed or was skipped again; what is done stays done.

    Raises:
        Refused: no such plan, or this person may not.
        Conflict: it has not failed.
    """

    async def deed(uow: UnitOfWork, stored: StoredPlan) -> None:
        plan = stored.plan
        if plan.status is not PlanStatus.FAILED:
            raise Conflict(
                f"Plan #{plan.number} is {plan.status.value.replace('_', ' ')}, not failed.",
                f"`chiffon status {plan.number}` says where it stands.",
            )
        await _reopen(uow, stored, [t for t in plan.tasks if t.status is TaskStatus.FAILED])
        await advance(ctx, uow, plan.plan_id)

    return await _do(ctx, reference, order, "plan_resumed", deed)


async def _resolve(
    uow: UnitOfWork, stored: StoredPlan, task: WorkTask, resolution: Resolution
) -> None:
    if resolution is Resolution.RETRY:
        await _reopen(uow, stored, [task])
    else:
        done = resolution is Resolution.DONE
        target = TaskStatus.COMPLETED if done else TaskStatus.FAILED
        await uow.plans.move_task(task.task_id, target, f"A person marked it {resolution.value}.")


async def _reopen(uow: UnitOfWork, stored: StoredPlan, again: list[WorkTask]) -> None:
    """Give tasks, and those skipped behind them, a new budget; set the plan going again."""
    steps = {task.step_number for task in again}
    for task in stored.plan.tasks:
        behind = task.status is TaskStatus.SKIPPED and steps.intersection(task.depends_on)
        if task in again or behind:
            steps.add(task.step_number)
            await uow.plans.open_round(task.task_id)
    if stored.plan.status is PlanStatus.FAILED:
        await uow.plans.move(stored.plan.plan_id, PlanStatus.EXECUTING)


def _not_so(stored: StoredPlan, task: WorkTask, wanted: str) -> Conflict:
    number = f"{stored.plan.number}.{task.step_number}"
    return Conflict(
        f"Step {number} is {task.status.value.replace('_', ' ')}, not {wanted}.",
        f"`chiffon status {stored.plan.number}` says where it stands.",
    )


async def _do(ctx: Context, reference: str, order: Order, kind: str, deed: Deed) -> ApproveResult:
    """Lock the plan, ask the policy, do the deed once per source key, tell the story.

    `reference` names a step where the deed is about one, else a plan.
    """
    about_step = kind.startswith("task_")
    plan_reference, step = split_step(reference) if about_step else (reference, None)

    async def work(uow: UnitOfWork) -> ApproveResult:
        stored = await plan_by(uow, plan_reference, lock=True)
        await _check_may(ctx, uow, stored, order.who, stopping=kind == "plan_cancelled")
        if await _is_new(uow, order, kind, stored.plan.plan_id, step):
            await uow.requests.meet(order.who)
            await uow.audit.add(
                kind,
                actor=order.who.person,
                request_id=stored.plan.request_id,
                plan_id=stored.plan.plan_id,
                details={
                    **({} if step is None else {"step": step}),
                    "notes": order.notes,
                    **order.who.as_details(),
                },
            )
            await deed(uow, stored)
            crash_point("control.before_commit")
            _log.info(kind, plan=stored.plan.number, person=order.who.person)
        now = await plan_by(uow, stored.plan.plan_id)
        return ApproveResult(
            plan_id=stored.plan.plan_id,
            status=now.plan.status,
            dispatch_started=now.plan.status in RUNNING,
        )

    result = await ctx.store.transact(work)
    crash_point("control.after_commit")
    return result


async def _is_new(uow: UnitOfWork, order: Order, kind: str, plan_id: str, step: int | None) -> bool:
    """Say whether this very order has not come in before; a key counts for one deed only."""
    if order.source_key is None:
        return True
    key = canonical_hash([kind, plan_id, step, order.source_key])
    return await uow.mail.is_new(key, "order")


async def _check_may(
    ctx: Context, uow: UnitOfWork, stored: StoredPlan, who: Identity, *, stopping: bool
) -> None:
    """Whoever may approve a plan may steer it; whoever asked for it may stop it."""
    if stopping and who.is_same_person(stored.requester):
        return
    verdict = may_approve(
        who,
        requester=stored.requester,
        highest_risk=highest([task.risk for task in stored.plan.tasks]),
        admins=ctx.approvers_beside(who),
    )
    if not verdict.allowed:
        decided = await decision_about(uow, stored) if stopping else None
        reason = " ".join(filter(None, (decided, verdict.reason)))
        raise Refused(ErrorCode.FORBIDDEN, reason, verdict.hint)
