"""A command in a terminal of its own that is read as it goes, whatever the test does meanwhile."""

import os
import pty
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.plugins.warm import Streams, chiffon


class Typed:
    """`chiffon WORDS` in a terminal; `text` is all that it has shown so far."""

    def __init__(self, *words: str, folder: Path, settings: Mapping[str, str]) -> None:
        near, far = pty.openpty()
        environment = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        self.process = chiffon(words, environment | dict(settings), folder, Streams(far, far, far))
        os.close(far)
        self._near = near
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self._near, 65_536):
                self.text += chunk.decode(errors="replace")
        except OSError:  # Linux says EIO when the other end is closed
            return

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._near, keys.encode())

    def interrupt(self) -> None:
        """Do as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Return the exit status of a command that has ended, when all of it is read."""
        code = self.process.wait(timeout=30)
        self._reader.join(timeout=10)
        return code

    def close(self) -> None:
        """Leave nothing running."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)
        os.close(self._near)
