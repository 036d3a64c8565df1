"""Show what was asked and how far it has come: by its id, or as the last of a thread."""

from orchestrator.domain.request import Request
from orchestrator.domain.views import HeardResult, RequestView
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import request_by


async def get_request(ctx: Context, request_id: str) -> RequestView:
    """Return one stored request.

    Raises:
        Refused: there is no such request.
    """

    async def load(uow: UnitOfWork) -> RequestView:
        return await _view(uow, await request_by(uow, request_id))

    return await ctx.store.read(load)


async def heard(ctx: Context, source_key: str) -> HeardResult:
    """Say whether a request or an answer came in under this key before."""

    async def load(uow: UnitOfWork) -> HeardResult:
        asked = await uow.requests.by_source_key(source_key)
        return HeardResult(heard=asked is not None or await uow.mail.has(source_key))

    return await ctx.store.read(load)


async def request_of_thread(ctx: Context, team: str, channel: str, thread: str) -> RequestView:
    """Return the request that was asked last in a thread; its ambiguities are open questions.

    Raises:
        Refused: nothing was asked there.
    """

    async def load(uow: UnitOfWork) -> RequestView:
        request = await uow.requests.newest_of_thread(team, channel, thread)
        if request is None:
            message = "Nothing was asked in this thread."
            raise Refused(ErrorCode.NOT_FOUND, message, "Ask for something first.")
        return await _view(uow, request)

    return await ctx.store.read(load)


async def _view(uow: UnitOfWork, request: Request) -> RequestView:
    plan_id = await uow.plans.newest_of(request.request_id)
    stored = None if plan_id is None else await uow.plans.get(plan_id)
    found = request.decomposition
    return RequestView(
        request_id=request.request_id,
        status=request.status,
        request_text=request.request_text,
        requester=request.requester,
        created_at=request.created_at,
        plan_id=plan_id,
        plan_number=stored.plan.number if stored else None,
        ambiguities=found.ambiguities if found else (),
        question_message=await uow.conversation.question_of(request.request_id),
        out_of_scope=found.out_of_scope if found else (),
        deferred=found.deferred if found else (),
    )
