"""Agents: who registered, who lives, how they did, what they have free."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from orchestrator.domain.agents import LEASE, AgentProfile, Performance
from orchestrator.domain.plan import ResourceNeed
from orchestrator.protocol import AgentState, FreeResources, Heartbeat
from orchestrator.store.tables import agent_performance, agents
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import ENTRY, make_task
from tests.store.rows import ROOM, column, keep_agent, keep_attempt, keep_plan


def _beat(**fields: object) -> Heartbeat:
    return Heartbeat.model_validate({"agent_id": "agent-1", "incarnation": "first", **fields})


async def _silent_for(uow: UnitOfWork, span: timedelta) -> None:
    await uow.mail._session.execute(update(agents).values(last_seen_at=uow.now - span))


async def _profile(uow: UnitOfWork) -> AgentProfile:
    [profile] = await uow.agents.profiles()
    return profile


async def test_an_agent_is_known_as_it_introduced_itself(store: Store) -> None:
    async def write(uow: UnitOfWork) -> AgentProfile:
        await keep_agent(
            uow, labels={"host": "node2", "docker": ""}, specializations=("deploy_service",)
        )
        return await _profile(uow)

    profile = await store.transact(write)
    assert profile == AgentProfile(
        agent_id="agent-1",
        name="agent-1",
        agent_type="infra",
        incarnation="first",
        online=True,
        labels={"host": "node2", "docker": ""},
        specializations=("deploy_service",),
        capabilities={"deploy_service": ENTRY},
        free=ResourceNeed(**ROOM.model_dump()),
        last_seen_at=profile.last_seen_at,
    )


async def test_registering_again_tells_the_incarnation_before(store: Store) -> None:
    async def write(uow: UnitOfWork) -> list[str | None]:
        agent = await keep_agent(uow)
        again = agent.model_copy(update={"incarnation": "second", "labels": {"new": ""}})
        return [await uow.agents.register(agent), await uow.agents.register(again)]

    assert await store.transact(write) == ["first", "first"]
    profile = await store.read(_profile)
    assert (profile.incarnation, profile.labels) == ("second", {"new": ""})


async def test_two_that_register_under_one_id_at_once_are_one_agent(
    store: Store, other_store: Store
) -> None:
    """A registration may be delivered twice, to two replicas."""
    await asyncio.gather(*(each.transact(keep_agent) for each in (store, other_store) * 5))
    assert await column(store, agents, "id") == ["agent-1"]


@pytest.mark.parametrize(
    ("silent", "online"),
    [(timedelta(0), True), (LEASE, True), (LEASE + timedelta(microseconds=1), False)],
)
async def test_an_agent_is_online_while_it_gives_signs_of_life(
    store: Store, silent: timedelta, *, online: bool
) -> None:
    async def look(uow: UnitOfWork) -> tuple[bool, int]:
        await keep_agent(uow)
        await _silent_for(uow, silent)
        return (await _profile(uow)).online, await uow.agents.count_online()

    assert await store.transact(look) == (online, int(online))


async def test_a_sign_of_life_brings_news_and_brings_it_back_online(store: Store) -> None:
    beat = _beat(
        load=0.5,
        status=AgentState.STOPPING,
        labels={"host": "node3"},
        free=FreeResources(cpu_cores=1.5, memory_mb=7, gpu_vram_mb=3),
    )

    async def hear(uow: UnitOfWork) -> tuple[bool, AgentProfile]:
        await keep_agent(uow)
        await _silent_for(uow, timedelta(hours=1))
        return await uow.agents.heard(beat), await _profile(uow)

    known, profile = await store.transact(hear)
    assert known
    assert (profile.online, profile.load, profile.status) == (True, 0.5, "stopping")
    assert profile.labels == {"host": "node3"}
    assert profile.free == ResourceNeed(cpu_cores=1.5, memory_mb=7, gpu_vram_mb=3)


async def test_a_start_presumes_all_alive_for_one_lease(store: Store) -> None:
    """Who spoke while nobody listened was not silent."""

    async def start(uow: UnitOfWork) -> tuple[int, int]:
        await keep_agent(uow)
        await _silent_for(uow, timedelta(hours=1))
        before = await uow.agents.count_online()
        await uow.agents.presume_alive()
        assert (await _profile(uow)).last_seen_at == uow.now
        return before, await uow.agents.count_online()

    assert await store.transact(start) == (0, 1)


async def test_a_sign_of_life_without_labels_keeps_those_known(store: Store) -> None:
    async def hear(uow: UnitOfWork) -> AgentProfile:
        await keep_agent(uow, labels={"host": "node2"})
        await uow.agents.heard(_beat())
        return await _profile(uow)

    assert (await store.transact(hear)).labels == {"host": "node2"}


@pytest.mark.parametrize("beat", [_beat(agent_id="agent-9"), _beat(incarnation="zombie")])
async def test_a_stranger_or_an_old_process_is_not_this_agent(
    store: Store, beat: Heartbeat
) -> None:
    async def hear(uow: UnitOfWork) -> tuple[bool, bool]:
        await keep_agent(uow)
        await _silent_for(uow, timedelta(hours=1))
        return await uow.agents.heard(beat), (await _profile(uow)).online

    assert await store.transact(hear) == (False, False)


async def test_what_open_attempts_need_is_added_up_per_agent(store: Store) -> None:
    need = ResourceNeed(cpu_cores=0.5, memory_mb=10, gpu_vram_mb=2, duration_seconds=60)

    async def write(uow: UnitOfWork) -> list[AgentProfile]:
        await keep_agent(uow, "b")
        await keep_agent(uow, "a")
        plan = await keep_plan(uow, make_task(resources=need))
        for number in (1, 2, 3):
            await keep_attempt(uow, plan, number=number, agent_id="b")
        return await uow.agents.profiles()

    idle, busy = await store.transact(write)
    assert (idle.name, idle.reserved) == ("a", ResourceNeed())
    expected = ResourceNeed(cpu_cores=1.5, memory_mb=30, gpu_vram_mb=6)
    assert (busy.name, busy.reserved) == ("b", expected)


async def test_how_it_did_is_counted_by_kind_of_work(store: Store) -> None:
    async def work(uow: UnitOfWork) -> dict[str, Performance]:
        await keep_agent(uow)
        for success, tricky, seconds in ((True, False, 2.0), (False, True, 3.5), (True, True, 1)):
            await uow.agents.did(
                "agent-1", "deploy_service", success=success, tricky=tricky, seconds=seconds
            )
        await uow.agents.did("agent-1", "other", success=False, tricky=False, seconds=1)
        expected = {
            "deploy_service": Performance(runs=3, successes=2, last_done_at=uow.now),
            "other": Performance(runs=1, successes=0, last_done_at=uow.now),
        }
        assert (await _profile(uow)).performance == expected
        return expected

    expected = await store.transact(work)
    assert (await store.read(_profile)).performance == expected
    assert await column(store, agent_performance, "tricky") == [2, 0]
    assert await column(store, agent_performance, "total_seconds") == [6.5, 1.0]


async def test_forty_results_at_once_are_all_counted(store: Store, other_store: Store) -> None:
    await store.transact(keep_agent)

    async def did(replica: Store) -> None:
        await replica.transact(
            lambda uow: uow.agents.did("agent-1", "w", success=True, tricky=False, seconds=0.5)
        )

    await asyncio.gather(*(did(each) for each in (store, other_store) * 20))
    assert (await store.read(_profile)).performance["w"].runs == 40
    assert await column(store, agent_performance, "total_seconds") == [20.0]
