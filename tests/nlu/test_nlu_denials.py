"""What is denied, left out or taken back is not done, wherever the denial stands."""

import pytest

from orchestrator.nlu.guard import guarded_spans
from tests.nlu.found import Read, steps

REBOOT = "reboot_machine"


@pytest.mark.parametrize(
    "text",
    [
        "reboot all but web2",
        "reboot all machines except web1 and web2",
        "reboot every machine but web2 and web3",
        "reboot all machines minus web2",
        "reboot everything other than web2",
    ],
)
def test_what_is_left_out_of_all_is_no_target(text: str, team: Read) -> None:
    found = team(text)
    assert steps(found) in ([], [(REBOOT, {})])
    assert found.ambiguities or found.out_of_scope


def test_what_is_left_out_of_all_is_left_out_of_that_step_alone(team: Read) -> None:
    found = team("patch web1, web2 and web3, reboot all but web2")
    patched = [parameters["machine"] for intent, parameters in steps(found)[:3]]
    assert patched == ["web1", "web2", "web3"]


def test_what_is_left_out_of_a_list_that_follows(hosting: Read) -> None:
    found = hosting("Back up everything but logs_db: wiki_db, logs_db, crm_db")
    assert [one["target"] for _, one in steps(found)] == ["wiki_db", "crm_db"]


@pytest.mark.parametrize(
    "text",
    [
        "web1 must not be rebooted",
        "web1 should never be rebooted",
        "web1 won't be rebooted",
        "web1 doesn't need to be rebooted",
        "make sure web1 is not rebooted",
        "please do not, under any circumstances, reboot web1",
        "do not - ever - reboot web1",
        "don't (really) reboot web1",
        "don't patch web2 or reboot web1",
        "Do not do the following:\n- patch web2\n- reboot web1",
        "Please avoid:\n- reboot web1",
        "Never do this: reboot web1",
        "Don't: reboot web1",
        "Already done:\n1. reboot web1",
        "should I also reboot web1?",
        "when I reboot web2 should I also reboot web1?",
    ],
)
def test_a_denial_reaches_what_it_denies(text: str, team: Read) -> None:
    found = team(text)
    assert steps(found) == []
    assert found.out_of_scope


@pytest.mark.parametrize("rest", ["and not web2 and web3", "without web2 and web3"])
def test_a_list_of_what_is_left_out_is_left_out(rest: str, team: Read) -> None:
    assert steps(team(f"reboot web1 {rest}")) == [(REBOOT, {"machine": "web1"})]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("is api healthy? if not, reboot web1", 2),
        ("don't wait for me, reboot web1", 1),
        ("do not patch web2. reboot web1", 1),
    ],
)
def test_a_denial_ends_with_its_sentence(text: str, count: int, team: Read) -> None:
    found = steps(team(text))
    assert len(found) == count
    assert found[-1] == (REBOOT, {"machine": "web1"})


@pytest.mark.parametrize(
    "end", [", scratch that", "? nope", ". I take that back", "... actually no", ". No!"]
)
def test_what_is_taken_back_at_the_end_is_not_done(end: str, team: Read) -> None:
    found = team(f"reboot web1{end}")
    assert steps(found) == []
    assert found.out_of_scope


@pytest.mark.parametrize("end", [", no hurry", ", sorry", ". No worries"])
def test_what_only_sounds_like_that_takes_nothing_back(end: str, team: Read) -> None:
    assert steps(team(f"reboot web1{end}")) == [(REBOOT, {"machine": "web1"})]


def test_a_particle_of_its_own_turns_the_verb(hosting: Read) -> None:
    found = steps(hosting("turn nginx off on web1 and redis on"))
    assert ("stop_service", {"service": "redis"}) not in found
    assert all(one.get("service") != "redis" for intent, one in found if "stop" in intent)


@pytest.mark.parametrize("unit", ["\n", " ", "\t", ".\n", "a@", "a_", "$(", "> ", "; "])
def test_the_guard_comes_to_an_end(unit: str) -> None:
    """Patterns that try each blank with each other one would take minutes here."""
    assert all(span.start < span.end for span in guarded_spans(unit * 8_000 + "x"))
