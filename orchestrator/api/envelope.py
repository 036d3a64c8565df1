"""What goes around every call: a correlation id, safe headers, one log line, no trace."""

import logging
import re
import time
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.problems import ServiceRefused, refusal_response
from orchestrator.domain.ids import new_id
from orchestrator.errors import Error, ErrorCode

_log = structlog.stdlib.get_logger(__name__)

_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Swagger UI starts with an inline script; its files come with the package.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)


class Envelope:
    """The outermost ASGI middleware.

    A usable `X-Request-Id` becomes the correlation id, else a new one is made; it is bound to
    every log line of the call and sent back.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, enclosed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = _correlation_id(Headers(scope=scope))
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            headers = {**_HEADERS, "X-Request-Id": correlation_id}
            headers["Content-Security-Policy"] = (
                _DOCS_POLICY if scope["path"] == "/docs" else _POLICY
            )
            await self._enclosed(scope, receive, _Sender(send, headers))

    async def _enclosed(self, scope: Scope, receive: Receive, send: "_Sender") -> None:
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - the border of the API: logged with an id, no trace out
            await _answer_fault(scope, receive, send)
        finally:
            _log.log(
                _level(scope["method"], send.status),
                "http call",
                method=scope["method"],
                route=getattr(scope.get("route"), "path", None),
                status=send.status,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )


def _level(method: str, status: int | None) -> int:
    """Whoever follows a plan looks several times a second: nothing for people to read."""
    looked = method == "GET" and status is not None and status < HTTPStatus.BAD_REQUEST
    return logging.DEBUG if looked else logging.INFO


async def _answer_fault(scope: Scope, receive: Receive, send: "_Sender") -> None:
    fault_id = new_id()
    _log.exception("unexpected fault", fault_id=fault_id)
    if send.status is None:
        error = Error(
            code=ErrorCode.INTERNAL_ERROR,
            message="Something unexpected went wrong.",
            hint="Try again; if it stays, look for the fault id in the log.",
            fault_id=fault_id,
        )
        await refusal_response(ServiceRefused(error))(scope, receive, send)


class _Sender:
    """Adds the headers to an answer and remembers its status."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)


def _correlation_id(headers: Headers) -> str:
    wished = headers.get("x-request-id", "")
    return wished if _PLAIN_ID.fullmatch(wished) else new_id()
