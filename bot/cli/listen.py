"""The door to the outside: a socket, and the server that reads from it."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from orchestrator.errors import SettingsError
from orchestrator.offhost import is_loopback
from orchestrator.settings import Settings
from orchestrator.store.unit_of_work import Store
from orchestrator.usecases.keys import has_valid_key

_TRIES = 50
_FROM_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock, not to listen


def listening_socket(settings: Settings) -> socket.socket:
    """Bind the address; a port that nobody chose may move to the next free one.

    Raises:
        SettingsError: the port is taken or not allowed, the host is not this machine's own, or
            the network would come in and nobody holds a key.
    """
    if not is_loopback(settings.host):
        asyncio.run(require_key(settings))
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


async def require_key(settings: Settings) -> None:
    """Refuse to open Chiffon to the network while nobody holds a key.

    Raises:
        SettingsError: there is no valid key, or the database cannot be asked.
    """
    store = Store(settings.resolved_database_url)
    try:
        if await has_valid_key(store):
            return
    finally:
        await store.close()
    raise SettingsError(
        f"CHIFFON_HOST={settings.host} would open Chiffon to the network, and nobody holds a key. "
        "Make one first: `chiffon keys add NAME --person PERSON`; or leave CHIFFON_HOST at "
        "127.0.0.1."
    )


def address_of(listener: socket.socket) -> str:
    """Return the base URL under which `listener` is reached from this machine."""
    host, port = listener.getsockname()[:2]
    host = _FROM_HERE.get(host, host)
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
