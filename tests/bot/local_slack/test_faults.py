"""It misbehaves when told to, and only then."""

import asyncio

import pytest
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack.faults import CallFault
from tests.bot.local_slack.conftest import Served

HOMELAB = "C0HOMELAB"


async def test_a_rate_limit_names_its_seconds_and_ends(
    served: Served, client: AsyncWebClient
) -> None:
    served.slack.faults.calls = [
        CallFault(method="chat.postMessage", kind="rate_limited", retry_after=7)
    ]
    await client.auth_test()
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HOMELAB, text="x")
    await client.chat_postMessage(channel=HOMELAB, text="x")

    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"


@pytest.mark.usefixtures("leaping_time")
async def test_the_sdk_gets_through_a_rate_limit_and_errors(served: Served) -> None:
    client = served.client()
    client.retry_handlers = [
        # Time that leaps ends the server's keep-alive between two tries.
        AsyncConnectionErrorRetryHandler(max_retry_count=2),
        AsyncRateLimitErrorRetryHandler(max_retry_count=2),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]
    served.slack.faults.calls = [
        CallFault(kind="rate_limited", retry_after=0),
        CallFault(kind="error"),
    ]

    posted = await client.chat_postMessage(channel=HOMELAB, text="x")

    assert [m.ts for m in served.slack.store.messages(HOMELAB)] == [posted["ts"]]


async def test_an_answer_can_be_lost_after_the_deed(served: Served, client: AsyncWebClient) -> None:
    served.slack.faults.calls = [CallFault(kind="error", after_effect=True)]
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=HOMELAB, text="posted all the same")

    assert len(served.slack.store.messages(HOMELAB)) == 1


@pytest.mark.usefixtures("leaping_time")
async def test_a_silent_slack_answers_nothing_for_a_while(served: Served) -> None:
    client = served.client()
    client.timeout = 1
    served.slack.faults.silence(1.2)
    began = asyncio.get_running_loop().time()
    with pytest.raises((TimeoutError, asyncio.TimeoutError, ClientError)):
        await client.auth_test()
    assert asyncio.get_running_loop().time() - began >= 0.9
    served.slack.faults.silent_until = 0

    assert (await client.auth_test())["ok"]
