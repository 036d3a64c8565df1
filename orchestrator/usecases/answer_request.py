"""Take a person's answers to what was unclear, and plan where nothing is left to ask."""

from collections.abc import Sequence

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.request import Answer, DecomposedRequest, Request
from orchestrator.domain.text import hidden_character
from orchestrator.domain.views import Identity, SubmitResult
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.nlu.decomposer import apply_answers
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.generate_plan import draft_plan, store_plan
from orchestrator.usecases.lookup import request_by
from orchestrator.usecases.notify import tell_understanding
from orchestrator.usecases.understand import offers, status_of, submitted

_log = structlog.get_logger(__name__)


async def answer_request(
    ctx: Context,
    request_id: str,
    answers: Sequence[Answer],
    who: Identity,
    *,
    source_key: str | None = None,
) -> SubmitResult:
    """Put answers into what was understood; what stays unclear is asked again.

    Raises:
        Refused: no such request, an answer to a question that was not asked, hidden characters.
        Conflict: no question of this request is open.
    """
    _check(answers)
    if source_key is not None and await _came_before(ctx, source_key):
        return await submitted(ctx, request_id)
    request, previous = await _open_question(ctx, request_id)
    with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
        found = apply_answers(previous, tuple(answers), ctx.catalog())
        status = status_of(found)
        planned = status is RequestStatus.PARSING_COMPLETE
        draft = await draft_plan(ctx, request, found) if planned else None

        async def keep(uow: UnitOfWork) -> None:
            current = await request_by(uow, request_id, lock=True)
            if source_key is not None and not await uow.mail.is_new(source_key, "answer"):
                return  # the same answer, twice at once
            if current.decomposition != previous:
                raise Conflict("Somebody else has just answered.", "Look at the request again.")
            await uow.requests.meet(who)
            await uow.requests.keep_answers(request_id, [*current.answers, *answers], found)
            if status is not RequestStatus.REQUIRES_CLARIFICATION:
                await uow.requests.understood(request_id, status, found)
                await uow.requests.add_gaps(request_id, _new_gaps(previous, found))
            await uow.audit.add(
                "request_answered",
                actor=who.person,
                request_id=request_id,
                details={"questions": [answer.ambiguity_id for answer in answers]},
            )
            if draft is not None:
                await store_plan(ctx, uow, request, draft)
            told = len(current.answers) + len(answers)
            await tell_understanding(uow, request, found, answers=told, offers=offers(ctx))
            crash_point("answer.before_commit")

        await ctx.store.transact(keep)
        crash_point("answer.after_commit")
        _log.info("request_answered", request_id=request_id, status=status.value)
    return await submitted(ctx, request.request_id)


def _check(answers: Sequence[Answer]) -> None:
    for answer in answers:
        hidden = hidden_character(answer.text, allow_emoji_joiners=True)
        if hidden is not None:
            raise Refused(
                ErrorCode.INVALID_REQUEST,
                f"The answer contains a character that cannot be seen: {hidden}.",
                "Type it again without that character.",
            )
    if not answers:
        message = "There is no answer in it."
        raise Refused(ErrorCode.INVALID_REQUEST, message, "Answer at least one question.")


async def _open_question(ctx: Context, request_id: str) -> tuple[Request, DecomposedRequest]:
    async def load(uow: UnitOfWork) -> Request:
        return await request_by(uow, request_id)

    request = await ctx.store.read(load)
    waits = request.status is RequestStatus.REQUIRES_CLARIFICATION
    if not waits or request.decomposition is None:
        raise Conflict(
            "No question about this request is open.", "Ask anew if you want something else."
        )
    return request, request.decomposition


async def _came_before(ctx: Context, source_key: str) -> bool:
    async def load(uow: UnitOfWork) -> bool:
        return await uow.mail.has(source_key)

    return await ctx.store.read(load)


def _new_gaps(before: DecomposedRequest, after: DecomposedRequest) -> list[str]:
    return [gap for gap in after.uncovered if gap not in before.uncovered]
