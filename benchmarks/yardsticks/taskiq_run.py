"""Reads how many tasks to send; prints the seconds until as many results are in the database."""

import asyncio
import os
import sys
import time
from pathlib import Path

import asyncpg
import uvloop
from taskiq_app import broker, do_nothing

_COUNT = "SELECT count(*) FROM taskiq_results"


async def _run() -> None:
    await broker.startup()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "taskiq", "worker", "--workers", "1", "--log-level", "ERROR"),
        "taskiq_app:broker",
        cwd=Path(__file__).parent,
    )
    database = await asyncpg.connect(os.environ["YARDSTICK_DATABASE"])
    try:
        await _answer(database)
    finally:
        worker.terminate()
        await worker.wait()


async def _answer(database: asyncpg.Connection) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        count = int(line)
        known = await database.fetchval(_COUNT)
        began = time.monotonic()
        await asyncio.gather(*(do_nothing.kiq(step) for step in range(count)))
        while await database.fetchval(_COUNT) < known + count:  # noqa: ASYNC110 - a database
            await asyncio.sleep(0.01)
        print(time.monotonic() - began, flush=True)


uvloop.run(_run())
