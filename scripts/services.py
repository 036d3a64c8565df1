"""Bring the servers and the browser that some tests need: `make services`.

A server that answers already is left alone. Otherwise Docker Compose is used where an engine
answers, else Debian's packages when this runs as root. The browser is Debian's Chromium. Needs
nothing but Python itself, since it runs before anything is installed.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

NO_SERVER = "no server"
COMPOSE_FILE = Path(__file__).with_name("services.compose.yaml")
CLUSTER_SETTINGS = Path("/etc/postgresql")
DATABASE_URL = "CHIFFON_TEST_DATABASE_URL"
CHROMIUM = "CHIFFON_TEST_CHROMIUM"
BROKER_URL = "CHIFFON_TEST_BROKER_URL"
DEFAULT_BROKER_URL = "amqp://guest:guest@127.0.0.1:5672/"
DEFAULT_DATABASE_URL = "postgresql://postgres@127.0.0.1:5432/postgres"
START_SECONDS = 60.0


class ServiceError(Exception):
    """The reason why a server cannot be brought, with what to do next."""


@dataclass(frozen=True)
class Service:
    """One server: how it is recognised and how it is brought.

    Attributes:
        name: what people call it.
        address: where it is looked for, as people read it (never a password).
        named_by: the environment variable that names another address.
        probe: `None` when the server answers as wanted, else the reason in a few words.
        compose_name: its name in services.compose.yaml.
        install: brings it from Debian's packages, as root.
        needs: what the tests must be allowed there.
    """

    name: str
    address: str
    named_by: str
    probe: Callable[[], str | None]
    compose_name: str
    install: Callable[[], None]
    needs: str


def main() -> int:
    """Bring every server that does not answer, and the browser; return the exit status."""
    try:
        for service in (postgresql(), rabbitmq()):
            bring(service)
        bring_chromium()
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def bring(service: Service) -> None:
    """See to it that a server answers, or raise ServiceError saying what to do."""
    reason = service.probe()
    if reason is None:
        print(f"{service.name} answers at {service.address}.")
        return
    if os.environ.get(service.named_by):
        raise ServiceError(
            f"{service.name} at {service.address}: {reason}. {service.named_by} names that server: "
            "start it, correct the address, or unset the variable."
        )
    if reason != NO_SERVER:
        raise ServiceError(
            f"{service.name} at {service.address}: {reason}. That server is not touched: "
            f"set {service.named_by} to an address where {service.needs}."
        )
    start(service)
    wait_until_answering(service)
    print(f"{service.name} was started and answers at {service.address}.")


def start(service: Service) -> None:
    """Start a server by the first way that this machine offers."""
    if docker_engine_answers():
        run("docker", "compose", "--file", str(COMPOSE_FILE), "up", "--detach", "--wait",
            service.compose_name)  # fmt: skip
    elif os.geteuid() == 0 and shutil.which("apt-get"):
        service.install()
    else:
        raise ServiceError(
            f"{service.name} does not answer at {service.address}, no Docker engine answers, and "
            "this is not root on Debian: start one of these, or set "
            f"{service.named_by} to a server elsewhere."
        )


def wait_until_answering(service: Service) -> None:
    """Wait for the first answer of a server that was just started."""
    deadline = time.monotonic() + START_SECONDS
    reason = service.probe()
    while reason is not None:
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{service.name} was started but {service.address} says after "
                f"{START_SECONDS:.0f} s: {reason}. See the messages above."
            )
        time.sleep(0.2)
        reason = service.probe()


def docker_engine_answers() -> bool:
    """Tell whether an engine answers and Compose is there: the client alone does not count."""
    return all(
        succeeds(*question)
        for question in (
            ("docker", "version", "--format", "{{.Server.Version}}"),
            ("docker", "compose", "version"),
        )
    )


def succeeds(*command: str) -> bool:
    """Run a question quietly; a missing program is a no."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    """Run a command in sight of the person, or raise ServiceError naming it."""
    print("+", " ".join(command), flush=True)
    done = subprocess.run(command, env={**os.environ, **(environment or {})}, check=False)
    if done.returncode != 0:
        raise ServiceError(f"`{' '.join(command)}` failed with status {done.returncode}.")


def install_packages(*names: str) -> None:
    """Bring packages of Debian, as root."""
    if not succeeds("apt-get", "update"):
        print("`apt-get update` failed: going on with the package lists that are here.")
    run("apt-get", "install", "--yes", "--no-install-recommends", *names,
        environment={"DEBIAN_FRONTEND": "noninteractive"})  # fmt: skip


# --- PostgreSQL ---------------------------------------------------------------------------------

_PROTOCOL_3_0 = 196608
_AUTHENTICATION_OK = 0
_HEAD = struct.Struct("!ci")  # the kind, and the length without the kind
_KINDS_BEFORE_READY = {b"E", b"K", b"N", b"R", b"S", b"Z", b"v"}
_LONGEST_ANSWER = 65536


def postgresql() -> Service:
    """Return PostgreSQL at the address that the tests use."""
    url = urlsplit(os.environ.get(DATABASE_URL) or DEFAULT_DATABASE_URL)
    host, port = url.hostname or "127.0.0.1", url.port or 5432
    user, with_password = url.username or "postgres", url.password is not None
    return Service(
        name="PostgreSQL",
        address=f"{host}:{port}",
        named_by=DATABASE_URL,
        probe=lambda: probe_postgresql(host, port, user, with_password=with_password),
        compose_name="postgresql",
        install=install_postgresql,
        needs="a user may create databases",
    )


def probe_postgresql(host: str, port: int, user: str, *, with_password: bool) -> str | None:
    """Log in as far as no password is needed; return what is in the way, or None.

    The messages are those of the PostgreSQL documentation, "Message Formats": to a start-up
    message the server answers `R` and the kind of authentication wanted, then `Z` when it is
    ready; `E` is a refusal.
    """
    words = b"user\0%b\0database\0postgres\0\0" % user.encode()
    hello = struct.pack("!ii", 8 + len(words), _PROTOCOL_3_0) + words
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            connection.sendall(hello)
            with connection.makefile("rb") as answers:
                return read_login(answers, user, with_password=with_password)
    except OSError:
        return NO_SERVER


def read_login(answers: BinaryIO, user: str, *, with_password: bool) -> str | None:
    """Read the server's answers until it is clear whether the user may come in."""
    while len(head := answers.read(_HEAD.size)) == _HEAD.size:
        kind, length = _HEAD.unpack(head)
        if kind not in _KINDS_BEFORE_READY or length > _LONGEST_ANSWER:
            break
        body = answers.read(length - 4)
        if kind == b"Z":
            return None
        if kind == b"E":
            return f"it refuses the user {user}"
        if kind == b"R" and int.from_bytes(body[:4]) != _AUTHENTICATION_OK:
            return None if with_password else f"it asks a password of the user {user}"
    return "what answers there is no PostgreSQL server"


