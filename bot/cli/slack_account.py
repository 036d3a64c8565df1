"""What Slack says to a token, a test message and a person: facts, or one sentence of advice."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.client import scopes_of
from orchestrator.errors import ChiffonError

SLACK_API = AsyncWebClient.BASE_URL
PATIENCE_SECONDS = 15

_BOT_PAGE = "“OAuth & Permissions” of the app, “Bot User OAuth Token”"
_APP_PAGE = "“Basic Information” of the app, “App-Level Tokens”"
_BOT_PREFIX = "xoxb-"
_APP_PREFIX = "xapp-"
_OTHER_KINDS = {
    "xoxp-": "a user token",
    "xoxe": "a rotating token; switch token rotation off in a new app",
    "xoxa-": "a workspace token of an old kind",
    _BOT_PREFIX: "the bot token",
    _APP_PREFIX: "the app-level token",
}
_ADVICE = {
    "invalid_auth": "Slack does not know it. Copy it again, whole, from {page}.",
    "not_authed": "Slack does not know it. Copy it again, whole, from {page}.",
    "token_revoked": "it was revoked. Install the app again and copy the new one from {page}.",
    "token_expired": "it has expired. Install the app again and copy the new one from {page}.",
    "account_inactive": "the app is no longer installed. Install it again; then take {page}.",
    "not_allowed_token_type": "it is a token of the wrong kind. Take {page}.",
    "missing_scope": "it lacks a scope: {needed}. Make a new one on {page}.",
    "ratelimited": "Slack wants to be asked less often. Wait a minute and try again.",
}
_POSTING = {
    "not_in_channel": "The bot is not in that channel. Invite it there: /invite @chiffon",
    "channel_not_found": "Slack finds no such channel. Is it private? Then invite the bot first.",
    "is_archived": "That channel is archived. Choose another.",
    "restricted_action": "The workspace lets only some people post there. Choose another.",
    "missing_scope": "The token lacks chat:write. Install the app from the manifest again.",
    "ratelimited": "Slack wants to be asked less often. Wait a minute and try again.",
}
QUIET = logging.getLogger("bot.cli.slack_sdk")  # what the SDK would tell is told by us
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


class SlackSays(ChiffonError):
    """Slack refused, or could not be asked; the text says what to do."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Workspace:
    """Whom a bot token speaks for; `scopes` is None where Slack did not say them."""

    team: str
    team_id: str
    bot_name: str
    bot_user_id: str
    bot_id: str
    scopes: frozenset[str] | None


@dataclass(frozen=True)
class Person:
    """Somebody of the workspace, and why they may not decide, where they may not."""

    user_id: str
    name: str
    barred: str = ""


def client_for(token: str, api_url: str) -> AsyncWebClient:
    """Return a client that gives up after 15 s and logs nothing."""
    return AsyncWebClient(token, api_url or SLACK_API, timeout=PATIENCE_SECONDS, logger=QUIET)


async def check_bot_token(token: str, api_url: str) -> Workspace:
    """Return whom the token speaks for.

    Raises:
        SlackSays: it is no bot token, or Slack does not take it.
    """
    _check_kind(token, _BOT_PREFIX, _BOT_PAGE)
    answer = await _asked(client_for(token, api_url).auth_test(), _ADVICE, "the token", _BOT_PAGE)
    return Workspace(
        team=str(answer.get("team") or ""),
        team_id=str(answer.get("team_id") or ""),
        bot_name=str(answer.get("user") or ""),
        bot_user_id=str(answer.get("user_id") or ""),
        bot_id=str(answer.get("bot_id") or ""),
        scopes=scopes_of(answer),
    )


async def check_app_token(token: str, api_url: str) -> str:
    """Return the address of a socket that the token opens.

    Raises:
        SlackSays: it is no app-level token, or Slack does not take it.
    """
    _check_kind(token, _APP_PREFIX, _APP_PAGE)
    call = client_for(token, api_url).apps_connections_open(app_token=token)
    return str((await _asked(call, _ADVICE, "the token", _APP_PAGE)).get("url") or "")


