"""Not what I meant, click by click: each answer leads on, one click has one effect."""

import json
from typing import Any

import pytest
from pydantic import JsonValue
from slack_bolt.response import BoltResponse

from bot import ids
from bot.ids import PlanButton, RequestButton
from bot.local_slack.elements import state_of
from bot.local_slack.validation import problems_of_view
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import PlanResult
from orchestrator.store.tables import plans, requests
from tests.bot.slack_scene import CHANNEL, GUEST, ROBIN, SAM, TEAM, Scene

LULLABY = "Sing a lullaby to uptime-kuma"


async def opens(scene: Scene, request: str, person: str = ROBIN) -> dict[str, Any]:
    """Press the button; return the modal that opens."""
    await scene.clicks(ids.NOT_MEANT, RequestButton(request=request), person=person)
    view: dict[str, Any] = scene.slack.asked("views.open")[-1]["view"]
    assert problems_of_view(view) == []
    return view


async def submits(
    scene: Scene, view: dict[str, Any], person: str = ROBIN, **chosen: JsonValue
) -> BoltResponse:
    """Fill in a modal by its blocks, and submit it."""
    values = {block.replace("__", ":"): {ids.PICKED: value} for block, value in chosen.items()}
    return await scene.deliver(
        "interactive",
        {
            "type": "view_submission",
            "user": {"id": person, "team_id": TEAM},
            "team": {"id": TEAM},
            "view": {
                **view,
                "id": "V1",
                "type": "modal",
                "state": {"values": state_of(view["blocks"], values)},
            },
        },
    )


def shown(answer: BoltResponse) -> dict[str, Any]:
    """Return the modal that takes the place of the one that was submitted."""
    body = json.loads(answer.body)
    assert body["response_action"] == "update", body
    assert problems_of_view(body["view"]) == []
    view: dict[str, Any] = body["view"]
    return view


async def picks(
    scene: Scene, view: dict[str, Any], capability: str = "restart_service"
) -> BoltResponse:
    """Pick a capability where the modal offers it."""
    offered = {
        block["block_id"]: [option["value"] for option in block["element"]["options"]]
        for block in view["blocks"]
        if block["type"] == "input"
    }
    [place] = [block for block, names in offered.items() if capability in names]
    return await submits(scene, view, **{place: capability})


async def corrected(scene: Scene, plan: PlanResult) -> PlanResult:
    """Say that a restart was meant, modal by modal."""
    form = shown(await picks(scene, await opens(scene, plan.request_id)))
    done = await submits(scene, form, given__service="gitea")
    assert done.body in {"", "{}"}
    return await scene.service.get_plan(plan.request_id)


async def test_a_plan_gives_way_to_what_was_meant(scene: Scene) -> None:
    plan = await scene.planned("Deploy Gitea")
    newest = await corrected(scene, plan)
    assert (newest.number, newest.revision) == (plan.number, 2)
    assert [task.capability for task in newest.tasks] == ["restart_service"]
    assert (await scene.service.get_plan(plan.plan_id)).status is PlanStatus.SUPERSEDED


async def test_the_same_submission_again_changes_and_says_nothing(scene: Scene) -> None:
    plan = await scene.planned("Deploy Gitea")
    first = await opens(scene, plan.request_id)
    form = shown(await picks(scene, first))
    answers = [await submits(scene, form, given__service="gitea") for _ in range(3)]
    assert {answer.body for answer in answers} <= {"", "{}"}
    assert len(await scene.rows(plans)) == 2


async def test_what_is_out_of_scope_is_corrected_from_its_reply(scene: Scene) -> None:
    await scene.says(LULLABY)
    await scene.settled()
    asked = await scene.service.request_of_thread(TEAM, CHANNEL, "100.1")
    first = await opens(scene, asked.request_id)
    form = shown(await picks(scene, first))
    field = next(each for each in form["blocks"] if each.get("block_id") == "given:service")
    assert field["element"]["initial_value"] == "uptime-kuma"
    await submits(scene, form)
    plan = await scene.service.get_plan(asked.request_id)
    assert [task.parameters for task in plan.tasks] == [{"service": "uptime-kuma"}]


