"""What a request says once for several steps: a place ahead, a particle or a noun at the end."""

from collections.abc import Callable

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import understand
from tests.nlu.conftest import HERE
from tests.nlu.found import Read, Steps, only, steps
from tests.nlu.test_nlu_schemas import TEXT, capability, catalog_of


@pytest.fixture(scope="module")
def mixed() -> Read:
    catalog = load_catalog([HERE / "mixed_catalog.yaml"])
    return lambda text: understand(text, catalog)


@pytest.fixture(scope="module")
def studio(over: Callable[[str], Read]) -> Read:
    return over("studio")


@pytest.mark.parametrize(
    "text",
    [
        "on friday: reboot db1",
        "at 5pm, reboot db1",
        "in 10 minutes: reboot db1",
        "on omar: reboot db1",
        "on db1 the backup failed",
    ],
)
def test_a_time_or_a_person_ahead_orders_nothing(text: str, studio: Read) -> None:
    assert steps(studio(text)) == []


@pytest.mark.parametrize(
    "text", ["coffee first, then: restart nginx", "ok coffee first then: restart nginx"]
)
def test_what_says_when_before_a_colon_is_no_speaker(text: str, studio: Read) -> None:
    assert only(studio(text)) == [("restart_service", {"service": "nginx"})]


def test_a_name_before_a_colon_is_a_speaker_still(studio: Read) -> None:
    assert steps(studio("ok omar: reboot db1")) == []


@pytest.mark.parametrize(
    "text",
    [
        "turn the kitchen and hall lights off",
        "turn the kitchen and hall lights off please",
        "turn off the kitchen and hall lights",
        "switch the kitchen lights and the hall lights off",
    ],
)
def test_what_ends_a_list_is_said_of_all_of_it(text: str, mixed: Read) -> None:
    assert only(mixed(text)) == [
        ("set_light", {"room": room, "state": "off"}) for room in ("kitchen", "hall")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "turn the kitchen lights off and the hall lights on",
            [("kitchen", "off"), ("hall", "on")],
        ),
        (
            "turn off the kitchen lights, and the hall lights on",
            [("kitchen", "off"), ("hall", "on")],
        ),
    ],
)
def test_each_with_a_particle_of_its_own_keeps_it(
    text: str, expected: list[tuple[str, str]], mixed: Read
) -> None:
    assert only(mixed(text)) == [
        ("set_light", {"room": room, "state": state}) for room, state in expected
    ]


def test_the_same_value_said_twice_is_no_other_one(studio: Read) -> None:
    text = "deploy shop 2.1 to staging and blog 1.3 to staging"
    assert only(studio(text)) == [
        ("deploy_service", {"service": name, "environment": "staging", "version": version})
        for name, version in (("shop", "2.1"), ("blog", "1.3"))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delete the vm old1 and the branch x of shop", ["delete_vm"]),
        ("restart nginx and the vm web1", ["restart_service", "reboot_host"]),
        ("restart nginx and the shop", ["restart_service", "restart_service"]),
        ("delete the vm old1 and the server old2", ["delete_vm", "delete_vm"]),
    ],
)
def test_a_thing_of_another_kind_is_no_further_target(
    text: str, expected: list[str], studio: Read
) -> None:
    risky = {"delete_vm", "restart_service", "reboot_host"}
    assert [intent for intent, _ in steps(studio(text)) if intent in risky] == expected


# --- behind a list ---


@pytest.fixture(scope="module")
def selfhosted(over: Callable[[str], Read]) -> Read:
    return over("selfhosted")


@pytest.fixture(scope="module")
def games() -> Read:
    catalog = load_catalog([HERE / "games_catalog.yaml"])
    return lambda text: understand(text, catalog)


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        ("when do a.test and b.test expire?", ["a.test", "b.test"]),
        ("when do a.test, b.test and c.test expire?", ["a.test", "b.test", "c.test"]),
        ("when does a.test expire?", ["a.test"]),
    ],
)
def test_what_is_asked_at_the_end_is_asked_of_each(
    text: str, domains: list[str], studio: Read
) -> None:
    assert only(studio(text)) == [("check_certificate", {"domain": name}) for name in domains]


def test_each_with_a_question_of_its_own_keeps_it(selfhosted: Read) -> None:
    found = steps(selfhosted("how warm are pve1 and pve2, and is grafana up?"))
    assert found[-1] == ("uptime_report", {"service": "grafana"})


STATS: Steps = [
    ("host_stats", {"host": "pve1", "metric": "memory"}),
    ("host_stats", {"host": "pve1", "metric": "cpu"}),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory and cpu of pve1", STATS),
        ("mem and cpu on pve1", STATS),
        ("load on pve1", [("host_stats", {"host": "pve1"})]),
        ("memory and load on pve1", [*STATS[:1], ("host_stats", {"host": "pve1"})]),
        (
            "mem and cpu on pve1, same for pve2",
            [*STATS, *((intent, {**given, "host": "pve2"}) for intent, given in STATS)],
        ),
    ],
)
def test_things_in_a_row_share_their_place(text: str, expected: Steps, selfhosted: Read) -> None:
    assert only(selfhosted(text)) == expected


@pytest.mark.parametrize("end", ["", ", then the same for db2"])
def test_what_is_looked_at_shares_its_place(end: str, hosting: Read) -> None:
    hosts = ["db1", "db2"] if end else ["db1"]
    assert only(hosting(f"check disk and load on db1{end}")) == [
        (intent, {"host": host}) for host in hosts for intent in ("disk_space", "host_load")
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("status of skyblock and search", ["skyblock", "search"]),
        ("status of skyblock, lobby and search", ["skyblock", "lobby", "search"]),
        ("status of skyblock and check", ["skyblock"]),
    ],
)
def test_the_last_name_of_a_list_may_be_a_verb_elsewhere(
    text: str, names: list[str], games: Read
) -> None:
    assert only(games(text)) == [("server_status", {"server": name}) for name in names]


def test_a_verb_that_nothing_does_is_told_back(games: Read) -> None:
    found = games("restart skyblock and search")
    assert steps(found) == [("restart_server", {"server": "skyblock"})]
    assert [*found.out_of_scope] == ["search"]


# --- kinds of things ---

LEAVERS = catalog_of(
    capability(
        "delete_user",
        "Delete the account of a user and its mailbox",
        {"user": TEXT},
        ["user"],
        ("delete user anna",),
    )
)


@pytest.mark.parametrize(
    "text", ["delete user eva and the mailbox", "delete user eva, and her mailbox"]
)
def test_what_the_capability_acts_on_anyway_is_no_further_target(text: str) -> None:
    assert only(understand(text, LEAVERS)) == [("delete_user", {"user": "eva"})]


@pytest.mark.parametrize(
    "text",
    [
        "what version of pricing is on staging and what's on production",
        "what version of pricing is on staging and what is on production?",
    ],
)
def test_asked_of_another_place_the_question_stays_the_same(text: str) -> None:
    assert only(understand(text, VERSIONS)) == [
        ("show_version", {"service": "pricing", "environment": place})
        for place in ("staging", "production")
    ]


VERSIONS = catalog_of(
    capability(
        "show_version",
        "Show which version of a service is deployed in an environment",
        {"service": TEXT, "environment": {"enum": ["staging", "production"]}},
        ["service"],
        ("which version of shop is on production?",),
    )
)
