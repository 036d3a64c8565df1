"""Requests: once per source key, taken over when a worker dies, whole as they were stored."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.request import (
    Ambiguity,
    AmbiguityKind,
    Answer,
    DecomposedRequest,
    Request,
    Subtask,
)
from orchestrator.domain.views import Identity
from orchestrator.errors import Conflict
from orchestrator.store.repositories.requests import THINKING
from orchestrator.store.tables import capability_gaps, people, requests
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import make_request
from tests.store.rows import column, keep_request

_UNDERSTOOD = DecomposedRequest(
    original_request="Deploy Kuma",
    subtasks=(
        Subtask(
            order=1,
            name="Deploy kuma",
            intent="deploy_service",
            confidence=0.9,
            parameters={"service": "kuma", "ports": [80], "tls": None},
            source_words="Deploy Kuma",
        ),
    ),
    ambiguities=(
        Ambiguity(id="a1", kind=AmbiguityKind.MISSING_PARAMETER, question="Where?", order=1),
    ),
    out_of_scope=("make coffee",),
    decomposer_model="embedded",
)


async def test_a_request_comes_back_as_it_was_stored(store: Store) -> None:
    request = make_request(
        request_text="Grüße ☃ 'quoted' \"double\" 100 % _ \\",
        requester="ana",
        team="T1",
        channel="C1",
        thread="17.5",
    )
    assert await store.transact(lambda uow: uow.requests.add(request, "key")) is True
    assert await store.read(lambda uow: uow.requests.get(request.request_id)) == request
    assert await store.read(lambda uow: uow.requests.by_source_key("key")) == request
    assert await store.transact(lambda uow: uow.requests.locked(request.request_id)) == request


async def test_what_is_not_there_is_none(store: Store) -> None:
    async def look(uow: UnitOfWork) -> list[object]:
        return [
            await uow.requests.get("none"),
            await uow.requests.locked("none"),
            await uow.requests.by_source_key("none"),
        ]

    assert await store.transact(look) == [None] * 3


async def test_a_source_key_makes_one_request_however_often_it_comes(
    store: Store, other_store: Store
) -> None:
    """Slack delivers up to four times, to any replica."""

    async def submit(replica: Store) -> bool:
        return await replica.transact(lambda uow: uow.requests.add(make_request(), "T1:C1:17.5"))

    news = await asyncio.gather(*(submit(each) for each in (store, other_store) * 10))
    assert sorted(news) == [False] * 19 + [True]
    assert await column(store, requests, "source_key") == ["T1:C1:17.5"]


async def test_requests_without_a_key_are_each_their_own(store: Store) -> None:
    for _ in range(3):
        assert await store.transact(lambda uow: uow.requests.add(make_request(), None)) is True
    assert len(await column(store, requests, "id")) == 3


async def test_a_repeat_under_a_known_key_changes_nothing(store: Store) -> None:
    first, second = make_request(), make_request(request_text="Remove everything")
    await store.transact(lambda uow: uow.requests.add(first, "key"))
    assert await store.transact(lambda uow: uow.requests.add(second, "key")) is False
    assert await store.read(lambda uow: uow.requests.by_source_key("key")) == first
    assert await store.read(lambda uow: uow.requests.get(second.request_id)) is None


async def test_what_was_understood_is_kept_and_thinking_ends(store: Store) -> None:
    request = await store.transact(keep_request)
    assert await column(store, requests, "thinking_until") != [None]
    clear = RequestStatus.REQUIRES_CLARIFICATION
    await store.transact(
        lambda uow: uow.requests.understood(request.request_id, clear, _UNDERSTOOD)
    )
    found = await store.read(lambda uow: uow.requests.get(request.request_id))
    assert found is not None
    assert (found.status, found.decomposition) == (clear, _UNDERSTOOD)
    assert await column(store, requests, "thinking_until") == [None]


async def test_of_two_workers_that_understood_it_one_counts(
    store: Store, other_store: Store
) -> None:
    request = await store.transact(keep_request)

    async def understand(replica: Store, status: RequestStatus) -> RequestStatus | None:
        try:
            await replica.transact(
                lambda uow: uow.requests.understood(request.request_id, status, None)
            )
        except Conflict:
            return None
        return status

    ends = (RequestStatus.PARSING_COMPLETE, RequestStatus.OUT_OF_SCOPE)
    won = await asyncio.gather(understand(store, ends[0]), understand(other_store, ends[1]))
    assert sorted(each is None for each in won) == [False, True]
    assert await column(store, requests, "status") == [each for each in won if each]


async def test_a_fault_in_understanding_is_kept(store: Store) -> None:
    request = await store.transact(keep_request)
    await store.transact(lambda uow: uow.requests.failed(request.request_id, "engine broke"))
    found = await store.read(lambda uow: uow.requests.get(request.request_id))
    assert found is not None
    assert (found.status, found.failure) == (RequestStatus.FAILED, "engine broke")


async def test_answers_are_kept_with_what_they_lead_to(store: Store) -> None:
    request = await store.transact(keep_request)
    answers = [Answer(ambiguity_id="a1", text="node2")]
    await store.transact(
        lambda uow: uow.requests.keep_answers(request.request_id, answers, _UNDERSTOOD)
    )
    found = await store.read(lambda uow: uow.requests.get(request.request_id))
    assert found is not None
    assert (found.answers, found.decomposition) == (tuple(answers), _UNDERSTOOD)


async def _thought_long_enough(uow: UnitOfWork, *ids: str) -> None:
    ago = uow.now - timedelta(seconds=1)
    statement = update(requests).where(requests.c.id.in_(ids)).values(thinking_until=ago)
    await uow.mail._session.execute(statement)


async def test_a_request_whose_worker_thinks_is_left_alone(store: Store) -> None:
    await store.transact(keep_request)
    assert await store.transact(lambda uow: uow.requests.claim_abandoned()) == []


async def test_an_abandoned_request_is_taken_over_once(store: Store, other_store: Store) -> None:
    async def write(uow: UnitOfWork) -> list[Request]:
        made = [await keep_request(uow) for _ in range(12)]
        await _thought_long_enough(uow, *(request.request_id for request in made))
        return made

    made = await store.transact(write)

    async def claim(replica: Store) -> list[Request]:
        return await replica.transact(lambda uow: uow.requests.claim_abandoned(limit=3))

    taken = await asyncio.gather(*(claim(each) for each in (store, other_store) * 4))
    ids = [request.request_id for claimed in taken for request in claimed]
    rest = await store.transact(lambda uow: uow.requests.claim_abandoned(limit=99))
    ids += [request.request_id for request in rest]
    assert sorted(ids) == [request.request_id for request in made]


async def test_a_taken_request_is_this_workers_for_as_long_as_thinking_takes(store: Store) -> None:
    request = await store.transact(keep_request)
    await store.transact(lambda uow: _thought_long_enough(uow, request.request_id))

    async def claim(uow: UnitOfWork) -> datetime:
        assert await uow.requests.claim_abandoned() == [request]
        return uow.now + THINKING

    assert [await store.transact(claim)] == await column(store, requests, "thinking_until")


async def test_a_request_that_nobody_ever_thought_about_is_taken_over(store: Store) -> None:
    request = await store.transact(keep_request)

    async def forget(uow: UnitOfWork) -> list[Request]:
        await uow.mail._session.execute(update(requests).values(thinking_until=None))
        return await uow.requests.claim_abandoned()

    assert await store.transact(forget) == [request]
    assert timedelta(seconds=30) == THINKING


async def test_only_pending_requests_are_abandoned(store: Store) -> None:
    request = await store.transact(keep_request)
    done = RequestStatus.PARSING_COMPLETE
    await store.transact(lambda uow: uow.requests.understood(request.request_id, done, None))
    await store.transact(lambda uow: _thought_long_enough(uow, request.request_id))
    assert await store.transact(lambda uow: uow.requests.claim_abandoned()) == []


async def test_a_person_is_remembered_once_per_team(store: Store, other_store: Store) -> None:
    names = [Identity(person="ana"), Identity(person="ana", team="T1"), Identity(person="ben")]

    async def meet(replica: Store, who: Identity) -> None:
        await replica.transact(lambda uow: uow.requests.meet(who))

    await asyncio.gather(
        *(meet(replica, who) for who in names for replica in (store, other_store) * 4)
    )
    assert sorted(map(str, await column(store, people, "person"))) == ["ana", "ana", "ben"]


async def test_gaps_are_counted_by_their_words_most_frequent_first(store: Store) -> None:
    async def write(uow: UnitOfWork) -> None:
        request = await keep_request(uow)
        gaps = ["Make coffee", "water plants", "make  COFFEE", "x" * 300, "feed the cat"]
        await uow.requests.add_gaps(request.request_id, gaps)
        await uow.requests.add_gaps(request.request_id, ["make coffee", "water plants"])

    await store.transact(write)
    found = await store.read(lambda uow: uow.requests.gaps(2))
    assert [(gap.text.casefold(), gap.times) for gap in found] == [
        ("make coffee", 3),
        ("water plants", 2),
    ]
    assert found[0].last_asked_at.utcoffset() == timedelta(0)
    assert len(await column(store, capability_gaps, "id")) == 7
    assert len(await store.read(lambda uow: uow.requests.gaps(10))) == 4


async def test_a_gap_belongs_to_a_request_that_exists(store: Store) -> None:
    with pytest.raises(IntegrityError):
        await store.transact(lambda uow: uow.requests.add_gaps("none", ["make coffee"]))