async def post(client: AsyncWebClient, channel: str, text: str) -> None:
    """Post a message.

    Raises:
        SlackSays: it could not be posted; the text says what to do.
    """
    call = client.chat_postMessage(channel=channel, text=text, unfurl_links=False)
    await _asked(call, _POSTING, "the message")


async def check_same_app(client: AsyncWebClient, bot_id: str, app_id: str) -> None:
    """See that both tokens are of one app; where Slack does not say, they are taken to be.

    Raises:
        SlackSays: the bot token is of another app than the socket.
    """
    try:
        answer = await _asked(client.bots_info(bot=bot_id), {}, "the bot's app")
    except SlackSays:
        return
    own = (answer.get("bot") or {}).get("app_id")
    if own and app_id and own != app_id:
        raise SlackSays(
            f"The tokens are of two apps: the bot token of {own}, the app-level token of {app_id}. "
            "Take both from one: `chiffon slack setup --again`."
        )


async def look_up(client: AsyncWebClient, user_id: str, team_id: str) -> Person:
    """Return who somebody is, and whether anything bars them from deciding.

    Raises:
        SlackSays: Slack does not say.
    """
    answer = await _asked(client.users_info(user=user_id), {}, "who that is")
    user = answer.get("user") or {}
    profile = user.get("profile") or {}
    name = profile.get("display_name") or user.get("real_name") or user.get("name") or user_id
    return Person(user_id, str(name), _bar(user, team_id))


def _bar(user: dict[str, Any], team_id: str) -> str:
    if user.get("deleted"):
        return "the account is deactivated"
    if user.get("is_bot"):
        return "it is a bot"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "guests may not decide"
    if user.get("is_stranger") or user.get("team_id", team_id) != team_id:
        return "people of other workspaces may not decide"
    return ""


def _check_kind(token: str, prefix: str, page: str) -> None:
    if token.startswith(prefix) and not any(each.isspace() for each in token):
        return
    kind = next((kind for start, kind in _OTHER_KINDS.items() if token.startswith(start)), "")
    found = f"This is {kind}" if kind and not token.startswith(prefix) else "This is no such token"
    raise SlackSays(f"{found}. It must start with {prefix}: take it from {page}.")


async def _asked(
    call: Awaitable[AsyncSlackResponse], advice: dict[str, str], what: str, page: str = ""
) -> AsyncSlackResponse:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await call
    except SlackClientError as fault:
        raise _refusal(fault, advice, what, page) from fault
    except TimeoutError as fault:
        raise SlackSays(f"Slack did not answer within {PATIENCE_SECONDS} s. Try again.") from fault
    except (aiohttp.ClientError, OSError) as fault:
        message = f"Slack cannot be reached ({type(fault).__name__}). Check network and proxy, "
        raise SlackSays(f"{message}and CHIFFON_SLACK_API_URL if it is set.") from fault
    except (ValueError, AttributeError) as fault:  # the SDK stumbles over what is no JSON
        raise SlackSays("What answered is not Slack. Check CHIFFON_SLACK_API_URL.") from fault


def _refusal(fault: SlackClientError, advice: dict[str, str], what: str, page: str) -> SlackSays:
    code, needed = _code(fault)
    if not code:
        return SlackSays("What answered is not Slack. Check CHIFFON_SLACK_API_URL.")
    sentence = advice.get(code)
    if sentence is None:
        return SlackSays(f"Slack refuses {what}: {code}.", code)
    told = sentence.format(page=page, needed=needed or "connections:write")
    return SlackSays(told if advice is _POSTING else f"Slack refuses {what}: {told}", code)


def _code(fault: SlackClientError) -> tuple[str, str]:
    body = getattr(getattr(fault, "response", None), "data", None)
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("error") or ""), str(body.get("needed") or "")
