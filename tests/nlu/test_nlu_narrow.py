"""What must stay no order, no value and no guess, however near it is to one that is read."""

import itertools
from collections.abc import Callable
from importlib.resources import files

import pytest

from tests.nlu.found import Read, Steps, only, steps

MODALS = ("can", "could", "may", "might", "will", "would", "should", "must")


@pytest.fixture(scope="module")
def studio(over: Callable[[str], Read]) -> Read:
    return over("studio")


@pytest.mark.parametrize(
    ("modal", "who"),
    [*itertools.product(MODALS, ("I", "this bot")), *itertools.product(("may", "might"), ("we",))],
)
def test_who_asks_whether_it_may_be_done_orders_nothing(modal: str, who: str, studio: Read) -> None:
    assert steps(studio(f"{modal} {who} reboot db1?")) == []


@pytest.mark.parametrize(
    "text",
    [
        "would it be dangerous to reboot db1?",
        "would it be a good idea to delete the vm old-vps-1?",
        "would it be necessary to rotate secret db-pass?",
        "was it possible to reboot db1?",
        "was it ok to reboot db1?",
        "is it alright to reboot db1?",
        "do you think someone might reboot db1?",
        "will anybody reboot db1?",
        "anyone can reboot db1, that's the problem",
        "anybody can revoke access of eva, is that intended?",
        "anyone could delete the vm old-vps-1",
        "you may need to reboot db1",
        "someone may reboot db1 tonight, be warned",
        "my job is to reboot db1",
        "the job is to reboot db1 each night",
        "I have to reboot db1",
        "il doit redémarrer db1",
        "tengo que reiniciar db1",
        "onboard eva",
        "say goodbye to old-vps-1",
        "shop takes 12 pods",
        "ok, back to PR 12",
    ],
)
def test_what_is_told_asked_or_planned_is_no_order(text: str, studio: Read) -> None:
    assert steps(studio(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "restart nginx, host is down",
        "restart nginx, host to follow",
        "restart nginx, host unclear",
        "restart nginx, host broken",
    ],
)
def test_a_remark_behind_a_label_is_no_value(text: str, studio: Read) -> None:
    assert ("restart_service", {"service": "nginx"}) in steps(studio(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deploy feature/production to staging", [("deploy_service", {"environment": "staging"})]),
        ("deploy staging/production", [("deploy_service", {})]),
        ("delete vm old/production", [("delete_vm", {})]),
        ("deploy shop to staging/production", [("deploy_service", {"service": "shop"})]),
        (
            "rollback shop/staging to production",
            [("rollback_service", {"environment": "production"})],
        ),
        (
            "run the pipeline of sdk-js on branch fix/production",
            [("run_pipeline", {"repo": "sdk-js", "branch": "fix/production"})],
        ),
    ],
)
def test_a_slash_is_no_border_where_the_environment_is_said_or_none_is_meant(
    text: str, expected: Steps, studio: Read
) -> None:
    assert steps(studio(text)) == expected


def test_a_second_day_is_told_back(studio: Read) -> None:
    found = studio('create a meeting "sync" tomorrow or friday')
    assert found.out_of_scope == ("friday",)


def test_a_second_day_makes_no_second_meeting_of_its_words(studio: Read) -> None:
    found = studio('create a meeting "sync" tomorrow at 2pm and friday at 3pm')
    assert [parameters["title"] for _, parameters in steps(found)] == ["sync"]
    assert found.out_of_scope == ("friday at 3pm",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reboot db1 but not today", "not today"),
        ("reboot db1, but not now", "not now"),
        ("someone has to reboot db1, but not you", "not you"),
    ],
)
def test_a_limit_that_no_plan_can_hold_is_told(text: str, told: str, studio: Read) -> None:
    assert any(told in words for words in studio(text).out_of_scope)


def test_a_look_is_repeated_behind_another_step(studio: Read) -> None:
    found = studio("check nginx, restart it, check again")
    assert [intent for intent, _ in only(found)] == [
        "check_service_status",
        "restart_service",
        "check_service_status",
    ]


def test_a_span_of_days_is_no_day(studio: Read) -> None:
    found = studio("set up a meeting 'training' from monday to friday")
    assert "date" not in steps(found)[0][1]


@pytest.mark.parametrize("when", ["later", "soon"])
def test_no_day_is_taken_from_a_vague_word(when: str, studio: Read) -> None:
    found = studio(f'create a meeting "sync" {when}')
    assert "date" not in steps(found)[0][1]


@pytest.mark.parametrize(
    "text", ["reboot db1 between the backup and reboot db2", "block web1 between and restart nginx"]
)
def test_an_order_behind_and_is_read_also_after_between(text: str, studio: Read) -> None:
    said = {value for _, parameters in steps(studio(text)) for value in parameters.values()}
    assert said & {"db2", "nginx"}


def test_it_is_what_a_machine_is_rebooted_from(studio: Read) -> None:
    found = studio("restart nginx on web1. then reboot it from rescue")
    assert ("reboot_host", {"host": "rescue"}) not in steps(found)


