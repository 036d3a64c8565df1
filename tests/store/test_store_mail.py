"""Outbox and inbox: every letter goes out, nobody sends another's, what came is known again."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from orchestrator.domain.lifecycle import AttemptStatus
from orchestrator.protocol import Go, decode, seal
from orchestrator.store.repositories.mail import CLAIM, Letter
from orchestrator.store.tables import attempts, inbox, outbox
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.store.rows import column, stored_attempt


async def _post(store: Store, number: int = 1, attempt_id: str | None = None) -> list[str]:
    """Post letters; return their ids."""
    letters = [seal(Go(attempt_id=f"a{each}"), trace="t") for each in range(number)]

    async def write(uow: UnitOfWork) -> None:
        for letter in letters:
            await uow.mail.post("agent.a", letter, attempt_id)

    await store.transact(write)
    return [letter.message_id for letter in letters]


async def _claim(store: Store, limit: int = 50) -> list[Letter]:
    return await store.transact(lambda uow: uow.mail.claim(limit))


async def _send(store: Store, *keys: str) -> None:
    for key in keys:
        await store.transact(partial(_sent, key=key))


async def _sent(uow: UnitOfWork, key: str) -> None:
    await uow.mail.sent([key])


async def _claims_ran_out(store: Store) -> None:
    async def age(uow: UnitOfWork) -> None:
        ago = uow.now - timedelta(milliseconds=1)
        await uow.mail._session.execute(update(outbox).values(claimed_until=ago))

    await store.transact(age)


async def test_a_letter_says_where_it_goes_and_holds_the_very_message(store: Store) -> None:
    attempt = await stored_attempt(store)
    sent = seal(Go(attempt_id=attempt.attempt_id, claim_id="é\n"), trace="t")
    await store.transact(lambda uow: uow.mail.post("agent.a.control", sent, attempt.attempt_id))
    [letter] = await _claim(store)
    assert (letter.letter_id, letter.queue) == (sent.message_id, "agent.a.control")
    assert (letter.message_type, letter.attempt_id) == ("go", attempt.attempt_id)
    assert decode(letter.body.encode()) == (sent, Go(attempt_id=attempt.attempt_id, claim_id="é\n"))


async def test_letters_are_taken_oldest_first_up_to_the_limit(store: Store) -> None:
    posted = await _post(store, 7)
    assert [letter.letter_id for letter in await _claim(store, 3)] == posted[:3]
    assert [letter.letter_id for letter in await _claim(store, 3)] == posted[3:6]
    assert [letter.letter_id for letter in await _claim(store, 3)] == posted[6:]
    assert await _claim(store, 3) == []


async def test_ten_relays_at_once_take_each_letter_once(store: Store, other_store: Store) -> None:
    posted = await _post(store, 100)
    claims = await asyncio.gather(*(_claim(each, 15) for each in (store, other_store) * 5))
    taken = [letter.letter_id for claim in claims for letter in claim]
    assert len(taken) == len(set(taken))
    taken += [letter.letter_id for letter in await _claim(store, 100)]
    assert sorted(taken) == posted
    assert await column(store, outbox, "tries") == [1] * 100


async def test_what_this_process_sends_nobody_else_takes_until_it_counts_as_dead(
    store: Store,
) -> None:
    fresh = store.send_from_here()
    [key] = await _post(store)
    assert [letter.letter_id for letter in fresh] == [key]
    assert await _claim(store) == []
    await _claims_ran_out(store)
    assert await _claim(store) == list(fresh)
    store.send_elsewhere()
    [other] = await _post(store)
    assert [letter.letter_id for letter in await _claim(store)] == [other]


async def test_what_was_not_committed_is_not_sent(store: Store) -> None:
    fresh = store.send_from_here()

    async def fail(uow: UnitOfWork) -> None:
        await uow.mail.post("agent.a", seal(Go(attempt_id="a")))
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(fail)
    assert list(fresh) == []


async def test_a_claim_of_a_dead_relay_runs_out_and_counts_as_a_try(store: Store) -> None:
    [key] = await _post(store)
    assert len(await _claim(store)) == 1
    assert await _claim(store) == []
    await _claims_ran_out(store)
    assert [letter.letter_id for letter in await _claim(store)] == [key]
    assert await column(store, outbox, "tries") == [2]


async def test_a_claim_holds_for_ten_seconds(store: Store) -> None:
    await _post(store)

    async def claim(uow: UnitOfWork) -> object:
        await uow.mail.claim()
        return uow.now + timedelta(seconds=10)

    assert await column(store, outbox, "claimed_until") == [None]
    assert [await store.transact(claim)] == await column(store, outbox, "claimed_until")
    assert timedelta(seconds=10) == CLAIM


async def test_what_was_sent_is_never_taken_again(store: Store) -> None:
    [key] = await _post(store)
    await _claim(store)
    await store.transact(lambda uow: uow.mail.sent([key]))
    await _claims_ran_out(store)
    assert await _claim(store) == []
    assert await column(store, outbox, "sent_at") != [None]
    assert await column(store, outbox, "error") == [None]


async def test_what_was_put_back_goes_out_after_its_claim(store: Store) -> None:
    [key] = await _post(store)
    await _claim(store)
    await store.transact(lambda uow: uow.mail.put_back(key, "the broker is away"))
    assert await _claim(store) == []
    assert await column(store, outbox, "error") == ["the broker is away"]
    await _claims_ran_out(store)
    assert [letter.letter_id for letter in await _claim(store)] == [key]
    await store.transact(lambda uow: uow.mail.sent([key]))
    assert await column(store, outbox, "error") == [None]


async def test_what_has_nowhere_to_go_is_not_tried_again(store: Store) -> None:
    [key] = await _post(store)
    await _claim(store)
    await store.transact(lambda uow: uow.mail.undeliverable(key, "no queue agent.a"))
    await _claims_ran_out(store)
    assert await _claim(store) == []
    assert await column(store, outbox, "failed_at") != [None]
    assert await column(store, outbox, "error") == ["no queue agent.a"]


async def test_after_a_restart_open_attempts_letters_are_sent_again(store: Store) -> None:
    attempt = await stored_attempt(store)
    [with_attempt] = await _post(store, 1, attempt.attempt_id)
    [other] = await _post(store)
    await _send(store, with_attempt, other)
    store.mail_waiting.clear()
    assert await store.transact(lambda uow: uow.mail.send_again()) == 1
    assert store.mail_waiting.is_set()
    assert [letter.letter_id for letter in await _claim(store)] == [with_attempt]


@pytest.mark.parametrize("status", ["succeeded", "failed", "superseded", "unknown"])
async def test_an_ended_attempts_letters_are_not(store: Store, status: str) -> None:
    attempt = await stored_attempt(store, status=AttemptStatus.QUEUED)
    [key] = await _post(store, 1, attempt.attempt_id)
    await store.transact(lambda uow: uow.mail.sent([key]))
    end = AttemptStatus(status)
    assert await store.transact(lambda uow: uow.attempts.move(attempt.attempt_id, end))
    store.mail_waiting.clear()
    assert await store.transact(lambda uow: uow.mail.send_again()) == 0
    assert not store.mail_waiting.is_set()
    assert await column(store, attempts, "status") == [status]


async def test_what_was_undeliverable_stays_so_after_a_restart(store: Store) -> None:
    attempt = await stored_attempt(store)
    [key] = await _post(store, 1, attempt.attempt_id)
    await store.transact(lambda uow: uow.mail.undeliverable(key, "no queue"))
    assert await store.transact(lambda uow: uow.mail.send_again()) == 0


async def test_a_message_is_new_once(store: Store, other_store: Store) -> None:
    assert await store.read(lambda uow: uow.mail.has("m")) is False

    async def receive(replica: Store) -> bool:
        return await replica.transact(lambda uow: uow.mail.is_new("m", "work_result"))

    news = await asyncio.gather(*(receive(each) for each in (store, other_store) * 10))
    assert sorted(news) == [False] * 19 + [True]
    assert await store.read(lambda uow: uow.mail.has("m")) is True
    assert await store.read(lambda uow: uow.mail.has("M")) is False
    assert await column(store, inbox, "source") == ["work_result"]


async def test_a_message_of_a_transaction_that_failed_is_new_again(store: Store) -> None:
    async def fail(uow: UnitOfWork) -> None:
        assert await uow.mail.is_new("m", "work_result")
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(fail)
    assert await store.transact(lambda uow: uow.mail.is_new("m", "work_result")) is True
