"""What befalls the servers and the lines to them."""

import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.proxy import BROKER, DATABASE, Kind, Proxy
from tests.chaos.servers import Postgres, Rabbit, Server
from tests.chaos.storm import Storm

_PAUSE_SECONDS = (0.3, 2.5)
_AWAY_SECONDS = (0.2, 4.0)
_FIRST_SECONDS = 8.0


class Trouble:
    """The servers of a run and the lines to them, and who breaks them; without any: nobody."""

    def __init__(self, *servers: Server) -> None:
        self._servers = servers
        self.lines: list[Proxy] = []
        self._restarts: dict[str, int] = {}
        self._cuts = 0

    @property
    def database(self) -> Postgres:
        return next(each for each in self._servers if isinstance(each, Postgres))

    @property
    def broker(self) -> Rabbit:
        return next(each for each in self._servers if isinstance(each, Rabbit))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Start the servers, and open a line to each."""
        try:
            self.database.prepare()
            self.broker.prepare()
            servers: tuple[tuple[Server, Kind], ...] = (
                (self.database, DATABASE),
                (self.broker, BROKER),
            )
            for server, kind in servers:
                await server.start()
                line = Proxy(kind, server.port)
                await line.open()
                self.lines.append(line)
            yield
        finally:
            for line in self.lines:
                await line.close()
            for server in self._servers:
                await server.stop(signal.SIGKILL)

    async def run(self, storm: Storm) -> None:
        """Break something every few seconds until the storm is over; all is whole then."""
        chance = random.Random(f"{storm.seed} trouble")
        await storm.pause(_FIRST_SECONDS)
        while self.lines and not storm.over.is_set():
            await storm.pause(chance.uniform(*_PAUSE_SECONDS))
            line, fate = chance.choice(self.lines), chance.random()
            if fate < 0.8:
                line.swallow_one()
            elif fate < 0.95:
                self._cuts += 1
                storm.note(f"every connection to port {line.port} is cut")
                line.cut()
            else:
                await self._restart(storm, chance)
        for line in self.lines:
            line.be_good()

    async def _restart(self, storm: Storm, chance: random.Random) -> None:
        server = chance.choice(self._servers)
        how = chance.choice([signal.SIGKILL, signal.SIGQUIT])
        if server is self.broker:
            how = signal.SIGKILL
        storm.note(f"{server.name} is ended ({how.name})")
        await server.stop(how)
        await storm.pause(chance.uniform(*_AWAY_SECONDS))
        await server.start()
        self._restarts[server.name] = self._restarts.get(server.name, 0) + 1
        storm.note(f"{server.name} is back")

    def counted(self) -> list[tuple[str, int]]:
        """Return what was done, in words and numbers."""
        names = ("replies to COMMIT swallowed", "confirms swallowed")
        swallowed = [(name, line.swallowed) for name, line in zip(names, self.lines, strict=False)]
        restarts = [(f"{name} killed", count) for name, count in self._restarts.items()]
        return [*swallowed, *restarts, *([("lines cut", self._cuts)] if self.lines else [])]
