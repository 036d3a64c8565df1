"""The product that is measured: the real service on PostgreSQL and RabbitMQ, a real agent."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.agent_process import CATALOG
from benchmarks.servers import broker_url, database, queues, remove
from orchestrator.bootstrap import Orchestrator, open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.catalog.models import CatalogEntry
from orchestrator.settings import Settings
from orchestrator.store.unit_of_work import Store
from orchestrator.transport.rabbitmq import RabbitTransport

_ONLINE_SECONDS = 60


class Watcher:
    """A process that prints `KEY NANOSECONDS`; tells when it has seen a key."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._seen: dict[str, asyncio.Future[int]] = {}
        self._reading = asyncio.create_task(self._read())

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it has used so far."""
        used = psutil.Process(self.process.pid).cpu_times()
        return used.user + used.system

    def _of(self, key: str) -> asyncio.Future[int]:
        return self._seen.setdefault(key, asyncio.get_running_loop().create_future())

    async def seen(self, key: str) -> int:
        """Wait until it has seen `key`; return when, in nanoseconds of the monotonic clock."""
        async with asyncio.timeout(120):
            return await self._of(key)

    async def _read(self) -> None:
        stream = self.process.stdout
        while stream is not None and (line := await stream.readline()):
            key, moment = line.split()
            if not self._of(key.decode()).done():
                self._of(key.decode()).set_result(int(moment))

    async def close(self) -> None:
        """End the process."""
        self._reading.cancel()
        self.process.terminate()
        await self.process.wait()


@asynccontextmanager
async def watched(module: str, *arguments: str) -> AsyncIterator[Watcher]:
    """Run a module of the benchmarks as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"benchmarks.{module}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    watcher = Watcher(process)
    try:
        yield watcher
    finally:
        await watcher.close()


@dataclass(frozen=True)
class Product:
    """A running Chiffon: orchestrator in this process, one agent in its own."""

    running: Orchestrator
    agent: Watcher
    entry: CatalogEntry
    prefix: str

    @property
    def store(self) -> Store:
        """Its database."""
        return self.running.service.context.store

    async def idle(self) -> None:
        """Wait until every plan that was approved is done."""
        async with self.store.engine.connect() as connection:
            while await self._running(connection):
                await connection.rollback()
                await asyncio.sleep(0.02)

    @staticmethod
    async def _running(connection: AsyncConnection) -> bool:
        found = await connection.exec_driver_sql(
            "SELECT EXISTS (SELECT FROM plans WHERE status IN ('approved', 'executing'))"
        )
        return bool(found.scalar_one())


@asynccontextmanager
async def product(slots: int = 8, admins: tuple[str, ...] = ()) -> AsyncIterator[Product]:
    """Open everything; the agent is online."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = await stack.enter_async_context(database())
        prefix = await stack.enter_async_context(queues())
        settings = Settings(
            home=folder, database_url=url, broker_url=broker_url(prefix), admins=admins
        )
        transport = RabbitTransport(broker_url(prefix), name="benchmark")
        await transport.open()
        stack.push_async_callback(transport.close)
        catalog = LiveCatalog([CATALOG])
        running = await stack.enter_async_context(
            open_orchestrator(settings, catalog.current, transport)
        )
        agent = await stack.enter_async_context(
            watched("agent_process", str(folder), broker_url(prefix), str(slots))
        )
        agent_id = await _online(running)
        stack.push_async_callback(
            remove, prefix, (f"agent.{agent_id}", f"agent.{agent_id}.control")
        )
        entry = catalog.current().entries["do_nothing"]
        yield Product(running, agent, entry, prefix)


async def _online(running: Orchestrator) -> str:
    async with asyncio.timeout(_ONLINE_SECONDS):
        while True:
            agents = (await running.service.list_agents()).agents
            if agents:
                return agents[0].agent_id
            await asyncio.sleep(0.1)
