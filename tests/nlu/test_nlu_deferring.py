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
        "tomorrow at 5pm reboot db1",
        "tonight:\n- reboot db1\n- restart nginx",
        "Plan for tonight:\n- reboot db1\n- restart nginx",
        "for tomorrow: reboot db1",
        "reboot db1; tonight",
        "reboot db1\ntonight",
        "reboot db1\nwhen: tonight",
        "reboot db1\nTime: 22:00",
        "reboot db1, preferably tonight",
        "reboot db1 on 2027-03-01",
        "reboot db1 on 18 Nov 2027",
        "reboot db1 30 minutes from now",
        "reboot db1 2h from now",
        "starting monday, revoke the access of tom to wiki",
        "restart nginx, tonight, reboot db1",
    ],
)
def test_an_order_for_later_makes_no_step_and_is_told_back_with_its_time(
    text: str, studio: Read
) -> None:
    found = studio(text)
    assert (steps(found), found.ambiguities) == ([], ())
    assert found.out_of_scope == found.deferred == (text.rstrip("?"),)


@pytest.mark.parametrize(
    ("text", "left", "told"),
    [
        (
            "reboot db1 tomorrow, and show the logs of nginx",
            ["show_logs"],
            "reboot db1 tomorrow",
        ),
        ("restart nginx now and redis at 5pm", ["restart_service"], "redis at 5pm"),
        ("restart nginx right away, redis tonight", ["restart_service"], "redis tonight"),
        ("restart nginx and, tonight, reboot db1", ["restart_service"], "tonight, reboot db1"),
        (
            "back up shop, then, tomorrow, reboot db1",
            ["backup_database"],
            "tomorrow, reboot db1",
        ),
        (
            "tonight: reboot db1\n\nseparately, restart nginx",
            ["restart_service"],
            "tonight: reboot db1",
        ),
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
        ("restart nginx, back tomorrow", "restart_service"),
        ("restart nginx now, not tomorrow", "restart_service"),
        ("restart nginx on web1 which died tonight", "restart_service"),
        ("run the monday build of shop", "run_pipeline"),
        ("roll back shop in production to what it was on friday", "rollback_service"),
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


def test_what_is_scheduled_keeps_its_time(hosting: Read) -> None:
    found = hosting("schedule a backup of shop at 3am")
    assert [intent for intent, _ in steps(found)] == ["schedule_backup"]
    assert found.deferred == ()
