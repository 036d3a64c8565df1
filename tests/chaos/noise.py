"""A broker inside the process that delivers some messages again, which `at least once` allows."""

import asyncio
import random
from contextlib import suppress

from orchestrator.errors import TransportError
from orchestrator.transport.local import LocalTransport

_SHARE = 0.4
_LATEST_SECONDS = 1.5
_again: set[asyncio.Task[None]] = set()


def send_twice() -> None:
    """Have `LocalTransport` hand over every so many messages a second time, a little later."""
    once = LocalTransport.publish

    async def later(transport: LocalTransport, queue: str, body: bytes) -> None:
        with suppress(TransportError):
            await once(transport, queue, body)

    def start(transport: LocalTransport, queue: str, body: bytes) -> None:
        task = asyncio.create_task(later(transport, queue, body))
        _again.add(task)
        task.add_done_callback(_again.discard)

    async def publish(self: LocalTransport, queue: str, body: bytes) -> None:
        await once(self, queue, body)
        if random.random() < _SHARE:
            loop = asyncio.get_running_loop()
            loop.call_later(random.uniform(0, _LATEST_SECONDS), start, self, queue, body)

    LocalTransport.publish = publish  # type: ignore[method-assign]
