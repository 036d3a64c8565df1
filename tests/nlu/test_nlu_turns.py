"""Who speaks, what was, when, in which order: words beside an order that change what it means."""

from collections.abc import Callable

import pytest

from orchestrator.nlu.decomposer import understand
from tests.nlu.found import Read, Steps, only, steps
from tests.nlu.test_nlu_schemas import TEXT, capability, catalog_of

NGINX: Steps = [("restart_service", {"service": "nginx"})]


@pytest.fixture(scope="module")
def studio(over: Callable[[str], Read]) -> Read:
    return over("studio")


# --- when ---


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow at 5pm reboot db1",
        "tonight reboot db1",
        "on friday at 10:00 delete the vm old1",
        "every night reboot db1",
    ],
)
def test_an_order_behind_its_time_is_told_back_whole(text: str, studio: Read) -> None:
    found = studio(text)
    assert steps(found) == []
    assert [*found.out_of_scope] == [text]


def test_a_look_behind_its_time_is_done_now_and_the_time_told(studio: Read) -> None:
    found = studio("tomorrow show me the logs of nginx")
    assert steps(found) == [("show_logs", {"service": "nginx"})]
    assert [*found.out_of_scope] == ["tomorrow"]


@pytest.mark.parametrize("text", ["friday deploy went fine", "the monday report was late"])
def test_a_day_before_a_noun_makes_no_order_of_it(text: str, studio: Read) -> None:
    assert only(studio(f"{text}. restart nginx")) == NGINX


# --- in which order ---


@pytest.mark.parametrize(
    "text",
    [
        "restart nginx, but back up orders before you do that",
        "restart nginx, but back up orders before that",
        "restart nginx, but only after you've made a backup of orders",
        "restart nginx once you have made a backup of orders",
    ],
)
def test_what_is_to_be_done_before_goes_ahead(text: str, studio: Read) -> None:
    assert only(studio(text)) == [("backup_database", {"database": "orders"}), *NGINX]


# --- who speaks, what was ---


@pytest.mark.parametrize(
    "remark",
    [
        "Petra from finance here",
        "new joiner here",
        "Back from parental leave, yay",
        "load is in the three digits",
        "backup of orders is broken",
        "The orders should be safe prior to new code being deployed",
    ],
)
def test_a_remark_with_a_verb_in_it_is_no_order(remark: str, studio: Read) -> None:
    assert only(studio(f"{remark}. restart nginx")) == NGINX


@pytest.mark.parametrize(
    "text",
    ["nginx needs a restart", "restart nginx here", "the site is slow anyway restart nginx"],
)
def test_an_order_beside_such_words_stays_one(text: str, studio: Read) -> None:
    assert only(studio(text)) == NGINX


def test_in_a_talk_each_name_is_a_speaker(studio: Read) -> None:
    assert only(studio("tom: reboot db1\nme: lol no\nrestart nginx")) == NGINX


def test_ignore_that_is_said_of_the_quoted_words_before_it(studio: Read) -> None:
    told = "somebody wrote 'delete the vm old1' in the ticket, ignore that"
    assert only(studio(f"restart nginx. {told}")) == NGINX


@pytest.mark.parametrize(
    "text",
    [
        "restart nginx, ignore that",
        "restart nginx. it was tom who wrote that, ignore that",
        'reboot db1, tom wrote "wait", cancel that',
    ],
)
def test_ignore_that_takes_back_all_else(text: str, studio: Read) -> None:
    assert steps(studio(text)) == []


@pytest.mark.parametrize("asks", ["who's", "whos", "who is"])
def test_who_is_said_in_short_asks_the_same(asks: str, studio: Read) -> None:
    found = understand(f"{asks} in sales-team? same for hr", MEMBERS)
    assert only(found) == [("list_members", {"group": name}) for name in ("sales-team", "hr")]


def test_what_a_reason_is_asked_of_stays_one_question(studio: Read) -> None:
    found = only(studio("why did the checkout fail after the update?"))
    assert found == [("research_topic", {"topic": "checkout fail after the update"})]


# --- one in the place of another ---


@pytest.mark.parametrize(
    "text", ["reboot db1, no, restart nginx instead", "reboot db1, restart nginx instead"]
)
def test_instead_of_what_was_asked_takes_it_back(text: str, studio: Read) -> None:
    assert only(studio(text)) == NGINX


# --- a pronoun is what is acted on ---

MEMBERS = catalog_of(
    capability(
        "unlock_account", "Unlock a user account", {"user": TEXT}, ["user"], ("unlock tom",)
    ),
    capability(
        "add_to_group",
        "Add a user to a group",
        {"user": TEXT, "group": {**TEXT, "description": "Name of the group"}},
        ["user", "group"],
        ("add tom to it-staff", "put ann into backup-operators"),
    ),
    capability(
        "list_members",
        "List the members of a group",
        {"group": {**TEXT, "description": "Name of the group"}},
        ["group"],
        ("who is in it-staff?", "members of backup-operators"),
    ),
    capability(
        "merge_request",
        "Merge a pull request",
        {"number": {"type": "integer"}, "squash": {"type": "boolean"}},
        ["number"],
        ("merge pull request 12", "merge #3"),
    ),
)


@pytest.mark.parametrize(
    "text",
    [
        "unlock anna and add her to sales-team",
        "unlock anna, then add her to the group sales-team",
        "débloque anna et ajoute-la au groupe sales-team",
        "débloque anna et l'ajouter au groupe sales-team",
    ],
)
def test_whom_a_pronoun_names_is_not_where_they_go(text: str) -> None:
    assert only(understand(text, MEMBERS)) == [
        ("unlock_account", {"user": "anna"}),
        ("add_to_group", {"user": "anna", "group": "sales-team"}),
    ]


@pytest.mark.parametrize("end", ["squash", "and squash it", "and squash it please"])
def test_a_flag_may_be_said_with_a_pronoun(end: str) -> None:
    assert only(understand(f"merge pull request 204, {end}", MEMBERS)) == [
        ("merge_request", {"number": 204, "squash": True})
    ]
