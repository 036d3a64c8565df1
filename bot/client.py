"""The clients through which everything is said to Slack."""

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.poster import Poster
from bot.settings import SlackSettings


def web_client(settings: SlackSettings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Return a client to ask with: it tries again where Slack asks for patience or stumbles."""
    return AsyncWebClient(
        token=settings.bot_token,
        base_url=settings.api_url,
        session=session,
        retry_handlers=[
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            AsyncRateLimitErrorRetryHandler(max_retry_count=2),
            AsyncServerErrorRetryHandler(max_retry_count=2),
        ],
    )


def poster_beside(client: AsyncWebClient) -> Poster:
    """Return what everything is posted through; its own client tries nothing again.

    Whoever posts waits by themselves and then sends the newest state; a wait inside the call would
    hold an old one, and what is due in other channels would not know of it.
    """
    return Poster(
        AsyncWebClient(
            token=client.token, base_url=client.base_url, session=client.session, retry_handlers=[]
        )
    )


def scopes_of(answer: AsyncSlackResponse) -> frozenset[str] | None:
    """Return what the token of an answered call may do; None where Slack did not say."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    said = headers.get("x-oauth-scopes")
    return None if said is None else frozenset(filter(None, map(str.strip, said.split(","))))
