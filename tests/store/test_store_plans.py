"""Plans: short numbers without gaps, every way to name one, what is stored comes back."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.domain.request import Complexity
from orchestrator.domain.views import Identity
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.store.repositories.plans import Approval
from orchestrator.store.tables import approvals, catalogue_entries, plans
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import NOON, make_plan, make_request, make_task
from tests.store.rows import column, keep_plan, keep_request, stored_plan


class _Stop(Exception):
    """A use case that fails after it took a number."""


async def _find(store: Store, reference: str) -> str | None:
    return await store.read(lambda uow: uow.plans.find(reference))


async def test_fifty_at_once_get_the_numbers_1_to_50(store: Store, other_store: Store) -> None:
    """Two replicas, and every fifth taker fails after it took its number: still no gap."""

    async def take(replica: Store, *, fails: bool) -> int:
        async def work(uow: UnitOfWork) -> int:
            plan = await keep_plan(uow, make_task())
            if fails:
                raise _Stop
            return plan.number

        return await replica.transact(work)

    takers = [
        take([store, other_store][turn % 2], fails=fails)
        for turn in range(50)
        for fails in ([False, True] if turn % 5 == 0 else [False])
    ]
    answers = await asyncio.gather(*takers, return_exceptions=True)
    assert sum(isinstance(each, _Stop) for each in answers) == 10
    assert sorted(each for each in answers if isinstance(each, int)) == list(range(1, 51))
    assert sorted(map(str, await column(store, plans, "number"))) == sorted(map(str, range(1, 51)))


async def test_a_plan_comes_back_as_it_was_stored(store: Store) -> None:
    task = make_task(
        1,
        parameters={"service": "kuma", "ports": [80, 443], "nested": {"é": None, "x": 1.5}},
        target="node2",
        reasoning=True,
        idempotent=True,
        model_tier="external",
        timeout_seconds=7,
        confidence=0.25,
        source_words="Deploy Kuma",
        notes=("a note", "another"),
    )
    other = make_task(2, depends_on=(1,), status=TaskStatus.HELD)

    async def write(uow: UnitOfWork) -> WorkPlan:
        asked = await keep_request(
            uow, request_text="Deploy Kuma ☃", requester="ben", team="T1", channel="C1", thread="5"
        )
        return await keep_plan(
            uow,
            task,
            other,
            request=asked,
            requester="ben",
            notes=("nobody is online",),
            will_use_external_ai=True,
            complexity_level=Complexity.COMPLEX,
        )

    plan = await store.transact(write)
    found = await store.read(lambda uow: uow.plans.get(plan.plan_id))
    assert found is not None
    assert found.plan.model_copy(update={"expires_at": None}) == plan
    assert found.plan.computed_digest() == plan.digest
    assert found.requester == Identity(person="ben", team="T1")
    assert (found.request_text, found.channel, found.thread) == ("Deploy Kuma ☃", "C1", "5")
    assert (found.correlation_id, found.start_before) == ("correlation", None)


@pytest.fixture
async def revisions(store: Store) -> list[WorkPlan]:
    """Plan #1 in three revisions and plan #2 in one."""

    async def write(uow: UnitOfWork) -> list[WorkPlan]:
        asked = await keep_request(uow)
        first = await keep_plan(uow, make_task(), request=asked)
        later = [
            make_plan(request_id=asked.request_id, number=first.number, revision=revision)
            for revision in (2, 3)
        ]
        for plan in later:
            await uow.plans.add(plan, uow.now)
        return [first, *later, await keep_plan(uow, make_task())]

    return await store.transact(write)


async def test_a_number_names_the_newest_revision_unless_it_says_which(
    store: Store, revisions: list[WorkPlan]
) -> None:
    newest = ["1", "#1", " #1 ", "01", "1 r3", "#1r3", "#1 R3"]
    wanted = {**dict.fromkeys(newest, 2), "1 r1": 0, "#1 r2": 1, "2": 3, "#2 r1": 3, "\t2\n": 3}
    found = {text: await _find(store, text) for text in wanted}
    assert found == {text: revisions[index].plan_id for text, index in wanted.items()}


async def test_a_uuid_or_its_beginning_names_a_plan(store: Store) -> None:
    plan = await stored_plan(store)
    for reference in (plan.plan_id, plan.plan_id.upper(), plan.plan_id[:13], f" {plan.plan_id} "):
        assert await _find(store, reference) == plan.plan_id


