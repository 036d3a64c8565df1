"""From settings to a running orchestrator: the one place where its rooms are wired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.catalog.models import Catalog
from orchestrator.domain.agents import LEASE
from orchestrator.fallback import ExternalAIFallback
from orchestrator.inbound import Inbound
from orchestrator.keeper import Keeper
from orchestrator.llm.port import ModelPort
from orchestrator.nlu.decomposer import RequestDecomposer
from orchestrator.planner import WorkPlanner
from orchestrator.relay import Relay
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.unit_of_work import Store
from orchestrator.transport.port import Transport
from orchestrator.usecases.context import Context
from orchestrator.usecases.model_log import StoredDecisionLog
from orchestrator.usecases.time_out import presume_alive


@dataclass(frozen=True)
class Models:
    """The language models at hand; real clients come with a later extra."""

    external: ModelPort | None = None
    local: ModelPort | None = None


@dataclass(frozen=True)
class Orchestrator:
    """A running orchestrator."""

    service: OrchestratorService
    transport: Transport
    relay: Relay
    keeper: Keeper
    inbound: Inbound


def build_context(
    settings: Settings,
    store: Store,
    catalog: Callable[[], Catalog],
    models: Models | None = None,
    page_approvers: Collection[str] = (),
) -> Context:
    """Wire the rooms below the use cases."""
    models = models or Models()
    log = StoredDecisionLog(store, settings.local_model_quota)
    return Context(
        store=store,
        catalog=catalog,
        decomposer=RequestDecomposer(catalog),
        planner=WorkPlanner(catalog),
        fallback=ExternalAIFallback(log, external=models.external, local=models.local),
        admins=frozenset(settings.admins),
        page_approvers=frozenset(page_approvers),
        approval_time=timedelta(hours=settings.approval_hours),
        start_time=timedelta(hours=settings.start_hours),
    )


@asynccontextmanager
async def open_orchestrator(
    settings: Settings,
    catalog: Callable[[], Catalog],
    transport: Transport,
    models: Models | None = None,
    *,
    agents_here: asyncio.Event | None = None,
    page_approvers: Collection[str] = (),
) -> AsyncIterator[Orchestrator]:
    """Migrate the database, then run relay, keeper and reader until the block ends.

    Relay and keeper wait for `agents_here`, where it is given, at most as long as a lease:
    who said nothing while nobody listened is not silent, and queues that live in this process
    are not missing before the agents have declared them. `page_approvers` may approve on the
    local page as long as `CHIFFON_ADMINS` names nobody.

    Raises:
        SettingsError: the database was written by a newer version.
    """
    store = Store(settings.resolved_database_url)
    try:
        await upgrade(store)
        context = build_context(settings, store, catalog, models, page_approvers)
        running = Orchestrator(
            service=OrchestratorService(context),
            transport=transport,
            relay=Relay(context, transport),
            keeper=Keeper(context, lambda: transport.connected),
            inbound=Inbound(context, transport),
        )
        await running.relay.start_over()
        if agents_here is not None:  # the first may report, and make work ready for the others
            await presume_alive(context)
        else:
            await running.keeper.allow_for_a_gap()
        subscription = await running.inbound.start()
        loops = [
            asyncio.create_task(_once(agents_here, loop))
            for loop in (running.relay.run, running.keeper.run)
        ]
        try:
            yield running
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await subscription.cancel()
    finally:
        await store.close()


async def _once(agents_here: asyncio.Event | None, loop: Callable[[], Awaitable[None]]) -> None:
    if agents_here is not None:
        with suppress(TimeoutError):
            await asyncio.wait_for(agents_here.wait(), LEASE.total_seconds())
    await loop()
