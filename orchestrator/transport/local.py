"""The broker inside one process: named queues in memory, for `chiffon up` and for tests.

It keeps the promises of `orchestrator.transport.port` but one: nothing outlives the process.
That is why a publish to `chiffon.results` returns only once the reader has handled it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import structlog

from orchestrator.errors import BrokerUnavailable, Unroutable
from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE
from orchestrator.transport.delivery import TRIES, Delivery, End, deliver
from orchestrator.transport.port import Handler

KEPT_DEAD_LETTERS = 1_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DeadLetter:
    """A message that nobody could handle: the queue it was in, its body, the last fault."""

    queue: str
    body: bytes
    reason: str


@dataclass(eq=False)
class _Message:
    delivery: Delivery
    confirmed: asyncio.Future[None] | None = None

    @property
    def body(self) -> bytes:
        return self.delivery.body

    def confirm(self) -> None:
        if self.confirmed is not None and not self.confirmed.done():
            self.confirmed.set_result(None)

    def refuse(self, reason: str) -> None:
        if self.confirmed is not None and not self.confirmed.done():
            self.confirmed.set_exception(BrokerUnavailable(reason))


class _Queue:
    """First in, first out; knows how many of its messages are not done with yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[_Message] = deque()
        self.readers = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._in_hand = 0
        self._filled = asyncio.Event()

    def put(self, message: _Message) -> None:
        self.waiting.append(message)
        self._note()

    def put_back(self, message: _Message) -> None:
        self._in_hand -= 1
        self.waiting.appendleft(message)
        self._note()

    def done(self) -> None:
        self._in_hand -= 1
        self._note()

    def clear(self) -> None:
        self.waiting.clear()
        self._note()

    async def take(self) -> _Message:
        while not self.waiting:
            self._filled.clear()
            await self._filled.wait()
        self._in_hand += 1
        return self.waiting.popleft()

    def _note(self) -> None:
        if self.waiting:
            self._filled.set()
        if self.waiting or self._in_hand:
            self.idle.clear()
        else:
            self.idle.set()


class LocalSubscription:
    """A running consumer of one queue; hands out at most `prefetch` messages at once."""

    def __init__(
        self, transport: "LocalTransport", queue: _Queue, handler: Handler, prefetch: int
    ) -> None:
        self._transport = transport
        self._queue = queue
        self._handler = handler
        self._free = asyncio.Semaphore(prefetch)
        self._stopping = asyncio.Event()
        self._handling: set[asyncio.Task[bool]] = set()
        queue.readers += 1
        self._pump = asyncio.create_task(self._read(), name=f"read {queue.name}")

    @property
    def reading(self) -> bool:
        """Whether it takes messages."""
        return not self._stopping.is_set()

    async def cancel(self) -> None:
        """Stop taking messages; wait for the ones being handled."""
        self._stop_reading()
        await _ended(self._handling)

    async def abort(self) -> None:
        """Stop taking messages; break off the ones being handled, which are not acknowledged."""
        self._stop_reading()
        for task in _others(self._handling):
            task.cancel()
        await _ended(self._handling)

    def _stop_reading(self) -> None:
        if not self._stopping.is_set():
            self._queue.readers -= 1
        self._stopping.set()
        self._pump.cancel()

    async def _read(self) -> None:
        while True:
            await self._free.acquire()
            message = await self._queue.take()
            task = asyncio.create_task(self._deliver(message), name=f"handle {self._queue.name}")
            self._handling.add(task)
            task.add_done_callback(partial(self._settle, message))

    async def _deliver(self, message: _Message) -> bool:
        """Hand `message` over until it is acknowledged or dead; False: this consumer stops."""
        end = await deliver(
            self._queue.name,
            message.delivery,
            self._handler,
            self._stopping,
            tries=self._transport.delivery_limit,
            first_pause=self._transport.redelivery_seconds,
        )
        if end is End.ACKNOWLEDGED:
            message.confirm()
        elif end is End.DEAD:
            self._bury(message)
        return end is not End.LEFT

    def _bury(self, message: _Message) -> None:
        times, fault = message.delivery.faults, message.delivery.fault
        self._transport.bury(self._queue.name, message.body, fault)
        message.refuse(f"its reader failed on it {times} times: {fault}")

    def _settle(self, message: _Message, task: asyncio.Task[bool]) -> None:
        # Not in `_deliver`: a task that is cancelled before its first step runs none of it.
        self._handling.discard(task)
        self._free.release()
        if task.cancelled() or not task.result():
            self._queue.put_back(message)
        else:
            self._queue.done()


