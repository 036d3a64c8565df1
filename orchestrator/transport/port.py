"""The seam to the broker: what the relay, the result reader and the agents need of one."""

from collections.abc import Awaitable, Callable
from typing import Protocol

Handler = Callable[[bytes], Awaitable[None]]
"""Takes one message body. Returning acknowledges it; raising hands it back for another try.

`TryLater` says that the message is not to blame: such a try does not count. Anything else
counts, and a message that fails too often is a dead letter.
"""


class Subscription(Protocol):
    """A running consumer."""

    @property
    def reading(self) -> bool:
        """Whether what is said now is soon heard, as far as is known; looked at often, and quick.

        False where the broker does not deliver to this very consumer, where the queue cannot be
        read, and where so much waits in it that what comes now is heard late.
        """

    async def cancel(self) -> None:
        """Stop taking messages; wait for the ones being handled."""


class Transport(Protocol):
    """Moves message bodies through named queues, at least once, in order per queue.

    A body that its reader has failed on `delivery.TRIES` times ends in the queue `chiffon.dead`.
    """

    durable: bool
    """Whether confirmed messages outlive this process."""

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now; while not, nobody can be heard."""

    async def declare(self, queue: str) -> None:
        """Make sure that `queue` exists."""

    async def publish(self, queue: str, body: bytes) -> None:
        """Hand `body` over; returns once the broker has taken responsibility for it.

        Where `durable` is false and the queue is `chiffon.results`, responsibility is taken
        only when the reader has handled the message, so that a confirmed result is never lost.

        Raises:
            Unroutable: the queue does not exist.
            BrokerUnavailable: no confirmation in time; the message may or may not be there.
        """

    async def consume(self, queue: str, handler: Handler, *, prefetch: int = 1) -> Subscription:
        """Read `queue` with at most `prefetch` messages in hand at once; declares it."""

    async def close(self) -> None:
        """Stop every consumer and let go of the broker."""
