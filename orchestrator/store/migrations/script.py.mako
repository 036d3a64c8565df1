"""${message}."""

import sqlalchemy as sa
from alembic import op

from orchestrator.store.types import Json, UtcDateTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
oldest_program = ${repr(down_revision)}  # the oldest newest-known revision that may still run on it


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
