"""The page and the local Slack's server fit together: an app on the real SDK, a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.bot.local_slack.conftest import TOKEN, ListeningApp, Served, listening, serve
from tests.plugins.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
CARD: list[Json] = [
    {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": "*Plan 1*"}},
    {"type": "actions", "block_id": "decide", "elements": [
        {"type": "button", "action_id": "reject", "value": "p1",
         "text": {"type": "plain_text", "text": "Reject"}}]},
]  # fmt: skip
VIEW: Json = {
    "type": "modal", "callback_id": "why", "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Send it"},
    "blocks": [{"type": "input", "block_id": "reason",
                "label": {"type": "plain_text", "text": "Why?"},
                "element": {"type": "plain_text_input", "action_id": "text"}}],
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module")
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def app(served: Served) -> AsyncIterator[ListeningApp]:
    async with listening(served) as running:
        yield running


async def opened(page: Page, served: Served) -> None:
    """Open the page as Ada in her direct messages, past the welcome."""
    await page.goto(f"{served.address}/#token={TOKEN}")
    await page.get_by_label("Put the welcome away").click()


async def arrived(app: ListeningApp, kind: str, **wanted: str) -> Json:
    """Return the newest payload of a kind that came to the app."""

    def found() -> Json | None:
        fits = [
            r.payload
            for r in app.received
            if r.type == kind and wanted.items() <= r.payload.items()
        ]
        return fits[-1] if fits else None

    await until(found, what=f"{kind} {wanted}")
    payload = found()
    assert payload is not None
    return payload


async def test_a_request_its_card_and_a_rejection_with_reason(
    page: Page, served: Served, app: ListeningApp
) -> None:
    client = served.client()
    await opened(page, served)

    await page.keyboard.type("Deploy <it> & more")
    await page.keyboard.press("Enter")
    said = (await arrived(app, "events_api"))["event"]
    assert said["text"] == "Deploy &lt;it&gt; &amp; more"
    await expect(page.locator("#messages .text")).to_have_text("Deploy <it> & more")

    card = await client.chat_postMessage(
        channel=said["channel"], thread_ts=said["ts"], text="Plan 1", blocks=CARD
    )
    await page.locator("#thread").get_by_role("button", name="Reject").click()
    click = await arrived(app, "interactive", type="block_actions")
    assert click["message"]["ts"] == card["ts"]
    assert [(a["block_id"], a["action_id"], a["value"]) for a in click["actions"]] == [
        ("decide", "reject", "p1")
    ]

    await client.views_open(trigger_id=click["trigger_id"], view=VIEW)
    app.answer = lambda _: {"response_action": "errors", "errors": {"reason": "Say more."}}
    dialog = page.get_by_role("dialog", name="Reject")
    await dialog.get_by_label("Why?").fill("no")
    await dialog.get_by_role("button", name="Send it").click()
    await expect(dialog).to_contain_text("Say more.")
    app.answer = None
    await dialog.get_by_label("Why?").fill("not today")
    await dialog.get_by_role("button", name="Send it").click()
    await expect(dialog).to_have_count(0)
    submitted = await arrived(app, "interactive", type="view_submission")
    assert submitted["view"]["state"]["values"]["reason"]["text"]["value"] == "not today"

    await client.chat_update(
        channel=said["channel"], ts=str(card["ts"]), text="Rejected", blocks=CARD[:1]
    )
    await expect(page.locator("#thread").get_by_role("button", name="Reject")).to_have_count(0)


async def test_commands_files_and_private_answers_arrive(
    page: Page, served: Served, app: ListeningApp
) -> None:
    client = served.client()
    await opened(page, served)
    app.answer = lambda r: {"text": "Say *help*."} if r.type == "slash_commands" else None

    await page.keyboard.type("/chiffon dance")
    await page.keyboard.press("Enter")
    command = await arrived(app, "slash_commands")
    assert (command["command"], command["text"]) == ("/chiffon", "dance")
    await expect(page.locator("#messages .private")).to_contain_text("Say help.")

    await client.files_upload_v2(
        channel=command["channel_id"], filename="step.log", content="all is well"
    )
    await page.get_by_text("step.log").click()
    await expect(page.locator(".preview")).to_have_text("all is well")


async def test_a_colleague_sees_a_channel_but_not_what_is_private_to_another(
    page: Page, served: Served, app: ListeningApp
) -> None:
    client = served.client()
    await opened(page, served)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("homelab")
    await page.keyboard.press("Enter")
    await page.keyboard.type("@chiffon hello")
    await page.keyboard.press("Enter")
    await until(lambda: app.events, what="the mention")
    mention = app.events[0]
    assert mention["type"] == "app_mention"
    await client.chat_postEphemeral(
        channel=mention["channel"], user=mention["user"], text="For you alone"
    )
    await expect(page.locator("#messages")).to_contain_text("For you alone")

    await page.get_by_label("You are").select_option(label="Ben Okoro")

    await expect(page.locator("#messages")).not_to_contain_text("For you alone")
    await expect(page.locator("#messages")).to_contain_text("@Chiffon hello")


async def test_an_app_that_does_not_listen_is_said_to_the_person(
    page: Page, served: Served
) -> None:
    await opened(page, served)
    await expect(page.locator(".dot.on")).to_have_count(0)

    await page.keyboard.type("/chiffon plans")
    await page.keyboard.press("Enter")

    await expect(page.locator(".notice").first).to_be_visible()


async def test_after_a_restart_the_waiting_card_is_still_there(page: Page, tmp_path: Path) -> None:
    async with serve(tmp_path / "kept") as first:
        ada = first.slack.store.data.people[0].id
        channel = next(c.id for c in first.slack.store.channels_of(ada) if c.kind == "dm")
        await first.client().chat_postMessage(channel=channel, text="Plan 1", blocks=CARD)
    async with serve(tmp_path / "kept") as second, listening(second) as app:
        await opened(page, second)
        await page.get_by_role("button", name="Reject").click()

        click = await arrived(app, "interactive", type="block_actions")
        assert click["actions"][0]["action_id"] == "reject"
