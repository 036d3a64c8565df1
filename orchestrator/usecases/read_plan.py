"""Show a plan as it was proposed and decided."""

from orchestrator.domain.views import PlanList, PlanResult
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by


async def get_plan(ctx: Context, reference: str) -> PlanResult:
    """Return the newest plan of a request, or the plan itself; nothing is generated.

    Raises:
        Refused: there is no such request or plan (`not_found`), or the request has no plan
            yet (`plan_not_ready`).
    """

    async def load(uow: UnitOfWork) -> PlanResult:
        request = await uow.requests.get(reference.strip().lower())
        if request is None:
            return await result_of(uow, await plan_by(uow, reference))
        plan_id = await uow.plans.newest_of(request.request_id)
        if plan_id is None:
            raise Refused(
                ErrorCode.PLAN_NOT_READY,
                f"The request has no plan; it is {request.status.value.replace('_', ' ')}.",
                "Look at the request: a question may be open, or nothing in it can be done.",
            )
        return await result_of(uow, await plan_by(uow, plan_id))

    return await ctx.store.read(load)


async def plan_result(ctx: Context, plan_id: str) -> PlanResult:
    """Return one plan by its id."""

    async def load(uow: UnitOfWork) -> PlanResult:
        return await result_of(uow, await plan_by(uow, plan_id))

    return await ctx.store.read(load)


async def result_of(uow: UnitOfWork, stored: StoredPlan) -> PlanResult:
    """Return a plan as it is shown, as this transaction sees it."""
    plan = stored.plan
    request = await uow.requests.get(plan.request_id)
    approval = await uow.plans.approval(plan.plan_id)
    found = request.decomposition if request else None
    same = plan.model_dump(exclude={"tasks", "requester"})
    return PlanResult(
        **same,
        tasks=plan.tasks,
        request_text=stored.request_text,
        requester=stored.requester.person,
        out_of_scope=found.out_of_scope if found else (),
        deferred=found.deferred if found else (),
        decided_by=approval.person if approval else None,
        decided_at=approval.decided_at if approval else None,
    )


async def list_plans(ctx: Context, limit: int) -> PlanList:
    """Return the newest plans first."""

    async def load(uow: UnitOfWork) -> PlanList:
        return PlanList(plans=tuple(await uow.plans.newest(limit)))

    return await ctx.store.read(load)
