"""`chiffon healthy`: is what runs here alive? For a container's or a supervisor's health check.

A program of its own: it runs every few seconds for as long as Chiffon does.
"""

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import typer

from agent.pulse import LATE_SECONDS, Beat, beats
from orchestrator.cli.place import settings_here
from orchestrator.errors import SettingsError
from orchestrator.settings import Settings

_PATIENCE_SECONDS = 5.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock, not to listen


class Part(StrEnum):
    """What is asked about."""

    HTTP = "http"
    AGENT = "agent"


@dataclass(frozen=True)
class Finding:
    """One part, whether it is well, and what was seen of it."""

    well: bool
    seen: str


def healthy(
    *,
    part: Annotated[
        Part | None,
        typer.Argument(help="Only this: http (`up`, `serve`) or agent. Else all that runs here."),
    ] = None,
    ready: Annotated[
        bool, typer.Option("--ready", help="Ask whether database and broker answer, too.")
    ] = False,
) -> None:
    """Say whether the Chiffon of this home works; exit status 0 if it does, else 1."""
    try:
        findings = list(_look(settings_here(), part, ready=ready))
    except SettingsError as fault:
        findings = [Finding(well=False, seen=str(fault))]
    for finding in findings:
        typer.echo(finding.seen, err=not finding.well)
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


def _look(settings: Settings, part: Part | None, *, ready: bool) -> Iterator[Finding]:
    agents = [] if part is Part.HTTP else list(beats(settings.home / "agent"))
    yield from (_agent(beat) for beat in agents)
    if part is Part.AGENT:
        if not agents:
            yield Finding(
                well=False, seen=f"No agent that reached its broker runs in {settings.home}."
            )
        return
    # An agent alone listens nowhere; `up` has agents, too, and says where it listens.
    if not agents or settings.address_file.exists():
        yield _http(*_address(settings), "/readyz" if ready else "/healthz")


def _agent(beat: Beat) -> Finding:
    seen = f"agent {beat.name}: the broker took a heartbeat {beat.age:.0f} s ago"
    return Finding(
        not beat.late, f"{seen}; {LATE_SECONDS:.0f} s is the limit." if beat.late else f"{seen}."
    )


def _address(settings: Settings) -> tuple[str, int]:
    host, port = settings.host, settings.port
    with contextlib.suppress(OSError, ValueError):
        told = urlsplit(settings.address_file.read_text(encoding="utf-8").strip())
        host, port = told.hostname or host, told.port or port
    return _EVERYWHERE.get(host, host), port


def _http(host: str, port: int, path: str) -> Finding:
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_SECONDS)
    try:
        # By the name that is let in wherever it listens.
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as fault:
        return Finding(well=False, seen=f"http: nothing answers at {host}:{port} ({fault}).")
    finally:
        connection.close()
    return Finding(status == http.HTTPStatus.OK, f"http: {path} says {status}.")


app = typer.Typer(name="chiffon", add_completion=False, pretty_exceptions_enable=False)
app.callback()(lambda: None)
app.command("healthy")(healthy)


main = app

if __name__ == "__main__":
    main()
