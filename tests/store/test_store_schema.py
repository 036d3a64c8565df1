"""The schema that migrations make is the schema that the models mean, in both directions."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Inspector, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.errors import SettingsError
from orchestrator.store.migrate import _config, newest_revision, schema_revision, upgrade
from orchestrator.store.tables import metadata
from orchestrator.store.unit_of_work import Store

_CONTRACT = {
    *("requests", "plans", "tasks", "attempts", "approvals", "people", "agents"),
    *("agent_performance", "routing_decisions", "fallback_decisions", "execution_logs"),
    *("audit_events", "catalogue_entries", "outbox", "inbox", "cards", "notifications"),
    *("capability_gaps", "llm_usage", "api_keys"),
}
_OWN = {"counters", "schema_versions"}
_OURS = _OWN | {"alembic_version"}


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def _described(connection: Connection) -> dict[str, dict[str, object]]:
    """Return everything a database says of each table, in a form that can be compared."""
    inspector = inspect(connection)
    return {name: _table(inspector, name) for name in _tables(connection) - {"alembic_version"}}


def _table(inspector: Inspector, name: str) -> dict[str, object]:
    keys = inspector.get_pk_constraint(name)
    return {
        "columns": {
            each["name"]: (str(each["type"]), each["nullable"], each["default"])
            for each in inspector.get_columns(name)
        },
        "primary key": (keys["name"], keys["constrained_columns"]),
        "foreign keys": {
            (each["name"], *each["constrained_columns"], each["referred_table"])
            for each in inspector.get_foreign_keys(name)
        },
        "uniques": {
            (each["name"], *each["column_names"]) for each in inspector.get_unique_constraints(name)
        },
        "checks": {
            (each["name"], each["sqltext"]) for each in inspector.get_check_constraints(name)
        },
        "indexes": {
            (each["name"], *each["column_names"], each["unique"], _condition(each))
            for each in inspector.get_indexes(name)
        },
    }


def _condition(index: Any) -> str:  # noqa: ANN401 - what the inspector returns
    options = index.get("dialect_options", {})
    return str(options.get("sqlite_where", options.get("postgresql_where", "")))


async def test_the_migrations_make_every_table_of_the_contract(store: Store) -> None:
    async with store.engine.connect() as connection:
        assert await connection.run_sync(_tables) == _CONTRACT | _OURS
    assert set(metadata.tables) == _CONTRACT | _OWN


async def test_alembic_finds_nothing_to_migrate(store: Store) -> None:
    async with store.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []


async def test_the_migrated_schema_equals_the_models_by_the_databases_own_word(
    empty_store: Store,
) -> None:
    """Alembic does not compare checks, conditions of indexes, or names of keys; this does."""
    await upgrade(empty_store)
    async with empty_store.engine.begin() as connection:
        made = await connection.run_sync(_described)
        await connection.run_sync(_downgrade)
        await connection.run_sync(metadata.create_all)
        meant = await connection.run_sync(_described)
    assert set(meant) == _CONTRACT | _OWN
    assert made == meant


async def test_a_schema_that_differs_is_seen(empty_store: Store) -> None:
    """The comparison itself is held to what alembic overlooks: the condition of an index."""
    await upgrade(empty_store)
    async with empty_store.engine.begin() as connection:
        before = await connection.run_sync(_described)
        await connection.execute(text("DROP INDEX ix_outbox_unsent"))
        await connection.execute(
            text("CREATE INDEX ix_outbox_unsent ON outbox (id) WHERE sent_at IS NULL")
        )
        after = await connection.run_sync(_described)
    assert [name for name in before if before[name] != after[name]] == ["outbox"]


async def test_downgrade_takes_everything_away_and_upgrade_brings_it_again(
    empty_store: Store,
) -> None:
    await upgrade(empty_store)
    async with empty_store.engine.begin() as connection:
        first = await connection.run_sync(_described)
        await connection.run_sync(_downgrade)
        assert await connection.run_sync(_tables) == {"alembic_version"}
    assert await schema_revision(empty_store) is None
    await upgrade(empty_store)
    async with empty_store.engine.connect() as connection:
        assert await connection.run_sync(_described) == first
    assert await empty_store.transact(lambda uow: uow.plans.next_number()) == 1


async def test_an_upgrade_of_what_is_up_to_date_changes_nothing(store: Store) -> None:
    await store.transact(lambda uow: uow.plans.next_number())
    await upgrade(store)
    assert await schema_revision(store) == newest_revision()
    assert await store.transact(lambda uow: uow.plans.next_number()) == 2


async def test_an_empty_database_has_no_revision(empty_store: Store) -> None:
    assert await schema_revision(empty_store) is None


async def test_a_database_of_a_newer_version_is_refused_with_a_sentence(
    empty_store: Store,
) -> None:
    await upgrade(empty_store)
    async with empty_store.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError) as refused:
        await upgrade(empty_store)
    assert str(refused.value) == (
        "The database was written by a newer Chiffon (schema 9999). "
        "Install that version, or give this one another CHIFFON_HOME."
    )
    assert await schema_revision(empty_store) == "9999"


async def test_a_migration_that_fails_leaves_nothing_half_done(empty_store: Store) -> None:
    async with empty_store.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE routing_decisions (id INTEGER)"))
    with pytest.raises(DBAPIError, match="routing_decisions"):
        await upgrade(empty_store)
    async with empty_store.engine.connect() as connection:
        assert await connection.run_sync(_tables) == {"routing_decisions"}


async def test_replicas_that_start_together_migrate_once(empty_store: Store) -> None:
    replicas = [Store(empty_store.url) for _ in range(4)]
    try:
        ways = (upgrade(replica) for replica in replicas)
        assert await asyncio.gather(*ways, return_exceptions=True) == [None] * 4
    finally:
        for replica in replicas:
            await replica.close()
    assert await schema_revision(empty_store) == newest_revision()
    assert await empty_store.transact(lambda uow: uow.plans.next_number()) == 1


async def test_a_file_that_is_locked_only_makes_the_upgrade_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turning a new file to write-ahead is refused, not waited for, while another does it."""
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    begin, tries = store.dialect.begin_write, []

    async def refused_twice(connection: AsyncConnection) -> None:
        tries.append(connection)
        if len(tries) < 3:
            raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))
        await begin(connection)

    monkeypatch.setattr(store.dialect, "begin_write", refused_twice)
    await upgrade(store)
    assert len(tries) > 3
    assert await schema_revision(store) == newest_revision()
    await store.close()


def _downgrade(connection: Connection) -> None:
    command.downgrade(_config(connection), "base")
