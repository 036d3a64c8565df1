"""However Slack brings a message, it does its deed once."""

import asyncio
from typing import Any

import pytest

from orchestrator.domain.views import HeardResult, SubmitResult
from orchestrator.errors import Error, ErrorCode
from orchestrator.service import OrchestratorService
from orchestrator.store.tables import requests
from tests.bot.slack_scene import BOT, CHANNEL, ROBIN, TEAM, Scene, message
from tests.plugins.waiting import until

KUMA = "Deploy Kuma"


async def test_a_mention_is_kept_before_it_is_acknowledged(scene: Scene) -> None:
    answer = await scene.says(KUMA)
    assert answer.status == 200
    [row] = await scene.rows(requests)
    kept = (row["team"], row["requester"], row["request_text"], row["channel"], row["thread"])
    assert kept == (TEAM, ROBIN, KUMA, CHANNEL, "100.1")


async def test_what_was_kept_is_planned_after_the_acknowledgement(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    assert [task.name for task in plan.tasks]


async def test_three_redeliveries_are_one_request(scene: Scene) -> None:
    await scene.says(KUMA)
    for retry in (1, 2, 3):
        assert (await scene.says(KUMA, retry=retry)).status == 200
    await scene.settled()
    assert len(await scene.rows(requests)) == 1


async def test_both_kinds_at_once_are_one_request(scene: Scene) -> None:
    await asyncio.gather(scene.says(KUMA), scene.event(message(f"<@{BOT}> {KUMA}")))
    await scene.settled()
    assert len(await scene.rows(requests)) == 1


async def test_overlapping_sockets_bring_one_request(scene: Scene) -> None:
    await asyncio.gather(*(scene.says(KUMA) for _ in range(5)))
    await scene.settled()
    assert len(await scene.rows(requests)) == 1


async def test_a_question_is_not_answered_by_the_message_that_raised_it(scene: Scene) -> None:
    """In a thread, the second delivery finds a question of this very message open."""
    text = "restart it"
    at: dict[str, Any] = {"ts": "100.2", "thread_ts": "100.1"}
    await scene.says(text, **at)
    await scene.settled()
    before = await scene.service.request_of_thread(TEAM, CHANNEL, "100.1")
    assert before.ambiguities

    await scene.event(message(f"<@{BOT}> {text}", **at))
    await scene.settled()
    assert await scene.service.request_of_thread(TEAM, CHANNEL, "100.1") == before


async def test_an_answer_brought_twice_is_not_a_new_request(scene: Scene) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    answer: dict[str, Any] = {"ts": "100.2", "thread_ts": "100.1"}
    await scene.says("nginx", **answer)
    await scene.event(message(f"<@{BOT}> nginx", **answer), retry=1)
    await scene.settled()
    assert len(await scene.rows(requests)) == 1


async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Error(code=ErrorCode.INTERNAL_ERROR, message="no database")

    async def broken(*_: object, **__: object) -> SubmitResult:
        return SubmitResult(error=fault)

    with monkeypatch.context() as patch:
        patch.setattr(OrchestratorService, "keep_request", broken)
        assert (await scene.says(KUMA)).status == 500
        await scene.settled()
        assert (await scene.says(KUMA, retry=1)).status == 500
        await scene.settled()
        [told] = scene.slack.asked("chat.postEphemeral")
        assert "could not save" in told["text"]
    assert (await scene.says(KUMA)).status == 200
    assert len(await scene.rows(requests)) == 1


async def test_a_late_store_is_one_request_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first delivery hangs in the database while Slack brings the message again."""
    gate, real, reached = asyncio.Event(), OrchestratorService.keep_request, asyncio.Event()

    async def slow(self: OrchestratorService, *words: str, **more: Any) -> SubmitResult:  # noqa: ANN401
        reached.set()
        await gate.wait()
        return await real(self, *words, **more)

    monkeypatch.setattr(OrchestratorService, "keep_request", slow)
    first = asyncio.ensure_future(scene.says(KUMA))
    await reached.wait()
    second = asyncio.ensure_future(scene.says(KUMA))
    gate.set()
    assert [(await each).status for each in (first, second)] == [200, 200]
    await scene.settled()
    assert len(await scene.rows(requests)) == 1


async def test_before_slack_says_who_the_bot_is_nothing_is_acknowledged(scene: Scene) -> None:
    scene.slack.refusals["auth.test"] = "internal_error"
    assert (await scene.says(KUMA)).status == 500
    del scene.slack.refusals["auth.test"]
    assert (await scene.says(KUMA)).status == 200
    assert len(await scene.rows(requests)) == 1


async def test_slack_is_asked_once_who_the_bot_is(scene: Scene) -> None:
    await scene.bot.face.me()
    scene.slack.refusals["auth.test"] = "internal_error"
    assert (await scene.says(KUMA)).status == 200
    assert len(await scene.rows(requests)) == 1
    assert len(scene.slack.asked("auth.test")) == 1


async def test_a_mention_by_somebody_slack_is_silent_about_comes_again(scene: Scene) -> None:
    scene.slack.refusals["users.info"] = "internal_error"
    assert (await scene.says(KUMA)).status == 500
    assert await scene.rows(requests) == []
    del scene.slack.refusals["users.info"]
    assert (await scene.says(KUMA, retry=1)).status == 200
    assert len(await scene.rows(requests)) == 1


async def test_long_thinking_is_announced_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, real = asyncio.Event(), OrchestratorService.think

    async def slow(self: OrchestratorService, request_id: str) -> SubmitResult:
        await gate.wait()
        return await real(self, request_id)

    monkeypatch.setattr("bot.listeners.thinking._ON_IT_SECONDS", 0.01)
    monkeypatch.setattr(OrchestratorService, "think", slow)
    await scene.says(KUMA)
    await scene.event(message(f"<@{BOT}> {KUMA}"))
    await until(lambda: scene.slack.asked("chat.postMessage"), what="a first word")
    gate.set()
    await scene.settled()
    [said] = scene.slack.asked("chat.postMessage")
    assert (said["channel"], said["thread_ts"]) == (CHANNEL, "100.1")


NOT_FOR_THE_BOT = {
    "no mention": message("Deploy Kuma"),
    "edited": message(f"<@{BOT}> Deploy Kuma", subtype="message_changed"),
    "deleted": message(f"<@{BOT}> Deploy Kuma", subtype="message_deleted"),
    "a bot": message(f"<@{BOT}> Deploy Kuma", bot_id="B9"),
    "itself": message(f"<@{BOT}> Deploy Kuma", user=BOT),
    "talk in a thread": message("Deploy Kuma", channel="CLISTEN", ts="100.2", thread_ts="100.1"),
    "empty": message("   ", channel="D1"),
    "a group whose id looks direct": message("Deploy Kuma", channel="D9", channel_type="mpim"),
    "unheard of": {"type": "channel_rename", "channel": {"id": CHANNEL, "name": "x"}},
}


async def test_what_is_not_for_the_bot_is_acknowledged_and_left_alone(scene: Scene) -> None:
    for why, event in NOT_FOR_THE_BOT.items():
        assert (await scene.event(event)).status == 200, why
        await scene.settled()
        assert await scene.rows(requests) == [], why
        assert not scene.slack.asked("chat.postEphemeral"), why


@pytest.mark.parametrize(
    "event",
    [
        message("Deploy Kuma", channel="D1"),
        message("Deploy Kuma", channel="X1", channel_type="im"),
        message("Deploy Kuma", channel="CLISTEN"),
        message("Deploy Kuma", channel="D1", ts="100.2", thread_ts="100.1"),
        message(f"<@{BOT}> Deploy Kuma", subtype="thread_broadcast", ts="1.2", thread_ts="1.1"),
        message(f"<@{BOT}> Deploy Kuma", subtype="file_share"),
    ],
    ids=[
        "direct",
        "direct by its type",
        "a channel listened to",
        "a direct thread",
        "also sent to channel",
        "a file",
    ],
)
async def test_every_way_of_saying_it_is_a_request(scene: Scene, event: dict[str, Any]) -> None:
    await scene.event(event)
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["request_text"] == "Deploy Kuma"


async def test_a_message_known_already_costs_no_request(scene: Scene) -> None:
    await scene.says(KUMA)
    await scene.settled()
    known: HeardResult = await scene.service.heard(f"{TEAM}:{CHANNEL}:100.1")
    assert known.heard
    assert not (await scene.service.heard(f"{TEAM}:{CHANNEL}:100.2")).heard
