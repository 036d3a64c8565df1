"""Join Slack: clients, Socket Mode, the notifier; and leave without leaving anything behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Bot, build_bot
from bot.client import poster_beside, web_client
from bot.notifier import Notifier
from bot.poster import Poster
from bot.sessions import Sessions
from bot.settings import SlackSettings
from bot.socket_mode import Socket
from orchestrator.errors import ChiffonError
from orchestrator.service import OrchestratorService

_CALL_SECONDS = 30.0
_SERVER_FAULT = 429
_NOT_NOW = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable"})
_log = structlog.get_logger(__name__)


class SlackUnreachableError(ChiffonError):
    """Slack does not answer: nothing is wrong with the tokens as far as one can tell."""


@asynccontextmanager
async def open_bot(settings: SlackSettings, service: OrchestratorService) -> AsyncIterator[Bot]:
    """Run the bot while the context is open.

    Raises:
        SettingsError: a token is missing.
        SlackUnreachableError: Slack does not answer; trying again later may help.
        ChiffonError: Slack refuses a token; the text says which.
    """
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS))
        )
        client = web_client(settings, session)
        app_token = await checked_tokens(settings, client)
        poster = poster_beside(client)
        bot = build_bot(settings, service, client, poster)
        stack.push_async_callback(bot.close)
        await stack.enter_async_context(_notifying(service, poster, bot.face.sessions))
        await stack.enter_async_context(_connected(bot.app, app_token))
        me = await bot.face.me()
        _log.info("slack_joined", team=me.team, bot=me.user)
        yield bot


async def checked_tokens(settings: SlackSettings, client: AsyncWebClient) -> str:
    """Ask Slack about both tokens; return the app's.

    Raises:
        SettingsError: a token is missing.
        SlackUnreachableError: Slack does not answer, or not now.
        ChiffonError: Slack refuses a token.
    """
    _, app_token = settings.tokens()
    name = "SLACK_BOT_TOKEN"
    try:
        await client.auth_test()
        name = "SLACK_APP_TOKEN"
        await client.apps_connections_open(app_token=app_token)
    except SlackApiError as fault:
        reason = fault.response.get("error", "no reason given")
        if fault.response.status_code >= _SERVER_FAULT or reason in _NOT_NOW:
            raise SlackUnreachableError(f"Slack does not answer now: {reason}.") from fault
        message = f"Slack refuses {name}: {reason}. `chiffon doctor` says what to do."
        raise ChiffonError(message) from fault
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as fault:
        message = f"Slack cannot be reached at {settings.api_url} ({type(fault).__name__})."
        raise SlackUnreachableError(message) from fault
    return app_token


@asynccontextmanager
async def _notifying(
    service: OrchestratorService, poster: Poster, sessions: Sessions
) -> AsyncIterator[None]:
    running = asyncio.create_task(Notifier(service, poster, sessions=sessions).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def _connected(app: AsyncApp, app_token: str) -> AsyncIterator[None]:
    socket = Socket(app, app_token)
    try:
        await socket.connect()
        yield
    finally:
        await socket.finish()
