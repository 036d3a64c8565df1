"""Alembic's entry: migrations run on the connection that `orchestrator.store.migrate` hands in."""

from datetime import UTC, datetime
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import insert

from orchestrator.store.tables import metadata, schema_versions


def _note_version(*, ctx: MigrationContext, step: MigrationInfo, **_: Any) -> None:  # noqa: ANN401
    """Leave word for older programs: whether they may still work on this schema."""
    script = step.up_revision
    oldest = getattr(script.module, "oldest_program", None) if script is not None else None
    if not step.is_upgrade or script is None or oldest is None or ctx.connection is None:
        return
    row = {
        "revision": script.revision,
        "oldest_program": oldest,
        "migrated_at": datetime.now(UTC),
    }
    ctx.connection.execute(insert(schema_versions).values(row))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    on_version_apply=_note_version,
)
with context.begin_transaction():
    context.run_migrations()
