"""What time alone makes due: plans that expired, attempts whose lease ran out."""

from datetime import UTC, datetime, timedelta

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.lifecycle import (
    OPEN_ATTEMPTS,
    STARTED_ATTEMPTS,
    AttemptStatus,
    PlanStatus,
)
from orchestrator.errors import Conflict
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.end_attempt import Ending, end_attempt
from orchestrator.usecases.lookup import plan_by

_log = structlog.get_logger(__name__)
GAP = timedelta(seconds=10)
"""When for so long no replica has listened, nobody is called silent: they could not be heard (all
were stopped, the machine slept, the broker or the database was away)."""


async def expire_plan(ctx: Context, plan_id: str, status: PlanStatus, deadline: str) -> None:
    """Expire a plan that nobody decided, or that did not start in time; withdraw its work.

    `status` and `deadline` (a column) say what made it due; once it is locked both are looked at
    again, since a decision may have come in between.
    """
    reason = "The plan expired."

    async def move(uow: UnitOfWork) -> None:
        stored = await plan_by(uow, plan_id, lock=True)
        if stored.plan.status is not status or plan_id not in await uow.plans.due(status, deadline):
            raise Conflict("It was decided, or started, just now.", "Look again where it stands.")
        await uow.plans.move(plan_id, PlanStatus.EXPIRED)
        for attempt in await uow.attempts.of_plan(plan_id):
            if attempt.status in OPEN_ATTEMPTS:
                await uow.attempts.move(attempt.attempt_id, AttemptStatus.SUPERSEDED, reason=reason)
                await uow.logs.noted(attempt.attempt_id, status="superseded", reason=reason)
        await uow.audit.add(
            "plan_expired", actor="keeper", request_id=stored.plan.request_id, plan_id=plan_id
        )
        crash_point("expiry.before_commit")

    try:
        await ctx.store.transact(move)
    except Conflict:
        return  # it was decided, or started, just now
    crash_point("expiry.after_commit")
    _log.info("plan_expired", plan_id=plan_id)


async def end_overdue(ctx: Context, attempt_id: str) -> None:
    """End an attempt whose lease has run out, if that is still so once its plan is locked.

    What was never started is withdrawn, also from an agent that lives but never said that it
    has it: no attempt starts without a claim, so a late one starts nothing. What waits for the
    broker stays while its agent lives. What was started is in doubt.
    """

    async def keep(uow: UnitOfWork) -> None:
        known = await uow.attempts.get(attempt_id)
        if known is None:
            return
        stored = await plan_by(uow, known.plan_id, lock=True)
        attempt = await uow.attempts.get(attempt_id)
        if attempt is None or attempt.status not in OPEN_ATTEMPTS:
            return
        if attempt.lease_until is not None and attempt.lease_until >= uow.now:
            return  # its agent was heard meanwhile
        silent = attempt.agent_id not in await _online(uow)
        if attempt.status in STARTED_ATTEMPTS:
            reason = "Its agent fell silent while it ran."
            ending = Ending(AttemptStatus.UNKNOWN, started=True, reason=reason)
        elif silent:
            reason = "Its agent fell silent before it began."
            ending = Ending(AttemptStatus.SUPERSEDED, started=False, reason=reason)
        elif attempt.status is AttemptStatus.DISPATCHED:
            reason = "Its agent never said that it has it."
            ending = Ending(AttemptStatus.SUPERSEDED, started=False, reason=reason)
        else:
            return
        await end_attempt(ctx, uow, stored, attempt, ending)
        crash_point("overdue.before_commit")

    await ctx.store.transact(keep)
    crash_point("overdue.after_commit")


async def _online(uow: UnitOfWork) -> set[str]:
    return {agent.agent_id for agent in await uow.agents.profiles() if agent.online}


async def note_listening(ctx: Context) -> None:
    """Note that agents are listened to; where no replica did for a while, renew every lease.

    In one commit: another replica that finds the note must find the leases renewed.
    """

    async def note(uow: UnitOfWork) -> bool:
        ctx.clocks.compare("this machine", datetime.now(UTC) - uow.now)
        gap = await uow.agents.listened()
        if gap is not None and gap <= GAP:
            return False
        await _renew(uow)
        return True

    if await ctx.store.transact(note):
        _told_renewal()


async def _renew(uow: UnitOfWork) -> None:
    await uow.agents.presume_alive()
    await uow.attempts.renew_leases()
    crash_point("renewal.before_commit")


def _told_renewal() -> None:
    crash_point("renewal.after_commit")
    _log.info("leases_renewed", why="nobody could be heard for a while")


async def presume_alive(ctx: Context) -> None:
    """Give every agent and every open attempt a new lease: for a while nobody was listening."""
    await ctx.store.transact(_renew)
    _told_renewal()
