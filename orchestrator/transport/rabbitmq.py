"""RabbitMQ, spoken through aio-pika: for agents on other hosts and for many replicas.

aio-pika's robust connection comes back by itself and brings channels and consumers with it.
What it does not promise is added here: publishes are mandatory, confirmed and bounded in time,
and a watchdog looks whether each consumer is really there.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import structlog
from aio_pika import DeliveryMode, Message, RobustConnection, connect_robust
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue, AbstractRobustChannel
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AMQPError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
    PublishError,
)
from aiormq import Channel
from aiormq.abc import AbstractChannel
from yarl import URL

from orchestrator.crash_points import crash_point
from orchestrator.errors import BrokerUnavailable, TransportError, Unroutable
from orchestrator.protocol import DEAD_QUEUE
from orchestrator.transport.delivery import Delivery, End, deliver
from orchestrator.transport.port import Handler
from orchestrator.transport.topology import AGENT_QUEUES, Queue, queue

_T = TypeVar("_T")
_PREFIX = "prefix"
_GOODBYE_SECONDS = 1.0
"""At the very end a broker that does not answer is not waited for longer: nothing is lost by it."""

_FAILURES = 3
"""So often in a row a queue must be unreadable before it counts as broken."""

_FAULTS = (*CONNECTION_EXCEPTIONS, TimeoutError)

_log = structlog.get_logger(__name__)


class RabbitSubscription:
    """A running consumer of one queue; hands out at most `prefetch` messages at once."""

    def __init__(self, transport: "RabbitTransport", name: str, handler: Handler) -> None:
        self.name = name
        self._transport = transport
        self._handler = handler
        self._stopping = asyncio.Event()
        self._handling: set[asyncio.Task[object]] = set()
        self._channel: AbstractRobustChannel | None = None
        self._queue: AbstractQueue | None = None
        self._line: Channel | None = None
        self._tag = ""
        self._prefetch = 0
        self.failures = 0
        self.waiting = 0
        """How many messages waited at the last look, beyond those in hand."""

    async def open(self, connection: RobustConnection, prefetch: int) -> None:
        """Declare the queue and begin to read it."""
        wanted = self._transport.topology(self.name)
        channel = connection.channel(publisher_confirms=False)
        channel.reopen_callbacks.add(self._reopened)
        await channel.initialize()
        await channel.set_qos(prefetch_count=prefetch)
        declared = await channel.declare_queue(
            wanted.name, durable=True, arguments=dict(wanted.arguments)
        )
        self._channel, self._queue = channel, declared
        self._prefetch = prefetch
        self._tag = await declared.consume(self._take)
        await self._reopened(channel)

    @property
    def subscribed(self) -> bool:
        """Whether the broker delivers to this very consumer, by all that it has said.

        A count of the queue's consumers cannot tell: another replica's would be among them.
        """
        line = self._line
        return line is not None and not line.is_closed and self._tag in line.consumers

    @property
    def reading(self) -> bool:
        """Whether it is subscribed to a queue that answers and holds no more than is in hand."""
        return self.subscribed and not self.failures and self.waiting <= self._prefetch

    async def cancel(self) -> None:
        """Stop taking messages; wait for the ones being handled."""
        self._transport.forget(self)
        await self._stop_reading()
        await _ended(self._handling)
        await self._close()

    async def abort(self) -> None:
        """Stop taking messages; break off the ones being handled, which are not acknowledged."""
        self._stopping.set()
        for task in _others(self._handling):
            task.cancel()
        await _ended(self._handling)
        await self._close(_GOODBYE_SECONDS)

    async def reopen(self, connection: RobustConnection, prefetch: int) -> None:
        """Begin anew on a channel of its own: the old one reads no more."""
        await self._close()
        if not self._stopping.is_set():
            await self.open(connection, prefetch)

    async def _reopened(self, channel: AbstractRobustChannel | None, *_: object) -> None:
        """Note what really carries the messages: a robust channel gets a new one at times."""
        if channel is not None:
            self._line = cast("Channel", await channel.get_underlay_channel())

    async def _stop_reading(self) -> None:
        self._stopping.set()
        if self._queue is not None:
            try:
                async with asyncio.timeout(self._transport.confirm_seconds):
                    await self._queue.cancel(self._tag)
            except _FAULTS as fault:  # without a connection nothing is delivered either
                _log.info("consumer_not_cancelled", queue=self.name, fault=type(fault).__name__)

    async def _close(self, seconds: float | None = None) -> None:
        channel, self._channel, self._queue = self._channel, None, None
        self._line = None
        if channel is not None:
            await _quietly(channel.close(), seconds or self._transport.confirm_seconds)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        """Handle one delivery; aio-pika runs each in a task of its own, in their order."""
        task = asyncio.current_task()
        if task is not None:
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)
        end = End.LEFT
        if not self._stopping.is_set():
            delivery = Delivery(message.body)
            end = await deliver(self.name, delivery, self._handler, self._stopping)
            if end is End.DEAD:
                _log.error("message_is_a_dead_letter", queue=self.name, fault=delivery.fault)
        crash_point("broker.before_ack")
        try:
            await _settle(message, end)
            crash_point("broker.after_ack")
        except _FAULTS as fault:  # its connection is gone: the broker delivers it again
            _log.info("message_not_settled", queue=self.name, fault=type(fault).__name__)


class RabbitTransport:
    """Queues on a RabbitMQ; implements `orchestrator.transport.port.Transport`.

    Args:
        url: `amqp://` or `amqps://`, as aio-pika reads it; `?prefix=NAME.` puts a name before
            every queue, so that several Chiffons may share a virtual host.
        name: what the broker's own pages call this connection.
        confirm_seconds: how long a publish, or another answer of the broker, is waited for.
        connect_seconds: how long `open` and `consume` go on trying.
        watch_seconds: pause between two looks of the watchdog.
    """

    durable = True

    def __init__(
        self,
        url: str,
        *,
        name: str = "chiffon",
        confirm_seconds: float = 10,
        connect_seconds: float = 30,
        watch_seconds: float = 5,
    ) -> None:
        address = URL(url)
        self._prefix = address.query.get(_PREFIX, "")
        self._url = address.without_query_params(_PREFIX)
        self._name = name
        self.confirm_seconds = confirm_seconds
        self._connect_seconds = connect_seconds
        self._watch_seconds = watch_seconds
        self._connection: RobustConnection | None = None
        self._publisher: AbstractRobustChannel | None = None
        self._reading: dict[RabbitSubscription, int] = {}
        self._watching: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where the broker is, without the password."""
        return f"{self._url.host}:{self._url.port}"

    @property
    def connected(self) -> bool:
        """Whether the connection is up now."""
        return self._connection is not None and self._connection.connected.is_set()

    def topology(self, name: str) -> Queue:
        """Return how the queue `name` is declared."""
        return queue(name, self._prefix)

    async def open(self) -> None:
        """Connect, and declare the queue of dead letters.

        Raises:
            BrokerUnavailable: no broker answers there, or it does not let this program in.
        """
        deadline = asyncio.get_running_loop().time() + self._connect_seconds
        while self._connection is None:
            try:
                self._connection = await self._connect()
            except ProbableAuthenticationError as fault:
                raise BrokerUnavailable(self._not_let_in()) from fault
            except _FAULTS as fault:
                if isinstance(cause := _certificate_fault(fault), ssl.SSLCertVerificationError):
                    raise BrokerUnavailable(self._not_trusted(cause)) from fault
                if asyncio.get_running_loop().time() >= deadline:
                    raise BrokerUnavailable(self._no_answer(fault)) from fault
                _log.warning("broker_does_not_answer", address=self.address)
                await asyncio.sleep(1)
        await self.declare(DEAD_QUEUE)
        publisher = self._connection.channel(publisher_confirms=True, on_return_raises=True)
        await self._answered(publisher.initialize())
        self._publisher = publisher
        self._watching = asyncio.create_task(self._watch(), name="watch consumers")

    async def declare(self, queue: str) -> None:
        """Make sure that `queue` exists.

        Raises:
            BrokerUnavailable: no answer in time, or one of that name is of another kind.
        """
        wanted = self.topology(queue)
        try:
            async with self._probe() as channel:
                await channel.queue_declare(
                    wanted.name, durable=True, arguments=dict(wanted.arguments)
                )
        except ChannelPreconditionFailed as fault:
            message = (
                f"The queue {wanted.name} exists with other settings than Chiffon's. Delete it on "
                f"the broker at {self.address} once it is empty, or use another virtual host."
            )
            raise BrokerUnavailable(message) from fault

    async def waiting(self, queue: str) -> int:
        """Return how many messages wait in `queue`; 0 where there is no such queue.

        Raises:
            BrokerUnavailable: no answer in time.
        """
        try:
            async with self._probe() as channel:
                found = await channel.queue_declare(self._prefix + queue, passive=True)
        except ChannelNotFoundEntity:
            return 0
        return found.message_count or 0

    async def publish(self, queue: str, body: bytes) -> None:
        """Hand `body` over; returns once a majority of the queue's replicas has it on disk.

        Raises:
            Unroutable: the queue does not exist.
            BrokerUnavailable: no confirmation in time; the message may or may not be there.
        """
        if self._publisher is None or not self.connected:
            raise BrokerUnavailable(f"the broker at {self.address} cannot be reached")
        message = Message(
            body, content_type="application/json", delivery_mode=DeliveryMode.PERSISTENT
        )
        sending = self._publisher.default_exchange.publish(message, self._prefix + queue)
        try:
            await self._answered(sending)
        except PublishError as fault:  # returned: mandatory, and no queue of that name
            message_ = f"the queue {queue} does not exist; nobody would read the message"
            raise Unroutable(message_) from fault

    async def consume(
        self, queue: str, handler: Handler, *, prefetch: int = 1
    ) -> RabbitSubscription:
        """Read `queue` with at most `prefetch` messages in hand at once; declares it."""
        await self.declare(queue)  # says clearly what is wrong with it
        subscription = RabbitSubscription(self, queue, handler)
        begin = subscription.open
        deadline = asyncio.get_running_loop().time() + self._connect_seconds
        while True:
            try:
                await self._answered(begin(self._required(), prefetch))
            except BrokerUnavailable:
                # A quorum queue that another replica has just declared may have no leader yet:
                # the broker answers with INTERNAL_ERROR and ends the connection.
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                _log.warning("queue_does_not_answer", queue=queue, address=self.address)
                await asyncio.sleep(1)
                begin = subscription.reopen
                continue
            self._reading[subscription] = prefetch
            return subscription

    async def close(self) -> None:
        """Break off every consumer and let go of the broker."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for subscription in list(self._reading):
            self.forget(subscription)
            await subscription.abort()
        if self._connection is not None:
            await _quietly(self._connection.close(), _GOODBYE_SECONDS)

    def forget(self, subscription: RabbitSubscription) -> None:
        """Watch a consumer no more."""
        self._reading.pop(subscription, None)

    async def _connect(self) -> RobustConnection:
        return await connect_robust(
            self._url,
            timeout=self.confirm_seconds,
            reconnect_interval=1,
            client_properties={"connection_name": self._name},
            connection_class=RobustConnection,
        )

    async def _watch(self) -> None:
        """See to it that every consumer is there, also where nobody noticed that it went.

        The client keeps a cancellation to itself at times, so its end is also looked for.
        """
        while not _is_cancelled():
            await asyncio.sleep(self._watch_seconds)
            for subscription, prefetch in list(self._reading.items()):
                if self.connected:
                    await self._safely(self._look_after(subscription, prefetch))

    @staticmethod
    async def _safely(look: Awaitable[None]) -> None:
        """Let the watchdog outlive any one look; the client cancels calls of a lost connection."""
        try:
            await look
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            _log.warning("look_broken_off")
        except Exception:  # noqa: BLE001 - the loop must outlive any one fault
            _log.exception("look_failed")

    async def _look_after(self, subscription: RabbitSubscription, prefetch: int) -> None:
        name = subscription.name
        try:
            if not await self._is_read(subscription):
                _log.error("consumer_was_gone", queue=name)
                await self._answered(subscription.reopen(self._required(), prefetch))
        except TransportError as fault:
            subscription.failures += 1
            _log.error("queue_not_readable", queue=name, reason=str(fault))
            if subscription.failures >= _FAILURES and name.startswith(AGENT_QUEUES):
                await self._replace(name)
        else:
            subscription.failures = 0

    async def _replace(self, name: str) -> None:
        """Delete a queue that has no leader; the next look opens it anew.

        A quorum queue declared just before its broker was killed comes back without a leader:
        it can be declared, and neither read nor written, for ever (measured on RabbitMQ 3.10).
        An agent's own may go: what was in it is withdrawn by its lease and handed out again.
        Results may not: a cluster whose majority is away looks the same, and has them.
        """
        _log.error("queue_replaced", queue=name)
        try:
            async with self._probe() as channel:
                await channel.queue_delete(self._prefix + name)
        except (TransportError, ChannelNotFoundEntity) as fault:
            _log.error("queue_not_replaced", queue=name, reason=str(fault))

    async def _is_read(self, subscription: RabbitSubscription) -> bool:
        """Look into the queue; say whether the consumer is there, by both sides' account.

        Raises:
            BrokerUnavailable: the queue does not answer (a quorum queue without a leader).
        """
        try:
            async with self._probe() as channel:
                wanted = self._prefix + subscription.name
                found = await channel.queue_declare(wanted, passive=True)
        except ChannelNotFoundEntity:
            return False
        subscription.waiting = found.message_count or 0
        return bool(found.consumer_count) and subscription.subscribed

    @asynccontextmanager
    async def _probe(self) -> AsyncIterator[AbstractChannel]:
        """Give a channel for one question: the broker closes it where the answer is no.

        A plain one: a robust channel that is closed would be opened again.
        """
        channel: AbstractChannel | None = None
        try:
            async with asyncio.timeout(self.confirm_seconds):
                connection = self._required()
                await connection.ready()
                if connection.transport is None:
                    raise ConnectionError("the connection went away")
                channel = await connection.transport.connection.channel(publisher_confirms=False)
                yield channel
        except (ChannelNotFoundEntity, ChannelPreconditionFailed):
            raise
        except _FAULTS as fault:
            raise BrokerUnavailable(self._no_answer(fault)) from fault
        finally:
            if channel is not None and not channel.is_closed:
                await _quietly(channel.close(), self.confirm_seconds)

    async def _answered(self, question: Awaitable[_T]) -> _T:
        """Wait for the broker, but not for ever."""
        try:
            async with asyncio.timeout(self.confirm_seconds):
                return await question
        except PublishError:
            raise
        except _FAULTS as fault:
            raise BrokerUnavailable(self._no_answer(fault)) from fault

    def _required(self) -> RobustConnection:
        if self._connection is None:
            raise BrokerUnavailable("the transport is not open")
        return self._connection

    def _no_answer(self, fault: BaseException) -> str:
        return (
            f"The broker at {self.address} does not answer ({type(fault).__name__}). Start it, or "
            "correct CHIFFON_BROKER_URL."
        )

    def _not_let_in(self) -> str:
        return (
            f"The broker at {self.address} refuses the user {self._url.user}, or its virtual "
            "host: check name, password and permissions in CHIFFON_BROKER_URL."
        )

    def _not_trusted(self, fault: ssl.SSLCertVerificationError) -> str:
        return (
            f"The broker at {self.address} shows a certificate that is not trusted "
            f"({fault.verify_message}): name the CA with ?cafile=… in CHIFFON_BROKER_URL, or give "
            "the broker a certificate for that name."
        )


def _certificate_fault(fault: BaseException) -> BaseException:
    """Return the fault of TLS that lies under what the client made of it, if there is one."""
    under: BaseException | None = fault
    while under is not None and not isinstance(under, ssl.SSLCertVerificationError):
        under = under.__cause__ or under.__context__
    return under or fault


async def _settle(message: AbstractIncomingMessage, end: End) -> None:
    if end is End.ACKNOWLEDGED:
        await message.ack()
    elif end is End.DEAD:
        await message.reject(requeue=False)
    else:
        await message.nack(requeue=True)


def _is_cancelled() -> bool:
    """Say whether somebody wants the task that asks to end."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


def _others(tasks: set[asyncio.Task[object]]) -> list[asyncio.Task[object]]:
    """Return `tasks` without the one that asks: a handler may stop its own consumer."""
    return [task for task in tasks if task is not asyncio.current_task()]


async def _ended(tasks: set[asyncio.Task[object]]) -> None:
    if waiting := _others(tasks):
        await asyncio.wait(waiting)


async def _quietly(closing: Awaitable[object], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await closing
    except (*_FAULTS, AMQPError) as fault:
        _log.debug("not_closed_cleanly", fault=type(fault).__name__)
