"""What the database says, read past every proxy; and a hand that changes it on the quiet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from orchestrator.protocol import control_queue, work_queue
from orchestrator.store import tables
from orchestrator.store.dialects import dialect_for

Row = dict[str, Any]
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

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def records(self) -> Records:
        """Return everything, oldest first."""
        async with self._engine.connect() as connection:

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
        moving = ("pending_approval", "approved", "executing")
        outbox = tables.outbox
        questions = (
            (tables.requests, tables.requests.c.status == "pending"),
            (tables.plans, tables.plans.c.status.in_(moving)),
            (tables.attempts, tables.attempts.c.ended_at.is_(None)),
            (outbox, outbox.c.sent_at.is_(None) & outbox.c.failed_at.is_(None)),
        )
        async with self._engine.connect() as connection:
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
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(table.c.at, table.c.kind, table.c.actor, table.c.details)
                .where(table.c.subject.in_([plan_id, request_id]))
                .order_by(table.c.at, table.c.sequence)
            )
            return [dict(row) for row in found.mappings()]

    async def agent_queues(self) -> list[str]:
        """Return the queues of every agent that ever registered."""
        async with self._engine.connect() as connection:
            found = await connection.execute(select(tables.agents.c.id))
            agents = [str(row[0]) for row in found]
        return [name for agent in agents for name in (work_queue(agent), control_queue(agent))]

    async def change_step(self, plan_number: int) -> bool:
        """Put the first step of a plan in place of its last, as somebody with the file might."""
        columns = tables.tasks.c
        async with self._engine.connect() as connection:
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
    engine = dialect_for(database_url).engine()
    try:
        yield Archive(engine)
    finally:
        await engine.dispose()
