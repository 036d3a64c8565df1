"""Chiffon's programs as a run has them: started, armed, stopped, killed, started again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.work import clean_environment

_START_SECONDS = 60.0


class Process:
    """One life of a program."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def lives(self) -> bool:
        return not self.ended.done()

    def signal(self, number: signal.Signals) -> None:
        if self.lives:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def gone(self, seconds: float = 60) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        return await asyncio.wait_for(asyncio.shield(self.ended), seconds)


class Nursery:
    """The other end of `tests.chaos.nursery`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._living: dict[int, Process] = {}
        self._births: asyncio.Queue[Process] = asyncio.Queue()
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def opened(cls, words: Sequence[str], log: Path) -> AsyncIterator["Nursery"]:
        """Start one; at the end nothing that it started lives on."""
        with log.open("ab") as to:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.chaos.nursery",
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=to,
                env=clean_environment() | {"PYTHONDONTWRITEBYTECODE": ""},
                cwd=Path(__file__).parents[2],
            )
        made = cls(process)
        reading = asyncio.create_task(made._read())
        try:
            yield made
        finally:
            if process.stdin is not None:
                process.stdin.close()
            _ = await process.wait()
            await reading

    async def start(
        self, program: str, words: Sequence[str], settings: Mapping[str, str], room: Path, log: Path
    ) -> Process:
        order = {
            "program": program,
            "words": [program, *words],
            "settings": dict(settings),
            "folder": str(room),
            "log": str(log),
        }
        stdin = self._process.stdin
        assert stdin is not None
        async with self._turn:
            stdin.write(json.dumps(order).encode() + b"\n")
            return await asyncio.wait_for(self._births.get(), _START_SECONDS)

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        async for line in stdout:
            said: dict[str, Any] = json.loads(line)
            if "status" in said:
                self._living.pop(said["pid"]).ended.set_result(said["status"])
            else:
                born = self._living[said["pid"]] = Process(said["pid"])
                self._births.put_nowait(born)
        for process in self._living.values():
            process.ended.set_result(-signal.SIGKILL)


@dataclass
class Program:
    """One program that a run keeps alive: its command, its settings, the life it is in."""

    nursery: Nursery
    name: str
    command: str
    words: tuple[str, ...]
    settings: Mapping[str, str]
    room: Path
    life: Process | None = None
    lives: int = field(default=0)

    @property
    def home(self) -> Path:
        return Path(self.settings["CHIFFON_HOME"])

    @property
    def log(self) -> Path:
        return self.room / f"{self.name}.log"

    @property
    def is_alive(self) -> bool:
        return self.life is not None and self.life.lives

    async def start(self, crash_at: str | None = None, **more: str) -> Process:
        """Start it, armed or not; it must not be alive."""
        assert not self.is_alive
        armed = {} if crash_at is None else {"CHIFFON_CRASH_AT": crash_at}
        settings = {**clean_environment(), **self.settings, **armed, **more}
        self.life = await self.nursery.start(
            self.command, self.words, settings, self.room, self.log
        )
        self.lives += 1
        return self.life

    def signal(self, number: signal.Signals) -> None:
        if self.life is not None:
            self.life.signal(number)

    async def end(self, seconds: float = 30) -> int:
        """Stop it in good order; return its exit status."""
        if self.life is None:
            return 0
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return await self.life.gone(seconds)
