"""A reader of the broker's queues that puts messages back: later, in another order, and twice.

Everything it does a broker may do: a message is delivered at least once, sooner or later.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.protocol import RESULTS_QUEUE
from tests.chaos.rows import Archive
from tests.chaos.storm import Storm

_LONGEST_SECONDS = 0.8
_HELD = 3
_SEEN = "shuffled"
_FAULTS = (*CONNECTION_EXCEPTIONS, aio_pika.exceptions.AMQPError, SQLAlchemyError, TimeoutError)


class Shuffler:
    """Takes some of what is waiting, and publishes it one to three times a little later."""

    def __init__(self, storm: Storm, broker_url: str, archive: Archive) -> None:
        self.shuffled = 0
        self._storm = storm
        self._url = broker_url
        self._archive = archive
        self._chance = random.Random(storm.seed)
        self._putting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Shuffle until the storm is over; what is held then is put back first."""
        while not self._storm.over.is_set():
            try:
                connection = await aio_pika.connect_robust(self._url, timeout=5)
                async with connection:
                    await self._shuffle(connection)
            except _FAULTS:
                await self._storm.pause(1)
        await asyncio.gather(*self._putting, return_exceptions=True)

    async def _shuffle(self, connection: AbstractRobustConnection) -> None:
        channel = await connection.channel(publisher_confirms=True)
        await channel.set_qos(prefetch_count=_HELD)
        reading = []
        for name in [RESULTS_QUEUE, *await self._archive.agent_queues()]:
            queue = await channel.get_queue(name, ensure=False)
            reading.append((queue, await queue.consume(self._reader(channel, name))))
        while not self._storm.over.is_set() and connection.connected.is_set():
            await self._storm.pause(1)
        for queue, tag in reading:
            await queue.cancel(tag, timeout=5)
        if self._putting:
            await asyncio.wait(self._putting, timeout=10)

    def _reader(
        self, channel: AbstractChannel, name: str
    ) -> Callable[[AbstractIncomingMessage], Awaitable[None]]:
        async def take(message: AbstractIncomingMessage) -> None:
            task = asyncio.create_task(self._put_back(channel, name, message))
            self._putting.add(task)
            task.add_done_callback(self._putting.discard)

        return take

    async def _put_back(
        self, channel: AbstractChannel, name: str, message: AbstractIncomingMessage
    ) -> None:
        try:
            await self._storm.pause(self._chance.uniform(0, _LONGEST_SECONDS))
            seen = _SEEN in message.headers  # each is multiplied once, or they would never end
            for _ in range(1 if seen else self._chance.choice([1, 1, 2, 3])):
                again = aio_pika.Message(
                    message.body,
                    headers={_SEEN: 1},
                    content_type=message.content_type,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                )
                _ = await channel.default_exchange.publish(again, name, timeout=5)
            await message.ack()
            self.shuffled += 1
        except _FAULTS:
            return  # the broker delivers it again
