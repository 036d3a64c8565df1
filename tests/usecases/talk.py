"""A conversation in a thread, as a bot meets it: ask, see what is owed, say that it was posted."""

from dataclasses import dataclass

from orchestrator.domain.conversation import Card, Notice, NoticeKind
from orchestrator.domain.views import ApproveResult, SubmitResult
from tests.scene import Desk

TEAM, CHANNEL, THREAD = "T1", "C1", "1700000000.000100"
ANN, BOB, EVE = "U0ANN0001", "U0BOB0001", "U0EVE0001"


@dataclass(frozen=True)
class Talk:
    """One thread of one channel."""

    desk: Desk
    thread: str = THREAD

    async def asks(self, text: str, person: str = EVE, **more: str) -> SubmitResult:
        """Have a person ask for something in the thread."""
        answer = await self.desk.service.submit_request(
            text, person, team=TEAM, channel=CHANNEL, thread=self.thread, **more
        )
        assert answer.error is None, answer.error
        return answer

    async def approves(self, plan_id: str | None, person: str = ANN) -> ApproveResult:
        """Have a person click Approve."""
        answer = await self.desk.service.approve_plan(plan_id or "", user_id=person, team=TEAM)
        assert answer.error is None, answer.error
        return answer

    async def cards(self) -> list[Card]:
        """Claim every card that is due, and say that it is shown."""
        due = await self.desk.service.due_cards()
        assert due.error is None, due.error
        for card in due.cards:
            shown = await self.desk.service.card_shown(
                card.card_id, version=card.version, messages=("1700000000.000200",)
            )
            assert shown.error is None, shown.error
        return list(due.cards)

    async def replies(self) -> list[Notice]:
        """Post everything that is owed, one after the other."""
        posted: list[Notice] = []
        while notices := (await self.desk.service.due_notices()).notices:
            for notice in notices:
                answer = await self.desk.service.notice_posted(notice.notice_id)
                assert answer.error is None, answer.error
                posted.append(notice)
        return posted

    async def kinds(self) -> list[NoticeKind]:
        """Post everything that is owed; return what kinds it was."""
        return [notice.kind for notice in await self.replies()]
