"""Slack's own Stop button is Cancel: the same check, the same deed, and the thread hears of it."""

import pytest

from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import ApproveResult
from orchestrator.errors import Error, ErrorCode
from orchestrator.service import OrchestratorService
from tests.bot.slack_scene import ALEX, CHANNEL, GUEST, ROBIN, Scene, user

KUMA = "Deploy Kuma"


def stop(person: str = ROBIN, thread: str = "100.1") -> dict[str, object]:
    return {
        "type": "agent_session_stopped",
        "channel": CHANNEL,
        "thread_ts": thread,
        "user": person,
        "streaming_message_ts": [],
    }


async def status_of(scene: Scene, plan_id: str) -> PlanStatus | None:
    return (await scene.service.get_plan(plan_id)).status


@pytest.mark.parametrize("person", [ROBIN, ALEX], ids=["who asked", "an approver"])
async def test_stop_cancels_the_plan_and_says_so_in_the_thread(scene: Scene, person: str) -> None:
    plan = await scene.planned(KUMA)
    assert (await scene.event(stop(person))).status == 200
    assert await status_of(scene, plan.plan_id) is PlanStatus.CANCELLED
    await scene.settled()
    [said] = scene.slack.asked("chat.postMessage")
    assert (said["channel"], said["thread_ts"]) == (CHANNEL, "100.1")
    assert f"Stopped by <@{person}>: plan #{plan.number} is cancelled" in said["text"]


@pytest.mark.parametrize(("person", "why"), [(GUEST, "Guests"), ("U0MEMBER", "may not approve")])
async def test_who_may_not_cancel_may_not_stop(scene: Scene, person: str, why: str) -> None:
    scene.slack.people = {**scene.slack.people, "U0MEMBER": user("U0MEMBER")}
    plan = await scene.planned(KUMA)
    await scene.event(stop(person))
    await scene.settled()
    assert await status_of(scene, plan.plan_id) is PlanStatus.PENDING_APPROVAL
    [told] = scene.slack.asked("chat.postEphemeral")
    assert (told["user"], why in told["text"]) == (person, True)
    assert not scene.slack.asked("chat.postMessage")


async def test_where_there_is_no_plan_stop_is_answered(scene: Scene) -> None:
    await scene.event(stop(thread="9.9"))
    await scene.settled()
    assert "no plan in this thread" in scene.slack.words("chat.postEphemeral")


async def test_a_stop_that_could_not_be_stored_comes_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await scene.planned(KUMA)
    fault = Error(code=ErrorCode.INTERNAL_ERROR, message="no database")

    async def broken(*_: object, **__: object) -> ApproveResult:
        return ApproveResult(error=fault)

    with monkeypatch.context() as patch:
        patch.setattr(OrchestratorService, "cancel_plan", broken)
        assert (await scene.event(stop())).status == 500
    assert (await scene.event(stop(), retry=1)).status == 200
    assert await status_of(scene, plan.plan_id) is PlanStatus.CANCELLED
