"""What the approver is told about language models: which one gets which text, and what is off."""

from collections.abc import Iterator, Sequence

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import ExternalText, FallbackChoice, FallbackDecision
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import ModelAsked
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.model_log import external_spent


def reading_notes(asked: Sequence[ModelAsked]) -> Iterator[str]:
    """Say which models were sent the words of the request to understand them."""
    for each in asked:
        kind = "the external model" if each.tier is ModelTier.EXTERNAL else "the local model"
        yield f"To understand it, the words of the request were sent to {kind} {each.model}."


async def work_notes(ctx: Context, plan: WorkPlan, decision: FallbackDecision) -> list[str]:
    """Say what the open-ended steps will send where, once the plan is approved."""
    steps = _steps(plan)
    if not steps:
        return []
    external, local = ctx.fallback.external, ctx.fallback.local
    if decision.decision is not FallbackChoice.USE_EXTERNAL:
        why = f" {decision.error}" if decision.error else ""
        if local is None:
            return [f"{steps} call for a local language model, and none is configured.{why}"]
        return [f"{steps}: what they are given goes to the local model {local.name}.{why}"]
    instead = "" if local is None else f"; should it fail, to the local model {local.name}"
    if external is None:
        missing = f"{steps} call for an external language model, and none is configured"
        given = "" if local is None else f": what they are given goes to {local.name}, the local"
        return [f"{missing}{given}."]
    closed = ctx.fallback.rules.external_closed() or await _budget_closed(ctx)
    if closed:
        given = (
            "" if local is None else f" What they are given goes to the local model {local.name}."
        )
        return [f"{steps} call for an external language model. {closed}{given}"]
    given = "their instruction, with the words of the request in it,"
    if ctx.fallback.rules.text is ExternalText.ALL:
        given = f"{given} and what the steps before them put out"
    note = f"{steps}: {given} goes to the external model {external.name}{instead}."
    after = any(task.reasoning and task.depends_on for task in plan.tasks)
    if after and ctx.fallback.rules.text is not ExternalText.ALL:
        note += " A step that is given what others put out is not sent there."
    return [note]


def _steps(plan: WorkPlan) -> str:
    numbers = [str(task.step_number) for task in plan.tasks if task.reasoning]
    return f"Step{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}" if numbers else ""


async def _budget_closed(ctx: Context) -> str:
    async def spent(uow: UnitOfWork) -> float:
        return await external_spent(uow)

    rules = ctx.fallback.rules
    return "" if rules.budget is None else rules.budget_closed(await ctx.store.read(spent))
