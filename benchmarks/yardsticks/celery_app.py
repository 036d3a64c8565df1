"""The yardstick's own application and no-op task, set as its documentation shows it."""

import os

from celery import Celery

app = Celery(
    "yardstick",
    broker=os.environ["YARDSTICK_BROKER"],
    backend="db+" + os.environ["YARDSTICK_DATABASE"].replace("://", "+psycopg2://", 1),
)
app.conf.task_default_queue = os.environ["YARDSTICK_PREFIX"] + "work"


@app.task
def do_nothing(step: int) -> int:
    """Do nothing."""
    return step
