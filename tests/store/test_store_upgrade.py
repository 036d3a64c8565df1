"""A database of the last version is upgraded while others work on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from orchestrator.bootstrap import open_orchestrator
from orchestrator.catalog.models import Catalog
from orchestrator.errors import SettingsError
from orchestrator.settings import Settings
from orchestrator.store import silence
from orchestrator.store.migrate import (
    _autocommitting,
    _config,
    _script,
    look,
    newest_revision,
    require,
    upgrade,
)
from orchestrator.store.new_index import build_concurrently
from orchestrator.store.tables import outbox, schema_versions
from orchestrator.store.unit_of_work import Store, UnitOfWork
from orchestrator.transport.local import LocalTransport
from tests.plugins.waiting import until
from tests.store.rows import column, keep_request, stored_attempt

_INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


def _first(connection: Connection) -> None:
    command.upgrade(_config(connection), "0001")


def _back_to_first(connection: Connection) -> None:
    command.downgrade(_config(connection), "0001")


async def _fifty_keys(uow: UnitOfWork) -> None:
    for number in range(50):
        await uow.mail.is_new(f"key {number}", "test")


@pytest.fixture
async def old_store(empty_store: Store) -> Store:
    """A database of the first version, with rows."""
    async with empty_store.engine.begin() as connection:
        await connection.run_sync(_first)
    await stored_attempt(empty_store)
    await empty_store.transact(_fifty_keys)
    return empty_store


@asynccontextmanager
async def _held(store: Store, statement: str) -> AsyncIterator[None]:
    """Keep a transaction open that has run `statement`."""
    engine: AsyncEngine = create_async_engine(store.url)
    async with engine.connect() as connection:
        await connection.execute(text(statement))
        yield
        await connection.rollback()
    await engine.dispose()


@asynccontextmanager
async def _load(store: Store, waits: list[float]) -> AsyncIterator[None]:
    """Do what replicas do, and note how long each call took; a fault is raised at the end."""
    ended = asyncio.Event()

    async def work(name: str, call: Callable[[str], Awaitable[object]]) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            began = time.monotonic()
            await call(f"{name} {number}")
            waits.append(time.monotonic() - began)

    async def write(key: str) -> None:
        async def both(uow: UnitOfWork) -> None:
            await uow.mail.is_new(key, "load")
            await keep_request(uow)

        await store.transact(both)

    async def read(key: str) -> None:
        del key
        await store.read(lambda uow: uow.plans.newest(5))

    workers = [asyncio.create_task(work("w", write)), asyncio.create_task(work("r", read))]
    yield
    ended.set()
    await asyncio.gather(*workers)


async def test_an_older_database_is_brought_up_with_its_rows(old_store: Store) -> None:
    assert (await look(old_store)).missing == ("0002",)
    await upgrade(old_store)
    standing = await look(old_store)
    assert (standing.current, standing.missing) == (newest_revision(), ())
    assert await old_store.transact(lambda uow: uow.mail.is_new("key 7", "test")) is False
    assert await column(old_store, outbox, "id") == []


@pytest.mark.postgres
@pytest.mark.slow
async def test_an_upgrade_under_load_keeps_nobody_waiting(
    old_store: Store, request: pytest.FixtureRequest
) -> None:
    """A long SELECT stays open, others write and read: no error, no wait beyond a second."""
    if old_store.dialect.name == "sqlite":
        return  # one process: who migrates it is who works on it
    waits: list[float] = []
    async with _load(old_store, waits):
        async with _held(old_store, "SELECT count(*) FROM inbox, plans, requests"):
            upgrading = asyncio.ensure_future(upgrade(old_store))
            before = len(waits)
            await until(lambda: len(waits) > before + 60, what="calls during the upgrade")
            assert not upgrading.done()  # an index waits for whoever may still need the old rows
        await upgrading
        before = len(waits)
        await until(lambda: len(waits) > before + 5, what="calls after the upgrade")
    assert max(waits) < 2  # a lock is waited for at most one; the rest is the machine's
    assert (await look(old_store)).missing == ()


@pytest.mark.postgres
async def test_a_lock_that_somebody_holds_is_asked_for_again(old_store: Store) -> None:
    if old_store.dialect.name == "sqlite":
        return
    indexes = _script("0002").module.online_indexes
    async with _autocommitting(
        old_store, old_store.engine
    ) as connection:  # these would wait for the holder too
        await connection.run_sync(partial(build_concurrently, indexes=indexes))
    async with _held(old_store, "LOCK TABLE alembic_version IN SHARE MODE"):
        upgrading = asyncio.ensure_future(upgrade(old_store))
        began = time.monotonic()
        await until(lambda: time.monotonic() > began + 1.5, what="more than one try")
        assert not upgrading.done()
    await upgrading
    assert (await look(old_store)).missing == ()


@pytest.mark.postgres
async def test_an_index_may_take_longer_than_any_other_call(
    old_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if old_store.dialect.name == "sqlite":
        return
    monkeypatch.setattr(silence, "CALL_SECONDS", 1.0)
    store = Store(old_store.url)
    async with _held(old_store, "SELECT count(*) FROM inbox, plans, requests"):
        upgrading = asyncio.ensure_future(upgrade(store))
        began = time.monotonic()
        await until(
            lambda: time.monotonic() > began + 1.5 or upgrading.done(), what="the limit to pass"
        )
        assert not upgrading.done()
    await upgrading
    await store.close()
    assert (await look(old_store)).missing == ()


@pytest.mark.postgres
async def test_an_index_that_was_left_half_built_is_built_anew(old_store: Store) -> None:
    if old_store.dialect.name == "sqlite":
        return
    async with old_store.engine.begin() as connection:
        await connection.execute(text("CREATE INDEX ix_inbox_received_at ON inbox (source)"))
        await connection.execute(
            text(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'ix_inbox_received_at'::regclass"
            )
        )
    await upgrade(old_store)
    async with old_store.engine.connect() as connection:
        assert await connection.scalar(text(_INVALID)) == 0
        made = await connection.scalar(
            text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_inbox_received_at'")
        )
    assert str(made).endswith("(received_at)")


async def test_two_that_upgrade_at_once_do_it_once(old_store: Store) -> None:
    others = [Store(old_store.url) for _ in range(3)]
    await asyncio.gather(*(upgrade(each) for each in others))
    for each in others:
        await each.close()
    async with old_store.engine.connect() as connection:
        kept = await connection.execute(
            text("SELECT revision, oldest_program FROM schema_versions")
        )
        assert kept.all() == [("0002", "0001")]


async def test_the_last_step_can_be_taken_back(old_store: Store) -> None:
    await upgrade(old_store)
    async with old_store.engine.begin() as connection:
        await connection.run_sync(_back_to_first)
    assert (await look(old_store)).current == "0001"
    await upgrade(old_store)
    assert (await look(old_store)).missing == ()


async def _call_it(store: Store, revision: str, oldest_program: str) -> None:
    kept = {
        "revision": revision,
        "oldest_program": oldest_program,
        "migrated_at": datetime.now(UTC),
    }
    async with store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE alembic_version SET version_num = :now"), {"now": revision}
        )
        await connection.execute(insert(schema_versions).values(kept))


async def test_a_newer_database_that_still_bears_this_program_is_accepted(
    empty_store: Store,
) -> None:
    await upgrade(empty_store)
    await _call_it(empty_store, "0099", newest_revision())
    await require(empty_store)
    await upgrade(empty_store)
    assert (await look(empty_store)).current == "0099"


async def test_a_newer_database_that_does_not_is_refused(empty_store: Store) -> None:
    await upgrade(empty_store)
    await _call_it(empty_store, "0099", "0098")
    for call in (require, upgrade):
        with pytest.raises(SettingsError, match=r"newer Chiffon \(schema 0099\)"):
            await call(empty_store)


async def test_a_replica_does_not_migrate_by_itself(old_store: Store, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path / "home", database_url=old_store.url)
    transport = LocalTransport()
    with pytest.raises(SettingsError) as refused:
        async with open_orchestrator(settings, Catalog, transport, migrate=False):
            pytest.fail("it started")
    assert str(refused.value) == (
        f"The database has schema 0001, this Chiffon needs {newest_revision()}: "
        "run `chiffon db upgrade` first."
    )
    assert (await look(old_store)).current == "0001"
    await upgrade(old_store)
    async with open_orchestrator(settings, Catalog, transport, migrate=False) as running:
        assert (await running.service.readiness())["database"] == "ok"
    await transport.close()
