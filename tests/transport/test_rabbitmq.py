"""The RabbitMQ transport: the common case on a real server, and what only it promises."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NoReturn

import aio_pika
import pytest
from aiormq.exceptions import ConnectionInternalError
from yarl import URL

from orchestrator.errors import BrokerUnavailable, TryLater, Unroutable
from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE
from orchestrator.transport.port import Transport
from orchestrator.transport.rabbitmq import _FAILURES, RabbitSubscription, RabbitTransport
from tests.plugins.broker import SERVER, TidyTransport, rabbit
from tests.plugins.line import line_to
from tests.plugins.waiting import until
from tests.transport.case import LIMIT, Reader, TransportCase

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
async def broker() -> AsyncIterator[TidyTransport]:
    async with rabbit(watch_seconds=0.1) as transport:
        yield transport


class TestRabbitTransport(TransportCase):
    """RabbitMQ keeps the common case."""

    @pytest.fixture
    def transport(self, broker: TidyTransport) -> Transport:
        return broker


async def _on_server(broker: TidyTransport, name: str, *, delete: bool = False) -> int:
    """Return how many messages a queue holds, by a connection of its own."""
    connection = await aio_pika.connect(SERVER)
    async with connection, connection.channel() as channel:
        queue = await channel.declare_queue(broker.topology(name).name, passive=True)
        if delete:
            await queue.delete(if_unused=False, if_empty=False)
        return queue.declaration_result.message_count or 0


async def _published(broker: TidyTransport, name: str) -> bool:
    try:
        await broker.publish(name, b"hello")
    except (Unroutable, BrokerUnavailable):
        return False
    return True


async def test_a_vanished_queue_is_a_visible_failure(broker: TidyTransport) -> None:
    await broker.declare("gone")
    await _on_server(broker, "gone", delete=True)
    with pytest.raises(Unroutable, match="gone"):
        await broker.publish("gone", b"lost")
    await broker.declare("gone")
    await broker.publish("gone", b"kept")  # the refusal has not spoilt the channel
    assert await _on_server(broker, "gone") == 1


async def test_a_consumer_whose_queue_was_deleted_reads_again(broker: TidyTransport) -> None:
    reader = Reader()
    await broker.consume("deleted", reader)
    await _on_server(broker, "deleted", delete=True)
    await until(lambda: _published(broker, "deleted"), what="the queue", seconds=LIMIT)
    await reader.seen(1)


async def test_a_message_that_must_wait_is_no_dead_letter(broker: TidyTransport) -> None:
    """The database is away: however often it is tried, the message stays with its reader."""
    tries = 0

    async def reader(_body: bytes) -> None:
        nonlocal tries
        tries += 1
        if tries <= 6:
            raise TryLater("the database does not answer")
        handled.set()

    handled = asyncio.Event()
    await broker.consume("patient", reader)
    await broker.publish("patient", b"result")
    await asyncio.wait_for(handled.wait(), 4 * LIMIT)
    assert await _on_server(broker, DEAD_QUEUE) == 0


async def test_what_a_killed_reader_had_in_hand_goes_to_the_next_one(
    broker: TidyTransport,
) -> None:
    first, heir = Reader(), Reader()
    first.gate.clear()
    other = RabbitTransport(SERVER + f"?prefix={broker.topology('').name}")
    await other.open()
    await other.consume("heritage", first)
    await broker.publish("heritage", b"work")
    await first.seen(1)
    await other.close()
    await broker.consume("heritage", heir)
    await heir.seen(1)
    assert heir.bodies == [b"work"]


async def test_a_connection_that_breaks_comes_back_with_its_consumers(
    broker: TidyTransport,
) -> None:
    reader = Reader()
    await broker.consume("resumed", reader)
    assert broker.connected
    assert broker._connection is not None
    assert broker._connection.transport is not None
    await broker._connection.transport.connection.close()
    await until(lambda: _published(broker, "resumed"), what="the connection", seconds=3 * LIMIT)
    await reader.seen(1)


async def test_a_queue_of_another_kind_is_named_with_what_to_do(broker: TidyTransport) -> None:
    name = broker.topology("other").name
    connection = await aio_pika.connect(SERVER)
    async with connection, connection.channel() as channel:
        await channel.declare_queue(name, durable=True)
    with pytest.raises(BrokerUnavailable, match="Delete it on the broker"):
        await broker.declare("other")


async def test_nobody_there_is_said_with_address_and_without_password() -> None:
    absent = RabbitTransport("amqp://me:hidden@127.0.0.1:1/", connect_seconds=0)
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1 does not answer") as told:
        await absent.open()
    assert "hidden" not in str(told.value)
    with pytest.raises(BrokerUnavailable):
        await absent.publish("any", b"")


async def test_a_wrong_password_is_not_tried_again(broker: TidyTransport) -> None:
    wrong = str(URL(SERVER).with_password("wrong"))
    with pytest.raises(BrokerUnavailable, match="refuses the user guest"):
        await RabbitTransport(wrong, connect_seconds=600).open()


async def test_a_queue_that_has_no_leader_yet_is_waited_for(
    broker: TidyTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two replicas begin at once: the broker ends the connection of the later one."""
    refused: list[str] = []
    begin = RabbitSubscription.open

    async def too_early(
        self: RabbitSubscription, connection: aio_pika.RobustConnection, prefetch: int
    ) -> None:
        if not refused:
            refused.append(self.name)
            raise ConnectionInternalError("INTERNAL_ERROR")
        await begin(self, connection, prefetch)

    monkeypatch.setattr(RabbitSubscription, "open", too_early)
    got: asyncio.Queue[bytes] = asyncio.Queue()
    await broker.consume("young", got.put)
    await broker.publish("young", b"hello")
    async with asyncio.timeout(LIMIT):
        assert await got.get() == b"hello"
    assert refused == ["young"]


