"""What every repository shares: the open transaction, what it holds, and the guarded update."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Executable,
    RowMapping,
    Table,
    bindparam,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.domain.plan import ResourceNeed
from orchestrator.errors import Conflict
from orchestrator.store.changes import Changes
from orchestrator.store.dialects import Dialect
from orchestrator.store.held import Held


def one_of(column: Column[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Compare with values that stand in the statement itself.

    Only so can a database see, before it knows any parameter, that a partial index covers the
    rows; SQLite wants the very words of the index's own condition.
    """
    fixed: BindParameter[str] = bindparam(None, list(values), expanding=True, literal_execute=True)
    return column.in_(fixed)


class Session:
    """One transaction: its connection, its database's ways, its time, the plans that it holds.

    What is written through `changes` is in the database before anything is read, and before the
    commit: nobody can tell it from a statement of its own.
    """

    def __init__(
        self, connection: AsyncConnection, dialect: Dialect, now: datetime | None = None
    ) -> None:
        self.connection = connection
        self.dialect = dialect
        self.changes = Changes()
        self.held: dict[str, Held] = {}
        self.holders: dict[str, Held] = {}  # by the ids of tasks and attempts
        self.sequences: dict[str, int] = {}  # the last number of a story, by its subject
        self.traces: dict[str, str] = {}  # correlation ids by request
        self.booked: dict[str, ResourceNeed] = {}  # since agents were read; given back: negative
        self.unused_keys: set[str] = set()  # under which no decision has come in
        self.news: set[str] = set()  # tables that got rows which were not known before
        self._written = 0
        self.touched: set[tuple[str, str]] = set()
        self._now = now

    @property
    def now(self) -> datetime:
        """The database's time at the start of the transaction.

        Raises:
            RuntimeError: the first statement, which brings it, has not been run.
        """
        if self._now is None:
            raise RuntimeError("the transaction has not begun")
        return self._now

    @property
    def written(self) -> int:
        """Rises with every change, made or decided."""
        return self._written + self.changes.count

    async def begin_at(self, now: datetime | None) -> None:
        """Take the time that the first statement brought; ask for it where it brought none."""
        if self._now is None:
            self._now = now or await self.dialect.now(self.connection)

    def touch(self, table: Table, key: str) -> None:
        """Remember that a row was changed which a plan's card shows."""
        self.touched.add((table.name, key))

    def book(self, agent_id: str, need: ResourceNeed, *, back: bool = False) -> None:
        """Remember what an attempt takes of its agent, or gives back."""
        sign = -1 if back else 1
        so_far = self.booked.get(agent_id, ResourceNeed())
        self.booked[agent_id] = ResourceNeed(
            cpu_cores=so_far.cpu_cores + sign * need.cpu_cores,
            memory_mb=so_far.memory_mb + sign * need.memory_mb,
            gpu_vram_mb=so_far.gpu_vram_mb + sign * need.gpu_vram_mb,
        )

    def set(
        self,
        table: Table,
        key: str,
        values: Mapping[str, object],
        *,
        sources: Collection[str] | None = None,
    ) -> None:
        """Set columns of a row of a plan that is held; the guard is checked when it is written."""
        self.changes.update(table, key, values, sources=sources)

    async def flush(self) -> None:
        """Write what was decided."""
        if self.changes:
            changes, self.changes = self.changes, Changes()
            self._written += changes.count
            self.news |= await self.dialect.write(self.connection, changes, self.now)

    async def execute(self, statement: Executable) -> int:
        """Run a statement; return how many rows it changed."""
        await self.flush()
        result = await self.connection.execute(statement)
        self._written += 1
        return getattr(result, "rowcount", 0)

    async def insert_new(self, table: Table, **row: object) -> bool:
        """Insert a row unless a unique key already has it; say whether it was new."""
        return await self.execute(self.dialect.insert_new(table, row)) == 1

    async def one(self, statement: Executable) -> RowMapping | None:
        """Return the first row, or None."""
        await self.flush()
        return (await self.connection.execute(statement)).mappings().first()

    async def rows(self, statement: Executable) -> list[RowMapping]:
        """Return every row."""
        await self.flush()
        return list((await self.connection.execute(statement)).mappings())

    async def scalar(self, statement: Executable) -> Any:  # noqa: ANN401 - any column
        """Return the first column of the first row, or None."""
        await self.flush()
        return (await self.connection.execute(statement)).scalar()

    async def move(
        self, table: Table, key: str, sources: Collection[str], target: str, **values: object
    ) -> bool:
        """Set `status` to `target` if it is one of `sources`; say whether it was.

        The old status stands in the WHERE clause, so that of two racing moves one wins.
        """
        statement = (
            update(table)
            .where(table.c.id == key, table.c.status.in_(sorted(sources)))
            .values(status=target, **values)
        )
        moved = await self.execute(statement) == 1
        if moved:
            self.touch(table, key)
        return moved

    async def must_move(
        self, table: Table, key: str, sources: Collection[str], target: str, **values: object
    ) -> None:
        """Move as `move` does.

        Raises:
            Conflict: the row was in none of `sources`.
        """
        if not await self.move(table, key, sources, target, **values):
            raise Conflict.of_move(sources, target)
