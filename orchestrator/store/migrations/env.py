"""Alembic's entry: migrations run on the connection that `orchestrator.store.migrate` hands in."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import insert

from orchestrator.store.tables import metadata, schema_versions


def _note_version(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Leave word for older programs: whether they may still work on this schema."""
    del heads, run_args
    script = step.up_revision
    oldest = getattr(script.module, "oldest_program", None) if isinstance(script, Script) else None
    if step.is_upgrade and script is not None and oldest and ctx.connection is not None:
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
