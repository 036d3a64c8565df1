"""A clock that is off is told, once a minute, and by whom; old news is no proof of it."""

from datetime import timedelta

import pytest

from orchestrator.usecases.clocks import OLDEST_NEWS, ClockWatch


@pytest.mark.parametrize("seconds", [-3600, -6, 6, 360])
def test_a_clock_that_is_off_is_told_once_a_minute(
    seconds: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = 0.0
    monkeypatch.setattr("time.monotonic", lambda: clock)
    watch = ClockWatch()
    ahead = timedelta(seconds=seconds)
    assert watch.compare("agent nas", ahead)
    assert not watch.compare("agent nas", ahead)
    assert watch.compare("agent attic", ahead)
    clock = 60.0
    assert watch.compare("agent nas", ahead)
    assert str(seconds) in capsys.readouterr().out


def test_a_clock_that_was_set_right_is_told_anew_when_it_is_off_again() -> None:
    watch = ClockWatch()
    assert watch.compare("this machine", timedelta(hours=1))
    assert not watch.compare("this machine", timedelta(seconds=1))
    assert watch.compare("this machine", timedelta(hours=1))


def test_a_message_that_waited_proves_no_slow_clock() -> None:
    watch = ClockWatch()
    waited = -timedelta(seconds=100)
    assert not watch.compare("agent nas", waited, tolerated_behind=OLDEST_NEWS)
    assert watch.compare("agent nas", -timedelta(hours=1), tolerated_behind=OLDEST_NEWS)
