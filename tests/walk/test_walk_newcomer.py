"""What a newcomer does: ask on a terminal, approve, watch, look it all up, ask again."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.warm import CHIFFON
from tests.walk.program import KUMA, Program, running_in
from tests.walk.terminal import Terminal


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program as it is installed, from cold; the others find everything loaded."""
    yield from running_in(Program(tmp_path_factory.mktemp("shared"), (str(CHIFFON),)))


@pytest.fixture(scope="module")
def first_walk(shared: Program) -> Iterator[Terminal]:
    """The walk to its end, on a terminal."""
    with Terminal(shared, "ask", KUMA) as terminal:
        terminal.wait_for("approve? [y/N]")
        terminal.type("y")
        assert terminal.finish() == 0
        yield terminal


def _stamps(folder: Path) -> dict[str, tuple[str, int]]:
    """Return hash and time of every file below `folder`."""
    return {
        str(file.relative_to(folder)): (
            hashlib.sha256(file.read_bytes()).hexdigest(),
            file.stat().st_mtime_ns,
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_plan_is_shown_whole_before_anything_is_asked(first_walk: Terminal) -> None:
    before, _, _ = first_walk.text.partition("approve? [y/N]")
    for words in (
        "Plan #1",
        "1. Deploy uptime-kuma",
        "2. Add the portals to Uptime Kuma",
        'service = "uptime-kuma"',
        "medium",
        "pool infra",
        "MiB memory",
        "“add existing portals to config”",
        "files only, nothing will be started",
    ):
        assert words in before
    assert "at work" not in before


def test_the_work_is_followed_live_and_ends_with_result_and_durations(first_walk: Terminal) -> None:
    _, _, after = first_walk.text.partition("approve? [y/N]")
    assert b"\x1b[1A" in first_walk.raw  # redrawn in place
    assert "at work" in after
    assert "2 of 2 steps done" in after
    assert "1.1 Deploy uptime-kuma done in " in after
    assert "1.2 Add the portals to Uptime Kuma done in " in after
    assert "prepared, not started" in after
    assert "deployed" not in after.lower()


def test_the_files_promised_are_there(first_walk: Terminal, shared: Program) -> None:
    service = shared.homelab / "services" / "uptime-kuma"
    compose = (service / "compose.yaml").read_text(encoding="utf-8")
    assert "louislam/uptime-kuma" in compose
    assert "autokuma" in compose
    monitors = {file.stem: json.loads(file.read_text()) for file in service.glob("monitors/*.json")}
    portals = (shared.homelab / "portals.yaml").read_text(encoding="utf-8")
    assert portals.count("- name:") == len(monitors) == 5
    assert monitors["nas"] == {
        "name": "NAS",
        "type": "http",
        "url": "https://nas.home.arpa:5001",
        "interval": 60,
    }


def test_asking_again_changes_no_byte_and_says_so(first_walk: Terminal, shared: Program) -> None:
    before = _stamps(shared.homelab / "services")
    said = shared.ok("ask", "--yes", KUMA)
    assert _stamps(shared.homelab / "services") == before
    assert "nothing was changed" in said.lower() or "unchanged" in said.lower()
    assert "0 added, 0 changed, 5 unchanged, 0 removed" in said


def test_status_lists_plans_and_agents(first_walk: Terminal, shared: Program) -> None:
    said = shared.ok("status")
    assert "#1" in said
    assert "newcomer" in said
    assert "local-infra" in said
    assert "online" in said


def test_status_of_one_plan_tells_its_steps(first_walk: Terminal, shared: Program) -> None:
    said = shared.ok("status", "1")
    assert "Plan #1  done  2 of 2 steps done" in said
    assert "1.2 Add the portals to Uptime Kuma done in" in said


def test_plan_show_gives_all_output(first_walk: Terminal, shared: Program) -> None:
    said = shared.ok("plan", "show", "1", "--output")
    assert "attempt 1: succeeded, exit code 0" in said
    assert "Portals: 5 added" in said


def test_why_gives_the_routing_in_words_and_numbers(first_walk: Terminal, shared: Program) -> None:
    said = shared.ok("why", "1.2")
    assert "“add existing portals to config” was read as add_portals" in said
    assert "of 100 points" in said
    assert "success" in said
    assert "plan approved" in said


def test_the_token_is_for_its_owner_alone(shared: Program) -> None:
    assert (shared.home / "token").stat().st_mode & 0o777 == 0o600


def test_no_token_and_no_output_is_in_the_log(first_walk: Terminal, shared: Program) -> None:
    log = (shared.room / "up-1.err").read_text(encoding="utf-8")
    assert "plan_completed" in log
    assert (shared.home / "token").read_text(encoding="utf-8").strip() not in log
    assert "Portals: 5 added" not in log
    assert KUMA not in log
