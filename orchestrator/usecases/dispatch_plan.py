"""Hand over what is ready, and say what became of it."""

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.views import DispatchedTask, DispatchResult
from orchestrator.errors import Conflict
from orchestrator.router import DispatchStatus
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import RUNNING, advance
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by

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