async def test_of_several_parts_one_is_asked_for_first(scene: Scene) -> None:
    plan = await scene.planned("Deploy Gitea, then list my services")
    parts = await opens(scene, plan.request_id)
    choice = shown(await submits(scene, parts, part="1"))
    form = shown(await picks(scene, choice))
    await submits(scene, form)
    newest = await scene.service.get_plan(plan.request_id)
    assert [task.capability for task in newest.tasks] == ["restart_service", "list_services"]


async def test_what_is_wrong_is_said_at_its_field(scene: Scene) -> None:
    plan = await scene.planned("Deploy Gitea")
    first = await opens(scene, plan.request_id)
    nothing = json.loads((await submits(scene, first)).body)
    assert nothing["errors"] == {ids.NEAREST_BLOCK: "Pick what you meant."}
    form = shown(await picks(scene, first))
    answer = json.loads((await submits(scene, form, given__service="--all")).body)
    assert "must not start with a dash" in answer["errors"]["given:service"]
    assert len(await scene.rows(plans)) == 1


async def test_what_was_decided_meanwhile_closes_the_form_with_the_reason(scene: Scene) -> None:
    plan = await scene.planned("Deploy Gitea")
    first = await opens(scene, plan.request_id)
    form = shown(await picks(scene, first))
    button = PlanButton(plan=plan.plan_id, digest=plan.digest)
    await scene.clicks(ids.APPROVE, button, person=SAM)
    said = shown(await submits(scene, form))
    assert "already approved" in json.dumps(said["blocks"])
    assert "submit" not in said


@pytest.mark.parametrize("person", [SAM, GUEST])
async def test_nobody_else_is_shown_anything(scene: Scene, person: str) -> None:
    plan = await scene.planned("Deploy Gitea")
    await scene.clicks(ids.NOT_MEANT, RequestButton(request=plan.request_id), person=person)
    assert not scene.slack.asked("views.open")
    [told] = scene.slack.asked("chat.postEphemeral")
    assert told["user"] == person
    view = await opens(scene, plan.request_id)
    assert "response_action" in json.loads((await submits(scene, view, person)).body)
    assert len(await scene.rows(plans)) == 1


async def test_a_button_or_a_modal_that_carries_nonsense_is_answered(scene: Scene) -> None:
    plan = await scene.planned("Deploy Gitea")
    await scene.clicks(ids.NOT_MEANT, "nonsense", person=ROBIN)
    await scene.clicks(ids.REMEMBER, "nonsense", person=ROBIN, moment="501.1")
    assert len(scene.slack.asked("chat.postEphemeral")) == 2
    view = await opens(scene, plan.request_id)
    forged = {**view, "private_metadata": '{"request": "../../etc"}', "callback_id": ids.FORM_VIEW}
    for metadata in (forged, {**view, "private_metadata": "{"}):
        assert "response_action" in json.loads((await submits(scene, metadata)).body)
    assert len(await scene.rows(plans)) == 1


async def test_an_approver_has_the_phrase_remembered_and_others_are_told_why_not(
    scene: Scene,
) -> None:
    newest = await corrected(scene, await scene.planned("Deploy Gitea"))
    button = PlanButton(plan=newest.plan_id, digest=newest.digest)
    await scene.clicks(ids.REMEMBER, button, person=ROBIN)  # asked for it: of medium risk
    assert "needs somebody else" in scene.slack.words("chat.postEphemeral")
    await scene.clicks(ids.REMEMBER, button, person=SAM, moment="502.1")
    assert len(scene.slack.asked("chat.postEphemeral")) == 1
    [row] = await scene.rows(requests)
    assert row["decomposition"]["subtasks"][0]["chosen"] is True
