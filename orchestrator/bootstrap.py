"""From settings to a running orchestrator: the one place where its rooms are wired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from orchestrator.catalog.loader import catalog_paths
from orchestrator.catalog.models import Catalog
from orchestrator.catalog.remembered import RememberedPhrases
from orchestrator.domain.agents import LEASE
from orchestrator.domain.model_rules import ModelRules
from orchestrator.fallback import ExternalAIFallback
from orchestrator.inbound import Inbound
from orchestrator.inventory import inventory
from orchestrator.keeper import Keeper
from orchestrator.llm.port import Models
from orchestrator.nlu.decomposer import RequestDecomposer
from orchestrator.nlu.model_reader import ModelReader
from orchestrator.planner import WorkPlanner
from orchestrator.relay import Relay
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.backups import bring_up
from orchestrator.store.migrate import require
from orchestrator.store.reach import require_reachable
from orchestrator.store.unit_of_work import Store
from orchestrator.transport.port import Transport
from orchestrator.usecases.context import Context
from orchestrator.usecases.model_log import StoredDecisionLog
from orchestrator.usecases.time_out import presume_alive

_log = structlog.get_logger(__name__)


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
    broker_answers: Callable[[], bool] = lambda: True,
) -> Context:
    """Wire the rooms below the use cases."""
    fallback = _fallback(settings, store, models or Models())
    return Context(
        store=store,
        catalog=catalog,
        decomposer=RequestDecomposer(
            catalog, ModelReader(fallback), lambda: inventory(settings.homelab_folder)
        ),
        planner=WorkPlanner(catalog),
        fallback=fallback,
        admins=frozenset(settings.admins),
        page_approvers=frozenset(page_approvers),
        remember=RememberedPhrases(settings.overlay_folder, lambda: catalog_paths(settings)).add,
        broker_answers=broker_answers,
        keep_time=timedelta(days=settings.keep_days),
        approval_time=timedelta(hours=settings.approval_hours),
        start_time=timedelta(hours=settings.start_hours),
    )


def _fallback(settings: Settings, store: Store, models: Models) -> ExternalAIFallback:
    rules = ModelRules(
        policy=settings.model_policy,
        text=settings.external_text,
        quota=settings.local_model_quota,
        budget=settings.external_model_budget,
    )
    log = StoredDecisionLog(store, settings.local_model_quota)
    return ExternalAIFallback(log, external=models.external, local=models.local, rules=rules)


@asynccontextmanager
async def open_orchestrator(  # noqa: PLR0913 - what a start can differ in
    settings: Settings,
    catalog: Callable[[], Catalog],
    transport: Transport,
    models: Models | None = None,
    *,
    agents_here: asyncio.Event | None = None,
    page_approvers: Collection[str] = (),
    migrate: bool = True,
) -> AsyncIterator[Orchestrator]:
    """Make sure of the database, then run relay, keeper and reader until the block ends.

    Relay and keeper wait for `agents_here`, where it is given, at most as long as a lease:
    who said nothing while nobody listened is not silent, and queues that live in this process
    are not missing before the agents have declared them. `page_approvers` may approve on the
    local page as long as `CHIFFON_ADMINS` names nobody. With `migrate` an older database is
    migrated, an embedded one copied first; without, it must have been: one of many replicas
    does not change what the others work on.

    Raises:
        SettingsError: the database cannot be reached or trusted, was written by a newer version,
            or is older and must not be migrated here.
        StoreError: it could not be copied or migrated.
    """
    store = Store(settings.resolved_database_url)
    try:
        await require_reachable(store)
        if migrate:
            await _bring_up(store, settings)
        else:
            await require(store)
        context = build_context(
            settings, store, catalog, models, page_approvers, lambda: transport.connected
        )
        inbound = Inbound(context, transport)
        running = Orchestrator(
            service=OrchestratorService(context),
            transport=transport,
            relay=Relay(context, transport),
            keeper=Keeper(context, lambda: inbound.hears),
            inbound=inbound,
        )
        await running.relay.start_over()
        if agents_here is not None:  # the first may report, and make work ready for the others
            await presume_alive(context)
        else:
            await running.keeper.allow_for_a_gap()
        subscription = await running.inbound.start()
        work = (running.relay.run, running.keeper.run)
        loops = [asyncio.create_task(_once(agents_here, loop)) for loop in work]
        try:
            yield running
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await subscription.cancel()
    finally:
        await store.close()


async def _bring_up(store: Store, settings: Settings) -> None:
    done = await bring_up(store, settings.backups_folder)
    if done.copy is not None:
        _log.info(
            f"schema {done.before} became {done.now}; the database as it was: {done.copy}",
            go_back=f"install the older version, then `chiffon db restore {done.copy}`",
        )


async def _once(agents_here: asyncio.Event | None, loop: Callable[[], Awaitable[None]]) -> None:
    if agents_here is not None:
        with suppress(TimeoutError):
            await asyncio.wait_for(agents_here.wait(), LEASE.total_seconds())
    await loop()
