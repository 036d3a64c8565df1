"""Ctrl-C and SIGTERM: the first asks to finish, a second one ends at once."""

import asyncio
import signal
from collections.abc import Callable


def stopped_by_signals(
    at_once: Callable[[], object], *, at_first: Callable[[], object] = lambda: None
) -> asyncio.Event:
    """Return what the first Ctrl-C or SIGTERM sets.

    That one calls `at_first`, and each further one `at_once`.
    """
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            at_once()
        else:
            at_first()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stopping
