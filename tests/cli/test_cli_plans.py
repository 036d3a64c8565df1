"""`chiffon status`, `chiffon plan …` and `chiffon why`, against a real server."""

import json

import pytest

from orchestrator.domain.lifecycle import PlanStatus
from tests.cli.conftest import Chiffon, Running


@pytest.fixture
def planned(running: Running, chiffon: Chiffon) -> Chiffon:
    chiffon("ask", "restart nginx")
    return chiffon


def test_status_lists_plans_and_agents(planned: Chiffon) -> None:
    done = planned("status")
    assert done.exit_code == 0
    assert "#1" in done.output
    assert "waits for approval" in done.output
    assert "0/2" in done.output
    assert "embedded" in done.output
    assert "node=node1" in done.output


def test_status_says_what_to_try_when_there_is_nothing(running: Running, chiffon: Chiffon) -> None:
    assert "No plans yet. Try: chiffon ask" in chiffon("status").output


def test_status_of_a_waiting_plan_says_how_to_decide(planned: Chiffon) -> None:
    done = planned("status", "1")
    assert "0 of 2 steps done" in done.output
    assert "1.2" in done.output
    assert "`chiffon plan approve 1`" in done.output


def test_status_follows_until_the_end(planned: Chiffon) -> None:
    assert planned("plan", "approve", "1").exit_code == 0
    assert "`chiffon status 1 --follow` follows it" in planned("status", "1").output
    done = planned("status", "1", "--follow")
    assert done.exit_code == 0
    assert "2 of 2 steps done" in done.output
    assert "2 of 2 steps done" in planned("status", "1").output


def test_status_speaks_json(planned: Chiffon) -> None:
    everything = json.loads(planned("status", "--json").stdout)
    assert [plan["number"] for plan in everything["plans"]] == [1]
    assert everything["agents"][0]["name"] == "embedded"
    assert json.loads(planned("status", "1", "--json").stdout)["summary"]["waiting"] == 2


@pytest.mark.parametrize("command", [("status", "7"), ("plan", "show", "7"), ("why", "7")])
def test_an_unknown_plan_is_one_sentence(planned: Chiffon, command: tuple[str, ...]) -> None:
    done = planned(*command)
    assert done.exit_code == 1
    assert done.stderr == "There is no such plan. `chiffon status` lists the plans.\n"


@pytest.mark.parametrize("name", ["../../agents", "1/../../x", "%2e", "\x1b[31m", "1 2 3", ""])
def test_an_impossible_name_is_refused_not_followed(planned: Chiffon, name: str) -> None:
    done = planned("plan", "show", name)
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert len(done.stderr.splitlines()) == 1


def test_show_before_it_ran(planned: Chiffon) -> None:
    done = planned("plan", "show", "1")
    assert "2. Restart nginx on node2" in done.output
    assert "can be approved until" in done.output
    assert json.loads(planned("plan", "show", "1", "--json").stdout)["plan"]["number"] == 1


def test_show_prints_all_output_when_asked(planned: Chiffon) -> None:
    planned("plan", "approve", "1", "--follow")
    done = planned("plan", "show", "1", "--output")
    assert "line 1 " in done.output
    assert "line 30 " in done.output
    assert "attempt 1: succeeded, exit code 0" in done.output


def test_approve_shows_and_binds_to_the_digest(planned: Chiffon, running: Running) -> None:
    done = planned("plan", "approve", "1", "--notes", "fine")
    assert done.exit_code == 0
    assert "1. Restart nginx on node1" in done.output
    assert "Plan #1 approved." in done.output
    given = running.service.calls[-1][1]
    assert (given["digest"], given["notes"]) == (running.service.plans[0].shown.digest, "fine")


def test_approving_twice_is_refused_in_a_sentence(planned: Chiffon) -> None:
    planned("plan", "approve", "1")
    done = planned("plan", "approve", "1")
    assert (done.exit_code, done.stderr) == (1, "Plan #1 was already decided.\n")


def test_reject_keeps_the_reason(planned: Chiffon, running: Running) -> None:
    done = planned("plan", "reject", "1", "--reason", "not today")
    assert "Plan #1 rejected." in done.output
    assert running.service.calls[-1][1]["notes"] == "not today"
    assert running.service.plans[0].status is PlanStatus.REJECTED


@pytest.mark.parametrize(
    ("command", "kind", "reference"),
    [
        (("cancel", "1"), "cancel", "1"),
        (("resume", "1"), "resume", "1"),
        (("retry", "1.2"), "retry", "1.2"),
        (("resolve", "1.2", "done"), "resolve", "1.2"),
    ],
)
def test_decisions_reach_the_service(
    planned: Chiffon, running: Running, command: tuple[str, ...], kind: str, reference: str
) -> None:
    done = planned("plan", *command, "--reason", "because")
    assert done.exit_code == 0, done.output
    name, given = running.service.calls[-1]
    assert (name, given["reference"], given["notes"]) == (kind, reference, "because")
    assert "Plan #1 " in done.output


@pytest.mark.parametrize("command", [("resume", "1"), ("retry", "1.2")])
def test_going_on_can_be_followed(
    planned: Chiffon, running: Running, command: tuple[str, ...]
) -> None:
    done = planned("plan", *command, "--follow")
    assert done.exit_code == 0
    assert "2 of 2 steps done" in done.output


@pytest.mark.parametrize(
    "command",
    [
        ("approve", "1"),
        ("reject", "1"),
        ("cancel", "1"),
        ("resume", "1"),
        ("retry", "1.1"),
        ("resolve", "1.1", "failed"),
    ],
)
def test_decisions_speak_json(planned: Chiffon, command: tuple[str, ...]) -> None:
    done = planned("plan", *command, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["status"]


def test_a_step_to_retry_must_be_one(planned: Chiffon) -> None:
    done = planned("plan", "retry", "1")
    assert done.exit_code == 1
    assert "say which one, as 2 or 1.2" in done.stderr
    assert planned("plan", "resolve", "1.2", "perhaps").exit_code == 2


def test_why_tells_words_and_numbers(planned: Chiffon) -> None:
    done = planned("why", "1.2")
    assert done.exit_code == 0
    for part in (
        "Plan #1, step 2",
        "93 % sure",
        "embedded is free and has done this before.",
        "specialization",
        "57.5",
        "out: it is offline",
        "was chosen: it suffices. 50% of the local quota was left.",
        "plan approved",
        "alice",
        "digest d",
    ):
        assert part in done.output, part
    assert "\x1b" not in done.output
    assert json.loads(planned("why", "1", "--json").stdout)["routing"][0]["score"] == 57.5


@pytest.mark.parametrize("columns", ["20", "40", "200"])
def test_narrow_screens_lose_nothing(
    planned: Chiffon, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    output = "".join(planned("plan", "show", "1").output.split())
    assert 'tags=["a","b"]' in output.replace("with", "")
    assert max(map(len, planned("status", "1").output.splitlines()[:-1])) <= 200


def test_help_is_everywhere(chiffon: Chiffon) -> None:
    for command in ((), ("ask",), ("status",), ("why",), ("plan",), ("plan", "resolve")):
        done = chiffon(*command, "--help")
        assert done.exit_code == 0
        assert "Usage" in done.output
