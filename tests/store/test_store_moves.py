"""Guarded moves: the store makes exactly the moves of the tables; of two at once one counts."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Table, update
from sqlalchemy.exc import IntegrityError

from orchestrator.domain.lifecycle import (
    ATTEMPT_MOVES,
    PLAN_MOVES,
    REQUEST_MOVES,
    TASK_MOVES,
    AttemptStatus,
    PlanStatus,
    RequestStatus,
    TaskStatus,
)
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import DecomposedRequest
from orchestrator.errors import Conflict, ErrorCode
from orchestrator.store.tables import attempts, plans, requests, tasks
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import make_task
from tests.store.rows import (
    column,
    keep_plan,
    keep_request,
    stored_attempt,
    stored_plan,
)

Move = Callable[[UnitOfWork], Awaitable[object]]


async def _set(uow: UnitOfWork, table: Table, key: str, status: str) -> None:
    await uow.mail._session.execute(update(table).where(table.c.id == key).values(status=status))


async def test_attempts_move_exactly_as_the_table_says(store: Store) -> None:
    attempt = await stored_attempt(store)

    async def try_all(uow: UnitOfWork) -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        for source in AttemptStatus:
            for target in AttemptStatus:
                await _set(uow, attempts, attempt.attempt_id, source)
                if await uow.attempts.move(attempt.attempt_id, target):
                    made.append((source, target))
        return made

    made = await store.transact(try_all)
    expected = [(s, t) for s in AttemptStatus for t in AttemptStatus if t in ATTEMPT_MOVES[s]]
    assert made == expected


async def test_tasks_move_exactly_as_the_table_says(store: Store) -> None:
    task = (await stored_plan(store)).tasks[0]

    async def try_all(uow: UnitOfWork) -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        for source in TaskStatus:
            for target in TaskStatus:
                await _set(uow, tasks, task.task_id, source)
                if await uow.plans.move_task(task.task_id, target):
                    made.append((source, target))
        return made

    expected = [(s, t) for s in TaskStatus for t in TaskStatus if t in TASK_MOVES[s]]
    assert await store.transact(try_all) == expected


async def test_plans_move_exactly_as_the_table_says(store: Store) -> None:
    plan = await stored_plan(store)

    async def moves(uow: UnitOfWork, source: PlanStatus, target: PlanStatus) -> bool:
        await _set(uow, plans, plan.plan_id, source)
        return await _is_made(uow.plans.move(plan.plan_id, target))

    async def try_all(uow: UnitOfWork) -> list[tuple[str, str]]:
        return [(s, t) for s in PlanStatus for t in PlanStatus if await moves(uow, s, t)]

    expected = [(s, t) for s in PlanStatus for t in PlanStatus if t in PLAN_MOVES[s]]
    assert await store.transact(try_all) == expected


async def test_requests_move_exactly_as_the_table_says(store: Store) -> None:
    key = (await store.transact(keep_request)).request_id

    async def moves(uow: UnitOfWork, source: RequestStatus, target: RequestStatus) -> bool:
        await _set(uow, requests, key, source)
        if target is RequestStatus.FAILED:
            return await _is_made(uow.requests.failed(key, "a fault"))
        if source is RequestStatus.OUT_OF_SCOPE:  # thinking ends there; a person says better
            assert not await _is_made(uow.requests.understood(key, target, None))
            better = DecomposedRequest(original_request="x", decomposer_model="embedded")
            wanted = target is RequestStatus.PARSING_COMPLETE
            return wanted and await _is_made(uow.requests.corrected(key, source, better))
        return await _is_made(uow.requests.understood(key, target, None))

    async def try_all(uow: UnitOfWork) -> list[tuple[str, str]]:
        return [(s, t) for s in RequestStatus for t in RequestStatus if await moves(uow, s, t)]

    expected = [(s, t) for s in RequestStatus for t in RequestStatus if t in REQUEST_MOVES[s]]
    assert await store.transact(try_all) == expected


async def _is_made(move: Awaitable[None]) -> bool:
    try:
        await move
    except Conflict:
        return False
    return True


async def test_a_persons_retry_opens_a_new_round_of_what_ended_badly_only(store: Store) -> None:
    plan = await stored_plan(store)
    key = plan.tasks[0].task_id

    async def retry_all(uow: UnitOfWork) -> list[TaskStatus]:
        opened = []
        for source in TaskStatus:
            await _set(uow, tasks, key, source)
            if await uow.plans.open_round(key):
                opened.append(source)
        return opened

    bad = [TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.OUTCOME_UNKNOWN]
    assert await store.transact(retry_all) == bad
    assert await column(store, tasks, "round") == [4]
    assert await column(store, tasks, "status") == ["pending"]


async def test_a_conflict_says_what_was_expected_and_what_to_do(store: Store) -> None:
    plan = await stored_plan(store)
    with pytest.raises(Conflict) as refused:
        await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.WAITING))
    assert refused.value.error.code is ErrorCode.CONFLICT
    assert refused.value.error.message == (
        "It is no longer executing, so it cannot become waiting."
    )
    assert refused.value.error.hint == "Look again where it stands."


async def test_what_does_not_exist_moves_nowhere(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.transact(lambda uow: uow.plans.move("none", PlanStatus.APPROVED))
    assert await store.transact(lambda uow: uow.plans.move_task("none", TaskStatus.FAILED)) is False
    missing = store.transact(lambda uow: uow.attempts.move("none", AttemptStatus.FAILED))
    assert await missing is False


@pytest.mark.parametrize("table", [requests, plans, tasks, attempts], ids=lambda each: each.name)
async def test_the_database_itself_refuses_a_status_that_nobody_knows(
    store: Store, table: Table
) -> None:
    await stored_attempt(store)
    statement = update(table).values(status="sleeping")
    with pytest.raises(IntegrityError):
        await store.transact(lambda uow: uow.mail._session.execute(statement))


async def test_of_approve_reject_and_cancel_one_wins(store: Store, other_store: Store) -> None:
    """Twenty plans, three decisions each, from two replicas at once."""

    async def write(uow: UnitOfWork) -> list[WorkPlan]:
        return [await keep_plan(uow, make_task()) for _ in range(20)]

    many = await store.transact(write)
    targets = [PlanStatus.APPROVED, PlanStatus.REJECTED, PlanStatus.CANCELLED]

    async def decide(replica: Store, plan: WorkPlan, target: PlanStatus) -> PlanStatus | None:
        try:
            await replica.transact(lambda uow: uow.plans.move(plan.plan_id, target))
        except Conflict:
            return None
        return target

    for plan in many:
        # Cancelling is allowed after approval too, so that it may win as the second.
        won = await asyncio.gather(
            *(decide(r, plan, t) for r, t in zip([store, other_store, store], targets, strict=True))
        )
        winners = [each for each in won if each is not None]
        status = await _status_of(store, plan)
        assert winners in ([status], [PlanStatus.APPROVED, PlanStatus.CANCELLED])
        assert status is winners[-1]


async def _status_of(store: Store, plan: WorkPlan) -> PlanStatus:
    found = await store.read(lambda uow: uow.plans.get(plan.plan_id))
    assert found is not None
    return found.plan.status


async def test_two_clicks_at_once_make_one_approval(store: Store, other_store: Store) -> None:
    plan = await stored_plan(store)

    async def approve(replica: Store) -> bool:
        move = replica.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.APPROVED))
        return await _is_made(move)

    clicks = [approve(replica) for replica in (store, other_store) for _ in range(5)]
    assert sorted(await asyncio.gather(*clicks)) == [False] * 9 + [True]


async def test_of_two_ends_of_an_attempt_one_counts(store: Store, other_store: Store) -> None:
    attempt = await stored_attempt(store)
    ends = [AttemptStatus.SUCCEEDED, AttemptStatus.UNKNOWN]

    async def end(replica: Store, status: AttemptStatus) -> bool:
        return await replica.transact(lambda uow: uow.attempts.move(attempt.attempt_id, status))

    won = await asyncio.gather(end(store, ends[0]), end(other_store, ends[1]))
    assert sorted(won) == [False, True]
    assert await column(store, attempts, "status") == [ends[won.index(True)]]


async def test_an_ended_attempt_keeps_the_time_and_reason_of_its_end(store: Store) -> None:
    attempt = await stored_attempt(store)
    key = attempt.attempt_id

    async def end(uow: UnitOfWork) -> bool:
        return await uow.attempts.move(key, AttemptStatus.FAILED, reason="first")

    assert await store.transact(end) is True
    first = await column(store, attempts, "ended_at")
    assert (
        await store.transact(
            lambda uow: uow.attempts.move(key, AttemptStatus.UNKNOWN, reason="second")
        )
        is False
    )
    assert await column(store, attempts, "ended_at") == first != [None]
    assert await column(store, attempts, "reason") == ["first"]


async def test_a_plan_that_runs_again_has_no_end(store: Store) -> None:
    plan = await stored_plan(store)

    async def walk(uow: UnitOfWork, *targets: PlanStatus) -> None:
        for target in targets:
            await uow.plans.move(plan.plan_id, target)

    way = (PlanStatus.APPROVED, PlanStatus.EXECUTING, PlanStatus.FAILED)
    await store.transact(lambda uow: walk(uow, *way))
    assert await column(store, plans, "ended_at") != [None]
    await store.transact(lambda uow: walk(uow, PlanStatus.EXECUTING))
    assert await column(store, plans, "ended_at") == [None]
    await store.transact(lambda uow: walk(uow, PlanStatus.COMPLETED))
    assert await column(store, plans, "ended_at") != [None]
