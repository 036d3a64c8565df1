"""What this agent was handed, started and finished: why nothing is done twice.

One SQLite file per agent. Every write is on the disk before the call returns, so a `kill -9`
at any moment leaves a row that says how far the attempt can have got: `received` and `claimed`
provably ran nothing (see the gate in `agent.executors.command`), `started` may have.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from agent.processes import Birth
from orchestrator.domain.ids import new_id
from orchestrator.errors import ChiffonError

KEPT_SECONDS = 30 * 24 * 3600.0

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE agent (
    agent_id TEXT PRIMARY KEY
);
CREATE TABLE attempts (
    attempt_id     TEXT PRIMARY KEY,
    task_id        TEXT NOT NULL,
    attempt_number INTEGER NOT NULL,
    capability     TEXT NOT NULL,
    trace          TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('received', 'claimed', 'started', 'finished')),
    pgid           INTEGER,
    birth          TEXT,
    boot_id        TEXT,
    result         BLOB,
    reported       INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
    changed_at     REAL NOT NULL
);
CREATE INDEX attempts_of_task ON attempts (task_id, attempt_number);
CREATE INDEX attempts_open ON attempts (reported, changed_at);
"""

Answer = TypeVar("Answer")
Statement = Callable[[sqlite3.Connection], Any]
Write = tuple[Statement, asyncio.Future[Any]]


class JournalError(ChiffonError):
    """The journal cannot be used; the text says why and what to do."""


class State(StrEnum):
    """How far an attempt can have got."""

    RECEIVED = "received"  # handed over; nothing was run
    CLAIMED = "claimed"  # leave was given; still nothing was run
    STARTED = "started"  # its process exists and may have had an effect
    FINISHED = "finished"  # nothing of it runs any more; without a result it was dropped


class Entry(BaseModel):
    """One attempt as journalled."""

    model_config = ConfigDict(frozen=True)

    attempt_id: str
    task_id: str = ""
    attempt_number: int = 0
    capability: str = ""
    trace: str = ""
    state: State = State.RECEIVED
    pgid: int | None = None
    birth: str | None = None
    boot_id: str | None = None
    result: bytes | None = None
    reported: bool = False

    @property
    def process(self) -> Birth | None:
        """The process that led its group, as it was when it started."""
        if self.pgid is None or self.birth is None or self.boot_id is None:
            return None
        return Birth(pid=self.pgid, birth=self.birth, boot_id=self.boot_id)


