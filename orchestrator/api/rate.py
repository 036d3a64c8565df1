"""How often one person may ask.

Own code, since the libraries for it count by address or route and bring storage of their own,
while a person is named in the body here. Each process counts for itself.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from orchestrator.api.problems import TooSoon

_MOST_PEOPLE = 10_000


class PersonLimit:
    """One token bucket a person: a minute's worth at once, then evenly.

    Args:
        per_minute: Requests a minute.
        clock: Seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, person: str) -> None:
        """Count one request of `person`.

        Raises:
            TooSoon: nothing is left; it says for how long.
        """
        now = self._clock()
        left, since = self._buckets.pop(person, (self._size, now))
        left = min(self._size, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._buckets[person] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _MOST_PEOPLE:
            self._buckets.popitem(last=False)
        if not allowed:
            raise TooSoon(math.ceil((1 - left) / self._per_second))
