"""Orders that may be lost on the way, or come late: each is given again, none is overrun."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.views import PlanResult
from orchestrator.errors import StoreError
from orchestrator.protocol import Cancel, Claim, Go, Outcome, WorkRequest
from orchestrator.relay import Relay
from orchestrator.store.repositories.mail import Letter
from orchestrator.store.tables import plans
from orchestrator.testing import ScriptedAgent
from orchestrator.usecases.context import Context
from orchestrator.usecases.record_sending import Sent
from orchestrator.usecases.time_out import expire_plan
from tests.plugins.waiting import until
from tests.scene import USER, Desk, long_ago, silent


async def _called_off(desk: Desk) -> tuple[PlanResult, ScriptedAgent, WorkRequest]:
    """Cancel a plan whose step runs; the agent was told to stop once, and goes on."""
    for each in desk.pool:
        each.script = silent
    plan = await desk.planned("Restart gitea")
    await desk.approve(plan)
    await until(lambda: any(each.started for each in desk.pool), what="the start")
    agent = next(each for each in desk.pool if each.started)
    await desk.service.cancel_plan(plan.plan_id, user_id=USER)
    await until(lambda: _orders(agent) == 1, what="the order to stop")
    return plan, agent, agent.received[0]


def _orders(agent: ScriptedAgent) -> int:
    return sum(isinstance(each, Cancel) for each in agent.told)


def _has_orders(agent: ScriptedAgent, number: int) -> bool:
    return _orders(agent) == number


async def test_an_order_to_stop_is_given_again_with_each_heartbeat(desk: Desk) -> None:
    """The first one may be lost; none is given for what the agent no longer holds."""
    plan, agent, work = await _called_off(desk)
    for number in (2, 3):
        await agent.beat(holds=(work.attempt_id,))
        await until(partial(_has_orders, agent, number), what="the order again")
    await agent.beat()
    await agent.report(work, Outcome.CANCELLED)
    await agent.beat(holds=(work.attempt_id,))  # written before its end, and come late
    status = await desk.service.get_plan_status(plan.plan_id)
    assert status.tasks[0].status is TaskStatus.CANCELLED
    await agent.register()
    assert _orders(agent) == 3


async def test_who_asks_again_for_leave_to_what_was_called_off_is_told_to_stop(
    desk: Desk,
) -> None:
    """Its leave may have been lost, or be on the way still: a stop is right for both."""
    _, agent, work = await _called_off(desk)
    leaves = sum(isinstance(each, Go) for each in agent.told)
    claim = Claim(
        agent_id=agent.agent_id, attempt_id=work.attempt_id, attempt_number=work.attempt_number
    )
    await agent.say(claim)
    await until(lambda: _orders(agent) == 2, what="the answer")
    assert sum(isinstance(each, Go) for each in agent.told) == leaves


async def _due(desk: Desk, plan: PlanResult) -> None:
    """Let the keeper find a plan that nobody decided in time."""
    store = desk.service.context.store
    async with store.engine.begin() as connection:
        await connection.execute(update(plans).values(expires_at=long_ago()))
    due = await store.read(lambda uow: uow.plans.due(PlanStatus.PENDING_APPROVAL, "expires_at"))
    assert due == [plan.plan_id]


async def _expire(desk: Desk, plan: PlanResult) -> PlanStatus | None:
    late = (PlanStatus.PENDING_APPROVAL, "expires_at")
    await expire_plan(desk.service.context, plan.plan_id, *late)
    return (await desk.service.get_plan_status(plan.plan_id)).status


@pytest.mark.parametrize("is_approved", [True, False])
async def test_a_plan_found_due_is_looked_at_again_once_it_is_locked(
    desk: Desk, *, is_approved: bool
) -> None:
    """Between the look and the lock somebody approved it, or gave it more time."""
    for each in desk.pool:
        each.script = silent
    plan = await desk.planned("Restart gitea")
    await _due(desk, plan)
    later = long_ago() + timedelta(days=7)
    async with desk.service.context.store.engine.begin() as connection:
        await connection.execute(update(plans).values(expires_at=later))
    if is_approved:
        await desk.approve(plan)
        assert await _expire(desk, plan) in {PlanStatus.APPROVED, PlanStatus.EXECUTING}
    else:
        assert await _expire(desk, plan) is PlanStatus.PENDING_APPROVAL
        await _due(desk, plan)
        assert await _expire(desk, plan) is PlanStatus.EXPIRED


def _sent(name: str) -> Sent:
    return Sent(Letter(letter_id=name, queue=name, message_type="go", body="{}"))


async def test_one_letter_that_cannot_be_recorded_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is taken apart; while the database is away it is not, and nothing is forgotten."""
    noted: list[list[str]] = []
    fault: Exception = ValueError("poison")

    async def record(ctx: Context, group: list[Sent]) -> None:
        names = [sent.letter.letter_id for sent in group]
        noted.append(names)
        if "poison" in names:
            raise fault

    monkeypatch.setattr("orchestrator.relay.record_sending", record)
    relay = Relay(desk.service.context, desk.transport)
    group = [_sent(name) for name in ("one", "poison", "other")]
    assert await relay._recorded(group) is True
    assert noted == [["one", "poison", "other"], ["one"], ["poison"], ["other"]]
    noted.clear()
    fault = StoreError("away")
    assert await relay._recorded(group) is False
    assert noted == [["one", "poison", "other"]]
