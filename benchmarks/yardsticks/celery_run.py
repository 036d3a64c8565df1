"""Reads how many tasks to send; prints the seconds until as many results are in the database."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
from celery_app import app, do_nothing

_COUNT = "SELECT count(*) FROM celery_taskmeta"


def _count(cursor: "psycopg2.extensions.cursor") -> int:
    try:
        cursor.execute(_COUNT)
    except psycopg2.errors.UndefinedTable:
        return 0  # the first result makes it
    return int(cursor.fetchone()[0])


def _answer() -> None:
    database = psycopg2.connect(os.environ["YARDSTICK_DATABASE"])
    database.autocommit = True
    cursor = database.cursor()
    for line in sys.stdin:
        count, known = int(line), _count(cursor)
        began = time.monotonic()
        for step in range(count):
            do_nothing.delay(step)
        while _count(cursor) < known + count:
            time.sleep(0.01)
        print(time.monotonic() - began, flush=True)


worker = subprocess.Popen(
    [
        *(sys.executable, "-m", "celery", "-A", "celery_app", "worker"),
        *("--pool", "prefork", "--concurrency", "1", "--loglevel", "CRITICAL"),
    ],
    cwd=Path(__file__).parent,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
try:
    _answer()
finally:
    worker.terminate()
    worker.wait()
    app.close()
