"""What the store asks of any database: one case, held by both."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import column, delete, exists, func, insert, select, table, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from orchestrator.store import dialects
from orchestrator.store.dialects import Dialect, Postgresql, Sqlite, dialect_for
from orchestrator.store.migrate import upgrade
from orchestrator.store.tables import inbox
from orchestrator.store.unit_of_work import Store
from tests.plugins.waiting import until

_NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _row(key: str) -> dict[str, object]:
    return {"message_id": key, "source": "case", "received_at": _NOON}


class DialectCase:
    """The conformance case; a subclass gives the fixture `url` of a migrated database."""

    kind: type[Dialect]

    @pytest.fixture
    def url(self) -> str:
        raise LookupError("the subclass gives the address")

    @pytest.fixture
    async def dialect(self, url: str) -> Dialect:
        store = Store(url)
        await upgrade(store)
        async with store.begin() as connection:
            await connection.execute(delete(inbox))
        await store.close()
        return dialect_for(url)

    @pytest.fixture
    async def engine(self, dialect: Dialect) -> AsyncIterator[AsyncEngine]:
        opened = dialect.engine()
        yield opened
        await opened.dispose()

    def test_the_address_chooses_the_dialect(self, url: str) -> None:
        assert type(dialect_for(url)) is self.kind

    async def test_now_is_an_aware_instant_in_utc_that_goes_on(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        """Within one transaction too: a lease counts from its writing, not from the start."""
        async with engine.connect() as connection:
            first = await dialect.now(connection)
            second = await dialect.now(connection)
        assert first.utcoffset() == timedelta(0)
        assert first < second
        assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)

    async def test_what_was_begun_is_gone_unless_committed(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        async with dialect.write_turn(), engine.connect() as connection:
            await dialect.begin_write(connection)
            await connection.execute(insert(inbox).values(_row("a")))
        assert await self._keys(engine) == []

    async def test_a_reader_sees_one_state_however_others_write(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        async with engine.connect() as reader:
            await dialect.begin_read(reader)
            assert list((await reader.execute(select(inbox.c.message_id))).scalars()) == []
            await self._write(dialect, engine, "a")
            assert list((await reader.execute(select(inbox.c.message_id))).scalars()) == []
        assert await self._keys(engine) == ["a"]

    async def test_a_connection_that_read_writes_as_any_other_afterwards(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        for key in ("a", "b", "c"):
            async with engine.connect() as reader:
                await dialect.begin_read(reader)
                await reader.execute(select(inbox))
            await self._write(dialect, engine, key)
        async with engine.connect() as connection:
            await dialect.begin_write(connection)
            await connection.execute(select(inbox))
            if dialect.name == "postgresql":
                level = await connection.scalar(text("SHOW transaction_isolation"))
                assert level == "read committed"
        assert await self._keys(engine) == ["a", "b", "c"]

    async def test_a_key_is_inserted_once(self, dialect: Dialect, engine: AsyncEngine) -> None:
        async with dialect.write_turn(), engine.connect() as connection:
            await dialect.begin_write(connection)
            counts = [
                (await connection.execute(dialect.insert_new(inbox, _row("a")))).rowcount
                for _ in range(3)
            ]
            await connection.commit()
        assert counts == [1, 0, 0]

    async def test_what_is_claimed_is_nobody_elses(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        for key in ("a", "b", "c", "d"):
            await self._write(dialect, engine, key)
        claims = await asyncio.gather(*(self._claim(dialect, engine) for _ in range(6)))
        assert sorted(key for claim in claims for key in claim) == ["a", "b", "c", "d"]

    async def test_a_locked_row_waits_for_its_holder(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        """Two read, then write what they read plus one: no step is lost."""
        await self._write(dialect, engine, "0")

        async def step() -> None:
            async with dialect.write_turn(), engine.connect() as connection:
                await dialect.begin_write(connection)
                statement = dialect.locked(select(inbox.c.source).where(inbox.c.message_id == "0"))
                seen = str(await connection.scalar(statement))
                await connection.execute(update(inbox).values(source=seen + "+"))
                await connection.commit()

        await asyncio.gather(*(step() for _ in range(12)))
        async with engine.connect() as connection:
            assert await connection.scalar(select(inbox.c.source)) == "case" + 12 * "+"

    async def test_turns_are_taken_one_after_the_other(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        inside = most = 0

        async def turn() -> None:
            nonlocal inside, most
            async with dialect.write_turn(), engine.connect() as connection:
                await dialect.begin_write(connection)
                await dialect.take_turn(connection, "case")
                await dialect.take_turn(connection, "case")
                inside += 1
                most = max(most, inside)
                await connection.execute(select(inbox))
                inside -= 1

        await asyncio.gather(*(turn() for _ in range(8)))
        assert (inside, most) == (0, 1)

    async def test_a_broken_key_is_no_passing_fault(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        await self._write(dialect, engine, "a")
        with pytest.raises(IntegrityError) as fault:
            await self._write(dialect, engine, "a")
        assert not dialect.is_passing(fault.value)

    async def test_a_fault_in_the_statement_is_no_passing_fault(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError) as fault:
                await connection.execute(text("SELECT nonsense FROM nowhere"))
        assert not dialect.is_passing(fault.value)

    async def test_keys_that_point_nowhere_are_refused(self, engine: AsyncEngine) -> None:
        statement = text(
            "INSERT INTO cards (id, plan_id, team, channel, messages, version_wanted,"
            " version_shown, updated_at) VALUES ('a', 'none', 't', 'c', '[]', 0, 0, '2026-01-01')"
        )
        async with engine.connect() as connection:
            with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
                await connection.execute(statement)

    async def _claim(self, dialect: Dialect, engine: AsyncEngine) -> list[str]:
        async with dialect.write_turn(), engine.connect() as connection:
            await dialect.begin_write(connection)
            free = select(inbox.c.message_id).where(inbox.c.source == "case")
            statement = dialect.claimable(free.order_by(inbox.c.message_id).limit(2))
            keys = list((await connection.execute(statement)).scalars())
            taken = update(inbox).where(inbox.c.message_id.in_(keys)).values(source="taken")
            await connection.execute(taken)
            await connection.commit()
        return keys

    async def _write(self, dialect: Dialect, engine: AsyncEngine, key: str) -> None:
        async with dialect.write_turn(), engine.connect() as connection:
            await dialect.begin_write(connection)
            await connection.execute(insert(inbox).values(_row(key)))
            await connection.commit()

    async def _keys(self, engine: AsyncEngine) -> list[str]:
        async with engine.connect() as connection:
            return sorted((await connection.execute(select(inbox.c.message_id))).scalars())


class TestSqlite(DialectCase):
    """The case on the embedded database, and what only it needs."""

    kind = Sqlite

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite+aiosqlite:///{tmp_path / 'deep' / 'er' / 'chiffon.db'}"

    async def test_every_connection_is_durable_and_checks_keys(self, engine: AsyncEngine) -> None:
        expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        async with engine.connect() as one, engine.connect() as other:
            for connection in (one, other):
                for pragma, value in expected.items():
                    assert await connection.scalar(text(f"PRAGMA {pragma}")) == value

    async def test_a_file_locked_for_too_long_is_a_passing_fault(
        self, dialect: Dialect, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dialects, "_BUSY_SECONDS", 0)
        other = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        engine = dialect.engine()
        try:
            async with engine.connect() as connection:
                with pytest.raises(OperationalError) as fault:
                    await dialect.begin_write(connection)
        finally:
            other.close()
            await engine.dispose()
        assert dialect.is_passing(fault.value)

    async def test_readers_go_on_while_somebody_writes(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        async with engine.connect() as writer, engine.connect() as reader:
            await dialect.begin_write(writer)
            await writer.execute(insert(inbox).values(_row("a")))
            await dialect.begin_read(reader)
            assert list(await reader.execute(select(inbox))) == []

    def test_memory_needs_no_folder(self) -> None:
        assert Sqlite("sqlite+aiosqlite:///:memory:").engine().url.database == ":memory:"


@pytest.mark.postgres
class TestPostgresql(DialectCase):
    """The case on the server, and what only it needs."""

    kind = Postgresql

    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.mark.parametrize("state", ["40001", "40P01"])
    async def test_what_the_server_asks_to_run_again_is_a_passing_fault(
        self, dialect: Dialect, engine: AsyncEngine, state: str
    ) -> None:
        raising = text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError) as fault:
                await connection.execute(raising)
        assert dialect.is_passing(fault.value)

    async def test_a_claim_leaves_out_what_is_locked_and_waits_for_nobody(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        for key in ("a", "b"):
            await self._write(dialect, engine, key)
        async with engine.connect() as holder:
            await holder.execute(dialect.locked(select(inbox).where(inbox.c.message_id == "a")))
            assert await self._claim(dialect, engine) == ["b"]

    async def test_sessions_speak_utc_and_give_up_statements_that_hang(
        self, engine: AsyncEngine
    ) -> None:
        async with engine.connect() as connection:
            assert await connection.scalar(text("SHOW timezone")) == "UTC"
            assert await connection.scalar(text("SHOW statement_timeout")) == "30s"

    async def test_a_migration_waits_a_second_for_a_lock_and_nobody_after_it(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        waits = text("SHOW lock_timeout")
        async with engine.connect() as connection:
            async with connection.begin():
                await dialect.limit_waits(connection)
                assert await connection.scalar(waits) == "1s"
            assert await connection.scalar(waits) == "0"

    async def test_a_replica_that_stops_in_a_transaction_does_not_keep_its_locks(
        self, dialect: Dialect, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As SIGSTOP, a paused machine or a line cut in silence does it."""
        monkeypatch.setitem(dialects._SERVER_SETTINGS, "idle_in_transaction_session_timeout", "200")
        stopped, other = dialect_for(url).engine(), dialect.engine()
        async with stopped.connect() as holder:
            await dialect.take_turn(holder, "routing")
            async with asyncio.timeout(10), other.connect() as waiting:
                await dialect.take_turn(waiting, "routing")
            with pytest.raises(DBAPIError) as fault:
                await holder.execute(select(1))
            assert dialect.is_outage(fault.value)
        await stopped.dispose()
        await other.dispose()

    def test_a_connection_that_is_just_ending_is_an_outage(self, dialect: Dialect) -> None:
        """The driver has read that the server ends it, and refuses every further statement."""
        orig = Exception("cannot switch to state 15; another operation (2) is in progress")
        orig.__cause__ = asyncpg.InternalClientError(str(orig))
        assert dialect.is_outage(DBAPIError("COMMIT", None, orig))

    async def test_a_connection_that_the_server_ended_is_noticed(
        self, dialect: Dialect, engine: AsyncEngine
    ) -> None:
        async with engine.connect() as connection:
            victim = await connection.scalar(text("SELECT pg_backend_pid()"))
        killer = dialect.engine().execution_options(isolation_level="AUTOCOMMIT")
        activity = table("pg_stat_activity", column("pid"))
        alive = select(exists().where(activity.c.pid == victim))
        async with killer.connect() as connection:
            await connection.execute(select(func.pg_terminate_backend(victim)))

            async def is_gone() -> bool:
                return not await connection.scalar(alive)

            await until(is_gone, what="the backend's end")
        await killer.dispose()
        await self._write(dialect, engine, "a")
        assert await self._keys(engine) == ["a"]
