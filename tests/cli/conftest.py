"""A real server on a free port, over the service in memory, and the commands against it."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer
import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from bot.cli.commands import program
from orchestrator.api.app import build_app
from orchestrator.api.rate import PersonLimit
from orchestrator.cli.main import COMMANDS as ORCHESTRATOR_COMMANDS
from orchestrator.settings import Settings
from tests.api.fake_service import FakeService
from tests.plugins.waiting import until_blocking

TOKEN = "a-token-for-tests"


@dataclass
class Running:
    """A home in which a server runs that can be stopped and started elsewhere."""

    home: Path
    service: FakeService = field(default_factory=FakeService)
    _stop: Callable[[], None] | None = None
    _app: FastAPI | None = None

    @property
    def address(self) -> str:
        return (self.home / "address").read_text(encoding="utf-8").strip()

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self._app = build_app(self.service, token=TOKEN, settings=Settings(home=self.home))
        server = uvicorn.Server(
            uvicorn.Config(self._app, log_config=None, lifespan="off", ws="none")
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until_blocking(lambda: server.started, what="the server to start")
        (self.home / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
        port = listener.getsockname()[1]
        (self.home / "address").write_text(f"http://127.0.0.1:{port}\n", encoding="utf-8")

        def stop() -> None:
            server.should_exit = True
            thread.join(timeout=10)

        self._stop = stop

    def stop(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None

    def forget(self) -> None:
        """Start with an empty service, without starting the server anew."""
        assert self._app is not None
        self.service = FakeService()
        self._app.state.service = self.service
        self._app.state.limit = PersonLimit(1_000)


Chiffon = Callable[..., Result]


@pytest.fixture(autouse=True)
def _caught(logged: io.StringIO) -> None:
    """What the server logs is not for the screen."""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.cli.follow._PAUSE", 0.01)
    monkeypatch.setattr("orchestrator.cli.client._PLAN_PAUSE", 0.01)


@pytest.fixture
def app() -> typer.Typer:
    return program(ORCHESTRATOR_COMMANDS)


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("home"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def running(_server: Running) -> Running:
    """The server of this session, with a service that knows nothing yet."""
    _server.forget()
    return _server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Running]:
    """A server that this test may stop and start."""
    running = Running(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def chiffon(
    app: typer.Typer,
    _server: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Result]:
    """Run a command as somebody types it; keyword `answers` is what is typed then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIFFON_HOME", str(_server.home))
    monkeypatch.delenv("COLUMNS", raising=False)
    runner = CliRunner()

    def run(*words: str, answers: str = "") -> Result:
        return runner.invoke(app, words, input=answers)

    return run