class LocalTransport:
    """Queues in memory; implements `orchestrator.transport.port.Transport`.

    Args:
        delivery_limit: how often one message is handed out before it is a dead letter.
        redelivery_seconds: the pause before the second try; it doubles with each further one.
        confirm_seconds: how long a publish to `chiffon.results` waits for its reader.
    """

    durable = False

    def __init__(
        self,
        *,
        delivery_limit: int = TRIES,
        redelivery_seconds: float = 0.05,
        confirm_seconds: float = 30,
    ) -> None:
        self.delivery_limit = delivery_limit
        self.redelivery_seconds = redelivery_seconds
        self.dead: deque[DeadLetter] = deque(maxlen=KEPT_DEAD_LETTERS)
        self._confirm_seconds = confirm_seconds
        self._queues: dict[str, _Queue] = {DEAD_QUEUE: _Queue(DEAD_QUEUE)}
        self._subscriptions: list[LocalSubscription] = []
        self._closed = False

    @property
    def connected(self) -> bool:
        """Always, until it is closed."""
        return not self._closed

    async def declare(self, queue: str) -> None:
        """Make sure that `queue` exists."""
        self._require_open()
        self._queues.setdefault(queue, _Queue(queue))

    async def publish(self, queue: str, body: bytes) -> None:
        """Queue `body`; to `chiffon.results`, wait until the reader has acknowledged it.

        Raises:
            Unroutable: the queue was never declared.
            BrokerUnavailable: closed, not acknowledged in time, or the reader failed on it
                `delivery_limit` times; the sender of a result tries again later.
        """
        self._require_open()
        if queue not in self._queues:
            raise Unroutable(f"the queue {queue} does not exist; nobody would read the message")
        if queue != RESULTS_QUEUE:
            self._queues[queue].put(_Message(Delivery(body)))
            return
        confirmed = asyncio.get_running_loop().create_future()
        self._queues[queue].put(_Message(Delivery(body), confirmed))
        try:
            async with asyncio.timeout(self._confirm_seconds):
                await confirmed
        except TimeoutError as fault:
            raise BrokerUnavailable(f"{queue} is not being read") from fault

    async def consume(
        self, queue: str, handler: Handler, *, prefetch: int = 1
    ) -> LocalSubscription:
        """Read `queue` with at most `prefetch` messages in hand at once; declares it."""
        await self.declare(queue)
        subscription = LocalSubscription(self, self._queues[queue], handler, prefetch)
        self._subscriptions.append(subscription)
        return subscription

    async def drained(self, queues: Iterable[str] | None = None) -> None:
        """Wait until every message of `queues` (default: of all that are read) is done with."""
        chosen = None if queues is None else set(queues)
        while busy := self._busy(chosen):
            await busy.idle.wait()

    def bury(self, queue: str, body: bytes, reason: str) -> None:
        """Move a message that nobody could handle to the dead letters."""
        self.dead.append(DeadLetter(queue, body, reason))
        _log.error("message_is_a_dead_letter", queue=queue, fault=reason)
        if queue != DEAD_QUEUE:
            graves = self._queues[DEAD_QUEUE]
            graves.put(_Message(Delivery(body)))
            if len(graves.waiting) > KEPT_DEAD_LETTERS:
                graves.waiting.popleft()

    async def close(self) -> None:
        """Break off every consumer; whoever waits for a confirmation is told there is none."""
        self._closed = True
        for queue in self._queues.values():
            for message in queue.waiting:
                message.refuse("the transport was closed")
        for subscription in self._subscriptions:
            await subscription.abort()
        self._subscriptions.clear()
        for queue in self._queues.values():
            for message in queue.waiting:
                message.refuse("the transport was closed")
            queue.clear()

    def _busy(self, chosen: set[str] | None) -> _Queue | None:
        for queue in self._queues.values():
            wanted = queue.readers > 0 if chosen is None else queue.name in chosen
            if wanted and not queue.idle.is_set():
                return queue
        return None

    def _require_open(self) -> None:
        if self._closed:
            raise BrokerUnavailable("the transport was closed")


def _others(tasks: set[asyncio.Task[bool]]) -> list[asyncio.Task[bool]]:
    """Return `tasks` without the one that asks: a handler may stop its own consumer."""
    return [task for task in tasks if task is not asyncio.current_task()]


async def _ended(tasks: set[asyncio.Task[bool]]) -> None:
    if waiting := _others(tasks):
        await asyncio.wait(waiting)