async def test_a_beginning_that_fits_two_plans_is_said_to_be_ambiguous(store: Store) -> None:
    async def write(uow: UnitOfWork) -> None:
        for last in "ab":
            plan_id = f"019aa3f0-0000-7000-8000-00000000000{last}"
            await keep_plan(uow, make_task(), plan_id=plan_id)

    await store.transact(write)
    for beginning in ("019aa3f0-0000-7000", "019aa3f0-0000-7000-8000-00000000000"):
        with pytest.raises(Refused) as refused:
            await _find(store, beginning)
        assert refused.value.error.code is ErrorCode.NOT_FOUND
        assert str(refused.value) == f"The ids of several plans begin with {beginning}."
    assert await _find(store, "019aa3f0-0000-7000-8000-00000000000b") is not None


_HOSTILE = [
    *("", " ", "#", "0", "#0", "-1", "3", "1 r4", "1 r0", "r1", "1.1", "1e0", "+1", "1 2"),
    *("2147483648", "9223372036854775808", "9" * 400, "1 r2147483648", f"1 r{'9' * 400}"),
    *(
        "%",
        "%%%%%%",
        "______",
        "019aa3%",
        "_19aa3",
        "\\",
        "'; DROP TABLE plans; --",
        "1' OR '1'='1",
    ),
    *(
        "a" * 10_000,
        "0" * 10_000,
        "-" * 36,
        "------",
        "\x00",
        "019aa3\x00",
        "\uff11",
        "1\u200b",
        "١٢٣",
    ),
    *("019aa3f0-0000-7000-8000-0000000000000", "019aa3f0-0000-7000-8000-00000000000g", "None"),
]


async def test_what_names_no_plan_is_no_plan_and_no_fault(
    store: Store, revisions: list[WorkPlan]
) -> None:
    found = {text: await _find(store, text) for text in _HOSTILE}
    assert {ascii(text[:24]): key for text, key in found.items() if key is not None} == {}
    assert len(await column(store, plans, "id")) == 4


async def test_what_is_not_there_is_none(store: Store) -> None:
    async def look(uow: UnitOfWork) -> list[object]:
        return [
            await uow.plans.get("none"),
            await uow.plans.locked("none"),
            await uow.plans.newest_of("none"),
            await uow.plans.approval("none"),
            await uow.plans.approval_by_source_key("none"),
        ]

    assert await store.transact(look) == [None] * 5


async def test_the_newest_revision_of_a_request_is_found(
    store: Store, revisions: list[WorkPlan]
) -> None:
    request_id = revisions[0].request_id
    assert await store.read(lambda uow: uow.plans.newest_of(request_id)) == revisions[2].plan_id


@pytest.mark.parametrize("same", [("request_id", "revision"), ("number", "revision")])
async def test_a_revision_exists_once(
    store: Store, revisions: list[WorkPlan], same: tuple[str, str]
) -> None:
    asked = make_request()
    fields = {"request_id": asked.request_id, "number": 99, "revision": 1}
    fields.update({name: getattr(revisions[0], name) for name in same})

    async def write(uow: UnitOfWork) -> None:
        await uow.requests.add(asked, None)
        await uow.plans.add(make_plan(**fields), uow.now)

    with pytest.raises(IntegrityError):
        await store.transact(write)


async def test_the_list_shows_the_newest_first_and_how_far_each_is(store: Store) -> None:
    async def write(uow: UnitOfWork) -> None:
        steps = [make_task(n, status=s) for n, s in enumerate(["completed", "failed"], start=1)]
        await keep_plan(uow, *steps)
        for _ in range(3):
            await keep_plan(uow, make_task(status="completed"))

    await store.transact(write)
    found = await store.read(lambda uow: uow.plans.newest(3))
    assert [(each.number, each.steps, each.completed) for each in found] == [
        *((4, 1, 1), (3, 1, 1), (2, 1, 1))
    ]
    assert (found[0].request_text, found[0].requester) == ("Deploy Kuma", "ana")
    last = (await store.read(lambda uow: uow.plans.newest(10)))[-1]
    assert (last.number, last.steps, last.completed) == (1, 2, 1)


async def test_a_plan_is_due_when_its_time_has_come(store: Store) -> None:
    async def write(uow: UnitOfWork) -> list[str]:
        made = [await keep_plan(uow, make_task()) for _ in range(3)]
        for plan, minutes in zip(made, (-1, 1, -1), strict=True):
            when = uow.now + timedelta(minutes=minutes)
            statement = update(plans).where(plans.c.id == plan.plan_id)
            await uow.mail._session.execute(statement.values(expires_at=when, start_before=when))
        await uow.plans.move(made[2].plan_id, PlanStatus.APPROVED)
        return [plan.plan_id for plan in made]

    late, _, approved = await store.transact(write)
    pending = PlanStatus.PENDING_APPROVAL
    assert await store.read(lambda uow: uow.plans.due(pending, "expires_at")) == [late]
    started = PlanStatus.APPROVED
    assert await store.read(lambda uow: uow.plans.due(started, "start_before")) == [approved]


