"""The commands on a real terminal, and while the server comes and goes."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from orchestrator.cli.client import ApiClient
from orchestrator.cli.follow import follow
from orchestrator.cli.place import NotRunning
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import PlanStatusResult
from tests.cli.conftest import Running
from tests.plugins.typed import Typed
from tests.plugins.waiting import until_blocking


class Command(Typed):
    """A command of Alice's."""

    def __init__(self, home: Path, *words: str) -> None:
        settings = {"CHIFFON_HOME": str(home), "LOGNAME": "alice", "COLUMNS": "100"}
        super().__init__(*words, folder=home, settings=settings)

    def shows(self, words: str) -> None:
        until_blocking(lambda: words in self.text, what=f"{words!r} on the screen", seconds=30)


@pytest.fixture
def typed() -> Iterator[list[Command]]:
    """Commands that run; whatever is left over is ended."""
    commands: list[Command] = []
    yield commands
    for command in commands:
        command.close()


def run(commands: list[Command], running: Running, *words: str) -> Command:
    command = Command(running.home, *words)
    commands.append(command)
    return command


def test_a_person_is_asked_back_approves_and_sees_the_progress(
    running: Running, typed: list[Command]
) -> None:
    command = run(typed, running, "ask", "which")
    command.shows("Which service?")
    command.type("1\n")
    command.shows("On which host?")
    command.type("node1\n")
    command.shows("approve? [y/N]")
    command.type("y\n")
    assert command.ended() == 0
    assert "2 of 2 steps done" in command.text
    assert "━" in command.text  # the bar
    assert "\x1b[" in command.text  # colours


def test_ctrl_c_while_saying_what_was_meant_changes_nothing(
    running: Running, typed: list[Command]
) -> None:
    asked = run(typed, running, "ask", "restart nginx")
    asked.shows("approve? [y/N]")
    assert "Not what you meant? Press Enter, then `chiffon correct 1`." in asked.text
    asked.type("\n")
    assert asked.ended() == 1
    command = run(typed, running, "correct", "1")
    command.shows("What did you mean?")
    command.type("1\n")
    command.shows("service [nginx]:")
    command.interrupt()
    assert command.ended() == 1
    assert "Nothing was changed." in command.text
    assert running.service.plans[0].status is PlanStatus.PENDING_APPROVAL


def test_ctrl_c_at_the_question_leaves_the_plan_waiting(
    running: Running, typed: list[Command]
) -> None:
    command = run(typed, running, "ask", "restart nginx")
    command.shows("approve? [y/N]")
    command.interrupt()
    assert command.ended() == 1
    assert "`chiffon plan approve 1`" in command.text
    assert "Traceback" not in command.text
    assert running.service.plans[0].status is PlanStatus.PENDING_APPROVAL


def test_ctrl_c_while_asked_back_plans_nothing(running: Running, typed: list[Command]) -> None:
    command = run(typed, running, "ask", "which")
    command.shows("Which service?")
    command.interrupt()
    assert command.ended() == 1
    assert "Nothing was planned." in command.text


def test_ctrl_c_while_following_says_that_the_work_goes_on(
    running: Running, typed: list[Command]
) -> None:
    running.service.hold = True
    command = run(typed, running, "ask", "--yes", "restart nginx")
    command.shows("1.2")
    until_blocking(lambda: running.service.looks > 1, what="the second look")
    command.interrupt()
    assert command.ended() == 1
    assert "The work goes on. `chiffon status 1` shows it" in command.text
    assert "Traceback" not in command.text


def test_whoever_follows_waits_for_a_restart_even_at_another_address(
    own_server: Running, typed: list[Command]
) -> None:
    own_server.service.hold = True
    command = run(typed, own_server, "ask", "--yes", "restart nginx")
    until_blocking(lambda: own_server.service.looks > 1, what="the second look")
    before = own_server.address
    own_server.stop()
    command.shows("this waits for it")
    own_server.service.hold = False
    own_server.start()
    assert own_server.address != before
    assert command.ended() == 0
    assert "2 of 2 steps done" in command.text


class Gone:
    """A client whose Chiffon stops for good after the first look."""

    def __init__(self, status: PlanStatusResult) -> None:
        self._left = [status]

    def status(self, _reference: str) -> PlanStatusResult:
        if self._left:
            return self._left.pop()
        raise NotRunning("Chiffon does not answer.")

    def look_again(self) -> None:
        raise NotRunning("Chiffon does not answer.")


def test_whoever_follows_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.cli.follow._AWAY_SECONDS", 0.05)
    screen = io.StringIO()
    executing = PlanStatusResult(plan_id="p", number=1, status=PlanStatus.EXECUTING)
    with pytest.raises(NotRunning):
        follow(cast("ApiClient", Gone(executing)), "1", Console(file=screen, width=200))
    assert screen.getvalue().count("this waits for it") == 1
