"""Think about a stored request, then keep what was understood and its plan in one commit (T2)."""

import structlog
from pydantic import JsonValue

from orchestrator.crash_points import crash_point
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import DecomposedRequest, Request
from orchestrator.domain.views import SubmitResult
from orchestrator.errors import Conflict
from orchestrator.nlu.decomposer import DecomposeContext
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.generate_plan import Draft, draft_plan, store_plan
from orchestrator.usecases.lookup import request_by
from orchestrator.usecases.notify import tell_failure, tell_understanding

_log = structlog.get_logger(__name__)
_OFFERS = 8


async def understand(ctx: Context, request: Request) -> SubmitResult:
    """Have a pending request decomposed and planned; no transaction is open meanwhile.

    Also the keeper's way to take up a request whose worker died.
    """
    try:
        await _think_and_keep(ctx, request)
    except Conflict:  # another worker took it over, and was first
        _log.info("request_understood_elsewhere", request_id=request.request_id)
    except Exception as fault:
        if not ctx.store.is_outage(fault):  # else it stays pending, and the keeper takes it up
            await _give_up(ctx, request, type(fault).__name__)
        raise
    return await submitted(ctx, request.request_id)


async def _think_and_keep(ctx: Context, request: Request) -> None:
    context = await _said_before(ctx, request)
    decomposed = await ctx.decomposer.decompose(request.request_text, context)
    draft = await _draft_or_none(ctx, request, decomposed)
    status = status_of(decomposed)

    async def keep(uow: UnitOfWork) -> None:
        await uow.requests.understood(request.request_id, status, decomposed)
        await keep_understanding(ctx, uow, request, decomposed, draft)
        crash_point("understanding.before_commit")

    await ctx.store.transact(keep)
    crash_point("understanding.after_commit")
    _log.info("request_understood", request_id=request.request_id, status=status.value)


async def _said_before(ctx: Context, request: Request) -> DecomposeContext | None:
    """Return what a request in a thread may refer to: what was understood of the one before."""
    if request.channel is None or request.thread is None:
        return None

    async def load(uow: UnitOfWork) -> Request | None:
        return await uow.requests.before_in_thread(request)

    before = await ctx.store.read(load)
    known = before.decomposition if before is not None else None
    return None if known is None else DecomposeContext(earlier=known)


def status_of(decomposed: DecomposedRequest) -> RequestStatus:
    """Say where an understood request stands: a question open, to be planned, or neither."""
    if decomposed.ambiguities:
        return RequestStatus.REQUIRES_CLARIFICATION
    return RequestStatus.PARSING_COMPLETE if decomposed.subtasks else RequestStatus.OUT_OF_SCOPE


async def keep_understanding(
    ctx: Context,
    uow: UnitOfWork,
    request: Request,
    decomposed: DecomposedRequest,
    draft: Draft | None,
) -> None:
    """Write what follows from an understanding: gaps, the story, the plan."""
    await uow.requests.add_gaps(request.request_id, decomposed.uncovered)
    await uow.audit.add(
        "request_understood",
        actor=f"decomposer:{decomposed.decomposer_model}",
        request_id=request.request_id,
        details={
            "steps": [subtask.intent for subtask in decomposed.subtasks],
            "questions": len(decomposed.ambiguities),
            "out_of_scope": len(decomposed.out_of_scope),
            **_asked(decomposed),
        },
    )
    if draft is not None:
        await store_plan(ctx, uow, request, draft)
    elif status_of(decomposed) is RequestStatus.PARSING_COMPLETE:
        await tell_failure(uow, request, "It was understood, but it could not be planned.")
    await tell_understanding(uow, request, decomposed, answers=0, offers=offers(ctx))


def _asked(decomposed: DecomposedRequest) -> dict[str, JsonValue]:
    """Name the models that were sent the words, where there are any."""
    names: list[JsonValue] = [each.model for each in decomposed.models_asked]
    return {"models_asked": names} if names else {}


async def _draft_or_none(
    ctx: Context, request: Request, decomposed: DecomposedRequest
) -> Draft | None:
    """Draft the plan. A fault here must not lose the understanding: `generate_plan` tells it.

    A database that is away is no fault of the plan: the whole is done again once it is back.
    """
    if status_of(decomposed) is not RequestStatus.PARSING_COMPLETE:
        return None
    try:
        return await draft_plan(ctx, request, decomposed)
    except Exception as fault:
        if ctx.store.is_outage(fault):
            raise
        _log.warning("planning_failed", request_id=request.request_id, exc_info=True)
        return None


async def _give_up(ctx: Context, request: Request, fault: str) -> None:
    async def keep(uow: UnitOfWork) -> None:
        await uow.requests.failed(request.request_id, fault)
        await uow.audit.add(
            "request_failed",
            actor="orchestrator",
            request_id=request.request_id,
            details={"fault": fault},
        )
        await tell_failure(uow, request, "It could not be understood because of a fault.")

    await ctx.store.transact(keep)


async def submitted(ctx: Context, request_id: str) -> SubmitResult:
    """Return what a request has led to so far, from the database."""

    async def load(uow: UnitOfWork) -> tuple[Request, WorkPlan | None]:
        request = await request_by(uow, request_id)
        plan_id = await uow.plans.newest_of(request.request_id)
        stored = None if plan_id is None else await uow.plans.get(plan_id)
        return request, None if stored is None else stored.plan

    request, plan = await ctx.store.read(load)
    found = request.decomposition
    return SubmitResult(
        request_id=request.request_id,
        status=request.status,
        decomposed_request=found,
        ambiguities=found.ambiguities if found else (),
        out_of_scope=found.out_of_scope if found else (),
        deferred=found.deferred if found else (),
        offers=offers(ctx) if found and found.out_of_scope else (),
        plan_id=plan.plan_id if plan else None,
        plan_number=plan.number if plan else None,
    )


def offers(ctx: Context) -> tuple[str, ...]:
    """Return what can be done, in the catalogue's own words, what needs no model first."""
    known = sorted(ctx.catalog().capabilities(), key=lambda each: each.reasoning)
    return tuple(each.examples[0] if each.examples else each.description for each in known)[
        :_OFFERS
    ]
