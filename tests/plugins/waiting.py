"""Wait for a condition instead of sleeping: the one place in the tests where time may pass."""

import asyncio
import inspect
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator

# Looking costs the processes that are waited for: soon at first, then less and less often.
_STEPS_SECONDS = (*(0.005 * 1.3**turn for turn in range(9)), 0.05)


async def until(
    condition: Callable[[], object | Awaitable[object]], *, what: str, seconds: float = 10.0
) -> None:
    """Return as soon as the condition holds; fail the test when it does not within `seconds`.

    Args:
        condition: a function, plain or async, that is asked again and again.
        what: what is waited for, told when it does not come.
        seconds: how long it may take at most.
    """
    deadline = time.monotonic() + seconds
    for step in _steps():
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(what, seconds))
        await asyncio.sleep(step)


def until_blocking(condition: Callable[[], object], *, what: str, seconds: float = 10.0) -> None:
    """Do as `until`, in a test without an event loop."""
    deadline = time.monotonic() + seconds
    for step in _steps():
        if condition():
            return
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(what, seconds))
        time.sleep(step)


def _steps() -> Iterator[float]:
    return itertools.chain(_STEPS_SECONDS, itertools.repeat(_STEPS_SECONDS[-1]))


def _too_late(what: str, seconds: float) -> str:
    return f"waited {seconds:g} s in vain for: {what}"
