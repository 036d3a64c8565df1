"""Other task queues as yardsticks; they live in `.venv-bench`, apart from Chiffon's packages."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.servers import RABBIT, database, plain, queues

_PYTHON = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"
_FOLDER = Path(__file__).parent / "yardsticks"


class Yardstick:
    """A running yardstick: a process that sends no-op tasks, and its own worker."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def seconds(self, count: int) -> float:
        """Send so many tasks at once; return how long it took until all results were kept."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the yardstick has no pipes")
        stdin.write(f"{count}\n".encode())
        async with asyncio.timeout(180):
            return float(await stdout.readline())


@asynccontextmanager
async def yardstick(name: str) -> AsyncIterator[Yardstick]:
    """Start `taskiq` or `celery` on a database and queues of its own."""
    names = ("work", "dead", "later")
    async with database(migrated=False) as url, queues(*names) as prefix:
        process = await asyncio.create_subprocess_exec(
            *(str(_PYTHON), f"{name}_run.py"),
            cwd=_FOLDER,
            env={
                **os.environ,
                "YARDSTICK_DATABASE": plain(url),
                "YARDSTICK_BROKER": RABBIT,
                "YARDSTICK_PREFIX": prefix,
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield Yardstick(process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
