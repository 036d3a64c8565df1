"""What was sent or taken long ago is forgotten in small batches; nothing else ever is."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from orchestrator.bootstrap import build_context
from orchestrator.catalog.models import Catalog
from orchestrator.domain.ids import first_id_at, is_id, new_id
from orchestrator.keeper import Keeper
from orchestrator.settings import Settings
from orchestrator.store.tables import attempts, audit_events, inbox, outbox, plans
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.store.rows import column, stored_attempt

_MONTH = timedelta(days=30)


async def _keep_letter(  # one row as the relay leaves it
    store: Store, name: str, *, days: int, attempt_id: str | None = None, **fields: object
) -> None:
    """Store a letter that was made and sent so many days ago; `name` tells it in `queue`."""

    async def write(uow: UnitOfWork) -> None:
        then = uow.now - timedelta(days=days)
        row = {"sent_at": then, **fields}
        key = first_id_at(then) + f"-7000-8000-{len(name):012x}"
        assert is_id(key)
        await uow.mail._session.execute(
            insert(outbox).values(
                id=key,
                queue=name,
                message_type="go",
                body="{}",
                attempt_id=attempt_id,
                tries=1,
                created_at=then,
                **row,
            )
        )

    await store.transact(write)


async def _forget(store: Store, limit: int = 100) -> int:
    return await store.transact(lambda uow: uow.mail.forget_sent(uow.now - _MONTH, limit))


async def test_only_what_was_sent_long_ago_is_forgotten(store: Store) -> None:
    attempt = await stored_attempt(store)
    await _keep_letter(store, "old", days=31)
    await _keep_letter(store, "young", days=29)
    await _keep_letter(store, "unsent", days=40, sent_at=None)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    await _keep_letter(store, "nowhere to go", days=50, sent_at=None, failed_at=long_ago)
    await _keep_letter(store, "of open work", days=60, attempt_id=attempt.attempt_id)
    assert await _forget(store) == 1
    left = await column(store, outbox, "queue")
    assert left == ["of open work", "nowhere to go", "unsent", "young"]
    async with store.begin() as connection:
        ended = update(attempts).values(ended_at=long_ago, status="failed")
        await connection.execute(ended)
    assert await _forget(store) == 1
    assert await column(store, outbox, "queue") == ["nowhere to go", "unsent", "young"]


async def test_the_oldest_go_first_and_no_more_than_a_batch(store: Store) -> None:
    for days in (41, 44, 42, 43):
        await _keep_letter(store, f"{days}", days=days)
    assert await _forget(store, limit=3) == 3
    assert await column(store, outbox, "queue") == ["41"]
    assert await _forget(store, limit=3) == 1
    assert await _forget(store, limit=3) == 0


async def _keep_key(store: Store, key: str, days: int) -> None:
    async def write(uow: UnitOfWork) -> None:
        await uow.mail.is_new(key, "test")
        then = uow.now - timedelta(days=days)
        changed = update(inbox).where(inbox.c.message_id == key).values(received_at=then)
        await uow.mail._session.execute(changed)

    await store.transact(write)


async def test_keys_that_came_long_ago_are_forgotten(store: Store) -> None:
    for days in (29, 31, 32):
        await _keep_key(store, f"{days}", days)
    assert await store.transact(lambda uow: uow.mail.forget_keys(uow.now - _MONTH, 1)) == 1
    assert await column(store, inbox, "message_id") == ["29", "31"]


@pytest.mark.postgres
async def test_rows_that_another_holds_are_left_out(postgres_store: Store) -> None:
    await _keep_key(postgres_store, "held", 50)
    await _keep_key(postgres_store, "free", 40)
    async with postgres_store.begin() as connection:
        await connection.execute(
            select(inbox).where(inbox.c.message_id == "held").with_for_update()
        )
        forget = postgres_store.transact(lambda uow: uow.mail.forget_keys(uow.now - _MONTH, 10))
        assert await forget == 1
    assert await column(postgres_store, inbox, "message_id") == ["held"]


async def test_the_keeper_forgets_and_keeps_plans_and_the_audit(
    store: Store, settings: Settings
) -> None:
    await stored_attempt(store)
    await _keep_letter(store, "old", days=3)
    await _keep_key(store, "old", 3)
    await _keep_letter(store, "young", days=1)
    context = build_context(settings.model_copy(update={"keep_days": 2}), store, Catalog)
    told = [len(await column(store, each, "id")) for each in (plans, attempts, audit_events)]
    keeper = Keeper(context)
    await keeper.tick()
    assert await column(store, outbox, "queue") == ["young"]
    assert await column(store, inbox, "message_id") == []
    assert await keeper.sweep() == 0
    after = [len(await column(store, each, "id")) for each in (plans, attempts, audit_events)]
    assert told == after


def test_keys_sort_by_their_time_around_the_first_of_a_moment() -> None:
    now, minute = datetime.now(UTC), timedelta(minutes=1)
    assert first_id_at(now - minute) < new_id() < first_id_at(now + minute)
