"""The service's side in memory: what is owed, claimed and noted, as the database keeps it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.domain.conversation import Card, CardList, Notice, NoticeList
from orchestrator.domain.views import PlanStatusResult, Result

CLAIM_SECONDS = 30.0


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class _CardRow:
    card: Card
    shown: int = 0
    claimed: int = 0  # the version that was claimed last
    claimed_until: float = 0.0


@dataclass
class _NoticeRow:
    notice: Notice
    posted: bool = False
    message: str | None = None
    claimed_until: float = 0.0


@dataclass
class OwingInMemory:
    """Cards are states, replies are queues, each thread its own."""

    cards: dict[str, _CardRow] = field(default_factory=dict)
    notices: dict[str, _NoticeRow] = field(default_factory=dict)
    status: PlanStatusResult = field(default_factory=PlanStatusResult)
    conversation_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    put_off: list[float] = field(default_factory=list)  # seconds for which cards were given back

    def want(self, card: Card) -> None:
        """Want this shown in place of what was."""
        row = self.cards.get(card.card_id)
        if row is None:
            self.cards[card.card_id] = _CardRow(card)
        else:
            row.card = card.model_copy(
                update={"version": row.card.version + 1, "messages": row.card.messages}
            )
        self.conversation_waiting.set()

    def owe(self, *notices: Notice) -> None:
        """Owe replies, in order."""
        for notice in notices:
            self.notices[notice.notice_id] = _NoticeRow(notice)
        self.conversation_waiting.set()

    def all_shown(self) -> bool:
        return all(row.shown == row.card.version for row in self.cards.values()) and all(
            row.posted for row in self.notices.values()
        )

    async def due_cards(self, limit: int = 20) -> CardList:
        now = _now()
        due = [
            row
            for row in self.cards.values()
            if row.card.version > row.shown and row.claimed_until <= now
        ][:limit]
        for row in due:
            row.claimed_until, row.claimed = now + CLAIM_SECONDS, row.card.version
        return CardList(cards=tuple(row.card for row in due))

    async def card_shown(self, card_id: str, *, version: int, messages: Sequence[str]) -> Result:
        row = self.cards[card_id]
        if row.shown <= version:
            row.shown = version
            row.card = row.card.model_copy(update={"messages": tuple(messages)})
            # A version older than the one that was claimed is a part of the work.
            row.claimed_until = _now() + CLAIM_SECONDS if version < row.claimed else 0.0
        self.conversation_waiting.set()
        return Result()

    async def card_released(self, card_id: str, *, retry_after: float) -> Result:
        self.cards[card_id].claimed_until = _now() + retry_after
        self.put_off.append(retry_after)
        return Result()

    async def due_notices(self, limit: int = 20) -> NoticeList:
        now = _now()
        oldest: dict[tuple[str, str | None], _NoticeRow] = {}
        for row in self.notices.values():
            if not row.posted:
                oldest.setdefault((row.notice.channel, row.notice.thread), row)
        due = [row for row in oldest.values() if row.claimed_until <= now][:limit]
        for row in due:
            row.claimed_until = now + CLAIM_SECONDS
        return NoticeList(notices=tuple(row.notice for row in due))

    async def notice_posted(self, notice_id: str, *, message: str | None = None) -> Result:
        self.notices[notice_id].posted = True
        self.notices[notice_id].message = message
        self.conversation_waiting.set()
        return Result()

    async def notice_released(self, notice_id: str, *, retry_after: float) -> Result:
        self.notices[notice_id].claimed_until = _now() + retry_after
        return Result()

    async def get_plan_status(self, plan_id: str) -> PlanStatusResult:
        return self.status