def test_them_is_what_is_restored(studio: Read) -> None:
    found = studio("take a backup of shop and crm, then restore them from dump-7")
    restored = [parameters for intent, parameters in steps(found) if intent == "restore_database"]
    assert all(parameters.get("database") in {"shop", "crm"} for parameters in restored)
    assert not any("dump-7" in p.values() for i, p in steps(found) if i == "rollback_service")


@pytest.mark.parametrize(
    "text",
    ["create branch fix/production in shop", "review pull request 12 in acme/admin"],
)
def test_a_path_keeps_its_slash(text: str, over: Callable[[str], Read]) -> None:
    found = over("assistant")(text)
    said = {value for _, parameters in steps(found) for value in parameters.values()}
    assert not said & {"production", "admin"}


def test_a_shared_environment_is_split_off_alone(studio: Read) -> None:
    assert only(studio("rollback billing-api/staging")) == [
        ("rollback_service", {"service": "billing-api", "environment": "staging"})
    ]


def test_choices_in_the_lexicons_phrases_are_closed() -> None:
    text = files("orchestrator.nlu").joinpath("lexicon.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("  - ")]
    assert [line for line in lines if line.count("(") != line.count(")")] == []
    assert [line for line in lines if "|" in line and "(" not in line] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delete vm nad", [("delete_vm", {"host": "nad"})]),
        (
            "reboot db1, nad",
            [("reboot_host", {"host": "db1"}), ("reboot_host", {"host": "nad"})],
        ),
    ],
)
def test_a_last_word_is_a_name_and_no_slip_of_and(text: str, expected: Steps, studio: Read) -> None:
    assert only(studio(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "alice has a question about old-ci, delete it",
        "monitoring says the disk is full, reboot it",
        "production has a problem, reboot it",
        "redis was slow yesterday, today it is fine. reboot it",
    ],
)
def test_a_subject_is_no_antecedent_of_what_could_lose_data(text: str, studio: Read) -> None:
    found = studio(text)
    assert all(not parameters for _, parameters in steps(found))
    assert found.ambiguities


@pytest.mark.parametrize(
    "text",
    [
        "the mail read: we are angry so please delete old-ci",
        "bob wrote the site is down so please reboot db1",
        "the ticket says web1 hangs so please reboot web1",
    ],
)
def test_what_somebody_wrote_concludes_in_no_order(text: str, studio: Read) -> None:
    assert steps(studio(text)) == []


@pytest.mark.parametrize("text", ["rotate the shop key", "roll the dice"])
def test_a_phrase_of_a_description_is_no_other_verb(text: str, over: Callable[[str], Read]) -> None:
    assert steps(over("web")(text)) == []


@pytest.mark.parametrize(
    "told",
    [
        "omar in the other channel",
        "bob on slack",
        "tom via mail",
        "anna in #ops",
        "eva on the phone",
    ],
)
def test_who_said_it_elsewhere_orders_nothing(told: str, studio: Read) -> None:
    assert steps(studio(f"{told}: delete vm old-ci right away")) == []


def test_a_place_before_a_colon_is_no_speaker(studio: Read) -> None:
    assert only(studio("web1 in staging: reboot")) == [("reboot_host", {"host": "web1"})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reboot db1 gently", [("reboot_host", {"host": "db1"})]),
        ("reboot db1 in production", [("reboot_host", {"host": "db1"})]),
        ("reboot db1 and its replica", [("reboot_host", {"host": "db1"})]),
        ("restart nginx and the branch main", [("restart_service", {"service": "nginx"})]),
        ("will nginx and redis restart?", []),
        ("turn nginx and redis off and on", []),
        (
            "on web1: restart nginx, delete vm build7",
            [
                ("restart_service", {"service": "nginx", "host": "web1"}),
                ("delete_vm", {"host": "build7"}),
            ],
        ),
        ("in production: restore orders", [("restore_database", {"database": "orders"})]),
        (
            "revoke access of tom, grant anna instead",
            [("grant_access", {"user": "anna"})],
        ),
        (
            "restart nginx and open a ticket, title: slow, priority: high",
            [
                ("restart_service", {"service": "nginx"}),
                ("create_ticket", {"title": "slow", "priority": "high"}),
            ],
        ),
        ("reboot db1; do it tomorrow", []),
    ],
)
def test_what_is_said_beside_an_order_is_no_other_one(
    text: str, expected: Steps, studio: Read
) -> None:
    assert steps(studio(text)) == expected


@pytest.mark.parametrize(
    "text", ["will build7 and build8 delete?", "turn nginx and don't turn redis off"]
)
def test_a_question_and_a_denial_order_nothing(text: str, over: Callable[[str], Read]) -> None:
    assert steps(over("platform")(text)) == []


def test_no_high_risk_is_chosen_for_lacking_less(over: Callable[[str], Read]) -> None:
    found = over("company")("roll back shop")
    assert [intent for intent, _ in steps(found)] == ["rollback_app"]
    assert found.ambiguities


def test_a_broad_verb_alone_is_no_question(over: Callable[[str], Read]) -> None:
    assert over("servers")("Register example.com for 2 years").ambiguities == ()
