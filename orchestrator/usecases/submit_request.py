"""Store what a person asks (T1), then have it understood (T2)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.request import Request
from orchestrator.domain.text import (
    MAX_REQUEST_CHARACTERS,
    hidden_character,
    normalise,
    with_names,
)
from orchestrator.domain.views import Identity, Result, SubmitResult
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import request_by
from orchestrator.usecases.understand import submitted, understand

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """Where a request came from: its key, and the conversation that hears of it."""

    source_key: str | None = None
    channel: str | None = None
    thread: str | None = None


async def submit_request(
    ctx: Context, request_text: str, who: Identity, asked: Asked
) -> SubmitResult:
    """Keep a request, understand it, and plan it where nothing is left to ask.

    The same source key again gives what the first one led to.

    Raises:
        Refused: the text cannot be taken as a request, or its key came with another text before.
    """
    request, is_new = await _keep(ctx, request_text, who, asked)
    if not is_new:
        if request.request_text != checked_text(request_text):
            raise Refused(
                ErrorCode.CONFLICT,
                "The key of this request was used for another request before.",
                "Send each thing you want done with a key of its own.",
            )
        return await submitted(ctx, request.request_id)
    with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
        return await understand(ctx, request)


async def keep_request(
    ctx: Context, request_text: str, who: Identity, asked: Asked
) -> SubmitResult:
    """Keep a request and do no more (T1); the same source key again gives the first one.

    Whoever keeps it calls `think` next; should that not come, the keeper takes it up.

    Raises:
        Refused: the text cannot be taken as a request.
    """
    request, _ = await _keep(ctx, request_text, who, asked)
    return await submitted(ctx, request.request_id)


async def name_people(ctx: Context, request_id: str, names: Mapping[str, str]) -> Result:
    """Put people's names in the place of their ids in a request that waits to be understood.

    Names are decoration: where they do not fit into a request, the ids stay.

    Raises:
        Refused: there is no such request.
    """

    async def keep(uow: UnitOfWork) -> None:
        request = await request_by(uow, request_id, lock=True)
        if request.status is not RequestStatus.PENDING:
            return
        with suppress(Refused):
            text = checked_text(with_names(request.request_text, names))
            await uow.requests.reword(request_id, text)

    await ctx.store.transact(keep)
    return Result()


async def think(ctx: Context, request_id: str) -> SubmitResult:
    """Understand a kept request and plan it (T2); one that is understood stays as it is.

    Raises:
        Refused: there is no such request.
    """

    async def load(uow: UnitOfWork) -> Request:
        return await request_by(uow, request_id)

    request = await ctx.store.read(load)
    if request.status is not RequestStatus.PENDING:
        return await submitted(ctx, request.request_id)
    with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
        return await understand(ctx, request)


async def _keep(
    ctx: Context, request_text: str, who: Identity, asked: Asked
) -> tuple[Request, bool]:
    """Store a request; return it, or the first one of its source key, and whether it is new."""
    text = checked_text(request_text)

    async def keep(uow: UnitOfWork) -> tuple[Request, bool]:
        request = Request(
            request_id=new_id(),
            team=who.team,
            requester=who.person,
            request_text=text,
            channel=asked.channel,
            thread=asked.thread,
            correlation_id=_correlation_id(),
            status=RequestStatus.PENDING,
            created_at=uow.now,
        )
        if not await uow.requests.add(request, asked.source_key):
            first = await uow.requests.by_source_key(asked.source_key or "")
            return first or request, False
        await uow.requests.meet(who)
        await uow.audit.add(
            "request_submitted",
            actor=who.person,
            request_id=request.request_id,
            details={"team": who.team, "characters": len(text)},
        )
        crash_point("request.before_commit")
        return request, True

    request, is_new = await ctx.store.transact(keep)
    if is_new:
        crash_point("request.after_commit")
        with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
            _log.info("request_submitted", request_id=request.request_id, requester=who.person)
    return request, is_new


def _correlation_id() -> str:
    """Go on with the id of the call that brings the request, so that both are found by one."""
    bound = structlog.contextvars.get_contextvars().get("correlation_id")
    return bound if isinstance(bound, str) else new_id()


def checked_text(request_text: str) -> str:
    """Return the request in NFC, trimmed.

    Raises:
        Refused: it is empty, too long, or has characters that nobody can see.
    """
    text = normalise(request_text)
    if not text:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            "The request is empty.",
            'Say what should be done, for example "Deploy Gitea".',
        )
    if len(text) > MAX_REQUEST_CHARACTERS:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"The request has {len(text):,} characters; {MAX_REQUEST_CHARACTERS:,} is the most.",
            "Split it into several requests.",
        )
    hidden = hidden_character(text, allow_emoji_joiners=True)
    if hidden is not None:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"The request contains a character that cannot be seen: {hidden}.",
            "Type it again without that character.",
        )
    return text
