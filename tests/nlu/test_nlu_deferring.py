"""What is to wait for a time is told back: a step runs as soon as its plan is approved."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, steps


@pytest.fixture(scope="module")
def studio(over: Callable[[str], Read]) -> Read:
    return over("studio")


@pytest.mark.parametrize(
    "text",
    [
        "reboot db1 tomorrow at 5pm",
        "reboot db1 and db2 tomorrow",
        "tonight: reboot db1 and db2",
        "Tomorrow, reboot db1",
        "reboot db1, tomorrow at 5pm",
        "could you reboot db1 later?",
        "restart nginx on friday",
        "restart nginx on web1 in ten minutes",
        "reboot db1 in 2 hours",
        "reboot db1 at the weekend",
        "reboot db1 around 5pm",
        "reboot db1 in the morning",
        "reboot db1 after 22:00",
        "restart nginx after hours",
        "reboot db1 every night at 2am",
        "reboote db1 morgen",
        "redémarre nginx demain",
    ],
)
def test_an_order_for_later_makes_no_step_and_is_told_back_with_its_time(
    text: str, studio: Read
) -> None:
    found = studio(text)
    assert (steps(found), found.ambiguities) == ([], ())
    assert found.out_of_scope == found.deferred == (text.rstrip("?"),)


def test_a_time_ahead_of_its_order_tells_it_back_as_well(studio: Read) -> None:
    found = studio("tomorrow at 5pm reboot db1")
    assert (steps(found), found.out_of_scope) == ([], ("tomorrow at 5pm reboot db1",))


@pytest.mark.parametrize(
    ("text", "left", "told"),
    [
        (
            "reboot db1 tomorrow, and show the logs of nginx",
            ["show_logs"],
            "reboot db1 tomorrow",
        ),
        ("restart nginx now and redis at 5pm", ["restart_service"], "redis at 5pm"),
        (
            "restart nginx, then tomorrow reboot db1",
            ["restart_service"],
            "then tomorrow reboot db1",
        ),
    ],
)
def test_what_need_not_wait_is_a_step_all_the_same(
    text: str, left: list[str], told: str, studio: Read
) -> None:
    found = studio(text)
    assert [intent for intent, _ in steps(found)] == left
    assert found.out_of_scope == (told,)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("reboot db1 by friday", "reboot_host"),
        ("show the logs of nginx tomorrow", "show_logs"),
        ("tomorrow we go live. restart nginx", "restart_service"),
        ("restart nginx, I am back tomorrow", "restart_service"),
        ('create a meeting "sync" tomorrow at 2pm', "schedule_meeting"),
    ],
)
def test_a_deadline_a_look_a_remark_and_a_date_make_nothing_wait(
    text: str, intent: str, studio: Read
) -> None:
    assert [made for made, _ in steps(studio(text))] == [intent]


@pytest.mark.parametrize("until", ["until tomorrow", "until monday", "until 5pm"])
def test_a_span_that_nothing_takes_is_told_beside_the_step(until: str, studio: Read) -> None:
    found = studio(f"silence DiskFull {until}")
    assert steps(found) == [("silence_alert", {"alert": "DiskFull"})]
    assert until.split()[1] in found.out_of_scope[0]
    assert found.deferred == ()
