"""Who may come in: this machine only, this address only, and to `/local/*` with the token."""

import hmac
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware that refuses what must not come in, HTTP and WebSocket alike."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or say why not."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _secured(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            status, error = refusal
            await JSONResponse({"ok": False, "error": error}, status)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        client = scope.get("client")
        if client is None or client[0] not in _LOOPBACK:
            return 403, "only_from_this_machine"
        host = headers.getlist("host")
        if len(host) != 1 or _name(host[0]) not in _LOOPBACK:
            return 403, "wrong_host"
        own = {f"http://{host[0]}", f"https://{host[0]}"}
        if any(origin not in own for origin in headers.getlist("origin")):
            return 403, "wrong_origin"
        if scope["path"].startswith("/local/") and not self._token_given(scope, headers):
            return 401, "invalid_token"
        return None

    def _token_given(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])
        if scheme.lower() != "bearer":
            # Where a browser cannot send the header: never for anything that changes something.
            readable = scope["type"] == "websocket" or scope["method"] == "GET"
            given = query[0] if readable else ""
        return hmac.compare_digest(given.strip().encode(), self._token)


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _secured(send: Send) -> Send:
    async def with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY.items():
                headers[name] = value
        await send(message)

    return with_headers
