"""What a step for a language model is handed over with: material to read, and what is closed."""

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.lifecycle import AttemptStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.router import ModelBrief
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.model_log import HOUR, external_spent

MAX_MATERIAL = 24_000
"""Characters of earlier output that one step is given."""


async def model_brief(
    ctx: Context, uow: UnitOfWork, stored: StoredPlan, task: WorkTask
) -> ModelBrief:
    """Return the brief of one task, by what is spent at this moment; empty without a model."""
    if not task.reasoning:
        return ModelBrief()
    material = await _material(uow, stored, task)
    stops = await _spent(ctx, uow, task)
    forbidden = ctx.fallback.rules.external_closed(with_outputs=bool(material))
    if task.model_tier is ModelTier.EXTERNAL and forbidden:
        stops[ModelTier.EXTERNAL] = forbidden
    return ModelBrief(material=material, stops=stops)


async def why_held(ctx: Context, uow: UnitOfWork, stored: StoredPlan, task: WorkTask) -> str:
    """Say which spent limit leaves a task without a model, and what to do; empty: it may go.

    Where this machine knows of no model at all, the agents' own are not judged.
    """
    local, external = ctx.fallback.local, ctx.fallback.external
    if not task.reasoning or (local is None and external is None):
        return ""
    spent = await _spent(ctx, uow, task)
    if not spent or (local is not None and ModelTier.LOCAL not in spent):
        return ""
    if task.model_tier is ModelTier.EXTERNAL and external is not None:
        material = await _material(uow, stored, task)
        forbidden = ctx.fallback.rules.external_closed(with_outputs=bool(material))
        if not forbidden and ModelTier.EXTERNAL not in spent:
            return ""
    return " ".join(spent.values())


async def _spent(ctx: Context, uow: UnitOfWork, task: WorkTask) -> dict[str, str]:
    """Return the tiers whose quota or budget is used up, each with what to do."""
    rules = ctx.fallback.rules
    spent: dict[str, str] = {}
    if rules.quota is not None:
        used = await uow.decisions.calls_within(ModelTier.LOCAL, HOUR)
        spent[ModelTier.LOCAL] = rules.quota_closed(used)
    if task.model_tier is ModelTier.EXTERNAL and rules.budget is not None:
        spent[ModelTier.EXTERNAL] = rules.budget_closed(await external_spent(uow))
    return {tier: why for tier, why in spent.items() if why}


async def _material(uow: UnitOfWork, stored: StoredPlan, task: WorkTask) -> str:
    """Return what the steps that it waits for put out; long ones lose their ends."""
    before = _before(stored, task)
    if not before:
        return ""
    names = {each.step_number: each.name for each in stored.plan.tasks}
    done = {
        log.step_number: log.output.strip()
        for log in await uow.logs.of_plan(stored.plan.plan_id)
        if log.step_number in before and log.status == AttemptStatus.SUCCEEDED and log.output
    }
    share = MAX_MATERIAL // max(1, len(done))
    return "\n\n".join(
        f"Step {number} ({names[number]}) put out:\n{output[:share]}"
        for number, output in sorted(done.items())
    )


def _before(stored: StoredPlan, task: WorkTask) -> set[int]:
    """Return the steps that a task waits for, and those that they wait for."""
    waits = {each.step_number: each.depends_on for each in stored.plan.tasks}
    found: set[int] = set()
    left = [*task.depends_on]
    while left:
        step = left.pop()
        if step not in found:
            found.add(step)
            left.extend(waits.get(step, ()))
    return found
