"""`make services` leaves a server that answers alone and says what to do about all others."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts import services

LOGIN_OK = b"R" + struct.pack("!ii", 8, 0)
PASSWORD_WANTED = b"R" + struct.pack("!ii", 8, 10)
PARAMETER = b"S" + struct.pack("!i", 8) + b"a\0b\0"
READY = b"Z" + struct.pack("!i", 5) + b"I"
REFUSAL = b"E" + struct.pack("!i", 9) + b"nope\0"


@pytest.fixture
def server() -> Iterator[Callable[[bytes], int]]:
    """Start servers that give one answer to the first who calls; return the port."""
    listeners = []
    threads = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        threads.append(threading.Thread(target=answer_once))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(timeout=5)
    for listener in listeners:
        listener.close()


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def no_install() -> None:
    """Fail: nothing may be installed."""
    raise AssertionError("installed something")


def service(*answers: str | None, named_by: str = "UNSET_IN_TESTS") -> services.Service:
    """Return a service that gives these answers, one after the other, and installs nothing."""
    left = iter(answers)
    return services.Service(
        name="Server",
        address="127.0.0.1:1",
        named_by=named_by,
        probe=lambda: next(left),
        compose_name="server",
        install=no_install,
        needs="it may",
    )


@pytest.mark.parametrize(
    ("answer", "with_password", "expected"),
    [
        (LOGIN_OK + PARAMETER + READY, False, None),
        (PASSWORD_WANTED, False, "it asks a password of the user kim"),
        (PASSWORD_WANTED, True, None),
        (LOGIN_OK + REFUSAL, False, "it refuses the user kim"),
        (REFUSAL, True, "it refuses the user kim"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "what answers there is no PostgreSQL server"),
        (b"", False, "what answers there is no PostgreSQL server"),
    ],
)
def test_probe_tells_what_is_in_the_way(
    server: Callable[[bytes], int], answer: bytes, with_password: bool, expected: str | None
) -> None:
    port = server(answer)

    told = services.probe_postgresql("127.0.0.1", port, "kim", with_password=with_password)

    assert told == expected


def test_probe_tells_that_nobody_is_there(free_port: int) -> None:
    told = services.probe_postgresql("127.0.0.1", free_port, "kim", with_password=False)

    assert told == services.NO_SERVER


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x01\x00\x00\x00\x00\x01\xf8", None),
        (b"AMQP\x00\x01\x00\x00", "what answers there is no RabbitMQ"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is no RabbitMQ"),
        (b"", "what answers there is no RabbitMQ"),
    ],
)
def test_probe_knows_a_rabbitmq(
    server: Callable[[bytes], int], answer: bytes, expected: str | None
) -> None:
    assert services.probe_rabbitmq("127.0.0.1", server(answer)) == expected


def test_probe_tells_that_no_rabbitmq_is_there(free_port: int) -> None:
    assert services.probe_rabbitmq("127.0.0.1", free_port) == services.NO_SERVER


@pytest.mark.parametrize("installed", [True, False])
def test_rabbitmq_is_installed_where_it_is_missing_and_started(
    monkeypatch: pytest.MonkeyPatch, *, installed: bool
) -> None:
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr("shutil.which", lambda _: "/usr/sbin/it" if installed else None)
    monkeypatch.setattr(services, "install_packages", lambda *names: done.append(names))
    monkeypatch.setattr(services, "run", lambda *words: done.append(words))

    services.install_rabbitmq()

    start = ("rabbitmq-server", "-detached")
    assert done == ([start] if installed else [("rabbitmq-server",), start])


def test_a_server_that_answers_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    services.bring(service(None))

    assert capsys.readouterr().out == "Server answers at 127.0.0.1:1.\n"


def test_a_named_server_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAMED", "somewhere")

    with pytest.raises(services.ServiceError, match="NAMED names that server: start it"):
        services.bring(service(services.NO_SERVER, named_by="NAMED"))


def test_a_server_that_refuses_is_not_touched() -> None:
    with pytest.raises(services.ServiceError, match=r"asks a password.*not touched: set UNSET"):
        services.bring(service("it asks a password of the user kim"))


def test_without_engine_and_root_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "docker_engine_answers", lambda: False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(services.ServiceError, match="no Docker engine answers, and this is not"):
        services.bring(service(services.NO_SERVER))


def test_an_engine_is_asked_to_bring_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_called(monkeypatch, tmp_path, status=0)

    services.bring(service(services.NO_SERVER, services.NO_SERVER, None))

    words = (tmp_path / "calls").read_text().splitlines()
    assert words[0] == "version --format {{.Server.Version}}"
    assert words[-1] == f"compose --file {services.COMPOSE_FILE} up --detach --wait server"
    assert "was started and answers" in capsys.readouterr().out


def test_a_docker_client_without_an_engine_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker_called(monkeypatch, tmp_path, status=1)

    assert not services.docker_engine_answers()


def test_no_docker_at_all_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not services.docker_engine_answers()


def test_root_on_debian_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = []
    monkeypatch.setattr(services, "docker_engine_answers", lambda: False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    new = replace(service(services.NO_SERVER, None), install=lambda: installed.append(1))

    services.bring(new)

    assert installed == [1]


def test_a_server_that_never_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "START_SECONDS", -1.0)

    with pytest.raises(services.ServiceError, match="was started but"):
        services.wait_until_answering(service("it is starting"))


def test_a_command_that_fails_is_named() -> None:
    with pytest.raises(services.ServiceError, match="`false` failed with status 1"):
        services.run("false")


def test_trust_comes_before_the_rules_that_are_there(tmp_path: Path) -> None:
    rules = tmp_path / "pg_hba.conf"
    rules.write_text("host all all 127.0.0.1/32 scram-sha-256\n")

    services.trust_loopback(rules)

    lines = [line for line in rules.read_text().splitlines() if not line.startswith("#")]
    assert lines == [
        "host all postgres 127.0.0.1/32 trust",
        "host all all 127.0.0.1/32 scram-sha-256",
    ]


def test_address_comes_from_the_environment_without_its_password(
    monkeypatch: pytest.MonkeyPatch, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(services.DATABASE_URL, f"postgresql://kim:s3cret@127.0.0.1:{free_port}/x")

    status = services.main()

    told = capsys.readouterr().err
    assert status == 1
    assert told.startswith(f"PostgreSQL at 127.0.0.1:{free_port}: no server.")
    assert "s3cret" not in told


class Debian:
    """A folder of programs that stand in for Debian's, and one cluster's rules."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.rules = folder / "15/main/pg_hba.conf"
        self.rules.parent.mkdir(parents=True)
        self.rules.write_text("")
        self.program("apt-get", f"cp {folder}/after_install {folder}/clusters")
        self.program("pg_lsclusters", f"cat {folder}/clusters")
        self.program("pg_ctlcluster", 'test "$3" != status')
        monkeypatch.setattr(services, "CLUSTER_SETTINGS", folder)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def program(self, name: str, line: str) -> None:
        """Write a program that notes its call, then runs one line."""
        file = self.folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.folder}/calls\n{line}\n')
        file.chmod(0o755)

    def clusters(self, *, before: str, after: str) -> None:
        """Set what pg_lsclusters prints before and after an installation."""
        (self.folder / "clusters").write_text(before)
        (self.folder / "after_install").write_text(after)

    def calls(self) -> list[str]:
        """Return what was called, questions left out."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line for line in lines if "lsclusters" not in line and "status" not in line]


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    """Return stand-ins for Debian's programs."""
    return Debian(tmp_path, monkeypatch)


