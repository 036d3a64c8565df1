"""The commands of `chiffon`, joined from the rooms that bring them."""

import runpy

import typer

import agent.cli
import orchestrator.cli.main
from bot.cli.doctor import doctor
from bot.cli.slack import slack_app

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
    runpy.run_module("bot.cli.up", run_name="__main__")


orchestrator.cli.main.add_commands(app)
agent.cli.add_commands(app)
app.add_typer(slack_app)
app.command()(doctor)


def main() -> None:
    """Run the command that was typed; it ends the process."""
    app()


if __name__ == "__main__":
    main()
