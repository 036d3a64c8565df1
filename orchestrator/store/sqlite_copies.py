"""Copies of the embedded database: made while it is in use, checked, put back.

A copy is one file, readable by its owner only, there as a whole or not at all.
"""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from orchestrator.errors import StoreError

_MAGIC = b"SQLite format 3\0"
_BUSY_SECONDS = 15.0


def looks_like_sqlite(file: Path) -> bool:
    """Say whether a file begins as an SQLite database does."""
    with file.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def copy_database(source: Path, target: Path) -> str:
    """Copy a database, whoever writes to it meanwhile; return the copy's schema revision.

    Raises:
        StoreError: there is nothing to copy, it is damaged, or `target` cannot be written.
    """
    if not source.is_file():
        raise StoreError(f"There is no database at {source}: `chiffon up` makes one.")
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create_private(fresh)
        _copy_pages(source, fresh)
        revision = revision_of(fresh)
        _to_disk(fresh)
        fresh.replace(target)
        _to_disk(target.parent)
    except OSError as fault:
        message = f"{fault.filename or target} cannot be written: {fault.strerror}."
        raise StoreError(f"{message} Name another file.") from fault
    except sqlite3.Error as fault:
        raise StoreError(f"{source} could not be copied to {target}: {fault}.") from fault
    finally:
        fresh.unlink(missing_ok=True)
    return revision


def revision_of(file: Path) -> str:
    """Check a copy and return its schema revision.

    Raises:
        StoreError: it is damaged, or no database of Chiffon's.
    """
    try:
        with contextlib.closing(_opened(file, "ro")) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != ("ok",):
                raise StoreError(f"{file} is damaged ({found[0]}); nothing was changed.")
            row = connection.execute(
                "SELECT version_num FROM alembic_version WHERE EXISTS (SELECT 1 FROM plans)"
                " OR NOT EXISTS (SELECT 1 FROM plans)"
            ).fetchone()
    except sqlite3.Error as fault:
        raise StoreError(f"{file} is no backup of Chiffon's ({fault}).") from fault
    if row is None:
        raise StoreError(f"{file} is no backup of Chiffon's: it names no schema version.")
    return str(row[0])


def keep_as_it_is(database: Path, target: Path) -> None:
    """Copy a damaged database's files byte by byte: somebody may still get something out."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        origin = database.with_name(database.name + suffix)
        if origin.exists():
            kept = target.with_name(target.name + suffix)
            _create_private(kept)
            shutil.copyfile(origin, kept)


def put_back(copy: Path, database: Path) -> None:
    """Replace the database by a checked copy, in one step; nobody may have it open."""
    fresh = database.with_name(f".{database.name}.new")
    try:
        _create_private(fresh)
        _copy_pages(copy, fresh)
        _to_disk(fresh)
        _fold_in_log(database)
        fresh.replace(database)
        _to_disk(database.parent)
    except OSError as fault:
        message = f"{fault.filename or database} cannot be written: {fault.strerror}."
        raise StoreError(f"{message} The database is as it was.") from fault
    except sqlite3.Error as fault:
        raise StoreError(f"{copy} could not be put back: {fault}.") from fault
    finally:
        fresh.unlink(missing_ok=True)


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS
    )


def _copy_pages(source: Path, target: Path) -> None:
    """In one step: a reader of a write-ahead database holds up no writer."""
    with (
        contextlib.closing(_opened(source, "rw" if os.access(source, os.W_OK) else "ro")) as origin,
        contextlib.closing(_opened(target, "rw")) as copy,
    ):
        origin.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it


def _fold_in_log(database: Path) -> None:
    """Leave no write-ahead log behind: beside another database's file it would be read as its."""
    if database.exists():
        with (
            contextlib.suppress(sqlite3.DatabaseError),  # what is damaged is replaced too
            contextlib.closing(_opened(database, "rw")) as connection,
        ):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _create_private(file: Path) -> None:
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
