"""Bring a database to this version's schema. Migrations are package data beside this file."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from orchestrator.errors import SettingsError
from orchestrator.store.unit_of_work import Store

_FOLDER = Path(__file__).parent / "migrations"


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    config = _config(connection)
    known = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    try:
        known.get_revision(current or "base")
    except CommandError as fault:
        message = (
            f"The database was written by a newer Chiffon (schema {current}). "
            "Install that version, or give this one another CHIFFON_HOME."
        )
        raise SettingsError(message) from fault
    command.upgrade(config, "head")


async def upgrade(store: Store) -> None:
    """Run the migrations that are missing, all in one transaction; replicas wait for each other.

    Raises:
        SettingsError: the database was written by a newer version.
    """
    async for attempt in store.tries():
        with attempt:
            async with store.begin() as connection:
                await store.dialect.take_turn(connection, "migration")
                await connection.run_sync(_upgrade)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def schema_revision(store: Store) -> str | None:
    """Return the schema's revision; None for an empty database."""
    async with store.engine.connect() as connection:
        return await connection.run_sync(_current)


def newest_revision() -> str | None:
    """Return the revision that this version's schema has."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head()
