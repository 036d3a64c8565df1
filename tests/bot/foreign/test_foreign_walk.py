"""The walk in front of a Slack that is not the local one: asked, approved, done; and a no."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.run import open_bot
from bot.settings import SlackSettings
from orchestrator.settings import Settings
from tests.bot.foreign.emulator import ANN, APP_TOKEN, BOT_TOKEN, GUEST, OPS, Foreign, emulating
from tests.plugins.waiting import until
from tests.scene import Desk


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        _env_file=None, home=tmp_path / "home", database_url=database_url, admins=(ANN,)
    )


@pytest.fixture
async def foreign(desk: Desk) -> AsyncIterator[Foreign]:
    """It, and the bot in front of it: told by nothing but the three settings."""
    async with emulating() as served:
        tokens = SlackSettings(
            _env_file=None,
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            api_url=f"{served.address}/emulated",
        )
        async with open_bot(tokens, desk.service):
            await until(lambda: served.sockets, what="a socket")
            yield served


async def card_of(foreign: Foreign, thread: str) -> str:
    """Wait for the card in a thread; return its time stamp."""

    def cards() -> list[str]:
        return [
            ts
            for ts, message in foreign.messages.items()
            if message.get("thread_ts") == thread and message["text"].startswith("Plan #")
        ]

    await until(cards, what="the card")
    [card] = cards()
    return card


async def shows(foreign: Foreign, ts: str, words: str) -> None:
    await until(lambda: words in str(foreign.messages[ts]), what=words)


async def test_asked_approved_and_done(foreign: Foreign, desk: Desk) -> None:
    thread = await foreign.says("Deploy Kuma")
    card = await card_of(foreign, thread)
    assert foreign.messages[card]["channel"] == OPS
    await foreign.refresh()
    await foreign.presses(card, "Approve")
    await shows(foreign, card, ": done.")
    await shows(foreign, card, f"Approved by <@{ANN}>")
    told = [each["text"] for each in foreign.messages.values() if each["thread_ts"] == thread]
    await until(lambda: " is done" in str(foreign.messages), what=f"the summary after {told}")
    assert len((await desk.service.list_plans()).plans) == 1, "both events are one request"
    assert "agents.sessions.setStatus" not in foreign.calls


async def test_rejected_with_a_reason_by_a_dialog(foreign: Foreign) -> None:
    card = await card_of(foreign, await foreign.says("Deploy Kuma"))
    await foreign.presses(card, "Reject")
    await until(lambda: foreign.views, what="the dialog")
    assert await foreign.submits("not on a Friday") == {}
    await shows(foreign, card, "“not on a Friday”")


async def test_a_question_is_answered_in_the_thread(foreign: Foreign) -> None:
    thread = await foreign.says("Restart the service")
    await until(lambda: "?" in str(foreign.messages), what="the question")
    await foreign.says("nginx", thread=thread)
    await card_of(foreign, thread)


async def test_who_may_not_is_told_privately_and_a_command_is_answered(foreign: Foreign) -> None:
    card = await card_of(foreign, await foreign.says("Deploy Kuma"))
    await foreign.presses(card, "Approve", person=GUEST)
    await until(lambda: "Guests" in str(foreign.private), what="the refusal")
    await foreign.orders("plans")
    await until(lambda: "Deploy Kuma" in str(foreign.private), what="the plans")
