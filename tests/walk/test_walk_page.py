"""What a newcomer does on the chat page, in a real browser against the real program.

`UPDATE_PICTURE=1` takes the README's picture anew.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.plugins.chromium import QUIET, SLOW_MACHINE_MS, chromium
from tests.walk.program import KUMA, Program

_PICTURE = Path(__file__).parents[2] / "docs" / "page.png"
_ADDRESS = re.compile(r"http://\S+#token=\S+")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield running
        running.close()


class Chat:
    """The page as one person has it open."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.thread = page.locator("#thread")

    def opened(self, address: str) -> None:
        self.page.goto(address)
        away = self.page.get_by_label("Put the welcome away")
        expect(self.page.locator("#composer-text")).to_be_visible()
        if away.is_visible():
            away.click()

    def ask(self, text: str) -> None:
        """Ask in the direct conversation, and open the thread that answers."""
        box = self.page.locator("#composer-text")
        box.fill(text)
        box.press("Enter")
        last = self.page.locator("#messages > li").last
        expect(last).to_contain_text(text.removeprefix("@chiffon ")[:40])
        expect(last).to_contain_text(re.compile(r"\d+ repl"))
        last.get_by_role("button", name=re.compile(r"\d+ repl")).click()
        expect(self.thread).to_be_visible()

    def reply(self, text: str) -> None:
        box = self.page.locator("#thread-text")
        box.fill(text)
        box.press("Enter")

    def press(self, name: str) -> None:
        self.thread.get_by_role("button", name=name, exact=True).last.click()

    def sees(self, *words: str) -> None:
        """Wait until the thread shows each of the words."""
        for each in words:
            expect(self.thread).to_contain_text(each)

    def button(self, name: str) -> Locator:
        return self.thread.get_by_role("button", name=name, exact=True)

    def become(self, person: str) -> None:
        options = self.page.locator("#person option").all_inner_texts()
        self.page.locator("#person").select_option(
            label=next(each for each in options if each.startswith(person))
        )


