"""A RabbitMQ for tests: real, each test with queues of its own, gone afterwards."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from yarl import URL

from orchestrator.transport.rabbitmq import RabbitTransport
from orchestrator.transport.topology import Queue
from tests.plugins.missing import require

SERVER = os.environ.get("CHIFFON_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")


def require_broker() -> None:
    """Skip the test unless a RabbitMQ answers."""
    address = URL(SERVER)
    try:
        with socket.create_connection((address.host, address.port), timeout=5):
            answered = True
    except OSError:
        answered = False
    where = f"no server at {address.host}:{address.port}"
    require("RabbitMQ", answered=answered, why=where)


def own_url() -> str:
    """Return the address with a prefix that nobody else uses."""
    return str(URL(SERVER).update_query(prefix=f"test-{uuid.uuid4().hex[:12]}."))


class TidyTransport(RabbitTransport):
    """Remembers the queues that it named, so that they can be removed."""

    def __init__(self, url: str, *, watch_seconds: float = 10) -> None:
        super().__init__(url, watch_seconds=watch_seconds)
        self.named: set[str] = set()

    def topology(self, name: str) -> Queue:
        wanted = super().topology(name)
        self.named.add(wanted.name)
        return wanted


@asynccontextmanager
async def rabbit(
    url: str | None = None, *, watch_seconds: float = 10
) -> AsyncIterator[TidyTransport]:
    """Open a transport on queues of its own; they are removed at the end."""
    require_broker()
    transport = TidyTransport(url or own_url(), watch_seconds=watch_seconds)
    await transport.open()
    try:
        yield transport
    finally:
        await transport.close()
        await remove(transport.named)


async def remove(names: set[str]) -> None:
    """Remove queues from the broker."""
    async with asyncio.timeout(20):
        connection = await aio_pika.connect(SERVER)
        async with connection, connection.channel() as channel:
            for name in names:
                await channel.queue_delete(name)
