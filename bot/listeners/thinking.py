"""Have requests thought about after Slack was acknowledged, each once at a time."""

import asyncio
from collections.abc import Sequence

import structlog

from bot.blocks.answers import thinking_message
from bot.listeners.face import Face
from bot.sessions import SessionStatus
from orchestrator.domain.views import SubmitResult

_ON_IT_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Thinking:
    """Requests that are being thought about here; a redelivery starts nothing twice.

    A process that ends meanwhile leaves them pending in the database, where they are found.
    """

    def __init__(self, face: Face) -> None:
        self._face = face
        self._in_hand: set[str] = set()

    def start(self, request_id: str, channel: str, thread: str, people: Sequence[str] = ()) -> None:
        """Think about a request; say "on it" in its thread where that takes long.

        `people` are those whom it mentions by their ids: their names come into it first.
        """
        if request_id not in self._in_hand:
            self._in_hand.add(request_id)
            self._face.afterwards.start(self._think(request_id, channel, thread, people))

    async def _think(
        self, request_id: str, channel: str, thread: str, people: Sequence[str]
    ) -> None:
        thought = asyncio.ensure_future(self._thought(request_id, people))
        status = SessionStatus.ACTIVE
        self._face.sessions.show(channel, thread, SessionStatus.PROCESSING)
        try:
            done, _ = await asyncio.wait({thought}, timeout=_ON_IT_SECONDS)
            if not done:
                self._face.say(
                    channel, thread, thinking_message(), wanted=lambda: not thought.done()
                )
            result = await thought
            if result.plan_id or result.ambiguities:  # a person is to approve, or to answer
                status = SessionStatus.SUSPENDED
            if result.error is not None:
                _log.warning("not_thought", request_id=request_id, code=result.error.code.value)
        finally:
            thought.cancel()
            self._face.sessions.show(channel, thread, status)
            self._in_hand.discard(request_id)

    async def _thought(self, request_id: str, people: Sequence[str]) -> SubmitResult:
        if people:
            names = await self._face.names(people)
            named = await self._face.service.name_people(request_id, names)
            if named.error is not None:  # it is understood with their ids, then
                _log.warning("people_not_named", code=named.error.code.value)
        return await self._face.service.think(request_id)
