"""A PostgreSQL of one's own that speaks TLS, for as long as a test module runs."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.plugins.waiting import until_blocking

USER, PASSWORD = "owner", "Long-Random-0815"


@dataclass(frozen=True)
class TlsServer:
    """Where it listens (127.0.0.1), and the files of its authority and of a foreign one."""

    port: int
    authority: Path
    foreign: Path

    def url(self, query: str, *, host: str = "localhost", password: str = PASSWORD) -> str:
        return f"postgresql+asyncpg://{USER}:{password}@{host}:{self.port}/postgres?{query}"


def programs() -> Path | None:
    """Return the folder of the server's programs, the newest one's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    named = shutil.which("postgres")
    return None if named is None else Path(named).parent


@contextmanager
def tls_server(folder: Path) -> Iterator[TlsServer]:
    """Make and start a server whose certificate is for `localhost` alone."""
    with tempfile.TemporaryDirectory(prefix="pg-tls-", ignore_cleanup_errors=True) as place:
        home = Path(place)
        authority, foreign = trustme.CA(), trustme.CA()
        _write_certificates(home, authority)
        known, unknown = folder / "ca.pem", folder / "foreign.pem"
        authority.cert_pem.write_to_path(known)
        foreign.cert_pem.write_to_path(unknown)
        port = _free_port()
        with _running(folder, home, port):
            yield TlsServer(port, known, unknown)


def _write_certificates(home: Path, authority: trustme.CA) -> None:
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(home / "server.key")
    for position, part in enumerate(certificate.cert_chain_pems):
        part.write_to_path(home / "server.crt", append=position > 0)
    (home / "password").write_text(PASSWORD, "utf-8")
    (home / "server.key").chmod(0o600)


@contextmanager
def _running(folder: Path, home: Path, port: int) -> Iterator[None]:
    """Run the server; it refuses to be root, so as root it runs as its own user."""
    bin_folder = programs()
    assert bin_folder is not None
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    who = {"user": user, "group": user, "extra_groups": []} if os.getuid() == 0 else {}
    if who:
        for each in (home, *home.iterdir()):
            shutil.chown(each, user, user)
    options = ["-U", USER, "--pwfile", home / "password", "-A", "scram-sha-256", "--no-sync"]
    made = [str(word) for word in (bin_folder / "initdb", "-D", home / "db", *options)]
    subprocess.run(made, check=True, capture_output=True, cwd=home, **who)  # type: ignore[call-overload]
    on = {
        "ssl": "on",
        "ssl_cert_file": home / "server.crt",
        "ssl_key_file": home / "server.key",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": home,
        "fsync": "off",
    }
    settings = [word for name, value in on.items() for word in ("-c", f"{name}={value}")]
    command = [bin_folder / "postgres", "-D", home / "db", "-p", str(port), *settings]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stderr=log, cwd=home, **who)  # type: ignore[call-overload]
        try:
            until_blocking(
                lambda: _answers(bin_folder, port), what="PostgreSQL with TLS", seconds=60
            )
            yield
        finally:
            server.terminate()
            server.wait(30)


def _answers(bin_folder: Path, port: int) -> bool:
    asked = [str(bin_folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, check=False).returncode == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
