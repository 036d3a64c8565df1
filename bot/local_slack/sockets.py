"""Socket Mode: the app's WebSockets, and what is delivered over them."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.local_slack.faults import Faults, cancel_all

MOST_SOCKETS = 10
_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 1.0  # between the request to reconnect and the end of the old socket

Json = dict[str, Any]


class NotConnectedError(Exception):
    """No socket of the app is there to take a payload."""


class Sockets:
    """All sockets of the app; each payload goes to one of them, in turn.

    Args:
        app_id: what `hello` says.
        faults: how to misbehave, and how long the app may take.
        on_count: told how many sockets there are whenever that changes.
    """

    def __init__(self, app_id: str, faults: Faults, on_count: Callable[[int], None]) -> None:
        self._app_id = app_id
        self._faults = faults
        self._on_count = on_count
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[Json | None]] = {}
        self._events: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many sockets take payloads now."""
        return len(self._open)

    def ticket(self) -> str:
        """Return what opens one socket, once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, websocket: WebSocket) -> None:
        """Be one socket until it ends."""
        ticket = websocket.path_params["ticket"]
        if ticket not in self._tickets:
            await websocket.close()
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        if len(self._open) >= MOST_SOCKETS:
            await self._ask_to_leave(websocket, "too_many_websockets")
            await websocket.close()
            return
        await websocket.send_json(self._hello())
        self._count(lambda: self._open.append(websocket))
        refresh = asyncio.create_task(self._refresh(websocket))
        try:
            while True:
                self._acknowledged(await websocket.receive_json())
        except (WebSocketDisconnect, RuntimeError, ValueError):
            return  # it left, or was dropped by us, or speaks no JSON
        finally:
            self._retire(websocket)
            await cancel_all({refresh})

    async def ask(self, kind: str, payload: Json, *, accepts_response: bool = True) -> Json | None:
        """Deliver an interaction or a command once; return what it was acknowledged with.

        Raises:
            NotConnectedError: no socket is open.
            TimeoutError: nothing came back in time.
        """
        return await self._deliver(
            {"type": kind, "payload": payload, "accepts_response_payload": accepts_response}
        )

    def send_event(self, payload: Json) -> None:
        """Deliver an event in the background, again and again until it is acknowledged."""
        task = asyncio.create_task(self._insist(payload))
        self._events.add(task)
        task.add_done_callback(self._events.discard)

    async def drop_all(self) -> None:
        """Close every socket without a word, as a broken network does."""
        for websocket in tuple(self._open):
            self._retire(websocket)
            await _close(websocket)

    async def close(self) -> None:
        """End all deliveries and sockets."""
        await cancel_all(self._events)
        await self.drop_all()

    async def _insist(self, payload: Json) -> None:
        faults = self._faults
        deliveries = 0
        lost = faults.lose_first
        for attempt, pause in enumerate((0.0, *faults.retry_seconds)):
            await asyncio.sleep(pause if attempt else 0)
            reason = "http_timeout" if attempt else ""
            try:
                if lost and not attempt:
                    continue
                await self._deliver(_event_envelope(payload, attempt, reason))
            except (NotConnectedError, TimeoutError):
                continue
            deliveries += 1
            break
        for again in range(deliveries, faults.deliveries if deliveries else 0):
            try:
                await self._deliver(_event_envelope(payload, again, "http_timeout"))
            except (NotConnectedError, TimeoutError):
                continue

    async def _deliver(self, envelope: Json) -> Json | None:
        envelope_id = secrets.token_hex(16)
        answer: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        try:
            await self._send({"envelope_id": envelope_id, **envelope})
            async with asyncio.timeout(self._faults.ack_seconds):
                return await answer
        finally:
            del self._waiting[envelope_id]

    async def _send(self, envelope: Json) -> None:
        while self._open:
            websocket = self._open.pop(0)
            self._open.append(websocket)
            try:
                await websocket.send_json(envelope)
            except (WebSocketDisconnect, RuntimeError):
                self._retire(websocket)
            else:
                return
        raise NotConnectedError

    def _acknowledged(self, frame: Json) -> None:
        answer = self._waiting.get(str(frame.get("envelope_id")))
        if answer is not None and not answer.done():
            answer.set_result(frame.get("payload"))

    async def _refresh(self, websocket: WebSocket) -> None:
        lived = 0.0
        while not 0 < self._faults.refresh_seconds < lived:
            await asyncio.sleep(_LOOK_SECONDS)
            lived += _LOOK_SECONDS
        self._retire(websocket)
        await self._ask_to_leave(websocket, "refresh_requested")
        await asyncio.sleep(_GRACE_SECONDS)
        await _close(websocket)

    async def _ask_to_leave(self, websocket: WebSocket, reason: str) -> None:
        frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "local"}}
        await websocket.send_json(frame)

    def _retire(self, websocket: WebSocket) -> None:
        if websocket in self._open:
            self._count(lambda: self._open.remove(websocket))

    def _count(self, change: Callable[[], None]) -> None:
        change()
        self._on_count(len(self._open))

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open) + 1,
            "debug_info": {
                "host": "local",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self._app_id},
        }


def _event_envelope(payload: Json, attempt: int, reason: str) -> Json:
    return {
        "type": "events_api",
        "payload": payload,
        "accepts_response_payload": False,
        "retry_attempt": attempt,
        "retry_reason": reason,
    }


async def _close(websocket: WebSocket) -> None:
    try:
        await websocket.close()
    except RuntimeError:
        return  # it is closed already
