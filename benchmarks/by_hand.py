"""The floor of a task's whole way: two commits, two confirmed publishes, two deliveries.

The rows are those that Chiffon leaves, written by hand; a plan's tasks share the first commit.
Everything runs in this one process, so its processor time is the whole.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import aio_pika
import asyncpg
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.floor import Attempt, Floor, floor, told
from benchmarks.servers import RABBIT
from orchestrator.domain.ids import new_id
from orchestrator.domain.plan import WorkPlan
from orchestrator.store.unit_of_work import Store


class ByHand:
    """Sends work, reads it, sends a result, reads it and commits it."""

    def __init__(self, bare: Floor) -> None:
        self._bare = bare
        self._attempts: dict[str, Attempt] = {}
        self._done = asyncio.Event()
        self._ended = 0
        self._told: dict[str, int] = {}

    @property
    def store(self) -> Store:
        """Where its plans are."""
        return self._bare.store

    async def cpu_seconds(self, plans: list[WorkPlan]) -> float:
        """Carry out plans, all at once; return the processor time that this process took."""
        self._ended = 0
        self._done.clear()
        self._total = sum(len(plan.tasks) for plan in plans)
        began = time.process_time()
        await asyncio.gather(*(self._approve(plan) for plan in plans))
        async with asyncio.timeout(120):
            await self._done.wait()
        return time.process_time() - began

    async def _approve(self, plan: WorkPlan) -> None:
        self._told[plan.plan_id] = 2 + len(plan.tasks)
        for attempt in await self._bare.commit(plan):
            self._attempts[attempt.key] = attempt
            await self._bare.publish(attempt.key, attempt)

    async def on_work(self, message: AbstractIncomingMessage) -> None:
        """Take work, send its result."""
        await self._bare.publish_to("done", message.body)
        await message.ack()

    async def on_result(self, message: AbstractIncomingMessage) -> None:
        """Take a result, commit its rows."""
        attempt = self._attempts[message.body[:36].decode()]
        async with self._bare.pool.acquire() as connection, connection.transaction():
            await _ended(connection, attempt)
            number = self._told[attempt.plan.plan_id]
            self._told[attempt.plan.plan_id] = number + 1
            await told(connection, attempt.plan, [(number, "attempt_succeeded")])
        await message.ack()
        self._ended += 1
        if self._ended == self._total:
            self._done.set()


async def _ended(connection: asyncpg.Connection, attempt: Attempt) -> None:
    now = datetime.now(UTC)
    await connection.execute(
        "INSERT INTO inbox (message_id, source, received_at) VALUES ($1, 'work_result', $2)",
        *(new_id(), now),
    )
    await connection.fetchrow("SELECT * FROM plans WHERE id = $1 FOR UPDATE", attempt.plan.plan_id)
    await connection.execute(
        "UPDATE attempts SET status = 'succeeded', started_at = $2, ended_at = $2 WHERE id = $1",
        *(attempt.key, now),
    )
    await connection.execute(
        "UPDATE execution_logs SET status = 'succeeded', exit_code = 0, dispatched_at = $2,"
        " started_at = $2, ended_at = $2 WHERE attempt_id = $1",
        *(attempt.key, now),
    )
    await connection.execute(
        "UPDATE tasks SET status = 'completed', updated_at = $2 WHERE id = $1",
        *(attempt.task.task_id, now),
    )
    await connection.execute(
        "UPDATE outbox SET sent_at = $2 WHERE attempt_id = $1", attempt.key, now
    )


@asynccontextmanager
async def by_hand() -> AsyncIterator[ByHand]:
    """Open the floor, and read both of its queues in this process."""
    async with AsyncExitStack() as stack:
        bare = await stack.enter_async_context(floor(reads=False))
        made = ByHand(bare)
        connection = await stack.enter_async_context(await aio_pika.connect(RABBIT))
        for name, taking in (("work", made.on_work), ("done", made.on_result)):
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=100)
            queue = await channel.get_queue(bare.prefix + name)
            await queue.consume(taking)
        yield made
