"""A broker inside the process that delivers some messages twice, which `at least once` allows."""

import random

from orchestrator.transport.local import LocalTransport

_SHARE = 0.4


def send_twice() -> None:
    """Have `LocalTransport` hand over every so many messages a second time."""
    once = LocalTransport.publish

    async def publish(self: LocalTransport, queue: str, body: bytes) -> None:
        await once(self, queue, body)
        if random.random() < _SHARE:
            await once(self, queue, body)

    LocalTransport.publish = publish  # type: ignore[method-assign]
