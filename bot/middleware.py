"""What happens before any listener: the bot knows itself, and what was said is stored."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.listeners.face import Face
from bot.listeners.messages import Messages
from bot.listeners.payload import said_of

Next = Callable[[], Awaitable[None]]
_SPOKEN = frozenset({"app_mention", "message"})


class Doorstep:
    """Global middleware. A fault here leaves the event unacknowledged: Slack brings it again."""

    def __init__(self, face: Face, messages: Messages) -> None:
        self._face = face
        self._messages = messages

    async def know_self(self, next_: Next) -> None:
        """Ask Slack who the bot is before anything is judged.

        Bolt asks too, but acknowledges what came meanwhile when it gets no answer.
        """
        await self._face.me()
        await next_()

    async def store(self, body: dict[str, Any], next_: Next) -> None:
        """Store what was said, before Bolt acknowledges it."""
        event = body.get("event")
        if isinstance(event, dict) and event.get("type") in _SPOKEN:
            said = said_of(event)
            if said is not None:
                await self._messages.take(said)
        await next_()


async def stored(event: dict[str, Any]) -> None:
    """Hear what `store` has dealt with, so that Bolt acknowledges it."""
