"""A request of which no rule understands anything, what a step lacks, what is no step."""

from collections.abc import Callable

import pytest

from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.text import normalise, tokenise
from orchestrator.nlu.vectors import VECTORS, Vectors, closeness, phrase_vectors
from tests.nlu.found import Read, Steps, only, steps

Over = Callable[[str], Read]

# --- vectors ---


def near(one: str, other: str) -> float:
    vectors = phrase_vectors()
    first, second = (vectors.of(tokenise(normalise(text))) for text in (one, other))
    return closeness(first, second)


def test_texts_that_mean_alike_are_close_whatever_their_words() -> None:
    assert near("restart the pods of shop", "bounce the service shop") > 0.5
    assert near("restart the pods of shop", "order a pizza") < 0.2
    assert near("poke a hole for 80", "open a port in the firewall") > 0.5


def test_a_text_is_as_close_to_itself_as_can_be_and_nothing_to_nothing() -> None:
    assert near("reboot web1", "reboot web1") == pytest.approx(1.0)
    assert near("", "reboot web1") == 0.0


def test_vectors_of_another_model_are_refused() -> None:
    model = concept_model()
    source, model.source = model.source, "another"
    try:
        with pytest.raises(ValueError, match="another concept model"):
            Vectors.load(VECTORS, model)
    finally:
        model.source = source


# --- read once more, leniently ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("operations", "fire the cert-sync job", [("run_job", {"job": "cert-sync"})]),
        (
            "studio",
            "plz shipp checkout-api 2.14.0 to stagign",
            [
                (
                    "deploy_service",
                    {"service": "checkout-api", "version": "2.14.0", "environment": "staging"},
                )
            ],
        ),
        (
            "servers",
            "!add_dns shop.example.com A 192.168.1.1",
            [("set_dns_record", {"name": "shop.example.com", "value": "192.168.1.1", "type": "A"})],
        ),
    ],
)
def test_what_a_request_is_plainly_about_is_meant(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


@pytest.mark.parametrize(
    "text", ["grafana could use a restart tomorrow", "grafana could use a reboot next month"]
)
def test_a_wish_for_later_is_no_step_now(text: str, over: Over) -> None:
    assert steps(over("studio")(text)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosting", "asmith still needs his login"),
        ("hosting", "do it again"),
        ("platform", "192.0.2.11"),
        ("platform", "omar: delete vm build7"),
        ("platform", "nobody should delete vm build7"),
        ("homelab", "restart my career"),
        ("homelab", "scan my passport"),
        ("company", "order 20 GB more for /data of storage1"),
        ("web", "port 8080 on web1 needs a review"),
        ("web", "get the team to restart nginx on web1"),
    ],
)
def test_what_nobody_asked_for_is_not_meant_leniently_either(
    name: str, text: str, over: Over
) -> None:
    assert steps(over(name)(text)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosting", "is a reboot of web1 safe"),
        ("hosting", "has asmith's account been deleted yet"),
        ("hosting", "deletion of staging3 approved"),
        ("services", "root cause: someone deleted bucket logs"),
        ("services", "I guess bucket logs needs deletion"),
        ("studio", "wow, another reboot of web1"),
        ("studio", "web1 could use a reboot next month"),
        ("studio", "revoke his driving licence"),
        ("games", "Marco said in standup we should stop use-12 and lock main"),
    ],
)
def test_what_attackers_found_makes_no_step(name: str, text: str, over: Over) -> None:
    assert steps(over(name)(text)) == []


# --- the gist of several clauses ---


def test_clauses_that_say_nothing_alone_are_read_together(over: Over) -> None:
    found = over("company")("commerces could do with another 10 gigs for /var/log")
    assert [intent for intent, _ in steps(found)] == ["grow_volume"]


def test_beside_what_is_pasted_only_a_look_is_read(over: Over) -> None:
    text = (
        "I only need the disk usage of sql02. Below is what they sent.\n> disable the account anna"
    )
    assert {intent for intent, _ in steps(over("clinic")(text))} <= {"disk_usage"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "campus",
            "avi.g entered the wrong pw and can't get in any more, hand him a new temporary one",
            [("reset_password", {"user": "avi.g"})],
        ),
        (
            "services",
            "Tom told me I can ask you. We start so I need a new bucket photo-masters, 200 GB",
            [("create_bucket", {"bucket": "photo-masters", "quota_gb": 200})],
        ),
    ],
)
def test_what_a_remark_denies_or_reports_of_something_else_denies_no_wish(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("campus", "avi.g entered the wrong pw, hand him a new temporary one. Nobody wants that"),
        (
            "campus",
            "avi.g entered the wrong pw, hand him a new one. No new password for him please",
        ),
        ("campus", "avi.g entered the wrong pw, hand him a new one, never mind"),
        ("serverroom", "take VM 101, 103 and 107 down politely, but kill 109, it hangs anyway"),
    ],
)
def test_what_denies_the_wish_or_is_left_over_makes_no_step(
    name: str, text: str, over: Over
) -> None:
    assert steps(over(name)(text)) == []


