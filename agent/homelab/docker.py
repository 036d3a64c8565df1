"""The one door to the Docker engine: argument lists, time limits, no shell.

What is asked is the engine, not the client: a `docker` program without a daemon is no Docker.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from agent.homelab.failure import Failure, visible

ASK_SECONDS = 5.0
CHANGE_SECONDS = 180.0
PULL_SECONDS = 840.0
LAST_LINES = 4


class DockerFailed(Failure):
    """A docker command failed; the text ends with the last lines it wrote."""


@dataclass(frozen=True)
class Container:
    """One container of a service as `docker compose ps` tells of it."""

    service: str
    state: str
    health: str = ""

    @override
    def __str__(self) -> str:
        """Return `uptime-kuma running (healthy)`."""
        return f"{self.service} {self.state}" + (f" ({self.health})" if self.health else "")


@dataclass(frozen=True)
class Engine:
    """A Docker engine that has answered, with the Compose plugin beside it."""

    version: str

    def up(self, folder: Path) -> None:
        """Create and start the containers of a service; no change where they run as written."""
        _compose(folder, "up", "--detach", "--remove-orphans", seconds=PULL_SECONDS)

    def pull(self, folder: Path) -> None:
        """Fetch the images that the compose file names."""
        _compose(folder, "pull", "--quiet", seconds=PULL_SECONDS)

    def stop(self, folder: Path) -> None:
        """Stop the containers and keep them."""
        _compose(folder, "stop")

    def restart(self, folder: Path) -> None:
        """Stop and start the containers as they are."""
        _compose(folder, "restart")

    def pause(self, folder: Path) -> None:
        """Freeze the processes of the containers."""
        _compose(folder, "pause")

    def unpause(self, folder: Path) -> None:
        """Let frozen containers go on."""
        _compose(folder, "unpause")

    def down(self, folder: Path) -> None:
        """Stop and remove the containers and their network; named volumes stay."""
        _compose(folder, "down", "--remove-orphans")

    def logs(self, folder: Path, lines: int) -> list[str]:
        """Return the last lines of every container, oldest first."""
        text = _compose(folder, "logs", "--no-color", "--tail", str(lines), seconds=30.0)
        return text.splitlines()

    def containers(self, folder: Path) -> list[Container]:
        """Return the containers of a service, stopped ones too."""
        rows = _rows(_compose(folder, "ps", "--all", "--format", "json", seconds=30.0))
        return [
            Container(
                str(row.get("Service", "?")), str(row.get("State", "?")), str(row.get("Health", ""))
            )
            for row in rows
        ]

    def projects(self) -> list[tuple[str, Path]]:
        """Return every Compose project of the engine with its first compose file."""
        rows = _rows(_run(["compose", "ls", "--all", "--format", "json"], seconds=30.0))
        return [
            (str(row["Name"]), Path(str(row.get("ConfigFiles", "")).split(",")[0]))
            for row in rows
            if "Name" in row
        ]

    def remove_project(self, name: str) -> None:
        """Stop and remove the containers of a project whose compose file is gone."""
        _run(
            ["compose", "--project-name", name, "down", "--remove-orphans"], seconds=CHANGE_SECONDS
        )

    def dangling_images(self) -> list[str]:
        """Return the ids of images that have no tag and no container."""
        text = _run(
            ["image", "ls", "--filter", "dangling=true", "--quiet", "--no-trunc"], seconds=30.0
        )
        return sorted(set(text.split()))

    def remove_images(self, ids: Sequence[str]) -> None:
        """Remove exactly these images."""
        _run(["image", "rm", *ids], seconds=CHANGE_SECONDS)


@dataclass(frozen=True)
class NoEngine:
    """Why no engine can be used here, in words for a sentence."""

    reason: str


def find_engine() -> Engine | NoEngine:
    """Ask the engine for its version, then for Compose; both must answer within seconds."""
    try:
        version = _run(["version", "--format", "{{.Server.Version}}"], seconds=ASK_SECONDS).strip()
    except DockerFailed:
        return NoEngine("no Docker engine answers here")
    if not version:
        return NoEngine("no Docker engine answers here")
    try:
        _run(["compose", "version"], seconds=ASK_SECONDS)
    except DockerFailed:
        return NoEngine("a Docker engine answers here, but it has no Compose plugin")
    return Engine(version)


def need_engine(wanted: str) -> Engine:
    """Return the engine.

    Raises:
        Failure: there is none; `wanted` says what has therefore not been done.

    """
    engine = find_engine()
    if isinstance(engine, Engine):
        return engine
    message = f"{wanted}: {engine.reason}. Start Docker with its Compose plugin, then try again."
    raise Failure(message)


def _compose(folder: Path, *arguments: str, seconds: float = CHANGE_SECONDS) -> str:
    return _run(["compose", "--file", str(folder / "compose.yaml"), *arguments], seconds=seconds)


def _run(arguments: Sequence[str], *, seconds: float) -> str:
    """Run docker and return its standard output.

    Raises:
        DockerFailed: it is missing, ended badly or took longer than `seconds`.

    """
    shown = " ".join(["docker", *(part for part in arguments if not part.startswith("/"))])
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607 - whichever docker the agent's PATH has
            capture_output=True,
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        message = f"“{shown}” could not be run: {error.strerror}."
        raise DockerFailed(message) from None
    except subprocess.TimeoutExpired:
        message = f"“{shown}” did not end within {seconds:.0f} s."
        raise DockerFailed(message) from None
    if done.returncode:
        message = f"“{shown}” failed ({_last_lines(done.stderr)})."
        raise DockerFailed(message)
    return done.stdout.decode(errors="replace")


def _last_lines(stderr: bytes) -> str:
    lines = [visible(line).strip() for line in stderr.decode(errors="replace").splitlines()]
    kept = [line for line in lines if line][-LAST_LINES:]
    return " / ".join(kept).rstrip(".") or "it said nothing"


def _rows(text: str) -> list[dict[str, object]]:
    """Read Compose's JSON: one object a line since 2.21, one array before."""
    try:
        parts = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        message = "Docker Compose gave an answer that cannot be read; update its plugin."
        raise DockerFailed(message) from None
    flat = [row for part in parts for row in (part if isinstance(part, list) else [part])]
    return [row for row in flat if isinstance(row, dict)]
