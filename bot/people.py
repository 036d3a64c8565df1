"""Who may speak to Chiffon and decide: members of the bot's own workspace, and nobody else."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from orchestrator.errors import ChiffonError

_FRESH_SECONDS = 60.0
_STANDING_SECONDS = 600.0  # how long an answer holds while Slack gives no newer one
_ASKING_SECONDS = 1.5  # well within the three seconds that Slack waits for an answer
_SLACKBOT = "USLACKBOT"
_STRANGER = "Only members of this workspace may ask or decide; you belong to another one."
_SLACK_HOSTS = ("slack.com", "slack-gov.com")
_NO_SUCH_METHOD = frozenset({"unknown_method", "method_not_supported"})
# Errors that mend by themselves; the others stay until somebody changes something.
_PASSING = frozenset(
    {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_UNREACHABLE = (SlackClientError, aiohttp.ClientError, OSError, ValueError, AttributeError)
_log = structlog.get_logger(__name__)


class Unknown(ChiffonError):
    """Slack does not say at the moment who somebody is; the text tells them so."""


@dataclass(frozen=True)
class Profile:
    """What Slack says about somebody."""

    name: str
    barred: str | None  # one sentence that says why they may not; None: they may
    teams: frozenset[str] = frozenset()


class NoDirectory(ChiffonError):
    """What stands in for Slack cannot say who people are."""


class People:
    """Asks Slack about people, and remembers the answer for a minute."""

    def __init__(
        self, client: AsyncWebClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._may_lack_directory = not _is_slack(client.base_url)
        self._lack_logged = False
        self._known: dict[str, tuple[float, Profile]] = {}

    async def why_not(self, person: str, *, team: str, said_team: str | None = None) -> str | None:
        """Say in one sentence why somebody may neither ask nor decide; None: they may.

        Where Slack refuses to tell, the answer is no: an unknown person is a stranger.

        Args:
            person: their user id.
            team: the bot's own workspace.
            said_team: the workspace that a payload says they belong to, where it does.

        Raises:
            Unknown: Slack does not answer at the moment, and has not within ten minutes.
        """
        try:
            profile = await self._profile(person, team)
        except NoDirectory:
            return None if said_team in {None, team} and person != _SLACKBOT else _STRANGER
        except _UNREACHABLE as fault:
            return _unasked(fault)
        elsewhere = said_team is not None and said_team not in profile.teams
        return profile.barred or (_STRANGER if elsewhere else None)

    async def name(self, person: str, *, team: str) -> str:
        """Return what somebody is called; their id where Slack does not say."""
        try:
            return (await self._profile(person, team)).name
        except (Unknown, NoDirectory, *_UNREACHABLE):
            return person

    async def _profile(self, person: str, team: str) -> Profile:
        now = self._clock()
        since, known = self._known.get(person, (now, None))
        if known is not None and now < since + _FRESH_SECONDS:
            return known
        try:
            profile = await self._asked(person, team)
        except Unknown:
            if known is None or now >= since + _STANDING_SECONDS:
                raise
            return known
        self._known = {
            who: seen for who, seen in self._known.items() if now < seen[0] + _STANDING_SECONDS
        }
        self._known[person] = (now, profile)
        return profile

    async def _asked(self, person: str, team: str) -> Profile:
        try:
            async with asyncio.timeout(_ASKING_SECONDS):
                answer = await self._client.users_info(user=person)
        except TimeoutError as fault:
            _log.warning("person_unknown", person=person, reason="timeout")
            message = "Slack did not say in time who you are, so I did nothing. Please try again."
            raise Unknown(message) from fault
        except _UNREACHABLE as fault:
            if self._may_lack_directory and _has_no_method(fault):
                self._log_lack()
                raise NoDirectory from fault
            _log.warning("person_unknown", person=person, reason=_reason(fault))
            if _passes(fault):
                raise Unknown(_unasked(fault)) from fault
            raise
        return profile_of(answer.get("user") or {}, team=team)

    def _log_lack(self) -> None:
        if not self._lack_logged:
            self._lack_logged = True
            _log.warning("no_users_info", url=self._client.base_url, judged_by="payload")


def profile_of(user: dict[str, Any], *, team: str) -> Profile:
    """Judge the `user` of `users.info` from within the workspace `team`.

    Whose workspace is not said, and who is not called a stranger, belongs to it.
    """
    spoken = user.get("profile") or {}
    name = spoken.get("display_name") or user.get("real_name") or user.get("name") or ""
    return Profile(
        name=str(name or user.get("id", "")), barred=_barred(user, team), teams=_teams(user, team)
    )


def _barred(user: dict[str, Any], team: str) -> str | None:
    if not user.get("id"):
        return "Slack does not know you, so I did nothing."
    if user.get("deleted"):
        return "Your account is deactivated, so I did nothing."
    if user.get("is_bot") or user["id"] == _SLACKBOT:
        return "Bots may neither ask nor decide here."
    if user.get("is_stranger") or team not in _teams(user, team):
        return _STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "Guests may neither ask nor decide here."
    return None


def _teams(user: dict[str, Any], team: str) -> frozenset[str]:
    """Return the workspaces of somebody; several within an Enterprise organisation."""
    organisation = user.get("enterprise_user") or {}
    said = (user.get("team_id"), *(organisation.get("teams") or ()))
    return frozenset(str(each) for each in said if each) or frozenset({team})


def _is_slack(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in _SLACK_HOSTS or host.endswith(tuple(f".{each}" for each in _SLACK_HOSTS))


def _has_no_method(fault: Exception) -> bool:
    status = getattr(getattr(fault, "response", None), "status_code", None)
    return status == 404 or _code(fault) in _NO_SUCH_METHOD  # noqa: PLR2004 - HTTP's own


def _unasked(fault: Exception) -> str:
    return f"I could not ask Slack who you are ({_reason(fault)}), so I did nothing."


def _passes(fault: Exception) -> bool:
    """Say whether asking again later may help: Slack gave no answer, or a passing one."""
    if not isinstance(fault, SlackApiError):
        return True
    status = getattr(fault.response, "status_code", 200)
    return status == 429 or status >= 500 or _code(fault) in _PASSING  # noqa: PLR2004 - HTTP's own


def _reason(fault: Exception) -> str:
    return _code(fault) or type(fault).__name__


def _code(fault: Exception) -> str:
    said = getattr(getattr(fault, "response", None), "data", None)
    return str(said.get("error") or "") if isinstance(said, dict) else ""
