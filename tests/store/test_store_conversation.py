"""What is owed to conversations: the newest state of each card, and replies in their order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Table, update

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.conversation import Notice, NoticeKind
from orchestrator.domain.lifecycle import AttemptStatus, PlanStatus, TaskStatus
from orchestrator.domain.plan import WorkPlan
from orchestrator.store.repositories.conversation import Place, StoredCard
from orchestrator.store.tables import cards, notifications
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import make_attempt, make_task
from tests.store.rows import column, keep_agent, keep_attempt, keep_plan, keep_request

SOON = timedelta(seconds=60)


class Fault(Exception):
    """What goes wrong in the middle of a use case."""


def _place(plan: WorkPlan, thread: str | None = "1.5") -> Place:
    return Place(
        request_id=plan.request_id, plan_id=plan.plan_id, team="T1", channel="C1", thread=thread
    )


async def _carded(store: Store) -> tuple[WorkPlan, Attempt]:
    """Store a plan with a card and an attempt of its step; the card is shown as it is."""

    async def write(uow: UnitOfWork) -> tuple[WorkPlan, Attempt]:
        if not await uow.agents.names():
            await keep_agent(uow)
        plan = await keep_plan(uow, make_task())
        return plan, await keep_attempt(uow, plan)

    plan, attempt = await store.transact(write)
    await store.transact(lambda uow: uow.conversation.want_card(_place(plan)))
    await _show(store, await _claimed(store))
    store.conversation_waiting.clear()
    return plan, attempt


async def _claim(store: Store, limit: int = 20) -> list[str]:
    return await store.transact(lambda uow: uow.conversation.claim_cards(limit))


async def _claimed(store: Store) -> StoredCard:
    (key,) = await _claim(store)
    found = await store.read(lambda uow: uow.conversation.card(key))
    assert found is not None
    return found


async def _show(store: Store, card: StoredCard, *messages: str) -> None:
    version = card.version_wanted
    await store.transact(lambda uow: uow.conversation.card_shown(card.card_id, version, messages))


async def _leases_run_out(store: Store, table: Table) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with store.engine.begin() as connection:
        await connection.execute(update(table).values(claimed_until=past))


async def test_a_plan_has_one_card(store: Store) -> None:
    plan, _ = await _carded(store)
    await store.transact(lambda uow: uow.conversation.want_card(_place(plan)))
    assert await column(store, cards, "channel") == ["C1"]
    assert await column(store, cards, "messages") == [[]]


Change = Callable[[UnitOfWork, WorkPlan, Attempt], Awaitable[object]]

_CHANGES: dict[str, Change] = {
    "the plan": lambda uow, plan, _: uow.plans.move(plan.plan_id, PlanStatus.APPROVED),
    "a task": lambda uow, plan, _: uow.plans.move_task(plan.tasks[0].task_id, TaskStatus.FAILED),
    "an attempt": lambda uow, _, attempt: uow.attempts.move(
        attempt.attempt_id, AttemptStatus.DISPATCHED
    ),
    "its progress": lambda uow, _, attempt: uow.attempts.progressed(attempt.attempt_id, 1, 30),
    "another attempt": lambda uow, plan, _: uow.attempts.add(
        make_attempt(plan.tasks[0], plan.plan_id, number=2), plan.tasks[0].resources
    ),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES.keys())
async def test_each_change_makes_the_card_due_and_says_so(store: Store, change: Change) -> None:
    plan, attempt = await _carded(store)
    assert await _claim(store) == []
    await store.transact(lambda uow: change(uow, plan, attempt))
    assert store.conversation_waiting.is_set()
    card = await _claimed(store)
    assert (card.plan_id, card.version_wanted, card.version_shown) == (plan.plan_id, 2, 1)


async def test_many_changes_in_one_commit_are_one_new_version(store: Store) -> None:
    plan, attempt = await _carded(store)

    async def work(uow: UnitOfWork) -> None:
        for change in _CHANGES.values():
            await change(uow, plan, attempt)

    await store.transact(work)
    assert await column(store, cards, "version_wanted") == [2]


async def test_a_step_that_is_tried_again_makes_the_card_due(store: Store) -> None:
    plan, _ = await _carded(store)
    task = plan.tasks[0].task_id
    await store.transact(lambda uow: uow.plans.move_task(task, TaskStatus.FAILED))
    await store.transact(lambda uow: uow.plans.open_round(task))
    assert await column(store, cards, "version_wanted") == [3]


async def test_what_the_lifecycle_refuses_or_what_is_old_news_makes_nothing_due(
    store: Store,
) -> None:
    plan, attempt = await _carded(store)
    await store.transact(lambda uow: uow.attempts.progressed(attempt.attempt_id, 5, 30))
    await _show(store, await _claimed(store))
    store.conversation_waiting.clear()

    async def nothing_new(uow: UnitOfWork) -> None:
        assert not await uow.plans.move_task(plan.tasks[0].task_id, TaskStatus.PENDING)
        assert not await uow.attempts.progressed(attempt.attempt_id, 4, 90)

    await store.transact(nothing_new)
    assert await _claim(store) == []
    assert not store.conversation_waiting.is_set()


async def test_a_change_makes_no_other_plans_card_due(store: Store) -> None:
    plan, _ = await _carded(store)
    other, _ = await _carded(store)
    await store.transact(lambda uow: uow.plans.move(other.plan_id, PlanStatus.REJECTED))
    assert (await _claimed(store)).plan_id == other.plan_id
    assert plan.plan_id != other.plan_id


async def test_a_plan_without_a_card_makes_nothing_due(store: Store) -> None:
    plan = await store.transact(lambda uow: keep_plan(uow, make_task()))
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.REJECTED))
    assert not store.conversation_waiting.is_set()
    assert await column(store, cards, "id") == []


async def test_a_change_that_is_taken_back_is_not_announced(store: Store) -> None:
    plan, _ = await _carded(store)

    async def fail(uow: UnitOfWork) -> None:
        await uow.plans.move(plan.plan_id, PlanStatus.APPROVED)
        await uow.conversation.tell(_place(plan), NoticeKind.QUESTION, "a", {})
        raise Fault

    with pytest.raises(Fault):
        await store.transact(fail)
    assert not store.conversation_waiting.is_set()
    assert await _claim(store) == []


async def test_a_card_that_changed_while_it_was_drawn_stays_due(store: Store) -> None:
    plan, attempt = await _carded(store)
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.APPROVED))
    drawn = await _claimed(store)
    await store.transact(lambda uow: uow.attempts.progressed(attempt.attempt_id, 1, 50))
    await _show(store, drawn, "11.1", "11.2")
    again = await _claimed(store)
    assert (again.version_wanted, again.version_shown) == (3, 2)
    assert again.messages == ("11.1", "11.2")
    await _show(store, again, "11.1", "11.2")
    assert await _claim(store) == []


async def test_a_card_of_several_messages_stays_with_who_draws_it(store: Store) -> None:
    """Each message is noted as soon as it stands, so that none is posted twice after a crash."""
    plan, _ = await _carded(store)
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.APPROVED))
    drawn = await _claimed(store)
    store.conversation_waiting.clear()
    part = drawn.model_copy(update={"version_wanted": drawn.version_wanted - 1})
    await _show(store, part, "11.1")
    assert await _claim(store) == []
    assert not store.conversation_waiting.is_set()
    await _leases_run_out(store, cards)
    taken_over = await _claimed(store)
    assert taken_over.messages == ("11.1",)
    await _show(store, taken_over, "11.1", "11.2")
    assert await _claim(store) == []


async def test_who_is_late_does_not_take_back_what_is_shown(store: Store) -> None:
    """A bot that slept through its lease draws an old state after another drew the new one."""
    plan, _ = await _carded(store)
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.APPROVED))
    late = await _claimed(store)
    await _leases_run_out(store, cards)
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.EXECUTING))
    await _show(store, await _claimed(store), "new")
    await _show(store, late, "old")
    assert await column(store, cards, "messages") == [["new"]]
    assert await column(store, cards, "version_shown") == [3]


async def test_a_claimed_card_is_nobody_elses_until_its_lease_has_run_out(
    store: Store, other_store: Store
) -> None:
    plan, _ = await _carded(store)
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.APPROVED))
    claimed = await asyncio.gather(*(_claim(each) for each in [store, other_store] * 5))
    assert sum(map(len, claimed)) == 1
    await _leases_run_out(store, cards)
    assert len(await _claim(other_store)) == 1


async def test_a_released_card_is_due_when_it_was_said(store: Store) -> None:
    plan, _ = await _carded(store)
    await store.transact(lambda uow: uow.plans.move(plan.plan_id, PlanStatus.APPROVED))
    (key,) = await _claim(store)
    await store.transact(lambda uow: uow.conversation.card_released(key, SOON))
    assert await _claim(store) == []
    await store.transact(lambda uow: uow.conversation.card_released(key, timedelta()))
    assert await _claim(store) == [key]


async def _told(store: Store, place: Place, subject: str) -> None:
    await store.transact(
        lambda uow: uow.conversation.tell(place, NoticeKind.TASK_FAILED, subject, {"is": subject})
    )


async def _due(store: Store) -> list[Notice]:
    return await store.transact(lambda uow: uow.conversation.claim_notices(20))


async def _plan(store: Store) -> WorkPlan:
    return await store.transact(lambda uow: keep_plan(uow, make_task()))


async def _posted(store: Store) -> object:
    """Claim the one reply that is due, see that no other is, and post it."""
    (notice,) = await _due(store)
    assert await _due(store) == []
    assert await store.transact(lambda uow: uow.conversation.notice_posted(notice.notice_id))
    return notice.content["is"]


@pytest.mark.parametrize("thread", ["1.5", None])
async def test_replies_come_one_at_a_time_and_in_the_order_of_the_news(
    store: Store, thread: str | None
) -> None:
    plan = await _plan(store)
    for subject in "abc":
        await _told(store, _place(plan, thread), subject)
    told = [await _posted(store) for _ in range(3)]
    assert told == ["a", "b", "c"]
    assert await _due(store) == []


async def test_threads_do_not_wait_for_each_other(store: Store) -> None:
    plan = await _plan(store)
    for thread in ("1.5", "1.5", "1.6", None):
        await _told(store, _place(plan, thread), f"{thread} {len(await _all(store))}")
    assert [notice.thread for notice in await _due(store)] == ["1.5", "1.6", None]


async def _all(store: Store) -> list[object]:
    return await column(store, notifications, "id")


async def test_a_reply_says_whom_and_what_it_is_about(store: Store) -> None:
    plan = await _plan(store)
    await _told(store, _place(plan), "a")
    (notice,) = await _due(store)
    assert (notice.requester, notice.number, notice.plan_id) == ("ana", 1, plan.plan_id)
    assert (notice.team, notice.channel, notice.thread) == ("T1", "C1", "1.5")
    assert notice.created_at.utcoffset() == timedelta(0)


async def test_a_reply_about_a_request_without_a_plan_has_no_number(store: Store) -> None:
    asked = await store.transact(keep_request)
    place = Place(request_id=asked.request_id, team="T1", channel="C1")
    await _told(store, place, "a")
    (notice,) = await _due(store)
    assert (notice.number, notice.plan_id, notice.thread) == (None, None, None)


async def test_the_same_news_is_owed_once(store: Store) -> None:
    plan = await _plan(store)
    await _told(store, _place(plan), "a")
    store.conversation_waiting.clear()
    await _told(store, _place(plan), "a")
    assert len(await _all(store)) == 1
    assert not store.conversation_waiting.is_set()


async def test_a_claimed_reply_holds_back_its_thread_until_its_lease_has_run_out(
    store: Store, other_store: Store
) -> None:
    plan = await _plan(store)
    for subject in "ab":
        await _told(store, _place(plan), subject)
    claimed = await asyncio.gather(*(_due(each) for each in [store, other_store] * 5))
    assert [notice.content["is"] for found in claimed for notice in found] == ["a"]
    await _leases_run_out(store, notifications)
    assert [notice.content["is"] for notice in await _due(other_store)] == ["a"]


async def test_a_released_reply_is_due_when_it_was_said_and_nothing_overtakes_it(
    store: Store,
) -> None:
    plan = await _plan(store)
    for subject in "ab":
        await _told(store, _place(plan), subject)
    (notice,) = await _due(store)
    key = notice.notice_id
    assert await store.transact(lambda uow: uow.conversation.notice_released(key, SOON))
    assert await _due(store) == []
    await store.transact(lambda uow: uow.conversation.notice_released(key, timedelta()))
    assert [notice.content["is"] for notice in await _due(store)] == ["a"]


async def test_the_next_reply_is_announced_when_one_was_posted(store: Store) -> None:
    plan = await _plan(store)
    await _told(store, _place(plan), "a")
    (notice,) = await _due(store)
    store.conversation_waiting.clear()
    await store.transact(lambda uow: uow.conversation.notice_posted(notice.notice_id))
    assert store.conversation_waiting.is_set()


async def test_what_is_unknown_is_said_to_be_so(store: Store) -> None:
    key = "01a20000-0000-7000-8000-000000000001"
    assert await store.read(lambda uow: uow.conversation.card(key)) is None
    assert not await store.transact(lambda uow: uow.conversation.notice_posted(key))
    assert not await store.transact(lambda uow: uow.conversation.notice_released(key, SOON))
