"""A homelab in a fresh folder, a docker that does as it is told, a server that answers."""

import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.homelab import template
from agent.homelab.cli import main
from agent.homelab.places import Homelab
from tests.homelab.scene import (
    FAKE,
    ChangeTemplate,
    FakeDocker,
    Result,
    Run,
    Site,
    Snapshot,
    TakeSnapshot,
    write_demo,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Homelab:
    """A homelab on a machine without any docker."""
    empty = tmp_path / "no-docker"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setenv("CHIFFON_HOMELAB", str(tmp_path / "homelab"))
    return Homelab(tmp_path / "homelab")


@pytest.fixture
def docker(home: Homelab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """The same machine with a fake docker whose engine answers."""
    folder = tmp_path / "docker"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("FAKE_DOCKER", str(folder))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return FakeDocker(folder)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the program in this process: `run("deploy", service="gitea")`."""
    before = signal.getsignal(signal.SIGTERM)

    def call(verb: str, **options: object) -> Result:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        status = main([verb, *arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(status, captured.out, captured.err)

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def site() -> Iterator[Site]:
    """A real HTTP server on a free port."""
    there = Site(0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(there.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield there
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def demo(home: Homelab, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One template called demo that answers on the test's own server; its compose file."""
    folder = tmp_path / "templates" / "demo"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "demo.conf").write_text("colour = blue\n")
    compose = folder / "compose.yaml"
    write_demo(compose, site.port)
    monkeypatch.setattr(template, "FOLDER", tmp_path / "templates")
    return compose


@pytest.fixture(autouse=True)
def fresh_templates() -> Iterator[None]:
    """Templates are read once a process; a test may change them."""
    template.load.cache_clear()
    yield
    template.load.cache_clear()


@pytest.fixture
def newer_template(site: Site) -> ChangeTemplate:
    """Turn a template into its next version."""

    def change(compose: Path) -> None:
        write_demo(compose, site.port, "2.0")
        template.load.cache_clear()

    return change


@pytest.fixture
def snapshot(home: Homelab) -> TakeSnapshot:
    """Take every path below the homelab with its hash, mode and time of change."""

    def take() -> Snapshot:
        return {
            str(path): (
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder",
                path.stat().st_mode,
                path.stat().st_mtime_ns,
            )
            for path in home.root.rglob("*")
        }

    return take
