"""Wait for a condition instead of sleeping: the one place in the tests where time may pass."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

_STEP_SECONDS = 0.01


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
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(what, seconds))
        await asyncio.sleep(_STEP_SECONDS)


def until_blocking(condition: Callable[[], object], *, what: str, seconds: float = 10.0) -> None:
    """Do as `until`, in a test without an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(what, seconds))
        time.sleep(_STEP_SECONDS)


def _too_late(what: str, seconds: float) -> str:
    return f"waited {seconds:g} s in vain for: {what}"
