"""The other ways in: `/chiffon`, the message shortcut, the Home tab."""

from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.blocks.answers import usage_message
from bot.blocks.message import Message
from bot.blocks.views import home_view
from bot.commands import Command, Word, parse
from bot.ids import ASK_SHORTCUT, COMMAND
from bot.listeners.face import Face
from bot.listeners.messages import Messages
from bot.listeners.orders import Order, carry_out
from bot.listeners.payload import Place, Said, place_of, shortcut_message
from bot.poster import NOT_SENT
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.errors import Error

_log = structlog.get_logger(__name__)
_ASKED = Message(
    "I'm on it: the plan comes in the thread of that message. "
    "If nothing comes, invite me to this channel."
)
_ASKED_BEFORE = Message("This message was asked before; what came of it is in its thread.")


class Doors:
    """Hears commands, shortcuts and visits."""

    def __init__(self, face: Face, messages: Messages) -> None:
        self._face = face
        self._messages = messages

    def register(self, app: AsyncApp) -> None:
        """Hear them."""
        app.command(COMMAND)(self._command)
        app.message_shortcut(ASK_SHORTCUT)(self._shortcut)
        app.event("app_home_opened")(self._visited)

    async def _command(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        place = place_of(body)
        answer = None if place is None else await self._face.in_time(self._ordered(body, place))
        acknowledged = await ack()
        if place is not None and answer is not None:
            self._face.tell(place, answer)
        return acknowledged

    async def _ordered(self, body: dict[str, Any], place: Place) -> Message | Error:
        barred = await self._face.barred(place.user, body.get("team_id"))
        if barred is not None:
            return barred
        said = str(body.get("text") or "").strip()
        command = parse(said) if said else Command(Word.HELP)
        if command is None:
            return usage_message(said)
        who = await self._face.identity(place.user)
        key = f"{who.team}:{body.get('trigger_id') or new_id()}"
        return await carry_out(self._face.service, Order(command, who, key))

    async def _shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        said = shortcut_message(body)
        told = None if said is None else await self._face.in_time(self._asked(said))
        acknowledged = await ack()
        place = place_of(body)
        if place is not None and told is not None:
            self._face.tell(place, told)
        return acknowledged

    async def _asked(self, said: Said) -> Message | Error:
        kept = await self._messages.ask(said)
        if isinstance(kept, Error):
            return kept
        if kept.error is not None:
            return kept.error
        return _ASKED if kept.status is RequestStatus.PENDING else _ASKED_BEFORE

    async def _visited(self, event: dict[str, Any]) -> None:
        if event.get("tab") == "home" and isinstance(event.get("user"), str):
            self._face.afterwards.start(self._furnish(event["user"]))

    async def _furnish(self, person: str) -> None:
        if await self._face.barred(person) is not None:
            return
        plans = await self._face.service.list_plans()
        if plans.error is not None:
            return
        try:
            await self._face.poster.publish(person, home_view(plans))
        except NOT_SENT as fault:  # the next visit shows it
            _log.warning("home_not_published", fault=str(fault))
