"""AgentRouter: one commit of attempt, decision and letter; one budget; nobody booked twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from orchestrator.domain.attempt import MAX_RETRIES, MAX_WITHDRAWN, Attempt
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import AttemptStatus, TaskStatus
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.domain.views import RoutingView
from orchestrator.protocol import FreeResources, WorkRequest, decode
from orchestrator.router import AgentRouter, Dispatch, DispatchStatus
from orchestrator.store.tables import agents, attempts, execution_logs, outbox, routing_decisions
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import NOON, make_task
from tests.store.rows import column, keep_agent, keep_plan


@pytest.fixture
async def other_store(store: Store) -> AsyncIterator[Store]:
    """A second replica."""
    opened = Store(store.url)
    yield opened
    await opened.close()


async def _router(uow: UnitOfWork, plan: WorkPlan) -> AgentRouter:
    stored = await uow.plans.get(plan.plan_id)
    assert stored is not None
    return AgentRouter(uow, stored, start_before=NOON)


async def _dispatch(uow: UnitOfWork, plan: WorkPlan, step: int = 1) -> Dispatch:
    """Dispatch a step as it stands in the database."""
    stored = await uow.plans.get(plan.plan_id)
    assert stored is not None
    return await (await _router(uow, plan)).dispatch_with_retry(stored.plan.tasks[step - 1])


async def _end(uow: UnitOfWork, dispatch: Dispatch, reason: str = "It broke.") -> None:
    assert dispatch.attempt_id is not None
    assert await uow.attempts.move(dispatch.attempt_id, AttemptStatus.FAILED, reason=reason)


async def _planned(store: Store, *names: str, task: WorkTask | None = None) -> WorkPlan:
    """Store a plan of one step and these agents."""

    async def write(uow: UnitOfWork) -> WorkPlan:
        for name in names:
            await keep_agent(uow, name)
        return await keep_plan(uow, task or make_task(target=None, timeout_seconds=77))

    return await store.transact(write)


async def _decisions(store: Store, plan: WorkPlan) -> list[RoutingView]:
    return await store.read(lambda uow: uow.decisions.routing_of(plan.plan_id))


async def test_handing_over_leaves_attempt_log_decision_and_letter(store: Store) -> None:
    plan = await _planned(store, "infra-1", "infra-2")
    [task] = plan.tasks
    dispatch = await store.transact(lambda uow: _dispatch(uow, plan))
    assert (dispatch.status, dispatch.error) == (DispatchStatus.DISPATCHED, None)
    assert (dispatch.agent_id, dispatch.agent_name) == ("infra-1", "infra-1")
    [attempt] = await store.read(lambda uow: uow.attempts.of_task(task.task_id))
    assert (attempt.attempt_id, attempt.number, attempt.round) == (dispatch.attempt_id, 1, 1)
    assert (attempt.status, attempt.incarnation) == (AttemptStatus.QUEUED, "first")
    [log] = await store.read(lambda uow: uow.logs.of_plan(plan.plan_id))
    assert (log.attempt_id, log.work_type) == (attempt.attempt_id, task.capability)
    [letter] = await store.transact(lambda uow: uow.mail.claim())
    assert (letter.queue, letter.attempt_id) == ("agent.infra-1", attempt.attempt_id)
    envelope, work = decode(letter.body.encode())
    assert envelope.trace == "correlation"
    assert work == WorkRequest(
        plan_id=plan.plan_id,
        task_id=task.task_id,
        attempt_id=attempt.attempt_id,
        attempt_number=1,
        capability=task.capability,
        parameters=task.parameters,
        target=task.target,
        model_tier="none",
        task_digest=task.digest,
        start_before=NOON,
        deadline_seconds=77,
    )


async def test_the_decision_is_kept_with_its_numbers_and_a_sentence(store: Store) -> None:
    plan = await _planned(store, "infra-1", "infra-2")
    dispatch = await store.transact(lambda uow: _dispatch(uow, plan))
    [view] = await _decisions(store, plan)
    assert (view.agent_id, view.agent_name, view.score) == ("infra-1", "infra-1", 30.0)
    assert (view.attempt_id, view.attempt_number, view.step_number) == (dispatch.attempt_id, 1, 1)
    assert view.sentence == (
        "infra-1: best of 2, 30 of 100 points (success 20, recent 0, specialization 0, load 10)."
    )
    assert [(each.name, each.score) for each in view.candidates] == [
        ("infra-1", 30.0),
        ("infra-2", 30.0),
    ]


async def test_all_of_it_is_one_commit(store: Store) -> None:
    plan = await _planned(store, "infra-1")

    async def fail_afterwards(uow: UnitOfWork) -> None:
        await _dispatch(uow, plan)
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(fail_afterwards)
    for table in (attempts, routing_decisions, execution_logs, outbox):
        assert await column(store, table, "id") == []


async def test_experience_decides_between_equals(store: Store) -> None:
    plan = await _planned(store, "infra-1", "infra-2")

    async def learn(uow: UnitOfWork) -> Dispatch:
        await uow.agents.did("infra-2", "deploy_service", success=True, tricky=False, seconds=1)
        return await _dispatch(uow, plan)

    assert (await store.transact(learn)).agent_id == "infra-2"
    [view] = await _decisions(store, plan)
    assert (view.score, view.candidates[1].parts["recent"]) == (60.0, 30.0)


async def test_each_retry_goes_to_another_agent_up_to_1_and_3(store: Store) -> None:
    plan = await _planned(store, *(f"infra-{n}" for n in range(1, 7)))

    async def exhaust(uow: UnitOfWork) -> list[Dispatch]:
        made = []
        for number in range(1, 7):
            made.append(await _dispatch(uow, plan))
            if made[-1].status is DispatchStatus.DISPATCHED:
                await _end(uow, made[-1], f"Broken {number}.")
        return made

    made = await store.transact(exhaust)
    assert [each.agent_id for each in made[:4]] == ["infra-1", "infra-2", "infra-3", "infra-4"]
    assert [each.status for each in made[4:]] == [DispatchStatus.DISPATCH_FAILED] * 2
    assert made[4].error == "Tried 4 times. Last: Broken 4."
    found = await store.read(lambda uow: uow.attempts.of_task(plan.tasks[0].task_id))
    assert [each.number for each in found] == [1, 2, 3, 4] == list(range(1, MAX_RETRIES + 2))
    assert len(await _decisions(store, plan)) == 4


async def test_agents_that_die_before_they_begin_use_up_a_budget_of_their_own(
    store: Store,
) -> None:
    """The 1 + 3 are for tries of the work; still nothing goes round for ever."""
    plan = await _planned(store, "infra-1")

    async def die_young(uow: UnitOfWork, times: int) -> list[Dispatch]:
        made = []
        for _ in range(times):
            await keep_agent(uow, "infra-1", incarnation=new_id())
            made.append(await _dispatch(uow, plan))
            if made[-1].attempt_id is not None:
                fallen = (made[-1].attempt_id, AttemptStatus.SUPERSEDED)
                assert await uow.attempts.move(*fallen, reason="It fell silent.")
        return made

    async def fail(uow: UnitOfWork) -> None:
        await keep_agent(uow, "infra-1", incarnation=new_id())
        await _end(uow, await _dispatch(uow, plan))

    await store.transact(partial(die_young, times=10))
    for _ in range(MAX_RETRIES):
        await store.transact(fail)
    made = await store.transact(partial(die_young, times=MAX_WITHDRAWN + 2 - 10))
    assert {each.status for each in made[:-1]} == {DispatchStatus.DISPATCHED}
    tries = MAX_RETRIES + MAX_WITHDRAWN + 1
    assert made[-1].status is DispatchStatus.DISPATCH_FAILED
    assert made[-1].error == f"Tried {tries} times. Last: It fell silent."


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_the_budget_may_be_smaller(store: Store, retries: int) -> None:
    plan = await _planned(store, *(f"infra-{n}" for n in range(1, 5)))

    async def exhaust(uow: UnitOfWork) -> int:
        router = await _router(uow, plan)
        handed = 0
        while (
            dispatch := await router.dispatch_with_retry(plan.tasks[0], max_retries=retries)
        ).status is DispatchStatus.DISPATCHED:
            handed += 1
            await _end(uow, dispatch)
        return handed

    assert await store.transact(exhaust) == retries + 1


async def test_a_persons_retry_opens_a_new_budget_and_all_agents_count_again(
    store: Store,
) -> None:
    plan = await _planned(store, "infra-1")
    key = plan.tasks[0].task_id

    async def retry(uow: UnitOfWork) -> list[Dispatch]:
        first = await _dispatch(uow, plan)
        await _end(uow, first)
        second = await _dispatch(uow, plan)
        await uow.plans.move_task(key, TaskStatus.FAILED)
        assert await uow.plans.open_round(key)
        return [first, second, await _dispatch(uow, plan)]

    made = await store.transact(retry)
    assert [each.status.value for each in made] == ["dispatched", "dispatch_failed", "dispatched"]
    found = await store.read(lambda uow: uow.attempts.of_task(key))
    assert [(each.number, each.round) for each in found] == [(1, 1), (2, 2)]


async def test_an_agent_that_was_started_again_may_try_again(store: Store) -> None:
    plan = await _planned(store, "infra-1")

    async def again(uow: UnitOfWork) -> list[Dispatch]:
        await _end(uow, first := await _dispatch(uow, plan))
        await keep_agent(uow, "infra-1", incarnation="second")
        return [first, await _dispatch(uow, plan)]

    made = await store.transact(again)
    assert [each.agent_id for each in made] == ["infra-1", "infra-1"]
    found = await store.read(lambda uow: uow.attempts.of_task(plan.tasks[0].task_id))
    assert [each.incarnation for each in found] == ["first", "second"]


async def test_when_nobody_is_left_the_last_reason_is_told(store: Store) -> None:
    plan = await _planned(store, "infra-1")

    async def exhaust(uow: UnitOfWork) -> Dispatch:
        await _end(uow, await _dispatch(uow, plan), "The queue is gone.")
        return await _dispatch(uow, plan)

    failed = await store.transact(exhaust)
    assert failed.status is DispatchStatus.DISPATCH_FAILED
    assert failed.error == "The queue is gone. No other agent can take it."
    last = (await _decisions(store, plan))[-1]
    assert (last.agent_id, last.attempt_id, last.attempt_number) == (None, None, 2)
    assert last.candidates[0].excluded == "has tried it already"


async def test_a_pool_that_is_silent_fails_the_dispatch_and_says_so(store: Store) -> None:
    plan = await _planned(store, "infra-1", "infra-2")

    async def silence(uow: UnitOfWork) -> Dispatch:
        ago = uow.now - timedelta(seconds=31)
        await uow.mail._session.execute(update(agents).values(last_seen_at=ago))
        return await _dispatch(uow, plan)

    failed = await store.transact(silence)
    assert failed.status is DispatchStatus.DISPATCH_FAILED
    assert failed.error == "No infra agent can run deploy_service: offline."
    assert await column(store, attempts, "id") == []
    assert [view.sentence for view in await _decisions(store, plan)] == [failed.error]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"capabilities": {"deploy_service": "f" * 64}}, "another version of deploy_service"),
        ({"capabilities": {}}, "cannot do deploy_service"),
        ({"labels": {"host": "node3"}}, "does not serve node2"),
        ({"free": FreeResources(memory_mb=1, cpu_cores=9)}, "too small: 100 MiB of memory"),
    ],
)
async def test_no_hard_filter_is_forgotten_on_the_way_to_the_database(
    store: Store, fields: dict[str, object], reason: str
) -> None:
    async def attempt(uow: UnitOfWork) -> list[Dispatch]:
        plan = await keep_plan(uow, make_task(target="node2"))
        await keep_agent(uow, "infra-1", **{"labels": {"host": "node2"}, **fields})
        failed = await _dispatch(uow, plan)
        await keep_agent(uow, "infra-2", labels={"host": "node2"})
        return [failed, await _dispatch(uow, plan)]

    failed, handed = await store.transact(attempt)
    assert failed.status is DispatchStatus.DISPATCH_FAILED
    assert reason in str(failed.error)
    assert handed.agent_id == "infra-2"


async def test_what_open_attempts_need_is_not_given_twice(store: Store) -> None:
    """Room for two at once; a third plan waits, and goes on when one has ended."""

    async def route(uow: UnitOfWork) -> list[Dispatch]:
        await keep_agent(uow, "infra-1", free=FreeResources(cpu_cores=2.5, memory_mb=1000))
        many = [await keep_plan(uow, make_task()) for _ in range(3)]
        made = [await _dispatch(uow, plan) for plan in many]
        await _end(uow, made[0])
        return [*made, await _dispatch(uow, many[2])]

    *made, later = await store.transact(route)
    assert [each.status.value for each in made] == ["dispatched", "dispatched", "waiting"]
    assert made[2].error == ("Waiting for a free infra agent (infra-1: 1 cores needed, 0.5 free).")
    assert later.status is DispatchStatus.DISPATCHED


async def test_waiting_costs_nothing_of_the_budget_and_leaves_no_row(store: Store) -> None:
    async def wait(uow: UnitOfWork) -> list[DispatchStatus]:
        await keep_agent(uow, "infra-1", free=FreeResources(cpu_cores=1, memory_mb=1000))
        first, second = await keep_plan(uow, make_task()), await keep_plan(uow, make_task())
        await _dispatch(uow, first)
        return [(await _dispatch(uow, second)).status for _ in range(5)]

    assert await store.transact(wait) == [DispatchStatus.WAITING] * 5
    assert len(await column(store, attempts, "id")) == 1
    assert len(await column(store, routing_decisions, "id")) == 1


async def test_plans_routed_at_once_never_book_an_agent_twice(
    store: Store, other_store: Store
) -> None:
    """Twelve transactions on two replicas want the room that two of them can have."""

    async def write(uow: UnitOfWork) -> list[WorkPlan]:
        await keep_agent(uow, "infra-1", free=FreeResources(cpu_cores=2, memory_mb=1000))
        return [await keep_plan(uow, make_task()) for _ in range(12)]

    many = await store.transact(write)

    async def route(replica: Store, plan: WorkPlan) -> DispatchStatus:
        return (await replica.transact(lambda uow: _dispatch(uow, plan))).status

    replicas = [store, other_store] * 6
    made = await asyncio.gather(*(route(r, p) for r, p in zip(replicas, many, strict=True)))
    assert sorted(made) == ["dispatched"] * 2 + ["waiting"] * 10


async def test_route_task_only_looks(store: Store) -> None:
    plan = await _planned(store, "infra-1")

    async def look(uow: UnitOfWork) -> str | None:
        selection = await (await _router(uow, plan)).route_task(plan.tasks[0])
        return None if selection.agent is None else selection.agent.name

    assert await store.transact(look) == "infra-1"
    assert await column(store, attempts, "id") == []
    assert await column(store, routing_decisions, "id") == []


async def test_attempts_of_an_earlier_round_exclude_nobody(store: Store) -> None:
    plan = await _planned(store, "infra-1", task=make_task(round=2))
    [task] = plan.tasks

    async def route(uow: UnitOfWork) -> Dispatch:
        before = Attempt(
            attempt_id="before",
            task_id=task.task_id,
            plan_id=plan.plan_id,
            number=1,
            round=1,
            agent_id="infra-1",
            incarnation="first",
            status=AttemptStatus.FAILED,
        )
        await uow.attempts.add(before, task.resources)
        return await _dispatch(uow, plan)

    assert (await store.transact(route)).agent_id == "infra-1"
