"""The notifier on the real service: what the database owes is what stands in Slack."""

import asyncio
from contextlib import suppress

import pytest

from bot.notifier import Notifier
from bot.poster import Poster
from orchestrator.domain.views import PlanResult
from tests.bot.notifier.slack_api import Fault, SlackApi, client_of, slack_api
from tests.plugins.hurried import hurried
from tests.plugins.waiting import until
from tests.scene import USER, Desk


async def test_a_request_is_followed_in_its_thread_to_its_end(desk: Desk) -> None:
    async with slack_api() as api:
        notifier = asyncio.create_task(Notifier(desk.service, Poster(client_of(api))).run())
        try:
            await followed(desk, api)
        finally:
            notifier.cancel()
            with suppress(asyncio.CancelledError):
                await notifier


MINUTE = 60.0


@pytest.mark.parametrize("refused", [True, False], ids=["told to wait", "silent"])
async def test_after_a_minute_of_silence_the_last_state_arrives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """The same code, lease in the database included, by a clock that runs thirty times as fast."""
    async with slack_api() as api:
        notifier = asyncio.create_task(
            Notifier(desk.service, Poster(client_of(api, seconds=30))).run()
        )
        try:
            plan = await asked(desk, api)
            with hurried(monkeypatch):
                if refused:
                    api.will("chat.update", Fault(429, "ratelimited", retry_after=MINUTE))
                else:
                    api.silence(MINUTE)
                before = len(api.calls)
                silenced = asyncio.get_running_loop().time()
                await desk.approve(plan)
                await desk.ended(plan)
                await until(lambda: ": done." in api.texts()[0], what="the last state", seconds=60)
                await until(lambda: "is done" in api.texts()[-1], what="the summary", seconds=60)
        finally:
            notifier.cancel()
            with suppress(asyncio.CancelledError):
                await notifier
    first, *later = [call.at for call in api.calls[before:] if call.method == "chat.update"]
    if refused:
        assert later
        assert all(at - first >= MINUTE for at in later)
    else:
        assert later[-1] - silenced >= MINUTE
    assert len([text for text in api.texts() if text.startswith("Plan #1:")]) == 1


async def followed(desk: Desk, api: SlackApi) -> None:
    plan = await asked(desk, api)
    await desk.approve(plan)
    await desk.ended(plan)
    await until(lambda: ": done." in api.texts()[0], what="the card's last state")
    await until(lambda: "is done" in api.texts()[-1], what="the summary in the thread")
    assert {call.fields["thread_ts"] for call in api.of("chat.postMessage")} == {"100.1"}
    assert sum("waiting for approval" in text for text in api.texts()) == 0
    nothing = await desk.service.due_cards()
    assert nothing.cards == ()


async def asked(desk: Desk, api: SlackApi) -> PlanResult:
    """Ask for something, and wait for its card."""
    submitted = await desk.service.submit_request(
        "Deploy Kuma", USER, source_key="T0:C0OPS:100.1", channel="C0OPS", thread="100.1"
    )
    assert submitted.error is None
    await until(api.texts, what="the card")
    assert "waiting for approval" in api.texts()[0]
    return await desk.service.generate_plan(submitted.request_id)
