"""The in-process transport: the common case, and what only it promises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from orchestrator.errors import BrokerUnavailable
from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE
from orchestrator.transport import local
from orchestrator.transport.local import LocalTransport
from orchestrator.transport.port import Transport
from tests.transport.case import LIMIT, Reader, TransportCase


@pytest.fixture
async def broker() -> AsyncIterator[LocalTransport]:
    broker = LocalTransport(redelivery_seconds=0.001, confirm_seconds=LIMIT)
    yield broker
    await broker.close()


class TestLocalTransport(TransportCase):
    """The in-process transport keeps the common case."""

    @pytest.fixture
    def transport(self, broker: LocalTransport) -> Transport:
        return broker


async def test_a_result_is_confirmed_only_once_its_reader_returns(broker: LocalTransport) -> None:
    reader = Reader()
    reader.gate.clear()
    await broker.consume(RESULTS_QUEUE, reader)
    sending = asyncio.create_task(broker.publish(RESULTS_QUEUE, b"done"))
    await reader.seen(1)
    assert not sending.done()
    reader.gate.set()
    await asyncio.wait_for(sending, LIMIT)


async def test_a_result_confirmed_at_the_second_try_is_confirmed(broker: LocalTransport) -> None:
    reader = Reader()
    reader.fails = lambda _body, times: times == 1
    await broker.consume(RESULTS_QUEUE, reader)
    await asyncio.wait_for(broker.publish(RESULTS_QUEUE, b"done"), LIMIT)
    assert len(reader.bodies) == 2


async def test_a_result_nobody_can_handle_is_not_confirmed(broker: LocalTransport) -> None:
    reader = Reader()
    reader.fails = lambda _body, _times: True
    await broker.consume(RESULTS_QUEUE, reader)
    with pytest.raises(BrokerUnavailable, match="failed on it 5 times: ValueError"):
        await broker.publish(RESULTS_QUEUE, b"poison")
    assert [(dead.queue, dead.body) for dead in broker.dead] == [(RESULTS_QUEUE, b"poison")]


async def test_an_unread_result_is_refused_in_time() -> None:
    broker = LocalTransport(confirm_seconds=0.01)
    await broker.declare(RESULTS_QUEUE)
    with pytest.raises(BrokerUnavailable, match="not being read"):
        await broker.publish(RESULTS_QUEUE, b"done")
    reader = Reader()
    await broker.consume(RESULTS_QUEUE, reader)
    await reader.seen(1)  # it may still be handled: at least once
    await broker.close()


@pytest.mark.parametrize("read", [True, False])
async def test_closing_tells_who_waits_for_a_confirmation(read: bool) -> None:
    broker, reader = LocalTransport(), Reader()
    reader.gate.clear()
    await broker.declare(RESULTS_QUEUE)
    if read:
        await broker.consume(RESULTS_QUEUE, reader)
    sending = asyncio.create_task(broker.publish(RESULTS_QUEUE, b"done"))
    if read:
        await reader.seen(1)
    else:
        await asyncio.wait({sending}, timeout=0.01)
    await broker.close()
    with pytest.raises(BrokerUnavailable, match="closed"):
        await sending


async def test_a_closed_transport_takes_nothing() -> None:
    broker = LocalTransport()
    await broker.close()
    await broker.close()
    with pytest.raises(BrokerUnavailable):
        await broker.publish("any", b"")
    with pytest.raises(BrokerUnavailable):
        await broker.consume("any", Reader())


async def test_drained_waits_for_what_is_queued_and_in_hand(broker: LocalTransport) -> None:
    reader = Reader()
    reader.gate.clear()
    await broker.declare("unread")
    await broker.publish("unread", b"nobody reads this and nobody waits for it")
    await broker.consume("read", reader)
    for _ in range(3):
        await broker.publish("read", b"x")
    waiting = asyncio.create_task(broker.drained())
    named = asyncio.create_task(broker.drained(["read"]))
    await reader.seen(1)
    assert not waiting.done()
    assert not named.done()
    reader.gate.set()
    await asyncio.wait_for(asyncio.gather(waiting, named), LIMIT)
    assert len(reader.bodies) == 3


async def test_a_message_between_two_tries_goes_back_when_its_reader_stops() -> None:
    broker = LocalTransport(redelivery_seconds=3_600)
    reader, heir = Reader(), Reader()
    reader.fails = lambda _body, _times: True
    subscription = await broker.consume("queue", reader)
    await broker.publish("queue", b"first")
    await broker.publish("queue", b"second")
    await reader.seen(1)
    await asyncio.wait_for(subscription.cancel(), LIMIT)
    await broker.consume("queue", heir)
    await heir.seen(2)
    assert heir.bodies == [b"first", b"second"]
    await broker.close()


async def test_a_reader_may_stop_itself(broker: LocalTransport) -> None:
    stopped = asyncio.Event()

    async def stop(_body: bytes) -> None:
        await subscription.cancel()
        stopped.set()

    subscription = await broker.consume("queue", stop)
    await broker.publish("queue", b"stop")
    await asyncio.wait_for(stopped.wait(), LIMIT)


async def test_a_reader_whose_own_task_was_cancelled_gets_the_message_again(
    broker: LocalTransport,
) -> None:
    seen: list[bytes] = []

    async def handler(body: bytes) -> None:
        seen.append(body)
        if len(seen) == 1:
            raise asyncio.CancelledError

    await broker.consume("queue", handler)
    await broker.publish("queue", b"x")
    await asyncio.wait_for(broker.drained(), LIMIT)
    assert len(seen) == 2


async def test_a_message_taken_as_the_transport_closes_is_not_forgotten() -> None:
    """Given a handler task that never got its first step, its sender is told at once."""
    broker, reader = LocalTransport(), Reader()
    await broker.consume(RESULTS_QUEUE, reader)
    sending = asyncio.create_task(broker.publish(RESULTS_QUEUE, b"done"))
    closing = asyncio.create_task(broker.close())
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(sending, LIMIT)
    await closing


async def test_what_nobody_can_bury_is_dropped(broker: LocalTransport) -> None:
    reader = Reader()
    reader.fails = lambda _body, _times: True
    await broker.consume(DEAD_QUEUE, reader)
    await broker.publish(DEAD_QUEUE, b"dead")
    await asyncio.wait_for(broker.drained(), LIMIT)
    assert len(reader.bodies) == 5


async def test_dead_letters_do_not_grow_without_end(broker: LocalTransport) -> None:
    for number in range(local.KEPT_DEAD_LETTERS + 5):
        broker.bury("queue", str(number).encode(), "why")
    assert len(broker.dead) == local.KEPT_DEAD_LETTERS
    reader = Reader()
    await broker.consume(DEAD_QUEUE, reader)
    await reader.seen(1)
    assert reader.bodies[0] == b"5"
