"""Attempts: leases, progress that only goes forward, what counts as open; and their output."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from orchestrator.domain.agents import LEASE
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import OPEN_ATTEMPTS, AttemptStatus
from orchestrator.domain.plan import ResourceNeed
from orchestrator.store.repositories.logs import MAX_OUTPUT_CHARACTERS
from orchestrator.store.tables import attempts
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import make_task
from tests.store.rows import column, keep_agent, keep_attempt, keep_plan, stored_attempt


async def _expire(uow: UnitOfWork, *ids: str) -> None:
    ago = uow.now - timedelta(milliseconds=1)
    statement = update(attempts).where(attempts.c.id.in_(ids)).values(lease_until=ago)
    await uow.mail._session.execute(statement)


async def test_an_attempt_comes_back_as_it_was_stored_with_a_lease_of_30_seconds(
    store: Store,
) -> None:
    async def write(uow: UnitOfWork) -> Attempt:
        await keep_agent(uow)
        attempt = await keep_attempt(uow, await keep_plan(uow, make_task()), number=3, round=2)
        lease = uow.now + timedelta(seconds=30)
        return attempt.model_copy(update={"lease_until": lease, "created_at": uow.now})

    attempt = await store.transact(write)
    assert await store.read(lambda uow: uow.attempts.get(attempt.attempt_id)) == attempt
    assert await store.read(lambda uow: uow.attempts.of_task(attempt.task_id)) == [attempt]
    assert await store.read(lambda uow: uow.attempts.of_plan(attempt.plan_id)) == [attempt]
    assert timedelta(seconds=30) == LEASE


async def test_what_is_not_there_is_none(store: Store) -> None:
    assert await store.read(lambda uow: uow.attempts.get("none")) is None


async def test_attempts_of_a_task_come_oldest_first(store: Store) -> None:
    async def write(uow: UnitOfWork) -> list[int]:
        await keep_agent(uow)
        plan = await keep_plan(uow, make_task())
        for number in (2, 1, 3):
            await keep_attempt(uow, plan, number=number)
        return [each.number for each in await uow.attempts.of_task(plan.tasks[0].task_id)]

    assert await store.transact(write) == [1, 2, 3]


async def test_a_number_is_given_once_per_task(store: Store) -> None:
    """The number is the fencing token: two attempts can never hold the same."""
    attempt = await stored_attempt(store)
    twin = attempt.model_copy(update={"attempt_id": new_id()})
    with pytest.raises(IntegrityError):
        await store.transact(lambda uow: uow.attempts.add(twin, ResourceNeed()))


@pytest.mark.parametrize("name", ["agent_id", "task_id", "plan_id"])
async def test_an_attempt_is_of_a_task_and_an_agent_that_exist(store: Store, name: str) -> None:
    attempt = await stored_attempt(store)
    changes = {"attempt_id": new_id(), "number": 2, name: "none"}
    stray = attempt.model_copy(update=changes)
    with pytest.raises(IntegrityError):
        await store.transact(lambda uow: uow.attempts.add(stray, ResourceNeed()))


async def test_progress_only_goes_forward(store: Store) -> None:
    key = (await stored_attempt(store)).attempt_id

    async def hear(uow: UnitOfWork) -> list[bool]:
        news = [(1, 10), (3, 80), (2, 40), (3, 5), (4, None), (4, 99)]
        return [await uow.attempts.progressed(key, *each) for each in news]

    assert await store.transact(hear) == [True, True, False, False, True, False]
    found = await store.read(lambda uow: uow.attempts.get(key))
    assert found is not None
    assert (found.sequence, found.progress) == (4, 80)


async def test_only_an_agents_own_open_attempts_have_their_leases_renewed(store: Store) -> None:
    async def write(uow: UnitOfWork) -> list[str]:
        await keep_agent(uow, "agent-1")
        await keep_agent(uow, "agent-2")
        plan = await keep_plan(uow, make_task())
        made = [
            await keep_attempt(uow, plan, number=1),
            await keep_attempt(uow, plan, number=2, agent_id="agent-2"),
            await keep_attempt(uow, plan, number=3),
            await keep_attempt(uow, plan, number=4),
        ]
        ids = [attempt.attempt_id for attempt in made]
        await uow.attempts.move(ids[2], AttemptStatus.FAILED)
        await _expire(uow, *ids)
        await uow.attempts.extend_leases("agent-1", ids[:3])
        return ids

    held, others, ended, dropped = await store.transact(write)
    overdue = await store.read(lambda uow: uow.attempts.overdue())
    assert {each.attempt_id for each in overdue} == {others, dropped}
    assert held != ended


async def test_after_a_silence_every_open_lease_runs_anew(store: Store) -> None:
    attempt = await stored_attempt(store)

    async def renew(uow: UnitOfWork) -> datetime:
        await _expire(uow, attempt.attempt_id)
        await uow.attempts.renew_leases()
        return uow.now + LEASE

    assert [await store.transact(renew)] == await column(store, attempts, "lease_until")
    assert await store.read(lambda uow: uow.attempts.overdue()) == []


async def test_an_attempt_without_a_lease_is_overdue(store: Store) -> None:
    key = (await stored_attempt(store)).attempt_id

    async def drop(uow: UnitOfWork) -> list[Attempt]:
        assert await uow.attempts.overdue() == []
        await uow.mail._session.execute(update(attempts).values(lease_until=None))
        return await uow.attempts.overdue()

    assert [each.attempt_id for each in await store.transact(drop)] == [key]


async def test_what_is_open_counts_for_its_agent(store: Store) -> None:
    attempt = await stored_attempt(store)
    is_in = attempts.c.id == attempt.attempt_id

    async def look(uow: UnitOfWork, status: AttemptStatus) -> tuple[int, ResourceNeed]:
        await uow.mail._session.execute(update(attempts).where(is_in).values(status=status))
        ours = await uow.attempts.open_of_agent("agent-1")
        [profile] = await uow.agents.profiles()
        return len(ours), profile.reserved

    async def look_at_each(uow: UnitOfWork) -> dict[str, tuple[int, ResourceNeed]]:
        return {status: await look(uow, status) for status in AttemptStatus}

    booked = (1, ResourceNeed(cpu_cores=1, memory_mb=100))
    free = (0, ResourceNeed())
    assert await store.transact(look_at_each) == {
        status: booked if status in OPEN_ATTEMPTS else free for status in AttemptStatus
    }


async def test_the_wish_to_stop_is_remembered(store: Store) -> None:
    key = (await stored_attempt(store)).attempt_id
    await store.transact(lambda uow: uow.attempts.want_cancelled([key, "none"]))
    found = await store.read(lambda uow: uow.attempts.get(key))
    assert found is not None
    assert found.cancel_wanted


async def test_each_attempt_has_one_row_of_what_it_did(store: Store) -> None:
    attempt = await stored_attempt(store)
    task = make_task(2, task_id=attempt.task_id, capability="restart_service")

    async def work(uow: UnitOfWork) -> None:
        await uow.logs.opened(attempt, task)
        await uow.logs.noted(attempt.attempt_id, status="running", started_at=uow.now)
        ended = uow.now + timedelta(seconds=2.5)
        await uow.logs.noted(attempt.attempt_id, status="failed", exit_code=3, ended_at=ended)

    await store.transact(work)
    [row] = await store.read(lambda uow: uow.logs.of_plan(attempt.plan_id))
    assert (row.step_number, row.attempt_number, row.work_type) == (2, 1, "restart_service")
    assert (row.status, row.exit_code, row.duration_seconds) == ("failed", 3, 2.5)
    assert (row.agent_id, row.output, row.reason) == ("agent-1", "", "")
    with pytest.raises(IntegrityError):
        await store.transact(lambda uow: uow.logs.opened(attempt, task))


async def test_what_has_not_ended_has_no_duration(store: Store) -> None:
    attempt = await stored_attempt(store)
    await store.transact(lambda uow: uow.logs.opened(attempt, make_task(task_id=attempt.task_id)))
    [row] = await store.read(lambda uow: uow.logs.of_plan(attempt.plan_id))
    assert (row.duration_seconds, row.started_at, row.exit_code) == (None, None, None)
    now = datetime.now(UTC)
    await store.transact(lambda uow: uow.logs.noted(attempt.attempt_id, started_at=now))
    [row] = await store.read(lambda uow: uow.logs.of_plan(attempt.plan_id))
    assert (row.duration_seconds, row.started_at) == (None, now)


async def test_output_is_appended_and_its_newest_part_kept(store: Store) -> None:
    attempt = await stored_attempt(store)
    task = make_task(task_id=attempt.task_id)

    async def speak(uow: UnitOfWork) -> list[str]:
        await uow.logs.opened(attempt, task)
        found = []
        for piece in ("one\n", "zwölf ☃\n", "x" * MAX_OUTPUT_CHARACTERS, "end"):
            await uow.logs.add_output(attempt.attempt_id, piece)
            [row] = await uow.logs.of_plan(attempt.plan_id)
            found.append(row.output)
        return found

    first, second, full, last = await store.transact(speak)
    assert (first, second) == ("one\n", "one\nzwölf ☃\n")
    assert full == "x" * 65_536 == "x" * MAX_OUTPUT_CHARACTERS
    assert (len(last), last[-4:]) == (MAX_OUTPUT_CHARACTERS, "xend")


async def test_output_of_an_unknown_attempt_is_dropped(store: Store) -> None:
    await store.transact(lambda uow: uow.logs.add_output("none", "piece"))
    assert await column(store, attempts, "id") == []


async def test_rows_of_a_plan_come_by_step_and_number(store: Store) -> None:
    async def write(uow: UnitOfWork) -> str:
        await keep_agent(uow)
        plan = await keep_plan(uow, make_task(1), make_task(2))
        for step, number in ((2, 1), (1, 2), (1, 1)):
            task = plan.tasks[step - 1]
            attempt = await keep_attempt(uow, plan, task_id=task.task_id, number=number)
            await uow.logs.opened(attempt, task)
        return plan.plan_id

    plan_id = await store.transact(write)
    rows = await store.read(lambda uow: uow.logs.of_plan(plan_id))
    assert [(row.step_number, row.attempt_number) for row in rows] == [(1, 1), (1, 2), (2, 1)]
