"""Who may speak to Chiffon and decide: members of the bot's own workspace, and nobody else."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

_FRESH_SECONDS = 60.0
_ASKING_SECONDS = 1.5  # well within the three seconds that Slack waits for an answer
_SLACKBOT = "USLACKBOT"
_STRANGER = "Only members of this workspace may ask or decide; you belong to another one."
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Profile:
    """What Slack says about somebody."""

    name: str
    barred: str | None  # one sentence that says why they may not; None: they may
    teams: frozenset[str] = frozenset()


class People:
    """Asks Slack about people, and remembers the answer for a minute."""

    def __init__(
        self, client: AsyncWebClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, Profile]] = {}

    async def why_not(self, person: str, *, team: str, said_team: str | None = None) -> str | None:
        """Say in one sentence why somebody may neither ask nor decide; None: they may.

        Where Slack does not answer, the answer is no: an unknown person is a stranger.

        Args:
            person: their user id.
            team: the bot's own workspace.
            said_team: the workspace that a payload says they belong to, where it does.
        """
        try:
            profile = await self._profile(person, team)
        except TimeoutError:
            return "Slack did not say in time who you are, so I did nothing. Please try again."
        except (SlackClientError, aiohttp.ClientError, OSError) as fault:
            _log.warning("person_unknown", person=person, reason=_reason(fault))
            return f"I could not ask Slack who you are ({_reason(fault)}), so I did nothing."
        elsewhere = said_team is not None and said_team not in profile.teams
        return profile.barred or (_STRANGER if elsewhere else None)

    async def name(self, person: str, *, team: str) -> str:
        """Return what somebody is called; their id where Slack does not say."""
        try:
            return (await self._profile(person, team)).name
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError):
            return person

    async def _profile(self, person: str, team: str) -> Profile:
        now = self._clock()
        until, known = self._known.get(person, (now, None))
        if known is not None and now < until:
            return known
        async with asyncio.timeout(_ASKING_SECONDS):
            answer = await self._client.users_info(user=person)
        profile = profile_of(answer.get("user") or {}, team=team)
        self._known = {who: seen for who, seen in self._known.items() if now < seen[0]}
        self._known[person] = (now + _FRESH_SECONDS, profile)
        return profile


def profile_of(user: dict[str, Any], *, team: str) -> Profile:
    """Judge the `user` of `users.info` from within the workspace `team`."""
    spoken = user.get("profile") or {}
    name = spoken.get("display_name") or user.get("real_name") or user.get("name") or ""
    return Profile(
        name=str(name or user.get("id", "")), barred=_barred(user, team), teams=_teams(user)
    )


def _barred(user: dict[str, Any], team: str) -> str | None:
    if not user.get("id"):
        return "Slack does not know you, so I did nothing."
    if user.get("deleted"):
        return "Your account is deactivated, so I did nothing."
    if user.get("is_bot") or user["id"] == _SLACKBOT:
        return "Bots may neither ask nor decide here."
    if user.get("is_stranger") or team not in _teams(user):
        return _STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "Guests may neither ask nor decide here."
    return None


def _teams(user: dict[str, Any]) -> frozenset[str]:
    """Return the workspaces of somebody; several within an Enterprise organisation."""
    organisation = user.get("enterprise_user") or {}
    return frozenset((str(user.get("team_id", "")), *map(str, organisation.get("teams") or ())))


def _reason(fault: Exception) -> str:
    response = getattr(fault, "response", None)
    said = None if response is None else response.get("error")
    return str(said or type(fault).__name__)
