"""The storm: programs die, stop and come back at moments that nobody chose."""

import asyncio
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.crash_points import CRASH_POINTS
from tests.chaos.programs import Process, Program
from tests.chaos.shorter import LEASE_SECONDS

_AT_START = ("registration", "renewal", "agent.recovered", "heartbeat")
_END_SECONDS = 30.0
_BETWEEN = (
    "approval.after_commit",
    "relay.before_publish",
    "relay.after_publish",
    "result.after_commit",
    "agent.after_effect",
    "agent.result_confirmed",
)
"""The borders at which most is at stake: half of all that are armed die at one of these."""
_LONGER = 4
_CERTAIN = ("approval.after_commit", "relay.before_publish")
_CERTAIN_SECONDS = 15.0


@dataclass
class Storm:
    """What happens to programs until `over` is set.

    Attributes:
        life_seconds: how long one lives on average, at most twice as long.
        start_seconds: how long a start takes here; some lives are longer by that.
        is_ahead: more was killed than was planned by now: lives last longer.
        kills: ends by SIGKILL, from outside and at crash points.
        log: what was done when, for the timeline.
    """

    seed: int
    life_seconds: float
    start_seconds: float = 0
    is_ahead: bool = False
    kills: int = 0
    stops: int = 0
    restarts: int = 0
    log: list[tuple[float, str]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, what: str) -> None:
        self.log.append((time.time(), what))

    async def pause(self, seconds: float) -> None:
        """Let so many seconds pass, or less where the storm is over."""
        try:
            async with asyncio.timeout(seconds):
                _ = await self.over.wait()
        except TimeoutError:
            pass

    async def torment(self, program: Program) -> None:
        """Give one program one life after another; the last one is whole."""
        chance = random.Random(f"{self.seed} {program.name}")
        certain = iter(() if program.command == "agent" else _CERTAIN)
        while not self.over.is_set():
            first = next(certain, None)
            place = first or _place(program, chance)
            life = await program.start(place)
            self.note(f"{program.name} starts" + (f", to die at {place}" if place else ""))
            seconds = (
                chance.uniform(0.3, 2 * self.life_seconds) + self.start_seconds * chance.random()
            )
            if first is not None:
                seconds = _CERTAIN_SECONDS
            await self._live(life, seconds * (_LONGER if self.is_ahead else 1))
            if life.lives and self.over.is_set():
                break
            if life.lives:
                await self._end(program, chance)
            self._count(program, await life.gone(), place)
            await self.pause(chance.uniform(0, 0.3))
        await self.whole(program)

    async def _live(self, life: Process, seconds: float) -> None:
        """Wait for its end by itself, for so long or until the storm is over."""
        waiting = asyncio.create_task(self.pause(seconds))
        ends: tuple[asyncio.Future[Any], ...] = (life.ended, waiting)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def whole(self, program: Program) -> None:
        """See to it that it runs, and not to die somewhere."""
        program.signal(signal.SIGCONT)
        if program.is_alive:
            program.signal(signal.SIGKILL)
            assert program.life is not None
            _ = await program.life.gone()
        _ = await program.start()
        self.note(f"{program.name} starts, and is left alone")

    async def _end(self, program: Program, chance: random.Random) -> None:
        life = program.life
        assert life is not None
        fate = chance.random()
        if fate < 0.15:
            self.stops += 1
            self.note(f"{program.name} is stopped (SIGSTOP)")
            program.signal(signal.SIGSTOP)
            await self.pause(chance.uniform(0.3, 1.6) * LEASE_SECONDS)
            program.signal(signal.SIGCONT)
            self.note(f"{program.name} goes on (SIGCONT)")
            await self.pause(chance.uniform(0.1, 1.5))
        if 0.15 <= fate < 0.3:
            self.restarts += 1
            self.note(f"{program.name} is asked to end (SIGTERM)")
            program.signal(signal.SIGTERM)
            if chance.random() < 0.5:
                await self.pause(chance.uniform(0, 1))
            else:
                await asyncio.wait({life.ended}, timeout=_END_SECONDS)
                return
        program.signal(signal.SIGKILL)

    def _count(self, program: Program, status: int, place: str | None) -> None:
        if status == -signal.SIGKILL:
            self.kills += 1
            self.note(f"{program.name} is dead (SIGKILL)" + (f", armed: {place}" if place else ""))
        else:
            self.note(f"{program.name} has ended with {status}")


def _place(program: Program, chance: random.Random) -> str | None:
    """Choose where it is to die by itself; mostly nowhere."""
    if chance.random() < 0.55:
        return None
    names = _places(program.command)
    if chance.random() < 0.5:
        names = [name for name in names if name in _BETWEEN] or names
    return f"{chance.choice(names)}:{chance.choice([1, 1, 2, 3, 5])}"


def _places(command: str) -> Sequence[str]:
    agents = {"agent": True, "serve": False}
    wanted = agents.get(command)
    return [
        name
        for name in sorted(CRASH_POINTS)
        if not name.startswith(_AT_START)
        and (wanted is None or name.startswith("broker.") or name.startswith("agent.") is wanted)
    ]
