"""Whose clock is off, told to the operator: nothing here depends on it, but their logs do."""

import time
from datetime import timedelta

import structlog

TOLERATED = timedelta(seconds=5)
OLDEST_NEWS = timedelta(seconds=120)
"""A message may have waited: only one older than this says that its sender's clock is behind."""

_AGAIN_SECONDS = 60.0
_MOST = 1_000

_log = structlog.get_logger(__name__)


class ClockWatch:
    """Compares clocks with the database's, and says at most once a minute whose is off."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def compare(
        self, who: str, ahead: timedelta, *, tolerated_behind: timedelta = TOLERATED
    ) -> bool:
        """Tell that the clock of `who` is `ahead` of the database's (behind: negative), if it is.

        Returns:
            Whether it was told now.
        """
        if -tolerated_behind <= ahead <= TOLERATED:
            self._told.pop(who, None)
            return False
        now = time.monotonic()
        if now - self._told.get(who, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return False
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[who] = now
        _log.warning(
            "clock_off",
            whose=who,
            seconds_ahead=round(ahead.total_seconds(), 1),
            what_to_do="Let a time service set it; leases and deadlines go by the database's.",
        )
        return True
