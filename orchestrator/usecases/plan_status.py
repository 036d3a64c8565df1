"""Where a plan stands: its tasks, what their attempts left, and how many are where."""

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import TASK_BUCKET
from orchestrator.domain.plan import WorkPlan, WorkTask, summary_counts
from orchestrator.domain.views import PlanStatusResult, TaskState
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by


async def plan_status(ctx: Context, reference: str) -> PlanStatusResult:
    """Return where a plan stands.

    Raises:
        Refused: there is no such plan.
    """

    async def load(uow: UnitOfWork) -> PlanStatusResult:
        return await standing_of(uow, await plan_by(uow, reference))

    return await ctx.store.read(load)


async def standing_of(uow: UnitOfWork, stored: StoredPlan) -> PlanStatusResult:
    """Return where a plan stands, as this transaction sees it."""
    plan = stored.plan
    return PlanStatusResult(
        plan_id=plan.plan_id,
        number=plan.number,
        revision=plan.revision,
        request_text=stored.request_text,
        status=plan.status,
        tasks=tuple(await task_states(uow, plan)),
        execution_logs=tuple(await uow.logs.of_plan(plan.plan_id)),
        summary=summary_counts((task.status for task in plan.tasks), TASK_BUCKET),
    )


async def task_states(uow: UnitOfWork, plan: WorkPlan) -> list[TaskState]:
    """Return where each task of a plan stands, in order."""
    names = await uow.agents.names()
    tries: dict[str, list[Attempt]] = {task.task_id: [] for task in plan.tasks}
    for attempt in await uow.attempts.of_plan(plan.plan_id):
        tries[attempt.task_id].append(attempt)
    reasons = await uow.plans.task_reasons(plan.plan_id)
    return [_state(task, tries[task.task_id], names, reasons[task.task_id]) for task in plan.tasks]


def _state(
    task: WorkTask,
    tries: list[Attempt],
    agents: dict[str, str],
    reason: str | None,
) -> TaskState:
    last = tries[-1] if tries else None
    started, ended = (last.started_at, last.ended_at) if last else (None, None)
    return TaskState(
        task_id=task.task_id,
        step_number=task.step_number,
        name=task.name,
        status=task.status,
        agent_id=last.agent_id if last else None,
        agent_name=agents.get(last.agent_id) if last else None,
        attempts=len(tries),
        progress=last.progress if last else None,
        reason=reason,
        started_at=started,
        ended_at=ended,
        duration_seconds=(ended - started).total_seconds() if started and ended else None,
    )