def install_postgresql() -> None:
    """Bring Debian's PostgreSQL; open it for passwordless logins only when it is new here."""
    was_here = bool(clusters())
    if not was_here:
        install_packages("postgresql")
    version, name = cluster_at("5432")
    if not was_here:
        trust_loopback(CLUSTER_SETTINGS / version / name / "pg_hba.conf")
    # Without systemd (containers) nothing starts a cluster by itself.
    action = "reload" if succeeds("pg_ctlcluster", version, name, "status") else "start"
    run("pg_ctlcluster", "--skip-systemctl-redirect", version, name, action)


def clusters() -> Sequence[Sequence[str]]:
    """Return the rows of `pg_lsclusters`: version, name, port, status, …; none without it."""
    try:
        done = subprocess.run(
            ["pg_lsclusters", "--no-header"], capture_output=True, text=True, check=False
        )
    except OSError:
        return []
    return [line.split() for line in done.stdout.splitlines()]


def cluster_at(port: str) -> tuple[str, str]:
    """Return version and name of the Debian cluster on a port."""
    for version, name, its_port, *_ in clusters():
        if its_port == port:
            return version, name
    raise ServiceError(
        f"No Debian PostgreSQL cluster has port {port} (see pg_lsclusters): make one with "
        f"`pg_createcluster --port {port} VERSION NAME`, or set {DATABASE_URL}."
    )


def trust_loopback(rules: Path) -> None:
    """Let `postgres` log in from this machine without a password: the first rule that fits wins."""
    first = "# By Chiffon's `make services`, for tests.\nhost all postgres 127.0.0.1/32 trust\n"
    print(f"+ adding to {rules}: every local user may log in as postgres at 127.0.0.1")
    rules.write_text(first + rules.read_text())


# --- RabbitMQ -----------------------------------------------------------------------------------

_AMQP_0_9_1 = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = 1


def rabbitmq() -> Service:
    """Return RabbitMQ at the address that the tests use."""
    url = urlsplit(os.environ.get(BROKER_URL) or DEFAULT_BROKER_URL)
    host, port = url.hostname or "127.0.0.1", url.port or 5672
    return Service(
        name="RabbitMQ",
        address=f"{host}:{port}",
        named_by=BROKER_URL,
        probe=lambda: probe_rabbitmq(host, port),
        compose_name="rabbitmq",
        install=install_rabbitmq,
        needs="the user guest may declare queues",
    )


def probe_rabbitmq(host: str, port: int) -> str | None:
    """Say hello; return what is in the way, or None.

    AMQP 0-9-1: the server answers the protocol's header with a method frame, `connection.start`;
    one that speaks another version sends its own header back and hangs up.
    """
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            connection.sendall(_AMQP_0_9_1)
            with connection.makefile("rb") as answers:
                first = answers.read(1)
    except OSError:
        return NO_SERVER
    if first and first[0] == _METHOD_FRAME:
        return None
    return "what answers there is no RabbitMQ"


def install_rabbitmq() -> None:
    """Bring Debian's RabbitMQ; a server that is only stopped is started."""
    if not shutil.which("rabbitmq-server"):
        install_packages("rabbitmq-server")
    # Where systemd runs the package has started it; `-detached` then does nothing more.
    run("rabbitmq-server", "-detached")


# --- Chromium -----------------------------------------------------------------------------------


def bring_chromium() -> None:
    """See to it that there is a browser for the tests of pages, or raise ServiceError."""
    named = os.environ.get(CHROMIUM)
    if named and shutil.which(named) is None:
        raise ServiceError(
            f"Chromium at {named}: no such program. {CHROMIUM} names it: correct the path, or "
            "unset the variable."
        )
    if shutil.which(named or "chromium") is None:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise ServiceError(
                "Chromium is not in PATH, and this is not root on Debian: install it, or set "
                f"{CHROMIUM} to the path of a Chromium or Chrome."
            )
        # Without the fonts, letters and signs of a page are empty boxes.
        install_packages("chromium", "fonts-dejavu-core", "fonts-noto-color-emoji")
    print(f"Chromium is at {shutil.which(named or 'chromium')}.")


if __name__ == "__main__":
    sys.exit(main())
