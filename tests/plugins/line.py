"""A line to a server that can fall silent: nobody hangs up, and nothing comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Line:
    """Forwards bytes until it is `silent`; then it swallows them, both ways."""

    def __init__(self) -> None:
        self.port = 0
        self.silent = False
        self.silent_after = b""
        """What the client says last that still gets through."""

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what the client says."""
        while data := await reader.read(65536):
            if not self.silent:
                self.silent = bool(self.silent_after) and self.silent_after in data
                writer.write(data)
        writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what the server says."""
        while data := await reader.read(65536):
            if not self.silent:
                writer.write(data)
        writer.close()


@asynccontextmanager
async def line_to(host: str, port: int) -> AsyncIterator[Line]:
    """Open a line to a server; its `port` is on this machine."""
    line = Line()
    ends: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(host, port)
        ends.update((writer, downstream))
        ways = (line.ask(reader, downstream), line.answer(upstream, writer))
        await asyncio.gather(*ways, return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        for end in ends:
            end.transport.abort()
