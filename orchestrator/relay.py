"""The relay: sends what the outbox holds until the broker has confirmed it.

A committed row is the only reason to send, so nothing that was decided is lost; sending again
after a crash is normal, and the receiver drops the repeat by its id.
"""

import asyncio

import structlog

from orchestrator.errors import BrokerUnavailable, Unroutable
from orchestrator.store.repositories.mail import Letter
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.transport.port import Transport
from orchestrator.usecases.context import Context
from orchestrator.usecases.dispatch_plan import record_dispatched, record_undeliverable

_log = structlog.get_logger(__name__)
POLL_SECONDS = 2.0
"""How often to look without being woken: for what another process wrote and did not send."""


class Relay:
    """Empties the outbox."""

    def __init__(
        self, ctx: Context, transport: Transport, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._ctx = ctx
        self._transport = transport
        self._poll_seconds = poll_seconds

    async def start_over(self) -> None:
        """Take messages of unfinished attempts as unsent, where the broker forgets them."""
        if not self._transport.durable:

            async def forget(uow: UnitOfWork) -> int:
                return await uow.mail.send_again()

            await self._ctx.store.transact(forget)

    async def run(self) -> None:
        """Send whenever something is waiting, until cancelled."""
        waiting = self._ctx.store.mail_waiting
        while True:
            waiting.clear()
            try:
                while await self.drain():
                    pass
            except Exception:  # noqa: BLE001 - the loop must outlive any one fault
                _log.exception("relay_failed")
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await waiting.wait()
            except TimeoutError:
                continue

    async def drain(self) -> int:
        """Send one batch; return how many messages were taken."""

        async def claim(uow: UnitOfWork) -> list[Letter]:
            return await uow.mail.claim()

        letters = await self._ctx.store.transact(claim)
        for letter in letters:
            try:
                await self._send(letter)
            except Exception:  # noqa: BLE001 - one letter must not hold up the others
                _log.exception("letter_not_sent", queue=letter.queue)
        return len(letters)

    async def _send(self, letter: Letter) -> None:
        try:
            await self._transport.publish(letter.queue, letter.body.encode())
        except Unroutable:
            reason = f"The agent's queue {letter.queue} does not exist."
            await record_undeliverable(self._ctx, letter, reason)
        except BrokerUnavailable as fault:
            await self._put_back(letter, str(fault))
        else:
            await record_dispatched(self._ctx, letter)

    async def _put_back(self, letter: Letter, reason: str) -> None:
        async def note(uow: UnitOfWork) -> None:
            await uow.mail.put_back(letter.letter_id, reason)

        await self._ctx.store.transact(note)
        _log.warning("message_waits_for_broker", queue=letter.queue, reason=reason)
