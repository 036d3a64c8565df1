"""A Socket Mode connection for one short purpose: to see that it works, and to hear a code."""

import asyncio
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.cli.slack_account import (
    PATIENCE_SECONDS,
    QUIET,
    Person,
    SlackSays,
    check_app_token,
    client_for,
    look_up,
    post,
)

CODE_SECONDS = 600
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that looks like another
_CODE_LENGTH = 6
_CODE = re.compile(rf"\bCHIFFON-[{_LETTERS}]{{{_CODE_LENGTH}}}\b")
_WRONG_TRIES = 5

OnRequest = Callable[[SocketModeClient, SocketModeRequest], Awaitable[None]]


@dataclass(frozen=True)
class Hello:
    """What Slack says when a socket opens; `connections` counts this one too."""

    connections: int
    app_id: str


@asynccontextmanager
async def open_socket(
    app_token: str, api_url: str, on_request: OnRequest | None = None
) -> AsyncIterator[Hello]:
    """Keep a socket open; it reconnects by itself.

    Raises:
        SlackSays: the token is refused, or no greeting came in time.
    """
    address = await check_app_token(app_token, api_url)
    client = SocketModeClient(app_token, logger=QUIET, web_client=client_for(app_token, api_url))
    client.wss_uri = address
    hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()

    async def listen(_: AsyncBaseSocketModeClient, message: dict[str, Any], __: str | None) -> None:
        if message.get("type") == "hello" and not hello.done():
            hello.set_result(_hello(message))

    async def heard(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if on_request is not None:
            await on_request(client, request)

    client.message_listeners.append(listen)
    client.socket_mode_request_listeners.append(heard)
    try:
        yield await _greeted(client, hello)
    finally:
        await client.close()  # type: ignore[no-untyped-call]


async def _greeted(client: SocketModeClient, hello: asyncio.Future[Hello]) -> Hello:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.connect()  # type: ignore[no-untyped-call]
            return await hello
    except TimeoutError as fault:
        raise SlackSays(
            "The token is good, but no Socket Mode connection comes about. Is “Socket Mode” "
            "switched on in the app, and may this machine open WebSockets?"
        ) from fault


def _hello(message: dict[str, Any]) -> Hello:
    connections = message.get("num_connections")
    app_id = (message.get("connection_info") or {}).get("app_id")
    return Hello(connections if isinstance(connections, int) else 1, str(app_id or ""))


def new_code() -> str:
    """Return a code to be used once; guessing one in ten minutes is hopeless."""
    return "CHIFFON-" + "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))


class CodeListener:
    """Waits for a code in a direct message. What is no code stays unacknowledged.

    Slack then delivers it again later, when Chiffon itself listens.
    """

    def __init__(
        self, client: AsyncWebClient, team_id: str, code: str, refused: Callable[[str], None]
    ) -> None:
        """Take what to wait for; `refused` hears whom a try was refused to and why."""
        self._client = client
        self._refused = refused
        self._team_id = team_id
        self._code = code
        self._wrong: dict[str, int] = {}
        self._seen: set[str] = set()
        self.named: asyncio.Queue[tuple[Person, str]] = asyncio.Queue()

    async def __call__(self, socket: SocketModeClient, request: SocketModeRequest) -> None:
        """Look into one envelope."""
        event = _direct_message(request)
        said = _CODE.search(str(event.get("text", "")).upper()) if event else None
        if not said:
            return
        await socket.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        if str(event.get("ts")) in self._seen:
            return
        self._seen.add(str(event.get("ts")))
        answer = await self._judged(event, said[0])
        if answer:
            self._refused(f"Refused to {event['user']}: {answer}")
            await post(self._client, event["channel"], answer)

    async def _judged(self, event: dict[str, Any], said: str) -> str:
        user_id = str(event["user"])
        if self._wrong.get(user_id, 0) >= _WRONG_TRIES:
            return ""
        if not hmac.compare_digest(said, self._code):
            self._wrong[user_id] = self._wrong.get(user_id, 0) + 1
            return "That is not the code on the terminal."
        try:
            person = await look_up(self._client, user_id, self._team_id)
        except SlackSays as fault:
            return f"That is the code, but Slack does not say who you are: {fault}"
        if person.barred:
            return f"That is the code, but you cannot become an approver: {person.barred}."
        await self.named.put((person, event["channel"]))
        return ""


def _direct_message(request: SocketModeRequest) -> dict[str, Any]:
    event = request.payload.get("event") if request.type == "events_api" else None
    if not isinstance(event, dict) or event.get("type") != "message":
        return {}
    by_a_person = event.get("user") and not event.get("bot_id") and not event.get("subtype")
    return event if by_a_person and event.get("channel_type") == "im" else {}
