"""Backups of whichever database is configured, and the copy that precedes a migration."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from orchestrator.errors import StoreError
from orchestrator.store import postgres_dumps, sqlite_copies
from orchestrator.store.migrate import knows, look, newest_revision, upgrade
from orchestrator.store.unit_of_work import Store

_KEPT_COPIES = 5
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did; `copy` is where the database is kept as it was before."""

    before: str | None
    now: str | None
    copy: Path | None = None


def backup_name(store: Store, kind: str, revision: str | None) -> str:
    """Return a file name that says what it is, which schema it has, and when it was made."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    ending = "dump" if store.dialect.name == "postgresql" else "db"
    return f"{kind}-{revision or 'none'}-{moment}.{ending}"


async def answering(store: Store) -> None:
    """Make sure that there is a database to work on.

    Raises:
        StoreError: it does not answer.
    """
    if not await store.answers():
        at = make_url(store.url)
        where = at.database if at.host is None else f"{at.host}:{at.port or 5432}/{at.database}"
        raise StoreError(
            f"The database {where} does not answer. Start it, or correct CHIFFON_DATABASE_URL."
        )


async def backup(store: Store, file: Path) -> str:
    """Write the whole database into `file`, while it is in use; return its schema revision.

    Raises:
        StoreError: it cannot be copied or written; `file` is as it was.
    """
    if store.dialect.name == "postgresql":
        return await asyncio.to_thread(postgres_dumps.dump_database, make_url(store.url), file)
    return await asyncio.to_thread(sqlite_copies.copy_database, _file_of(store), file)


async def check_backup(store: Store, file: Path) -> str:
    """Return a backup's schema revision once it is sure that it can be restored here.

    Raises:
        StoreError: it is no backup of Chiffon's, of the other kind of database, or newer.
    """
    revision = await asyncio.to_thread(_revision_in, store, file)
    if not knows(revision):
        raise StoreError(
            f"{file} was made by a newer Chiffon (schema {revision}, this one knows "
            f"{newest_revision()}). Install that version to restore it."
        )
    return revision


async def refuse_company(store: Store) -> None:
    """Make sure that nobody else uses a server's database.

    Raises:
        StoreError: others are connected.
    """
    if store.dialect.name != "postgresql":
        return
    async with store.engine.connect() as connection:
        others = await connection.scalar(_OTHERS)
    if others:
        count = "1 other connection uses" if others == 1 else f"{others} other connections use"
        raise StoreError(f"{count} the database. Stop every Chiffon that works on it first.")


async def restore(store: Store, file: Path, kept: Path) -> bool:
    """Replace the database by a checked backup; say whether there was one to keep as `kept`.

    Nobody else may use the database meanwhile; the store is closed afterwards.

    Raises:
        StoreError: it cannot be kept or replaced; it is as it was.
    """
    if store.dialect.name == "postgresql":
        is_kept = await _has_schema(store)
        if is_kept:
            await backup(store, kept)
        await store.close()
        await asyncio.to_thread(postgres_dumps.load_dump, make_url(store.url), file)
        return is_kept
    await store.close()
    return await asyncio.to_thread(_replace_file, file, _file_of(store), kept)


def _replace_file(file: Path, database: Path, kept: Path) -> bool:
    is_kept = database.exists()
    if is_kept:
        try:
            sqlite_copies.copy_database(database, kept)
        except StoreError:
            sqlite_copies.keep_as_it_is(database, kept)
    sqlite_copies.put_back(file, database)
    return is_kept


async def bring_up(store: Store, folder: Path) -> Upgraded:
    """Migrate; an older embedded database is copied into `folder` first, the last few are kept.

    Raises:
        SettingsError: the database was written by a newer version.
        StoreError: it could not be copied, or others kept it locked.
    """
    standing = await look(store)
    copy = None
    if standing.current is not None and standing.missing and store.dialect.name == "sqlite":
        copy = folder / backup_name(store, "chiffon", standing.current)
        await backup(store, copy)
        await asyncio.to_thread(_forget_old_copies, folder)
    await upgrade(store)
    after = standing.newest if standing.known else standing.current
    return Upgraded(before=standing.current, now=after, copy=copy)


def _forget_old_copies(folder: Path) -> None:
    for old in sorted(folder.glob("chiffon-*.db"), key=_made_at)[:-_KEPT_COPIES]:
        old.unlink(missing_ok=True)


def _made_at(file: Path) -> str:
    return file.stem.rpartition("-")[2]


def _file_of(store: Store) -> Path:
    name = make_url(store.url).database
    if not name or name == ":memory:":
        raise StoreError("A database in memory has no file; set CHIFFON_DATABASE_URL to one.")
    return Path(name)


def _revision_in(store: Store, file: Path) -> str:
    try:
        if store.dialect.name == "postgresql":
            if not postgres_dumps.looks_like_dump(file):
                raise StoreError(f"{file} is no dump of a PostgreSQL database of Chiffon's.")
            return postgres_dumps.revision_of_dump(file)
        if not sqlite_copies.looks_like_sqlite(file):
            raise StoreError(f"{file} is no copy of an SQLite database of Chiffon's.")
        return sqlite_copies.revision_of(file)
    except OSError as fault:
        raise StoreError(f"{file} cannot be read: {fault.strerror}.") from fault


async def _has_schema(store: Store) -> bool:
    return (await look(store)).current is not None
