"""A Slack that the local one has nothing of: made from Slack's documentation alone.

Wherever Slack leaves a choice it takes another one than `bot/local_slack`: a workspace of an
organisation, people with ids of the W kind, a private channel, `message` before `app_mention`,
no scopes told, fields that nobody knows, optional ones left out, terse answers.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.plugins.waiting import until

Json = dict[str, Any]
TEAM, ENTERPRISE, APP = "T04RACK7", "E09ORG42", "A0B1C2D3E4F"
BOT, ANN, GUEST = "U07BOTBOT01", "W01ANN77", "W02GUEST5"
OPS = "G0PRIV4TE99"
BOT_TOKEN, APP_TOKEN = "xoxb-99-foreign", "xapp-1-A0B1C2D3E4F-9-foreign"
UNKNOWN: Json = {"x_new_in_2027": {"deep": [1, None, "✓"]}, "cache_ts": 0}


@dataclass
class Foreign:
    """The emulator: what stands in it, and what a person does."""

    address: str = ""
    messages: dict[str, Json] = field(default_factory=dict)  # by ts, as posted or changed last
    private: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    acknowledged: dict[str, Json] = field(default_factory=dict)
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(7))

    @property
    def application(self) -> web.Application:
        """The server."""
        app = web.Application()
        app.router.add_route("*", "/emulated/{method}", self._call)
        app.router.add_post("/hooks/actions/{anything}", self._hook)
        app.router.add_get("/link/", self._link)
        return app

    # --- the Web API ----------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.calls.append(method)
        is_json = request.content_type == "application/json"
        given = await request.json() if is_json else dict(await request.post())
        arguments = {**request.query, **given}
        for name in ("blocks", "view"):
            if isinstance(arguments.get(name), str):
                arguments[name] = json.loads(arguments[name])
        token = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if request.headers.get("Authorization") != f"Bearer {token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        answer: Callable[[Json], Json] | None = {
            "auth.test": self._auth,
            "apps.connections.open": lambda _: {
                "url": f"{self.address.replace('http', 'ws')}/link/?ticket={next(self._count)}"
            },
            "users.info": self._user,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "views.open": self._view,
        }.get(method)
        if answer is None:
            body = {"ok": False, "error": "unknown_method", "req_method": method}
            return web.json_response(body)
        told = {"ok": True, **answer(arguments), **UNKNOWN}
        told.setdefault("response_metadata", {"warnings": ["superfluous_charset"]})
        return web.json_response(told)

    def _auth(self, _: Json) -> Json:
        return {"url": "https://rack.enterprise.slack.com/", "team": "Rack", "user": "helper",
                "team_id": TEAM, "user_id": BOT, "enterprise_id": ENTERPRISE}  # fmt: skip

    def _user(self, arguments: Json) -> Json:
        person = str(arguments["user"])
        user: Json = {"id": person, "team_id": TEAM, "name": person.lower(), "enterprise_user": {
            "id": person, "enterprise_id": ENTERPRISE, "teams": [TEAM, "T0OTHER"]}}  # fmt: skip
        return {"user": user | ({"is_ultra_restricted": True} if person == GUEST else {})}

    def _post(self, arguments: Json) -> Json:
        ts = f"{1_700_000_000_000 + next(self._count)}.0"
        self.messages[ts] = arguments
        return {"channel": arguments["channel"], "ts": ts}

    def _update(self, arguments: Json) -> Json:
        self.messages[arguments["ts"]] |= arguments
        return {"channel": arguments["channel"], "ts": arguments["ts"], "text": arguments["text"]}

    def _whisper(self, arguments: Json) -> Json:
        self.private.append(arguments)
        return {"message_ts": f"{next(self._count)}.5"}

    def _view(self, arguments: Json) -> Json:
        self.views.append({**arguments["view"], "id": f"V{next(self._count)}"})
        return {"view": self.views[-1]}

    async def _hook(self, request: web.Request) -> web.Response:
        self.private.append(await request.json())
        return web.Response(text="ok")

    # --- Socket Mode ----------------------------------------------------------------------------

    async def _link(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=1)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 3, "debug_info": {
            "host": "applink-7", "started": "2026-11-01 00:00:00.000"}, **UNKNOWN})  # fmt: skip
        self.sockets.append(socket)
        async for frame in socket:
            answer = json.loads(frame.data)
            self.acknowledged[answer["envelope_id"]] = answer.get("payload") or {}
        self.sockets.remove(socket)
        return socket

    async def _deliver(self, kind: str, payload: Json) -> Json:
        """Send an envelope over the newest socket; return what it is acknowledged with."""
        envelope = f"{next(self._count):x}-{kind}"
        frame = {"envelope_id": envelope, "payload": {**payload, **UNKNOWN}, "type": kind}
        await self.sockets[-1].send_json(frame | UNKNOWN)
        await until(lambda: envelope in self.acknowledged, what=f"the acknowledgement of {kind}")
        return self.acknowledged[envelope]

    async def refresh(self) -> None:
        """Ask the app to come by another socket, and close the old one once it has."""
        old = self.sockets[-1]
        await old.send_json({"type": "disconnect", "reason": "warning", "debug_info": {}})
        await until(lambda: self.sockets[-1:] not in ([], [old]), what="another socket")
        await old.close()

    # --- what a person does ---------------------------------------------------------------------

    async def says(self, text: str, *, person: str = ANN, thread: str | None = None) -> str:
        """Mention the bot in the private channel; both kinds of event come, the other way round."""
        ts = f"{1_690_000_000_000 + next(self._count)}.25"
        inner: Json = {"user": person, "text": f"<@{BOT}> {text}", "ts": ts, "event_ts": ts,
                       "channel": OPS, "user_team": TEAM, "source_team": TEAM,
                       "user_profile": {"name": "ann"}, "blocks": [{"type": "rich_text"}],
                       **UNKNOWN}  # fmt: skip
        if thread is not None:
            inner["thread_ts"] = thread
        for kind in ({"type": "message", "channel_type": "group"}, {"type": "app_mention"}):
            outer = {"team_id": TEAM, "enterprise_id": ENTERPRISE, "api_app_id": APP,
                     "event": inner | kind, "type": "event_callback",
                     "event_id": f"Ev{next(self._count)}", "is_ext_shared_channel": False,
                     "authorizations": [], "context_team_id": TEAM}  # fmt: skip
            await self._deliver("events_api", outer)
        return ts

    def _by(self, person: str, kind: str) -> Json:
        return {"type": kind, "user": {"id": person, "team_id": TEAM}, "api_app_id": APP,
                "team": {"id": TEAM, "enterprise_id": ENTERPRISE},
                "enterprise": {"id": ENTERPRISE}, "trigger_id": f"1.{next(self._count)}.x",
                "is_enterprise_install": False}  # fmt: skip

    async def presses(self, ts: str, label: str, *, person: str = ANN) -> None:
        """Press a button of a message by what stands on it."""
        message = self.messages[ts]
        block, element = next(
            (block, element)
            for block in message["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
            if element.get("text", {}).get("text") == label
        )
        action = {**element, "block_id": block.get("block_id", "b1"), "action_ts": "1.1"}
        await self._deliver("interactive", self._by(person, "block_actions") | {
            "container": {"type": "message", "message_ts": ts, "channel_id": OPS},
            "channel": {"id": OPS, "name": "privategroup"}, "message": {**message, "ts": ts},
            "response_url": f"{self.address}/hooks/actions/1", "actions": [action],
            "state": {"values": {}}})  # fmt: skip

    async def submits(self, text: str, *, person: str = ANN) -> Json:
        """Fill the one field of the newest view in, and send it; return the acknowledgement."""
        view = self.views[-1]
        [field_] = [block for block in view["blocks"] if block["type"] == "input"]
        element = field_["element"]
        typed = {element["action_id"]: {"type": element["type"], "value": text}}
        state = {"values": {field_["block_id"]: typed}}
        payload = self._by(person, "view_submission") | {"view": {**view, "state": state}}
        return await self._deliver("interactive", payload)

    async def orders(self, text: str, *, person: str = ANN) -> None:
        """Type `/chiffon text`."""
        await self._deliver("slash_commands", {
            "command": "/chiffon", "text": text, "user_id": person, "channel_id": OPS,
            "channel_name": "privategroup", "team_id": TEAM, "enterprise_id": ENTERPRISE,
            "trigger_id": f"1.{next(self._count)}.x", "api_app_id": APP,
            "response_url": f"{self.address}/hooks/actions/2"})  # fmt: skip


@asynccontextmanager
async def emulating() -> AsyncIterator[Foreign]:
    """Serve one on a free port of the loopback."""
    foreign = Foreign()
    runner = web.AppRunner(foreign.application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    foreign.address = f"http://{host}:{port}"
    try:
        yield foreign
    finally:
        await asyncio.gather(*(socket.close() for socket in list(foreign.sockets)))
        await runner.cleanup()
