"""A PostgreSQL and a RabbitMQ of a run's own, which it may kill: nobody else is on them."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import aio_pika
import asyncpg

from tests.chaos.site import free_port
from tests.plugins.waiting import until

_START_SECONDS = 90.0
_RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class MissingServerError(Exception):
    """A server's program is not here; the text says which."""


class Server(ABC):
    """One server program in a process group of its own."""

    name = ""
    user = ""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self.room / "server.log").open("ab")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                *as_user(self.user, self.command()),
                env={**os.environ, **self.settings()},
                cwd=self.room,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await until(self.answers, what=f"{self.name} answers", seconds=_START_SECONDS)

    async def stop(self, number: signal.Signals) -> None:
        """End it at once: SIGQUIT is PostgreSQL's immediate stop, SIGKILL a power cut."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        _ = await process.wait()
        await until(self._is_gone, what=f"{self.name} has gone", seconds=30)
        self._process = None

    def _is_gone(self) -> bool:
        try:
            os.killpg(self._process.pid if self._process else 0, 0)
        except ProcessLookupError:
            return True
        return False

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return what to run."""

    def settings(self) -> Mapping[str, str]:
        return {}

    @abstractmethod
    async def answers(self) -> bool:
        """Say whether it can be used."""


class Postgres(Server):
    """A cluster in the run's folder."""

    name = "PostgreSQL"
    user = "postgres"

    def prepare(self) -> None:
        """Make the cluster."""
        own(self.room, self.user)
        made = subprocess.run(
            as_user(self.user, (program("initdb"), "-D", str(self.data), "-A", "trust",
                                "-U", "postgres", "--no-sync", "--no-instructions")),
            cwd=self.room, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise MissingServerError(f"initdb: {made.stderr}")

    @property
    def data(self) -> Path:
        return self.room / "data"

    def url(self, port: int | None = None) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{port or self.port}/postgres"

    def command(self) -> Sequence[str]:
        return (
            program("postgres"), "-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1",
            "-k", str(self.room), "-c", "max_connections=150", "-c", "shared_buffers=32MB",
        )  # fmt: skip

    async def answers(self) -> bool:
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user="postgres", database="postgres", timeout=5
            )
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True


class Rabbit(Server):
    """A node in the run's folder, without plugins."""

    name = "RabbitMQ"
    user = "rabbitmq"

    def prepare(self) -> None:
        """Lay its folders out."""
        if not Path(_RABBIT).exists():
            raise MissingServerError(f"{_RABBIT} is not here")
        (self.room / "plugins").write_text("[].\n", encoding="ascii")
        self._node_port = free_port()
        (self.room / "own.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\n", encoding="ascii"
        )
        own(self.room, self.user)

    def url(self, port: int | None = None) -> str:
        return f"amqp://guest:guest@127.0.0.1:{port or self.port}/"

    def command(self) -> Sequence[str]:
        return (_RABBIT,)

    def settings(self) -> Mapping[str, str]:
        return {
            "HOME": str(self.room),
            "RABBITMQ_NODENAME": f"chaos{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self.room / "own.conf"),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": str(self.room / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.room / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.room / "plugins"),
            "RABBITMQ_PID_FILE": str(self.room / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(self.room / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 1:1",
        }

    async def answers(self) -> bool:
        with suppress(OSError, aio_pika.exceptions.AMQPError, TimeoutError):
            async with await aio_pika.connect(self.url(), timeout=5):
                return True
        return False


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    Raises:
        MissingServerError: it is not installed.
    """
    found = sorted(str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = found[-1] if found else shutil.which(name)
    if path is None:
        raise MissingServerError(f"{name} is not here")
    return path


def as_user(user: str, command: Sequence[str]) -> list[str]:
    """Return `command` as that user where this is root: the servers refuse to be root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *command]


def own(folder: Path, user: str) -> None:
    """Give a folder and what is in it to the server's user."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid)
