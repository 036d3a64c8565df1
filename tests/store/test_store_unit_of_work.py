"""One transaction, whole or not at all; run again when the database asks for it."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import QueuePool

from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import Identity
from orchestrator.errors import Conflict, StoreError
from orchestrator.protocol import ReportIn, seal
from orchestrator.store import dialects
from orchestrator.store.lanes import Touching
from orchestrator.store.tables import audit_events, inbox, outbox, people, plans
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.plugins.waiting import until
from tests.store.rows import column, keep_request, stored_plan


class Fault(Exception):
    """What goes wrong in the middle of a use case."""


async def _note(uow: UnitOfWork, key: str) -> bool:
    return await uow.mail.is_new(key, "test")


async def test_what_work_wrote_is_committed_and_its_answer_returned(store: Store) -> None:
    assert await store.transact(lambda uow: _note(uow, "a")) is True
    assert await column(store, inbox, "message_id") == ["a"]


async def test_nothing_stays_when_work_raises(store: Store) -> None:
    async def work(uow: UnitOfWork) -> None:
        await _note(uow, "a")
        await keep_request(uow)
        raise Fault

    with pytest.raises(Fault):
        await store.transact(work)
    assert await column(store, inbox, "message_id") == []
    assert await store.transact(lambda uow: _note(uow, "a")) is True


async def test_a_conflict_in_the_middle_takes_back_what_came_before(store: Store) -> None:
    plan = await stored_plan(store)

    async def work(uow: UnitOfWork) -> None:
        await _note(uow, "a")
        await uow.plans.move(plan.plan_id, PlanStatus.COMPLETED)

    with pytest.raises(Conflict):
        await store.transact(work)
    assert await column(store, inbox, "message_id") == []
    assert await column(store, plans, "status") == ["pending_approval"]


async def test_a_reading_throws_away_what_it_wrote(store: Store) -> None:
    assert await store.read(lambda uow: _note(uow, "a")) is True
    assert await column(store, inbox, "message_id") == []


async def test_a_reading_sees_one_state_however_others_write(store: Store) -> None:
    async def look(uow: UnitOfWork) -> tuple[bool, bool]:
        before = await uow.mail.has("a")
        await store.transact(lambda other: _note(other, "a"))
        return before, await uow.mail.has("a")

    assert await store.read(look) == (False, False)
    assert await store.read(lambda uow: uow.mail.has("a")) is True


async def test_mail_is_announced_once_it_is_committed_and_not_before(store: Store) -> None:
    announced: list[bool] = []

    async def post(uow: UnitOfWork) -> None:
        await uow.mail.post("agent.a", seal(ReportIn(agent_id="a")))
        announced.append(store.mail_waiting.is_set())

    async def post_and_fail(uow: UnitOfWork) -> None:
        await post(uow)
        raise Fault

    with pytest.raises(Fault):
        await store.transact(post_and_fail)
    assert not store.mail_waiting.is_set()
    await store.transact(lambda uow: _note(uow, "a"))
    assert not store.mail_waiting.is_set()
    await store.transact(post)
    assert store.mail_waiting.is_set()
    assert announced == [False, False]
    assert len(await column(store, outbox, "id")) == 1


def _failing(
    times: int, fault: Callable[[UnitOfWork], Awaitable[object]], runs: list[int]
) -> Callable[[UnitOfWork], Awaitable[int]]:
    """Return work that writes, then meets `fault` the first `times` times."""

    async def work(uow: UnitOfWork) -> int:
        runs.append(len(runs) + 1)
        await uow.requests.meet(_person(runs[-1]))
        if len(runs) <= times:
            await fault(uow)
        return runs[-1]

    return work


def _person(number: int) -> Identity:
    return Identity(person=f"try {number}")


def _raising(state: str) -> Callable[[UnitOfWork], Awaitable[object]]:
    statement = text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
    return lambda uow: uow.mail._session.execute(statement)


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_what_postgresql_asks_to_run_again_runs_again_and_commits_once(
    postgres_store: Store, quick: None, state: str
) -> None:
    runs: list[int] = []
    assert await postgres_store.transact(_failing(3, _raising(state), runs)) == 4
    assert await column(postgres_store, people, "person") == ["try 4"]


@pytest.mark.postgres
async def test_it_is_tried_ten_times_and_then_told(postgres_store: Store, quick: None) -> None:
    runs: list[int] = []
    with pytest.raises(StoreError, match="locked all the while, so nothing was changed"):
        await postgres_store.transact(_failing(99, _raising("40001"), runs))
    assert len(runs) == 10
    assert await column(postgres_store, people, "person") == []


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["23505", "57014", "22012"])
async def test_any_other_fault_is_told_at_once(
    postgres_store: Store, quick: None, state: str
) -> None:
    runs: list[int] = []
    with pytest.raises(DBAPIError):
        await postgres_store.transact(_failing(99, _raising(state), runs))
    assert len(runs) == 1


async def test_a_locked_file_is_waited_for_and_the_work_run_once_more(
    sqlite_store: Store, quick: None
) -> None:
    locked = OperationalError("BEGIN", {}, sqlite3.OperationalError("database is locked"))

    async def fault(uow: UnitOfWork) -> None:
        raise locked

    runs: list[int] = []
    assert await sqlite_store.transact(_failing(2, fault, runs)) == 3
    assert await column(sqlite_store, people, "person") == ["try 3"]


async def test_another_process_on_the_file_only_makes_it_wait(
    sqlite_store: Store, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: somebody else holds the write lock, and lets go at the third try."""
    file = sqlite_store.url.removeprefix("sqlite+aiosqlite:///")
    holder = sqlite3.connect(file, isolation_level=None)
    monkeypatch.setattr(dialects, "_BUSY_SECONDS", 0)
    impatient = Store(sqlite_store.url)
    begin, tries = impatient.dialect.begin_write, []

    async def counted(connection: AsyncConnection) -> None:
        tries.append(connection)
        if len(tries) == 3:
            holder.execute("ROLLBACK")
        await begin(connection)

    monkeypatch.setattr(impatient.dialect, "begin_write", counted)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert await impatient.transact(lambda uow: _note(uow, "a")) is True
    finally:
        await impatient.close()
        holder.close()
    assert len(tries) == 3
    assert await column(sqlite_store, inbox, "message_id") == ["a"]


