"""Record what the broker made of letters: confirmed, nowhere to go, or they wait."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import (
    STARTED_ATTEMPTS,
    AttemptStatus,
    PlanStatus,
    TaskStatus,
)
from orchestrator.store.lanes import Touching
from orchestrator.store.repositories.mail import Letter
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.end_attempt import Ending, end_attempt
from orchestrator.usecases.lookup import plan_by
from orchestrator.usecases.notify import tell_dispatch_waits

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sent:
    """What became of one letter: confirmed, unless it waits or has nowhere to go."""

    letter: Letter
    waits: bool = False
    nowhere: bool = False
    reason: str = ""


async def record_sending(ctx: Context, group: Sequence[Sent]) -> None:
    """Record a group in one commit, but for letters without a queue: those are one each."""

    async def keep(uow: UnitOfWork) -> None:
        confirmed = [sent.letter for sent in group if not sent.waits and not sent.nowhere]
        await uow.mail.sent([letter.letter_id for letter in confirmed])
        for attempt in await _attempts(uow, confirmed):
            await _dispatched(uow, attempt)
        for sent in group:
            if sent.waits:
                await uow.mail.put_back(sent.letter.letter_id, sent.reason)
        waiting = {sent.letter.attempt_id: sent.reason for sent in group if sent.waits}
        for attempt in await _attempts(uow, [sent.letter for sent in group if sent.waits]):
            stored = await plan_by(uow, attempt.plan_id, lock=True)
            await tell_dispatch_waits(uow, stored, waiting[attempt.attempt_id])
        crash_point("relay.before_commit")

    about = [sent.letter.attempt_id for sent in group if not sent.nowhere]
    touching = Touching(attempts=tuple(key for key in about if key is not None))
    await ctx.store.transact_together("reports", keep, touching)
    crash_point("relay.after_commit")
    for sent in group:
        if sent.waits:
            _log.warning("message_waits_for_broker", queue=sent.letter.queue, reason=sent.reason)
        if sent.nowhere:
            await _undeliverable(ctx, sent)


async def _attempts(uow: UnitOfWork, letters: Sequence[Letter]) -> list[Attempt]:
    """Return the attempts that letters are about."""
    keys = [letter.attempt_id for letter in letters if letter.attempt_id is not None]
    found = [await uow.attempts.get(key) for key in keys]  # their plans are held
    return [attempt for attempt in found if attempt is not None]


async def _dispatched(uow: UnitOfWork, known: Attempt) -> None:
    stored = await plan_by(uow, known.plan_id, lock=True)
    if not await uow.logs.dispatched(known.attempt_id):
        return  # sent again
    await _tell(uow, stored, known)
    if not await uow.attempts.move(known.attempt_id, AttemptStatus.DISPATCHED):
        return  # the agent's word came first
    await uow.attempts.extend_lease(known)
    await uow.logs.noted(known.attempt_id, status="dispatched")
    await uow.plans.move_task(known.task_id, TaskStatus.DISPATCHED)
    if stored.plan.status is PlanStatus.APPROVED:
        await uow.plans.move(stored.plan.plan_id, PlanStatus.EXECUTING)


async def _tell(uow: UnitOfWork, stored: StoredPlan, attempt: Attempt) -> None:
    task = stored.plan.task(attempt.task_id)
    await uow.audit.add(
        "task_dispatched",
        actor="relay",
        request_id=stored.plan.request_id,
        plan_id=stored.plan.plan_id,
        details={"step": task.step_number, "attempt": attempt.number, "agent": attempt.agent_id},
    )


async def _undeliverable(ctx: Context, sent: Sent) -> None:
    """Note that a message has nowhere to go; others may try, unless it had arrived before."""

    async def keep(uow: UnitOfWork) -> None:
        letter = sent.letter
        await uow.mail.undeliverable(letter.letter_id, sent.reason)
        known = await uow.attempts.get(letter.attempt_id) if letter.attempt_id else None
        if known is None:
            return
        stored = await plan_by(uow, known.plan_id, lock=True)
        attempt = await uow.attempts.get(known.attempt_id)
        if attempt is None or attempt.status in STARTED_ATTEMPTS:
            return  # sent a second time: of what has started, only its agent or its lease tells
        ending = Ending(AttemptStatus.FAILED, started=False, reason=sent.reason, actor="relay")
        await end_attempt(ctx, uow, stored, attempt, ending)

    await ctx.store.transact(keep)
    _log.warning("message_undeliverable", queue=sent.letter.queue, reason=sent.reason)
