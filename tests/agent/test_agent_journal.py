"""The journal keeps every word that was given, and is one agent's alone."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent import journal as journal_module
from agent.journal import Entry, Journal, JournalError, State, _transaction
from agent.processes import Birth
from orchestrator.domain.ids import is_id, new_id


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent" / "one.journal"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    journal = Journal(path)
    await journal.open()
    yield journal
    await journal.close()


def new_entry(**changes: object) -> Entry:
    row = {"attempt_id": new_id(), "task_id": "t", "attempt_number": 1, "capability": "c"}
    return Entry.model_validate(row | changes)


async def test_the_agent_id_is_made_once_and_kept(path: Path) -> None:
    seen = set()
    for _ in range(2):
        journal = Journal(path)
        await journal.open()
        seen |= {await journal.agent_id(), await journal.agent_id()}
        await journal.close()
    assert len(seen) == 1
    assert is_id(seen.pop())


async def test_an_attempt_goes_from_received_to_reported(journal: Journal) -> None:
    entry = new_entry(trace="story")
    process = Birth(pid=4, birth="5", boot_id="b")
    assert await journal.receive(entry) is None
    assert await journal.find(entry.attempt_id) == entry
    await journal.claimed(entry.attempt_id)
    await journal.started(entry.attempt_id, process)
    started = await journal.find(entry.attempt_id)
    assert started is not None
    assert (started.state, started.process) == (State.STARTED, process)
    await journal.finish(entry.attempt_id, b"result")
    assert [each.result for each in await journal.open_entries()] == [b"result"]
    await journal.reported(entry.attempt_id)
    assert await journal.open_entries() == []
    known = await journal.receive(entry)
    assert known is not None
    assert (known.state, known.reported, known.result) == (State.FINISHED, True, b"result")


async def test_a_dropped_attempt_owes_nothing(journal: Journal) -> None:
    entry = new_entry()
    await journal.receive(entry)
    await journal.drop(entry.attempt_id)
    assert await journal.open_entries() == []


async def test_what_was_called_off_before_it_came_is_known(journal: Journal) -> None:
    entry = new_entry()
    await journal.forget(entry.attempt_id)
    known = await journal.receive(entry)
    assert known is not None
    assert (known.state, known.task_id, known.result) == (State.FINISHED, "", None)


async def test_forgetting_what_came_changes_nothing(journal: Journal) -> None:
    entry = new_entry()
    await journal.receive(entry)
    await journal.forget(entry.attempt_id)
    assert await journal.find(entry.attempt_id) == entry


async def test_the_highest_attempt_of_a_task(journal: Journal) -> None:
    assert await journal.highest_number("t") == 0
    for number in (2, 11, 3):
        await journal.receive(new_entry(attempt_number=number))
    await journal.receive(new_entry(task_id="other", attempt_number=99))
    assert await journal.highest_number("t") == 11


async def test_old_reported_rows_go_and_open_ones_stay(journal: Journal) -> None:
    old, owed = new_entry(), new_entry()
    for entry in (old, owed):
        await journal.receive(entry)
        await journal.finish(entry.attempt_id, b"")
    await journal.reported(old.attempt_id)
    await journal.prune()
    assert await journal.find(old.attempt_id) is not None
    await journal.prune(kept_seconds=-1)
    assert await journal.find(old.attempt_id) is None
    assert await journal.find(owed.attempt_id) is not None


async def test_a_second_agent_on_the_same_journal_is_refused(journal: Journal, path: Path) -> None:
    with pytest.raises(JournalError, match="another agent called one already works in"):
        await Journal(path).open()
    assert is_id(await journal.agent_id())


async def test_an_agent_in_another_process_is_refused_too(journal: Journal, path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from agent.journal import Journal\n"
        "asyncio.run(Journal(Path(sys.argv[1])).open())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "another agent called one already works in" in ended.stderr


async def test_a_file_that_is_no_journal_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("this is no database, " * 100)
    with pytest.raises(JournalError, match="is no journal of this version"):
        await Journal(path).open()


async def test_a_newer_journal_is_refused(path: Path) -> None:
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalError, match="version 99, not 1"):
        await Journal(path).open()


async def test_a_closed_journal_says_so(path: Path) -> None:
    journal = Journal(path)
    with pytest.raises(JournalError, match="is not open"):
        await journal.find("x")
    await journal.close()
    await journal.close()


async def test_a_failed_write_changes_nothing_and_the_next_one_works(journal: Journal) -> None:
    entry = new_entry()
    await journal.receive(entry)
    with pytest.raises(sqlite3.IntegrityError):
        await journal._set(entry.attempt_id, state="nonsense")
    assert await journal.find(entry.attempt_id) == entry
    await journal.claimed(entry.attempt_id)


async def test_every_write_is_on_the_disk_before_it_returns(journal: Journal) -> None:
    def pragmas() -> tuple[object, object]:
        database = journal._opened()
        return (
            database.execute("PRAGMA journal_mode").fetchone()[0],
            database.execute("PRAGMA synchronous").fetchone()[0],
        )

    assert await journal._run_in_thread(pragmas) == ("wal", 2)
    assert journal._path.stat().st_mode & 0o777 == 0o600


CHATTY = """
import asyncio, sys
from pathlib import Path
from agent.journal import Entry, Journal
from orchestrator.domain.ids import new_id

async def main() -> None:
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    for number in range(1, 100_000):
        attempt = new_id()
        await journal.receive(Entry(attempt_id=attempt, task_id="t", attempt_number=number))
        print(attempt, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 7, 40])
async def test_what_was_written_survives_a_kill_at_any_moment(path: Path, lines: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHATTY, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        promised = [writer.stdout.readline().strip() for _ in range(lines)]
        writer.kill()
        promised += [line.strip() for line in writer.stdout if line.endswith("\n")]
    journal = Journal(path)
    await journal.open()
    kept = {entry.attempt_id for entry in await journal.open_entries()}
    await journal.close()
    assert set(promised) <= kept
    assert len(kept) - len(promised) <= 1


def test_rows_are_kept_for_thirty_days() -> None:
    assert time.gmtime(journal_module.KEPT_SECONDS).tm_yday == 31


class Refusing(sqlite3.Connection):
    """A database whose disk has no room when it is to commit."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as there
        if sql == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, parameters)


def test_a_commit_that_is_refused_leaves_no_transaction_open(tmp_path: Path) -> None:
    """Else no later write could begin, however much room there is by then."""
    database = sqlite3.connect(tmp_path / "a.db", factory=Refusing, isolation_level=None)
    database.execute("CREATE TABLE a (b)")
    with pytest.raises(sqlite3.OperationalError), _transaction(database):
        database.execute("INSERT INTO a VALUES (1)")
    assert not database.in_transaction
    assert database.execute("SELECT count(*) FROM a").fetchone() == (0,)
    database.close()
