"""A line between Chiffon and a server that breaks at the worst moment.

It forwards bytes. Told to, it swallows one answer: the server's next answer after the client's
COMMIT, or the broker's next confirmation, and hangs up. What was asked for has happened then, and
who asked does not know.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_CHUNK = 65_536
COMMIT = b"COMMIT"
CONFIRM = b"\x00\x3c\x00\x50"
"""AMQP's method Basic.Ack (class 60, method 80): from the broker it confirms a publish."""


@dataclass(frozen=True)
class Kind:
    """What to look for: `asked` in the client's bytes, `answered` in the server's."""

    asked: bytes | None
    answered: bytes | None


DATABASE = Kind(asked=COMMIT, answered=None)
BROKER = Kind(asked=None, answered=CONFIRM)


class Proxy:
    """One port that stands for a server."""

    def __init__(self, kind: Kind, target_port: int) -> None:
        self.kind = kind
        self.port = 0
        self.swallowed = 0
        self._target_port = target_port
        self._armed = False
        self._closers: set[Callable[[], None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def swallow_one(self) -> None:
        """Swallow the next answer of the kind, and hang up."""
        self._armed = True

    def be_good(self) -> None:
        self._armed = False

    def cut(self) -> None:
        """Hang up on everybody."""
        for close in list(self._closers):
            close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.close()
            return
        line = _Line(self)

        def close() -> None:
            for each in (writer, back):
                if each.transport is not None:
                    each.transport.abort()

        self._closers.add(close)
        forth = asyncio.create_task(_pump(reader, back, line.may_ask))
        answers = asyncio.create_task(_pump(there, writer, line.may_answer))
        try:
            await asyncio.wait({forth, answers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            close()
            await asyncio.gather(forth, answers, return_exceptions=True)
            self._closers.discard(close)

    def take_shot(self) -> bool:
        """Say whether to swallow this very answer."""
        armed, self._armed = self._armed, False
        self.swallowed += armed
        return armed


class _Line:
    """What is known of one connection."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._asked = False

    def may_ask(self, piece: bytes) -> bool:
        asked = self._proxy.kind.asked
        self._asked = asked is not None and asked in piece
        return True

    def may_answer(self, piece: bytes) -> bool:
        answered = self._proxy.kind.answered
        hit = self._asked if answered is None else answered in piece
        return not (hit and self._proxy.take_shot())


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may_pass: Callable[[bytes], bool]
) -> None:
    with suppress(OSError):
        while piece := await reader.read(_CHUNK):
            if not may_pass(piece):
                return
            writer.write(piece)
            await writer.drain()
