"""What a homelab test is set in; conftest.py makes the fixtures of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FAKE = """#!/bin/sh
# Writes down each call, fails or hangs where it is told to, and remembers what it started.
echo "$*" >> "$FAKE_DOCKER/calls"
case "$1 $2" in
  "compose --file") folder=${3%/compose.yaml}; state="$FAKE_DOCKER/state-${folder##*/}"; key=$4 ;;
  "compose --project-name") key="project-$4" ;;
  "compose version" | "compose ls" | "image ls" | "image rm") key="$1-$2" ;;
  *) key=$1 ;;
esac
if [ -e "$FAKE_DOCKER/fail-$key" ]; then cat "$FAKE_DOCKER/fail-$key" >&2; exit 1; fi
if [ -e "$FAKE_DOCKER/hang-$key" ]; then exec tail -f /dev/null; fi
if [ -e "$FAKE_DOCKER/out-$key" ]; then cat "$FAKE_DOCKER/out-$key"; exit 0; fi
case "$key" in
  version) echo 28.2.2 ;;
  up | restart | unpause) echo running > "$state" ;;
  stop) echo exited > "$state" ;;
  pause) echo paused > "$state" ;;
  down) rm -f "$state" ;;
  ps) if [ -e "$state" ]; then
        printf '{"Service":"%s","State":"%s","Health":""}\\n' "${folder##*/}" "$(cat "$state")"
      fi ;;
esac
"""


@dataclass(frozen=True)
class Result:
    """What a step leaves: its exit status and what people read."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class FakeDocker:
    """A `docker` on PATH; `folder` is its memory."""

    folder: Path

    def fail(self, key: str, text: str = "boom: the daemon said no\n") -> None:
        (self.folder / f"fail-{key}").write_text(text)

    def heal(self, key: str) -> None:
        (self.folder / f"fail-{key}").unlink()

    def hang(self, key: str) -> None:
        (self.folder / f"hang-{key}").touch()

    def answer(self, key: str, text: str) -> None:
        (self.folder / f"out-{key}").write_text(text)

    def state(self, service: str) -> str | None:
        path = self.folder / f"state-{service}"
        return path.read_text().strip() if path.exists() else None

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def verbs(self) -> list[str]:
        """The Compose verbs asked for on a file, in order."""
        return [call.split()[3] for call in self.calls if call.startswith("compose --file")]


@dataclass
class Site:
    """A small HTTP server on this machine; `status` is what it answers."""

    port: int
    status: int = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


Run = Callable[..., Result]
Snapshot = dict[str, tuple[str, int, int]]
ChangeTemplate = Callable[[Path], None]
TakeSnapshot = Callable[[], Snapshot]


def write_demo(compose: Path, port: int, version: str = "1.0") -> None:
    compose.write_text(
        f"""name: chiffon-demo
x-chiffon:
  title: Demo App
  aliases: [the demo]
  folders: [data]
  secrets: [DEMO_PASSWORD]
  check: {{scheme: http, port: {port}, path: /}}
services:
  demo:
    image: demo:{version}
"""
    )
