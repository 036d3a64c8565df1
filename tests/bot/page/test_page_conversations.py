"""People talk, click and follow on the page: by mouse, by keyboard, narrow, and after an outage."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bot.page.small_slack import ADA, BEN, DIRECT, HOMELAB, SmallSlack
from tests.plugins.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
NARROW = {"viewport": {"width": 360, "height": 640}}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def buttons(*labels: str) -> list[Json]:
    elements = [
        {"type": "button", "action_id": label.lower(), "text": plain(label)} for label in labels
    ]
    return [{"type": "actions", "block_id": "row", "elements": elements}]


def view(**more: object) -> Json:
    text = {"type": "plain_text_input", "action_id": "text", "multiline": True}
    menu = {
        "type": "static_select", "action_id": "menu",
        "options": [{"text": plain("Later"), "value": "later"}],
    }  # fmt: skip
    return {
        "id": "V1", "type": "modal", "title": plain("Reject"), "submit": plain("Send it"),
        "blocks": [
            {"type": "input", "block_id": "why", "label": plain("Why?"), "element": text},
            {"type": "input", "block_id": "when", "label": plain("When?"), "element": menu,
             "optional": True},
        ],
        **more,
    }  # fmt: skip


async def opened(page: Page, slack: SmallSlack, channel: str = HOMELAB) -> None:
    """Open the page, past the welcome, at a channel."""
    await page.goto(slack.address)
    await page.get_by_label("Put the welcome away").click()
    await until(lambda: slack.watchers, what="the page's stream")
    if await page.locator("#open-sidebar").is_visible():
        await page.locator("#open-sidebar").click()
    await page.locator(f"[data-channel={channel}]").click()


async def test_without_a_token_the_page_says_where_the_address_is(
    page: Page, slack: SmallSlack
) -> None:
    for address in (slack.address.partition("#")[0], slack.address + "-wrong"):
        await page.goto(address)
        await page.reload()
        await expect(page.get_by_role("heading", name="lacks its key")).to_be_visible()


async def test_the_token_leaves_the_address_and_survives_a_reload(
    page: Page, slack: SmallSlack
) -> None:
    await page.goto(slack.address)
    await expect(page.locator("#app")).to_be_visible()
    assert "token" not in page.url

    await page.reload()
    await expect(page.locator("#app")).to_be_visible()


async def test_the_welcome_offers_four_requests_and_sends_the_one_that_is_clicked(
    page: Page, slack: SmallSlack
) -> None:
    await page.goto(slack.address)
    await expect(page.locator(".request")).to_have_count(4)

    await page.get_by_role("button", name="Bake me a chocolate cake").click()

    sent = {"person": ADA, "channel": DIRECT, "text": "Bake me a chocolate cake"}
    assert await slack.was_sent("say") == sent
    await page.reload()
    await expect(page.locator("#composer-text")).to_be_visible()
    await expect(page.locator(".request")).to_have_count(0)


async def test_the_welcome_is_seen_above_a_long_history(page: Page, slack: SmallSlack) -> None:
    for number in range(60):
        slack.message(f"Line {number}", by=BEN, channel=DIRECT)
    await page.goto(slack.address)
    await until(lambda: slack.watchers, what="the page's stream")
    await slack.push("message", message=slack.message("News", channel=DIRECT))

    await expect(page.locator("#messages")).to_contain_text("News")
    await expect(page.locator(".request").first).to_be_in_viewport()


async def test_in_a_channel_a_request_of_the_welcome_mentions_the_bot(
    page: Page, slack: SmallSlack
) -> None:
    await opened(page, slack)
    await page.get_by_role("button", name="What is this?").click()

    await page.keyboard.press("Enter")

    sent = {"person": ADA, "channel": HOMELAB, "text": "@chiffon Is uptime-kuma running?"}
    assert await slack.was_sent("say") == sent


async def test_enter_sends_and_shift_enter_starts_a_line(page: Page, slack: SmallSlack) -> None:
    await opened(page, slack)

    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")

    assert (await slack.was_sent("say"))["text"] == "one\ntwo"
    await expect(page.locator("#composer-text")).to_have_value("")


async def test_what_could_not_be_sent_is_said_and_stays_in_the_box(
    page: Page, slack: SmallSlack
) -> None:
    slack.answers["say"] = {"ok": False, "error": "dispatch_failed"}
    await opened(page, slack)

    await page.keyboard.type("hello")
    await page.keyboard.press("Enter")

    await expect(page.locator(".notice")).to_contain_text("Chiffon is not connected")
    await expect(page.locator("#composer-text")).to_have_value("hello")


async def test_mentions_and_commands_complete_by_keyboard(page: Page, slack: SmallSlack) -> None:
    await opened(page, slack)

    await page.keyboard.type("hey @ch")
    await expect(page.get_by_role("option", name="@chiffon")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.locator("#composer-text")).to_have_value("hey @chiffon ")
    await page.locator("#composer-text").fill("")
    await page.keyboard.type("/ch")
    await page.keyboard.press("Enter")
    await page.keyboard.type("plans")
    await page.keyboard.press("Enter")

    sent = {"person": ADA, "channel": HOMELAB, "text": "/chiffon plans"}
    assert await slack.was_sent("command") == sent


async def test_a_thread_opens_beside_takes_replies_and_closes_by_escape(
    page: Page, slack: SmallSlack
) -> None:
    root = slack.message("Root", by=ADA, reply_count=1)
    root["thread_ts"] = root["ts"]
    slack.message("Below", thread_ts=root["ts"])
    await opened(page, slack)
    await expect(page.locator("#messages .message")).to_have_count(1)

    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator("#thread .message")).to_have_count(2)
    await page.keyboard.type("/chiffon plans")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text("do not work in threads")
    await page.locator("#thread-text").fill("the second one")
    await page.keyboard.press("Enter")

    sent = {"person": ADA, "channel": HOMELAB, "text": "the second one", "thread": root["ts"]}
    assert await slack.was_sent("say") == sent
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    await expect(page.get_by_role("button", name="1 reply")).to_be_focused()


async def test_the_answer_to_what_one_just_said_opens_its_thread(
    page: Page, slack: SmallSlack
) -> None:
    root = slack.message("@chiffon deploy", by=ADA)
    await opened(page, slack)

    answer = slack.message("On it", thread_ts=root["ts"])
    await slack.push("message", message=answer)

    await expect(page.locator("#thread")).to_contain_text("On it")
    await expect(page.locator("#messages")).to_contain_text("1 reply")
    await expect(page.locator("#composer-text")).to_be_focused()
    second = slack.message("@chiffon again", by=ADA)
    await slack.push("message", message=second)
    await slack.push("message", message=slack.message("And this", thread_ts=second["ts"]))
    await expect(page.locator("#thread")).to_contain_text("And this")
    await page.locator("#thread-text").fill("I am writing")
    third = slack.message("@chiffon more", by=ADA)
    await slack.push("message", message=third)
    await slack.push("message", message=slack.message("Elsewhere", thread_ts=third["ts"]))
    await expect(page.locator("#messages .replies")).to_have_count(3)
    await expect(page.locator("#thread")).to_contain_text("And this")


async def test_a_message_goes_to_the_bot_by_its_shortcut(page: Page, slack: SmallSlack) -> None:
    message = slack.message("The disk is full", by=BEN)
    await opened(page, slack)

    await page.locator("#messages .message").hover()
    await page.get_by_role("button", name="Ask Chiffon").click()

    sent = {
        "person": ADA, "channel": HOMELAB, "ts": message["ts"], "callback_id": "ask_chiffon",
    }  # fmt: skip
    assert await slack.was_sent("shortcut") == sent


async def test_news_elsewhere_is_counted_in_the_sidebar_and_the_title(
    page: Page, slack: SmallSlack
) -> None:
    await opened(page, slack)
    await slack.push("message", message=slack.message("Psst", channel=DIRECT))

    await expect(page).to_have_title(re.compile(r"^\(1\) # homelab"))
    await expect(page.locator(f"[data-channel={DIRECT}]")).to_contain_text("1 unread")
    await page.keyboard.press("Alt+ArrowDown")

    await expect(page).to_have_title(re.compile("^Chiffon"))


async def test_whoever_reads_the_newest_stays_at_the_end(page: Page, slack: SmallSlack) -> None:
    await opened(page, slack)
    for number in range(8):
        await slack.push("message", message=slack.message(f"Step {number}\n" * 12))

    await expect(page.locator("#messages .message")).to_have_count(8)
    await until(lambda: _at_end(page), what="the end of the list")


async def test_whoever_says_something_below_the_welcome_sees_it(
    page: Page, slack: SmallSlack
) -> None:
    for number in range(60):
        slack.message(f"Line {number}", by=BEN, channel=DIRECT)
    await page.goto(slack.address)
    await until(lambda: slack.watchers, what="the page's stream")
    await page.locator("#composer-text").fill("Is it up?")
    await page.keyboard.press("Enter")
    await slack.was_sent("say")
    await slack.push("message", message=slack.message("Is it up?", channel=DIRECT))

    await until(lambda: _at_end(page), what="the end of the list")
    await expect(page.get_by_text("Is it up?", exact=True)).to_be_in_viewport()


async def _at_end(page: Page) -> bool:
    left = (
        "(s => s.scrollHeight - s.scrollTop - s.clientHeight)(document.querySelector('#scroller'))"
    )
    return int(await page.evaluate(left)) <= 2


async def test_a_changed_message_keeps_focus_and_place(page: Page, slack: SmallSlack) -> None:
    for number in range(40):
        slack.message(f"Line {number}", by=BEN)
    card = slack.message("Plan", blocks=buttons("Approve", "Cancel"))
    await opened(page, slack)
    cancel = page.get_by_role("button", name="Cancel")
    await cancel.focus()
    before = await cancel.bounding_box()

    await slack.push("message_changed", message={**card, "blocks": buttons("Resume", "Cancel")})

    await expect(page.get_by_role("button", name="Resume")).to_be_visible()
    await expect(cancel).to_be_focused()
    after = await cancel.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == before["y"]


async def test_buttons_that_are_gone_leave_the_focus_on_their_message(
    page: Page, slack: SmallSlack
) -> None:
    card = slack.message("Plan", blocks=buttons("Approve"))
    await opened(page, slack)
    await page.get_by_role("button", name="Approve").focus()

    await slack.push("message_changed", message={**card, "text": "Approved by Ada", "blocks": []})

    await expect(page.locator("#messages .message")).to_be_focused()
    await expect(page.locator("#messages .message")).to_contain_text("Approved by Ada")


async def test_a_private_message_says_so_and_can_be_dismissed(
    page: Page, slack: SmallSlack
) -> None:
    await opened(page, slack)
    await slack.push("ephemeral", message=slack.message("Only Ada may", ephemeral=True))
    await expect(page.locator("#messages")).to_contain_text("Only visible to you")

    await page.get_by_role("button", name="Dismiss").click()

    await expect(page.locator("#messages .message")).to_have_count(0)


async def test_a_modal_shows_its_errors_and_sends_what_was_filled_in(
    page: Page, slack: SmallSlack
) -> None:
    await opened(page, slack)
    slack.answers["submit"] = {"ok": False, "error": "invalid", "errors": {"why": "Say why."}}
    slack.views = [view()]
    await slack.push("view_opened", view=view())
    dialog = page.get_by_role("dialog", name="Reject")

    await expect(dialog.get_by_label("Why?")).to_be_focused()
    await dialog.get_by_role("button", name="Send it").click()
    await expect(dialog.get_by_role("alert").filter(has_text="Say why.")).to_be_visible()
    await expect(dialog.get_by_label("Why?")).to_be_focused()
    slack.answers["submit"] = {"ok": True}
    await page.keyboard.type("Too late")
    await dialog.get_by_label("When?").select_option("Later")
    await dialog.get_by_role("button", name="Send it").click()

    await until(lambda: len(slack.sent) == 2, what="the second submit")
    values = {"why": {"text": "Too late"}, "when": {"menu": "later"}}
    assert slack.sent[-1] == ("submit", {"person": ADA, "view_id": "V1", "values": values})
    await slack.push("view_closed", view_id="V1")
    await expect(dialog).to_have_count(0)


async def test_escape_closes_a_modal_and_tells_the_app(page: Page, slack: SmallSlack) -> None:
    slack.message("Plan", blocks=buttons("Reject"))
    await opened(page, slack)
    await page.get_by_role("button", name="Reject").focus()
    await slack.push("view_opened", view=view())
    await expect(page.get_by_role("dialog")).to_be_visible()

    await page.keyboard.press("Escape")

    assert await slack.was_sent("close") == {"person": ADA, "view_id": "V1"}
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Reject")).to_be_focused()


async def test_the_home_tab_is_asked_for_shown_and_acts(page: Page, slack: SmallSlack) -> None:
    await opened(page, slack, DIRECT)
    await page.get_by_role("tab", name="Home").click()
    assert await slack.was_sent("home") == {"person": ADA}

    home = {"id": "H1", "type": "home", "blocks": buttons("Show")}
    await slack.push("home", view=home)
    await page.get_by_role("button", name="Show").click()

    sent = {"person": ADA, "view_id": "H1", "block_id": "row", "action_id": "show"}
    assert await slack.was_sent("click") == sent


async def test_another_person_sees_and_does_things_as_themselves(
    page: Page, slack: SmallSlack
) -> None:
    slack.message("Plan", blocks=buttons("Approve"))
    await opened(page, slack)

    await page.get_by_label("You are").select_option(value=BEN)
    await until(lambda: list(slack.watchers.values()) == [BEN], what="the stream of Ben")
    await page.get_by_role("button", name="Approve").click()

    assert (await slack.was_sent("click"))["person"] == BEN
    await page.reload()
    await expect(page.get_by_label("You are")).to_have_value(BEN)


async def test_after_an_outage_the_page_catches_up_by_itself(page: Page, slack: SmallSlack) -> None:
    await opened(page, slack)
    slack.reachable = False
    await slack.drop()
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()

    slack.message("Said meanwhile", by=BEN)
    slack.reachable = True

    await expect(page.locator("#messages")).to_contain_text("Said meanwhile")
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden()


async def test_what_slack_says_to_the_person_is_shown(page: Page, slack: SmallSlack) -> None:
    await opened(page, slack)
    await slack.push("notice", text="/chiffon failed: operation timed out")

    await expect(page.get_by_role("alert").filter(has_text="timed out")).to_be_visible()


async def test_everything_can_be_done_by_keyboard(page: Page, slack: SmallSlack) -> None:
    menu = {
        "type": "static_select", "action_id": "menu", "placeholder": plain("Pick"),
        "options": [{"text": plain(name), "value": name} for name in ("gitea", "grafana")],
    }  # fmt: skip
    shape = {"type": "actions", "block_id": "row", "elements": [menu]}
    slack.message("Which one?", blocks=[shape])
    await page.goto(slack.address)
    await expect(page.locator("#app")).to_be_visible()

    await page.keyboard.press("Control+k")
    await page.keyboard.type("home")
    await page.keyboard.press("Enter")
    await expect(page.locator("#conversation-name")).to_have_text("# homelab")
    for _ in range(30):
        if await page.evaluate("document.activeElement.dataset.action") == "menu":
            break
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")

    assert (await slack.was_sent("click"))["selected"] == "grafana"
    await expect(page.get_by_role("button", name="Pick")).to_be_focused()


@pytest.mark.parametrize("page", [NARROW], indirect=True)
async def test_a_narrow_window_hides_nothing_and_never_scrolls_sideways(
    page: Page, slack: SmallSlack
) -> None:
    wide = "verylongwordwithoutanybreak" * 6
    root = slack.message(f"`{wide}`", by=BEN, reply_count=1, blocks=buttons("Approve", wide[:75]))
    slack.message(f"```{wide}```", thread_ts=root["ts"])
    await opened(page, slack)
    await expect(page.locator("#sidebar")).to_be_hidden()
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator("#thread .message")).to_have_count(2)

    for place in ("document.documentElement", "document.querySelector('#thread-scroller')"):
        assert await page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth")
    box = await page.locator("#thread").bounding_box()
    assert box is not None
    assert box["width"] == 360


async def test_news_are_told_to_screen_readers_but_changes_are_not(
    page: Page, slack: SmallSlack
) -> None:
    await opened(page, slack)
    message = slack.message("Plan 1")
    await slack.push("message", message=message)
    await expect(page.locator("#live")).to_have_text("Chiffon: Plan 1")

    await slack.push("message_changed", message={**message, "text": "Plan 1, running"})

    await expect(page.locator("#messages")).to_contain_text("running")
    await expect(page.locator("#live")).to_have_text("Chiffon: Plan 1")
