"""Keep claims and retention on indexes after years of rows; say who may work on a schema."""

import sqlalchemy as sa
from alembic import op

from orchestrator.store.new_index import NewIndex, add, remove
from orchestrator.store.types import UtcDateTime

revision = "0002"
down_revision = "0001"
oldest_program = "0001"  # it adds only; a program of 0001 does not look at what is new
online_indexes = (
    NewIndex("ix_inbox_received_at", "inbox", ("received_at",)),
    NewIndex(
        "ix_plans_under_way", "plans", ("id",), "status IN ('approved', 'executing', 'waiting')"
    ),
    NewIndex("ix_requests_pending", "requests", ("id",), "status = 'pending'"),
)


def upgrade() -> None:
    op.create_table(
        "schema_versions",
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.Column("oldest_program", sa.String(length=32), nullable=False),
        sa.Column("migrated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_schema_versions")),
    )
    add(online_indexes)


def downgrade() -> None:
    remove(online_indexes)
    op.drop_table("schema_versions")