START = "pg_ctlcluster --skip-systemctl-redirect 15 main start"


@pytest.mark.parametrize("lists_answer", [True, False])
def test_a_new_postgresql_is_installed_opened_and_started(
    debian: Debian, lists_answer: bool
) -> None:
    debian.clusters(before="", after="15 main 5432 down postgres /d /l\n")
    if not lists_answer:
        install = f"cp {debian.folder}/after_install {debian.folder}/clusters"
        debian.program("apt-get", f'test "$1" != update && {install}')

    services.install_postgresql()

    assert debian.calls() == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends postgresql",
        START,
    ]
    assert debian.rules.read_text().endswith("host all postgres 127.0.0.1/32 trust\n")


def test_a_cluster_that_was_here_is_started_and_keeps_its_rules(debian: Debian) -> None:
    debian.clusters(before="14 old 5433 down\n15 main 5432 down\n", after="")

    services.install_postgresql()

    assert debian.calls() == [START]
    assert debian.rules.read_text() == ""


def test_no_cluster_on_the_port_is_said(debian: Debian) -> None:
    debian.clusters(before="15 main 5433 online\n", after="")

    with pytest.raises(services.ServiceError, match="No Debian PostgreSQL cluster has port 5432"):
        services.install_postgresql()


def test_without_debians_tools_there_is_no_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert services.clusters() == []


def test_a_chromium_that_is_here_is_left_alone(
    debian: Debian, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(services.CHROMIUM, raising=False)
    debian.program("chromium", "true")

    services.bring_chromium()

    assert capsys.readouterr().out == f"Chromium is at {debian.folder}/chromium.\n"


def test_root_on_debian_gets_chromium_with_fonts(
    debian: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(services.CHROMIUM, raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    # A machine that has one already must not hide what happens on one that has not.
    found = {"apt-get": f"{debian.folder}/apt-get"}
    monkeypatch.setattr("shutil.which", found.get)
    debian.program("apt-get", "true")

    services.bring_chromium()

    update, install = debian.calls()
    assert update == "apt-get update"
    assert install.endswith("chromium fonts-dejavu-core fonts-noto-color-emoji")


def test_without_root_the_missing_browser_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(services.CHROMIUM, raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda _: None)

    with pytest.raises(services.ServiceError, match=f"not root on Debian.*set {services.CHROMIUM}"):
        services.bring_chromium()


def test_a_named_browser_that_is_not_there_is_never_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(services.CHROMIUM, "/nowhere/chrome")

    with pytest.raises(services.ServiceError, match="correct the path"):
        services.bring_chromium()


def docker_called(monkeypatch: pytest.MonkeyPatch, folder: Path, *, status: int) -> None:
    """Put a `docker` into PATH that writes down its arguments."""
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/calls"\nexit {status}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
