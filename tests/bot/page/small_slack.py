"""A server that speaks `/local/*` from a state the test made, and keeps what the page sent."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

import bot.local_slack
from tests.plugins.waiting import until

Json = dict[str, Any]
PAGE = Path(next(iter(bot.local_slack.__path__))) / "page"
TOKEN = "page-token"
ADA, BEN, GUS, BOT = "UADA", "UBEN", "UGUS", "UBOT"
HOMELAB, DIRECT = "CHOMELAB", "DADA"
# Noon of a fixed day; pictures and day dividers do not depend on when a test runs.
FIRST_TS = 1_790_000_000
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PEOPLE: list[Json] = [
    {"id": ADA, "name": "ada", "real_name": "Ada Lindt", "title": "Approver", "you": True},
    {"id": BEN, "name": "ben", "real_name": "Ben Okoro", "title": "Colleague"},
    {"id": GUS, "name": "gus", "real_name": "Gus Rey", "title": "Guest", "restricted": True},
]


class SmallSlack:
    """State of one workspace, as the page asks for it.

    Attributes:
        sent: (what, body) of every POST of the page, in order.
        answers: what a kind of POST answers instead of `{"ok": true}`.
        reachable: while false, the state and the events are refused.
    """

    def __init__(self) -> None:
        self.messages: dict[str, list[Json]] = {HOMELAB: [], DIRECT: []}
        self.views: list[Json] = []
        self.home: Json | None = None
        self.files: dict[str, str] = {}
        self.sent: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {}
        self.reachable = True
        self.watchers: dict[WebSocket, str] = {}
        self.port = 0

    @property
    def address(self) -> str:
        """The page's address, with the token."""
        return f"http://127.0.0.1:{self.port}/#token={TOKEN}"

    def message(self, text: str, *, by: str = BOT, channel: str = HOMELAB, **more: object) -> Json:
        """Return a message that stands after all others, and keep it."""
        count = sum(len(all_) for all_ in self.messages.values())
        message: Json = {
            "channel": channel, "ts": f"{FIRST_TS + 60 * count}.000100", "user": by,
            "bot": by == BOT, "text": text, "blocks": [], "thread_ts": None, "reply_count": 0,
            "edited": False, "files": [], "ephemeral": False, **more,
        }  # fmt: skip
        self.messages[channel].append(message)
        return message

    async def push(self, kind: str, **event: object) -> None:
        """Tell every page."""
        for watcher in list(self.watchers):
            await watcher.send_json({"type": kind, **event})

    async def drop(self) -> None:
        """Close every page's stream."""
        for watcher in list(self.watchers):
            await watcher.close()

    async def was_sent(self, what: str) -> Json:
        """Wait for a POST of a kind and return the body of the newest."""
        await until(lambda: any(one == what for one, _ in self.sent), what=f"a {what}")
        return next(body for one, body in reversed(self.sent) if one == what)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._index),
                Mount("/page", StaticFiles(directory=PAGE)),
                Route("/local/state", self._state),
                Route("/local/files/{id}", self._file),
                WebSocketRoute("/local/events", self._events),
                Route("/local/{what}", self._post, methods=["POST"]),
            ]
        )

    async def _index(self, _: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": _POLICY})

    async def _state(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({}, status_code=401)
        if not self.reachable:
            return JSONResponse({}, status_code=503)
        me = request.query_params.get("person", ADA)
        return JSONResponse(
            {
                "me": next(one for one in _PEOPLE if one["id"] == me),
                "team": {"id": "T1", "name": "Lindt Lab"},
                "bot": {"id": "B1", "user_id": BOT, "name": "chiffon", "real_name": "Chiffon"},
                "people": _PEOPLE,
                "channels": [
                    {"id": HOMELAB, "name": "homelab", "kind": "channel", "topic": "The rack"},
                    {"id": DIRECT, "name": "Chiffon", "kind": "dm", "topic": ""},
                ],
                "messages": self.messages,
                "views": self.views,
                "home": self.home,
                "commands": [
                    {"command": "/chiffon", "description": "Ask", "usage_hint": "help | plans"}
                ],
                "shortcuts": [{"callback_id": "ask_chiffon", "name": "Ask Chiffon"}],
                "connected": 1,
            }
        )

    async def _file(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({}, status_code=401)
        return PlainTextResponse(self.files[request.path_params["id"]])

    async def _events(self, socket_: WebSocket) -> None:
        if not self.reachable or socket_.query_params.get("token") != TOKEN:
            await socket_.close()
            return
        await socket_.accept()
        self.watchers[socket_] = socket_.query_params["person"]
        with contextlib.suppress(WebSocketDisconnect):
            await socket_.receive_text()
        del self.watchers[socket_]

    async def _post(self, request: Request) -> Response:
        what = request.path_params["what"]
        self.sent.append((what, await request.json()))
        return JSONResponse(self.answers.get(what, {"ok": True}))


@contextlib.asynccontextmanager
async def serving(slack: SmallSlack) -> AsyncIterator[SmallSlack]:
    """Serve it on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slack.port = listener.getsockname()[1]
        config = uvicorn.Config(
            slack.app(), log_config=None, lifespan="off", ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started, what="the server")
        try:
            yield slack
        finally:
            await slack.drop()
            server.should_exit = True
            await running
