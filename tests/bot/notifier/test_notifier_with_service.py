"""The notifier on the real service: what the database owes is what stands in Slack."""

import asyncio
from contextlib import suppress

from bot.notifier import Notifier
from bot.poster import Poster
from tests.bot.notifier.slack_api import SlackApi, client_of, slack_api
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


async def followed(desk: Desk, api: SlackApi) -> None:
    submitted = await desk.service.submit_request(
        "Deploy Kuma", USER, source_key="T0:C0OPS:100.1", channel="C0OPS", thread="100.1"
    )
    assert submitted.error is None
    await until(api.texts, what="the card")
    assert "waiting for approval" in api.texts()[0]
    plan = await desk.service.generate_plan(submitted.request_id)
    await desk.approve(plan)
    await desk.ended(plan)
    await until(lambda: ": done." in api.texts()[0], what="the card's last state")
    await until(lambda: "is done" in api.texts()[-1], what="the summary in the thread")
    assert {call.fields["thread_ts"] for call in api.of("chat.postMessage")} == {"100.1"}
    assert sum("waiting for approval" in text for text in api.texts()) == 0
    nothing = await desk.service.due_cards()
    assert nothing.cards == ()
