"""The setup on a real terminal, against the local Slack: typed, interrupted, taken up again."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.bot.local_slack.conftest import Served, serve
from tests.plugins.typed import Typed
from tests.plugins.waiting import until

_CODE = re.compile(r"CHIFFON-\w{6}")
# To the last space, which is written when the terminal has ceased to echo: what was typed before
# that is thrown away (`getpass`, TCSAFLUSH).
_BOT_PROMPT = "Bot token (xoxb-…), not shown: "
_APP_PROMPT = "App-level token (xapp-…), not shown: "


class Terminal(Typed):
    """A command of Chiffon's, with the local Slack for Slack."""

    def __init__(self, folder: Path, served: Served, *words: str) -> None:
        settings = {
            "CHIFFON_HOME": str(folder / "home"),
            "CHIFFON_SLACK_API_URL": f"{served.address}/slack/api/",
            "TERM": "xterm",
            "COLUMNS": "200",
        }
        super().__init__(*words, folder=folder, settings=settings)

    async def shows(self, words: str) -> None:
        await until(lambda: words in self.text, what=f"{words!r} on the screen", seconds=30)

    async def ends(self) -> int:
        await until(lambda: self.process.poll() is not None, what="the end", seconds=30)
        return self.ended()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    (tmp_path / "workspace").mkdir()
    async with serve(tmp_path / "workspace") as running:
        yield running


@pytest.fixture
def opened() -> Iterator[list[Terminal]]:
    """Terminals; whatever still runs in them is ended."""
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.close()


def run(opened: list[Terminal], folder: Path, served: Served, *words: str) -> Terminal:
    terminal = Terminal(folder, served, *words)
    opened.append(terminal)
    return terminal


async def paste_tokens(terminal: Terminal, served: Served) -> None:
    await terminal.shows(_BOT_PROMPT)
    terminal.type(f"{served.slack.bot_token}\n")
    await terminal.shows(_APP_PROMPT)
    terminal.type(f"{served.slack.app_token}\n")


async def test_a_newcomer_joins_the_local_slack_and_the_doctor_is_content(
    tmp_path: Path, served: Served, opened: list[Terminal]
) -> None:
    setup = run(opened, tmp_path, served, "slack", "setup")
    await paste_tokens(setup, served)
    await setup.shows("Where shall a test message go?")
    setup.type("#homelab\n")
    await setup.shows("The test message is in #homelab.")
    await until(lambda: _CODE.findall(setup.text), what="the code")
    await served.slack.say("U0ADA", "D0ADA", _CODE.findall(setup.text)[-1])
    assert await setup.ends() == 0, setup.text
    assert "(U0ADA) may approve now." in setup.text
    assert served.slack.bot_token not in setup.text
    assert dotenv_values(tmp_path / ".env") == {
        "SLACK_BOT_TOKEN": served.slack.bot_token,
        "SLACK_APP_TOKEN": served.slack.app_token,
        "CHIFFON_ADMINS": "U0ADA",
    }
    doctor = run(opened, tmp_path, served, "doctor")
    assert await doctor.ends() == 0, doctor.text
    await doctor.shows("0 problems")


async def test_a_guest_of_the_local_slack_is_refused(
    tmp_path: Path, served: Served, opened: list[Terminal]
) -> None:
    setup = run(opened, tmp_path, served, "slack", "setup")
    await paste_tokens(setup, served)
    await setup.shows("Where shall a test message go?")
    setup.type("\n")
    await until(lambda: _CODE.findall(setup.text), what="the code")
    await served.slack.say("U0GUS", "D0GUS", _CODE.findall(setup.text)[-1])
    await setup.shows("guests may not decide")
    setup.interrupt()
    assert await setup.ends() == 1
    assert "CHIFFON_ADMINS" not in dotenv_values(tmp_path / ".env")


async def test_ctrl_c_keeps_what_was_done_and_says_how_to_go_on(
    tmp_path: Path, served: Served, opened: list[Terminal]
) -> None:
    setup = run(opened, tmp_path, served, "slack", "setup")
    await setup.shows(_BOT_PROMPT)
    setup.type(f"{served.slack.bot_token}\n")
    await setup.shows(_APP_PROMPT)
    setup.interrupt()
    assert await setup.ends() == 1
    assert "is: SLACK_BOT_TOKEN." in setup.text
    assert "Go on with `chiffon slack setup`" in setup.text
    assert "Traceback" not in setup.text
    assert dotenv_values(tmp_path / ".env") == {"SLACK_BOT_TOKEN": served.slack.bot_token}