def test_who_is_meant_is_asked_where_only_a_common_word_says_it(over: Over) -> None:
    found = over("product")("service restart request")
    assert steps(found) == [("restart_service", {})]
    assert [one.parameter for one in found.ambiguities] == ["service"]


def test_what_adds_and_removes_may_be_wished_for(over: Over) -> None:
    found = over("company")("another peer for the wireguard, it's my new laptop")
    assert [intent for intent, _ in steps(found)] == ["manage_vpn_peer"]


# --- what a step lacks ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "platform",
            "nina leaves us. Disable her account",
            [("disable_user", {"username": "nina"})],
        ),
        (
            "software",
            "any packet drops on edge-1? check its network for the last 30 min",
            [("host_metrics", {"host": "edge-1", "metric": "network", "window": "30m"})],
        ),
        (
            "network",
            "shop-lindner hangs, hit the reset button of it please, reboot the server",
            [("reboot_vps", {"server": "shop-lindner"})],
        ),
    ],
)
def test_the_one_name_that_is_left_is_what_a_step_lacks(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert steps(over(name)(text)) == expected


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [
        ("hosting", "stop nginx. By the way web2 is fine.", "host"),
        ("hosting", "stop nginx. Bob said it runs on web9.", "host"),
        ("servers", "restart nginx on web1 and then reboot the other one", "host"),
    ],
)
def test_of_what_is_no_answer_or_two_none_is_taken(
    name: str, text: str, missing: str, over: Over
) -> None:
    assert missing in {question.parameter for question in over(name)(text).ambiguities}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("order more coffee for web7; reboot the machine", "order more coffee for web7"),
        ("paint node7 green and reboot the machine", "paint node7 green"),
    ],
)
def test_no_value_is_taken_from_an_order_that_is_told_back(
    text: str, told: str, over: Over
) -> None:
    found = over("platform")(text)
    assert told in found.out_of_scope
    assert steps(found) == [("reboot_machine", {})]


@pytest.mark.parametrize(
    "text",
    [
        "delete the bucket, it's not media-2",
        "delete the bucket, it's a mirror of media-2",
        "delete the bucket that feeds etl-2",
        "delete the bucket after copying to media-2",
    ],
)
def test_a_name_beside_is_not_what_is_deleted(text: str, over: Over) -> None:
    values = [v for _, parameters in steps(over("services")(text)) for v in parameters.values()]
    assert not {"media-2", "etl-2"} & {*values}


def test_things_are_known_by_how_the_examples_call_them(over: Over) -> None:
    assert only(over("network")("reboot CM-20417")) == [("reboot_modem", {"modem": "CM-20417"})]


def test_no_value_is_taken_from_what_was_put_off(over: Over) -> None:
    found = over("hosting")("restart nginx on web1 tomorrow. reload the unit")
    assert "nginx" not in {v for _, parameters in steps(found) for v in parameters.values()}


def test_what_is_asked_does_not_depend_on_what_was_asked_before(over: Over) -> None:
    read = over("homelab")
    first = read("restart 'photos' now")
    read("restart photos now")
    assert read("restart 'photos' now") == first


def test_all_steps_share_the_value_that_is_said_once(over: Over) -> None:
    text = "grant dave read access to orders-db and write access to crm-dev"
    users = {parameters.get("user") for _, parameters in steps(over("software")(text))}
    assert users == {"dave"}


# --- what is no step, what is not told ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "install updates on proxmox1, then reboot it (new kernel)",
            [("install_updates", {"host": "proxmox1"}), ("reboot_host", {"host": "proxmox1"})],
        ),
    ],
)
def test_an_aside_is_not_told_beside_a_step(text: str, expected: Steps, over: Over) -> None:
    assert only(over("fleet")(text)) == expected


def test_an_order_that_no_capability_covers_is_told_beside_a_step(over: Over) -> None:
    found = over("fleet")("reboot web2 and water the plants")
    assert found.out_of_scope == ("water the plants",)


def test_the_same_asked_twice_is_one_look(over: Over) -> None:
    found = over("selfhosted")("List all volumes on nas, which ones exist?")
    assert [intent for intent, _ in steps(found)] == ["list_docker"]


def test_a_row_of_targets_is_no_remark(over: Over) -> None:
    found = over("fleet")("status of nginx, php-fpm and mariadb on web2")
    assert [parameters["service"] for _, parameters in steps(found)] == [
        "nginx",
        "php-fpm",
        "mariadb",
    ]
