"""Find and end every process of an attempt, its stray children included.

An attempt's processes are those of its group, its session, and all that carry its id in their
environment, which also finds the ones that left both. A process that leaves the session *and*
empties its environment is not found; nothing short of a control group finds it.
"""

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

ATTEMPT_VARIABLE = "CHIFFON_ATTEMPT_ID"

_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0


@dataclass(frozen=True)
class Birth:
    """Names one process for ever: ids are used again, but not with the same start and boot."""

    pid: int
    birth: str
    boot_id: str


def birth_of(pid: int) -> Birth | None:
    """Return what tells process `pid` from any other; None if there is none."""
    try:
        # Field 22 of proc(5)/stat: start in clock ticks since boot. Unlike psutil's, it does not
        # move when the clock of the machine is set.
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return Birth(pid, stat.rpartition(")")[2].split()[19], boot_id())
    except FileNotFoundError:
        pass
    except (OSError, IndexError):
        return None
    try:
        return Birth(pid, f"{psutil.Process(pid).create_time():.2f}", boot_id())
    except psutil.Error:
        return None


@cache
def boot_id() -> str:
    """Return what changes with every start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))


def is_alive(process: Birth) -> bool:
    """Tell whether this very process is still there; one that only awaits its parent is not."""
    if birth_of(process.pid) != process:
        return False
    with contextlib.suppress(psutil.Error):
        return psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE
    return False


def of_attempt(attempt_id: str, group: int | None) -> list[psutil.Process]:
    """Return every live process of an attempt, but never the one that asks.

    Args:
        attempt_id: found by in the environment.
        group: id of its process group and session; None where that may name others by now.
    """
    me = os.getpid()
    return [
        process
        for process in psutil.process_iter()
        if process.pid != me and _belongs(process, attempt_id, group)
    ]


async def end(
    attempt_id: str,
    group: int | None,
    *,
    grace_seconds: float,
    at_once: asyncio.Event | None = None,
) -> bool:
    """Ask every process of an attempt to stop, kill what has not after the grace, wait for all.

    `at_once` ends the grace early. Returns whether nothing of it is left.
    """
    deadline = time.monotonic() + grace_seconds
    give_up = deadline + _KILL_SECONDS
    told: set[int] = set()
    while left := await _left(attempt_id, group):
        now = time.monotonic()
        if now >= give_up:
            return False
        kill = now >= deadline or (at_once is not None and at_once.is_set())
        if kill:
            _kill_group(group)
        for process in left:
            if kill:
                _send(process, signal.SIGKILL)
            elif process.pid not in told:  # a second SIGTERM could cut its clean-up short
                told.add(process.pid)
                _send(process, signal.SIGTERM)
        await asyncio.sleep(_POLL_SECONDS)
    return True


async def _left(attempt_id: str, group: int | None) -> list[psutil.Process]:
    """Look for what is left, and do not believe at once that it is nothing.

    One that keeps forking may slip through the search. Killing its group is one stroke that no
    fork outruns; the group's id cannot name others yet, since its processes were only just there.
    """
    if left := await asyncio.to_thread(of_attempt, attempt_id, group):
        return left
    _kill_group(group)
    return await asyncio.to_thread(of_attempt, attempt_id, group)


def memory_mib(group: int) -> int:
    """Return what the processes of a group have in memory together, in MiB."""
    total = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == group:
                total += process.memory_info().rss
    return total // 2**20


def _belongs(process: psutil.Process, attempt_id: str, group: int | None) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if group is not None and group in {os.getpgid(process.pid), os.getsid(process.pid)}:
            return True
        return process.environ().get(ATTEMPT_VARIABLE) == attempt_id
    return False


def _kill_group(group: int | None) -> None:
    with contextlib.suppress(OSError):
        if group is not None:
            os.killpg(group, signal.SIGKILL)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    # psutil checks that the id still names the process that was looked at.
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)
