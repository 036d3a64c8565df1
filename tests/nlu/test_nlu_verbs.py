"""Which verb an order has, where it is told by a name only, or stands as a noun."""

from collections.abc import Callable

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import understand
from tests.nlu.conftest import HERE
from tests.nlu.found import Read, Steps, only, steps

MIRROR = "ftp.example.net"
SITE = "blog.example.org"


@pytest.fixture(scope="module")
def wordy() -> Read:
    catalog = load_catalog([HERE / "wordy_catalog.yaml"])
    return lambda text: understand(text, catalog)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cancel lint", [("cancel_job", {"job": "lint"})]),
        ("please cancel the job docs-build", [("cancel_job", {"job": "docs-build"})]),
        ("take a screenshot of example.org", [("take_screenshot", {"page": "example.org"})]),
        ("take a fresh screenshot of example.org", [("take_screenshot", {"page": "example.org"})]),
        ("resolve inc-2419", [("resolve_incident", {"incident": "inc-2419"})]),
    ],
)
def test_a_name_gives_its_verb(text: str, expected: Steps, wordy: Read) -> None:
    assert only(wordy(text)) == expected


@pytest.mark.parametrize("text", ["take a break", "take my word for it"])
def test_a_light_verb_of_a_name_needs_its_noun(text: str, wordy: Read) -> None:
    assert steps(wordy(text)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("give db1 a power cycle", [("reboot_server", {"server": "db1"})]),
        ("power-cycle db1", [("reboot_server", {"server": "db1"})]),
        ("restart nginx", [("restart_service", {"service": "nginx"})]),
        ("bounce nginx", [("restart_service", {"service": "nginx"})]),
        ("drain web1", [("set_server_rotation", {"server": "web1", "state": "out"})]),
        (
            "put web1 back in rotation",
            [("set_server_rotation", {"server": "web1", "state": "in"})],
        ),
    ],
)
def test_a_verb_says_what_it_is_done_to_and_how_it_ends(
    text: str, expected: Steps, wordy: Read
) -> None:
    assert only(wordy(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("how is bots-1 doing?", [("host_health", {"server": "bots-1"})]),
        ("check the health of bots-1", [("host_health", {"server": "bots-1"})]),
        ("patch status of bots-1", [("patch_status", {"server": "bots-1"})]),
        ("list patches of bots-1", [("patch_status", {"server": "bots-1"})]),
        ("patch bots-1", [("install_updates", {"server": "bots-1"})]),
    ],
)
def test_what_shows_something_has_no_other_verb(text: str, expected: Steps, wordy: Read) -> None:
    assert only(wordy(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"resync {MIRROR}", [("sync_mirror", {"mirror": MIRROR})]),
        (
            f"please do a full resync of {MIRROR}",
            [("sync_mirror", {"mirror": MIRROR, "full": True})],
        ),
        (f"force a resync of {MIRROR}", [("sync_mirror", {"mirror": MIRROR})]),
        (f"request a manual cache purge of {SITE}", [("purge_cache", {"site": SITE})]),
        ("kick off patching for bots-1", [("install_updates", {"server": "bots-1"})]),
        ("carry out the reboot of bots-1", [("reboot_server", {"server": "bots-1"})]),
        ("kick off a restart of nginx", [("restart_service", {"service": "nginx"})]),
    ],
)
def test_a_noun_says_what_is_done(text: str, expected: Steps, wordy: Read) -> None:
    assert only(wordy(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "patcher on bots-1",
        "remarkable reboots of bots-1",
        "kick off the reboot discussion about bots-1",
        "request a report on the restart of nginx",
        "the resync of ftp.example.net was fine",
    ],
)
def test_a_noun_that_is_only_spoken_of_does_nothing(text: str, wordy: Read) -> None:
    assert steps(wordy(text)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go back to the last snapshot of vm7", [("rollback_snapshot", {"guest": "vm7"})]),
        ("go back to the last backup of vm7", [("restore_backup", {"guest": "vm7"})]),
    ],
)
def test_of_equal_readings_the_one_that_is_named_is_meant(
    text: str, expected: Steps, wordy: Read
) -> None:
    assert only(wordy(text)) == expected


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"put {SITE} into maintenance mode", "on"),
        (f"put {SITE} in maintenance", "on"),
        (f"mets {SITE} en maintenance", "on"),
        (f"take {SITE} out of maintenance", "off"),
    ],
)
def test_what_is_put_into_a_mode_is_switched(text: str, state: str, wordy: Read) -> None:
    assert only(wordy(text)) == [("maintenance_mode", {"site": SITE, "state": state})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("how much room is left on bots-1?", [("disk_usage", {"server": "bots-1"})]),
        (f"Quand expire le certificat de {SITE} ?", [("certificate_expiry", {"domain": SITE})]),
        (f"¿Cuándo caduca el certificado de {SITE}?", [("certificate_expiry", {"domain": SITE})]),
        (
            "any idea why docs-build keeps failing?",
            [("investigate_failure", {"job": "docs-build"})],
        ),
        ("give the tests of crm another spin", [("run_tests", {"repo": "crm"})]),
        (
            "approve the messages held on team-devel",
            [("moderate_list", {"list": "team-devel", "action": "accept"})],
        ),
    ],
)
def test_words_of_operations_work_are_known(text: str, expected: Steps, wordy: Read) -> None:
    assert only(wordy(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"quand le certificat de {SITE} expire, on aura un souci",
        "the meeting room has space for ten",
        "put maintenance on the agenda",
        "go back to work",
        "give her another try at the quiz",
    ],
)
def test_the_same_words_elsewhere_ask_for_nothing(text: str, wordy: Read) -> None:
    assert steps(wordy(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "delete everything on the backup server",
        "remove all of it from nas1",
        "please delete everything from nas1",
        "Lösch alles auf nas1",
    ],
)
@pytest.mark.parametrize("name", ["platform", "homelab"])
def test_what_removes_something_is_not_meant_by_all_there_is(
    name: str, text: str, over: Callable[[str], Read]
) -> None:
    found = over(name)(text)
    assert not found.subtasks
    assert found.out_of_scope or found.ambiguities


def test_all_of_what_a_capability_removes_is_its(over: Callable[[str], Read]) -> None:
    [(intent, _)] = steps(over("platform")("remove all of the messages from the queue invoices"))
    assert intent == "purge_queue"
