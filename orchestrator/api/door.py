"""Who and what is let in, before anything is parsed.

Order: Host (DNS rebinding), Origin (other people's pages), token or key, content type, size, depth.
Outside `/api/` no token is asked for: the page, `/docs` with its schema, and the health checks.
They show how Chiffon is used, never what it holds, and the first two checks keep other people's
pages away from them.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api import problems
from orchestrator.api.caller import Caller
from orchestrator.domain.keys import looks_like_key
from orchestrator.domain.views import Identity, KeyHolder
from orchestrator.errors import ErrorCode, Refused
from orchestrator.offhost import is_loopback

LARGEST_BODY = 64 * 1024
DEEPEST_JSON = 32

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WITHOUT_BODY = frozenset({"DELETE", "GET", "HEAD", "OPTIONS"})
_GUARDED = "/api/"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class Door:
    """ASGI middleware that refuses what must not come in.

    Args:
        app: What lies behind.
        token: The local token; whoever holds it may act for the person a body names.
        keys: Says whom a key lets in.
        hosts: Names by which this server may be addressed, besides the loopback ones.
        is_open: The network reaches this server: the local token counts from this machine only.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        keys: Callable[[str], Awaitable[KeyHolder]],
        hosts: Iterable[str],
        is_open: bool,
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._keys = keys
        self._hosts = _LOOPBACK.union(host.lower() for host in hosts)
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            behind = await self._admit(scope, receive)
        except Refused as refusal:
            await problems.refusal_response(refusal)(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is left to answer
        else:
            await self._app(scope, behind, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        host = self._check_host(headers)
        _check_origin(headers, host)
        if scope["path"].startswith(_GUARDED):
            scope.setdefault("state", {})["caller"] = await self._caller(scope, headers)
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
                "Use the address that `chiffon up` printed, or name it in CHIFFON_ALLOWED_HOSTS.",
            )
        return found[0]

    async def _caller(self, scope: Scope, headers: Headers) -> Caller:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
        if hmac.compare_digest(given.encode(), self._token):
            self._check_is_here(scope, headers)
            return Caller()
        if not looks_like_key(given):
            raise Refused(
                ErrorCode.UNAUTHORISED,
                "The token is missing or wrong.",
                "Send `Authorization: Bearer …` with a key of yours (`chiffon keys add`), or on "
                "this machine with the content of CHIFFON_HOME/token.",
            )
        holder = problems.given(await self._keys(given))
        return Caller(Identity(person=holder.person, team=holder.team, key=holder.name))

    def _check_is_here(self, scope: Scope, headers: Headers) -> None:
        """The local token may act for anyone, so it never counts from the network.

        Behind a proxy on this machine everybody comes from the loopback; what it forwarded
        says so.
        """
        peer = scope.get("client")
        forwarded = any(name in headers for name in _FORWARDED)
        if self._is_open and (forwarded or peer is None or not is_loopback(peer[0])):
            raise Refused(
                ErrorCode.UNAUTHORISED,
                "The local token is taken from the loopback of this machine only.",
                "Use a key: `chiffon keys add NAME --person PERSON` makes one.",
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
