"""The floor's reader: takes messages from a queue, acknowledges, prints `BODY NANOSECONDS`."""

import asyncio
import sys
import time

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage


async def _took(message: AbstractIncomingMessage) -> None:
    moment = time.monotonic_ns()
    print(message.body[:36].decode(), moment, flush=True)
    await message.ack()


async def read(url: str, name: str) -> None:
    """Read until somebody ends this process."""
    connection = await aio_pika.connect(url)
    channel = await connection.channel(publisher_confirms=False)
    await channel.set_qos(prefetch_count=200)
    queue = await channel.get_queue(name)
    await queue.consume(_took)
    print("ready", time.monotonic_ns(), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(read(sys.argv[1], sys.argv[2]))
