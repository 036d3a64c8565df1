"""An index that a migration adds: built beside the work that goes on, where the database can.

PostgreSQL builds it concurrently, outside any transaction: nobody waits for it, and it waits for
transactions that are older than itself. What such a build leaves when it is interrupted is
marked invalid, and is built anew. SQLite has one writer, so the migration's transaction does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic import op
from sqlalchemy import Connection, inspect, text

_VALID = text(
    "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    " WHERE relname = :name AND relnamespace = CAST(current_schema() AS regnamespace)"
)


@dataclass(frozen=True)
class NewIndex:
    """Name, table, columns, and the rows that it covers (SQL; None: all of them)."""

    name: str
    table: str
    columns: tuple[str, ...]
    where: str | None = None

    @property
    def condition(self) -> dict[str, Any]:
        """The condition as Alembic takes it."""
        if self.where is None:
            return {}
        return {"sqlite_where": text(self.where), "postgresql_where": text(self.where)}


def build_concurrently(connection: Connection, indexes: Sequence[NewIndex]) -> None:
    """Build on PostgreSQL what is missing or was left half built; the connection autocommits."""
    for index in indexes:
        valid = connection.execute(_VALID, {"name": index.name}).scalar()
        if valid is False:
            connection.execute(text(f"DROP INDEX CONCURRENTLY {index.name}"))
        if not valid:
            condition = f" WHERE {index.where}" if index.where else ""
            columns = ", ".join(index.columns)
            made = f"CREATE INDEX CONCURRENTLY {index.name} ON {index.table} ({columns})"
            connection.execute(text(made + condition))


def add(indexes: Sequence[NewIndex]) -> None:
    """Create, within a migration, those that are not there."""
    inspector = inspect(op.get_bind())
    for index in indexes:
        if index.name not in {each["name"] for each in inspector.get_indexes(index.table)}:
            op.create_index(index.name, index.table, [*index.columns], **index.condition)


def remove(indexes: Sequence[NewIndex]) -> None:
    """Drop them again, within a downgrade."""
    for index in reversed(indexes):
        op.drop_index(index.name, table_name=index.table)
