"""The relay: sends what the outbox holds until the broker has confirmed it.

A committed row is the only reason to send, so nothing that was decided is lost; sending again
after a crash is normal, and the receiver drops the repeat by its id.

What this process commits it sends at once: such rows are written with its claim on them already,
so that nobody has to ask the database for them. What a dead or another process left is found by
a slow poll. Sends do not wait for each other, and what became of them is recorded in groups.
"""

import asyncio
from collections import deque

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.errors import BrokerUnavailable, Unroutable
from orchestrator.store.repositories.mail import Letter
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.transport.port import Transport
from orchestrator.usecases.context import Context
from orchestrator.usecases.record_sending import Sent, record_sending

_log = structlog.get_logger(__name__)
POLL_SECONDS = 2.0
"""How often to look for what another process wrote and did not send."""

GROUP = 200
"""So many letters are taken from the outbox, or recorded, in one transaction."""

_AGAIN_SECONDS = 1.0


class Relay:
    """Empties the outbox."""

    def __init__(
        self, ctx: Context, transport: Transport, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._ctx = ctx
        self._transport = transport
        self._poll_seconds = poll_seconds
        self._sending: set[asyncio.Task[None]] = set()
        self._sent: deque[Sent] = deque()
        self._some_sent = asyncio.Event()

    async def start_over(self) -> None:
        """Take messages of unfinished attempts as unsent, where the broker forgets them."""
        if not self._transport.durable:

            async def forget(uow: UnitOfWork) -> int:
                return await uow.mail.send_again()

            await self._ctx.store.transact(forget)

    async def run(self) -> None:
        """Send whenever something is waiting, until cancelled."""
        fresh = self._ctx.store.send_from_here()
        recording = asyncio.create_task(self._keep_recording(), name="record what was sent")
        polling = asyncio.create_task(self._keep_polling(), name="poll the outbox")
        try:
            while True:
                self._ctx.store.mail_waiting.clear()
                while fresh:
                    self._send(fresh.popleft())
                await self._ctx.store.mail_waiting.wait()
        finally:
            self._ctx.store.send_elsewhere()
            tasks = [recording, polling, *self._sending]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_polling(self) -> None:
        while True:
            try:
                while len(taken := await self._claim()) == GROUP:
                    self._send(*taken)
                self._send(*taken)
            except Exception:  # noqa: BLE001 - the loop must outlive any one fault
                _log.exception("outbox_not_read")
            await asyncio.sleep(self._poll_seconds)

    async def _claim(self) -> list[Letter]:
        async def claim(uow: UnitOfWork) -> list[Letter]:
            return await uow.mail.claim(GROUP)

        taken = await self._ctx.store.transact(claim)
        if taken:
            crash_point("relay.claimed")
        return taken

    def _send(self, *letters: Letter) -> None:
        for letter in letters:
            task = asyncio.create_task(self._publish(letter), name=f"send {letter.letter_id}")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _publish(self, letter: Letter) -> None:
        sent = Sent(letter)
        crash_point("relay.before_publish")
        try:
            await self._transport.publish(letter.queue, letter.body.encode())
            crash_point("relay.after_publish")
        except Unroutable:
            reason = f"The agent's queue {letter.queue} does not exist."
            sent = Sent(letter, nowhere=True, reason=reason)
        except BrokerUnavailable as fault:
            sent = Sent(letter, waits=True, reason=str(fault))
        except Exception as fault:  # noqa: BLE001 - one letter must not hold up the others
            _log.exception("letter_not_sent", queue=letter.queue)
            sent = Sent(letter, waits=True, reason=type(fault).__name__)
        self._sent.append(sent)
        self._some_sent.set()

    async def _keep_recording(self) -> None:
        """Record what became of letters; what cannot be recorded now is kept and tried again."""
        while True:
            await self._some_sent.wait()
            self._some_sent.clear()
            while self._sent:
                group = [self._sent[index] for index in range(min(GROUP, len(self._sent)))]
                if not await self._recorded(group):
                    await asyncio.sleep(_AGAIN_SECONDS)
                    continue
                for _ in group:
                    self._sent.popleft()

    async def _recorded(self, group: list[Sent]) -> bool:
        """Record a group; False while the database is away: then nothing is forgotten.

        A letter that cannot be recorded by itself either is left to its claim: it is sent again.
        """
        try:
            await record_sending(self._ctx, group)
        except Exception as fault:  # noqa: BLE001 - the loop must outlive any one fault
            _log.exception("sending_not_recorded", letters=len(group))
            if self._ctx.store.is_outage(fault):
                return False
            if len(group) > 1:
                return all([await self._recorded([sent]) for sent in group])
        return True
