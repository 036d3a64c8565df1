"""Which capability a request means, judged once rules have read all of it."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, Steps, only, steps

Over = Callable[[str], Read]

ADBLOCK = (
    "adblock off for half an hour pls, i need to get to a page, and it shouldnt get forgotten like "
    "last time"
)
YELLING = "stop KubePersistentVolumeFullInFourDays yelling at us for the next 3 hours"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("homerack", ADBLOCK, [("pause_dns_filter", {"duration": "30m"})]),
        (
            "cloud",
            YELLING,
            [
                (
                    "silence_alert",
                    {"alert": "KubePersistentVolumeFullInFourDays", "minutes": 180},
                )
            ],
        ),
        (
            "studio",
            "peertube ne répond plus, 502 partout... un petit coup de pied au service sur vps3 svp",
            [("restart_service", {"service": "peertube", "host": "vps3"})],
        ),
        (
            "clinic",
            "¿En qué grupos está d.ortega?",
            [("account_info", {"username": "d.ortega"})],
        ),
    ],
)
def test_what_people_tell_in_their_own_words_is_meant(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("assistant", "Don't restart checkout-api, just check it's up"),
        ("serverroom", "Don't restart paperless, just check its logs"),
        ("company", "Jira is down?"),
    ],
)
def test_a_look_never_becomes_an_act(name: str, text: str, over: Over) -> None:
    found = over(name)(text)
    assert [intent for intent, _ in steps(found)] in ([["check_service"], ["app_chatter"]])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("clinic", "roll the vm lab-sql02 back to yesterday's snapshot"),
        ("logistics", "Please remove the A record with value 203.0.113.89 under x.example"),
        ("platform", "we won't deploy ledger today"),
        ("web", "port 8080 on web1 needs a review"),
        ("hosting", "asmith still needs his login"),
    ],
)
def test_what_is_denied_turned_round_or_only_told_makes_no_step(
    name: str, text: str, over: Over
) -> None:
    found = over(name)(text)
    assert steps(found) == []
    assert found.out_of_scope


@pytest.mark.parametrize("text", ["the server is down, do something!!", "fix it"])
def test_a_vague_wish_stays_a_question(text: str, over: Over) -> None:
    found = over("hosting")(text)
    assert steps(found) == []
    assert found.ambiguities


def test_what_was_told_back_beside_the_step_stays_told(over: Over) -> None:
    found = over("platform")("buy me a coffee. the ledger certificate in prod expires")
    assert "buy me a coffee" in found.out_of_scope


# --- values: what no option is, is not replaced ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "logistics",
            "jump-02 is the new one. Don't snapshot scan-lej-03, just delete it",
            ("delete_vm", {"vm": "scan-lej-03"}),
        ),
        (
            "collective",
            "I am georg.h here. Please close my account. Thanks, noor",
            ("close_account", {"member": "georg.h"}),
        ),
        (
            "servers",
            "jdoe complained. don't create maria, disable her",
            ("disable_user", {"username": "maria"}),
        ),
        (
            "selfhosted",
            "It is hot in the bedroom. close the bedroom blinds",
            ("control_device", {"device": "bedroom blinds", "action": "close"}),
        ),
    ],
)
def test_a_bystander_is_not_taken_for_what_rules_know(
    name: str, text: str, expected: tuple[str, object], over: Over
) -> None:
    assert steps(over(name)(text))[-1] == expected


@pytest.mark.parametrize(
    ("name", "text", "parameter"),
    [
        ("cloud", "delete the vm. Is web-02 up?", "vm"),
        ("web", "renew the certificate. api.example.com is not affected", "domain"),
        ("web", "renew the certificate. Requested by shop.example.com", "domain"),
        ("web", "My name is Anna. start the service again", "service"),
        ("games", "top 5 of that leaderboard please, arena-duo I know already", "leaderboard"),
    ],
)
def test_what_is_not_said_is_asked(name: str, text: str, parameter: str, over: Over) -> None:
    found = over(name)(text)
    assert parameter in [question.parameter for question in found.ambiguities]


def test_the_one_address_let_in_is_not_blocked(over: Over) -> None:
    text = (
        "Port 5432 of vps1 is reachable from the whole internet: block it, then allow it for "
        "72.60.6.0/24 only"
    )
    block, allow = steps(over("assistant")(text))
    assert "source" not in block[1]
    assert allow[1]["source"] == "72.60.6.0/24"
