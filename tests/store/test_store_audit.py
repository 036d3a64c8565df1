"""The story: numbered without gaps however many write, and nothing but added to."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect, insert, select
from sqlalchemy.dialects import registry
from sqlalchemy.exc import IntegrityError, StatementError

from orchestrator.store.repositories.audit import Audit
from orchestrator.store.tables import audit_events, inbox
from orchestrator.store.types import UtcDateTime
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import make_plan
from tests.store.rows import column, keep_plan, keep_request, stored_plan


async def test_fifty_writers_who_lock_the_plan_number_its_story_without_gaps(
    store: Store, other_store: Store
) -> None:
    plan = await stored_plan(store)

    async def tell(replica: Store, number: int) -> None:
        async def write(uow: UnitOfWork) -> None:
            await uow.plans.locked(plan.plan_id)
            for kind in (f"{number} a", f"{number} b"):
                await uow.audit.add(
                    kind, actor="t", request_id=plan.request_id, plan_id=plan.plan_id
                )

        await replica.transact(write)

    await asyncio.gather(*(tell([store, other_store][n % 2], n) for n in range(50)))
    events = await store.read(lambda uow: uow.audit.of_request(plan.request_id, plan.plan_id))
    assert sorted(event.sequence for event in events) == list(range(1, 101))
    story = [each.kind.split()[0] for each in sorted(events, key=lambda each: each.sequence)]
    assert story[::2] == story[1::2]


async def test_a_writer_that_fails_leaves_no_gap(store: Store) -> None:
    request = await store.transact(keep_request)

    async def tell(uow: UnitOfWork, *, fail: bool) -> None:
        await uow.audit.add("told", actor="t", request_id=request.request_id)
        if fail:
            raise LookupError

    for fail in (False, True, True, False):
        attempt = store.transact(partial(tell, fail=fail))
        await asyncio.gather(attempt, return_exceptions=True)
    events = await store.read(lambda uow: uow.audit.of_request(request.request_id))
    assert [event.sequence for event in events] == [1, 2]


async def test_the_database_refuses_a_number_given_twice(store: Store) -> None:
    request = await store.transact(keep_request)
    row = {
        "request_id": request.request_id,
        "subject": request.request_id,
        "sequence": 1,
        "kind": "k",
        "actor": "a",
        "details": {},
        "correlation_id": "",
        "at": datetime.now(UTC),
    }

    async def twice(uow: UnitOfWork) -> None:
        for key in ("a", "b"):
            await uow.mail._session.execute(insert(audit_events).values(id=key, **row))

    with pytest.raises(IntegrityError):
        await store.transact(twice)


async def test_a_plans_story_begins_with_its_requests_and_leaves_out_other_revisions(
    store: Store,
) -> None:
    async def tell(uow: UnitOfWork) -> tuple[str, str]:
        asked, other = await keep_request(uow), await keep_request(uow)
        first = await keep_plan(uow, request=asked)
        second = make_plan(request_id=asked.request_id, number=first.number, revision=2)
        await uow.plans.add(second, uow.now)
        key = asked.request_id
        await uow.audit.add("submitted", actor="ana", request_id=key)
        for kind, plan_id in (("r1", first.plan_id), ("r2", second.plan_id)):
            await uow.audit.add(
                kind, actor="x", request_id=key, plan_id=plan_id, details={"steps": 1}
            )
        await uow.audit.add("approved", actor="ben", request_id=key, plan_id=second.plan_id)
        await uow.audit.add("submitted", actor="eve", request_id=other.request_id)
        return key, second.plan_id

    key, second = await store.transact(tell)
    events = await store.read(lambda uow: uow.audit.of_request(key, second))
    assert [(event.kind, event.sequence, event.actor) for event in events] == [
        ("submitted", 1, "ana"),
        ("r2", 1, "x"),
        ("approved", 2, "ben"),
    ]
    assert events[1].details == {"steps": 1}
    every = await store.read(lambda uow: uow.audit.of_request(key))
    assert [event.kind for event in every] == ["submitted", "r1", "r2", "approved"]
    assert await column(store, audit_events, "correlation_id") == ["correlation"] * 5


def test_the_story_has_no_verb_that_changes_or_removes() -> None:
    verbs = {name for name in vars(Audit) if not name.startswith("_")}
    assert verbs == {"add", "of_request"}


_DIALECTS: list[Dialect] = [registry.load(name)() for name in ("sqlite", "postgresql")]
_ELSEWHERE = timezone(timedelta(hours=-9, minutes=-30))


@given(
    moment=st.datetimes(
        timezones=st.sampled_from([UTC, _ELSEWHERE, timezone(timedelta(hours=14))]),
        min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis takes naive bounds
        max_value=datetime(9000, 1, 1),  # noqa: DTZ001 - same
    )
)
def test_an_instant_of_any_zone_is_stored_in_utc(moment: datetime) -> None:
    kind = UtcDateTime()
    for dialect in _DIALECTS:
        stored = kind.process_bind_param(moment, dialect)
        assert stored is not None
        assert kind.process_result_value(stored, dialect) == moment
        assert stored.replace(tzinfo=UTC) == moment


@pytest.mark.parametrize("zone", [UTC, _ELSEWHERE, timezone(timedelta(hours=5, minutes=45))])
async def test_an_instant_comes_back_aware_and_equal(store: Store, zone: timezone) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 15, 123456, tzinfo=zone)

    async def keep(uow: UnitOfWork) -> datetime | None:
        row = {"message_id": "m", "source": "s", "received_at": moment}
        await uow.mail._session.execute(insert(inbox).values(row))
        found: datetime | None = await uow.mail._session.scalar(select(inbox.c.received_at))
        return found

    found = await store.transact(keep)
    assert found == moment
    assert found.utcoffset() == timedelta(0)


async def test_instants_sort_and_compare_by_time_not_by_text(store: Store) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    moments = [noon.astimezone(_ELSEWHERE), noon - timedelta(microseconds=1), noon]

    async def look(uow: UnitOfWork) -> list[object]:
        for number, moment in enumerate(moments):
            row = {"message_id": str(number), "source": "s", "received_at": moment}
            await uow.mail._session.execute(insert(inbox).values(row))
        before = select(inbox.c.message_id).where(inbox.c.received_at < moments[0])
        return [row["message_id"] for row in await uow.mail._session.rows(before)]

    assert await store.transact(look) == ["1"]


async def test_a_naive_time_is_refused(store: Store) -> None:
    row = {"message_id": "m", "source": "s", "received_at": datetime(2026, 1, 1)}  # noqa: DTZ001
    with pytest.raises(StatementError, match="a naive time cannot be stored; give it a time zone"):
        await store.transact(lambda uow: uow.mail._session.execute(insert(inbox).values(row)))
    assert await column(store, inbox, "message_id") == []


def test_no_time_is_no_time() -> None:
    kind = UtcDateTime()
    for dialect in _DIALECTS:
        assert kind.process_bind_param(None, dialect) is None
        assert kind.process_result_value(None, dialect) is None
