"""A process that runs nothing until it is let go, and never if its parent dies before that.

The shell below is fixed text; the program and its arguments are positional parameters of it,
which it never reads as shell code. It waits for one line on its standard input: the parent
journals the process first, then writes the line. A parent killed in between closes the pipe,
and the shell leaves without having run anything.
"""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_GATE = 'read -r go || exit 125; exec "$@" </dev/null'
_READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Exit:
    """How the process ended: exit status (negative: a signal), CPU seconds, largest MiB."""

    code: int
    cpu_seconds: float
    memory_mb: int


class GatedProcess:
    """A process in a session of its own, its output in one pipe; make it with `spawn`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"wait {self.pid}")
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[Exit] = loop.run_in_executor(thread, self._wait)
        thread.shutdown(wait=False)

    def let_go(self) -> None:
        """Open the gate: from here on the program runs."""
        if (gate := self._process.stdin) is not None:
            with contextlib.suppress(OSError):  # it was killed meanwhile
                gate.write(b"go\n")
            gate.close()

    async def read(self, feed: Callable[[bytes], object]) -> None:
        """Hand everything it prints to `feed`, until nobody has the pipe open any more."""
        reader = asyncio.StreamReader(limit=_READ_BYTES)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
        )
        try:
            while chunk := await reader.read(_READ_BYTES):
                feed(chunk)
        finally:
            transport.close()

    def close(self) -> None:
        """Close what is still open and kill what still runs: the way out when all else fails."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _wait(self) -> Exit:
        _, status, used = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        return Exit(code, used.ru_utime + used.ru_stime, _own_memory(used.ru_maxrss))


def spawn(argv: Sequence[str], environment: Mapping[str, str], folder: Path) -> GatedProcess:
    """Start a process that waits at the gate.

    Raises:
        OSError: the system refuses (too many processes, an argument too long).
        ValueError: an argument cannot be passed on.
    """
    return GatedProcess(
        subprocess.Popen(
            ["/bin/sh", "-c", _GATE, "gate", *argv],
            bufsize=0,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    )


def _own_memory(kilobytes: int) -> int:
    """Return MiB; 0 where the figure may be the parent's, which a fork passes on (Linux)."""
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes // 1024 if kilobytes > inherited else 0
