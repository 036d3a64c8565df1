"""Every kind of block is shown, acts with its exact ids, and hostile text stays text."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bot.page.small_slack import ADA, BEN, DIRECT, HOMELAB, SmallSlack

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str) -> Json:
    return {"text": plain(text), "value": value}


def block(kind: str, **more: object) -> Json:
    return {"type": kind, "block_id": f"the-{kind}", **more}


async def shown(page: Page, slack: SmallSlack, *blocks: Json) -> Json:
    """Open the page at a direct message that holds these blocks."""
    message = slack.message("for those who listen", channel=DIRECT, blocks=list(blocks))
    await page.goto(slack.address)
    await expect(page.locator("#messages .message")).to_be_visible()
    return message


MENU = [option("First", "1"), option("Second", "2")]
ACTING = [
    ({"type": "button", "text": plain("Go"), "value": "v"}, ["Go"], {"value": "v"}),
    ({"type": "static_select", "placeholder": plain("Pick"), "options": MENU}, ["Pick", "Second"],
     {"selected": "2"}),
]  # fmt: skip


@pytest.mark.parametrize(("element", "clicks", "sent"), ACTING)
@pytest.mark.parametrize("place", ["actions", "section"])
async def test_what_acts_sends_its_exact_ids(
    page: Page, slack: SmallSlack, element: Json, clicks: list[str], sent: Json, place: str
) -> None:
    element = {"action_id": "act:1", **element}
    holder = (
        block("actions", elements=[element])
        if place == "actions"
        else block("section", text=mrkdwn("Beside"), accessory=element)
    )
    message = await shown(page, slack, holder)

    await page.get_by_role("button", name=clicks[0], exact=True).click()
    for item in clicks[1:]:
        await page.get_by_role("menuitem", name=item).click()

    assert await slack.was_sent("click") == {
        "person": ADA, "channel": DIRECT, "ts": message["ts"], "block_id": f"the-{place}",
        "action_id": "act:1", **sent,
    }  # fmt: skip


SHOWN = [
    (block("header", text=plain("A plan")), "h3", "A plan"),
    (block("section", text=mrkdwn("*bold* and `code`")), "strong", "bold"),
    (block("section", fields=[mrkdwn("one"), mrkdwn("two")]), ".fields .text:nth-child(2)", "two"),
    (block("context", elements=[mrkdwn("_small_ print")]), ".context em", "small"),
    (block("divider"), "hr", ""),
    (block("hologram"), ".unknown", "(Something of the kind “hologram” is not shown here.)"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "where", "text"), SHOWN)
async def test_every_kind_of_block_is_shown(
    page: Page, slack: SmallSlack, shape: Json, where: str, text: str
) -> None:
    await shown(page, slack, shape)

    await expect(page.locator("#messages .blocks").locator(where).first).to_have_text(text)


LINES = [
    ("*bold* _italic_ ~gone~", ["strong", "em", "s"]),
    ("*a _b_ c*", ["strong", "em"]),
    ("2*3*4 snake_case_name", []),
    ("`a *b*` ```c\n*d*```", ["code", "pre"]),
    ("&gt; quoted\n&gt; more\nafter", ["blockquote"]),
    ("<https://example.com|label> <mailto:a@b.c>", ["a", "a"]),
    (f"<@{BEN}> in <#{HOMELAB}|homelab>", ["span", "span"]),
    ("<!date^1790000000^{date_short}|then>", ["time"]),
    ("* not bold * and _ neither _", []),
]


@pytest.mark.parametrize(("text", "tags"), LINES)
async def test_mrkdwn_becomes_these_elements(
    page: Page, slack: SmallSlack, text: str, tags: list[str]
) -> None:
    await shown(page, slack, block("section", text=mrkdwn(text)))

    found = await page.locator("#messages .blocks .text *").evaluate_all(
        "all => all.map((one) => one.tagName.toLowerCase())"
    )
    assert found == tags


async def test_names_entities_and_dates_are_resolved(page: Page, slack: SmallSlack) -> None:
    said = f"<@{BEN}> &lt;3 &amp;amp; <!channel> <!date^1790000000^{{time}} UTC|then> :x:"
    slack.message(said, by=ADA, channel=DIRECT)
    await page.goto(slack.address)

    await expect(page.locator("#messages .text")).to_have_text(
        "@Ben Okoro <3 &amp; @channel 14:13 UTC ❌"
    )


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.mark.parametrize(
    "shape",
    [
        block("section", text=mrkdwn(HOSTILE)),
        block("section", text=plain(HOSTILE)),
        block("section", text=mrkdwn(f"```{HOSTILE}``` *{HOSTILE}*")),
        block("header", text=plain(HOSTILE)),
        block("section", text=mrkdwn("<javascript:alert(4)|click> <data:text/html,x|y>")),
        block("actions", elements=[{"type": "button", "text": plain(HOSTILE), "action_id": "a"}]),
        block(HOSTILE),
    ],
)  # fmt: skip
async def test_hostile_text_stays_text(page: Page, slack: SmallSlack, shape: Json) -> None:
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    await shown(page, slack, shape)

    inside = page.locator("#messages .blocks")

    await expect(inside.locator("script, img, [onerror], a[href]")).to_have_count(0)
    assert alerts == []


async def test_very_long_unpaired_signs_do_not_stall(page: Page, slack: SmallSlack) -> None:
    await shown(page, slack, block("section", text=mrkdwn(" *a _b `" * 5000)))

    await expect(page.locator("#messages .text")).to_have_text(re.compile(r"\*a _b"))


async def test_a_confirm_dialog_asks_before_anything_is_sent(page: Page, slack: SmallSlack) -> None:
    confirm = {
        "title": plain("Sure?"), "text": mrkdwn("It *deletes*."), "confirm": plain("Do it"),
        "deny": plain("Keep"), "style": "danger",
    }  # fmt: skip
    button = {"type": "button", "text": plain("Remove"), "action_id": "rm", "confirm": confirm}
    await shown(page, slack, block("actions", elements=[button]))

    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog", name="Sure?").get_by_role("button", name="Keep").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert slack.sent == []
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Do it").click()

    assert (await slack.was_sent("click"))["action_id"] == "rm"


async def test_a_file_shows_its_text_on_demand(page: Page, slack: SmallSlack) -> None:
    slack.files["F1"] = "line one\n<b>line two</b>"
    file = {"id": "F1", "name": "step-1.log", "url": "/local/files/F1", "size": 2048}
    slack.message("Output", channel=DIRECT, files=[file])
    await page.goto(slack.address)

    await page.get_by_text("step-1.log").click()
    await expect(page.locator(".preview")).to_have_text("line one\n<b>line two</b>")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save step-1.log").click()

    assert (await download.value).suggested_filename == "step-1.log"
