"""What agents say: read from `chiffon.results`, handed to the use case for its type.

A message is acknowledged only after the commit that it led to.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from orchestrator.errors import TryLater
from orchestrator.protocol import (
    RESULTS_QUEUE,
    Claim,
    Envelope,
    Heartbeat,
    Payload,
    Register,
    WireError,
    WorkResult,
    WorkStatus,
    decode,
)
from orchestrator.transport.port import Subscription, Transport
from orchestrator.usecases.context import Context
from orchestrator.usecases.record_agent import record_heartbeat, record_registration
from orchestrator.usecases.record_message import record_claim, record_result, record_status

_log = structlog.get_logger(__name__)
_PREFETCH = 200  # what comes together is committed together

Reader = Callable[[Context, Envelope, Any], Awaitable[None]]


async def _registered(ctx: Context, _: Envelope, agent: Register) -> None:
    await record_registration(ctx, agent)


async def _got_on(ctx: Context, _: Envelope, status: WorkStatus) -> None:
    await record_status(ctx, status)


READERS: Mapping[type[Payload], Reader] = {
    Register: _registered,
    Heartbeat: record_heartbeat,
    Claim: record_claim,
    WorkStatus: _got_on,
    WorkResult: record_result,
}


class Inbound:
    """Reads what agents send."""

    def __init__(self, ctx: Context, transport: Transport) -> None:
        self._ctx = ctx
        self._transport = transport
        self._subscription: Subscription | None = None

    @property
    def hears(self) -> bool:
        """Whether what an agent says now is soon heard here."""
        reading = self._subscription is not None and self._subscription.reading
        return reading and self._transport.connected

    async def start(self) -> Subscription:
        """Begin to read."""
        self._subscription = await self._transport.consume(
            RESULTS_QUEUE, self.handle, prefetch=_PREFETCH
        )
        return self._subscription

    async def handle(self, body: bytes) -> None:
        """Handle one message.

        Raises:
            WireError: it is no message that an agent may send; after a few tries the broker
                puts it with the dead letters.
            TryLater: the database is away; the message is not to blame.
        """
        envelope, payload = decode(body)
        reader = READERS.get(type(payload))
        if reader is None:
            raise WireError(f"{envelope.type} is not for the orchestrator")
        with structlog.contextvars.bound_contextvars(correlation_id=envelope.trace):
            try:
                await reader(self._ctx, envelope, payload)
            except Exception as fault:
                if self._ctx.store.is_outage(fault):
                    raise TryLater("the database does not answer") from fault
                raise
