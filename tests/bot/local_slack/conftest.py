"""A running local Slack, and an app in front of it through the real SDK."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack.server import LocalSlack
from tests.plugins.waiting import until

TOKEN = "page-token"
Json = dict[str, Any]
Answer = Callable[[SocketModeRequest], Json | None]


@dataclass
class Served:
    """A local Slack that listens, and its address."""

    slack: LocalSlack
    address: str

    def client(self, token: str | None = None) -> AsyncWebClient:
        """Return the SDK's client of the Web API; without `token` as the bot."""
        bot = self.slack.bot_token if token is None else token
        return AsyncWebClient(bot, base_url=f"{self.address}/slack/api/", retry_handlers=[])


@contextlib.asynccontextmanager
async def serve(
    folder: Path,
    **more: Any,  # noqa: ANN401 - of LocalSlack
) -> AsyncIterator[Served]:
    """Serve a workspace on a free port; stops cleanly."""
    slack = LocalSlack(folder, TOKEN, **more)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            slack.app,
            log_config=None,
            lifespan="off",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,  # a page that connects once more must not hold it up
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started, what="the server")
        try:
            yield Served(slack, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            await slack.close()
            server.should_exit = True
            await running


@dataclass
class ListeningApp:
    """An app on Socket Mode: keeps what arrives and acknowledges it."""

    client: SocketModeClient
    received: list[SocketModeRequest] = field(default_factory=list)
    answer: Answer | None = None
    deaf: bool = False  # acknowledges nothing

    async def hear(self, _client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.received.append(request)
        if self.deaf:
            return
        payload = self.answer(request) if self.answer else None
        response = SocketModeResponse(envelope_id=request.envelope_id, payload=payload)
        await self.client.send_socket_mode_response(response)

    @property
    def events(self) -> list[Json]:
        """The events, in the order they came."""
        return [r.payload["event"] for r in self.received if r.type == "events_api"]

    async def next(self, count: int = 1) -> SocketModeRequest:
        """Wait until so many payloads have come; return the last of them."""
        await until(lambda: len(self.received) >= count, what=f"payload {count}")
        return self.received[count - 1]


@contextlib.asynccontextmanager
async def listening(served: Served, *, ping_interval: float = 5) -> AsyncIterator[ListeningApp]:
    """Connect an app through the SDK's Socket Mode client."""
    web = served.client(served.slack.app_token)
    client = SocketModeClient(served.slack.app_token, web_client=web, ping_interval=ping_interval)
    app = ListeningApp(client)
    client.socket_mode_request_listeners.append(app.hear)
    before = served.slack.sockets.count
    await client.connect()  # type: ignore[no-untyped-call]
    await until(lambda: served.slack.sockets.count > before, what="the socket")
    try:
        yield app
    finally:
        tasks = (client.message_processor, client.current_session_monitor, client.message_receiver)
        await client.close()  # type: ignore[no-untyped-call]
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path) as running:
        yield running


@pytest.fixture
def client(served: Served) -> AsyncWebClient:
    return served.client()


@pytest.fixture
async def app(served: Served) -> AsyncIterator[ListeningApp]:
    async with listening(served) as heard:
        yield heard


def button(action_id: str, label: str = "Approve") -> Json:
    """Return a button."""
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "text": text, "action_id": action_id, "value": f"v-{action_id}"}


def card() -> list[Json]:
    """Return the blocks of a message with two buttons and a menu."""
    menu = {
        "type": "static_select",
        "action_id": "menu",
        "placeholder": {"type": "plain_text", "text": "Which one?"},
        "options": [
            {"text": {"type": "plain_text", "text": name}, "value": name}
            for name in ("kuma", "nas")
        ],
    }
    elements = [button("approve"), button("reject", "Reject"), menu]
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Plan 1*"}},
        {"type": "actions", "block_id": "decide", "elements": elements},
    ]


def modal(**more: Any) -> Json:  # noqa: ANN401 - of a view
    """Return a modal that asks for a reason."""
    reason = {
        "type": "input",
        "block_id": "reason",
        "label": {"type": "plain_text", "text": "Why?"},
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    words = {"title": "Reject", "submit": "Reject", "close": "Back"}
    labels = {key: {"type": "plain_text", "text": text} for key, text in words.items()}
    return {"type": "modal", "callback_id": "reject", **labels, "blocks": [reason]} | more
