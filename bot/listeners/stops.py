"""Slack's own Stop button of an agent session: it cancels the plan, as Cancel on the card does."""

from collections import deque
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.blocks.message import Message
from bot.blocks.replies import stopped_message
from bot.listeners.face import Face, NotKept
from bot.listeners.payload import Place
from bot.people import Unknown
from bot.sessions import SessionStatus
from orchestrator.domain.ids import new_id
from orchestrator.errors import Error, ErrorCode

_REMEMBERED = 200  # presses that were answered; one that Slack brings again is not told twice
_NOTHING = Error(
    code=ErrorCode.NOT_FOUND,
    message="There is no plan in this thread that could be stopped.",
    hint="`plans` lists what there is.",
)


class Stops:
    """Hears Stop."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._answered: deque[str] = deque(maxlen=_REMEMBERED)

    def register(self, app: AsyncApp) -> None:
        """Hear it."""
        app.event("agent_session_stopped")(self._stopped)

    async def _stopped(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Stop the plan of the thread before Slack is acknowledged, then say so there.

        Raises:
            NotKept: it could not be stored; Slack must bring it again.
        """
        user, channel, thread = (event.get(name) for name in ("user", "channel", "thread_ts"))
        if not (isinstance(user, str) and isinstance(channel, str) and isinstance(thread, str)):
            return
        place = Place(user, channel, thread)
        key = str(body.get("event_id") or new_id())
        told = await self._stop(place, key)
        if key in self._answered:
            return
        self._answered.append(key)
        if told is _NOTHING:  # Slack does not end what it shows by itself
            self._face.sessions.show(channel, thread, SessionStatus.ACTIVE)
        if isinstance(told, Message):
            self._face.say(channel, thread, told, place)
        else:
            self._face.tell(place, told)

    async def _stop(self, place: Place, key: str) -> Message | Error:
        try:
            barred = await self._face.judged(place.user)
        except Unknown as fault:
            raise NotKept(str(fault)) from fault
        if barred is not None:
            return barred
        who, service = await self._face.identity(place.user), self._face.service
        found = await service.request_of_thread(who.team, place.channel or "", place.thread or "")
        _check_kept(found.error)
        if found.plan_number is None:
            return _NOTHING
        done = await service.cancel_plan(
            str(found.plan_number),
            user_id=who.person,
            team=who.team,
            source_key=f"{who.team}:{key}",
        )
        _check_kept(done.error)
        return done.error or stopped_message(found.plan_number, who.person)


def _check_kept(error: Error | None) -> None:
    """Let Slack bring it again where the fault is ours."""
    if error is not None and error.is_ours:
        raise NotKept(error.message)
