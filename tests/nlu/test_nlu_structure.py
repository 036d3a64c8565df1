"""How a request is put together: lists of targets, looks that are repeated, clauses that add."""

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import understand
from tests.nlu.conftest import HERE
from tests.nlu.found import Read, Steps, only, steps


@pytest.fixture(scope="module")
def games() -> Read:
    catalog = load_catalog([HERE / "games_catalog.yaml"])
    return lambda text: understand(text, catalog)


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
