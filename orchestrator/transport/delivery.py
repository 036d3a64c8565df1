"""How a message is handed to its reader: again after a fault, with growing pauses, then dead.

The same for every transport. The pauses are made here, with the message in hand: a broker that
gets a message back delivers it again at once, and five tries would be over within milliseconds.
"""

import asyncio
import traceback
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from orchestrator.errors import TryLater
from orchestrator.transport.port import Handler

TRIES = 5
"""How often a reader may fail on one message before it is a dead letter."""

LONGEST_PAUSE = 5.0

_log = structlog.get_logger(__name__)


class End(Enum):
    """What became of handing a message over."""

    ACKNOWLEDGED = auto()
    DEAD = auto()  # its reader failed on it too often
    LEFT = auto()  # the reader stops; somebody else must take it


@dataclass
class Delivery:
    """One message in hand: how often its reader failed on it, and how at last."""

    body: bytes
    faults: int = 0
    fault: str = ""


async def deliver(
    queue: str,
    delivery: Delivery,
    handler: Handler,
    stopping: asyncio.Event,
    *,
    tries: int = TRIES,
    first_pause: float = 0.05,
) -> End:
    """Hand `delivery` over until it is acknowledged or dead, or `stopping` is set in between.

    Args:
        queue: where the message was, for the log.
        delivery: the message; what went wrong is noted in it.
        handler: its reader.
        stopping: set when no new try may begin.
        tries: how often the reader may fail; `TryLater` does not count.
        first_pause: seconds before the second try; doubled with each further one.
    """
    pause = first_pause
    while not await _handled(queue, delivery, handler):
        if delivery.faults >= tries:
            return End.DEAD
        await _wait(stopping, pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        if stopping.is_set():
            return End.LEFT
    return End.ACKNOWLEDGED


async def _handled(queue: str, delivery: Delivery, handler: Handler) -> bool:
    try:
        await handler(delivery.body)
    except TryLater as fault:
        _log.warning("message_waits", queue=queue, reason=str(fault))
        return False
    except asyncio.CancelledError as fault:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        _note(queue, delivery, fault)
        return False
    except Exception as fault:  # noqa: BLE001 - the border to the reader: logged, handed back
        _note(queue, delivery, fault)
        return False
    return True


def _note(queue: str, delivery: Delivery, fault: BaseException) -> None:
    # Where and what kind, not the text: faults like to quote the message.
    place = traceback.extract_tb(fault.__traceback__)[-1]
    delivery.faults += 1
    delivery.fault = f"{type(fault).__name__} at {place.filename}:{place.lineno}"
    _log.warning("message_handed_back", queue=queue, delivery=delivery.faults, fault=delivery.fault)


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
