"""What happens before any listener: the bot knows itself, and what was said is stored."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from typing_extensions import override

from bot.listeners.face import Face
from bot.listeners.messages import Messages
from bot.listeners.payload import said_of

Next = Callable[[], Awaitable[None]]
_SPOKEN = frozenset({"app_mention", "message"})


@dataclass(frozen=True)
class Known(AsyncAuthorize):
    """Tells Bolt who the bot is.

    Left to itself, Bolt asks Slack too, and acknowledges what came when it gets no answer.
    """

    face: Face

    @override
    async def __call__(self, **_: object) -> AuthorizeResult:
        me = await self.face.me()
        return AuthorizeResult(
            enterprise_id=None,
            team_id=me.team,
            bot_user_id=me.user,
            bot_id=me.bot,
            bot_token=self.face.client.token,
        )


class Doorstep:
    """Global middleware. A fault here leaves the event unacknowledged: Slack brings it again."""

    def __init__(self, face: Face, messages: Messages) -> None:
        self._face = face
        self._messages = messages

    async def know_self(self, next_: Next) -> None:
        """Ask Slack who the bot is before anything is judged."""
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
