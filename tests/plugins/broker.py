"""A RabbitMQ for tests: real, each test with queues of its own, gone afterwards."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aio_pika
from yarl import URL

from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE, control_queue, work_queue
from orchestrator.transport.port import Handler
from orchestrator.transport.rabbitmq import RabbitSubscription, RabbitTransport
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


class PatientTransport(TidyTransport):
    """Lets a test go on only once the orchestrator, in this process, has handled what was said.

    RabbitMQ confirms what it keeps; a test that says something as an agent and then looks would
    look too early.
    """

    def __init__(self, url: str, *, watch_seconds: float = 10) -> None:
        super().__init__(url, watch_seconds=watch_seconds)
        self._ends: dict[bytes, asyncio.Event] = {}

    async def publish(self, queue: str, body: bytes) -> None:
        end = self._ends.setdefault(body, asyncio.Event()) if queue == RESULTS_QUEUE else None
        await super().publish(queue, body)
        if end is not None:
            with contextlib.suppress(TimeoutError):  # poison, or nobody reads
                await asyncio.wait_for(end.wait(), 2)

    async def consume(
        self, queue: str, handler: Handler, *, prefetch: int = 1
    ) -> RabbitSubscription:
        async def noted(body: bytes) -> None:
            await handler(body)
            if end := self._ends.pop(body, None):
                end.set()

        return await super().consume(queue, noted, prefetch=prefetch)


@asynccontextmanager
async def patient_rabbit() -> AsyncIterator[PatientTransport]:
    """Open such a transport on queues of its own; they are removed at the end."""
    require_broker()
    transport = PatientTransport(own_url())
    await transport.open()
    try:
        yield transport
    finally:
        await transport.close()
        await remove(transport.named)


@asynccontextmanager
async def rabbit(
    url: str | None = None, *, watch_seconds: float = 10, tidy: bool = True
) -> AsyncIterator[TidyTransport]:
    """Open a transport on queues of its own; they are removed at the end, unless not `tidy`."""
    require_broker()
    transport = TidyTransport(url or own_url(), watch_seconds=watch_seconds)
    await transport.open()
    try:
        yield transport
    finally:
        await transport.close()
        if tidy:
            await remove(transport.named)


async def remove(names: set[str]) -> None:
    """Remove queues from the broker."""
    async with asyncio.timeout(20):
        connection = await aio_pika.connect(SERVER)
        async with connection, connection.channel() as channel:
            for name in names:
                await channel.queue_delete(name)


async def remove_prefixed(url: str, agent_ids: Iterable[str]) -> None:
    """Remove what programs that ran on `url` have declared."""
    prefix = URL(url).query["prefix"]
    queues = [RESULTS_QUEUE, DEAD_QUEUE]
    queues += [name(each) for each in agent_ids for name in (work_queue, control_queue)]
    await remove({prefix + queue for queue in queues})
