"""A program dies at every crash point; each plan still ends as was promised."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from orchestrator.crash_points import CRASH_POINTS
from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE
from orchestrator.store.migrate import upgrade
from orchestrator.store.unit_of_work import Store
from tests.chaos.clients import Clients
from tests.chaos.programs import Nursery
from tests.chaos.rows import Archive, opened_archive
from tests.chaos.site import Site, embedded_site, served_site
from tests.chaos.walk import (
    Stage,
    answered_plan,
    cancelled_plan,
    corrected_plan,
    nothing,
    path_plan,
    plan,
    remembered_plan,
    said,
    slow_plan,
    told_once,
    undecided_plan,
    walk,
)
from tests.conftest import emptied
from tests.plugins.broker import own_url, remove, require_broker
from tests.plugins.missing import require_ci

_ALL_BUT_BROKER = [name for name in CRASH_POINTS if not name.startswith("broker.")]
_SPECIAL = (
    *("expiry", "overdue", "keeper", "notifier", "control", "move_on", "status", "renewal"),
    *("answer", "correction", "phrase"),
)
_REMEMBERED = (("before", "varnish the bench"), ("after", "oil every hinge"))
_SOON_OVER = {"CHIFFON_APPROVAL_HOURS": "0.0003"}
_ON_SERVERS = (
    *("request.after_commit", "understanding.after_commit"),
    *("approval.before_commit", "approval.after_commit"),
    *("relay.claimed", "relay.before_publish", "relay.after_publish"),
    *("relay.before_commit", "relay.after_commit"),
    *("claim.before_commit", "claim.after_commit"),
    *("result.before_commit", "result.after_commit"),
    *("broker.before_ack", "broker.after_ack"),
)


def _way_to(name: str) -> tuple[str, ...]:
    """Return where to die before, so that there is something left to do there, and `name`."""
    before = {"relay.claimed": "approval.after_commit", "agent.recovered": "agent.started"}
    return (before[name], name) if name in before else (name,)


def _stages(other_pool: Path, catalog: Path) -> list[Stage]:
    plain = [name for name in _ALL_BUT_BROKER if not name.startswith(_SPECIAL)]
    both = {"CHIFFON_CATALOG": os.pathsep.join((str(catalog), str(other_pool)))}
    stages = [Stage(each) for name in plain for each in _way_to(name)]
    return [
        *stages,
        *(Stage(f"status.{when}_commit", slow_plan) for when in ("before", "after")),
        *(Stage(f"move_on.{when}_commit", slow_plan) for when in ("before", "after")),
        *(Stage(f"control.{when}_commit", cancelled_plan) for when in ("before", "after")),
        *(Stage(f"answer.{when}_commit", answered_plan) for when in ("before", "after")),
        *(Stage(f"correction.{when}_commit", corrected_plan) for when in ("before", "after")),
        *(Stage(f"phrase.{when}_commit", remembered_plan(words)) for when, words in _REMEMBERED),
        *(Stage(f"renewal.{when}_commit", nothing) for when in ("before", "after")),
        Stage("notifier.card_posted", said("paint the fence")),
        Stage("notifier.reply_posted", said("bake me a chocolate cake")),
        Stage("request.after_commit", plan),
        Stage("keeper.before_take_up", nothing),
        Stage("agent.started", path_plan, both, rested=True),
        *(Stage(f"overdue.{when}_commit", nothing) for when in ("before", "after")),
        Stage("expiry.before_commit", undecided_plan, _SOON_OVER),
        Stage("expiry.after_commit", nothing),
    ]


@asynccontextmanager
async def _opened(site: Site) -> AsyncIterator[tuple[Archive, Clients]]:
    store = Store(site.database_url)
    await upgrade(store)
    await store.close()
    async with opened_archive(site.database_url) as archive:
        clients = Clients(site, archive, seed=1)
        try:
            yield archive, clients
        finally:
            await clients.close()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_chiffon_up_dies_everywhere(tmp_path: Path) -> None:
    require_ci()
    async with Nursery.opened([], tmp_path / "nursery.log") as nursery:
        site = embedded_site(nursery, tmp_path)
        stages = _stages(site.canary.other_pool, site.canary.catalog)
        assert {stage.point for stage in stages} == set(_ALL_BUT_BROKER)
        async with _opened(site) as (archive, clients):
            await walk(site, archive, [(site.fronts[0], each) for each in stages], clients)
            for _, words in _REMEMBERED:
                assert await told_once(site, archive, clients, words), words


async def _removed(site: Site, archive: Archive, url: str) -> None:
    prefix = str(URL(url).query["prefix"])
    await remove(
        {prefix + name for name in [RESULTS_QUEUE, DEAD_QUEUE, *await archive.agent_queues()]}
    )


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.rabbitmq
@pytest.mark.timeout(400)
async def test_serve_and_agent_die_at_every_border_to_the_servers(
    tmp_path: Path, postgres_url: str
) -> None:
    require_ci()
    require_broker()
    await emptied(postgres_url)
    database_url = postgres_url
    url = own_url()
    through = {"CHIFFON_DATABASE_URL": database_url, "CHIFFON_BROKER_URL": url}
    async with Nursery.opened([], tmp_path / "nursery.log") as nursery:
        site = served_site(
            nursery,
            tmp_path,
            replicas=1,
            agents=1,
            database_url=database_url,
            broker_url=url,
            through=through,
        )
        (serve,), (agent,) = site.fronts, site.agents
        of_agent = [name for name in CRASH_POINTS if name.startswith(("agent.", "broker."))]
        stages = [(serve, Stage(name)) for name in _ON_SERVERS]
        stages += [(agent, Stage(each)) for name in of_agent for each in _way_to(name)]
        _ = await agent.start()
        async with _opened(site) as (archive, clients):
            try:
                await walk(site, archive, stages, clients)
            finally:
                await _removed(site, archive, url)
