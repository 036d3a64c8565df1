"""A small Slack on a free port: the few calls that joining makes, told what to answer."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from bot.cli.commands import COMMANDS, program
from tests.plugins.waiting import until_blocking

BOT_TOKEN = "xoxb-1234-made-up"
APP_TOKEN = "xapp-1-A1-made-up"
SCOPES = "app_mentions:read,chat:write,commands,files:write,im:history,users:read"
ADA: dict[str, Any] = {"id": "U1", "team_id": "T1", "name": "ada", "profile": {}}


@dataclass
class FakeSlack:
    """Answers like Slack; a test changes what it says."""

    scopes: str | None = SCOPES
    errors: dict[str, str] = field(default_factory=dict)  # method: error code
    people: dict[str, dict[str, Any]] = field(default_factory=lambda: {"U1": ADA})
    connections: int = 1
    greets: bool = True
    bot_app: str = "A1"  # the app of the bot token; that of the other is always A1
    posted: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    opened: int = 0  # sockets ever
    address: str = ""
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def api_url(self) -> str:
        return f"{self.address}/api/"

    async def call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if error := self.errors.get(method) or self._bad_token(request, method):
            return web.json_response({"ok": False, "error": error, "needed": "chat:write"})
        is_json = request.content_type == "application/json"
        given = await request.json() if is_json else dict(await request.post())
        answer = self._answers(method, {**request.query, **given})
        headers = {} if self.scopes is None else {"x-oauth-scopes": self.scopes}
        return web.json_response({"ok": True, **answer}, headers=headers)

    def _bad_token(self, request: web.Request, method: str) -> str:
        token = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        return "" if request.headers.get("Authorization") == f"Bearer {token}" else "invalid_auth"

    def _answers(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "auth.test":
                who = {"user": "chiffon", "user_id": "UBOT", "bot_id": "B1"}
                return {"team": "Home", "team_id": "T1", **who}
            case "bots.info":
                return {"bot": {"id": body["bot"], "app_id": self.bot_app}}
            case "apps.connections.open":
                return {"url": self.address.replace("http", "ws") + "/socket"}
            case "chat.postMessage":
                self.posted.append(body)
                return {"channel": body["channel"], "ts": "1.0"}
            case "users.info":
                user = self.people.get(body["user"])
                return {"user": user} if user else {"ok": False, "error": "user_not_found"}
        return {"ok": False, "error": "unknown_method"}

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.greets:
            info = {"app_id": "A1"}
            hello = {"type": "hello", "num_connections": self.connections, "connection_info": info}
            await socket.send_json(hello)
        self.sockets.append(socket)
        self.opened += 1
        async for message in socket:
            self.acknowledged.append(json.loads(message.data)["envelope_id"])
        self.sockets.remove(socket)
        return socket

    def say(self, text: str, *, envelope: str = "E1", **changed: str) -> None:
        """Deliver a direct message as soon as somebody listens."""
        until_blocking(lambda: self.sockets, what="a socket")
        event = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1"}
        event |= {"text": text, "ts": envelope, "team": "T1"} | changed
        payload = {"type": "event_callback", "event": event}
        frame = {"type": "events_api", "envelope_id": envelope, "payload": payload}
        self._do(self.sockets[-1].send_json(frame))

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def serve(self) -> Callable[[], None]:
        """Start in a thread of its own; return what stops it."""
        loop = self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        application = web.Application()
        application.router.add_route("*", "/api/{method}", self.call)
        application.router.add_get("/socket", self.socket)
        runner = web.AppRunner(application, shutdown_timeout=1)

        async def start() -> None:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.address = f"http://{host}:{port}"

        def stop() -> None:
            self._do(runner.cleanup())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)
            loop.close()

        self._do(start())
        return stop


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack that this test may spoil."""
    fake = FakeSlack()
    stop = fake.serve()
    yield fake
    stop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: FakeSlack) -> Path:
    """An empty folder to type commands in; Slack is the small one, the home is inside."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CHIFFON_ADMINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHIFFON_SLACK_API_URL", slack.api_url)
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "home"))
    return tmp_path


Chiffon = Callable[..., Result]


@pytest.fixture
def chiffon(folder: Path) -> Chiffon:
    """Run a command as somebody types it; keyword `answers` is what is typed then."""
    runner = CliRunner()
    made = program(COMMANDS)

    def run(*words: str, answers: str = "") -> Result:
        return runner.invoke(made, words, input=answers)

    return run
