"""Which Chiffon a command talks to, and what is said when none answers."""

import http.server
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from orchestrator.cli import place
from orchestrator.cli.client import ApiClient
from orchestrator.cli.place import NotRunning, Place, find_home, find_place
from orchestrator.errors import Refused, SettingsError
from orchestrator.settings import load_settings
from tests.cli.conftest import TOKEN, Chiffon, Running


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a `.chiffon/` in it, and nothing chosen in the environment."""
    monkeypatch.delenv("CHIFFON_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nowhere" / ".venv"))
    home = tmp_path / "checkout" / ".chiffon"
    home.mkdir(parents=True)
    (home / "token").write_text("t\n", encoding="utf-8")
    (tmp_path / "checkout" / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "checkout"


@pytest.mark.parametrize("below", [".", "deep/down"])
def test_the_checkout_around_this_folder_is_used(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    monkeypatch.chdir(checkout / below)
    assert find_home(load_settings()) == checkout / ".chiffon"


def test_the_checkout_of_the_program_is_used_elsewhere(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(checkout / ".venv"))
    assert find_home(load_settings()) == checkout / ".chiffon"


def test_a_chosen_home_wins(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    (checkout / ".env").write_text(f"CHIFFON_HOME={tmp_path / 'env-file'}\n", encoding="utf-8")
    assert find_home(load_settings()) == tmp_path / "env-file"
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "chosen"))
    assert find_home(load_settings()) == tmp_path / "chosen"


def test_without_any_the_default_is_used(checkout: Path, tmp_path: Path) -> None:
    assert find_home(load_settings()) == tmp_path / "data" / "chiffon"


def test_somebody_else_s_folder_is_not_followed(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/tmp/.chiffon` may be anybody's, and would be told what is asked."""
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(os, "getuid", lambda: (checkout / ".chiffon" / "token").stat().st_uid + 1)
    assert find_home(load_settings()) == tmp_path / "data" / "chiffon"


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("127.0.0.1", "8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "9000", "http://127.0.0.1:9000"),  # noqa: S104 - a setting, not a bind
        ("::", "9000", "http://[::1]:9000"),
    ],
)
def test_without_an_address_file_the_settings_say_where(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, host: str, port: str, address: str
) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("CHIFFON_HOST", host)
    monkeypatch.setenv("CHIFFON_PORT", port)
    assert find_place() == Place(checkout / ".chiffon", address, "t")


@pytest.mark.parametrize("written", ["file:///etc/passwd", "nonsense", "http://", b"\xff\xfe"])
def test_an_address_that_is_none_is_said_or_passed_over(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, written: str | bytes
) -> None:
    monkeypatch.chdir(checkout)
    content = written if isinstance(written, bytes) else written.encode()
    (checkout / ".chiffon" / "address").write_bytes(content)
    if isinstance(written, bytes):
        assert find_place().address == "http://127.0.0.1:8080"
    else:
        with pytest.raises(NotRunning, match="holds no address"):
            find_place()


def test_never_started_is_one_sentence(
    chiffon: Chiffon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "empty"))
    done = chiffon("status")
    assert done.exit_code == 1
    assert "has not been started yet" in done.stderr
    assert "`make run` (or `chiffon up`)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_not_running_any_more_is_one_sentence(
    chiffon: Chiffon, own_server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_HOME", str(own_server.home))
    own_server.stop()
    done = chiffon("ask", "restart nginx")
    assert done.exit_code == 1
    assert done.stderr == (
        f"Chiffon does not answer at {own_server.address}. "
        "Start it with `make run` (or `chiffon up`).\n"
    )


def test_a_wrong_token_is_said(
    chiffon: Chiffon, own_server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_HOME", str(own_server.home))
    (own_server.home / "token").write_text("another\n", encoding="utf-8")
    done = chiffon("status")
    assert (done.exit_code, done.stderr.split(".")[0]) == (1, "The token is missing or wrong")


def test_an_unusable_setting_is_said(chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFON_PORT", "many")
    done = chiffon("status")
    assert done.exit_code == 1
    assert done.stderr.startswith("CHIFFON_PORT: ")
    with pytest.raises(SettingsError):
        find_place()


@pytest.fixture
def stranger() -> Iterator[str]:
    """Another program's server."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "plans" in self.path else 200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("call", [lambda client: client.plans(1), lambda client: client.agents()])
def test_another_program_s_answer_is_recognised(
    stranger: str, tmp_path: Path, call: Callable[[ApiClient], object]
) -> None:
    with (
        ApiClient(Place(tmp_path, stranger, TOKEN), "alice") as client,
        pytest.raises(Refused, match="does not speak as this version of Chiffon"),
    ):
        call(client)


def test_a_call_whose_answer_got_lost_is_repeated_under_the_same_key(
    running: Running, tmp_path: Path
) -> None:
    """A connection that breaks off after the work was stored must not do the work twice."""
    upstream = httpx.URL(running.address)
    keys: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def lose_the_first_answer() -> None:
        for attempt in range(2):
            near, _ = listener.accept()
            with near, socket.create_connection((upstream.host, upstream.port or 80)) as far:
                asked = _message(near)
                keys.append(asked.lower().split(b"idempotency-key: ")[1].split(b"\r\n")[0])
                far.sendall(asked.replace(b"Host: ", b"Connection: close\r\nHost: ", 1))
                answer = b"".join(iter(lambda: far.recv(65_536), b""))
                if attempt:
                    near.sendall(answer)

    thread = threading.Thread(target=lose_the_first_answer)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with ApiClient(Place(tmp_path, address, TOKEN), "alice") as client:
        client.submit("restart nginx")
    thread.join()
    listener.close()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    sources = [given["key"] for name, given in running.service.calls if name == "submit"]
    assert sources[0] is not None
    assert sources[0] == sources[1]


def _message(sender: socket.socket) -> bytes:
    message = b""
    while b"\r\n\r\n" not in message:
        message += sender.recv(65_536)
    head, _, body = message.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += sender.recv(65_536)
    return head + b"\r\n\r\n" + body


def test_a_proxy_of_the_environment_never_sees_the_token(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with ApiClient(Place(running.home, running.address, TOKEN), "alice") as client:
        assert client.agents().agents


def test_a_user_id_without_a_name_speaks_as_local(
    running: Running, app: typer.Typer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIFFON_HOME", str(running.home))

    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    CliRunner().invoke(app, ["ask", "restart nginx"])
    assert running.service.calls[0][1]["user"] == "local"
    assert place.NotRunning is NotRunning
