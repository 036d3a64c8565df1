"""Who and what is let in, before anything is parsed.

Order: Host (DNS rebinding), Origin (other people's pages), token, content type, size, depth.
Outside `/api/` no token is asked for: the page, `/docs` with its schema, and the health checks.
They show how Chiffon is used, never what it holds, and the first two checks keep them on this
machine.
"""

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.problems import refusal_response
from orchestrator.errors import ErrorCode, Refused

LARGEST_BODY = 64 * 1024
DEEPEST_JSON = 32

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WITHOUT_BODY = frozenset({"DELETE", "GET", "HEAD", "OPTIONS"})
_GUARDED = "/api/"


class Door:
    """ASGI middleware that refuses what must not come in.

    Args:
        app: What lies behind.
        token: The bearer token; whoever holds it may act for the person a body names.
        hosts: Names by which this server may be addressed, besides the loopback ones.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = _LOOPBACK.union(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            behind = await self._admit(scope, receive)
        except Refused as refusal:
            await refusal_response(refusal)(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is left to answer
        else:
            await self._app(scope, behind, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        host = self._check_host(headers)
        _check_origin(headers, host)
        if scope["path"].startswith(_GUARDED):
            self._check_token(headers)
            scope.setdefault("state", {})["token_checked"] = True
        if scope["method"] in _WITHOUT_BODY:
            return receive
        _check_content_type(headers)
        body = await _read(headers, receive)
        _check_depth(body)
        return _replay(body, receive)

    def _check_host(self, headers: Headers) -> str:
        found = headers.getlist("host")
        name = _host_name(found[0]) if len(found) == 1 else None
        if name not in self._hosts:
            raise Refused(
                ErrorCode.FORBIDDEN,
                "This server is not addressed by that Host.",
                "Use the address that `chiffon up` printed.",
            )
        return found[0]

    def _check_token(self, headers: Headers) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        matches = hmac.compare_digest(given.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not matches:
            raise Refused(
                ErrorCode.UNAUTHORISED,
                "The token is missing or wrong.",
                "Send `Authorization: Bearer …` with the content of CHIFFON_HOME/token.",
            )


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None


def _check_origin(headers: Headers, host: str) -> None:
    """A browser names the page that sends; only pages of this very address may."""
    own = {f"http://{host}", f"https://{host}"}
    if any(origin not in own for origin in headers.getlist("origin")):
        raise Refused(
            ErrorCode.FORBIDDEN,
            "Pages of another origin may not call this API.",
            "Open the page of this server itself, or call it from a program.",
        )


def _check_content_type(headers: Headers) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            "Content-Type: must be application/json.",
            "Send the body as JSON with that header.",
        )


async def _read(headers: Headers, receive: Receive) -> bytes:
    """Read the body, counting: a declared length may be absent or a lie."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and len(declared) > len(str(LARGEST_BODY)):
        raise _too_large()
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def _too_large() -> Refused:
    return Refused(
        ErrorCode.TOO_LARGE,
        f"The body is larger than {LARGEST_BODY // 1024} KiB.",
        "Ask for less at once.",
    )


def _check_depth(body: bytes) -> None:
    """Refuse brackets nested deeper than any body needs, before a recursive parser meets them."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST_JSON:
        return
    depth = 0
    in_string = escaped = False
    for byte in body:
        if escaped:
            escaped = False
        elif in_string:
            escaped = byte == ord("\\")
            in_string = byte != ord('"')
        elif byte == ord('"'):
            in_string = True
        elif byte in b"[{":
            depth += 1
        elif byte in b"]}":
            depth -= 1
        if depth > DEEPEST_JSON:
            raise Refused(
                ErrorCode.INVALID_REQUEST,
                f"body: nested deeper than {DEEPEST_JSON} levels.",
                "Send a flat object; /docs shows what is expected.",
            )


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the body that was read on, then whatever the client does next."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