async def test_a_full_disk_refuses_clearly_and_leaves_nothing_half_done(
    sqlite_store: Store, quick: None
) -> None:
    """SQLite's own word for it, given by a file that may not grow; then there is room again."""
    room = 0  # pages beyond what the file has

    def limit(connection: Any, record: object, proxy: object) -> None:  # noqa: ANN401 - a DBAPI one
        cursor = connection.cursor()
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0] + room}")
        cursor.close()

    async def both(uow: UnitOfWork, number: int) -> None:
        await _note(uow, f"{number} first")
        await _note(uow, f"{number} {'x' * 40_000}")

    event.listen(sqlite_store.engine.sync_engine, "checkout", limit)
    for number in range(3):
        with pytest.raises(StoreError, match="no room left on the database's disk, so nothing"):
            await sqlite_store.transact(partial(both, number=number))
    together = [
        sqlite_store.transact_together("lane", partial(both, number=number), Touching())
        for number in range(3)
    ]
    told = await asyncio.gather(*together, return_exceptions=True)
    assert [type(each) for each in told] == [StoreError] * 3
    assert await column(sqlite_store, inbox, "message_id") == []
    room = 1_000
    await sqlite_store.transact(partial(both, number=7))
    assert len(await column(sqlite_store, inbox, "message_id")) == 2


@pytest.mark.postgres
async def test_a_full_disk_of_the_server_is_said_in_one_sentence(
    postgres_store: Store, quick: None
) -> None:
    runs: list[int] = []
    with pytest.raises(StoreError, match="no room left on the database's disk"):
        await postgres_store.transact(_failing(99, _raising("53100"), runs))
    assert len(runs) == 1
    assert await column(postgres_store, people, "person") == []


async def test_a_broken_key_is_no_reason_to_run_again(store: Store, quick: None) -> None:
    runs: list[int] = []

    async def twice(uow: UnitOfWork) -> None:
        runs.append(1)
        envelope = seal(ReportIn(agent_id="a"))
        await uow.mail.post("agent.a", envelope)
        await uow.mail.post("agent.a", envelope)

    with pytest.raises(IntegrityError):
        await store.transact(twice)
    assert len(runs) == 1


