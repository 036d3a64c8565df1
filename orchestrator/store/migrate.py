"""Bring a database to this version's schema. Migrations are package data beside this file.

One at a time migrates, each migration is a transaction of its own, and none keeps others waiting
for longer than a second: it gives up its place in the queue and tries again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orchestrator.errors import SettingsError, StoreError
from orchestrator.store.new_index import build_concurrently
from orchestrator.store.tables import schema_versions
from orchestrator.store.unit_of_work import Store

_FOLDER = Path(__file__).parent / "migrations"
_TRYING_SECONDS = 120.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Standing:
    """Where a database's schema stands, seen from this program.

    `current` is None for an empty database. `oldest_program` is what a newer program left word
    of: the oldest newest-known revision whose program may still work on the database.
    """

    current: str | None
    newest: str
    missing: tuple[str, ...]
    known: bool
    oldest_program: str | None = None

    @property
    def usable(self) -> bool:
        """Whether this program may work on it as it is."""
        if self.known:
            return not self.missing
        return self.oldest_program is not None and self.oldest_program <= self.newest

    def refuse_newer(self) -> None:
        """Raise SettingsError where a newer program has made it unfit for this one."""
        if not self.known and not self.usable:
            raise SettingsError(
                f"The database was written by a newer Chiffon (schema {self.current}). "
                "Install that version, or give this one another CHIFFON_HOME."
            )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@cache
def _scripts() -> ScriptDirectory:
    """Return the migrations; they are part of the program and read once."""
    return ScriptDirectory.from_config(_config())


def newest_revision() -> str:
    """Return the revision that this version's schema has."""
    return str(_scripts().get_current_head())


def knows(revision: str) -> bool:
    """Say whether this program can bring a schema of that revision up to its own."""
    try:
        return _scripts().get_revision(revision) is not None
    except CommandError:
        return False


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _look(connection: Connection) -> Standing:
    current = _current(connection)
    scripts, newest = _scripts(), newest_revision()
    if current is not None and not knows(current):
        oldest = _oldest_program(connection, current)
        return Standing(current, newest, (), known=False, oldest_program=oldest)
    path = scripts.iterate_revisions(newest, current or "base")
    missing = tuple(reversed([script.revision for script in path]))
    return Standing(current, newest, missing, known=True)


def _oldest_program(connection: Connection, current: str | None) -> str | None:
    if not inspect(connection).has_table(schema_versions.name):
        return None
    kept = select(schema_versions.c.oldest_program).where(schema_versions.c.revision == current)
    found = connection.execute(kept).scalar()
    return None if found is None else str(found)


async def look(store: Store) -> Standing:
    """Say where a database's schema stands; nothing is changed."""
    async with store.engine.connect() as connection:
        return await connection.run_sync(_look)


async def schema_revision(store: Store) -> str | None:
    """Return the schema's revision; None for an empty database."""
    async with store.engine.connect() as connection:
        return await connection.run_sync(_current)


async def require(store: Store) -> None:
    """Make sure, without changing anything, that this program may work on the database.

    Raises:
        SettingsError: it is older than this program, or too new for it.
    """
    standing = await look(store)
    standing.refuse_newer()
    if standing.missing:
        found = f"has schema {standing.current}" if standing.current else "is empty"
        raise SettingsError(
            f"The database {found}, this Chiffon needs {standing.newest}: "
            "run `chiffon db upgrade` first."
        )


async def upgrade(store: Store) -> None:
    """Run the migrations that are missing, each in one transaction; replicas wait for each other.

    A newer database that this program may still work on is left as it is.

    Raises:
        SettingsError: the database was written by a newer version.
        StoreError: others kept the database locked for all of two minutes.
    """
    try:
        async with store.dialect.alone(store.engine, "migration"):
            standing = await _standing_for_work(store)
            async with store.patient_engine() as engine:
                for revision in standing.missing:
                    await _migrate(store, engine, _script(revision))
    except DBAPIError as fault:
        if not store.dialect.is_passing(fault):
            raise
        message = (
            "The database could not be migrated: somebody else keeps it locked. Nothing is half "
            "done. End what holds it (a long transaction, another program), then try again."
        )
        raise StoreError(message) from fault
    if standing.current is not None and standing.missing:
        _log.info("database_migrated", before=standing.current, now=standing.newest)


async def _standing_for_work(store: Store) -> Standing:
    """Look what is to be done; a file that another process is turning to write-ahead waits."""
    async for attempt in store.tries():
        with attempt:
            async with store.begin() as connection:
                standing = await connection.run_sync(_look)
            standing.refuse_newer()
            return standing
    raise AssertionError("unreachable: the last try returns or raises")


def _script(revision: str) -> Script:
    return _scripts().get_revision(revision)


async def _migrate(store: Store, engine: AsyncEngine, script: Script) -> None:
    indexes = getattr(script.module, "online_indexes", ())
    async for attempt in store.tries(attempts=None, seconds=_TRYING_SECONDS, longest=5.0):
        with attempt:
            if indexes and store.dialect.builds_online:
                async with _autocommitting(store, engine) as connection:
                    await connection.run_sync(partial(build_concurrently, indexes=indexes))
            async with store.begin(engine) as connection:
                await store.dialect.limit_waits(connection)
                await connection.run_sync(partial(_run, revision=script.revision))


@asynccontextmanager
async def _autocommitting(store: Store, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection that takes as long as it needs, and that nobody uses afterwards."""
    async with engine.connect() as connection:
        _ = await connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            await store.dialect.take_time(connection)
            yield connection
        finally:
            await connection.invalidate()


def _run(connection: Connection, revision: str) -> None:
    if revision in _look(connection).missing:  # another process may have been first
        command.upgrade(_config(connection), revision)
