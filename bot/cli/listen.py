"""The door to the outside: a socket, and the server that reads from it."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings

_TRIES = 50


def listening_socket(settings: Settings) -> socket.socket:
    """Bind the address; a port that nobody chose may move to the next free one.

    Raises:
        SettingsError: the port is taken or not allowed, or the host is not this machine's own.
    """
    _only_loopback(settings.host)
    tries = 1 if settings.port_is_chosen else _TRIES
    for port in range(settings.port, settings.port + tries):
        try:
            return _bound(settings.host, port)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                message = f"{settings.host}:{port} cannot be used: {fault.strerror}."
                raise SettingsError(f"{message} Set CHIFFON_PORT to another port.") from fault
    raise SettingsError(
        f"Port {settings.port} is taken. Stop what uses it, or set CHIFFON_PORT to another port."
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _only_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(
            f"CHIFFON_HOST={host} would open Chiffon to the network, which needs keys for people; "
            "they come with a later version. Leave it at 127.0.0.1."
        )


def address_of(listener: socket.socket) -> str:
    """Return the base URL under which `listener` is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Uvicorn that tells when it listens, and leaves signals to who runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none: what stops, and in which order, is not the server's to say."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serving(app: Callable[..., Any], listener: socket.socket) -> AsyncIterator[None]:
    """Serve an ASGI application until the block ends; it listens when the block begins."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",  # its lines of INFO hold whole addresses, and so tokens
        access_log=False,
        timeout_graceful_shutdown=3,
        lifespan="off",
        ws="websockets-sansio",
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.listening.wait()
        yield
    finally:
        server.should_exit = True
        await running
