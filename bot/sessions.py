"""What Slack shows of an agent's work in a thread: its status, and so its own Stop button.

Decoration only. Where the app has no agent view nothing is sent; where Slack refuses or does not
answer, nobody is told and nothing else waits.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum

import structlog

from bot.afterwards import Afterwards
from bot.pace import Later
from bot.poster import Poster, SlackRefused, Unanswered
from orchestrator.domain.lifecycle import PlanStatus

AGENT_SCOPE = "assistant:write"  # what an app with the agent view has
_REMEMBERED = 500  # threads
_OF_THE_APP = frozenset(
    {"missing_scope", "no_permission", "not_allowed_token_type", "not_an_agent", "unknown_method"}
)
_log = structlog.get_logger(__name__)


class SessionStatus(StrEnum):
    """Slack's words for where an agent stands."""

    PROCESSING = "processing"  # Slack shows Stop
    SUSPENDED = "suspended"  # a person is to do something
    ACTIVE = "active"  # nothing goes on; one may write


OF_PLAN: Mapping[PlanStatus, SessionStatus] = {
    **dict.fromkeys(PlanStatus, SessionStatus.ACTIVE),
    PlanStatus.PENDING_APPROVAL: SessionStatus.SUSPENDED,
    PlanStatus.WAITING: SessionStatus.SUSPENDED,
    PlanStatus.APPROVED: SessionStatus.PROCESSING,
    PlanStatus.EXECUTING: SessionStatus.PROCESSING,
}


class Sessions:
    """Shows in each thread the newest status, once Slack may be called."""

    def __init__(self, poster: Poster, afterwards: Afterwards) -> None:
        """Take whom to call through, and who keeps what goes on meanwhile."""
        self.offered = False  # until Slack has said that the app is an agent
        self._poster = poster
        self._afterwards = afterwards
        self._wanted: OrderedDict[tuple[str, str], SessionStatus] = OrderedDict()
        self._at_hand: set[tuple[str, str]] = set()

    def show(self, channel: str, thread: str, status: SessionStatus) -> None:
        """Have a thread show this status; returns at once."""
        key = (channel, thread)
        if not self.offered or self._wanted.get(key) is status:
            return
        self._wanted[key] = status
        self._wanted.move_to_end(key)
        while len(self._wanted) > _REMEMBERED:
            self._wanted.popitem(last=False)
        if key not in self._at_hand:
            self._at_hand.add(key)
            self._afterwards.start(self._follow(key))

    async def _follow(self, key: tuple[str, str]) -> None:
        shown = None
        try:
            while self.offered and (wanted := self._wanted.get(key)) not in {None, shown}:
                try:
                    await self._poster.session(*key, wanted)
                except Later as wait:
                    await asyncio.sleep(wait.seconds)
                else:
                    shown = wanted
        except SlackRefused as refusal:
            self.offered = refusal.error not in _OF_THE_APP
            _log.debug("status_not_shown", error=refusal.error)
        except Unanswered as fault:
            _log.debug("status_not_shown", error=str(fault))
        finally:
            self._at_hand.discard(key)
            if shown is None:
                self._wanted.pop(key, None)  # the next one is tried, whatever it is
