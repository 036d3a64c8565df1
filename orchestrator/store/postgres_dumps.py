"""Dumps of a PostgreSQL database, by the client programs that PostgreSQL comes with.

Passwords travel in the environment, never in an argument list that everybody may read.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL

from orchestrator.errors import StoreError

_MAGIC = b"PGDMP"
_PREFACE = """
SET lock_timeout = '5s';
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', each.tablename);
  END LOOP;
END $$;
"""
_TLS = {"ssl": "PGSSLMODE", "sslmode": "PGSSLMODE"}
_TLS_FILES = {"sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


def looks_like_dump(file: Path) -> bool:
    """Say whether a file begins as a dump in PostgreSQL's custom format does."""
    with file.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def dump_database(url: URL, target: Path) -> str:
    """Dump a database, whoever writes to it meanwhile; return the dump's schema revision.

    Raises:
        StoreError: a client program is missing or failed, or `target` cannot be written.
    """
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _run(url, ["pg_dump", "--format=custom", *_plain(), f"--file={fresh}"])
        revision = revision_of_dump(fresh)
        with fresh.open("rb") as stream:
            os.fsync(stream.fileno())
        fresh.replace(target)
    except OSError as fault:
        message = f"{fault.filename or target} cannot be written: {fault.strerror}."
        raise StoreError(f"{message} Name another file.") from fault
    finally:
        fresh.unlink(missing_ok=True)
    return revision


def revision_of_dump(file: Path) -> str:
    """Return the schema revision of what a dump holds.

    Raises:
        StoreError: it is no dump of Chiffon's.
    """
    table = ["--data-only", "--table=alembic_version", "--file=-"]
    lines = _run(None, ["pg_restore", *table, str(file)]).splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("COPY ")]
    if len(heads) != 1 or not lines[heads[0] + 1].isalnum():
        raise StoreError(f"{file} is no backup of Chiffon's: it names no schema version.")
    return lines[heads[0] + 1]


def load_dump(url: URL, dump: Path) -> None:
    """Make the database what the dump holds, in one transaction: all of it, or it is as it was.

    Raises:
        StoreError: a client program is missing or failed.
    """
    script = _run(None, ["pg_restore", *_plain(), "--file=-", str(dump)])
    arguments = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    _run(url, ["psql", *arguments, "--file=-"], _PREFACE + script)


def _plain() -> Sequence[str]:
    """Leave out who owns what: the database that a dump is loaded into has its own roles."""
    return ("--no-owner", "--no-privileges")


def _run(url: URL | None, command: Sequence[str], text: str | None = None) -> str:
    program = shutil.which(command[0])
    if program is None:
        raise StoreError(
            f"`{command[0]}` is not installed here. Install PostgreSQL's client programs "
            "(Debian: `apt install postgresql-client`), of the server's version or a newer one."
        )
    environment = {**os.environ, **({} if url is None else _connection(url))}
    done = subprocess.run(
        [program, *command[1:]],
        env=environment,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it did not say why"])[0]
        raise StoreError(f"`{command[0]}` failed: {said}")
    return done.stdout


def _connection(url: URL) -> dict[str, str]:
    """Return the address as libpq's environment variables."""
    parts = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        **{_TLS[name]: url.query[name] for name in _TLS if name in url.query},
        **{_TLS_FILES[name]: url.query[name] for name in _TLS_FILES if name in url.query},
    }
    return {name: str(value) for name, value in parts.items() if value is not None}
