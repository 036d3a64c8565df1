"""Slack's Socket Mode: what came in is acknowledged before it closes; nothing is left behind."""

import asyncio
import time
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from typing_extensions import override

_PING_SECONDS = 5.0  # a half-open socket is noticed after four
_FINISHING_SECONDS = 3.0
_DISCONNECT = "disconnect"
_log = structlog.get_logger(__name__)


class _Client(SocketModeClient):
    """The SDK's client; it also knows the tasks that the SDK starts for what comes in and forgets.

    One of them opens the next socket where Slack asks for that. Left alone, it goes on after the
    client is closed.
    """

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        super().__init__(
            app_token, logger=app.logger, web_client=app.client, ping_interval=_PING_SECONDS
        )
        self._under_way: dict[asyncio.Task[Any], bool] = {}

    @override
    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        task = asyncio.current_task()
        if task is None or self.closed:
            return
        self._under_way[task] = message.get("type") == _DISCONNECT
        try:
            await super().run_message_listeners(message, raw_message)
        finally:
            del self._under_way[task]

    async def handled(self) -> None:
        """Wait until what came in is acknowledged, some seconds at most."""
        try:
            async with asyncio.timeout(_FINISHING_SECONDS):
                while tasks := self._handling():
                    await asyncio.wait(tasks)
        except TimeoutError:
            _log.warning("socket_closed_early", unanswered=len(self._handling()))

    async def finish(self) -> None:
        """Close the socket and end every task of the SDK, also one that opens the next socket."""
        self.closed = True
        self.auto_reconnect_enabled = False
        await _ended(list(self._under_way))
        own = self._own()
        await self.close()  # type: ignore[no-untyped-call]
        await _ended([*own, *self._own()])

    def _handling(self) -> list[asyncio.Task[Any]]:
        return [task for task, reconnects in self._under_way.items() if not reconnects]

    def _own(self) -> list[asyncio.Future[Any]]:
        own = (self.message_processor, self.current_session_monitor, self.message_receiver)
        return [task for task in own if task is not None]


class Socket:
    """One connection of the app."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app = app
        self._client = _Client(app, app_token)
        self._client.socket_mode_request_listeners.append(self._handle)

    async def connect(self) -> None:
        """Open it; it opens itself anew where Slack asks for that, or it breaks."""
        await self._client.connect()  # type: ignore[no-untyped-call]

    async def finish(self) -> None:
        """Let what came in be acknowledged, then close."""
        await self._client.handled()
        await self._client.finish()

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        began = time.time()
        answer = await run_async_bolt_app(self._app, request)
        await send_async_response(client, request, answer, began)


async def _ended(tasks: list[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
