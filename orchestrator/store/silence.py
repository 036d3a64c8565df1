"""A server that falls silent is given up after a while, whether its host still answers or not.

Three limits, the shortest first. The kernel gives up a host that acknowledges nothing. A new
connection must come in time. And each call has a limit of its own, longer than the server's for
a statement: it counts only where nothing comes back at all, as through a proxy that lost the
server behind it.
"""

import socket
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

CONNECT_SECONDS = 10.0
CALL_SECONDS = 40.0
_HOST_SECONDS = 20
_IDLE_SECONDS = 10  # then the kernel asks whether the host is still there
_PAUSE_SECONDS = 5  # and asks again


def notice_silence(engine: AsyncEngine) -> None:
    """Let `engine` give up a host that is gone, and drop a connection on which a call ran out."""
    event.listen(engine.sync_engine, "connect", _watch_host)
    event.listen(engine.sync_engine, "handle_error", _hang_up)


def _watch_host(connection: Any, record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    del record
    line = connection.driver_connection._transport.get_extra_info("socket")  # noqa: SLF001
    if line is None or line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PAUSE_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000 * _HOST_SECONDS)


def _hang_up(context: ExceptionContext) -> None:
    """Say no goodbye: a server that does not answer would not answer that either."""
    if isinstance(context.original_exception, TimeoutError) and context.connection is not None:
        context.is_disconnect = True
        driver: Any = context.connection.connection.driver_connection
        driver.terminate()
