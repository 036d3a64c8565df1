"""What stands around an order and is none, and what a step takes from beside it."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, Steps, only, steps

Over = Callable[[str], Read]


def control(action: str, service: str, host: str) -> tuple[str, dict[str, object]]:
    return ("control_service", {"service": service, "action": action, "host": host})


def node(action: str) -> tuple[str, dict[str, object]]:
    return ("set_node_state", {"node": "worker-2", "action": action})


RESTART = control("restart", "nginx", "web1")


@pytest.mark.parametrize(
    "text",
    [
        "restart nginx on web1 (prod)",
        "restart nginx on web1 :sweat_smile:",
        "Cron mail from last night:\n[03:01] apt upgrade\n[03:02] reboot\n\nrestart nginx on web1",
        "Nginx restart:\n1) restart nginx on web1",
        "last time we melted, remember? So: restart nginx on web1",
    ],
)
def test_what_only_stands_beside_an_order_is_no_step(text: str, over: Over) -> None:
    assert only(over("operations")(text)) == [RESTART]


@pytest.mark.parametrize(
    ("catalogue", "text", "expected"),
    [
        (
            "assistant",
            "is nginx running on web1, web2 and db1?",
            [
                ("check_service", {"service": "nginx", "host": host})
                for host in ("web1", "web2", "db1")
            ],
        ),
        (
            "assistant",
            "Jenkins on ci1 is just sitting there. Can you please help restart it?",
            [control("restart", "jenkins", "ci1")],
        ),
        (
            "operations",
            "The nginx-proxy doesn't appear to be running on web1, could it be restarted?",
            [control("restart", "nginx-proxy", "web1")],
        ),
        (
            "operations",
            "create a 2-hour silence for the alert HighCPU",
            [("silence_alert", {"alert": "HighCPU", "duration": "2h"})],
        ),
        (
            "assistant",
            "compare redis and kafka",
            [("compare_options", {"first": "redis", "second": "kafka"})],
        ),
        (
            "assistant",
            "PR 83 of toolbox has a bug in its diff. Please review that PR",
            [("review_pull_request", {"repository": "toolbox", "number": 83})],
        ),
        (
            "assistant",
            "Your https cert on planet.example.org expired today, please get a fresh one",
            [("renew_certificate", {"domain": "planet.example.org"})],
        ),
        (
            "assistant",
            "db7 has been offline since Saturday, nobody dared to touch it. Give it a reboot",
            [("reboot_host", {"host": "db7"})],
        ),
        (
            "assistant",
            "Take a screenshot of the grafana window",
            [("take_screenshot", {"window": "grafana"})],
        ),
        (
            "assistant",
            "Create a branch called feature-login from main in the portal repository",
            [
                (
                    "create_branch",
                    {"repository": "portal", "branch": "feature-login", "base": "main"},
                )
            ],
        ),
        (
            "company",
            "Create a CNAME record with name 'url.example.org' and value 'cname.example.io'",
            [
                (
                    "set_dns_record",
                    {"type": "CNAME", "name": "url.example.org", "value": "cname.example.io"},
                )
            ],
        ),
        (
            "company",
            "worker-2: cordon, reboot, uncordon",
            [
                node("cordon"),
                ("power_machine", {"machine": "worker-2", "action": "reboot"}),
                node("uncordon"),
            ],
        ),
        (
            "company",
            "add tom to openvpn-admins, Wadeck approved it",
            [("change_group", {"action": "add", "username": "tom", "group": "openvpn-admins"})],
        ),
        (
            "web",
            "free disk space on etl1 (logs and tmp)",
            [("clean_disk", {"host": "etl1", "what": what}) for what in ("logs", "tmp")],
        ),
    ],
)
def test_a_step_takes_what_is_said_beside_it(
    catalogue: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(catalogue)(text)) == expected


def test_the_heading_of_a_list_is_no_job(over: Over) -> None:
    found = over("company")("Perform the following tasks on web1:\n1. restart nginx on web1")
    assert steps(found) == [RESTART]


def test_no_machine_is_called_as_the_world_is(over: Over) -> None:
    found = over("assistant")("Port 5432 of vps1 is reachable from the whole internet: block it")
    assert [step.parameters.get("host") for step in found.subtasks] == ["vps1"]


@pytest.mark.parametrize(
    "text",
    [
        "delete the screenshot of the grafana window",
        "where is the screenshot of the desktop?",
    ],
)
def test_likeness_alone_does_nothing_that_was_not_asked_for(text: str, over: Over) -> None:
    assert steps(over("assistant")(text)) == []


def test_what_likeness_finds_may_still_lack_something(over: Over) -> None:
    found = over("homelab")("take a backup now")
    assert [step.intent for step in found.subtasks] == ["take_backup"]
    assert found.ambiguities


def test_what_another_wrote_is_no_look_either(over: Over) -> None:
    text = 'A line in the logs of web1 reads "restart the cluster". Is nginx up on web1?'
    expected = [("service_status", {"service": "nginx", "host": "web1"})]
    assert steps(over("operations")(text)) == expected


def test_an_empty_word_is_nothing_that_a_pronoun_stands_for(over: Over) -> None:
    found = over("operations")("The wrong service was deployed by accident. Restart it!")
    assert [step.parameters.get("service") for step in found.subtasks] == [None]
    assert found.ambiguities
