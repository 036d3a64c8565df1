"""What the commands share: who speaks, where text goes, how a refusal is said."""

import getpass
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn, TextIO, TypeAlias

import typer
from pydantic_core import to_json
from rich.console import Console

from orchestrator.cli.client import ApiClient
from orchestrator.cli.place import NotRunning, find_place
from orchestrator.domain.text import visible
from orchestrator.errors import Error, ErrorCode, Refused, SettingsError

_WIDTH_OF_FILES = 120

AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, for a program to read.")
]
Person: TypeAlias = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who speaks; your user name unless said."),
]
PlanName: TypeAlias = Annotated[
    str, typer.Argument(metavar="PLAN", help="A plan: 12, or (the start of) its id.")
]
StepName: TypeAlias = Annotated[str, typer.Argument(metavar="STEP", help="A step: 12.2.")]
Reason: TypeAlias = Annotated[
    str | None, typer.Option("--reason", help="Why; kept with the decision.")
]


@contextmanager
def speaking(person: str | None, *, as_json: bool = False) -> Iterator[ApiClient]:
    """Give a client; say what goes wrong in one sentence and exit with status 1."""
    try:
        with ApiClient(find_place(), person or _user_name()) as client:
            yield client
    except Refused as refusal:
        complain(refusal.error, as_json=as_json)
    except (NotRunning, SettingsError) as fault:
        error = Error(code=ErrorCode.INVALID_REQUEST, message=str(fault))
        complain(error, as_json=as_json)


def screen() -> Console:
    """Return where answers go: nothing in them is taken for markup, colours only on a terminal."""
    return _console(sys.stdout)


def say_json(value: object) -> None:
    """Print one JSON document; models within it are written as their fields."""
    typer.echo(to_json(value, indent=2).decode())


def complain(error: Error, *, as_json: bool) -> NoReturn:
    """Say what is refused, with the next step, and exit with status 1."""
    if as_json:
        say_json({"error": error})
    parts = [error.message, error.hint, f"Fault id: {error.fault_id}." if error.fault_id else ""]
    _console(sys.stderr).print(visible(" ".join(filter(None, parts))), soft_wrap=True)
    raise typer.Exit(1)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "local"


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # what an encoding lacks stops nothing
    sized = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream,
        width=None if sized else _WIDTH_OF_FILES,
        markup=False,
        emoji=False,
        highlight=False,
    )
