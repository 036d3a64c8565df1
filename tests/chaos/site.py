"""Where a run takes place: a folder, a database, perhaps a broker, and the programs on them."""

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.programs import Nursery, Program
from tests.chaos.work import Canary

PERSON = "newcomer"


@dataclass
class Site:
    """Everything that a run needs to know of what it does chaos to.

    Attributes:
        room: the run's folder.
        canary: what was really done.
        database_url: the database, past every proxy.
        broker_url: the broker, past every proxy; None where it is in the process.
        fronts: programs with a REST address; agents: those without.
    """

    room: Path
    canary: Canary
    token: str
    database_url: str
    broker_url: str | None = None
    fronts: list[Program] = field(default_factory=list)
    agents: list[Program] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def programs(self) -> list[Program]:
        return [*self.fronts, *self.agents]

    def address(self, front: Program) -> str:
        return self.addresses[front.name]


def embedded_site(nursery: Nursery, room: Path, **settings: str) -> Site:
    """Return a site with one `chiffon up`, which needs nothing else."""
    site = _site(room, f"sqlite+aiosqlite:///{room / 'up' / 'chiffon.db'}")
    _add_front(site, nursery, "up", "up", settings)
    return site


def served_site(
    nursery: Nursery,
    room: Path,
    *,
    replicas: int,
    agents: int,
    database_url: str,
    broker_url: str,
    through: dict[str, str],
) -> Site:
    """Return a site with replicas of `chiffon serve` and agents, which use `through`."""
    site = _site(room, database_url, broker_url)
    for number in range(1, replicas + 1):
        _add_front(site, nursery, f"serve-{number}", "serve", through)
    for number in range(1, agents + 1):
        name = f"agent-{number}"
        words = ("--name", name, "--type", "infra", "--slots", "4")
        site.agents.append(
            Program(nursery, name, "agent", words, _settings(site, name) | through, room)
        )
    return site


def _site(room: Path, database_url: str, broker_url: str | None = None) -> Site:
    return Site(room, Canary(room), secrets.token_urlsafe(32), database_url, broker_url)


def _add_front(
    site: Site, nursery: Nursery, name: str, command: str, settings: dict[str, str]
) -> None:
    port = free_port()
    its_own = _settings(site, name) | {"CHIFFON_PORT": str(port)} | settings
    program = Program(nursery, name, command, (), its_own, site.room)
    program.home.mkdir(mode=0o700)
    token = program.home / "token"
    token.write_text(site.token, encoding="utf-8")
    token.chmod(0o600)
    site.fronts.append(program)
    site.addresses[name] = f"http://127.0.0.1:{port}"


def _settings(site: Site, name: str) -> dict[str, str]:
    return {
        "CHIFFON_HOME": str(site.room / name),
        "CHIFFON_CATALOG": str(site.canary.catalog),
        "CHIFFON_REQUESTS_PER_MINUTE": "100000",
        "CHIFFON_LOG_FORMAT": "json",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LOGNAME": PERSON,
    }


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
