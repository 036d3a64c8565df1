"""Where SQLite and PostgreSQL differ, and nowhere else.

SQLite has one writer: a write transaction takes the lock at its BEGIN IMMEDIATE, so rows need
no locks of their own, and there is no SKIP LOCKED. It has no time zones either.
PostgreSQL locks rows, skips locked ones when claiming, and can refuse a transaction
(SQLSTATE 40001, 40P01), which is then run again as a whole.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import stamina
from sqlalchemy import (
    Column,
    ColumnElement,
    Executable,
    Select,
    String,
    Table,
    any_,
    bindparam,
    event,
    func,
    literal,
    null,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from orchestrator.store import silence
from orchestrator.store.changes import Changes, Row, Stale, Sums, Update
from orchestrator.store.postgresql import writing
from orchestrator.store.tables import metadata
from orchestrator.store.tls import without_tls
from orchestrator.store.types import UtcDateTime

_BUSY_SECONDS = 15
_RETRIED_SQLSTATES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock timeout
# Connection exceptions, idle too long in a transaction, shutdown, starting.
_LOST_SQLSTATES = ("08", "25P03", "57P01", "57P02", "57P03")
_OUTAGE_SQLSTATES = (*_LOST_SQLSTATES, *_RETRIED_SQLSTATES, "53", "57", "58")  # full, system error
_DISK_FULL = "53100"
_ENDING = asyncpg.InternalClientError
_SERVER_SETTINGS = {
    "statement_timeout": "30000",
    # A replica that is stopped in the middle of a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
}
_TURN_SECONDS = 1800.0
_BUILD_LIMIT = "30min"


class _Taken(Exception):
    """Another replica does the work."""


class Dialect(Protocol):
    """What the store needs to know of a database."""

    name: str
    builds_online: bool
    """Whether an index can be built, outside a transaction, while others write."""

    def __hash__(self) -> int: ...

    def engine(self, *, patient: bool = False) -> AsyncEngine:
        """Build the engine; a `patient` one waits for an answer however long it takes."""

    def alone(self, engine: AsyncEngine, work: str) -> AbstractAsyncContextManager[object]:
        """Wait until nobody else does `work`, and keep it so over several transactions."""

    async def limit_waits(self, connection: AsyncConnection) -> None:
        """Let this transaction give up a lock that does not come within a second."""

    async def take_time(self, connection: AsyncConnection) -> None:
        """Let this connection work as long as an index of many rows takes."""

    def write_turn(self) -> AbstractAsyncContextManager[object]:
        """Wait for this process's turn to write, where only one may."""

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Start a transaction that will write."""

    async def begin_read(self, connection: AsyncConnection) -> None:
        """Start a transaction that sees one state of the database until it ends."""

    async def take_turn(self, connection: AsyncConnection, work: str) -> None:
        """Wait until no other transaction does `work`, and keep it so until this one ends."""

    async def now(self, connection: AsyncConnection) -> datetime:
        """Return the database's wall clock, aware, in UTC."""

    def clock(self) -> ColumnElement[Any]:
        """Return what brings `now` along with the first statement; None where nothing does."""

    def among(self, column: Column[Any], keys: Collection[str]) -> ColumnElement[bool]:
        """Say that a text column is one of `keys`; one statement, however many there are."""

    def among_those(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """Say the same with a list that is given, as the parameter `name`, when it is run."""

    async def write(self, connection: AsyncConnection, changes: Changes, now: datetime) -> set[str]:
        """Make what a transaction has decided; return the tables in which `unless_known` was new.

        Raises:
            Stale: a guarded update did not find its row where it should be.
        """

    def locked(self, statement: Select[Any], of: Table | None = None) -> Select[Any]:
        """Lock the rows of `statement`, or of one of its tables, until the transaction ends."""

    def claimable(self, statement: Select[Any]) -> Select[Any]:
        """Lock the rows of `statement` that nobody else has locked; leave out the others."""

    def insert_new(self, table: Table, row: Mapping[str, object]) -> Executable:
        """Insert `row` unless a unique key already has it; the row count tells which."""

    def is_passing(self, fault: DBAPIError) -> bool:
        """Say whether the same transaction may succeed when it is run again."""

    def is_lost(self, fault: DBAPIError) -> bool:
        """Say whether the connection is gone, or none could be had."""

    def is_full(self, fault: DBAPIError) -> bool:
        """Say whether there was no room left on the database's disk."""

    def is_outage(self, fault: BaseException) -> bool:
        """Say whether the database could not be used: away, full, or locked by somebody else."""


class Sqlite:
    """The embedded database: one file, write-ahead log."""

    name = "sqlite"
    builds_online = False

    def __init__(self, url: str) -> None:
        """Take the address, `sqlite+aiosqlite:///FILE`."""
        self._url = url
        self._turn = asyncio.Lock()

    def engine(self, *, patient: bool = False) -> AsyncEngine:
        """Build the engine; every connection is durable, checks keys and waits for the lock."""
        del patient  # a file is never silent
        file = make_url(self._url).database
        if file and file != ":memory:":
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(self._url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine.sync_engine, "connect", self._prepare)
        event.listen(engine.sync_engine, "begin", self._begin_deferred)
        return engine

    @staticmethod
    def _prepare(connection: Any, record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        del record
        connection.isolation_level = None  # no implicit BEGIN: ours say what they are
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # a committed approval survives power loss
            "foreign_keys = ON",
            f"busy_timeout = {_BUSY_SECONDS * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @staticmethod
    def _begin_deferred(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own event
        if not connection.get_execution_options().get("chiffon_write", False):
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def write_turn(self) -> AbstractAsyncContextManager[object]:
        """Queue up in order: SQLite's own wait polls, and starves the unlucky."""
        return self._turn

    def alone(self, engine: AsyncEngine, work: str) -> AbstractAsyncContextManager[object]:
        """Do nothing: each transaction that writes is alone, and looks first what is to be done."""
        del engine, work
        return nullcontext()

    async def limit_waits(self, connection: AsyncConnection) -> None:
        """Do nothing: the transaction has the only lock there is."""

    async def take_time(self, connection: AsyncConnection) -> None:
        """Do nothing: no statement is ended for being slow."""

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Take the write lock now, so that what is read cannot change before the write."""
        _ = await connection.execution_options(chiffon_write=True)
        _ = await connection.begin()

    async def begin_read(self, connection: AsyncConnection) -> None:
        """Begin; the write-ahead log keeps what is seen as it was at the first look."""
        _ = await connection.begin()

    async def take_turn(self, connection: AsyncConnection, work: str) -> None:
        """Do nothing: a transaction that writes is alone anyway."""

    async def now(self, connection: AsyncConnection) -> datetime:
        """Read this machine's clock: an embedded database has no other."""
        del connection
        return datetime.now(UTC)

    def clock(self) -> ColumnElement[Any]:
        """Return nothing: the database has no clock."""
        return null()

    def among(self, column: Column[Any], keys: Collection[str]) -> ColumnElement[bool]:
        """Say it with IN."""
        return column.in_(list(keys))

    def among_those(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """Say it with IN."""
        return column.in_(bindparam(name, expanding=True))

    async def write(self, connection: AsyncConnection, changes: Changes, now: datetime) -> set[str]:
        """Write table by table; a statement costs no way over the network here."""
        news: set[str] = set()
        for table, rows in changes.inserts.items():
            _ = await connection.execute(table.insert(), _filled(rows))
        for table, rows in changes.unless_known.items():
            known = sqlite.insert(table).on_conflict_do_nothing()
            if (await connection.execute(known, _filled(rows))).rowcount:
                news.add(table.name)
        for table, sums in changes.sums.items():
            _ = await connection.execute(_added_up(table, sums), list(sums.rows.values()))
        for table, by, columns, updates in changes.updates():
            await self._update(connection, table, by, columns, updates)
        if changes.cards:
            cards = metadata.tables["cards"]
            newer = {"version_wanted": cards.c.version_wanted + 1, "updated_at": now}
            statement = cards.update().where(cards.c.plan_id.in_(sorted(changes.cards)))
            _ = await connection.execute(statement.values(newer))
        return news

    async def _update(
        self,
        connection: AsyncConnection,
        table: Table,
        by: str,
        columns: tuple[str, ...],
        rows: list[Update],
    ) -> None:
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
        plain = table.update().where(table.c[by] == bindparam("key")).values(values)
        for row in rows:
            statement = plain
            if row.sources is not None:
                statement = plain.where(table.c.status.in_(row.sources))
            found = {f"new_{name}": value for name, value in row.values.items()}
            result = await connection.execute(statement, {"key": row.key, **found})
            if row.sources is not None and result.rowcount != 1:
                raise Stale(f"{table.name} {row.key} is not {' or '.join(row.sources)}")

    def locked(self, statement: Select[Any], of: Table | None = None) -> Select[Any]:
        """Return it as it is: the transaction holds the only write lock."""
        del of
        return statement

    def claimable(self, statement: Select[Any]) -> Select[Any]:
        """Return it as it is: nobody else can be claiming."""
        return statement

    def insert_new(self, table: Table, row: Mapping[str, object]) -> Executable:
        """Add ON CONFLICT DO NOTHING."""
        return sqlite.insert(table).values(dict(row)).on_conflict_do_nothing()

    def is_passing(self, fault: DBAPIError) -> bool:
        """Say whether the file was only locked by somebody else."""
        cause = fault.orig
        return isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)

    def is_lost(self, fault: DBAPIError) -> bool:
        """Say no: a file is there or it is not."""
        del fault
        return False

    def is_full(self, fault: DBAPIError) -> bool:
        """Say whether the file could not grow."""
        return getattr(fault.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL

    def is_outage(self, fault: BaseException) -> bool:
        """Say whether the file cannot be used now: locked, its disk full, or not readable."""
        if isinstance(fault, DBAPIError):
            return isinstance(fault.orig, sqlite3.OperationalError)
        return isinstance(fault, OSError | PoolTimeout)


class Postgresql:
    """The database of many replicas."""

    name = "postgresql"
    builds_online = True

    def __init__(self, url: str) -> None:
        """Take the address, `postgresql+asyncpg://…`."""
        self._url = url

    def engine(self, *, patient: bool = False) -> AsyncEngine:
        """Build the engine; a closed connection is noticed before it is used.

        A call that gets no answer at all ends with a TimeoutError, but for a `patient` engine.

        Raises:
            SettingsError: what the address says about TLS is not usable.
        """
        url, tls = without_tls(make_url(self._url))
        engine = create_async_engine(
            url,
            pool_size=10,
            connect_args={
                "server_settings": _SERVER_SETTINGS,
                "timeout": silence.CONNECT_SECONDS,
                "command_timeout": None if patient else silence.CALL_SECONDS,
                **tls,
            },
        )
        silence.notice_silence(engine)
        event.listen(engine.sync_engine, "checkout", self._look)
        return engine

    @staticmethod
    def _look(connection: Any, record: object, proxy: object) -> None:  # noqa: ANN401 - a DBAPI one
        """Take no connection that the server has closed; no question to it is needed for that."""
        del record, proxy
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError("the server has closed the connection")

    def write_turn(self) -> AbstractAsyncContextManager[object]:
        """Let everybody write at once."""
        return nullcontext()

    @asynccontextmanager
    async def alone(self, engine: AsyncEngine, work: str) -> AsyncIterator[None]:
        """Hold an advisory lock outside any transaction.

        It is asked for again and again: who waits for it inside a statement, or keeps it in a
        transaction, holds a snapshot for which an index built concurrently would wait in turn.
        """
        key = _lock_key(work)
        async with engine.connect() as connection:
            _ = await connection.execution_options(isolation_level="AUTOCOMMIT")
            waits = stamina.retry_context(
                on=_Taken, attempts=None, timeout=_TURN_SECONDS, wait_initial=0.05, wait_max=1.0
            )
            async for attempt in waits:
                with attempt:
                    if not await connection.scalar(select(func.pg_try_advisory_lock(key))):
                        raise _Taken
            try:
                yield
            finally:
                _ = await connection.execute(select(func.pg_advisory_unlock(key)))

    async def limit_waits(self, connection: AsyncConnection) -> None:
        """Whoever comes after a waiting DDL statement waits too: one second, no more."""
        _ = await connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        _ = await connection.execute(text("SET LOCAL statement_timeout = 0"))

    async def take_time(self, connection: AsyncConnection) -> None:
        """Lift the limit for a statement; a build that waits holds up nobody."""
        _ = await connection.execute(text(f"SET statement_timeout = '{_BUILD_LIMIT}'"))

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Start a transaction; rows are locked one by one."""
        _ = await connection.begin()

    async def begin_read(self, connection: AsyncConnection) -> None:
        """Begin with one snapshot for all statements; by default each takes its own."""
        _ = await connection.execution_options(isolation_level="REPEATABLE READ")
        _ = await connection.begin()

    async def take_turn(self, connection: AsyncConnection, work: str) -> None:
        """Take an advisory lock of that name."""
        _ = await connection.execute(select(func.pg_advisory_xact_lock(_lock_key(work))))

    async def now(self, connection: AsyncConnection) -> datetime:
        """Read the server's clock, not the transaction's start."""
        found: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        return found.astimezone(UTC)

    def clock(self) -> ColumnElement[Any]:
        """Read the server's clock, not the transaction's start."""
        return func.clock_timestamp(type_=UtcDateTime)

    def among(self, column: Column[Any], keys: Collection[str]) -> ColumnElement[bool]:
        """Say it with one array: the statement's text, which is prepared, stays the same."""
        return column == any_(literal(list(keys), postgresql.ARRAY(String)))

    def among_those(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """Say it with one array."""
        return column == any_(bindparam(name, type_=postgresql.ARRAY(String)))

    async def write(self, connection: AsyncConnection, changes: Changes, now: datetime) -> set[str]:
        """Write everything in one statement: each table's rows are one JSON document."""
        statement, documents, guarded = writing(changes, now)
        done = (await connection.exec_driver_sql(statement, documents)).one()
        if done[0] != guarded:
            raise Stale("a row is not in the state that its move starts from")
        found = zip(changes.unless_known, tuple(done)[1:], strict=True)
        return {table.name for table, new in found if new}

    def locked(self, statement: Select[Any], of: Table | None = None) -> Select[Any]:
        """Add FOR UPDATE."""
        return statement.with_for_update(of=of)

    def claimable(self, statement: Select[Any]) -> Select[Any]:
        """Add FOR UPDATE SKIP LOCKED."""
        return statement.with_for_update(skip_locked=True)

    def insert_new(self, table: Table, row: Mapping[str, object]) -> Executable:
        """Add ON CONFLICT DO NOTHING."""
        return postgresql.insert(table).values(dict(row)).on_conflict_do_nothing()

    def is_passing(self, fault: DBAPIError) -> bool:
        """Say whether PostgreSQL asks for the transaction to be run again."""
        return getattr(fault.orig, "sqlstate", None) in _RETRIED_SQLSTATES

    def is_lost(self, fault: DBAPIError) -> bool:
        """Say whether the server ended the connection, stops, or is starting."""
        state = getattr(fault.orig, "sqlstate", None) or ""
        # Said of a connection whose end the server has announced and the driver not yet seen.
        is_ending = isinstance(getattr(fault.orig, "__cause__", None), _ENDING)
        return fault.connection_invalidated or is_ending or state.startswith(_LOST_SQLSTATES)

    def is_full(self, fault: DBAPIError) -> bool:
        """Say whether the server's disk is full."""
        return getattr(fault.orig, "sqlstate", None) == _DISK_FULL

    def is_outage(self, fault: BaseException) -> bool:
        """Say whether the server is away, starting, stopping, full or out of connections."""
        if isinstance(fault, DBAPIError):
            state = str(getattr(fault.orig, "sqlstate", None) or "")
            return self.is_lost(fault) or state.startswith(_OUTAGE_SQLSTATES)
        return isinstance(fault, OSError | PoolTimeout | asyncpg.PostgresConnectionError)


def _lock_key(work: str) -> ColumnElement[int]:
    return func.hashtextextended(f"chiffon.{work}", 0)


def _filled(rows: list[Row]) -> list[Row]:
    """Return rows that all have the same columns."""
    names: Row = {name: None for row in rows for name in row}
    return [names | row for row in rows]


def _added_up(table: Table, sums: Sums) -> Executable:
    statement = sqlite.insert(table)
    fresh = statement.excluded
    rest = [column.name for column in table.columns if column.name not in sums.keys]
    values = {
        name: table.c[name] + fresh[name] if name in sums.sums else fresh[name] for name in rest
    }
    return statement.on_conflict_do_update(index_elements=list(sums.keys), set_=values)


def dialect_for(url: str) -> Dialect:
    """Choose by the address."""
    return Postgresql(url) if url.startswith("postgresql") else Sqlite(url)
