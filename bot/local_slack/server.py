"""A small Slack on this machine: the workspace, its Web API, Socket Mode, and the page.

The bot knows it only as another address of the Web API. It is for trying and testing: nobody
else's token, no other machine.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from bot.ids import COMMAND
from bot.local_slack.actions import Actions
from bot.local_slack.faults import CallFault, Faults
from bot.local_slack.feed import Feed
from bot.local_slack.guard import Guard
from bot.local_slack.hooks import ApiError, Hooks
from bot.local_slack.page_api import PageApi
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import DEFAULT_PEOPLE, Person, Store
from bot.local_slack.web_api import DEFAULT_SCOPES, LONGEST_FILE, WebApi

PAGE_FOLDER = Path(__file__).parent / "page"

_ENCODED = ("attachments", "blocks", "channels", "files", "metadata", "view")

Json = dict[str, Any]


class LocalSlack(Actions):
    """The whole of it; what people do are its own methods, see `Actions`.

    Served by any ASGI server at the root of an address, WebSockets included. Call `close` before
    that server is told to stop, so that no call hangs.

    Args:
        folder: where the workspace is kept; its tokens and messages survive there.
        token: what the page must show.
        people: who is in a new workspace.
        history_channels: ids or names of channels whose every message the app gets, as with
            Slack's scope `channels:history`; without, it gets mentions only.
        scopes: what the bot's token may do; those of the manifest by default.
    """

    def __init__(
        self,
        folder: Path,
        token: str,
        people: Sequence[Person] = DEFAULT_PEOPLE,
        *,
        history_channels: Collection[str] = (),
        scopes: Collection[str] = DEFAULT_SCOPES,
    ) -> None:
        self._scopes = frozenset(scopes)
        self.faults = Faults()
        self._closing = asyncio.Event()
        feed = Feed()
        store = Store(folder, people, feed)
        hooks = Hooks(self.faults)
        self.sockets = Sockets(store.data.app_id, self.faults, _count_shown(feed))
        super().__init__(
            store,
            self.sockets,
            hooks,
            feed,
            self.faults,
            commands=frozenset({COMMAND}),
            history_channels=frozenset(name.removeprefix("#") for name in history_channels),
        )
        self.store = store
        self._api = WebApi(store, self.sockets, hooks, self, scopes=self._scopes)
        self.app = self._application(token)

    @property
    def bot_token(self) -> str:
        """What the bot shows to the Web API."""
        return self._store.data.bot_token

    @property
    def app_token(self) -> str:
        """What opens Socket Mode."""
        return self._store.data.app_token

    @property
    def team_id(self) -> str:
        """The workspace."""
        return self._store.data.team_id

    @property
    def bot_user_id(self) -> str:
        """Whom people mention."""
        return self._store.data.bot_user_id

    async def close(self) -> None:
        """End every socket, delivery and hanging call, and write the workspace."""
        self._closing.set()
        self._feed.close_all()
        await self.sockets.close()
        await self._store.close()

    def _application(self, token: str) -> Starlette:
        page = PageApi(
            store=self._store,
            actions=self,
            feed=self._feed,
            sockets=self.sockets,
            faults=self.faults,
        )
        routes = [
            Route("/", _index),
            Mount("/page", StaticFiles(directory=PAGE_FOLDER, check_dir=False)),
            Mount("/local", routes=page.routes()),
            Route("/slack/api/{method}", self._call, methods=["GET", "POST"]),
            Route("/slack/upload/{file_id}", self._upload, methods=["POST"]),
            Route("/slack/response/{name}", self._response, methods=["POST"]),
            WebSocketRoute("/slack/socket/{ticket}", self.sockets.serve),
        ]
        return Starlette(routes=routes, middleware=[Middleware(Guard, token=token)])

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        fault = self.faults.next_call(method)
        if fault and not fault.after_effect:
            return await self._failed(request, fault)
        try:
            token, args = await _arguments(request)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_json"})
        self._hooks.address = f"http://{request.headers['host']}"
        answer = self._api.call(method, token, args)
        if fault:
            return await self._failed(request, fault)
        return JSONResponse(answer, headers={"x-oauth-scopes": ",".join(sorted(self._scopes))})

    async def _failed(self, request: Request, fault: CallFault) -> Response:
        if fault.kind == "rate_limited":
            headers = {"Retry-After": str(fault.retry_after)}
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers)
        if fault.kind == "silent":
            await self._until_given_up(request)
        return PlainTextResponse("Internal Server Error", 500)

    async def _until_given_up(self, request: Request) -> None:
        """Say nothing until the caller hangs up or this server closes."""
        ends = {
            asyncio.create_task(_hung_up(request)),
            asyncio.create_task(_set(self._closing)),
        }
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _upload(self, request: Request) -> Response:
        if int(request.headers.get("content-length", "0")) > LONGEST_FILE:
            return PlainTextResponse("Too large", 413)
        taken = self._api.upload(request.path_params["file_id"], await request.body())
        return PlainTextResponse("OK") if taken else PlainTextResponse("Not as announced", 400)

    async def _response(self, request: Request) -> Response:
        try:
            self.respond(request.path_params["name"], json.loads(await request.body()))
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        except ApiError as error:
            known = error.code not in {"used_url", "expired_url"}
            return JSONResponse({"ok": False, "error": error.code}, 400 if known else 404)
        return PlainTextResponse("ok")


async def _index(_request: Request) -> Response:
    return FileResponse(PAGE_FOLDER / "index.html")


async def _arguments(request: Request) -> tuple[str, Json]:
    """Return the token and the arguments, wherever Slack takes them from.

    Raises:
        ValueError: the body, or an argument that must be JSON, is none.
    """
    args: Json = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        given = json.loads(body or b"{}")
        if not isinstance(given, dict):
            raise ValueError
        args |= given
    else:
        args |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    for name in _ENCODED:
        if isinstance(args.get(name), str) and args[name][:1] in {"[", "{"}:
            args[name] = json.loads(args[name])
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    own = str(args.pop("token", ""))
    return (token.strip() if scheme.lower() == "bearer" else own), args


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def _count_shown(feed: Feed) -> Callable[[int], None]:
    return lambda count: feed.push({"type": "connected", "connected": count})
