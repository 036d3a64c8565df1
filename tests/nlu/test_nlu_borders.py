"""What stands around an order and is none, and what a step takes from beside it."""

import pytest

from tests.nlu.found import Read, Steps, steps


def control(action: str, service: str, host: str) -> tuple[str, dict[str, object]]:
    return ("control_service", {"service": service, "action": action, "host": host})


RESTART = control("restart", "nginx", "web1")


@pytest.mark.parametrize(
    "text",
    [
        "restart nginx on web1 (prod)",
        "restart nginx on web1, Ann approved it",
        "please help restart nginx on web1",
        "restart nginx on web1 :sweat_smile:",
        "[03:02] reboot web2\n\nrestart nginx on web1",
        "Nginx restart:\n1) restart nginx on web1",
        "Perform the following tasks:\n1. restart nginx on web1",
    ],
)
def test_what_only_stands_beside_an_order_is_no_step(text: str, operations: Read) -> None:
    assert steps(operations(text)) == [RESTART]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "restart nginx on web1, web2 and db1",
            [control("restart", "nginx", host) for host in ("web1", "web2", "db1")],
        ),
        (
            "is nginx up on web1 and db1?",
            [("service_status", {"service": "nginx", "host": host}) for host in ("web1", "db1")],
        ),
        (
            "The nginx-proxy doesn't appear to be running on web1, could it be restarted?",
            [control("restart", "nginx-proxy", "web1")],
        ),
        (
            "create a 2-hour silence for the alert HighCPU",
            [("silence_alert", {"alert": "HighCPU", "duration": "2h"})],
        ),
    ],
)
def test_a_step_takes_what_is_said_beside_it(text: str, expected: Steps, operations: Read) -> None:
    assert steps(operations(text)) == expected


def test_what_another_wrote_is_no_look_either(operations: Read) -> None:
    text = 'A line in the logs of web1 reads "restart the cluster". Is nginx up on web1?'
    expected = [("service_status", {"service": "nginx", "host": "web1"})]
    assert steps(operations(text)) == expected


def test_a_thing_called_by_its_kind_is_not_what_it_stands_for(operations: Read) -> None:
    found = operations("The wrong service was deployed by accident. Restart it!")
    assert [step.parameters.get("service") for step in found.subtasks] in ([None], [])
    assert found.ambiguities
