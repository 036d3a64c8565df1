"""A command on a real terminal: a pty that it controls, with keys to press."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from types import TracebackType
from typing import Self

from tests.plugins.warm import Streams
from tests.walk.program import Program

_SECONDS = 30.0
_NOTHING_CAME = 5.0  # seconds without a word
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """A command that runs on a terminal of `rows` by `columns`; a context manager."""

    def __init__(
        self,
        program: Program,
        *words: str,
        rows: int = 60,
        columns: int = 100,
    ) -> None:
        self.rows, self.columns = rows, columns
        self.raw = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        looks = {"TERM": "xterm-256color", "COLORTERM": ""}
        self.process = program.start(
            words, Streams(slave, slave, slave), program.environment | looks
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=_SECONDS)
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that was shown, in order, without colours and cursor movements."""
        return _CONTROL.sub("", self.raw.decode("utf-8", "replace"))

    def wait_for(self, words: str) -> None:
        """Read until `words` have been shown."""
        deadline = time.monotonic() + _SECONDS
        while words not in self.text:
            assert self._read(deadline), f"never shown: {words!r}; shown: {self.text}"

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._master, line.encode() + b"\r")

    def press_ctrl_c(self) -> None:
        """Press it, and as a person would once more where nothing comes of it.

        CPython looks for a signal before it blocks in a read: one between the two is not seen.
        """
        for _ in range(3):
            shown = self.raw
            os.write(self._master, b"\x03")
            while select.select([self._master], [], [], _NOTHING_CAME)[0]:
                if not self._read(time.monotonic()) or self.raw != shown + b"^C":
                    return

    def finish(self) -> int:
        """Read to the end and return the exit status; it must not show a trace."""
        deadline = time.monotonic() + _SECONDS
        while self._read(deadline):
            continue
        assert "Traceback" not in self.text, self.text
        return self.process.wait(timeout=_SECONDS)

    def _read(self, deadline: float) -> bool:
        """Read a piece; False at the end."""
        left = deadline - time.monotonic()
        ready, _, _ = select.select([self._master], [], [], max(0.0, left))
        assert ready, f"nothing more was shown in time; shown: {self.text}"
        try:
            piece = os.read(self._master, 65_536)
        except OSError:  # Linux says EIO where everybody has closed the terminal
            return False
        self.raw += piece
        return bool(piece)
