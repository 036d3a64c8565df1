"""What every transport must keep, whatever broker is behind it: inherit and give `transport`."""

import asyncio
from collections.abc import Callable

import pytest

from orchestrator.errors import Unroutable
from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE
from orchestrator.transport.port import Transport

LIMIT = 10.0


class Reader:
    """Keeps what it is handed; fails or waits where a test wants it to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.fails: Callable[[bytes, int], bool] = lambda _body, _times: False
        self.gate = asyncio.Event()
        self.gate.set()
        self.in_hand = 0
        self.most_in_hand = 0
        self._changed = asyncio.Condition()

    async def __call__(self, body: bytes) -> None:
        self.bodies.append(body)
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            await self._tell()
            await self.gate.wait()
            if self.fails(body, self.bodies.count(body)):
                raise ValueError("the reader cannot")
        finally:
            self.in_hand -= 1
        await self._tell()

    async def seen(self, number: int) -> None:
        """Wait until `number` bodies were handed over."""
        async with asyncio.timeout(LIMIT), self._changed:
            await self._changed.wait_for(lambda: len(self.bodies) >= number)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class TransportCase:
    """The conformance case; a subclass gives the fixture `transport`."""

    @pytest.fixture
    def transport(self) -> Transport:
        raise LookupError("the subclass gives the transport")

    async def test_a_message_reaches_the_reader_of_its_queue(self, transport: Transport) -> None:
        one, other = Reader(), Reader()
        await transport.consume("case.one", one)
        await transport.consume("case.other", other)
        await transport.publish("case.one", b"hello")
        await one.seen(1)
        assert one.bodies == [b"hello"]
        assert other.bodies == []

    async def test_messages_wait_for_their_reader_in_order(self, transport: Transport) -> None:
        await transport.declare("case.order")
        sent = [str(number).encode() for number in range(50)]
        for body in sent:
            await transport.publish("case.order", body)
        reader = Reader()
        await transport.consume("case.order", reader)
        await reader.seen(50)
        assert sent == reader.bodies

    async def test_an_undeclared_queue_is_unroutable(self, transport: Transport) -> None:
        with pytest.raises(Unroutable, match=r"case\.nowhere"):
            await transport.publish("case.nowhere", b"lost")

    async def test_declaring_twice_keeps_what_is_there(self, transport: Transport) -> None:
        await transport.declare("case.twice")
        await transport.publish("case.twice", b"kept")
        await transport.declare("case.twice")
        reader = Reader()
        await transport.consume("case.twice", reader)
        await reader.seen(1)
        assert reader.bodies == [b"kept"]

    async def test_what_a_reader_fails_on_comes_again(self, transport: Transport) -> None:
        reader = Reader()
        reader.fails = lambda body, times: body == b"bad" and times == 1
        await transport.consume("case.again", reader)
        await transport.publish("case.again", b"bad")
        await reader.seen(2)
        assert reader.bodies == [b"bad", b"bad"]

    async def test_what_always_fails_is_a_dead_letter_and_the_queue_goes_on(
        self, transport: Transport
    ) -> None:
        reader, graves = Reader(), Reader()
        reader.fails = lambda body, _times: body == b"poison"
        await transport.consume(DEAD_QUEUE, graves)
        await transport.consume("case.poison", reader)
        await transport.publish("case.poison", b"poison")
        await transport.publish("case.poison", b"good")
        await graves.seen(1)
        await reader.seen(6)
        assert graves.bodies == [b"poison"]
        assert reader.bodies.count(b"poison") <= 5
        assert b"good" in reader.bodies

    async def test_no_more_than_prefetch_are_in_hand(self, transport: Transport) -> None:
        reader = Reader()
        reader.gate.clear()
        await transport.consume("case.prefetch", reader, prefetch=3)
        for number in range(6):
            await transport.publish("case.prefetch", str(number).encode())
        await reader.seen(3)
        reader.gate.set()
        await reader.seen(6)
        assert reader.most_in_hand == 3

    async def test_a_cancelled_reader_finishes_what_it_has_and_takes_no_more(
        self, transport: Transport
    ) -> None:
        reader, heir = Reader(), Reader()
        reader.gate.clear()
        subscription = await transport.consume("case.cancel", reader)
        await transport.publish("case.cancel", b"in hand")
        await transport.publish("case.cancel", b"waiting")
        await reader.seen(1)
        stopping = asyncio.create_task(subscription.cancel())
        reader.gate.set()
        await asyncio.wait_for(stopping, LIMIT)
        await transport.consume("case.cancel", heir)
        await heir.seen(1)
        assert reader.bodies == [b"in hand"]
        assert heir.bodies == [b"waiting"]

    async def test_a_result_is_confirmed_and_handled(self, transport: Transport) -> None:
        reader = Reader()
        await transport.consume(RESULTS_QUEUE, reader)
        await asyncio.wait_for(transport.publish(RESULTS_QUEUE, b"done"), LIMIT)
        await reader.seen(1)
        assert reader.bodies == [b"done"]