async def test_running_plans_with_something_to_hand_over_are_found_once(store: Store) -> None:
    async def write(uow: UnitOfWork) -> WorkPlan:
        waiting, done = await keep_plan(uow, make_task()), make_task(status="completed")
        running = await keep_plan(uow, make_task(1), make_task(2), make_task(3))
        finished = await keep_plan(uow, done)
        for plan in (running, finished):
            await uow.plans.move(plan.plan_id, PlanStatus.APPROVED)
        assert waiting.status is PlanStatus.PENDING_APPROVAL
        return running

    running = await store.transact(write)
    assert await store.read(lambda uow: uow.plans.with_pending_work()) == [running.plan_id]


async def test_the_reason_of_a_task_is_that_of_its_last_move(store: Store) -> None:
    plan = await stored_plan(store)
    key = plan.tasks[0].task_id

    async def walk(uow: UnitOfWork) -> list[str | None]:
        await uow.plans.move_task(key, TaskStatus.FAILED, "no agent")
        first = (await uow.plans.task_reasons(plan.plan_id))[key]
        await uow.plans.move_task(key, TaskStatus.PENDING)
        return [first, (await uow.plans.task_reasons(plan.plan_id))[key]]

    assert await store.transact(walk) == ["no agent", None]


def _approval(plan: WorkPlan, **fields: object) -> Approval:
    plain: dict[str, object] = {
        "plan_id": plan.plan_id,
        "revision": plan.revision,
        "digest": plan.digest,
        "decision": "approved",
        "team": "local",
        "person": "ana",
        "policy": "local",
        "decided_at": NOON,
    }
    return Approval.model_validate({**plain, **fields})


async def test_an_approval_comes_back_with_its_digest_and_by_its_key(store: Store) -> None:
    plan = await stored_plan(store)
    approval = _approval(plan, notes="looks good")
    await store.transact(lambda uow: uow.plans.add_approval(approval, "click-1"))
    assert await store.read(lambda uow: uow.plans.approval(plan.plan_id)) == approval
    by_key = store.read(lambda uow: uow.plans.approval_by_source_key("click-1"))
    assert await by_key == approval
    assert await store.read(lambda uow: uow.plans.approval_by_source_key("click-2")) is None


async def test_the_key_of_a_decision_is_used_once(store: Store) -> None:
    plan = await stored_plan(store)

    async def keep(uow: UnitOfWork, *keys: str | None) -> None:
        for key in keys:
            await uow.plans.add_approval(_approval(plan), key)

    await store.transact(lambda uow: keep(uow, None, None, "click"))
    with pytest.raises(IntegrityError):
        await store.transact(lambda uow: keep(uow, "click"))
    assert len(await column(store, approvals, "id")) == 3


async def test_a_snapshot_of_an_entry_is_kept_once_and_never_changed(store: Store) -> None:
    row = {"digest": "d", "name": "a", "entry": {"v": 1}, "file_hashes": {}}
    await store.transact(lambda uow: uow.plans.keep_entries([row]))
    await store.transact(lambda uow: uow.plans.keep_entries([{**row, "entry": {"v": 2}}]))
    assert await column(store, catalogue_entries, "entry") == [{"v": 1}]


async def test_a_locked_plan_keeps_the_second_waiting(store: Store, other_store: Store) -> None:
    """The second reads what the first wrote, so that its move is refused and not lost."""
    plan = await stored_plan(store)
    seen: list[PlanStatus] = []

    async def approve(uow: UnitOfWork) -> None:
        found = await uow.plans.locked(plan.plan_id)
        assert found is not None
        seen.append(found.plan.status)
        if found.plan.status is PlanStatus.PENDING_APPROVAL:
            await uow.plans.move(plan.plan_id, PlanStatus.APPROVED)

    await asyncio.gather(*(each.transact(approve) for each in (store, other_store) * 4))
    assert seen == [PlanStatus.PENDING_APPROVAL, *[PlanStatus.APPROVED] * 7]


def _task_ids(tasks: tuple[WorkTask, ...]) -> list[str]:
    return [task.task_id for task in tasks]


async def test_tasks_come_in_the_order_of_their_numbers(store: Store) -> None:
    steps = [make_task(n, task_id=new_id()) for n in (3, 1, 2)]
    plan = await store.transact(lambda uow: keep_plan(uow, *steps))
    found = await store.read(lambda uow: uow.plans.get(plan.plan_id))
    assert found is not None
    assert _task_ids(found.plan.tasks) == _task_ids((steps[1], steps[2], steps[0]))


async def test_a_plan_that_is_gone_cannot_be_moved(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.transact(lambda uow: uow.plans.move(new_id(), PlanStatus.CANCELLED))
