"""The keeper: does what time alone makes due. Every step is safe to do twice or elsewhere.

Leases that ran out, plans that expired, requests whose worker died, tasks that waited for a
free agent, mail that is long sent. All times are the database's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.request import Request
from orchestrator.store.repositories.mail import Mail
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import advance
from orchestrator.usecases.context import Context
from orchestrator.usecases.time_out import end_overdue, expire_plan, note_listening
from orchestrator.usecases.understand import understand

_log = structlog.get_logger(__name__)
TICK_SECONDS = 2.0
_SWEEP = 500
"""So many rows are forgotten in one transaction: others hardly wait for it."""
_SWEEP_SECONDS = 600.0


class Keeper:
    """Looks every few seconds for what is due.

    `hears` says whether agents can be heard at the moment: the broker is there, the results are
    read, and not so many wait that what an agent says now would come too late.
    """

    def __init__(
        self,
        ctx: Context,
        hears: Callable[[], bool] = lambda: True,
        *,
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        self._ctx = ctx
        self._hears = hears
        self._tick_seconds = tick_seconds
        self._sweep_at = time.monotonic()

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self._safely("tick", self.tick())
            await asyncio.sleep(self._tick_seconds)

    async def tick(self) -> None:
        """Do everything that is due now; what fails for one does not stop the others."""
        await self._expire_plans()
        if self._hears():  # who cannot be heard is not silent
            await self.allow_for_a_gap()
            await self._end_overdue()
        await self._take_up_requests()
        await self._move_on()
        if time.monotonic() >= self._sweep_at:
            await self._safely("sweep", self.sweep())

    @staticmethod
    async def _safely(what: str, deed: Awaitable[object]) -> None:
        try:
            await deed
        except Exception:  # noqa: BLE001 - the clock must outlive any one fault
            _log.exception("keeper_failed", at=what)

    async def allow_for_a_gap(self) -> None:
        """Note that agents are listened to; where nobody did for a while, renew every lease."""
        await note_listening(self._ctx)

    async def _expire_plans(self) -> None:
        for status, deadline in (
            (PlanStatus.PENDING_APPROVAL, "expires_at"),
            (PlanStatus.APPROVED, "start_before"),
        ):

            async def due(
                uow: UnitOfWork, status: PlanStatus = status, deadline: str = deadline
            ) -> list[str]:
                return await uow.plans.due(status, deadline)

            for plan_id in await self._ctx.store.read(due):
                await self._safely("expire", expire_plan(self._ctx, plan_id, status, deadline))

    async def _end_overdue(self) -> None:
        async def find(uow: UnitOfWork) -> list[Attempt]:
            return await uow.attempts.overdue()

        for attempt in await self._ctx.store.read(find):
            await self._safely("overdue", end_overdue(self._ctx, attempt.attempt_id))

    async def _take_up_requests(self) -> None:
        async def claim(uow: UnitOfWork) -> list[Request]:
            return await uow.requests.claim_abandoned()

        for request in await self._ctx.store.transact(claim):
            crash_point("keeper.before_take_up")
            _log.info("request_taken_up", request_id=request.request_id)
            with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
                await self._safely("request", understand(self._ctx, request))

    async def _move_on(self) -> None:
        async def find(uow: UnitOfWork) -> list[str]:
            return await uow.plans.with_pending_work()

        for plan_id in await self._ctx.store.read(find):

            async def move(uow: UnitOfWork, plan_id: str = plan_id) -> None:
                await advance(self._ctx, uow, plan_id)
                crash_point("move_on.before_commit")

            await self._safely("move on", self._ctx.store.transact(move))
            crash_point("move_on.after_commit")

    async def sweep(self) -> int:
        """Forget a batch of old mail, of each kind; the next tick goes on where more is left.

        What was sent or taken `keep_time` ago. Plans, decisions and the audit stay for ever.
        """
        forgotten = []
        for forget in (Mail.forget_sent, Mail.forget_keys):

            async def batch(uow: UnitOfWork, forget: Callable[..., Awaitable[int]] = forget) -> int:
                return await forget(uow.mail, uow.now - self._ctx.keep_time, _SWEEP)

            forgotten.append(await self._ctx.store.transact(batch))
        if max(forgotten) < _SWEEP:
            self._sweep_at = time.monotonic() + _SWEEP_SECONDS
        return sum(forgotten)
