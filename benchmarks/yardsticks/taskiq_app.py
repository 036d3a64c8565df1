"""The yardstick's own broker and no-op task, set as its documentation shows it."""

import os

from taskiq_aio_pika import AioPikaBroker, Exchange, Queue
from taskiq_pg.asyncpg import AsyncpgResultBackend

_PREFIX = os.environ["YARDSTICK_PREFIX"]  # its queues have names of this run's own; that is all
broker = AioPikaBroker(
    os.environ["YARDSTICK_BROKER"],
    exchange=Exchange(name=f"{_PREFIX}tasks", auto_delete=True),
    task_queues=[Queue(name=f"{_PREFIX}work")],
    dead_letter_queue=Queue(name=f"{_PREFIX}dead"),
    delay_queue=Queue(name=f"{_PREFIX}later"),
).with_result_backend(AsyncpgResultBackend(dsn=os.environ["YARDSTICK_DATABASE"]))


@broker.task
async def do_nothing(step: int) -> int:
    """Do nothing."""
    return step
