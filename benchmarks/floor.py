"""The floor: the same rows, publishes and deliveries, written by hand with asyncpg and aio-pika.

One statement for each table, one after another in one transaction, prepared by the driver; one
confirmed publish to a quorum queue. No checks, no routing, no second reader: what remains of an
approval if everything that makes it one is left out.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aio_pika
import asyncpg
from aio_pika.abc import AbstractExchange

from benchmarks.product import Watcher, watched
from benchmarks.servers import RABBIT, database, plain, queues
from orchestrator.domain.ids import new_id
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.store.unit_of_work import Store

AGENT = "floor-agent"
_CONNECTIONS = 10


@dataclass(frozen=True)
class Attempt:
    """One task handed over."""

    key: str
    plan: WorkPlan
    task: WorkTask


@dataclass(frozen=True)
class Floor:
    """A database with the same tables, a queue, and a process that reads it."""

    store: Store
    pool: asyncpg.Pool
    exchange: AbstractExchange
    prefix: str
    reader: Watcher | None

    async def approve(self, plan: WorkPlan) -> list[Attempt]:
        """Commit the rows of an approval, then publish each task; all are confirmed."""
        attempts = await self.commit(plan)
        for attempt in attempts:
            await self.publish(plan.plan_id, attempt)
        return attempts

    async def commit(self, plan: WorkPlan) -> list[Attempt]:
        """Commit the rows of an approval."""
        attempts = [Attempt(new_id(), plan, task) for task in plan.tasks]
        async with self.pool.acquire() as connection, connection.transaction():
            await _approved(connection, plan)
            await handed_over(connection, attempts)
        return attempts

    async def publish(self, key: str, attempt: Attempt) -> None:
        """Publish one message, and wait for the confirmation."""
        await self.publish_to("work", (key + _body(attempt)).encode())

    async def publish_to(self, name: str, body: bytes) -> None:
        """Publish to one of the queues, and wait for the confirmation."""
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await self.exchange.publish(message, self.prefix + name)


def _body(attempt: Attempt) -> str:
    task = attempt.task.model_dump_json()
    return json.dumps({"attempt": attempt.key, "plan": attempt.plan.plan_id, "task": task})


async def _approved(connection: asyncpg.Connection, plan: WorkPlan) -> None:
    now = datetime.now(UTC)
    await connection.fetchrow("SELECT * FROM plans WHERE id = $1 FOR UPDATE", plan.plan_id)
    await connection.execute(
        "INSERT INTO approvals (id, plan_id, revision, digest, decision, team, person, policy,"
        " source_key, decided_at) VALUES ($1, $2, 1, $3, 'approved', 'local', 'robin', 'local',"
        " $1, $4)",
        *(new_id(), plan.plan_id, plan.digest, now),
    )
    await connection.execute(
        "UPDATE plans SET status = 'approved', approved_at = $2, start_before = $2 WHERE id = $1",
        *(plan.plan_id, now),
    )
    await told(connection, plan, [(1, "plan_approved")])


async def told(
    connection: asyncpg.Connection, plan: WorkPlan, events: list[tuple[int, str]]
) -> None:
    """Insert audit events, numbered from outside."""
    now = datetime.now(UTC)
    rows = [
        (new_id(), plan.request_id, plan.plan_id, number + 1, kind, AGENT, "{}", "", now)
        for number, kind in events
    ]
    await connection.executemany(
        "INSERT INTO audit_events (id, request_id, plan_id, subject, sequence, kind, actor,"
        " details, correlation_id, at) VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9)",
        rows,
    )


async def handed_over(connection: asyncpg.Connection, attempts: list[Attempt]) -> None:
    """Insert attempts, their logs, routing decisions, audit events and messages."""
    now = datetime.now(UTC)
    await connection.executemany(
        "INSERT INTO attempts (id, task_id, plan_id, number, round, agent_id, incarnation, status,"
        " sequence, reserved, lease_until, cancel_wanted, created_at)"
        " VALUES ($1, $2, $3, 1, 1, $4, 'one', 'queued', 0, '{}', $5, false, $6)",
        [
            (
                each.key,
                each.task.task_id,
                each.plan.plan_id,
                AGENT,
                now + timedelta(seconds=30),
                now,
            )
            for each in attempts
        ],
    )
    await connection.executemany(
        "INSERT INTO execution_logs (id, plan_id, task_id, attempt_id, attempt_number,"
        " step_number, agent_id, work_type, status, output, reason, use)"
        " VALUES ($1, $2, $3, $4, 1, $5, $6, $7, 'queued', '', '', '{}')",
        [
            (
                *(new_id(), each.plan.plan_id, each.task.task_id, each.key),
                *(each.task.step_number, AGENT, each.task.capability),
            )
            for each in attempts
        ],
    )
    await connection.executemany(
        "INSERT INTO routing_decisions (id, plan_id, task_id, attempt_id, attempt_number,"
        " agent_id, score, sentence, candidates, decided_at)"
        " VALUES ($1, $2, $3, $4, 1, $5, 50, 'the only one that can', $6, $7)",
        [
            (
                *(new_id(), each.plan.plan_id, each.task.task_id, each.key, AGENT),
                *(json.dumps([{"agent_id": AGENT, "score": 50}]), now),
            )
            for each in attempts
        ],
    )
    first = 1 + attempts[0].task.step_number
    await told(
        connection,
        attempts[0].plan,
        [(first + place, "task_routed") for place in range(len(attempts))],
    )
    await connection.executemany(
        "INSERT INTO outbox (id, queue, message_type, body, attempt_id, tries, claimed_until,"
        " created_at) VALUES ($1, 'work', 'work_request', $2, $3, 1, $4, $4)",
        [(new_id(), _body(each), each.key, now) for each in attempts],
    )


@asynccontextmanager
async def floor(*, reads: bool = True) -> AsyncIterator[Floor]:
    """Open everything that the floor needs; with `reads`, a process that reads the work."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database())
        prefix = await stack.enter_async_context(queues("work", "done"))
        store = Store(url)
        stack.push_async_callback(store.close)
        pool = await stack.enter_async_context(
            asyncpg.create_pool(plain(url), min_size=_CONNECTIONS, max_size=_CONNECTIONS)
        )
        await _with_agent(pool)
        connection = await stack.enter_async_context(await aio_pika.connect(RABBIT))
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        for name in ("work", "done"):
            await channel.declare_queue(
                prefix + name, durable=True, arguments={"x-queue-type": "quorum"}
            )
        reader = None
        if reads:
            consumer = watched("floor_consumer", RABBIT, f"{prefix}work")
            reader = await stack.enter_async_context(consumer)
            await reader.seen("ready")
        yield Floor(store, pool, channel.default_exchange, prefix, reader)


async def _with_agent(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO agents (id, name, agent_type, incarnation, labels, specializations,"
        " capabilities, slots, status, load, free, registered_at, last_seen_at)"
        " VALUES ($1, $1, 'bench', 'one', '{}', '[]', '{}', 8, 'ready', 0, '{}', now(), now())",
        AGENT,
    )
