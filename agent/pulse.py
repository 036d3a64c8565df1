"""The file by which a health check sees that an agent works: an agent answers no HTTP."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agent.processes import Birth, birth_of, is_alive

LATE_SECONDS = 45.0  # longer than the 30 s after which the orchestrator calls an agent silent
_SUFFIX = ".pulse"
_BIRTH = TypeAdapter(Birth)


class Pulse:
    """Touched whenever the broker has taken a heartbeat; names the process it speaks for."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}{_SUFFIX}"
        self._written = False

    def beat(self) -> None:
        """Note that the broker has just taken a heartbeat; a disk that refuses leaves it old."""
        with contextlib.suppress(OSError):
            if self._written:
                os.utime(self._path)
                return
            birth = birth_of(os.getpid())
            if birth is not None:
                self._path.write_bytes(_BIRTH.dump_json(birth))
                self._written = True

    def end(self) -> None:
        """Leave nothing behind: this agent has stopped in good order."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Beat:
    """A living agent's last sign: `age` in seconds."""

    name: str
    age: float

    @property
    def late(self) -> bool:
        """Whether the broker has heard nothing for too long."""
        return self.age > LATE_SECONDS


def beats(folder: Path) -> Iterator[Beat]:
    """Yield the last sign of each agent whose process lives; what a killed one left is ignored."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with contextlib.suppress(OSError, ValidationError):
            birth = _BIRTH.validate_json(path.read_bytes())
            if is_alive(birth):
                yield Beat(path.name.removesuffix(_SUFFIX), time.time() - path.stat().st_mtime)