def address_of(out: str) -> str:
    found = _ADDRESS.search(out)
    assert found is not None, out
    return found[0]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own that fails the test for any error in the page's scripts."""
    context = browser.new_context(
        locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(SLOW_MACHINE_MS)
    expect.set_options(timeout=SLOW_MACHINE_MS)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert errors == []


@pytest.fixture
def chat(page: Page, shared: Program) -> Chat:
    opened = Chat(page)
    opened.opened(address_of((shared.room / "up-1.out").read_text(encoding="utf-8")))
    return opened


def test_the_request_of_a_newcomer_to_its_end(chat: Chat, shared: Program) -> None:
    chat.ask(KUMA)
    chat.sees("Waiting for approval", "1. Deploy uptime-kuma", 'service = "uptime-kuma"')
    assert not (shared.homelab / "services" / "uptime-kuma").exists()
    if os.environ.get("UPDATE_PICTURE"):
        chat.page.screenshot(path=_PICTURE)
    assert _PICTURE.read_bytes().startswith(b"\x89PNG")
    chat.press("Approve")
    chat.sees("2 of 2 steps done", "Approved by", "Ada Lindt", "is prepared, not started")
    expect(chat.button("Approve")).to_have_count(0)
    monitors = shared.homelab / "services" / "uptime-kuma" / "monitors"
    assert len(list(monitors.glob("*.json"))) == 5


def test_a_rejection_asks_for_the_reason_and_keeps_it(chat: Chat, shared: Program) -> None:
    chat.ask("Deploy vaultwarden")
    chat.press("Reject")
    dialog = chat.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("not before the backup works")
    dialog.get_by_role("button", name="Reject").click()
    chat.sees("Rejected by", "not before the backup works")
    expect(chat.button("Approve")).to_have_count(0)
    assert not (shared.homelab / "services" / "vaultwarden").exists()


def test_an_open_question_is_answered_by_a_reply(chat: Chat) -> None:
    chat.ask("deploy a service")
    chat.sees("Which service")
    chat.reply("jellyfin")
    chat.sees('service = "jellyfin"', "Waiting for approval")


def test_an_open_question_is_answered_by_a_choice(chat: Chat) -> None:
    chat.ask("restart a service")
    chat.sees("Which service")
    chat.thread.get_by_text("Pick an answer", exact=True).click()
    chat.page.get_by_role("menuitem", name="gitea").click()
    chat.sees('service = "gitea"', "Waiting for approval")


def test_what_nobody_can_do_is_said_with_what_can_be_done(chat: Chat) -> None:
    chat.ask("Bake me a chocolate cake")
    chat.sees("I cannot do that", "What I can do")
    expect(chat.button("Approve")).to_have_count(0)


def test_who_may_not_decide_is_told_so_privately(chat: Chat, shared: Program) -> None:
    """In a channel, where both see the plan; the approver decides, and both see who it was."""
    chat.page.get_by_role("button", name="homelab").click()
    chat.ask("@chiffon deploy grafana")
    chat.sees("Waiting for approval")
    chat.become("Ben")
    chat.page.get_by_role("button", name="homelab").click()
    chat.page.get_by_role("button", name=re.compile(r"\d+ repl")).last.click()
    chat.press("Approve")
    chat.sees("may not approve", "Only visible to you")
    assert not (shared.homelab / "services" / "grafana").exists()
    chat.become("Ada")
    chat.page.get_by_role("button", name="homelab").click()
    chat.page.get_by_role("button", name=re.compile(r"\d+ repl")).last.click()
    expect(chat.thread).not_to_contain_text("may not approve")
    chat.press("Approve")
    chat.sees("1 of 1 steps done", "Approved by")


def test_sixty_steps_are_shown_before_approve_is_offered(chat: Chat) -> None:
    hosts = [f"http://10.0.0.{number}:80" for number in range(1, 61)]
    chat.ask("Check " + ", ".join(hosts))
    expect(chat.button("Approve")).to_have_count(1)
    shown = chat.thread.inner_text()
    assert all(f'"{host}"' in shown for host in hosts)


def test_help_is_private_and_says_how_to_ask(chat: Chat) -> None:
    chat.page.get_by_role("button", name="homelab").click()
    box = chat.page.locator("#composer-text")
    box.fill("/chiffon help")
    box.press("Enter")
    messages = chat.page.locator("#messages > li").last
    for words in ("status", "cancel", "retry", "why", "logs", "gaps", "Only visible to you"):
        expect(messages).to_contain_text(words)


def test_a_waiting_card_is_decided_after_a_restart(page: Page, program: Program) -> None:
    """And the card of a plan that was decided elsewhere has no buttons left."""
    chat = Chat(page)
    first = program.up()
    chat.opened(address_of(first.out))
    chat.ask("Deploy gitea")
    chat.sees("Waiting for approval")
    chat.page.locator("#close-thread").click()
    chat.ask("Deploy jellyfin")
    chat.sees("Waiting for approval")
    first.stop()
    second = program.up()
    chat.page.goto("about:blank")
    chat.opened(address_of(second.out))
    chat.page.get_by_role("button", name=re.compile(r"\d+ repl")).last.click()
    chat.press("Approve")
    chat.sees("1 of 1 steps done")
    program.ok("plan", "reject", "1")
    chat.page.locator("#close-thread").click()
    chat.page.get_by_role("button", name=re.compile(r"\d+ repl")).first.click()
    chat.sees("Rejected by")
    expect(chat.button("Approve")).to_have_count(0)


def test_what_was_not_meant_is_corrected_and_its_words_are_remembered(chat: Chat) -> None:
    """A form, the plan it leads to, and the same words understood the next time."""
    phrase = "Sing a lullaby to uptime-kuma"
    chat.ask(phrase)
    chat.sees("I cannot do that")
    chat.press("Not what I meant")
    dialog = chat.page.get_by_role("dialog", name="Not what I meant")
    dialog.get_by_label("Restart service").check()
    dialog.get_by_role("button", name="Next").click()
    service = dialog.get_by_label("Service", exact=True)
    expect(service).to_have_value("uptime-kuma")
    service.fill("--all")
    dialog.get_by_role("button", name="Plan it").click()
    expect(dialog).to_contain_text("must not start with a dash")
    service.fill("uptime-kuma")
    dialog.get_by_role("button", name="Plan it").click()
    expect(dialog).to_have_count(0)
    chat.sees("Waiting for approval", "Whoever asked chose", phrase)
    chat.press("Remember this phrase")
    chat.sees(f"Remembered: “{phrase}”")
    chat.ask(phrase)
    chat.sees("Waiting for approval", 'service = "uptime-kuma"')


def test_a_question_is_answered_by_hand_and_a_later_message_refers_to_it(chat: Chat) -> None:
    chat.ask("Restart the service")
    chat.sees("Which service")
    chat.reply("gitea")
    chat.sees("1. Restart gitea")
    chat.reply("and vaultwarden too")
    chat.sees("1. Restart vaultwarden")


def test_what_cannot_wait_for_tomorrow_is_said(chat: Chat) -> None:
    chat.ask("List my services tomorrow")
    chat.sees("Waiting for approval", "Left out: “tomorrow”")
    chat.ask("Restart gitea tomorrow at 5pm")
    chat.sees("I cannot do that: “Restart gitea tomorrow at 5pm”. Steps run once they are approved")
