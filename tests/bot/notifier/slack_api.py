"""A little Web API that keeps messages, misbehaves when told to, and notes when it was called."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True)
class Call:
    """One call that came in."""

    method: str
    channel: str
    at: float
    fields: dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """How to answer a call: a status, an error, or (`status=0`) not before the gate opens."""

    status: int = 200
    error: str = ""
    retry_after: float | None = None


@dataclass
class SlackApi:
    """What was posted, and how to misbehave."""

    calls: list[Call] = field(default_factory=list)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    faults: dict[str, deque[Fault | None]] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    silent_until: float = 0.0  # by the loop's clock

    def silence(self, seconds: float) -> None:
        """Neither do nor answer anything for so long."""
        self.silent_until = asyncio.get_running_loop().time() + seconds

    def will(self, method: str, *faults: Fault | None) -> None:
        """Answer the next calls of a method, or of a method in a channel (`m:C`), like this;
        None is a call that goes well.
        """
        self.faults.setdefault(method, deque()).extend(faults)

    def of(self, method: str, channel: str | None = None) -> list[Call]:
        return [
            call for call in self.calls if call.method == method and channel in {None, call.channel}
        ]

    def texts(self, channel: str = "C0OPS") -> list[str]:
        found = [it for it in self.messages.values() if it["channel"] == channel]
        return [str(it["text"]) for it in found]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fields = await _fields(request)
        channel = str(fields.get("channel") or fields.get("channel_id") or "")
        loop = asyncio.get_running_loop()
        self.calls.append(Call(method, channel, loop.time(), fields))
        if loop.time() < self.silent_until:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.silent_until):
                    await self.gate.wait()
            return web.Response(status=503)  # whoever asked has given up
        fault = self._fault(f"{method}:{channel}") or self._fault(method)
        if fault is not None and fault.status == 0:
            await self.gate.wait()
            fault = None
        if fault is None:
            return web.json_response({"ok": True, **self._done(method, fields)})
        headers = {} if fault.retry_after is None else {"Retry-After": str(int(fault.retry_after))}
        body = {"ok": False, "error": fault.error or "internal_error"}
        return web.json_response(body, status=fault.status, headers=headers)

    def _fault(self, key: str) -> Fault | None:
        waiting = self.faults.get(key)
        return waiting.popleft() if waiting else None

    def _done(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        if method == "chat.postMessage":
            ts = f"{len(self.messages) + 1}.0001"
            self.messages[ts] = dict(fields)
            return {"ts": ts, "channel": fields["channel"]}
        if method == "chat.update":
            self.messages[fields["ts"]].update(fields)
            return {"ts": fields["ts"]}
        if method == "files.getUploadURLExternal":
            name = fields["filename"]
            return {"upload_url": f"{self.url}upload/{name}", "file_id": f"F-{name}"}
        return {"files": [{"id": "F"}]}

    async def upload(self, request: web.Request) -> web.StreamResponse:
        self.files[request.match_info["name"]] = (await request.read()).decode()
        return web.Response(text="OK")


async def _fields(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    form = {**request.query, **await request.post()}
    return {
        key: json.loads(value) if key in {"blocks", "files"} and isinstance(value, str) else value
        for key, value in form.items()
    }


@asynccontextmanager
async def slack_api() -> AsyncIterator[SlackApi]:
    """Serve one on a free port of the loopback."""
    api = SlackApi()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", api.answer)
    app.router.add_post("/api/upload/{name}", api.upload)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    api.url = f"http://{host}:{port}/api/"
    try:
        yield api
    finally:
        api.gate.set()
        await runner.cleanup()


def client_of(api: SlackApi, *, seconds: int = 1) -> AsyncWebClient:
    """Return a client without retries of its own: what is tried again is the notifier's doing."""
    return AsyncWebClient(token="xoxb-test", base_url=api.url, timeout=seconds, retry_handlers=[])
