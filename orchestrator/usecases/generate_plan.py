"""Make the plan of an understood request, or return the one that is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import JsonValue

from orchestrator.domain.agents import AgentProfile, AvailableResources, available
from orchestrator.domain.fallback import FallbackDecision
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import DecomposedRequest, ModelAsked, Request
from orchestrator.domain.views import PlanResult
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import request_by
from orchestrator.usecases.model_notes import reading_notes, work_notes
from orchestrator.usecases.notify import place_of
from orchestrator.usecases.read_plan import plan_result

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Draft:
    """A plan that is not stored yet, and the model decision it was made with."""

    plan: WorkPlan
    decision: FallbackDecision
    asked: tuple[ModelAsked, ...] = ()


async def generate_plan(ctx: Context, request_id: str) -> PlanResult:
    """Return the newest plan of a request; make it where there is none yet.

    Raises:
        Refused: no such request, or it is not understood far enough to be planned.
    """

    async def look(uow: UnitOfWork) -> tuple[Request, str | None]:
        request = await request_by(uow, request_id)
        return request, await uow.plans.newest_of(request.request_id)

    request, plan_id = await ctx.store.read(look)
    if plan_id is not None:
        return await plan_result(ctx, plan_id)
    decomposed = _plannable(request)
    with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
        draft = await draft_plan(ctx, request, decomposed)

        async def keep(uow: UnitOfWork) -> str:
            await request_by(uow, request_id, lock=True)
            made = await uow.plans.newest_of(request.request_id)
            return made or await store_plan(ctx, uow, request, draft)

        return await plan_result(ctx, await ctx.store.transact(keep))


def _plannable(request: Request) -> DecomposedRequest:
    if request.status is RequestStatus.PARSING_COMPLETE and request.decomposition is not None:
        return request.decomposition
    reasons = {
        RequestStatus.PENDING: ("It is still being thought about.", "Ask again in a moment."),
        RequestStatus.REQUIRES_CLARIFICATION: ("A question about it is open.", "Answer it first."),
        RequestStatus.OUT_OF_SCOPE: (
            "Nothing in it can be done.",
            "`chiffon catalog list` shows what can.",
        ),
    }
    message, hint = reasons.get(
        request.status, ("It could not be understood because of a fault.", "Ask it again.")
    )
    raise Refused(ErrorCode.PLAN_NOT_READY, message, hint)


async def available_resources(ctx: Context) -> AvailableResources:
    """Ask what the online agents have free; the agents come along, offline ones too."""

    async def load(uow: UnitOfWork) -> list[AgentProfile]:
        return await uow.agents.profiles()

    return available(await ctx.store.read(load))


async def draft_plan(
    ctx: Context,
    request: Request,
    decomposed: DecomposedRequest,
    *,
    after: WorkPlan | None = None,
    notes: Sequence[str] = (),
) -> Draft:
    """Plan without storing: what is free first, then the steps, then the model decision.

    With `after`, the revision that it takes the place of, it is the next one under its number.
    """
    resources = await available_resources(ctx)
    now = await ctx.store.read(_now)
    plan = ctx.planner.generate_plan(
        decomposed,
        resources,
        request_id=request.request_id,
        now=now,
        revision=1 if after is None else after.revision + 1,
    )
    if after is not None:
        plan = plan.model_copy(update={"number": after.number})
    decision, external = await ctx.fallback.should_use_external_ai(plan)
    of_models = [*reading_notes(decomposed.models_asked), *await work_notes(ctx, plan, decision)]
    planned = ctx.planner.with_models(plan, external=external, notes=[*notes, *of_models])
    return Draft(planned, decision, decomposed.models_asked)


async def _now(uow: UnitOfWork) -> datetime:
    return uow.now


async def store_plan(ctx: Context, uow: UnitOfWork, request: Request, draft: Draft) -> str:
    """Store a drafted plan, a first revision under the next number; return its id."""
    number = draft.plan.number or await uow.plans.next_number()
    plan = draft.plan.model_copy(update={"number": number, "created_at": uow.now})
    await uow.plans.add(plan, expires_at=uow.now + ctx.approval_time)
    await uow.plans.keep_entries(_entries(ctx, plan))
    await uow.decisions.belong([each.decision_id for each in draft.asked], plan.plan_id)
    await uow.decisions.fell_back(draft.decision, plan_id=plan.plan_id)
    place = place_of(request, plan.plan_id)
    if place is not None:
        await uow.conversation.want_card(place)
    await uow.audit.add(
        "plan_generated",
        actor="planner",
        request_id=request.request_id,
        plan_id=plan.plan_id,
        details={
            "number": number,
            "revision": plan.revision,
            "digest": plan.digest,
            "steps": len(plan.tasks),
        },
    )
    _log.info("plan_generated", plan_id=plan.plan_id, number=number, steps=len(plan.tasks))
    return plan.plan_id


def _entries(ctx: Context, plan: WorkPlan) -> list[dict[str, JsonValue]]:
    catalog = ctx.catalog()
    found = {task.capability: catalog.get(task.capability) for task in plan.tasks}
    return [
        {
            "digest": entry.digest,
            "name": name,
            "entry": entry.capability.model_dump(mode="json"),
            "file_hashes": dict(entry.file_hashes),
        }
        for name, entry in found.items()
        if entry is not None
    ]
