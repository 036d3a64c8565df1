"""What a command prints: bounded while it comes, made harmless, and free of secrets.

Of any amount, the first and the last 32 KiB are kept; what is left out is said with its size.
Bytes are kept raw until they are shown, with a margin around every cut, so that a secret which
a cut or a border between two chunks goes through is still recognised.
"""

import codecs
from collections.abc import Callable

from agent.plain_text import harmless, unfinished_escape
from agent.redact import Redactor

MAX_BYTES = 64 * 1024
LIVE_BYTES = 4 * 1024

_HALF = MAX_BYTES // 2 - 64  # room for the line that says what was left out
_ROOM = _HALF + 32  # a mask across the border shows whole
_MARGIN = 32 * 1024  # more than the longest form of a secret
_SLACK = 64 * 1024


class _Ending:
    """The last `size` bytes of a stream, and how many went before."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.dropped = 0
        self._bytes = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._bytes += chunk[-self.size :]
        self.dropped += len(chunk) - min(len(chunk), self.size)
        if len(self._bytes) > self.size + _SLACK:  # not at each chunk: moving bytes costs time
            self._trim()

    def take(self) -> bytes:
        self._trim()
        return bytes(self._bytes)

    def clear(self) -> None:
        self._bytes.clear()
        self.dropped = 0

    def _trim(self) -> None:
        excess = max(0, len(self._bytes) - self.size)
        del self._bytes[:excess]
        self.dropped += excess


class Output:
    """Standard output and error of one attempt."""

    def __init__(self, redactor: Callable[[], Redactor] = Redactor) -> None:
        self._redactor = redactor
        self._total = 0
        self._head = bytearray()
        self._tail = _Ending(_HALF + _MARGIN)
        self._news = _Ending(LIVE_BYTES + _MARGIN)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, chunk: bytes) -> None:
        """Take what was printed; memory does not grow with it."""
        self._total += len(chunk)
        self._head += chunk[: _HALF + _MARGIN - len(self._head)]
        self._tail.feed(chunk)
        self._news.feed(chunk)

    def live(self) -> str:
        """Return what is new since the last call; of a flood, its last 4 KiB.

        An ending that may become a secret or a terminal command waits for the next call.
        """
        raw, dropped = self._news.take(), self._news.dropped
        self._news.clear()
        redactor = self._redactor()
        if dropped or len(raw) > LIVE_BYTES:
            return self._latest(raw, dropped, redactor)
        text = self._held + self._decoder.decode(raw)
        whole = len(text) - unfinished_escape(text)
        shown = redactor.hide(harmless(text[:whole]))
        ready = len(shown) - redactor.unfinished(shown)
        self._held = shown[ready:] + text[whole:]
        return shown[:ready]

    def final(self) -> str:
        """Return all of it, or its head and tail: at most 64 KiB of UTF-8."""
        tail = self._tail.take()
        if self._total <= MAX_BYTES:
            rest = self._total - len(self._head)
            whole = bytes(self._head) + (tail[-rest:] if rest else b"")
            return _bounded(self._redactor().hide(_plain(whole)))
        said = _left_out(self._total - 2 * _HALF)
        return _cut(self._first(), _ROOM) + said + _cut(self._last(tail, _HALF), -_ROOM)

    def _first(self) -> str:
        raw = bytes(self._head)
        return self._redactor().hide_between(_plain(raw), 0, len(_plain(raw[:_HALF])))

    def _last(self, raw: bytes, shown: int) -> str:
        text = _plain(raw)
        start = max(0, len(text) - len(_plain(raw[-shown:])))
        return self._redactor().hide_between(text, start, len(text))

    def _latest(self, raw: bytes, dropped: int, redactor: Redactor) -> str:
        # What was held back may be the first half of a secret: it goes with what was dropped.
        left_out = dropped + len(raw) - min(len(raw), LIVE_BYTES) + len(self._held)
        shown = self._last(raw, LIVE_BYTES)
        ready = len(shown) - redactor.unfinished(shown)
        self._held = shown[ready:]
        self._decoder.reset()
        return _left_out(left_out) + shown[:ready]


def _plain(raw: bytes) -> str:
    return harmless(raw.decode("utf-8", errors="replace"))


def _cut(text: str, size: int) -> str:
    """Return the first `size` bytes of `text` in UTF-8; the last ones where it is negative."""
    encoded = text.encode()
    part = encoded[:size] if size > 0 else encoded[size:]
    return part.decode(errors="ignore")


def _bounded(text: str) -> str:
    """Return `text` within 64 KiB: replacement characters may have made it longer."""
    size = len(text.encode())
    if size <= MAX_BYTES:
        return text
    return _cut(text, _HALF) + _left_out(size - 2 * _HALF) + _cut(text, -_HALF)


def _left_out(size: int) -> str:
    return f"\n[… {size:,} bytes left out …]\n"
