"""What a bot asks for: which cards and replies are due, and what became of them."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from orchestrator.domain.conversation import Card, CardList, NoticeList
from orchestrator.domain.views import Result
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.repositories.conversation import StoredCard
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by
from orchestrator.usecases.plan_status import standing_of
from orchestrator.usecases.read_plan import result_of
from orchestrator.usecases.remember_phrase import phrases_to_remember

_log = structlog.get_logger(__name__)
_LONGEST = timedelta(hours=1)
_NEXT = "Ask which are due."


async def due_cards(ctx: Context, limit: int) -> CardList:
    """Claim the cards that show an old state, and say what each must show now."""

    async def claim(uow: UnitOfWork) -> list[str]:
        return await uow.conversation.claim_cards(limit)

    keys = await ctx.store.transact(claim)
    found = [await _card_or_none(ctx, key) for key in keys]
    return CardList(cards=tuple(card for card in found if card is not None))


async def _card_or_none(ctx: Context, card_id: str) -> Card | None:
    """Read a card and its plan in one view, so that the version is that of the state.

    One that cannot be read must not keep the others from being shown.
    """

    async def load(uow: UnitOfWork) -> Card:
        return await _card(ctx, uow, await _stored(uow, card_id))

    try:
        return await ctx.store.read(load)
    except Exception:  # noqa: BLE001 - a row that was tampered with can fail in many ways
        _log.exception("card_unreadable", card_id=card_id)
        return None


async def _card(ctx: Context, uow: UnitOfWork, row: StoredCard) -> Card:
    stored = await plan_by(uow, row.plan_id)
    approval = await uow.plans.approval(row.plan_id)
    request = await uow.requests.get(stored.plan.request_id)
    found = request.decomposition if request else None
    return Card(
        card_id=row.card_id,
        version=row.version_wanted,
        team=row.team,
        channel=row.channel,
        thread=row.thread,
        messages=row.messages,
        plan=await result_of(uow, stored),
        state=await standing_of(uow, stored),
        decided_at=approval.decided_at if approval else None,
        decision_notes=approval.notes if approval else None,
        policy=approval.policy if approval else None,
        phrases=phrases_to_remember(found, stored.plan.status, ctx.catalog()),
        approvers=tuple(sorted(ctx.approvers(row.team))),
    )


async def card_shown(ctx: Context, card_id: str, version: int, messages: Sequence[str]) -> Result:
    """Note that `messages` show a card as it was at `version`; if it changed, it stays due.

    Raises:
        Refused: there is no such card.
    """

    async def keep(uow: UnitOfWork) -> None:
        await _stored(uow, card_id)
        await uow.conversation.card_shown(card_id, version, messages)

    await ctx.store.transact(keep)
    return Result()


async def card_released(ctx: Context, card_id: str, retry_after: float) -> Result:
    """Note that a card was not shown; it is due again after `retry_after` seconds.

    Raises:
        Refused: there is no such card.
    """

    async def keep(uow: UnitOfWork) -> None:
        await _stored(uow, card_id)
        await uow.conversation.card_released(card_id, _wait(retry_after))

    await ctx.store.transact(keep)
    return Result()


async def due_notices(ctx: Context, limit: int) -> NoticeList:
    """Claim the oldest reply that is owed to each thread."""

    async def claim(uow: UnitOfWork) -> NoticeList:
        return NoticeList(notices=tuple(await uow.conversation.claim_notices(limit)))

    return await ctx.store.transact(claim)


async def notice_posted(ctx: Context, notice_id: str, message: str | None) -> Result:
    """Note that a reply stands in its thread; the thread's next one is due.

    Raises:
        Refused: there is no such reply.
    """
    known = await ctx.store.transact(lambda uow: uow.conversation.notice_posted(notice_id, message))
    return _answer(known=known)


async def notice_released(ctx: Context, notice_id: str, retry_after: float) -> Result:
    """Note that a reply was not posted; it is due again after `retry_after` seconds.

    Raises:
        Refused: there is no such reply.
    """
    wait = _wait(retry_after)
    known = await ctx.store.transact(lambda uow: uow.conversation.notice_released(notice_id, wait))
    return _answer(known=known)


def _answer(*, known: bool) -> Result:
    if not known:
        raise Refused(ErrorCode.NOT_FOUND, "There is no such reply.", _NEXT)
    return Result()


async def _stored(uow: UnitOfWork, card_id: str) -> StoredCard:
    found = await uow.conversation.card(card_id)
    if found is None:
        raise Refused(ErrorCode.NOT_FOUND, "There is no such card.", _NEXT)
    return found


def _wait(seconds: float) -> timedelta:
    """Return how long to wait: never into the past, never for good, whatever a server said."""
    return min(max(timedelta(), timedelta(seconds=min(seconds, 86_400))), _LONGEST)
