"""Where a plan stands: its tasks, what their attempts left, and how many are where."""

from orchestrator.domain.agents import AgentProfile
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import TASK_BUCKET
from orchestrator.domain.plan import WorkTask, summary_counts
from orchestrator.domain.views import PlanStatusResult, TaskState
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by


async def plan_status(ctx: Context, reference: str) -> PlanStatusResult:
    """Return where a plan stands.

    Raises:
        Refused: there is no such plan.
    """

    async def load(uow: UnitOfWork) -> PlanStatusResult:
        stored = await plan_by(uow, reference)
        plan = stored.plan
        names = {agent.agent_id: agent for agent in await uow.agents.profiles()}
        tries: dict[str, list[Attempt]] = {task.task_id: [] for task in plan.tasks}
        for attempt in await uow.attempts.of_plan(plan.plan_id):
            tries[attempt.task_id].append(attempt)
        reasons = await uow.plans.task_reasons(plan.plan_id)
        states = [
            _state(task, tries[task.task_id], names, reasons[task.task_id]) for task in plan.tasks
        ]
        return PlanStatusResult(
            plan_id=plan.plan_id,
            number=plan.number,
            revision=plan.revision,
            request_text=stored.request_text,
            status=plan.status,
            tasks=tuple(states),
            execution_logs=tuple(await uow.logs.of_plan(plan.plan_id)),
            summary=summary_counts((task.status for task in plan.tasks), TASK_BUCKET),
        )

    return await ctx.store.read(load)


def _state(
    task: WorkTask,
    tries: list[Attempt],
    agents: dict[str, AgentProfile],
    reason: str | None,
) -> TaskState:
    last = tries[-1] if tries else None
    agent = agents.get(last.agent_id) if last else None
    started, ended = (last.started_at, last.ended_at) if last else (None, None)
    return TaskState(
        task_id=task.task_id,
        step_number=task.step_number,
        name=task.name,
        status=task.status,
        agent_id=last.agent_id if last else None,
        agent_name=agent.name if agent else None,
        attempts=len(tries),
        progress=last.progress if last else None,
        reason=reason,
        started_at=started,
        ended_at=ended,
        duration_seconds=(ended - started).total_seconds() if started and ended else None,
    )
