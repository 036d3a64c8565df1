"""The server that reads from a listening socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn


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
