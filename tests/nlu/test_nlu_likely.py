"""Which capabilities are read at all, and which word names what one acts on."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, Steps, only, steps


@pytest.mark.parametrize(
    ("catalogue", "text", "expected"),
    [
        ("selfhosted", "what's down?", [("uptime_report", {})]),
        (
            "serverroom",
            "How many containers are running on pve1?",
            [("guest_overview", {"node": "pve1"})],
        ),
        (
            "platform",
            "Our users in Asia can't log in. Please have a look at the auth-proxy, and bounce it.",
            [
                ("service_health", {"service": "auth-proxy"}),
                ("restart_service", {"service": "auth-proxy"}),
            ],
        ),
    ],
)
def test_what_is_unlikely_is_no_rival(
    catalogue: str, text: str, expected: Steps, over: Callable[[str], Read]
) -> None:
    assert only(over(catalogue)(text)) == expected


@pytest.mark.parametrize(
    ("catalogue", "text", "expected"),
    [
        (
            "cloud",
            "tf plan on edge-prod and edge-staging pls",
            [
                ("terraform_plan", {"workspace": "edge-prod"}),
                ("terraform_plan", {"workspace": "edge-staging"}),
            ],
        ),
        (
            "campus",
            "did borg really get through with share-physics?",
            [("check_backup_status", {"source": "share-physics"})],
        ),
        ("servers", "is gitlab up?", [("service_status", {"service": "gitlab"})]),
    ],
)
def test_a_name_is_taken_before_a_loose_word(
    catalogue: str, text: str, expected: Steps, over: Callable[[str], Read]
) -> None:
    assert only(over(catalogue)(text)) == expected


def test_a_whole_request_needs_less_where_nothing_else_was_understood(
    over: Callable[[str], Read],
) -> None:
    text = "könnt ihr dem node pve2 mal nen neustart verpassen, der hängt komplett"
    assert only(over("homerack")(text)) == [("reboot_node", {"node": "pve2"})]


def test_what_its_words_hardly_mean_is_no_step(over: Callable[[str], Read]) -> None:
    text = "please get all pods off node arjuna-d014 before he pulls the plug"
    found = steps(over("cloud")(text))
    assert found == [("drain_node", {"node": "arjuna-d014"})]
