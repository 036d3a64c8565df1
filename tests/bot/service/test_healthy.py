"""`chiffon healthy` is 0 where what runs here works, and says what does not."""

import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.pulse import Pulse
from bot.cli.commands import program


class _Server(http.server.BaseHTTPRequestHandler):
    """Alive, not ready, and only for those who call it localhost."""

    def do_GET(self) -> None:
        known = self.headers["Host"].startswith("localhost:")
        self.send_response(200 if known and self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep still."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(timeout=5)


def healthy(home: Path, port: int, *words: str) -> Result:
    environment = {"CHIFFON_HOME": str(home), "CHIFFON_PORT": str(port)}
    environment["CHIFFON_HOST"] = "0.0.0.0"  # noqa: S104 - where a container listens
    return CliRunner().invoke(program(["healthy"]), ["healthy", *words], env=environment)


def agent_in(home: Path, *, seconds_ago: float = 0) -> None:
    (home / "agent").mkdir(exist_ok=True)
    Pulse(home / "agent", "nas").beat()
    file = home / "agent" / "nas.pulse"
    told = file.stat().st_mtime - seconds_ago
    os.utime(file, (told, told))


def test_a_server_that_answers_is_well_wherever_it_listens(tmp_path: Path, port: int) -> None:
    done = healthy(tmp_path, port)

    assert (done.exit_code, done.output) == (0, "http: /healthz says 200.\n")


def test_ready_asks_for_more_than_alive(tmp_path: Path, port: int) -> None:
    done = healthy(tmp_path, port, "http", "--ready")

    assert (done.exit_code, done.output) == (1, "http: /readyz says 503.\n")


def test_where_nothing_runs_nothing_is_well(tmp_path: Path) -> None:
    for words in ((), ("http",), ("agent",)):
        assert healthy(tmp_path, 1, *words).exit_code == 1


def test_an_agent_alone_needs_no_server(tmp_path: Path) -> None:
    agent_in(tmp_path)

    done = healthy(tmp_path, 1)

    assert done.exit_code == 0
    assert done.output.startswith("agent nas: the broker took a heartbeat ")


def test_an_agent_whom_the_broker_does_not_hear_is_not_well(tmp_path: Path) -> None:
    agent_in(tmp_path, seconds_ago=100)

    done = healthy(tmp_path, 1, "agent")

    assert done.exit_code == 1
    assert re.search(r"heartbeat 10\d s ago; 45 s is the limit\.", done.output)


def test_with_agents_and_an_address_both_are_asked(tmp_path: Path, port: int) -> None:
    agent_in(tmp_path)
    (tmp_path / "address").write_text(f"http://0.0.0.0:{port}\n")
    assert healthy(tmp_path, 1).output.count("\n") == 2

    (tmp_path / "address").write_text("http://127.0.0.1:1\n")
    assert healthy(tmp_path, port).exit_code == 1


def test_settings_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(program(["healthy"]), ["healthy"], env={"CHIFFON_PORT": "many"})

    assert done.exit_code == 1
    assert "CHIFFON_PORT" in done.output
