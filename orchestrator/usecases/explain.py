"""Tell the story of a plan or a step from the database alone."""

from orchestrator.domain.plan import WorkTask
from orchestrator.domain.views import Explanation, GapList
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import names_step, plan_by, step_by


async def explain(ctx: Context, reference: str) -> Explanation:
    """Say why a plan (12) or a step (12.2) is what it is and went where it went.

    Raises:
        Refused: there is no such plan or step.
    """

    async def load(uow: UnitOfWork) -> Explanation:
        step: WorkTask | None = None
        if names_step(reference):
            stored, step = await step_by(uow, reference)
        else:
            stored = await plan_by(uow, reference)
        plan = stored.plan
        wanted = [task for task in plan.tasks if step is None or task.task_id == step.task_id]
        ids = {task.task_id for task in wanted}
        events = await uow.audit.of_request(plan.request_id, plan.plan_id)
        number = None if step is None else step.step_number
        fallback = await uow.decisions.fallback_of(plan.plan_id)
        steps = await uow.decisions.steps_of_fallback(plan.plan_id)
        return Explanation(
            plan_id=plan.plan_id,
            number=plan.number,
            step_number=number,
            understood=tuple(_understood(task) for task in wanted),
            routing=tuple(
                each for each in await uow.decisions.routing_of(plan.plan_id) if each.task_id in ids
            ),
            fallback=tuple(fallback),
            models=tuple(
                (f"Step {at}: " if at else "") + each.sentence()
                for at, each in zip(steps, fallback, strict=True)
                if at in {None, number} or number is None
            ),
            events=tuple(
                event
                for event in events
                if number is None or event.details.get("step", number) == number
            ),
        )

    return await ctx.store.read(load)


def _understood(task: WorkTask) -> str:
    waits = ", ".join(str(step) for step in task.depends_on)
    order = f"; it waits for step {waits}" if waits else ""
    return (
        f"Step {task.step_number}: “{task.source_words}” was read as {task.capability} "
        f"with confidence {task.confidence:.2f}{order}."
    )


async def list_gaps(ctx: Context, limit: int) -> GapList:
    """Return what was asked for and no capability covers, the most frequent first."""

    async def load(uow: UnitOfWork) -> GapList:
        return GapList(gaps=tuple(await uow.requests.gaps(limit)))

    return await ctx.store.read(load)
