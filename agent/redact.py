"""Secrets never leave the agent: their values are replaced in whatever a command prints.

It works by value, since only the value is certain to be in the output: as it is, in base64
(at each of the three alignments, so also within a longer encoded text), URL-encoded, and as it
stands inside a JSON string.
"""

import base64
import contextlib
import glob
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from agent.plain_text import harmless

MASK = "[redacted]"

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|KEY|CREDENTIAL", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$")
_COMMENT = re.compile(r"\s#.*")
_TOO_COMMON = frozenset({"true", "false", "none", "null"})
_SHORTEST = 4  # hiding every `1` or `on` would leave no output
_SHORTEST_ENCODED = 6
_SHORTEST_LINE = 16
_LONGEST_WHOLE = 4_096  # a longer file is looked for line by line
_LARGEST_FILE = 64 * 1024


class Redactor:
    """Replaces secrets in text that `harmless` has been through.

    `longest` is the number of characters of the longest form that is looked for.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None
        self.longest = len(self._forms[0]) if self._forms else 0

    def hide(self, text: str) -> str:
        """Return `text` without secrets."""
        return self.hide_between(text, 0, len(text))

    def hide_between(self, text: str, start: int, end: int) -> str:
        """Return `text[start:end]` without secrets, nor parts of one that a border cuts."""
        shown: list[str] = []
        position = start
        for match in self._pattern.finditer(text) if self._pattern else ():
            if match.end() <= start or match.start() >= end:
                continue
            shown += [text[position : match.start()], MASK]
            position = match.end()
        return "".join([*shown, text[position:end]])

    def unfinished(self, text: str) -> int:
        """Return how many characters at the end of `text` could be the start of a secret."""
        for length in range(min(len(text), self.longest - 1), 0, -1):
            ending = text[-length:]
            if any(len(form) > length and form.startswith(ending) for form in self._forms):
                return length
        return 0


class Secrets:
    """Where this agent's secrets are: in its environment, by name, and in files.

    A file may be named by a pattern (`*`); files are read anew whenever they change.
    """

    def __init__(
        self, files: Iterable[Path] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        named = os.environ if environment is None else environment
        secret = {name: value for name, value in named.items() if _SECRET_NAME.search(name)}
        by_file = [value for name, value in secret.items() if name.endswith("_FILE")]
        self._values = {value for name, value in secret.items() if not name.endswith("_FILE")}
        self._patterns = (*map(str, files), *map(glob.escape, by_file))
        self._stamps: dict[Path, tuple[int, int]] | None = None
        self._redactor = Redactor()

    def redactor(self) -> Redactor:
        """Return a redactor for the secrets as they are now."""
        stamps = dict(self._stamped())
        if stamps != self._stamps:
            self._stamps = stamps
            kept = (value for path in stamps for value in _values_in(path))
            self._redactor = Redactor((*self._values, *kept))
        return self._redactor

    def _stamped(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for pattern in self._patterns:
            for name in sorted(glob.glob(pattern)):  # noqa: PTH207 - absolute patterns
                with contextlib.suppress(OSError):
                    status = Path(name).stat()
                    yield Path(name), (status.st_mtime_ns, status.st_size)


def _forms(secret: str) -> Iterator[str]:
    """Yield every way in which `secret` may show."""
    value = secret.strip()
    if len(value) < _SHORTEST or value.lower() in _TOO_COMMON:
        return
    yield harmless(value)
    yield harmless(json.dumps(value)[1:-1])
    yield harmless(json.dumps(value, ensure_ascii=False)[1:-1])
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    for form in _base64_forms(value.encode()):
        if len(form) >= _SHORTEST_ENCODED:
            yield form
            yield form.replace("+", "-").replace("/", "_")


def _base64_forms(value: bytes) -> Iterator[str]:
    """Yield the part of its base64 form that does not depend on what surrounds it."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + value).decode()
        first = -(-offset * 8 // 6)  # characters that also hold bits of what stands before
        last = (offset + len(value)) * 8 // 6  # the one after also holds bits of what follows
        yield encoded[first:last]


def _values_in(path: Path) -> Iterator[str]:
    """Yield the secrets of a file: of `NAME=value` lines the secret ones, else all of it."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST_FILE).decode(errors="replace")
    except OSError:
        return
    lines = text.splitlines()
    named = [match for line in lines if (match := _ASSIGNMENT.match(line))]
    if named:
        for match in named:
            if _SECRET_NAME.search(match[1]):
                value = match[2].strip()
                yield value.strip("\"'")
                yield _COMMENT.sub("", value).strip("\"' ")
        return
    if len(text) <= _LONGEST_WHOLE:
        yield text
    if len(lines) > 1:
        yield from (line for line in lines if len(line.strip()) >= _SHORTEST_LINE)
