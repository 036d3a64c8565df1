"""What stands before an order and says where: a colon, a place, a purpose."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, Steps, only, steps

NGINX = ("restart_service", {"service": "nginx", "host": "web1"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "on web1 and web7: reboot",
            [("reboot_host", {"host": "web1"}), ("reboot_host", {"host": "web7"})],
        ),
        (
            "on web1: restart nginx, then reboot",
            [NGINX, ("reboot_host", {"host": "web1"})],
        ),
        ("on web1: restart nginx. Reboot web2", [NGINX, ("reboot_host", {"host": "web2"})]),
        (
            "on web1:\n- restart nginx\n- reboot\n\nReboot web2",
            [NGINX, ("reboot_host", {"host": "web1"}), ("reboot_host", {"host": "web2"})],
        ),
        (
            "edge-a and edge-b: restart nginx",
            [
                ("restart_service", {"service": "nginx", "host": "edge-a"}),
                ("restart_service", {"service": "nginx", "host": "edge-b"}),
            ],
        ),
        ("on web1 restart nginx", [NGINX]),
        ("for the certificate please restart nginx on web1", [NGINX]),
        ("Workaround: restart nginx on web1", [NGINX]),
        (
            "stop nginx on web1, on web2 restart redis",
            [
                ("stop_service", {"service": "nginx", "host": "web1"}),
                ("restart_service", {"service": "redis", "host": "web2"}),
            ],
        ),
    ],
)
def test_it_holds_for_the_orders_behind_it(text: str, expected: Steps, hosting: Read) -> None:
    assert only(hosting(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "omar and bob: reboot web1",
        "on omar: reboot web1",
        "the customer: reboot web1",
        "client: reboot web1",
        "mark: reboot web1",
        "build-bot: reboot web1",
        "cancelled: reboot web1",
        "nick: delete the account tom\nsue: please don't",
        "the user typed please delete the account tom",
        "note to self please reboot web1",
        "on web1 restart loop",
        "on web1 deploy failure",
        "web1: restart nginx",  # as "bob42: restart nginx" is, a line of a chat
        "on web1 nginx restarted",
        "on web1 backup failed",
        "to whom it may concern please restarted nginx",
    ],
)
def test_who_speaks_and_what_was_orders_nothing(text: str, hosting: Read) -> None:
    assert steps(hosting(text)) == []


def test_a_word_for_what_follows_is_no_target(over: Callable[[str], Read]) -> None:
    found = steps(over("logistics")("The queue label-jobs is stuck. Workaround: purge the queue."))
    assert found == [("purge_queue", {"queue": "label-jobs"})]


def test_who_is_named_again_does_not_speak(over: Callable[[str], Read]) -> None:
    created = ("manage_user", {"action": "create", "username": "tanzeeb"})
    company = over("company")
    assert steps(company("Onboarding - tanzeeb: create the account tanzeeb")) == [created]
    assert steps(company("tanzeeb: create the account tanzeeb")) == []  # asks for himself


@pytest.mark.parametrize(
    "text",
    [
        "on web1: restart nginx tomorrow",
        "on web1 and web2: reboot tonight at 22:00",
    ],
)
def test_what_is_for_later_waits_there_too(text: str, hosting: Read) -> None:
    found = hosting(text)
    assert steps(found) == []
    assert found.deferred


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "on web1: restart nginx on web2",
            [("restart_service", {"service": "nginx", "host": "web2"})],
        ),
        (
            "restart redis on db1, and on web1: restart nginx",
            [("restart_service", {"service": "redis", "host": "db1"}), NGINX],
        ),
        (
            "on web1 and web2: block 192.0.2.7",
            [("block_address", {"address": "192.0.2.7"})],
        ),
    ],
)
def test_what_says_its_own_place_keeps_it(text: str, expected: Steps, hosting: Read) -> None:
    assert steps(hosting(text)) == expected


def test_only_what_names_a_thing_is_a_place(hosting: Read) -> None:
    for head in (
        "ticket-77 and ticket-78",
        "INC-12 and INC-13",
        "user1 and user2",
        "to-do and ad-hoc",
    ):
        named = {str(parameters.get("host")) for _, parameters in steps(hosting(f"{head}: reboot"))}
        assert not named & {"ticket-77", "inc-12", "INC-12", "user1"}, head


def test_the_second_of_two_is_asked_for(hosting: Read) -> None:
    found = steps(hosting("on web1 and web2: restart nginx on the second one"))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("catalogue", "text", "expected"),
    [
        ("web", "owner: bob, host: db1, action: reboot", [("reboot_host", {"host": "db1"})]),
        (
            "hosting",
            "off-boarding: delete the account tom",
            [("delete_account", {"username": "tom"})],
        ),
        (
            "hosting",
            "on web1 and web2: backup the orders db to s3",
            [("backup_now", {"destination": "s3"})],
        ),
        ("hosting", "on thursday-night: restart nginx", []),
        ("hosting", "user-anna and user-tom: reboot web1", []),
        ("hosting", "guest-a and guest-b: reboot web1", []),
    ],
)
def test_what_stands_before_a_colon_is_not_any_target(
    catalogue: str, text: str, expected: Steps, over: Callable[[str], Read]
) -> None:
    assert steps(over(catalogue)(text)) == expected


def test_a_place_of_its_own_leaves_the_things_before_the_colon_out(hosting: Read) -> None:
    assert len(steps(hosting("web1 and web2: restart it on web3"))) == 1


def test_a_place_before_a_colon_is_no_title_that_takes_the_order_before_back(hosting: Read) -> None:
    found = steps(hosting("restart redis, and on web1: restart nginx"))
    assert [parameters["service"] for _, parameters in found] == ["redis", "nginx"]


def test_data_in_a_form_is_a_value(over: Callable[[str], Read]) -> None:
    text = "DNS record please. Name: api.acme.test, type: A, data: 192.0.2.7"
    record = {"name": "api.acme.test", "type": "A", "value": "192.0.2.7"}
    assert steps(over("assistant")(text)) == [("set_dns_record", record)]
