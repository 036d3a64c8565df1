"""The commands of `chiffon`, joined from the rooms that bring them."""

import pkgutil
import runpy
import sys
from collections.abc import Iterable, Mapping, Sequence

import typer

from orchestrator.cli.main import COMMANDS as ORCHESTRATOR_COMMANDS

COMMANDS: Mapping[str, str] = {
    **ORCHESTRATOR_COMMANDS,
    "slack": "bot.cli.slack:slack_app",
    "service": "bot.cli.service:service_app",
    "doctor": "bot.cli.doctor:doctor",
    "healthy": "bot.cli.healthy:healthy",
}
"""What a word stands for: a Typer application or a function, as `module:name`."""


def program(names: Iterable[str]) -> typer.Typer:
    """Make `chiffon` with the programs that stay and these commands; only they are loaded."""
    made = typer.Typer(
        name="chiffon",
        help="From a sentence to planned, approved and finished work.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.command()(up)
    made.command()(serve)
    made.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
    )(agent)
    for name in names:
        found = pkgutil.resolve_name(COMMANDS[name])
        if isinstance(found, typer.Typer):
            made.add_typer(found)
        else:
            made.command(name)(found)
    return made


def up() -> None:
    """Start Chiffon on this machine: requests, plans, the API and agents in one process."""
    runpy.run_module("bot.cli.start", run_name="__main__")


def serve() -> None:
    """Start one replica on a database and a broker: requests, plans, the API; no agents."""
    runpy.run_module("bot.cli.serve", run_name="__main__")


def agent() -> None:
    """Start one agent on this machine; it takes its work from a broker."""
    runpy.run_module("agent.cli", run_name="__main__")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command that the words begin with; loading all of them takes a second."""
    first = (sys.argv[1:] if words is None else words)[:1]
    chosen = first if first and first[0] in COMMANDS else COMMANDS
    program(chosen)(args=words)


if __name__ == "__main__":
    main()
