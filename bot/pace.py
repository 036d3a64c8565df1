"""How fast Slack may be called: token buckets, and lanes that keep the waits Slack asks for."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Later(Exception):
    """Slack wants to be left alone for `seconds`; nothing was sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not before {seconds:.1f} s have passed")
        self.seconds = seconds


_LONGEST_PAUSE = 30.0


def pause_after(faults: int) -> float:
    """Return how many seconds to wait after so many faults: longer each time, spread by chance."""
    return min(_LONGEST_PAUSE, 2.0 ** min(faults, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter


class Bucket:
    """Lets `rate` calls a second through, after a rest up to `burst` at once, in order.

    Lanes that share a bucket share Slack's limit, and so also the waits that Slack asks for.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._seconds = 1 / rate
        self._slack = (burst - 1) / rate
        self._due = 0.0  # when the next call would be due if there had never been a rest
        self._closed_until = 0.0

    async def take(self) -> None:
        """Wait for this call's turn."""
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - self._slack)
        turn, self._due = self._due, self._due + self._seconds
        if turn > now:
            await asyncio.sleep(turn - now)

    def close(self, seconds: float) -> None:
        """Let nothing through for so long."""
        until = asyncio.get_running_loop().time() + seconds
        self._closed_until = max(self._closed_until, until)

    def refuse_while_closed(self) -> None:
        """Let this call go on only where no wait was asked for.

        Raises:
            Later: Slack asked for a wait that has not passed.
        """
        left = self._closed_until - asyncio.get_running_loop().time()
        if left > 0:
            raise Later(left)


class Lane:
    """One method in one channel: a call at a time, and none before Slack allows it."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the lane for one call.

        Raises:
            Later: Slack asked for a wait that has not passed.
        """
        async with self._one:
            self._bucket.refuse_while_closed()
            await self._bucket.take()
            self._bucket.refuse_while_closed()
            yield

    def close(self, seconds: float) -> None:
        """Let nothing through for so long: here, and in each lane of the same bucket."""
        self._bucket.close(seconds)
