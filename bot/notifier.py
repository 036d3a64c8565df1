"""Puts into Slack what conversations are owed: cards that show plans, and replies in threads.

What is owed stands in the database until Slack has taken it, so an outage or a restart only
delays it. A card shows the newest state; replies keep their order. One residue remains: when
Chiffon dies, or the line breaks, between Slack's taking a post and our noting it, that one post
is repeated.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog

from bot.delivery import Delivery, Owing
from bot.pace import Later, pause_after
from bot.poster import Poster, Unanswered
from bot.sessions import Sessions
from orchestrator.domain.conversation import Card, Notice

POLL_SECONDS = 2.0
_A_MOMENT = 0.02
_LIMIT = 20
_LAST_WORDS_SECONDS = 5.0
_log = structlog.get_logger(__name__)
_Release = Callable[[str, float], Awaitable[object]]


class Notifier:
    """Brings what is owed to Slack, until it is cancelled."""

    def __init__(
        self,
        service: Owing,
        poster: Poster,
        *,
        sessions: Sessions | None = None,
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where to look and whom to tell.

        Args:
            service: what is owed.
            poster: the one that everybody uses.
            sessions: whom to tell where a plan stands; None: nobody.
            poll_seconds: between two looks where nothing says that something is due.
            clock: seconds that only grow; by it a refusal is a day old.
        """
        self._service = service
        self._delivery = Delivery(service, poster, sessions=sessions, clock=clock)
        self._poll_seconds = poll_seconds
        self._at_hand: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, _Release] = {}
        self._claimed_again: set[str] = set()
        self._faults: dict[str, int] = {}

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
            self._begin(card.card_id, partial(self._delivery.show, card), self._release_card)
        for notice in notices:
            self._begin(
                notice.notice_id, partial(self._delivery.tell, notice), self._release_notice
            )
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

    async def _stop(self) -> None:
        last_words = list(self._delivery.last_words)
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
