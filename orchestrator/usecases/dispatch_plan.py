"""Hand over what is ready, and note what the broker made of it."""

import structlog

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import (
    STARTED_ATTEMPTS,
    AttemptStatus,
    PlanStatus,
    TaskStatus,
)
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.views import DispatchedTask, DispatchResult
from orchestrator.errors import Conflict
from orchestrator.router import DispatchStatus
from orchestrator.store.repositories.mail import Letter
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import RUNNING, advance
from orchestrator.usecases.context import Context
from orchestrator.usecases.end_attempt import Ending, end_attempt
from orchestrator.usecases.lookup import plan_by

_log = structlog.get_logger(__name__)
_DECIDED_FOR = RUNNING | {PlanStatus.COMPLETED, PlanStatus.FAILED, PlanStatus.CANCELLED}


async def dispatch_plan(ctx: Context, reference: str) -> DispatchResult:
    """Hand over what is ready, in order; return what became of every task handed over so far.

    Raises:
        Refused: there is no such plan.
        Conflict: nobody has approved it.
    """

    async def hand_over(uow: UnitOfWork) -> DispatchResult:
        plan = (await plan_by(uow, reference, lock=True)).plan
        if plan.status not in _DECIDED_FOR:
            raise Conflict(
                f"Plan #{plan.number} is {plan.status.value.replace('_', ' ')}.",
                "Only an approved plan is dispatched.",
            )
        await advance(ctx, uow, plan.plan_id)
        now = (await plan_by(uow, plan.plan_id)).plan
        tries: dict[str, list[Attempt]] = {task.task_id: [] for task in now.tasks}
        for attempt in await uow.attempts.of_plan(plan.plan_id):
            tries[attempt.task_id].append(attempt)
        reasons = await uow.plans.task_reasons(plan.plan_id)
        told = [_told(task, tries[task.task_id], reasons[task.task_id]) for task in now.tasks]
        return DispatchResult(
            plan_id=plan.plan_id,
            status=now.status,
            dispatched_tasks=tuple(each for each in told if each is not None),
        )

    return await ctx.store.transact(hand_over)


def _told(task: WorkTask, tries: list[Attempt], reason: str | None) -> DispatchedTask | None:
    """Say what became of handing over a task; None where nobody has tried yet."""
    never_started = not any(attempt.started_at for attempt in tries)
    failed = task.status is TaskStatus.FAILED and never_started
    if not failed and not tries:
        return None
    status = DispatchStatus.DISPATCH_FAILED if failed else DispatchStatus.DISPATCHED
    return DispatchedTask(
        task_id=task.task_id,
        step_number=task.step_number,
        status=status.value,
        agent_id=tries[-1].agent_id if tries else None,
        error=reason if failed else None,
    )


async def record_dispatched(ctx: Context, letter: Letter) -> None:
    """Note that the broker has confirmed a message, and with it an attempt."""

    async def keep(uow: UnitOfWork) -> None:
        attempt = await uow.attempts.get(letter.attempt_id) if letter.attempt_id else None
        stored = None
        if attempt is not None:
            stored = await plan_by(uow, attempt.plan_id, lock=True)
        await uow.mail.sent(letter.letter_id)
        if attempt is None or stored is None:
            return
        if not await uow.attempts.move(attempt.attempt_id, AttemptStatus.DISPATCHED):
            return  # sent again, or the agent's word came first
        await uow.attempts.extend_leases(attempt.agent_id, [attempt.attempt_id])
        await uow.logs.noted(attempt.attempt_id, status="dispatched", dispatched_at=uow.now)
        await uow.plans.move_task(attempt.task_id, TaskStatus.DISPATCHED)
        if stored.plan.status is PlanStatus.APPROVED:
            await uow.plans.move(stored.plan.plan_id, PlanStatus.EXECUTING)
        task = stored.plan.task(attempt.task_id)
        await uow.audit.add(
            "task_dispatched",
            actor="relay",
            request_id=stored.plan.request_id,
            plan_id=stored.plan.plan_id,
            details={
                "step": task.step_number,
                "attempt": attempt.number,
                "agent": attempt.agent_id,
            },
        )

    await ctx.store.transact(keep)


async def record_undeliverable(ctx: Context, letter: Letter, reason: str) -> None:
    """Note that a message has nowhere to go; others may try, unless it had arrived before."""

    async def keep(uow: UnitOfWork) -> None:
        await uow.mail.undeliverable(letter.letter_id, reason)
        known = await uow.attempts.get(letter.attempt_id) if letter.attempt_id else None
        if known is None:
            return
        stored = await plan_by(uow, known.plan_id, lock=True)
        attempt = await uow.attempts.get(known.attempt_id)
        if attempt is None or attempt.status in STARTED_ATTEMPTS:
            return  # sent a second time: of what has started, only its agent or its lease tells
        ending = Ending(AttemptStatus.FAILED, started=False, reason=reason, actor="relay")
        await end_attempt(ctx, uow, stored, attempt, ending)

    await ctx.store.transact(keep)
    _log.warning("message_undeliverable", queue=letter.queue, reason=reason)
