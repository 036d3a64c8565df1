"""What every listener needs at hand, and how it tells somebody something."""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.blocks.answers import error_message
from bot.blocks.message import Message
from bot.listeners.afterwards import Afterwards
from bot.listeners.payload import Place
from bot.people import People, Unknown
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
    listen_channels: frozenset[str] = frozenset()
    afterwards: Afterwards = field(default_factory=Afterwards)
    _me: Me | None = None

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
        team = (await self.me()).team
        ids = set(_PERSON.findall(text))
        names = {person: await self.people.name(person, team=team) for person in sorted(ids)}
        return _PERSON.sub(lambda found: names[found[0]], text)

    def say(self, channel: str, thread: str, message: Message, place: Place | None = None) -> None:
        """Say something in a thread, after the acknowledgement; where that fails, to `place`."""
        self.afterwards.start(self._say(channel, thread, message, place))

    async def _say(self, channel: str, thread: str, message: Message, place: Place | None) -> None:
        try:
            await self.client.chat_postMessage(
                channel=channel, thread_ts=thread, unfurl_links=False, **_fields(message)
            )
        except UNREACHABLE as fault:
            _log.warning("not_said", fault=type(fault).__name__)
            if place is not None:
                await self._tell(place, message)

    async def _tell(self, place: Place, answer: Message | Error) -> None:
        message = answer if isinstance(answer, Message) else await self._refusal(answer, place)
        for way in (self._whisper, self._respond, self._write):
            try:
                if await way(place, message):
                    return
            except UNREACHABLE as fault:
                _log.warning("not_told", way=way.__name__.strip("_"), fault=type(fault).__name__)
        _log.error("nobody_told", person=place.user)

    async def _whisper(self, place: Place, message: Message) -> bool:
        if place.channel is None:
            return False
        if place.is_direct:
            await self.client.chat_postMessage(
                channel=place.channel, thread_ts=place.thread, **_fields(message)
            )
            return True
        await self.client.chat_postEphemeral(
            channel=place.channel, user=place.user, thread_ts=place.thread, **_fields(message)
        )
        return True

    async def _respond(self, place: Place, message: Message) -> bool:
        if place.response_url is None:
            return False
        answer = await AsyncWebhookClient(place.response_url, timeout=10).send_dict(
            {"response_type": "ephemeral", "replace_original": False, **_fields(message)}
        )
        return answer.status_code == 200  # noqa: PLR2004 - HTTP's own

    async def _write(self, place: Place, message: Message) -> bool:
        await self.client.chat_postMessage(channel=place.user, **_fields(message))
        return True

    async def _refusal(self, error: Error, place: Place) -> Message:
        """Say it; where nobody may decide, also what to write into which setting."""
        hint = await self.named(error.hint)
        if "CHIFFON_ADMINS" in hint:
            hint = f"{hint} You are {place.user}: CHIFFON_ADMINS={place.user} names you."
        message = await self.named(error.message)
        return error_message(error.model_copy(update={"message": message, "hint": hint}))


def _fields(message: Message) -> dict[str, Any]:
    blocks = {"blocks": list(message.blocks)} if message.blocks else {}
    return {"text": message.text, **blocks}


async def _ended(task: asyncio.Future[Any]) -> None:
    await asyncio.wait({task})
