"""How a request is put together: lists of targets, looks that are repeated, clauses that add."""

from collections.abc import Callable

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import understand
from tests.nlu.conftest import HERE
from tests.nlu.found import Read, Steps, only, steps


@pytest.fixture(scope="module")
def games() -> Read:
    catalog = load_catalog([HERE / "games_catalog.yaml"])
    return lambda text: understand(text, catalog)


@pytest.fixture(scope="module")
def servers(over: Callable[[str], Read]) -> Read:
    return over("servers")


def each(intent: str, name: str, *values: str) -> Steps:
    return [(intent, {name: value}) for value in values]


# --- lists of targets ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "restart skyblock, creative and minigames",
            each("restart_server", "server", "skyblock", "creative", "minigames"),
        ),
        ("status of ts3 and mumble", each("server_status", "server", "ts3", "mumble")),
        (
            "status of ts3, mumble and zomboid",
            each("server_status", "server", "ts3", "mumble", "zomboid"),
        ),
        ("restart skyblock nad creative", each("restart_server", "server", "skyblock", "creative")),
        ("restart skyblock adn creative", each("restart_server", "server", "skyblock", "creative")),
        ("restart skyblock an d lobby", each("restart_server", "server", "skyblock", "lobby")),
    ],
)
def test_bare_names_of_a_list_are_targets_of_one_capability(
    text: str, expected: Steps, games: Read
) -> None:
    assert only(games(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("restart factorio, mate", each("restart_server", "server", "factorio")),
    ],
)
def test_who_is_spoken_to_is_no_target(text: str, expected: Steps, games: Read) -> None:
    assert steps(games(text)) == expected


# --- a look that is repeated ---


@pytest.mark.parametrize("again", ["check again", "check it again"])
def test_a_look_again_is_the_look_before_it(again: str, games: Read) -> None:
    assert only(games(f"status of skyblock. restart skyblock, then {again}")) == [
        *each("server_status", "server", "skyblock"),
        *each("restart_server", "server", "skyblock"),
        *each("server_status", "server", "skyblock"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "resolve wiki.acme.test, restart skyblock, then resolve it again",
        "what does wiki.acme.test resolve to? restart skyblock and resolve it again",
    ],
)
def test_small_talk_elsewhere_repeats_a_step_that_has_its_verb(text: str, games: Read) -> None:
    assert only(games(text)) == [
        *each("dns_lookup", "name", "wiki.acme.test"),
        *each("restart_server", "server", "skyblock"),
        *each("dns_lookup", "name", "wiki.acme.test"),
    ]


def test_resolve_it_alone_repeats_nothing(games: Read) -> None:
    found = only(games("resolve wiki.acme.test, restart skyblock. please resolve it"))
    assert [name for name, _ in found] == ["dns_lookup", "restart_server"]


# --- one step said in two clauses ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "take a backup of the orders db and keep it for 90 days",
            [{"database": "orders", "keep_days": 90}],
        ),
        (
            "Take a backup of the orders db. Keep it for 90 days please",
            [{"database": "orders", "keep_days": 90}],
        ),
        (
            "back up orders and wiki and keep them for 30 days",
            [{"database": "orders", "keep_days": 30}, {"database": "wiki", "keep_days": 30}],
        ),
        (
            "back up orders, keep it for 30 days and keep it for 90 days",
            [{"database": "orders", "keep_days": 30}, {"database": "orders", "keep_days": 90}],
        ),
    ],
)
def test_a_clause_without_a_target_says_the_step_to_its_end(
    text: str, expected: list[dict[str, object]], games: Read
) -> None:
    assert only(games(text)) == [("create_backup", values) for values in expected]


def test_slow_queries_of_a_database_are_so_many(games: Read) -> None:
    found = only(games("slow queries on orders, top 10"))
    assert found == [("slow_queries", {"database": "orders", "limit": 10})]


def test_another_one_is_a_step_of_its_own(games: Read) -> None:
    found = steps(games("back up orders and take another backup, keep it for 9 days"))
    assert [name for name, _ in found] == ["create_backup", "create_backup"]


# --- what is taken back, told beside, or only waits for the end ---


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("reboot web1 and web2 - no, leave web2 alone. and close port 8443 on web1", ["web1"]),
        ("reboot web1 and web2. no wait, not web2. then reboot db1", ["web1", "db1"]),
        ("reboot web1 - no, reboot web2", ["web2"]),
        ("reboot web1. no wait, don't reboot web1, reboot web2", ["web2"]),
    ],
)
def test_a_correction_takes_back_what_it_names(text: str, hosts: list[str], servers: Read) -> None:
    found = [values["host"] for name, values in steps(servers(text)) if name == "reboot_host"]
    assert found == hosts


