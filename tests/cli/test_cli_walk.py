"""The walk of a newcomer, by the command line against everything started embedded."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.plugins.waiting import until_blocking

_PROGRAM = "from bot.cli.main import main; main()"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def up(home: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`chiffon up` in a home of its own."""
    environment = {**os.environ, "CHIFFON_HOME": str(home), "CHIFFON_PORT": "0"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    with (tmp_path / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "up"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    try:
        until_blocking(
            lambda: (home / "address").exists() or process.poll() is not None,
            what="chiffon up to listen",
            seconds=60,
        )
        assert process.poll() is None, (tmp_path / "up.log").read_text(encoding="utf-8")
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_the_walk(
    up: subprocess.Popen[bytes],
    home: Path,
    app: typer.Typer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIFFON_HOME", str(home))

    def run(*words: str, answers: str = "") -> Result:
        return CliRunner().invoke(app, words, input=answers)

    asked = run("ask", "Deploy Kuma Uptime and add existing portals to config", answers="y\n")
    assert asked.exit_code == 0, asked.output
    for part in ("Plan #1", "deploy_service", "add_portals", "1.2", "2 of 2 steps done"):
        assert part in asked.output, part
    assert (home / "homelab" / "services" / "uptime-kuma" / "compose.yaml").is_file()

    assert "#1" in run("status").output
    assert "2 of 2 steps done" in run("status", "1").output
    assert "attempt 1: succeeded, exit code 0" in run("plan", "show", "1", "--output").output
    why = run("why", "1.2")
    assert "add existing portals" in why.output
    assert "local-infra" in why.output
    assert "specialization" in why.output

    rejected = run("ask", "Deploy Gitea", answers="n\n")
    assert rejected.exit_code == 1
    assert "Plan #2 is rejected" in rejected.output
    assert not (home / "homelab" / "services" / "gitea").exists()
    assert run("plan", "approve", "2").exit_code == 1

    waiting = run("ask", "Deploy Gitea")
    assert "Plan #3 waits." in waiting.output
    approved = run("plan", "approve", "3", "--follow")
    assert approved.exit_code == 0, approved.output
    assert (home / "homelab" / "services" / "gitea" / "compose.yaml").is_file()
    assert up.poll() is None
