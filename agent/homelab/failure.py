"""How a verb ends badly, and the one way it tells people what it does."""

from __future__ import annotations

import re
import sys
from typing import TextIO

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


class Failure(Exception):
    """The verb could not do its work; the text is one clear sentence and what to do next."""

    def __init__(self, message: str, exit_status: int = 1) -> None:
        """Carry the sentence for stderr and the exit status (1 failed, 2 wrong usage)."""
        super().__init__(message)
        self.exit_status = exit_status


def say(line: str, stream: TextIO | None = None) -> None:
    """Print one fact as one line of the result, at once, without control characters."""
    print(visible(line), file=stream or sys.stdout, flush=True)


def visible(text: str) -> str:
    """Return the text on one line, without terminal escapes, control or direction marks."""
    return _INVISIBLE.sub("�", _ANSI.sub("", text).replace("\n", " ").replace("\t", " "))


def count(number: int, noun: str) -> str:
    """Return `1 portal`, `2 portals`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Return a number of bytes as people read it: `512 B`, `1.5 GB` (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
