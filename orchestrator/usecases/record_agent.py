"""Record what an agent says of itself: who it is, and that it lives."""

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.lifecycle import STARTED_ATTEMPTS, AttemptStatus
from orchestrator.domain.views import AgentList, AgentView
from orchestrator.protocol import (
    Cancel,
    Envelope,
    Heartbeat,
    Register,
    ReportIn,
    control_queue,
    seal,
)
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.clocks import OLDEST_NEWS
from orchestrator.usecases.context import Context
from orchestrator.usecases.end_attempt import Ending, end_attempt
from orchestrator.usecases.lookup import plan_by

_log = structlog.get_logger(__name__)


async def record_registration(ctx: Context, agent: Register) -> None:
    """Keep who an agent is; what a restarted one has no memory of has an unknown outcome.

    What it was sent and never claimed stays where it is: in its queue.
    """

    async def keep(uow: UnitOfWork) -> list[str]:
        before = await uow.agents.register(agent)
        await uow.attempts.extend_leases(agent.agent_id, agent.holds)
        crash_point("registration.before_commit")
        if before is None or before == agent.incarnation:
            return []
        known = await uow.attempts.open_of_agent(agent.agent_id)
        return [
            each.attempt_id
            for each in known
            if each.status in STARTED_ATTEMPTS and each.attempt_id not in agent.holds
        ]

    lost = await ctx.store.transact(keep)
    crash_point("registration.after_commit")
    _log.info("agent_registered", agent_id=agent.agent_id, type=agent.agent_type)
    for attempt_id in lost:
        await _forget(ctx, attempt_id)


async def record_heartbeat(ctx: Context, envelope: Envelope, beat: Heartbeat) -> None:
    """Keep a sign of life and renew the leases of what the agent holds."""

    async def keep(uow: UnitOfWork) -> bool:
        ahead = envelope.sent_at - uow.now
        ctx.clocks.compare(f"agent {beat.agent_id}", ahead, tolerated_behind=OLDEST_NEWS)
        known = await uow.agents.heard(beat)
        if known:
            await uow.attempts.extend_leases(beat.agent_id, beat.holds)
            await _call_off_again(uow, beat)
        else:
            message = seal(ReportIn(agent_id=beat.agent_id))
            await uow.mail.post(control_queue(beat.agent_id), message)
        crash_point("heartbeat.before_commit")
        return known

    known = await ctx.store.transact(keep)
    crash_point("heartbeat.after_commit")
    if not known:
        _log.info("agent_asked_to_report_in", agent_id=beat.agent_id)


async def _call_off_again(uow: UnitOfWork, beat: Heartbeat) -> None:
    """Tell an agent once more to stop what it still holds and nobody wants: once may be lost."""
    for attempt in await uow.attempts.open_of_agent(beat.agent_id) if beat.holds else ():
        if attempt.cancel_wanted and attempt.attempt_id in beat.holds:
            message = seal(Cancel(attempt_id=attempt.attempt_id))
            await uow.mail.post(control_queue(beat.agent_id), message)


async def _forget(ctx: Context, attempt_id: str) -> None:
    """Put an attempt in doubt that its agent has no memory of, if it has not ended meanwhile."""
    reason = "Its agent was started again and knows nothing of it."

    async def keep(uow: UnitOfWork) -> None:
        known = await uow.attempts.get(attempt_id)
        if known is None:
            return
        stored = await plan_by(uow, known.plan_id, lock=True)
        attempt = await uow.attempts.get(attempt_id)
        if attempt is not None and attempt.status in STARTED_ATTEMPTS:
            ending = Ending(AttemptStatus.UNKNOWN, started=True, reason=reason)
            await end_attempt(ctx, uow, stored, attempt, ending)

    await ctx.store.transact(keep)


async def list_agents(ctx: Context) -> AgentList:
    """Return every agent that has registered."""

    async def load(uow: UnitOfWork) -> AgentList:
        views = [
            AgentView(
                agent_id=agent.agent_id,
                name=agent.name,
                agent_type=agent.agent_type,
                online=agent.online,
                labels=agent.labels,
                capabilities=tuple(sorted(agent.capabilities)),
                load=agent.load,
                last_seen_at=agent.last_seen_at,
            )
            for agent in await uow.agents.profiles()
        ]
        return AgentList(agents=tuple(views))

    return await ctx.store.read(load)
