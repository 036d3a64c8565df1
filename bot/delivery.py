"""How one card or one reply comes into Slack, and what is done where Slack does not take it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import structlog
from pydantic import ValidationError

from bot.blocks.card import plan_card
from bot.blocks.message import Message
from bot.blocks.replies import reply, shows_all_output
from bot.pace import Later
from bot.poster import Poster, Refusal, SlackRefused, Unanswered
from bot.sessions import OF_PLAN, Sessions
from orchestrator.crash_points import crash_point
from orchestrator.domain.conversation import Card, CardList, Notice, NoticeList
from orchestrator.domain.views import PlanStatusResult, Result

_CARD_SECONDS = 1.0  # between two changes of one card
_BARRED_SECONDS = 600.0
_BARRED_FOR = 86_400.0  # seconds from the first refusal on
_REMEMBERED_CARDS = 500
_UPLOADING_SECONDS = 600.0
_log = structlog.get_logger(__name__)
_Sent = TypeVar("_Sent")

_FIXES = {
    "channel_not_found": "Invite the bot to the channel.",
    "not_in_channel": "Invite the bot to the channel.",
    "is_archived": "Unarchive the channel, or ask elsewhere.",
    "missing_scope": "Install the app anew with the scopes of the manifest.",
    "invalid_auth": "Put a valid SLACK_BOT_TOKEN into .env and start again.",
    "token_revoked": "Install the app anew and put its SLACK_BOT_TOKEN into .env.",
    "account_inactive": "Install the app anew and put its SLACK_BOT_TOKEN into .env.",
}


class Owing(Protocol):
    """What the notifier needs of `OrchestratorService`."""

    @property
    def conversation_waiting(self) -> asyncio.Event:
        """Set when something may be due."""

    async def due_cards(self, limit: int = 20) -> CardList:
        """Claim cards."""

    async def card_shown(self, card_id: str, *, version: int, messages: Sequence[str]) -> Result:
        """Note what is shown."""

    async def card_released(self, card_id: str, *, retry_after: float) -> Result:
        """Give a card back."""

    async def due_notices(self, limit: int = 20) -> NoticeList:
        """Claim replies."""

    async def notice_posted(self, notice_id: str, *, message: str | None = None) -> Result:
        """Note a reply, and as which message it stands there."""

    async def notice_released(self, notice_id: str, *, retry_after: float) -> Result:
        """Give a reply back."""

    async def get_plan_status(self, plan_id: str) -> PlanStatusResult:
        """Say where a plan stands."""


class Delivery:
    """Puts single cards and replies into Slack, and notes that they are there.

    Each call raises `Later`, `Unanswered` or a fault where it is to be tried again.
    """

    def __init__(
        self,
        service: Owing,
        poster: Poster,
        *,
        sessions: Sessions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what the notifier was given."""
        self._service = service
        self._poster = poster
        self._sessions = sessions
        self._clock = clock
        self.last_words: set[asyncio.Future[object]] = set()  # being sent, and not noted yet
        self._barred_since: dict[str, float] = {}
        self._complained: set[tuple[str, str]] = set()
        self._drawn_at: dict[str, float] = {}
        self._sent: OrderedDict[str, dict[str, Message]] = OrderedDict()

    async def _to_its_end(self, work: Awaitable[object]) -> object:
        """Send and note what was sent as one: a stop in between would post it twice."""
        future = asyncio.ensure_future(work)
        self.last_words.add(future)
        future.add_done_callback(self.last_words.discard)
        return await asyncio.shield(future)

    # --- cards ----------------------------------------------------------------------------------

    async def show(self, card: Card) -> None:
        """Let a card show its newest state."""
        self._not_too_often(card.card_id)
        pages = list(plan_card(card))
        shown = list(card.messages)
        try:
            for page in pages[len(shown) :]:
                await self._to_its_end(self._post_page(card, shown, page))
            await self._refresh(card, shown, pages)
            self._drawn_at[card.card_id] = asyncio.get_running_loop().time()
        except SlackRefused as refusal:
            if not self._give_up(card.card_id, card.channel, refusal):
                await self._service.card_released(card.card_id, retry_after=_BARRED_SECONDS)
                return
        self._barred_since.pop(card.card_id, None)
        await self._service.card_shown(card.card_id, version=card.version, messages=tuple(shown))
        self._show_status(card)

    def _show_status(self, card: Card) -> None:
        if self._sessions is not None and card.thread is not None and card.state.status is not None:
            self._sessions.show(card.channel, card.thread, OF_PLAN[card.state.status])

    def _not_too_often(self, card_id: str) -> None:
        """Let a second pass between two states of a card; those between are merged.

        Raises:
            Later: the last one was shown less than a second ago.
        """
        drawn = self._drawn_at.get(card_id)
        now = asyncio.get_running_loop().time()
        if drawn is not None and now - drawn < _CARD_SECONDS:
            raise Later(_CARD_SECONDS - (now - drawn))

    async def _post_page(self, card: Card, shown: list[str], page: Message) -> None:
        """Post the next message of a card, and note it before the one after it."""
        ts = await self._put(card, page)
        crash_point("notifier.card_posted")
        shown.append(ts)
        self._remember(card.card_id, ts, page)
        await self._service.card_shown(
            card.card_id, version=card.version - 1, messages=tuple(shown)
        )

    async def _refresh(self, card: Card, shown: list[str], pages: list[Message]) -> None:
        """Change the messages that show something else, the one with the buttons first."""
        moved = Message(text=f"This part of plan #{card.plan.number} stands above now.")
        wanted = [*pages, *[moved] * (len(shown) - len(pages))]
        last = len(pages) - 1
        for index in (last, *(other for other in range(len(wanted)) if other != last)):
            if self._sent.get(card.card_id, {}).get(shown[index]) != wanted[index]:
                await self._to_its_end(self._change_page(card, shown, index, wanted[index]))

    async def _change_page(self, card: Card, shown: list[str], index: int, page: Message) -> None:
        ts = shown[index]
        try:
            await self._fitting(
                page, _unshown(card), lambda it: self._poster.update(card.channel, ts, it)
            )
        except SlackRefused as refusal:
            if refusal.meaning is not Refusal.GONE:
                raise
            shown[index] = await self._put(card, page)
            await self._service.card_shown(
                card.card_id, version=card.version - 1, messages=tuple(shown)
            )
        self._remember(card.card_id, shown[index], page)

    async def _put(self, card: Card, page: Message) -> str:
        return await self._fitting(
            page, _unshown(card), lambda it: self._poster.post(card.channel, card.thread, it)
        )

    def _remember(self, card_id: str, ts: str, page: Message) -> None:
        self._sent.setdefault(card_id, {})[ts] = page
        self._sent.move_to_end(card_id)
        while len(self._sent) > _REMEMBERED_CARDS:
            forgotten, _ = self._sent.popitem(last=False)
            self._drawn_at.pop(forgotten, None)

    # --- replies --------------------------------------------------------------------------------

    async def tell(self, notice: Notice) -> None:
        """Post a reply, and its output as a file where that is long."""
        try:
            await self._to_its_end(self._post_reply(notice))
        except SlackRefused as refusal:
            if not self._give_up(notice.notice_id, notice.channel, refusal):
                await self._service.notice_released(notice.notice_id, retry_after=_BARRED_SECONDS)
                return
            self._barred_since.pop(notice.notice_id, None)
            await self._service.notice_posted(notice.notice_id)
            return
        self._barred_since.pop(notice.notice_id, None)
        if notice.plan_id and not shows_all_output(notice):
            await self._upload(notice, notice.plan_id)

    async def _post_reply(self, notice: Notice) -> None:
        plain = Message(
            text="Slack did not take this reply; `chiffon status` in a terminal has it."
        )
        ts = await self._fitting(
            _reply_or(notice, plain),
            plain,
            lambda it: self._poster.post(notice.channel, notice.thread, it),
        )
        crash_point("notifier.reply_posted")
        await self._service.notice_posted(notice.notice_id, message=ts)

    async def _upload(self, notice: Notice, plan_id: str) -> None:
        """Share the whole output as a file, once Slack allows it.

        Where it does not answer there is no second try: the reply says where else the output is.
        """
        status = await self._service.get_plan_status(plan_id)
        step, attempt = notice.content.get("step_number"), notice.content.get("attempt_number")
        said = [
            log.output
            for log in status.execution_logs
            if log.step_number == step and log.attempt_number == attempt
        ]
        if not said:
            return
        name = f"plan-{notice.number}-step-{step}-attempt-{attempt}.txt"
        title = f"Plan #{notice.number}, step {step}: all of its output"
        upload = partial(
            self._poster.upload,
            notice.channel,
            notice.thread,
            name=name,
            title=title,
            text=said[-1],
        )
        try:
            async with asyncio.timeout(_UPLOADING_SECONDS):
                await _once_it_may(upload)
        except SlackRefused as refusal:
            self._complain(notice.channel, refusal)
        except (TimeoutError, Unanswered) as fault:
            _log.warning("output_not_uploaded", channel=notice.channel, reason=str(fault))

    # --- what Slack does not take ---------------------------------------------------------------

    async def _fitting(
        self, message: Message, plain: Message, send: Callable[[Message], Awaitable[_Sent]]
    ) -> _Sent:
        """Send a message; where Slack does not take it as it is, say so plainly in its place."""
        try:
            return await send(message)
        except SlackRefused as refusal:
            if refusal.meaning is not Refusal.UNFIT:
                raise
            _log.error("slack_does_not_take_the_message", error=refusal.error, text=message.text)
            return await send(plain)

    def _give_up(self, key: str, channel: str, refusal: SlackRefused) -> bool:
        """Say whether it is to be let go: at once, or after a day in which nobody mended it.

        The day begins with the first refusal, however old the plan is; a restart begins it anew.
        """
        self._complain(channel, refusal)
        since = self._barred_since.setdefault(key, self._clock())
        return refusal.meaning is not Refusal.BARRED or self._clock() - since > _BARRED_FOR

    def _complain(self, channel: str, refusal: SlackRefused) -> None:
        """Log a refusal once for each channel, with what to do about it."""
        if (channel, refusal.error) in self._complained:
            return
        self._complained.add((channel, refusal.error))
        fix = _FIXES.get(refusal.error, "Look the error up in Slack's documentation.")
        _log.error("slack_refused", channel=channel, error=refusal.error, fix=fix)


async def _once_it_may(send: Callable[[], Awaitable[None]]) -> None:
    """Send, and where Slack says later, then."""
    while True:
        try:
            return await send()
        except Later as wait:
            await asyncio.sleep(wait.seconds)


def _reply_or(notice: Notice, plain: Message) -> Message:
    """Build a reply; one that was kept by an older Chiffon and reads otherwise must not block."""
    try:
        return reply(notice)
    except ValidationError:
        _log.exception("reply_unreadable", notice_id=notice.notice_id, kind=notice.kind.value)
        return plain


def _unshown(card: Card) -> Message:
    number = card.plan.number
    return Message(
        text=f"Plan #{number} cannot be shown here. `chiffon plan show {number}` in a terminal "
        "shows it; it can be decided there."
    )
