"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import JSON, DateTime, Dialect, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

Id = String(36)
"""A UUIDv7 in text form; text sorts as the UUID does."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; JSONB on PostgreSQL."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Stored in UTC, read back aware; a naive value is refused.

    SQLite has no time zones: there the UTC wall time is stored as text.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into what the database stores."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive time cannot be stored; give it a time zone"
            raise ValueError(message)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn what was stored into an aware instant."""
        del dialect
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)
