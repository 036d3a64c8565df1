"""Each click is committed once, answered always, and refused privately."""

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
import structlog.testing

from bot import ids
from bot.blocks.replies import question_message
from bot.ids import AnswerButton, PlanButton, TaskButton
from bot.listeners.payload import click_of
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus
from orchestrator.domain.views import ApproveResult, PlanResult
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.tables import approvals, requests
from tests.bot.slack_scene import (
    ALEX,
    CHANNEL,
    GONE,
    GUEST,
    ROBIN,
    ROBOT,
    SAM,
    STRANGER,
    TEAM,
    Scene,
    message,
    user,
)
from tests.plugins.waiting import until

KUMA = "Deploy Kuma"


def button_of(plan: PlanResult) -> PlanButton:
    return PlanButton(plan=plan.plan_id, digest=plan.digest)


async def test_approve_decides_for_whoever_clicked(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    answer = await scene.clicks(ids.APPROVE, button_of(plan), person=ALEX)
    assert answer.status == 200
    [row] = await scene.rows(approvals)
    assert (row["person"], row["team"], row["decision"]) == (ALEX, TEAM, "approved")
    assert not scene.slack.asked("chat.postEphemeral")


async def test_the_same_click_again_changes_and_says_nothing(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    for _ in range(3):
        await scene.clicks(ids.APPROVE, button_of(plan))
    assert len(await scene.rows(approvals)) == 1
    assert not scene.slack.asked("chat.postEphemeral")


async def test_of_two_simultaneous_clicks_one_decides_and_the_other_is_told(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    answers = await asyncio.gather(
        scene.clicks(ids.APPROVE, button_of(plan), person=SAM, moment="500.1"),
        scene.clicks(ids.APPROVE, button_of(plan), person=ALEX, moment="500.2"),
    )
    assert [answer.status for answer in answers] == [200, 200]
    [row] = await scene.rows(approvals)
    [told] = scene.slack.asked("chat.postEphemeral")
    assert {row["person"], told["user"]} == {SAM, ALEX}
    assert told["thread_ts"] == "100.1"
    assert "already approved" in told["text"]


@pytest.mark.parametrize("action", [ids.APPROVE, ids.REJECT])
async def test_an_old_card_says_who_decided(scene: Scene, action: str) -> None:
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.APPROVE, button_of(plan), person=ALEX)
    await scene.clicks(action, button_of(plan), moment="900.1")
    [told] = scene.slack.asked("chat.postEphemeral")
    assert "already approved by Alex Roe at " in told["text"]
    assert not scene.slack.asked("views.open")


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (GUEST, "Guests may neither ask nor decide"),
        (STRANGER, "Only members of this workspace"),
        (ROBOT, "Bots may neither ask nor decide"),
        (GONE, "deactivated"),
    ],
)
async def test_who_does_not_belong_decides_nothing(scene: Scene, person: str, why: str) -> None:
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.APPROVE, button_of(plan), person=person)
    assert await scene.rows(approvals) == []
    [told] = scene.slack.asked("chat.postEphemeral")
    assert (told["user"], why in told["text"]) == (person, True)


@pytest.mark.parametrize("person", [GUEST, STRANGER, "U0MEMBER"])
async def test_who_may_not_decide_hears_of_an_old_card_who_did(scene: Scene, person: str) -> None:
    scene.slack.people = {**scene.slack.people, "U0MEMBER": user("U0MEMBER")}
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.APPROVE, button_of(plan), person=ALEX)
    for number, action in enumerate((ids.APPROVE, ids.REJECT, ids.CANCEL)):
        await scene.clicks(action, button_of(plan), person=person, moment=f"900.{number}")
        *before, told = scene.slack.asked("chat.postEphemeral")
        assert (told["user"], len(before)) == (person, number), action
        assert f"Plan #{plan.number} is already approved by Alex Roe at " in told["text"]
        assert " may " in told["text"], "and that they could not have"
    assert (await scene.service.get_plan(plan.plan_id)).status is not PlanStatus.CANCELLED


