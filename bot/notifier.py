"""Puts into Slack what conversations are owed: cards that show plans, and replies in threads.

What is owed stands in the database until Slack has taken it, so an outage or a restart only
delays it. A card shows the newest state; replies keep their order. One residue remains: when
Chiffon dies, or the line breaks, between Slack's taking a post and our noting it, that one post
is repeated.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

import structlog
from pydantic import ValidationError

from bot.blocks.card import plan_card
from bot.blocks.message import Message
from bot.blocks.replies import reply, shows_all_output
from bot.pace import Later, pause_after
from bot.poster import Poster, Refusal, SlackRefused, Unanswered
from orchestrator.crash_points import crash_point
from orchestrator.domain.conversation import Card, CardList, Notice, NoticeList
from orchestrator.domain.views import PlanStatusResult, Result

POLL_SECONDS = 2.0
_CARD_SECONDS = 1.0  # between two changes of one card
_A_MOMENT = 0.02
_LIMIT = 20
_BARRED_SECONDS = 600.0
_BARRED_FOR = 86_400.0  # seconds from the first refusal on
_REMEMBERED_CARDS = 500
_LAST_WORDS_SECONDS = 5.0
_UPLOADING_SECONDS = 600.0
_log = structlog.get_logger(__name__)
_Sent = TypeVar("_Sent")
_Release = Callable[[str, float], Awaitable[object]]

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


class Notifier:
    """Brings what is owed to Slack, until it is cancelled."""

    def __init__(
        self,
        service: Owing,
        poster: Poster,
        *,
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where to look and whom to tell.

        Args:
            service: what is owed.
            poster: the one that everybody uses.
            poll_seconds: between two looks where nothing says that something is due.
            clock: seconds that only grow; by it a refusal is a day old.
        """
        self._service = service
        self._clock = clock
        self._barred_since: dict[str, float] = {}
        self._poster = poster
        self._poll_seconds = poll_seconds
        self._at_hand: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, _Release] = {}
        self._claimed_again: set[str] = set()
        self._last_words: set[asyncio.Future[object]] = set()
        self._faults: dict[str, int] = {}
        self._complained: set[tuple[str, str]] = set()
        self._drawn_at: dict[str, float] = {}
        self._sent: OrderedDict[str, dict[str, Message]] = OrderedDict()

    async def run(self) -> None:
        """Serve until cancelled; what was being sent then is still sent and noted."""
        try:
            while True:
                self._service.conversation_waiting.clear()
                if not await self._take():
                    await self._wait()
        finally:
            await self._stop()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await self._service.conversation_waiting.wait()

    async def _take(self) -> bool:
        """Begin with what is due; say whether there may be more."""
        # To its end also when stopped: what is claimed and not known here is given to nobody.
        claiming = asyncio.ensure_future(self._claim())
        try:
            cards, notices = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            cards, notices = await claiming
            self._held.update({card.card_id: self._release_card for card in cards})
            self._held.update({notice.notice_id: self._release_notice for notice in notices})
            raise
        for card in cards:
            self._begin(card.card_id, partial(self._show, card), self._release_card)
        for notice in notices:
            self._begin(notice.notice_id, partial(self._tell, notice), self._release_notice)
        return _LIMIT in {len(cards), len(notices)}

    async def _claim(self) -> tuple[tuple[Card, ...], tuple[Notice, ...]]:
        cards = await self._service.due_cards(_LIMIT)
        notices = await self._service.due_notices(_LIMIT)
        for found in (cards, notices):
            if found.error:
                _log.warning("cannot_ask_what_is_due", reason=found.error.message)
        return cards.cards, notices.notices

    def _begin(self, key: str, work: Callable[[], Awaitable[None]], release: _Release) -> None:
        """Work on a thing, each in a task of its own, so that none waits for another's channel.

        One that is claimed again while it is at hand is given back once that is done: only then
        is it known which messages there are.
        """
        if key in self._at_hand:
            self._claimed_again.add(key)
            return
        self._held[key] = release
        self._at_hand[key] = asyncio.create_task(self._worked(key, work, release))

    async def _worked(
        self, key: str, work: Callable[[], Awaitable[None]], release: _Release
    ) -> None:
        done = False
        try:
            done = await self._guarded(key, work, release)
            self._held.pop(key)  # not where it was stopped: `_stop` gives it back
        finally:
            del self._at_hand[key]
            again = key in self._claimed_again
            self._claimed_again.discard(key)
        if done and again:
            await release(key, 0)
            self._service.conversation_waiting.set()

    async def _guarded(
        self, key: str, work: Callable[[], Awaitable[None]], release: _Release
    ) -> bool:
        """Work; where it cannot be done now, give it back for later and return False."""
        try:
            await work()
        except Later as wait:
            await release(key, wait.seconds)
            self._look_again_in(wait.seconds)
        except Unanswered as fault:
            pause = self._pause(key)
            _log.warning("slack_does_not_answer", reason=str(fault), pause_seconds=round(pause, 1))
            await release(key, pause)
        except Exception:  # noqa: BLE001 - one bad card must not stop the others
            _log.exception("cannot_post", key=key)
            await release(key, self._pause(key))
        else:
            self._faults.pop(key, None)
            return True
        return False

    def _look_again_in(self, seconds: float) -> None:
        """Look then, not only at the next poll."""
        if seconds < self._poll_seconds:
            waiting = self._service.conversation_waiting
            asyncio.get_running_loop().call_later(seconds + _A_MOMENT, waiting.set)

    def _pause(self, key: str) -> float:
        """Return how many seconds to wait: longer after each fault, spread by chance."""
        faults = self._faults[key] = self._faults.get(key, 0) + 1
        return pause_after(faults)

    async def _release_card(self, key: str, seconds: float) -> None:
        await self._service.card_released(key, retry_after=seconds)

    async def _release_notice(self, key: str, seconds: float) -> None:
        await self._service.notice_released(key, retry_after=seconds)

    async def _to_its_end(self, work: Awaitable[object]) -> object:
        """Send and note what was sent as one: a stop in between would post it twice."""
        future = asyncio.ensure_future(work)
        self._last_words.add(future)
        future.add_done_callback(self._last_words.discard)
        return await asyncio.shield(future)

    async def _stop(self) -> None:
        last_words = list(self._last_words)
        tasks = list(self._at_hand.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if last_words:
            _, late = await asyncio.wait(last_words, timeout=_LAST_WORDS_SECONDS)
            for future in late:
                future.cancel()
            await asyncio.gather(*last_words, return_exceptions=True)
        # Whoever comes next need not wait until the lease has run out.
        for key, release in self._held.items():
            await release(key, 0)
        self._held.clear()

    # --- cards ----------------------------------------------------------------------------------

    async def _show(self, card: Card) -> None:
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

    async def _tell(self, notice: Notice) -> None:
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
