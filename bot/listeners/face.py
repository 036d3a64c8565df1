"""What every listener needs at hand, and how it tells somebody something."""

import asyncio
import re
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.afterwards import Afterwards
from bot.blocks.answers import error_message
from bot.blocks.message import Message
from bot.client import scopes_of
from bot.listeners.payload import Place
from bot.listeners.telling import Telling
from bot.people import People, Unknown
from bot.poster import Poster
from bot.sessions import AGENT_SCOPE, Sessions
from orchestrator.domain.views import Identity
from orchestrator.errors import ChiffonError, Error, ErrorCode
from orchestrator.service import OrchestratorService

SAVING_SECONDS = 2.0  # Slack waits three for an acknowledgement
UNREACHABLE = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError, ValueError)
NOT_SAVED = Error(
    code=ErrorCode.INTERNAL_ERROR,
    message="I could not save that in time.",
    hint="It may still go through, and shows then. If it does not, please try again.",
)
UNREADABLE = Error(
    code=ErrorCode.INVALID_REQUEST,
    message="I cannot read what this button carries.",
    hint="It may be from an older Chiffon. `/chiffon plans` lists what there is.",
)
# A user id holds a digit, which UTC and its like do not.
_PERSON = re.compile(r"\b[UW](?=[A-Z]*\d)[A-Z0-9]{4,}\b")
_Given = TypeVar("_Given")
_log = structlog.get_logger(__name__)


class NotKept(ChiffonError):
    """An event could not be stored: Slack must not hear that it was, and brings it again."""


@dataclass(frozen=True)
class Me:
    """The bot itself."""

    user: str
    team: str
    bot: str | None = None  # the id that its own messages carry


@dataclass
class Face:
    """The service, Slack, and what is known about both."""

    service: OrchestratorService
    client: AsyncWebClient
    people: People
    poster: Poster
    listen_channels: frozenset[str] = frozenset()
    afterwards: Afterwards = field(default_factory=Afterwards)
    sessions: Sessions = field(init=False)
    _me: Me | None = None

    def __post_init__(self) -> None:
        """Let statuses of sessions go on afterwards, as all else does."""
        self.sessions = Sessions(self.poster, self.afterwards)

    @property
    def telling(self) -> Telling:
        """How to say something to people."""
        return Telling(self.poster)

    async def me(self) -> Me:
        """Return who the bot is; Slack is asked once.

        Raises:
            NotKept: Slack does not say, so nothing that comes in can be judged yet.
        """
        if self._me is None:
            try:
                said = await self.client.auth_test()
            except UNREACHABLE as fault:
                raise NotKept("Slack does not say who the bot is.") from fault
            self._me = Me(str(said["user_id"]), str(said["team_id"]), said.get("bot_id"))
            self.sessions.offered = AGENT_SCOPE in (scopes_of(said) or ())
        return self._me

    async def barred(self, person: str, user_team: str | None = None) -> Error | None:
        """Say why somebody may neither ask nor decide; None: they may.

        Whom Slack does not know at the moment may not either: what nobody brings again fails
        closed, and its author hears why.

        Args:
            person: their user id.
            user_team: the workspace that the payload says they belong to, where it does.
        """
        try:
            return await self.judged(person, user_team)
        except Unknown as fault:
            return Error(code=ErrorCode.FORBIDDEN, message=str(fault))

    async def judged(self, person: str, user_team: str | None = None) -> Error | None:
        """Say why somebody may neither ask nor decide, as `barred` does.

        Raises:
            Unknown: Slack does not say at the moment.
        """
        me = await self.me()
        reason = await self.people.why_not(person, team=me.team, said_team=user_team)
        return None if reason is None else Error(code=ErrorCode.FORBIDDEN, message=reason)

    async def identity(self, person: str) -> Identity:
        """Return somebody as the service knows them."""
        return Identity(person=person, team=(await self.me()).team)

    async def in_time(self, call: Coroutine[Any, Any, _Given]) -> _Given | Error:
        """Return what `call` gives, or `NOT_SAVED` where it takes longer than Slack waits.

        It is cancelled then: what has not begun never will. A transaction that has begun goes
        to its end all the same, and nobody waits for it here.
        """
        task = asyncio.create_task(call)
        try:
            await asyncio.wait({task}, timeout=SAVING_SECONDS)
        finally:
            if not task.done():
                task.cancel()
                self.afterwards.start(_ended(task))
        if task.done():
            return task.result()
        _log.warning("not_saved_in_time", seconds=SAVING_SECONDS)
        return NOT_SAVED

    def tell(self, place: Place, answer: Message | Error) -> None:
        """Tell one person something that concerns nobody else, after the acknowledgement."""
        self.afterwards.start(self._tell(place, answer))

    async def named(self, text: str) -> str:
        """Return the text with people's names in the place of their ids."""
        names = await self.names(set(_PERSON.findall(text)))
        return _PERSON.sub(lambda found: names[found[0]], text)

    async def names(self, people: Collection[str]) -> dict[str, str]:
        """Return what people are called, by their ids; all are looked up at once."""
        team = (await self.me()).team
        asked = sorted(people)
        found = await asyncio.gather(*(self.people.name(each, team=team) for each in asked))
        return dict(zip(asked, found, strict=True))

    def say(
        self,
        channel: str,
        thread: str,
        message: Message,
        place: Place | None = None,
        *,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Say something in a thread, after the acknowledgement; see `Telling.say`."""
        self.afterwards.start(self.telling.say(channel, thread, message, place, wanted=wanted))

    def change(self, channel: str, ts: str, message: Message) -> None:
        """Let a message show something else, after the acknowledgement."""
        self.afterwards.start(self.telling.change(channel, ts, message))

    async def _tell(self, place: Place, answer: Message | Error) -> None:
        message = answer if isinstance(answer, Message) else await self._refusal(answer, place)
        await self.telling.tell(place, message)

    async def _refusal(self, error: Error, place: Place) -> Message:
        """Say it; where nobody may decide, also what to write into which setting."""
        hint = await self.named(error.hint)
        if "CHIFFON_ADMINS" in hint:
            hint = f"{hint} You are {place.user}: CHIFFON_ADMINS={place.user} names you."
        message = await self.named(error.message)
        return error_message(error.model_copy(update={"message": message, "hint": hint}))


async def _ended(task: asyncio.Future[Any]) -> None:
    await asyncio.wait({task})
