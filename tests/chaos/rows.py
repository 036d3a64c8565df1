"""What the database says, read past every proxy; and a hand that changes it on the quiet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orchestrator.protocol import control_queue, work_queue
from orchestrator.store import tables
from orchestrator.store.dialects import Dialect, dialect_for
from tests.plugins.waiting import until

Row = dict[str, Any]
_AWAY_SECONDS = 60.0
_CHANGED_BY_A_TAMPERER = (
    "capability", "idempotent", "entry_digest", "timeout_seconds", "parameters", "digest"
)  # fmt: skip


@dataclass(frozen=True)
class Records:
    """All that counts, as it was at one moment."""

    requests: list[Row]
    plans: list[Row]
    tasks: list[Row]
    attempts: list[Row]
    approvals: list[Row]
    unsent: list[Row]


class Archive:
    """Reads the database of a run."""

    def __init__(self, engine: AsyncEngine, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection, once the database is there."""
        found: list[AsyncConnection] = []

        async def here() -> bool:
            try:
                found.append(await self._engine.connect())
            except (SQLAlchemyError, OSError) as fault:
                if not self._dialect.is_outage(fault):
                    raise
            return bool(found)

        await until(here, what="the database answers", seconds=_AWAY_SECONDS)
        try:
            yield found[0]
        finally:
            await found[0].close()

    async def records(self) -> Records:
        """Return everything, oldest first."""
        async with self._connected() as connection:

            async def all_of(table: Table, *columns: str) -> list[Row]:
                wanted = [table.c[name] for name in columns or table.c.keys()]
                found = await connection.execute(select(*wanted).order_by(table.c.id))
                return [dict(row) for row in found.mappings()]

            outbox = tables.outbox
            unsent = await connection.execute(
                select(outbox.c.id, outbox.c.queue, outbox.c.message_type, outbox.c.error).where(
                    outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None)
                )
            )
            return Records(
                requests=await all_of(tables.requests, "id", "status", "source_key"),
                plans=await all_of(tables.plans, "id", "number", "request_id", "status"),
                tasks=await all_of(
                    tables.tasks, "id", "plan_id", "step_number", "capability", "status", "reason"
                ),
                attempts=await all_of(tables.attempts),
                approvals=await all_of(tables.approvals, "id", "plan_id", "decision", "source_key"),
                unsent=[dict(row) for row in unsent.mappings()],
            )

    async def unsettled(self) -> list[int]:
        """Return how many requests, plans, attempts and messages still wait for something."""
        moving = ("approved", "executing")
        outbox = tables.outbox
        questions = (
            (tables.requests, tables.requests.c.status == "pending"),
            (tables.plans, tables.plans.c.status.in_(moving)),
            (tables.attempts, tables.attempts.c.ended_at.is_(None)),
            (outbox, outbox.c.sent_at.is_(None) & outbox.c.failed_at.is_(None)),
        )
        async with self._connected() as connection:
            return [
                int(
                    (
                        await connection.execute(
                            select(func.count()).select_from(table).where(condition)
                        )
                    ).scalar_one()
                )
                for table, condition in questions
            ]

    async def story(self, plan_id: str, request_id: str) -> list[Row]:
        """Return what was written down about a plan, in its order."""
        table = tables.audit_events
        async with self._connected() as connection:
            found = await connection.execute(
                select(table.c.at, table.c.kind, table.c.actor, table.c.details)
                .where(table.c.subject.in_([plan_id, request_id]))
                .order_by(table.c.at, table.c.sequence)
            )
            return [dict(row) for row in found.mappings()]

    async def agent_queues(self) -> list[str]:
        """Return the queues of every agent that ever registered."""
        async with self._connected() as connection:
            found = await connection.execute(select(tables.agents.c.id))
            agents = [str(row[0]) for row in found]
        return [name for agent in agents for name in (work_queue(agent), control_queue(agent))]

    async def change_step(self, plan_number: int) -> bool:
        """Put the first step of a plan in place of its last, as somebody with the file might."""
        columns = tables.tasks.c
        async with self._connected() as connection:
            _ = await connection.execution_options(chiffon_write=True)
            found = await connection.execute(
                select(tables.tasks)
                .join(tables.plans, tables.plans.c.id == columns.plan_id)
                .where(tables.plans.c.number == plan_number)
                .order_by(columns.step_number)
            )
            steps = list(found.mappings())
            if len(steps) < 2:
                return False
            values = {name: steps[0][name] for name in _CHANGED_BY_A_TAMPERER}
            _ = await connection.execute(
                update(tables.tasks).where(columns.id == steps[-1]["id"]).values(values)
            )
            await connection.commit()
        return True


@asynccontextmanager
async def opened_archive(database_url: str) -> AsyncIterator[Archive]:
    """Open the database; it is let go of at the end."""
    dialect = dialect_for(database_url)
    engine = dialect.engine()
    try:
        yield Archive(engine, dialect)
    finally:
        await engine.dispose()