async def test_a_publish_that_is_never_confirmed_is_given_up(broker: TidyTransport) -> None:
    """A queue that is full and refuses is as good as no answer."""
    name = broker.topology("full").name
    connection = await aio_pika.connect(SERVER)
    async with connection, connection.channel() as channel:
        await channel.declare_queue(
            name,
            durable=True,
            arguments={"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"},
        )
    sent = [broker.publish("full", b"x") for _ in range(100)]  # it refuses a little late
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert {type(answer) for answer in answers} == {type(None), BrokerUnavailable}


async def test_a_lost_consumer_is_noticed_though_another_one_reads_the_queue(
    broker: TidyTransport,
) -> None:
    """Two replicas, and one's consumer is gone: a count of consumers would not tell."""
    mine, other = Reader(), Reader()
    sibling = RabbitTransport(SERVER + f"?prefix={broker.topology('').name}")
    await sibling.open()
    try:
        lost = await broker.consume("shared", mine)
        theirs = await sibling.consume("shared", other)
        assert lost._line is not None
        await lost._line.basic_cancel(lost._tag)  # the client of the broker thinks nothing of it
        assert not lost.reading
        await until(lambda: lost.reading, what="the consumer to be back", seconds=LIMIT)
        await theirs.cancel()
        await broker.publish("shared", b"for me")
        await mine.seen(1)
    finally:
        await sibling.close()


async def test_a_backlog_is_not_heard_in_time(broker: TidyTransport) -> None:
    reader = Reader()
    reader.gate.clear()
    subscription = await broker.consume("late", reader, prefetch=2)
    assert subscription.reading
    for _ in range(5):
        await broker.publish("late", b"news")
    await until(lambda: not subscription.reading, what="the backlog to be seen", seconds=LIMIT)
    reader.gate.set()
    await until(lambda: subscription.reading, what="the backlog to be read", seconds=LIMIT)


async def test_a_queue_that_does_not_answer_is_not_heard(
    broker: TidyTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = await broker.consume("mute", Reader())
    with monkeypatch.context() as mute:
        mute.setattr(broker, "_probe", _no_answer)
        await until(lambda: not subscription.reading, what="the silence", seconds=LIMIT)
        assert broker.connected
    await until(lambda: subscription.reading, what="the queue", seconds=LIMIT)


@pytest.mark.parametrize(("name", "goes"), [("agent.one", True), (RESULTS_QUEUE, False)])
async def test_a_queue_that_stays_unreadable_is_replaced_where_it_holds_only_work(
    broker: TidyTransport, monkeypatch: pytest.MonkeyPatch, name: str, *, goes: bool
) -> None:
    """As where a queue has lost its leader. Work is handed out again; results would be lost."""
    reader = Reader()
    reader.gate.clear()
    subscription = await broker.consume(name, reader)
    for body in (b"in hand", b"waiting"):
        await broker.publish(name, body)
    await reader.seen(1)
    with monkeypatch.context() as leaderless:
        looks = 0

        async def unreadable(_: object) -> bool:
            nonlocal looks
            looks += 1
            raise BrokerUnavailable("the queue has no leader")

        leaderless.setattr(broker, "_is_read", unreadable)
        await until(lambda: looks > _FAILURES, what="looks that fail", seconds=LIMIT)
    reader.gate.set()
    await until(lambda: subscription.reading, what="the queue to be read", seconds=LIMIT)
    await broker.publish(name, b"fresh")
    await until(lambda: b"fresh" in reader.bodies, what="the news", seconds=LIMIT)
    assert (b"waiting" in reader.bodies) is not goes


async def test_a_consumer_is_subscribed_again_once_its_connection_is_back(
    broker: TidyTransport,
) -> None:
    subscription = await broker.consume("again", Reader())
    assert broker._connection is not None
    assert broker._connection.transport is not None
    await broker._connection.transport.connection.close()
    await until(lambda: not subscription.reading, what="the connection to go", seconds=LIMIT)
    await until(lambda: subscription.reading, what="the consumer", seconds=3 * LIMIT)


async def test_a_broker_that_says_nothing_is_not_waited_for_at_the_end(
    broker: TidyTransport,
) -> None:
    at = URL(SERVER)
    async with line_to(at.host or "", at.port or 5672) as line:
        through = at.with_host("127.0.0.1").with_port(line.port)
        mute = RabbitTransport(str(through.update_query(prefix=broker.topology("").name)))
        await mute.open()
        for name in ("end.one", "end.other"):
            broker.topology(name)
            await mute.consume(name, Reader())
        line.silent = True
        async with asyncio.timeout(5):
            await mute.close()


def _no_answer() -> NoReturn:
    raise BrokerUnavailable("the queue has no leader")


async def test_a_client_that_keeps_a_cancellation_to_itself_holds_up_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiormq does so where the call that is cancelled is just being answered."""
    looked = asyncio.Event()

    async def look(_: object) -> bool:
        looked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return True

    async with asyncio.timeout(30), rabbit(watch_seconds=0.01) as broker:
        monkeypatch.setattr(broker, "_is_read", look)
        await broker.consume(RESULTS_QUEUE, Reader())
        await looked.wait()
