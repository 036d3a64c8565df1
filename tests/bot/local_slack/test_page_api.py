"""What the page asks and is told, and who is not let in."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import websockets
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack.guard import Guard
from tests.bot.local_slack.conftest import TOKEN, ListeningApp, Served, card, modal
from tests.plugins.waiting import until

ADA, BEN, HOMELAB = "U0ADA", "U0BEN", "C0HOMELAB"
Json = dict[str, Any]


@pytest.fixture
async def page(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A page with the token."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=served.address, headers=bearer) as http:
        yield http


async def do(page: httpx.AsyncClient, what: str, **body: object) -> Json:
    answer: Json = (await page.post(f"/local/{what}", json=body)).json()
    return answer


async def test_the_state_is_what_this_person_sees(
    page: httpx.AsyncClient, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=HOMELAB, text="for all", blocks=card())
    await client.chat_postMessage(channel=ADA, text="for Ada")
    await client.chat_postEphemeral(channel=HOMELAB, user=BEN, text="for Ben")

    ada = (await page.get("/local/state")).json()
    ben = (await page.get("/local/state", params={"person": BEN})).json()

    assert (ada["me"], ben["me"]) == (ADA, BEN)
    assert [channel["id"] for channel in ada["channels"]] == [HOMELAB, "C0RANDOM", "D0ADA"]
    assert [message["text"] for message in ada["messages"]["D0ADA"]] == ["for Ada"]
    texts = [(m["text"], m["ephemeral"]) for m in ben["messages"][HOMELAB]]
    assert texts == [("for all", False), ("for Ben", True)]
    assert "D0ADA" not in ben["messages"]
    assert [one["real_name"] for one in ada["people"]] == ["Ada Lindt", "Ben Okoro", "Gus Rey"]
    assert ada["commands"][0]["command"] == "/chiffon"
    assert set(ada["messages"][HOMELAB][0]) == {
        *("channel", "ts", "user", "bot", "text", "blocks", "thread_ts", "reply_count"),
        *("edited", "files", "ephemeral"),
    }


async def test_what_the_page_does_is_done(
    page: httpx.AsyncClient, served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    asked = {"person": ADA, "channel": HOMELAB, "text": "@chiffon restart kuma"}
    assert await do(page, "say", **asked) == {"ok": True}
    [said] = served.slack.store.messages(HOMELAB)
    posted = await client.chat_postMessage(channel=HOMELAB, text="card", blocks=card())
    place = {"person": ADA, "channel": HOMELAB}
    click = {**place, "ts": posted["ts"], "block_id": "decide", "action_id": "menu"}
    assert await do(page, "click", **click, selected="nas") == {"ok": True}
    assert await do(page, "command", **place, text="/chiffon plans") == {"ok": True}
    trigger = app.received[-1].payload["trigger_id"]
    short = {**place, "ts": said.ts, "callback_id": "ask_chiffon"}
    assert await do(page, "shortcut", **short) == {"ok": True}
    assert await do(page, "home", person=ADA) == {"ok": True}
    view = (await client.views_open(trigger_id=trigger, view=modal()))["view"]["id"]
    empty = await do(page, "submit", person=ADA, view_id=view, values={})
    assert (empty["error"], list(empty["errors"])) == ("invalid", ["reason"])
    values = {"reason": {"text": "no"}}
    assert await do(page, "submit", person=ADA, view_id=view, values=values) == {"ok": True}
    assert (await do(page, "close", person=ADA, view_id=view))["error"] == "view_not_found"
    await app.next(6)


async def test_a_body_that_is_none_is_refused(page: httpx.AsyncClient) -> None:
    answer = await page.post("/local/say", content="{")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_page_is_told_what_happens(
    page: httpx.AsyncClient, served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    address = f"{served.address.replace('http', 'ws')}/local/events?person={ADA}&token={TOKEN}"
    async with websockets.connect(address) as events:
        await until(lambda: served.slack._feed._pages, what="the page")
        posted = await client.chat_postMessage(channel=HOMELAB, text="one")
        await client.chat_update(channel=HOMELAB, ts=posted["ts"], text="two")
        await client.chat_postEphemeral(channel=HOMELAB, user=BEN, text="for Ben")
        await client.chat_postEphemeral(channel=HOMELAB, user=ADA, text="for Ada")
        await client.views_publish(user_id=ADA, view={"type": "home", "blocks": card()})
        await do(page, "command", person=ADA, channel=HOMELAB, text="/chiffon plans")
        trigger = app.received[-1].payload["trigger_id"]
        view = (await client.views_open(trigger_id=trigger, view=modal()))["view"]["id"]
        await do(page, "close", person=ADA, view_id=view)
        await served.slack.sockets.drop_all()
        await do(page, "command", person=ADA, channel=HOMELAB, text="/chiffon plans")
        told = [await _event(events) for _ in range(8)]

    assert [event["type"] for event in told] == [
        *("message", "message_changed", "ephemeral", "home"),
        *("view_opened", "view_closed", "connected", "notice"),
    ]
    assert told[1]["message"]["text"] == "two"
    assert told[2]["message"]["text"] == "for Ada"
    assert told[6]["connected"] == 0


async def _event(events: websockets.ClientConnection) -> Json:
    return dict(httpx.Response(200, content=await events.recv()).json())


async def test_files_are_read_with_the_token_in_the_address(
    served: Served, client: AsyncWebClient
) -> None:
    await client.files_upload_v2(channel=HOMELAB, filename="a.txt", content="<b>output</b>")
    shown = served.slack.store.visible_to(ADA)[HOMELAB][-1]["files"][0]
    async with httpx.AsyncClient(base_url=served.address) as http:
        answer = await http.get(shown["url"], params={"token": TOKEN})
        missing = await http.get("/local/files/F9", params={"token": TOKEN})

    assert (answer.text, answer.headers["content-type"]) == (
        "<b>output</b>",
        "text/plain; charset=utf-8",
    )
    assert missing.status_code == 404


async def test_the_page_itself_needs_no_token_and_may_load_only_its_own(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.address) as http:
        index = await http.get("/")
        script = await http.get("/page/page.js")

    assert (index.status_code, script.status_code) == (200, 200)
    assert "default-src 'none'" in index.headers["content-security-policy"]


async def test_faults_can_be_set_over_http(page: httpx.AsyncClient, served: Served) -> None:
    calls = [{"method": "auth.test", "kind": "rate_limited"}]
    answer = await do(page, "faults", calls=calls, deliveries=2, silent_seconds=0)

    assert answer["faults"]["calls"][0]["kind"] == "rate_limited"
    assert served.slack.faults.deliveries == 2
    wrong = await page.post("/local/faults", json={"deliveries": 0})
    assert wrong.status_code == 400


async def test_faults_can_drop_the_sockets(
    page: httpx.AsyncClient, served: Served, app: ListeningApp
) -> None:
    assert served.slack.sockets.count == 1
    await do(page, "faults", drop_sockets=True)

    assert served.slack.sockets.count == 0


STRANGERS: dict[str, tuple[Json, int]] = {
    "no token": ({}, 401),
    "another token": ({"Authorization": "Bearer other"}, 401),
    "another host": ({"Authorization": f"Bearer {TOKEN}", "Host": "evil.example"}, 403),
    "another origin": ({"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}, 403),
}


@pytest.mark.parametrize("who", STRANGERS)
async def test_strangers_are_not_let_in(served: Served, who: str) -> None:
    headers, status = STRANGERS[who]
    async with httpx.AsyncClient(base_url=served.address) as http:
        answer = await http.get("/local/state", headers=headers)

    assert answer.status_code == status


async def test_a_token_in_the_address_changes_nothing(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.address) as http:
        answer = await http.post("/local/home", params={"token": TOKEN}, json={"person": ADA})

    assert answer.status_code == 401


async def test_events_need_the_token_too(served: Served) -> None:
    address = f"{served.address.replace('http', 'ws')}/local/events?person={ADA}&token=other"
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(address)


async def test_other_machines_are_refused() -> None:
    sent: list[Json] = []

    async def behind(*_anything: object) -> None:
        sent.append({"reached": True})

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI
        sent.append(dict(message))

    guard = Guard(behind, token=TOKEN)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}
    await guard({**scope, "client": ("192.168.1.7", 5)}, _no_body, send)
    assert (sent[0]["status"], len(sent)) == (403, 2)
    await guard({**scope, "client": ("127.0.0.1", 5)}, _no_body, send)
    assert sent[-1] == {"reached": True}


async def _no_body() -> Json:
    return {"type": "http.request", "body": b""}