@pytest.mark.parametrize("fault", ["missing_scope", "internal_error"])
async def test_where_slack_does_not_say_who_it_is_nothing_is_decided(
    scene: Scene, fault: str
) -> None:
    plan = await scene.planned(KUMA)
    scene.slack.refusals["users.info"] = fault
    await scene.clicks(ids.APPROVE, button_of(plan), person=ALEX)
    assert await scene.rows(approvals) == []
    assert fault in scene.slack.words("chat.postEphemeral")


async def test_where_nobody_may_be_told_in_the_channel_the_click_answers(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    scene.slack.refusals["chat.postEphemeral"] = "user_not_in_channel"
    await scene.clicks(ids.APPROVE, button_of(plan), person=GUEST)
    [told] = scene.slack.asked("response_url")
    assert told["response_type"] == "ephemeral"
    assert told["replace_original"] is False
    assert "Guests" in told["text"]


async def test_where_nothing_else_works_they_are_written_to(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    scene.slack.refusals["chat.postEphemeral"] = "user_not_in_channel"
    scene.slack.response_status = 404
    await scene.clicks(ids.APPROVE, button_of(plan), person=GUEST)
    [told] = scene.slack.asked("chat.postMessage")
    assert (told["channel"], "Guests" in told["text"]) == (GUEST, True)


async def test_a_button_that_carries_nonsense_is_answered(scene: Scene) -> None:
    actions = (
        ids.APPROVE,
        ids.REJECT,
        ids.CANCEL,
        ids.RESUME,
        ids.RETRY,
        ids.MARK_DONE,
        ids.MARK_FAILED,
        ids.ANSWER,
        f"{ids.ANSWER}:3",
        ids.ANSWER_MENU,
        ids.SHOW_LOGS,
        "something_else",
    )
    for number, action in enumerate(actions):
        answer = await scene.clicks(action, '{"plan": 1}', moment=f"500.{number}")
        assert answer.status == 200
        *before, told = scene.slack.asked("chat.postEphemeral")
        assert len(before) == number, action
        assert "cannot read" in told["text"], action


async def test_what_is_not_saved_in_time_is_acknowledged_and_said(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await scene.planned(KUMA)

    async def hangs(*_: object, **__: object) -> ApproveResult:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("bot.listeners.face.SAVING_SECONDS", 0.05)
    monkeypatch.setattr(OrchestratorService, "approve_plan", hangs)
    assert (await scene.clicks(ids.APPROVE, button_of(plan))).status == 200
    assert "could not save that in time" in scene.slack.words("chat.postEphemeral")


async def test_a_database_that_is_held_up_delays_no_acknowledgement(
    scene: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await scene.planned(KUMA)
    with monkeypatch.context() as patch, closing(sqlite3.connect(database(settings))) as other:
        other.execute("BEGIN IMMEDIATE")
        patch.setattr("bot.listeners.face.SAVING_SECONDS", 0.2)
        async with asyncio.timeout(2):
            assert (await scene.clicks(ids.APPROVE, button_of(plan), settle=False)).status == 200
        await until(lambda: scene.slack.asked("chat.postEphemeral"), what="the word")
    await scene.settled()
    assert "could not save that in time" in scene.slack.words("chat.postEphemeral")
    await scene.clicks(ids.APPROVE, button_of(plan), person=ALEX, moment="500.2")
    [row] = await scene.rows(approvals)
    assert (row["decision"], row["person"]) == ("approved", SAM)
    assert "already approved" in scene.slack.words("chat.postEphemeral")


def database(settings: Settings) -> str:
    return settings.resolved_database_url.removeprefix("sqlite+aiosqlite:///")


async def test_a_fault_is_answered_with_an_id_and_logged_without_what_was_said(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object, **__: object) -> ApproveResult:
        raise RuntimeError

    monkeypatch.setattr(OrchestratorService, "approve_plan", breaks)
    secret = PlanButton(plan="hush-hush", digest="d")
    with structlog.testing.capture_logs() as logged:
        assert (await scene.clicks(ids.APPROVE, secret)).status == 200
    [fault] = [each for each in logged if each["event"] == "listener_fault"]
    assert fault["fault_id"] in scene.slack.words("chat.postEphemeral")
    assert "hush-hush" not in str(logged)


async def test_reject_asks_for_the_reason_and_keeps_it(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.REJECT, button_of(plan))
    assert await scene.rows(approvals) == []
    [opened] = scene.slack.asked("views.open")
    assert opened["trigger_id"] == "trigger-500.1"

    answer = await scene.deliver("interactive", submitted(opened["view"], "not on a Friday"))
    assert (answer.status, answer.body) == (200, "")
    [row] = await scene.rows(approvals)
    assert (row["decision"], row["notes"]) == ("rejected", "not on a Friday")


async def test_a_rejection_that_comes_too_late_is_said_in_the_dialog(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.REJECT, button_of(plan))
    [opened] = scene.slack.asked("views.open")
    await scene.clicks(ids.APPROVE, button_of(plan), person=ALEX, moment="600.1")

    answer = await scene.deliver("interactive", submitted(opened["view"], "no"))
    said = json.loads(answer.body)
    assert said["response_action"] == "errors"
    assert "already approved by Alex Roe" in said["errors"][ids.REASON_BLOCK]
    assert len(await scene.rows(approvals)) == 1


async def test_a_dialog_that_does_not_open_is_said(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    scene.slack.refusals["views.open"] = "expired_trigger_id"
    await scene.clicks(ids.REJECT, button_of(plan))
    assert "did not open the dialog" in scene.slack.words("chat.postEphemeral")


async def test_a_guest_cannot_submit_the_dialog(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    view = {"callback_id": ids.REJECT_VIEW, "private_metadata": button_of(plan).encoded()}
    answer = await scene.deliver("interactive", submitted(view, "no", person=GUEST))
    assert "Guests" in json.loads(answer.body)["errors"][ids.REASON_BLOCK]
    assert await scene.rows(approvals) == []


def submitted(view: dict[str, Any], reason: str, person: str = SAM) -> dict[str, Any]:
    typed = {ids.REASON_BLOCK: {ids.REASON_INPUT: {"type": "plain_text_input", "value": reason}}}
    return {
        "type": "view_submission",
        "user": {"id": person, "team_id": TEAM},
        "team": {"id": TEAM},
        "view": {**view, "id": "V1", "type": "modal", "state": {"values": typed}},
    }


async def test_an_answer_by_button_is_taken_and_shown(scene: Scene) -> None:
    await scene.says("Restart nginx on one of the nodes")
    await scene.settled()
    asked = await scene.service.request_of_thread(TEAM, CHANNEL, "100.1")
    question = next(each for each in asked.ambiguities if each.options)
    button = AnswerButton(request=asked.request_id, ambiguity=question.id, option=0)
    await scene.clicks(f"{ids.ANSWER}:0", button, person=ALEX)

    answered = await scene.service.request_of_thread(TEAM, CHANNEL, "100.1")
    assert question.id not in {each.id for each in answered.ambiguities}
    [shown] = scene.slack.asked("chat.update")
    assert shown["ts"] == "200.1"
    [line] = shown["blocks"]
    assert line["elements"][0]["text"] == f"<@{ALEX}> chose *{question.options[0]}*"

    await scene.clicks(f"{ids.ANSWER}:0", button, moment="700.1")
    assert "no longer open" in scene.slack.words("chat.postEphemeral")


@pytest.mark.parametrize(
    ("text", "goes"),
    [("Restart the service", True), ("Restart a service and then deploy a service", False)],
)
async def test_how_to_answer_is_said_while_a_question_is_open(
    scene: Scene, text: str, *, goes: bool
) -> None:
    await scene.says(text)
    await scene.settled()
    asked = await scene.service.request_of_thread(TEAM, CHANNEL, "100.1")
    assert (len(asked.ambiguities) == 1) is goes
    question = next(each for each in asked.ambiguities if each.options)
    posed = question_message(asked.request_id, asked.ambiguities, channel=CHANNEL)
    hint, not_meant = posed.blocks[-2:]
    assert "reply here" in str(hint)
    assert "Not what I meant" in str(not_meant)
    button = AnswerButton(request=asked.request_id, ambiguity=question.id, option=0)
    await scene.clicks(f"{ids.ANSWER}:0", button, person=ALEX, below=[hint, not_meant])
    [shown] = scene.slack.asked("chat.update")
    assert (hint not in shown["blocks"]) is goes
    assert (not_meant not in shown["blocks"]) is goes


async def test_an_answer_by_reply_is_no_new_request(scene: Scene) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    await scene.event(message("nginx", ts="100.2", thread_ts="100.1"))
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["status"] == RequestStatus.PARSING_COMPLETE


async def test_a_question_that_a_reply_answers_loses_its_buttons(scene: Scene) -> None:
    await scene.says("Restart nginx on one of the nodes")
    await scene.settled()
    [notice] = (await scene.service.due_notices()).notices
    await scene.service.notice_posted(notice.notice_id, message="200.7")
    asked = await scene.service.request_of_thread(TEAM, CHANNEL, "100.1")
    await scene.event(message("&lt;b&gt; &amp; node1", ts="100.2", thread_ts="100.1"))
    await scene.settled()

    [shown] = scene.slack.asked("chat.update")
    assert (shown["channel"], shown["ts"]) == (CHANNEL, "200.7")
    assert {block["type"] for block in shown["blocks"]} == {"section", "context"}
    assert asked.ambiguities[0].question in str(shown["blocks"])
    assert f"<@{ROBIN}> answered *&lt;b&gt; &amp; node1*" in str(shown["blocks"])


async def test_a_question_that_slack_has_not_taken_yet_is_left_alone(scene: Scene) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    await scene.event(message("nginx", ts="100.2", thread_ts="100.1"))
    await scene.settled()
    assert not scene.slack.asked("chat.update")


@pytest.mark.parametrize(("person", "text"), [(ALEX, "nginx"), (ROBIN, f"<@{ALEX}> which one?")])
async def test_talk_among_people_in_the_thread_answers_nothing(
    scene: Scene, person: str, text: str
) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    await scene.event(message(text, ts="100.2", thread_ts="100.1", user=person))
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["status"] == RequestStatus.REQUIRES_CLARIFICATION


async def test_anybody_may_answer_by_mention(scene: Scene) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    await scene.says("nginx", ts="100.2", thread_ts="100.1", user=ALEX)
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["status"] == RequestStatus.PARSING_COMPLETE


async def test_an_endless_answer_is_refused_privately(scene: Scene) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    await scene.says("x" * 2_001, ts="100.2", thread_ts="100.1")
    await scene.settled()
    assert "2,000 characters" in scene.slack.words("chat.postEphemeral")
    assert len(await scene.rows(requests)) == 1


async def test_cancel_stops_the_plan(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.CANCEL, button_of(plan))
    assert (await scene.service.get_plan(plan.plan_id)).status is PlanStatus.CANCELLED


async def test_logs_are_shown_to_whoever_asked_alone(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    step = TaskButton(plan=plan.plan_id, task=plan.tasks[0].task_id)
    await scene.clicks(ids.SHOW_LOGS, step, person=ALEX)
    [told] = scene.slack.asked("chat.postEphemeral")
    assert told["user"] == ALEX


@pytest.mark.parametrize("action", [ids.RETRY, ids.MARK_DONE, ids.MARK_FAILED])
async def test_a_step_that_has_not_failed_is_left_alone_and_said(scene: Scene, action: str) -> None:
    plan = await scene.planned(KUMA)
    step = TaskButton(plan=plan.plan_id, task=plan.tasks[0].task_id)
    await scene.clicks(action, step)
    [told] = scene.slack.asked("chat.postEphemeral")
    assert f"{plan.number}.1" in told["text"]


async def test_a_step_of_no_plan_is_said(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.clicks(ids.SHOW_LOGS, TaskButton(plan=plan.plan_id, task="none"))
    assert "no such step" in scene.slack.words("chat.postEphemeral")


def test_clicks_without_a_time_are_told_apart() -> None:
    body = {"user": {"id": ROBIN}, "actions": [{"action_id": ids.APPROVE}]}
    first, second, third = (
        click_of(each) for each in (body | {"trigger_id": "1"}, body | {"trigger_id": "2"}, body)
    )
    assert first
    assert second
    assert third
    assert len({first.key, second.key, third.key}) == 3