def test_a_contraction_only_points(servers: Read) -> None:
    found = steps(servers("show the logs of nginx on web1. if it's complaining, restart it"))
    assert found[1] == ("restart_service", {"service": "nginx", "host": "web1"})


@pytest.mark.parametrize(
    "told",
    [
        "dave: reboot web1 now\nbot: on it\n\nfound that in the channel. anyway, ",
        "omar: reboot web1\nme: no lol. ",
    ],
)
def test_a_told_dialogue_is_not_told_back_beside_a_request(told: str, servers: Read) -> None:
    assert only(servers(told + "show the disk usage of db1")) == [
        ("disk_usage", {"host": "db1"}),
    ]


def test_what_stands_behind_a_heading_is_told_back(servers: Read) -> None:
    found = servers("Foobar: reboot web1\nshow the disk usage of db1")
    assert found.out_of_scope == ("reboot web1",)


@pytest.mark.parametrize(
    "text",
    [
        "nginx on web1 keeps crashing so please restart it",
        "nginx on web1 is slow so could you restart it",
        "ugh, what a day. restart nginx on web1 and tell me if it worked",
        "restart nginx on web1 and tell me how that went",
        "restart nginx on web1. Did it work?",
    ],
)
def test_a_conclusion_orders_and_its_outcome_is_no_request(text: str, servers: Read) -> None:
    assert only(servers(text)) == [("restart_service", {"service": "nginx", "host": "web1"})]


def test_another_question_behind_a_step_is_told_back(servers: Read) -> None:
    found = servers("restart nginx on web1 and tell me how the demo went")
    assert found.out_of_scope == ("tell me how the demo went",)


@pytest.mark.parametrize(
    "text",
    [
        "I'm filling in a form and need to know if nginx is running on web1",
        "I need to know whether nginx is running on web1",
    ],
)
def test_who_needs_to_know_asks(text: str, servers: Read) -> None:
    assert only(servers(text)) == [("service_status", {"service": "nginx", "host": "web1"})]


# --- what a remark speaks of ---


@pytest.mark.parametrize(
    "remark",
    [
        "nginx gives a 502 to half of the team, ",
        "nginx throws an error again. ",
        "noticed that nginx is two versions behind, embarrassing. ",
        "nginx is down, typical. ",
    ],
)
def test_the_service_is_the_one_that_a_remark_is_about(remark: str, servers: Read) -> None:
    found = only(servers(remark + "could you restart the service on web1?"))
    assert found == [("restart_service", {"service": "nginx", "host": "web1"})]


@pytest.mark.parametrize("remark", ["nothing works. ", "lunch was great. "])
def test_what_is_no_name_is_not_spoken_of(remark: str, servers: Read) -> None:
    found = servers(remark + "could you restart the service on web1?")
    assert steps(found) == [("restart_service", {"host": "web1"})]
    assert found.ambiguities


def test_what_they_wish_to_see_is_spoken_of(servers: Read) -> None:
    found = steps(servers("they would love to see the service billing-api. restart that on web1"))
    assert found == [("restart_service", {"service": "billing-api", "host": "web1"})]


# --- what the end of a list tells of its beginning ---


@pytest.mark.parametrize(
    ("text", "players"),
    [
        ("whitelist Alice_B and Tom_77 on smp2", ["Alice_B", "Tom_77"]),
        ("whitelist Alice_B, Bobo and Tom_77 on smp2", ["Alice_B", "Bobo", "Tom_77"]),
    ],
)
def test_a_list_is_of_what_its_last_item_is(text: str, players: list[str], games: Read) -> None:
    expected = [("whitelist_player", {"server": "smp2", "player": one}) for one in players]
    assert only(games(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Starte bitte nginx und redis auf web1 neu und zeig mir danach die Logs von nginx auf web1",
        "Starte nginx und redis auf web1 neu, zeig mir die Logs von nginx auf web1",
    ],
)
def test_a_particle_ends_a_list_before_the_next_order(text: str, servers: Read) -> None:
    found = only(servers(text))
    assert found[:2] == [
        ("restart_service", {"service": "nginx", "host": "web1"}),
        ("restart_service", {"service": "redis", "host": "web1"}),
    ]
    assert [name for name, _ in found[2:]] == ["show_logs"]
