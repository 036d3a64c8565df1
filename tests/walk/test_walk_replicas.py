"""Two replicas on PostgreSQL and RabbitMQ, and an agent with a home of its own: real processes."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.store.unit_of_work import Store
from tests.conftest import emptied
from tests.plugins.broker import own_url, remove_prefixed, require_broker
from tests.walk.program import KUMA, Program, Up, approved, plan_status, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]
_AGENT = ("agent", "--name", "nas", "--type", "infra", "--label", "host=nas", "--slots", "2")


@dataclass
class Site:
    """Two replicas that share nothing but the servers, and one agent."""

    one: Program
    other: Program
    nas: Program
    replica: Up
    agent: Up


@pytest.fixture
def site(tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    require_broker()
    asyncio.run(emptied(postgres_url))
    shared = {"CHIFFON_BROKER_URL": own_url(), "CHIFFON_DATABASE_URL": postgres_url}
    rooms = [tmp_path / name for name in ("one", "other", "nas")]
    for room in rooms:
        room.mkdir()
    one, other, nas = (Program(room, **shared) for room in rooms)
    try:
        replica = one.launch("serve")
        agent = nas.launch(*_AGENT)
        other.up("serve")
        for started in (replica, agent):
            started.until_ready()
        yield Site(one, other, nas, replica, agent)
    finally:
        for program in (one, other, nas):
            program.end_all()
        ids = asyncio.run(_agents(postgres_url))
        asyncio.run(remove_prefixed(shared["CHIFFON_BROKER_URL"], ids))


async def _agents(url: str) -> list[str]:
    store = Store(url)
    try:
        known = await store.read(lambda uow: uow.agents.names())
    finally:
        await store.close()
    return list(known)


def test_what_one_replica_heard_the_other_may_decide_and_any_agent_does(site: Site) -> None:
    with site.one.api() as one, site.other.api() as other:
        asked = one.post("/request", json={"request": KUMA, "user_id": "newcomer"}).json()
        plan = asked["plan_number"]
        decision = {"approved": True, "user_id": "newcomer"}
        assert other.post(f"/plan/{plan}/approve", json=decision).status_code == 200
        assert one.post(f"/plan/{plan}/approve", json=decision).status_code == 409
        assert wait_until(one, plan, "completed", "failed") == "completed"
        assert plan_status(other, plan)["summary"] == plan_status(one, plan)["summary"]
    services = site.nas.homelab / "services"
    assert (services / "uptime-kuma" / "compose.yaml").exists()
    assert not site.one.homelab.exists()

    site.replica.kill()
    with site.other.api() as other:
        again = approved(other, "Deploy gitea")
        assert wait_until(other, again, "completed", "failed") == "completed"

    site.agent.signal(signal.SIGTERM)
    assert site.agent.wait() == 0
    with site.other.api() as other:
        waits = approved(other, "Deploy vaultwarden")
        assert plan_status(other, waits)["status"] == "approved"
        site.nas.up(*_AGENT)
        assert wait_until(other, waits, "completed", "failed") == "completed"


def test_serve_needs_a_broker_and_says_what_needs_none(tmp_path: Path) -> None:
    said = Program(tmp_path).run("serve")
    assert (said.status, said.out) == (1, "")
    assert "CHIFFON_BROKER_URL is not set" in said.err
    assert "`chiffon up` needs none" in said.err
