"""A database and queues of a benchmark's own on the servers at hand; gone afterwards."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import asyncpg
from sqlalchemy.engine import make_url
from yarl import URL

from orchestrator.store.migrate import upgrade
from orchestrator.store.unit_of_work import Store

POSTGRES = os.environ.get(
    "CHIFFON_BENCH_DATABASE_URL", "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres"
)
RABBIT = os.environ.get("CHIFFON_BENCH_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")


def plain(url: str) -> str:
    """Return a database's address as drivers read it, without SQLAlchemy's dialect."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def database(*, migrated: bool = True) -> AsyncIterator[str]:
    """Make a PostgreSQL database, migrated to this version's tables unless told otherwise."""
    name = f"chiffon_bench_{uuid.uuid4().hex[:12]}"
    await _on_server(f'CREATE DATABASE "{name}"')
    url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    try:
        if migrated:
            store = Store(url)
            await upgrade(store)
            await store.close()
        yield url
    finally:
        await _on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _on_server(statement: str) -> None:
    connection = await asyncpg.connect(plain(POSTGRES))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def queues(*names: str) -> AsyncIterator[str]:
    """Give a prefix for queues; those of these names, and Chiffon's own, are removed."""
    prefix = f"bench-{uuid.uuid4().hex[:12]}."
    try:
        yield prefix
    finally:
        await remove(prefix, ("chiffon.results", "chiffon.dead", *names))


async def remove(prefix: str, names: tuple[str, ...]) -> None:
    """Remove queues."""
    connection = await aio_pika.connect(RABBIT)
    async with connection, connection.channel() as channel:
        for name in names:
            await channel.queue_delete(prefix + name)


def broker_url(prefix: str) -> str:
    """Return the broker's address, with the prefix of this benchmark's queues."""
    return str(URL(RABBIT).update_query(prefix=prefix))
