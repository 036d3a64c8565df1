"""`chiffon`: joins the commands that the rooms bring."""

import os
import sys

import typer

import agent.cli
import orchestrator.cli.main

app = typer.Typer(
    name="chiffon",
    help="From a sentence to planned, approved and finished work.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up() -> None:
    """Start Chiffon on this machine: requests, plans, the API and agents in one process."""
    # Only this command needs the server's packages: as a program of its own it spares every
    # other one the second that loading them takes. -P: nothing in this folder takes its place.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "bot.cli.up"])  # noqa: S606 - no shell


orchestrator.cli.main.add_commands(app)
agent.cli.add_commands(app)


def main() -> None:
    """Run the command line."""
    app()
