"""What every repository shares: the open transaction, and the guarded update."""

from collections.abc import Collection, Sequence
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

from orchestrator.errors import Conflict
from orchestrator.store.dialects import Dialect


def one_of(column: Column[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Compare with values that stand in the statement itself.

    Only so can a database see, before it knows any parameter, that a partial index covers the
    rows; SQLite wants the very words of the index's own condition.
    """
    fixed: BindParameter[str] = bindparam(None, list(values), expanding=True, literal_execute=True)
    return column.in_(fixed)


class Session:
    """One transaction: its connection, its database's ways, its time."""

    def __init__(self, connection: AsyncConnection, dialect: Dialect, now: datetime) -> None:
        self.connection = connection
        self.dialect = dialect
        self.now = now
        self.touched: set[tuple[str, str]] = set()

    def touch(self, table: Table, key: str) -> None:
        """Remember that a row was changed which a plan's card shows."""
        self.touched.add((table.name, key))

    async def execute(self, statement: Executable) -> int:
        """Run a statement; return how many rows it changed."""
        result = await self.connection.execute(statement)
        return getattr(result, "rowcount", 0)

    async def insert_new(self, table: Table, **row: object) -> bool:
        """Insert a row unless a unique key already has it; say whether it was new."""
        return await self.execute(self.dialect.insert_new(table, row)) == 1

    async def one(self, statement: Executable) -> RowMapping | None:
        """Return the first row, or None."""
        return (await self.connection.execute(statement)).mappings().first()

    async def rows(self, statement: Executable) -> list[RowMapping]:
        """Return every row."""
        return list((await self.connection.execute(statement)).mappings())

    async def scalar(self, statement: Executable) -> Any:  # noqa: ANN401 - any column
        """Return the first column of the first row, or None."""
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
            raise Conflict(
                f"It is no longer {' or '.join(sorted(sources))}, so it cannot become {target}.",
                "Look again where it stands.",
            )
