"""Keys, on both databases: made once, looked up each time, revoked for good."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from orchestrator.domain.keys import hash_of
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.store.tables import api_keys
from orchestrator.store.unit_of_work import Store, UnitOfWork
from orchestrator.usecases.keys import add_key, check_key, has_valid_key, list_keys, revoke_key


async def _used_before(store: Store, span: timedelta) -> None:
    async def write(uow: UnitOfWork) -> None:
        await uow.keys._session.execute(update(api_keys).values(last_used_at=uow.now - span))

    await store.transact(write)


async def test_a_key_acts_as_its_person_and_only_its_hash_is_kept(store: Store) -> None:
    key = await add_key(store, "laptop", " robin ", "T1")
    holder = await check_key(store, key)
    assert (holder.name, holder.person, holder.team) == ("laptop", "robin", "T1")
    async with store.engine.connect() as connection:
        [row] = (await connection.execute(select(api_keys))).mappings()
    assert row["key_hash"] == hash_of(key)
    assert key not in str(dict(row))
    assert key not in str(await list_keys(store))


@pytest.mark.parametrize("wrong", ["chf_", "chf_x", "", "token", "chf_" + "x" * 500])
async def test_nobody_holds_a_key_that_was_not_made(store: Store, wrong: str) -> None:
    key = await add_key(store, "laptop", "robin")
    for each in (wrong, key[:-1], key + "x", key.upper(), hash_of(key)):
        with pytest.raises(Refused) as refused:
            await check_key(store, each)
        assert refused.value.error.code is ErrorCode.UNAUTHORISED


async def test_a_revoked_key_is_refused_at_once_also_elsewhere(store: Store) -> None:
    key, other = await add_key(store, "one", "robin"), await add_key(store, "two", "robin")
    replica = Store(store.url)
    await check_key(replica, key)
    assert await revoke_key(store, "one")
    with pytest.raises(Refused):
        await check_key(replica, key)
    assert (await check_key(replica, other)).name == "two"
    await replica.close()
    assert not await revoke_key(store, "one")
    with pytest.raises(Refused, match="no key 'three'"):
        await revoke_key(store, "three")


async def test_a_name_is_given_once_revoked_or_not(store: Store) -> None:
    await add_key(store, "laptop", "robin")
    with pytest.raises(Conflict, match="already"):
        await add_key(store, "laptop", "kim")
    await revoke_key(store, "laptop")
    with pytest.raises(Conflict, match="already"):
        await add_key(store, "laptop", "kim")
    [known] = await list_keys(store)
    assert known.person == "robin"
    assert known.revoked_at is not None


async def test_use_is_noted_once_a_minute(store: Store) -> None:
    key = await add_key(store, "laptop", "robin")
    assert (await list_keys(store))[0].last_used_at is None
    await check_key(store, key)
    first = (await list_keys(store))[0].last_used_at
    assert first is not None
    await check_key(store, key)
    assert (await list_keys(store))[0].last_used_at == first
    await _used_before(store, timedelta(seconds=50))
    before = (await list_keys(store))[0].last_used_at
    await check_key(store, key)
    assert (await list_keys(store))[0].last_used_at == before
    await _used_before(store, timedelta(seconds=61))
    await check_key(store, key)
    last = (await list_keys(store))[0].last_used_at
    assert last is not None
    assert before is not None
    assert last > before


async def test_somebody_holds_a_key_while_one_is_not_revoked(
    store: Store,
) -> None:
    assert not await has_valid_key(store)
    await add_key(store, "one", "robin")
    assert await has_valid_key(store)
    await revoke_key(store, "one")
    assert not await has_valid_key(store)