@pytest.mark.postgres
async def test_a_real_deadlock_costs_one_try_and_nothing_else(
    postgres_store: Store, quick: None
) -> None:
    """Two lock the same two plans in opposite order; the server ends one, which runs again."""
    first, second = await stored_plan(postgres_store), await stored_plan(postgres_store)
    both_hold_one = asyncio.Barrier(2)
    runs: list[str] = []

    def work(mine: str, theirs: str) -> Callable[[UnitOfWork], Awaitable[None]]:
        async def lock_both(uow: UnitOfWork) -> None:
            again = mine in runs
            runs.append(mine)
            await uow.plans.locked(mine)
            if not again:
                await both_hold_one.wait()
            await uow.plans.locked(theirs)
            count = update(plans).values(revision=plans.c.revision + 1)
            await uow.mail._session.execute(count)

        return lock_both

    await asyncio.gather(
        postgres_store.transact(work(first.plan_id, second.plan_id)),
        postgres_store.transact(work(second.plan_id, first.plan_id)),
    )
    assert len(runs) == 3
    assert await column(postgres_store, plans, "revision") == [3, 3]


async def test_a_transaction_has_one_time_and_it_is_the_databases(store: Store) -> None:
    async def look(uow: UnitOfWork) -> None:
        asked = await keep_request(uow)
        await uow.audit.add("one", actor="a", request_id=asked.request_id)
        await uow.audit.add("two", actor="a", request_id=asked.request_id)
        assert uow.now.utcoffset() == timedelta(0)

    await store.transact(look)
    assert len(set(await column(store, audit_events, "at"))) == 1


async def test_fifty_cancelled_callers_leave_a_pool_that_works(store: Store) -> None:
    """Whatever was under way is whole or absent, and every connection is back."""
    reached = asyncio.Event()

    async def work(uow: UnitOfWork, number: int) -> None:
        await _note(uow, f"{number} first")
        reached.set()
        await uow.mail._session.rows(select(inbox))
        await _note(uow, f"{number} second")

    for number in range(50):
        reached.clear()
        caller = asyncio.ensure_future(store.transact(partial(work, number=number)))
        await reached.wait()
        for _ in range(number % 7):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
    await store.transact(lambda uow: _note(uow, "after"))
    pool = store.engine.pool
    assert isinstance(pool, QueuePool)
    await until(lambda: pool.checkedout() == 0, what="all connections back")
    kept = [str(key) for key in await column(store, inbox, "message_id")]
    assert "after" in kept
    assert {key.split()[0] for key in kept if key.endswith("first")} == {
        key.split()[0] for key in kept if key.endswith("second")
    }


async def test_a_fault_after_the_caller_went_away_is_complained_of_by_nobody(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    reached, may_fail = asyncio.Event(), asyncio.Event()

    async def work(uow: UnitOfWork) -> None:
        reached.set()
        await may_fail.wait()
        raise Fault

    caller = asyncio.ensure_future(store.transact(work))
    await reached.wait()
    caller.cancel()
    may_fail.set()
    await asyncio.gather(caller, return_exceptions=True)
    assert caller.cancelled()
    del caller
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_caller_cancelled_while_it_waits_for_its_turn_writes_nothing_by_halves(
    store: Store,
) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def hold(uow: UnitOfWork) -> None:
        await _note(uow, "holder")
        started.set()
        await may_end.wait()

    holder = asyncio.ensure_future(store.transact(hold))
    await started.wait()
    waiter = asyncio.ensure_future(store.transact(lambda uow: _note(uow, "waiter")))
    await asyncio.sleep(0)
    waiter.cancel()
    may_end.set()
    await asyncio.gather(holder, waiter, return_exceptions=True)
    assert waiter.cancelled()
    assert await store.transact(lambda uow: _note(uow, "holder")) is False


async def test_a_database_that_answers_says_so(store: Store) -> None:
    assert await store.answers() is True


async def test_a_server_that_is_not_there_does_not_answer() -> None:
    await _is_silent("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    await _is_silent(f"sqlite+aiosqlite:///{tmp_path}")


async def _is_silent(url: str) -> None:
    unreachable = Store(url)
    assert await unreachable.answers() is False
    await unreachable.close()
    await until(_no_worker, what="the end of the driver's thread, which speaks to this loop")


def _no_worker() -> bool:
    return not any("_connection_worker" in thread.name for thread in threading.enumerate())
