"""Socket Mode through the SDK's client: each payload once, again where Slack sends it again."""

import asyncio

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack.actions import ActionRefusedError
from bot.local_slack.sockets import MOST_SOCKETS
from tests.bot.local_slack.conftest import ListeningApp, Served, card, listening
from tests.plugins.waiting import until

ADA, HOMELAB, DIRECT = "U0ADA", "C0HOMELAB", "D0ADA"


async def settled(app: ListeningApp, served: Served) -> None:
    """Wait until nothing is being delivered."""
    await until(lambda: not served.slack.sockets._events, what="the deliveries to end")


async def test_an_acknowledged_event_comes_once(served: Served, app: ListeningApp) -> None:
    await served.slack.say(ADA, DIRECT, "hello")
    await settled(app, served)

    assert [(r.retry_attempt, r.payload["event"]["text"]) for r in app.received] == [(0, "hello")]


async def test_an_event_is_redelivered_three_times_until_it_is_acknowledged(
    served: Served, app: ListeningApp
) -> None:
    served.slack.faults.ack_seconds = 0.02
    served.slack.faults.retry_seconds = (0, 0.01, 0.01)
    app.deaf = True
    await served.slack.say(ADA, DIRECT, "hello")
    await settled(app, served)

    assert [r.retry_attempt for r in app.received] == [0, 1, 2, 3]
    assert [r.retry_reason for r in app.received] == ["", *["http_timeout"] * 3]
    assert len({r.payload["event_id"] for r in app.received}) == 1
    assert len({r.envelope_id for r in app.received}) == 4


async def test_a_lost_first_delivery_is_made_up_for(served: Served, app: ListeningApp) -> None:
    served.slack.faults.lose_first = True
    served.slack.faults.retry_seconds = (0,)
    await served.slack.say(ADA, DIRECT, "hello")
    await settled(app, served)

    assert [r.retry_attempt for r in app.received] == [1]


async def test_events_can_be_delivered_several_times(served: Served, app: ListeningApp) -> None:
    served.slack.faults.deliveries = 3
    await served.slack.say(ADA, DIRECT, "hello")
    await settled(app, served)

    assert len(app.received) == 3
    assert len({r.payload["event_id"] for r in app.received}) == 1


async def test_each_payload_goes_to_one_of_several_sockets(
    served: Served, app: ListeningApp
) -> None:
    async with listening(served) as other:
        for _ in range(4):
            await served.slack.say(ADA, DIRECT, "hello")
        await settled(app, served)

        assert (len(app.received), len(other.received)) == (2, 2)


async def test_an_event_waits_for_a_socket(served: Served) -> None:
    served.slack.faults.retry_seconds = (0.01,) * 200
    await served.slack.say(ADA, DIRECT, "hello")
    async with listening(served) as app:
        await app.next()

        assert app.events[0]["text"] == "hello"


async def test_an_interaction_nobody_acknowledges_is_told_to_the_person(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    posted = await client.chat_postMessage(channel=HOMELAB, text="card", blocks=card())
    page = served.slack._feed.open(ADA)
    served.slack.faults.ack_seconds = 0.05
    app.deaf = True

    with pytest.raises(ActionRefusedError, match="operation_timed_out"):
        await served.slack.click(ADA, HOMELAB, posted["ts"], "decide", "approve")

    notice = page.get_nowait()
    assert notice is not None
    assert notice["type"] == "notice"


async def test_without_a_socket_an_interaction_fails_at_once(served: Served) -> None:
    with pytest.raises(ActionRefusedError, match="dispatch_failed"):
        await served.slack.command(ADA, HOMELAB, "/chiffon help")


async def test_after_its_sockets_were_dropped_the_app_comes_back(served: Served) -> None:
    async with listening(served, ping_interval=0.1) as app:
        await served.slack.sockets.drop_all()
        assert served.slack.sockets.count == 0
        await until(lambda: served.slack.sockets.count == 1, what="the app to come back")
        await served.slack.say(ADA, DIRECT, "hello")
        await app.next()

        assert app.events[0]["text"] == "hello"


async def test_a_refreshed_socket_is_replaced_and_nothing_is_lost(served: Served) -> None:
    served.slack.faults.refresh_seconds = 0.2
    served.slack.faults.ack_seconds = 0.2
    served.slack.faults.retry_seconds = (0.05,) * 100
    async with listening(served, ping_interval=0.1) as app:
        first = await app.client.session_id()
        for number in range(20):
            await served.slack.say(ADA, DIRECT, f"message {number}")
            await asyncio.wait_for(_said(app, f"message {number}"), timeout=10)
        await until(lambda: served.slack.sockets.count > 0, what="a socket")
        await _another_session(app, first)


async def _said(app: ListeningApp, text: str) -> None:
    await until(lambda: any(e["text"] == text for e in app.events), what=text)


async def _another_session(app: ListeningApp, first: str) -> None:
    async def changed() -> bool:
        return await app.client.session_id() != first

    await until(changed, what="another socket")


async def test_an_eleventh_socket_is_sent_away(served: Served) -> None:
    tokens = served.client(served.slack.app_token)
    sockets = []
    async with aiohttp.ClientSession() as session:
        for _ in range(MOST_SOCKETS + 1):
            url = (await tokens.apps_connections_open(app_token=served.slack.app_token))["url"]
            sockets.append(await session.ws_connect(url))
        greetings = [await socket.receive_json() for socket in sockets]
        for socket in sockets:
            await socket.close()

    assert [frame["type"] for frame in greetings] == ["hello"] * MOST_SOCKETS + ["disconnect"]
    assert greetings[-1]["reason"] == "too_many_websockets"