class Journal:
    """The journal of one agent; open it before use, close it afterwards.

    All statements run one after another in a thread of their own: a slow disk holds up no
    heartbeat, and a cancelled caller leaves no statement half done. Writes that come while one
    is under way share the next commit.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock", thread_local=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._database: sqlite3.Connection | None = None
        self._closed = False
        self._waiting: list[Write] = []
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take the journal for this process and bring it up to date.

        Raises:
            JournalError: another agent has it, or it is no journal of this version.
        """
        try:
            await self._run_in_thread(self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the file; later calls fail."""
        if self._closed:
            return
        self._closed = True
        if self._writing is not None:
            await asyncio.wait({self._writing})
        await self._run_in_thread(self._close)
        self._thread.shutdown(wait=False)

    async def agent_id(self) -> str:
        """Return this agent's id, made once and kept for ever."""
        return await self._write(_agent_id)

    async def receive(self, entry: Entry) -> Entry | None:
        """Write down an attempt that was handed over; None if it is new, else what is known."""
        return await self._write(lambda database: _receive(database, entry))

    async def forget(self, attempt_id: str) -> None:
        """Note that an attempt which never came was called off, so that it may come too late."""
        row = Entry(attempt_id=attempt_id, state=State.FINISHED, reported=True)
        await self.receive(row)

    async def claimed(self, attempt_id: str) -> None:
        """Note that leave to start was given."""
        await self._set(attempt_id, state=State.CLAIMED)

    async def started(self, attempt_id: str, process: Birth) -> None:
        """Note the process of an attempt, before anything of it is run."""
        await self._set(
            attempt_id,
            state=State.STARTED,
            pgid=process.pid,
            birth=process.birth,
            boot_id=process.boot_id,
        )

    async def finish(self, attempt_id: str, result: bytes) -> None:
        """Keep the result message, which is still to be reported."""
        await self._set(attempt_id, state=State.FINISHED, result=result, reported=0)

    async def drop(self, attempt_id: str) -> None:
        """Note that an attempt ended without anything to report."""
        await self._set(attempt_id, state=State.FINISHED, reported=1)

    async def reported(self, attempt_id: str) -> None:
        """Note that the orchestrator has the result."""
        await self._set(attempt_id, reported=1)

    async def find(self, attempt_id: str) -> Entry | None:
        """Return what is known of an attempt."""
        found = await self._read("WHERE attempt_id = ?", (attempt_id,))
        return found[0] if found else None

    async def open_entries(self) -> list[Entry]:
        """Return, oldest first, every attempt that is not finished or not reported."""
        return await self._read("WHERE reported = 0 ORDER BY changed_at, attempt_id", ())

    async def highest_number(self, task_id: str) -> int:
        """Return the highest attempt number that was seen of a task; 0 if none was."""
        return await self._run_in_thread(lambda: _highest_number(self._opened(), task_id))

    async def prune(self, kept_seconds: float = KEPT_SECONDS) -> None:
        """Drop reported attempts that have not changed for so long."""
        before = time.time() - kept_seconds
        await self._write(
            lambda database: database.execute(
                "DELETE FROM attempts WHERE reported = 1 AND changed_at < ?", (before,)
            )
        )

    async def _set(self, attempt_id: str, **columns: str | int | bytes) -> None:
        # The names are this class's own keyword arguments, never a text from outside.
        assignments = ", ".join(f"{name} = :{name}" for name in columns)
        statement = (
            f"UPDATE attempts SET {assignments}, changed_at = :changed_at "  # noqa: S608
            "WHERE attempt_id = :attempt_id"
        )
        values = {**columns, "attempt_id": attempt_id, "changed_at": time.time()}
        await self._write(lambda database: database.execute(statement, values))

    async def _read(self, where: str, values: tuple[str, ...]) -> list[Entry]:
        def rows(database: sqlite3.Connection) -> list[Entry]:
            return _entries(database, where, values)

        return await self._run_in_thread(lambda: rows(self._opened()))

    async def _write(self, statement: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Write in one transaction with whatever else waits; return once it is on the disk."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((statement, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="write journal")
        return await answer

    async def _write_all(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            for (_, answer), (done, fault) in zip(taken, await self._written(taken), strict=True):
                if answer.done():  # nobody waits for it any more; it is written all the same
                    continue
                if fault is None:
                    answer.set_result(done)
                else:
                    answer.set_exception(fault)
        self._writing = None

    async def _written(self, taken: list[Write]) -> list[tuple[Any, Exception | None]]:
        statements = [statement for statement, _ in taken]
        try:
            return await self._run_in_thread(lambda: self._together(statements))
        except Exception as fault:  # noqa: BLE001 - the thread is gone: raised where it is waited for
            return [(None, fault) for _ in taken]

    def _together(self, statements: list[Statement]) -> list[tuple[Any, Exception | None]]:
        """Run statements in one transaction; where one of them fails, each in its own."""
        if len(statements) > 1:
            with suppress(sqlite3.Error, JournalError), _transaction(self._opened()) as database:
                return [(statement(database), None) for statement in statements]
        return [self._alone(statement) for statement in statements]

    def _alone(self, statement: Statement) -> tuple[Any, Exception | None]:
        try:
            with _transaction(self._opened()) as database:
                return statement(database), None
        except Exception as fault:  # noqa: BLE001 - raised where it is waited for
            return None, fault

    async def _run_in_thread(self, function: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise JournalError(f"the journal {self._path} is not open")
        return self._database

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as fault:
            name, home = self._path.stem, self._path.parent.parent
            raise JournalError(
                f"another agent called {name} already works in {home}; "
                "stop it, or give this one another name"
            ) from fault
        self._database = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=10
        )
        self._path.chmod(0o600)
        try:
            _prepare(self._database)
        except (sqlite3.DatabaseError, JournalError) as fault:
            raise JournalError(
                f"{self._path} is no journal of this version ({fault}); "
                "move it aside to start a new one, after a look at what it says is unfinished"
            ) from fault

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        self._lock.release()


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # on a full disk SQLite has taken it back already
            database.execute("ROLLBACK")
        raise


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    with closing(database.execute("PRAGMA user_version")) as answer:
        version = answer.fetchone()[0]
    if version == 0:
        database.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
        )
    elif version != _SCHEMA_VERSION:
        raise JournalError(f"version {version}, not {_SCHEMA_VERSION}")


def _highest_number(database: sqlite3.Connection, task_id: str) -> int:
    found = _entries(database, "WHERE task_id = ? ORDER BY attempt_number DESC LIMIT 1", (task_id,))
    return found[0].attempt_number if found else 0


def _agent_id(database: sqlite3.Connection) -> str:
    found = database.execute("SELECT agent_id FROM agent").fetchone()
    if found:
        return str(found[0])
    made = new_id()
    database.execute("INSERT INTO agent (agent_id) VALUES (?)", (made,))
    return made


def _receive(database: sqlite3.Connection, entry: Entry) -> Entry | None:
    """Insert `entry`; the primary key decides whether it is new, never a look beforehand."""
    values = entry.model_dump(include=_INSERTED) | {"changed_at": time.time()}
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    inserted = database.execute(
        f"INSERT INTO attempts ({columns}) VALUES ({marks}) "  # noqa: S608 - our own field names
        "ON CONFLICT (attempt_id) DO NOTHING",
        values,
    )
    if inserted.rowcount == 1:
        return None
    return _entries(database, "WHERE attempt_id = ?", (entry.attempt_id,))[0]


_INSERTED = {
    "attempt_id",
    "task_id",
    "attempt_number",
    "capability",
    "trace",
    "state",
    "reported",
}


def _entries(database: sqlite3.Connection, where: str, values: tuple[str, ...]) -> list[Entry]:
    names = tuple(Entry.model_fields)
    statement = f"SELECT {', '.join(names)} FROM attempts {where}"  # noqa: S608 - our own texts
    rows = database.execute(statement, values).fetchall()
    return [Entry.model_validate(dict(zip(names, row, strict=True))) for row in rows]
