"""Where people meet Chiffon: the workspace whose tokens are set, or the small Slack right here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import stamina
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.local_slack.server import LocalSlack
from bot.local_slack.state import DEFAULT_PEOPLE
from bot.run import SlackUnreachableError, open_bot
from bot.settings import SlackSettings, load_slack_settings
from orchestrator.errors import ChiffonError
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings

_JOIN_SECONDS = 10.0
_log = structlog.get_logger(__name__)
_LOCAL_PATHS = ("/local/", "/page/", "/slack/")


@dataclass(frozen=True)
class Chat:
    """The chat in front of Chiffon; `local` only where no Slack token is set."""

    slack: SlackSettings
    local: LocalSlack | None

    @classmethod
    def of(cls, settings: Settings, token: str) -> "Chat":
        """Take the workspace of the tokens; without any, make the local Slack.

        Raises:
            SettingsError: a Slack setting is not usable, or one of the two tokens is missing.
        """
        slack = load_slack_settings()
        if slack.bot_token or slack.app_token:
            slack.tokens()
            return cls(slack, None)
        return cls(slack, LocalSlack(settings.home, token, history_channels=slack.listen_channels))

    @classmethod
    def without_page(cls) -> "Chat | None":
        """Take the workspace of the tokens; None without any: there is no page then.

        Raises:
            SettingsError: a Slack setting is not usable, or one of the two tokens is missing.
        """
        slack = load_slack_settings()
        if not slack.bot_token and not slack.app_token:
            return None
        slack.tokens()
        return cls(slack, None)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who may approve on the local page; a workspace's are named by its people."""
        if self.local is None:
            return ()
        return tuple(each.id for each in DEFAULT_PEOPLE if each.you)

    def beside(self, api: ASGIApp) -> ASGIApp:
        """Return one application: the page and the local Slack's calls, and `api` for the rest."""
        if self.local is None:
            return api
        here = self.local.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            is_local = scope["type"] == "websocket" or path == "/" or path.startswith(_LOCAL_PATHS)
            await (here if is_local else api)(scope, receive, send)

        return app

    @asynccontextmanager
    async def answering(self, service: OrchestratorService, address: str) -> AsyncIterator[None]:
        """Have the bot listen and answer until the block ends; the server must be up by then.

        Where Slack does not answer, all else goes on, and the bot joins when it does.

        Raises:
            ChiffonError: Slack refuses a token.
        """
        slack = self.slack if self.local is None else _settings_of(self.local, address)
        joined = asyncio.Event()
        bot = asyncio.create_task(_taking_part(slack, service, joined))
        waiting = asyncio.create_task(joined.wait())
        try:
            await asyncio.wait(
                {bot, waiting}, timeout=_JOIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if bot.done():
                await bot
            yield
        finally:
            waiting.cancel()
            bot.cancel()
            await asyncio.gather(bot, waiting, return_exceptions=True)
            if self.local is not None:
                await self.local.close()

    def page(self, address: str, token: str) -> str:
        """Say where people meet Chiffon; the local page's address carries the token."""
        if self.local is None:
            return f"Chiffon is in your Slack workspace; REST and /docs are at {address}"
        return f"Chiffon runs. Open {address}/#token={token}"


async def _taking_part(
    slack: SlackSettings, service: OrchestratorService, joined: asyncio.Event
) -> None:
    """Join, as often as it takes, and stay until cancelled."""
    tries = stamina.retry_context(
        on=SlackUnreachableError, attempts=None, timeout=None, wait_initial=2, wait_max=60
    )
    async for attempt in tries:
        with attempt:
            await _stay(slack, service, joined)


async def _stay(slack: SlackSettings, service: OrchestratorService, joined: asyncio.Event) -> None:
    try:
        async with open_bot(slack, service):
            joined.set()
            await asyncio.Event().wait()
    except SlackUnreachableError as fault:
        _log.warning("slack_away", reason=str(fault))
        raise
    except ChiffonError as fault:
        _log.error("slack_refused", reason=str(fault))
        raise


def _settings_of(local: LocalSlack, address: str) -> SlackSettings:
    return SlackSettings(
        bot_token=local.bot_token, app_token=local.app_token, api_url=f"{address}/slack/api/"
    )
