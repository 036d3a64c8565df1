"""A call that is cut off, by its caller or by the server, spoils nothing for the next one."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import stamina
from sqlalchemy import text, update
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from orchestrator.errors import StoreError
from orchestrator.store import silence, unit_of_work
from orchestrator.store.tables import counters, inbox
from orchestrator.store.unit_of_work import OutcomeUnknown, Store, UnitOfWork
from tests.plugins.line import Line, line_to
from tests.plugins.waiting import until
from tests.store.rows import column

_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def _note(uow: UnitOfWork, key: str) -> bool:
    return await uow.mail.is_new(key, "test")


async def test_three_hundred_cancelled_calls_leave_a_pool_that_works(store: Store) -> None:
    async def look(uow: UnitOfWork, number: int) -> None:
        for _ in range(4):
            await uow.mail.has(str(number))

    async def write(uow: UnitOfWork, number: int) -> None:
        await _note(uow, f"{number} first")
        await _note(uow, f"{number} second")

    for number in range(300):
        call = store.read if number % 2 else store.transact
        caller = asyncio.ensure_future(call(partial(look if number % 2 else write, number=number)))
        for _ in range(number % 23):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
    async with asyncio.timeout(10):
        assert await store.transact(lambda uow: _note(uow, "after")) is True
    pool = store.engine.pool
    assert isinstance(pool, QueuePool)
    await until(lambda: pool.checkedout() == 0, what="all connections back")
    assert pool.checkedin() <= pool.size() + pool._max_overflow
    kept = [str(key) for key in await column(store, inbox, "message_id") if key != "after"]
    assert sorted(key.removesuffix("first") for key in kept if key.endswith("first")) == sorted(
        key.removesuffix("second") for key in kept if key.endswith("second")
    )


@pytest.mark.postgres
async def test_locks_taken_in_opposite_order_lose_no_step(postgres_store: Store) -> None:
    """Eight writers, two rows, half of them the other way round: deadlocks are run again."""
    store = postgres_store
    await store.transact(
        lambda uow: uow.plans._session.execute(
            text(
                "INSERT INTO counters VALUES ('one', 0), ('two', 0) ON CONFLICT (name) DO"
                " UPDATE SET value = 0"
            )
        )
    )
    runs: list[int] = []
    held = {"one": asyncio.Event(), "two": asyncio.Event()}

    async def step(uow: UnitOfWork, names: tuple[str, ...], number: int) -> None:
        runs.append(number)
        for name in names:
            changed = update(counters).where(counters.c.name == name)
            await uow.plans._session.execute(changed.values(value=counters.c.value + 1))
            held[name].set()
            await held["two" if name == "one" else "one"].wait()  # both are held, each way round

    orders = (("one", "two"), ("two", "one"))
    await asyncio.gather(
        *(store.transact(partial(step, names=orders[n % 2], number=n)) for n in range(8))
    )
    async with store.engine.connect() as connection:
        counted = await connection.execute(
            text("SELECT value FROM counters WHERE name IN ('one', 'two')")
        )
        assert list(counted.scalars()) == [8, 8]
    assert len(runs) > 8  # else nothing was put to the test
    await store.transact(
        lambda uow: uow.plans._session.execute(
            text("DELETE FROM counters WHERE name IN ('one', 'two')")
        )
    )


async def _end_all_others(store: Store) -> None:
    killer = Store(store.url)
    async with killer.engine.connect() as connection:
        await connection.execute(_OTHERS)
    await killer.close()


@pytest.mark.postgres
async def test_a_server_that_ends_every_connection_costs_no_call(postgres_store: Store) -> None:
    """Before a transaction and in the middle of one: it did not commit, so it is run again."""
    runs: list[int] = []

    async def cut_off(uow: UnitOfWork) -> None:
        runs.append(1)
        await _note(uow, "kept")
        if len(runs) == 1:
            await _end_all_others(postgres_store)
        await _note(uow, "too")

    assert await postgres_store.transact(lambda uow: _note(uow, "before")) is True
    await _end_all_others(postgres_store)
    assert await postgres_store.read(lambda uow: uow.mail.has("before")) is True
    await postgres_store.transact(cut_off)
    assert len(runs) == 2
    assert await column(postgres_store, inbox, "message_id") == ["before", "kept", "too"]


async def test_a_server_that_is_away_is_told_in_one_sentence(quick: None) -> None:
    away = Store("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    for call in (away.transact, away.read):
        with pytest.raises(StoreError, match="does not answer, so nothing was changed"):
            await call(lambda uow: _note(uow, "a"))
    await away.close()


@asynccontextmanager
async def _swallowing_commits(url: str) -> AsyncIterator[str]:
    """Stand between: the first COMMIT gets through, its answer does not, and the line goes dead."""
    at = make_url(url)
    swallowed: list[asyncio.StreamWriter] = []
    relays: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        relays.add(task)
        upstream, downstream = await asyncio.open_connection(at.host, at.port or 5432)

        async def answer() -> None:
            while data := await upstream.read(65536):
                if writer in swallowed:  # committed, and told to nobody
                    break
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answer())
        while data := await reader.read(65536):
            if b"COMMIT" in data and not swallowed:
                swallowed.append(writer)
            downstream.write(data)
        downstream.close()
        await answering

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield at.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        server.close()
        await asyncio.gather(*relays, return_exceptions=True)


@asynccontextmanager
async def _line_to(url: str) -> AsyncIterator[tuple[str, Line]]:
    """Stand between a client and the server."""
    at = make_url(url)
    async with line_to(at.host or "", at.port or 5432) as line:
        through = at.set(host="127.0.0.1", port=line.port)
        yield through.render_as_string(hide_password=False), line


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wait for answers half a second instead of most of a minute, and try once."""
    monkeypatch.setattr(silence, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(silence, "CONNECT_SECONDS", 0.5)
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.mark.postgres
async def test_a_server_that_says_nothing_any_more_is_given_up(
    postgres_store: Store, short_limits: None
) -> None:
    """Open connections and new ones alike, and the pool works again once the line does."""
    async with _line_to(postgres_store.url) as (url, line), asyncio.timeout(20):
        store = Store(url)
        try:
            await store.transact(lambda uow: _note(uow, "before"))
            line.silent = True
            for call in (store.transact, store.read) * 2:
                with pytest.raises(StoreError, match="does not answer, so nothing was changed"):
                    await call(lambda uow: _note(uow, "lost"))
            assert not await store.answers()
            line.silent = False
            assert await store.transact(lambda uow: _note(uow, "after")) is True
        finally:
            await store.close()
    assert await column(postgres_store, inbox, "message_id") == ["after", "before"]


@pytest.mark.postgres
async def test_a_commit_that_nothing_is_heard_of_may_have_been(
    postgres_store: Store, short_limits: None
) -> None:
    async with _line_to(postgres_store.url) as (url, line), asyncio.timeout(20):
        store = Store(url)
        try:
            line.silent_after = b"COMMIT"
            with pytest.raises(OutcomeUnknown, match="is not done twice"):
                await store.transact(lambda uow: _note(uow, "once"))
            line.silent, line.silent_after = False, b""
            assert await store.transact(lambda uow: _note(uow, "once")) is False
        finally:
            await store.close()


@pytest.mark.postgres
async def test_a_look_at_the_health_of_a_silent_server_is_short(
    postgres_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shorter than any other call, and it leaves no connection that nobody can use."""
    monkeypatch.setattr(unit_of_work, "_HEALTH_SECONDS", 0.3)
    async with _line_to(postgres_store.url) as (url, line), asyncio.timeout(20):
        store = Store(url)
        try:
            assert await store.answers()
            line.silent = True
            began = time.monotonic()
            assert not await store.answers()
            assert time.monotonic() - began < 4
            line.silent = False
            assert await store.answers()
        finally:
            await store.close()


@pytest.mark.postgres
async def test_what_takes_long_by_its_nature_is_waited_for(
    postgres_store: Store, short_limits: None
) -> None:
    store = Store(postgres_store.url)
    long = text("SELECT pg_sleep(0.8)")
    async with store.patient_engine() as engine, store.begin(engine) as connection:
        await connection.execute(long)
    with pytest.raises(TimeoutError):
        async with store.begin() as connection:
            await connection.execute(long)
    await store.close()


@pytest.mark.postgres
async def test_the_kernel_looks_whether_the_server_is_there(postgres_store: Store) -> None:
    async with postgres_store.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        line = raw.driver_connection._transport.get_extra_info("socket")
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 10
        assert 0 < line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 20_000


@pytest.mark.postgres
async def test_a_commit_whose_answer_was_lost_is_not_repeated_blindly(
    postgres_store: Store,
) -> None:
    """The caller is told that it may have been; the same key then finds what was saved."""
    runs: list[int] = []

    async def work(uow: UnitOfWork) -> bool:
        runs.append(1)
        return await _note(uow, "once")

    async with _swallowing_commits(postgres_store.url) as url:
        store = Store(url)
        try:
            with pytest.raises(OutcomeUnknown, match="is not done twice"):
                await store.transact(work)
            assert len(runs) == 1
            assert await store.transact(work) is False
        finally:
            await store.close()
    assert await column(postgres_store, inbox, "message_id") == ["once"]
