"""What happens, told to the pages that are open."""

import asyncio
from typing import Any

_LONGEST_QUEUE = 2_000  # a page that does not read for this long is cut off and asks again

Event = dict[str, Any]


class Feed:
    """Hands every event to the open pages of the people who may see it."""

    def __init__(self) -> None:
        self._pages: list[tuple[str, asyncio.Queue[Event | None]]] = []

    def open(self, person: str) -> asyncio.Queue[Event | None]:
        """Return the queue of a page that this person just opened; None in it ends it."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_LONGEST_QUEUE + 1)
        self._pages.append((person, queue))
        return queue

    def close(self, queue: asyncio.Queue[Event | None]) -> None:
        """Forget a page."""
        self._pages = [page for page in self._pages if page[1] is not queue]

    def push(self, event: Event, *, person: str | None = None) -> None:
        """Tell an event to all open pages, or to those of one person."""
        for owner, queue in tuple(self._pages):
            if person not in {None, owner}:
                continue
            if queue.qsize() >= _LONGEST_QUEUE:
                self._end(queue)
            else:
                queue.put_nowait(event)

    def close_all(self) -> None:
        """End every page's socket."""
        for _, queue in tuple(self._pages):
            self._end(queue)

    def _end(self, queue: asyncio.Queue[Event | None]) -> None:
        self.close(queue)
        queue.put_nowait(None)
