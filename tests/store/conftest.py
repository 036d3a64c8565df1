"""Further databases: empty ones, and a second process's view of the same one."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import stamina
from sqlalchemy import text
from sqlalchemy.engine import make_url

from orchestrator.store.migrate import upgrade
from orchestrator.store.tables import metadata
from orchestrator.store.unit_of_work import Store


def _run_on(url: str, statement: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    async def run() -> None:
        connection = await asyncpg.connect(plain, timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, this test's own."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"chiffon_empty_{uuid.uuid4().hex[:12]}"
    _run_on(server, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run_on(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
async def empty_store(empty_url: str) -> AsyncIterator[Store]:
    """A store on a database without any table."""
    opened = Store(empty_url)
    yield opened
    await opened.close()


@pytest.fixture
async def other_store(store: Store) -> AsyncIterator[Store]:
    """What a second replica opens: the same database, nothing else shared."""
    opened = Store(store.url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store on the embedded database."""
    opened = Store(f"sqlite+aiosqlite:///{tmp_path / 'only.db'}")
    await upgrade(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[Store]:
    """A store on the server, empty."""
    opened = Store(postgres_url)
    names = ", ".join(f'"{name}"' for name in metadata.tables if name != "counters")
    async with opened.begin() as connection:
        await connection.execute(text(f"TRUNCATE {names}"))
        await connection.execute(text("UPDATE counters SET value = 0"))
    yield opened
    await opened.close()


@pytest.fixture
def quick() -> Iterator[None]:
    """Try again without waiting in between; as often as in earnest."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield
