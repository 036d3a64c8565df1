"""Record what an agent says of an attempt: it wants to start, it gets on, it is done."""

from collections.abc import Awaitable, Callable

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import (
    OPEN_ATTEMPTS,
    STARTED_ATTEMPTS,
    AttemptStatus,
    PlanStatus,
    TaskStatus,
)
from orchestrator.protocol import (
    Cancel,
    Claim,
    Difficulty,
    Envelope,
    Go,
    Outcome,
    Superseded,
    WorkResult,
    WorkStatus,
    control_queue,
    seal,
)
from orchestrator.store.lanes import Touching
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import RUNNING
from orchestrator.usecases.context import Context
from orchestrator.usecases.end_attempt import Ending, end_attempt
from orchestrator.usecases.lookup import plan_by
from orchestrator.usecases.model_log import book_work

_log = structlog.get_logger(__name__)

_STATUS = {
    Outcome.SUCCESS: AttemptStatus.SUCCEEDED,
    Outcome.FAILED: AttemptStatus.FAILED,
    Outcome.TIMED_OUT: AttemptStatus.TIMED_OUT,
    Outcome.CANCELLED: AttemptStatus.INTERRUPTED,
    Outcome.INTERRUPTED: AttemptStatus.INTERRUPTED,
}


async def record_claim(ctx: Context, envelope: Envelope, claim: Claim) -> None:
    """Answer an agent that wants to start: `go` if the attempt is still wanted, else not.

    A repeated claim of the same attempt is told to go again: the first answer may be lost.
    """

    async def answer(uow: UnitOfWork) -> None:
        stored, attempt = await _locate(uow, claim.attempt_id)
        go = False
        if (
            stored is not None
            and attempt is not None
            and _is_from(attempt, claim.agent_id, claim.attempt_number)
        ):
            go = await _may_go(ctx, uow, stored, attempt)
            if go and attempt.cancel_wanted:  # its leave may be on the way still
                called_off = seal(Cancel(attempt_id=claim.attempt_id), trace=envelope.trace)
                await uow.mail.post(control_queue(claim.agent_id), called_off)
                return
            if not go:  # left open, it would hold its agent's room for ever
                await _refuse(ctx, uow, stored, attempt)
        reply = (
            Go(attempt_id=claim.attempt_id, claim_id=claim.claim_id)
            if go
            else Superseded(attempt_id=claim.attempt_id)
        )
        message = seal(reply, trace=envelope.trace)
        await uow.mail.post(control_queue(claim.agent_id), message)
        _log.info("claim_answered", attempt_id=claim.attempt_id, go=go)
        crash_point("claim.before_commit")

    touching = Touching(attempts=(claim.attempt_id,))
    await ctx.store.transact_together("reports", in_trace(envelope, answer), touching)
    crash_point("claim.after_commit")


Work = Callable[[UnitOfWork], Awaitable[None]]


def in_trace(envelope: Envelope, work: Work) -> Work:
    """Return `work` with the message's correlation id in what it logs, whoever runs it."""

    async def traced(uow: UnitOfWork) -> None:
        with structlog.contextvars.bound_contextvars(correlation_id=envelope.trace):
            await work(uow)

    return traced


async def _locate(uow: UnitOfWork, attempt_id: str) -> tuple[StoredPlan | None, Attempt | None]:
    """Return an attempt as it is once its plan's row is locked."""
    attempt = await uow.attempts.get(attempt_id)  # its plan is held: it cannot change
    if attempt is None:
        return None, None
    return await plan_by(uow, attempt.plan_id, lock=True), attempt


async def _may_go(ctx: Context, uow: UnitOfWork, stored: StoredPlan, attempt: Attempt) -> bool:
    if attempt.status in STARTED_ATTEMPTS:
        return True
    if attempt.cancel_wanted or stored.plan.status not in RUNNING or _too_late(ctx, uow, attempt):
        return False
    if not await uow.attempts.move(attempt.attempt_id, AttemptStatus.CLAIMED, started_at=uow.now):
        return False
    await uow.attempts.extend_lease(attempt)
    await uow.plans.move_task(attempt.task_id, TaskStatus.EXECUTING)
    if stored.plan.status is PlanStatus.APPROVED:
        await uow.plans.move(stored.plan.plan_id, PlanStatus.EXECUTING)
    await uow.logs.noted(attempt.attempt_id, status="claimed", started_at=uow.now)
    await _tell(uow, stored, attempt, "attempt_claimed")
    return True


def _too_late(ctx: Context, uow: UnitOfWork, attempt: Attempt) -> bool:
    """Say whether what was approved lay too long; by the database's clock, not the message's."""
    return attempt.created_at is not None and uow.now > attempt.created_at + ctx.start_time


async def _refuse(ctx: Context, uow: UnitOfWork, stored: StoredPlan, attempt: Attempt) -> None:
    if attempt.status not in OPEN_ATTEMPTS:
        return
    reason = "It was not begun in the time in which it might be."
    ending = Ending(AttemptStatus.SUPERSEDED, started=False, reason=reason, final=True)
    await end_attempt(ctx, uow, stored, attempt, ending)


def _is_from(attempt: Attempt, agent_id: str, number: int) -> bool:
    """Fence: only the agent that was given this very attempt speaks for it."""
    return attempt.agent_id == agent_id and attempt.number == number


async def record_status(ctx: Context, status: WorkStatus) -> None:
    """Keep how a running attempt gets on; older news than what is known changes nothing."""

    async def keep(uow: UnitOfWork) -> None:
        attempt = await uow.attempts.get(status.attempt_id)
        if attempt is None or not _is_from(attempt, status.agent_id, status.attempt_number):
            return
        if attempt.ended_at is not None or not await uow.attempts.progressed(
            status.attempt_id, status.sequence, status.progress
        ):
            return
        await uow.attempts.move(status.attempt_id, AttemptStatus.RUNNING)
        await uow.attempts.extend_leases(status.agent_id, [status.attempt_id])
        await uow.logs.noted(status.attempt_id, status="running")
        if status.output:
            await uow.logs.add_output(status.attempt_id, status.output)
        crash_point("status.before_commit")

    await ctx.store.transact(keep)
    crash_point("status.after_commit")


async def record_result(ctx: Context, envelope: Envelope, result: WorkResult) -> None:
    """Keep the end of an attempt, and route what it made ready, in one commit."""

    async def keep(uow: UnitOfWork) -> None:
        stored, attempt = await _locate(uow, result.attempt_id)
        if stored is None or attempt is None:
            _log.warning("result_of_unknown_attempt", attempt_id=result.attempt_id)
            return
        if not await uow.mail.is_new(envelope.message_id, "work_result"):
            return
        fits = _is_from(attempt, result.agent_id, result.attempt_number)
        if not fits or attempt.ended_at is not None:
            await _tell(uow, stored, attempt, "late_result", outcome=result.outcome.value)
            return
        await _keep_output(uow, stored, attempt, result)
        await book_work(uow, ctx.fallback.rules, stored, attempt, result.use)
        ending = Ending(
            status=_STATUS[result.outcome],
            started=result.started,
            reason=result.reason,
            actor=f"agent:{result.agent_id}",
        )
        await end_attempt(ctx, uow, stored, attempt, ending)
        crash_point("result.before_commit")

    touching = Touching(attempts=(result.attempt_id,), messages=(envelope.message_id,))
    await ctx.store.transact_together("reports", in_trace(envelope, keep), touching)
    crash_point("result.after_commit")


async def _keep_output(
    uow: UnitOfWork, stored: StoredPlan, attempt: Attempt, result: WorkResult
) -> None:
    await uow.logs.noted(
        attempt.attempt_id,
        output=result.output,
        exit_code=result.exit_code,
        use=result.use.model_dump(mode="json"),
    )
    if result.started:
        task = stored.plan.task(attempt.task_id)
        await uow.agents.did(
            attempt.agent_id,
            task.capability,
            success=result.outcome is Outcome.SUCCESS,
            tricky=result.difficulty is Difficulty.TRICKY,
            seconds=result.use.wall_seconds,
        )


async def _tell(
    uow: UnitOfWork, stored: StoredPlan, attempt: Attempt, kind: str, **details: str
) -> None:
    step = stored.plan.task(attempt.task_id).step_number
    await uow.audit.add(
        kind,
        actor=f"agent:{attempt.agent_id}",
        request_id=stored.plan.request_id,
        plan_id=stored.plan.plan_id,
        details={"step": step, "attempt": attempt.number, **details},
    )
    _log.info(kind, plan=stored.plan.number, step=step, attempt=attempt.number, **details)
