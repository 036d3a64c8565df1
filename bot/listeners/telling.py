"""How the listeners say something: through the one poster, and again where Slack says later.

What they say is an answer to somebody who waits for it, so it is kept in memory only: it is given
up after some minutes, and when Chiffon ends. Plans and what became of them are the notifier's.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.blocks.message import Message
from bot.listeners.payload import Place
from bot.pace import Later, pause_after
from bot.poster import Poster, SlackRefused, Unanswered

PATIENCE_SECONDS = 600.0  # an answer that is older than this answers nothing any more
_log = structlog.get_logger(__name__)


class Telling:
    """Says things in threads and to single people."""

    def __init__(self, poster: Poster, *, patience: float = PATIENCE_SECONDS) -> None:
        """Take whom to post through, and for how many seconds to try."""
        self._poster = poster
        self._patience = patience

    async def say(
        self,
        channel: str,
        thread: str,
        message: Message,
        place: Place | None = None,
        *,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Say something in a thread; where Slack does not take it there, to `place`.

        Args:
            channel: where the thread is.
            thread: its first message.
            message: what to say.
            place: who waits for it.
            wanted: asked before each try; once it says no, nothing is said any more.
        """
        try:
            async with asyncio.timeout(self._patience):
                await _insisted(lambda: self._poster.post(channel, thread, message), wanted)
        except SlackRefused as refusal:
            _log.warning("not_said", error=refusal.error)
            if place is not None:
                await self.tell(place, message)
        except TimeoutError:
            _log.error("not_said", error="too late", channel=channel)

    async def tell(self, place: Place, message: Message) -> None:
        """Tell one person something that concerns nobody else."""
        try:
            async with asyncio.timeout(self._patience):
                await self._told(place, message)
        except TimeoutError:
            _log.error("nobody_told", person=place.user, reason="too late")

    async def change(self, channel: str, ts: str, message: Message) -> None:
        """Let a message show something else; where Slack does not take it, it stays as it is."""
        try:
            async with asyncio.timeout(self._patience):
                await _insisted(lambda: self._poster.update(channel, ts, message))
        except (SlackRefused, TimeoutError) as fault:
            _log.warning("not_changed", channel=channel, reason=str(fault) or "too late")

    async def _told(self, place: Place, message: Message) -> None:
        rounds = 0
        while True:
            waits = await self._tried(place, message, rounds)
            if not waits:
                return
            rounds += 1
            await asyncio.sleep(min(waits))

    async def _tried(self, place: Place, message: Message, rounds: int) -> list[float]:
        """Try each way once; return after how many seconds one may be tried again, if any.

        Nobody is written to directly only because another way is closed for a while.
        """
        waits: list[float] = []
        for way in (self._whisper, self._respond, self._write):
            if waits and way == self._write:
                return waits
            try:
                if await way(place, message):
                    return []
            except Later as wait:
                waits.append(wait.seconds)
            except Unanswered as fault:
                _log.warning("slack_does_not_answer", reason=str(fault))
                waits.append(pause_after(rounds + 1))
            except SlackRefused as refusal:
                _log.warning("not_told", way=way.__name__.strip("_"), error=refusal.error)
        if not waits:
            _log.error("nobody_told", person=place.user)
        return waits

    async def _whisper(self, place: Place, message: Message) -> bool:
        if place.channel is None:
            return False
        if place.is_direct:
            await self._poster.post(place.channel, place.thread, message)
        else:
            await self._poster.whisper(place.channel, place.thread, place.user, message)
        return True

    async def _respond(self, place: Place, message: Message) -> bool:
        if place.response_url is None:
            return False
        await self._poster.respond(place.response_url, message)
        return True

    async def _write(self, place: Place, message: Message) -> bool:
        await self._poster.post(place.user, None, message)
        return True


async def _insisted(
    send: Callable[[], Awaitable[object]], wanted: Callable[[], bool] = lambda: True
) -> None:
    """Send, and again where Slack says later or nothing, for as long as it is wanted."""
    faults = 0
    while wanted():
        try:
            await send()
        except Later as wait:
            await asyncio.sleep(wait.seconds)
        except Unanswered as fault:
            faults += 1
            _log.warning("slack_does_not_answer", reason=str(fault))
            await asyncio.sleep(pause_after(faults))
        else:
            return
