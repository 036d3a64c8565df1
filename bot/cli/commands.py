"""The commands of `chiffon`, joined from the rooms that bring them."""

import runpy

import typer

import orchestrator.cli.main
from bot.cli.doctor import doctor
from bot.cli.healthy import healthy
from bot.cli.service import service_app
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
    runpy.run_module("bot.cli.start", run_name="__main__")


@app.command()
def serve() -> None:
    """Start one replica on a database and a broker: requests, plans, the API; no agents."""
    runpy.run_module("bot.cli.serve", run_name="__main__")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def agent() -> None:
    """Start one agent on this machine; it takes its work from a broker."""
    runpy.run_module("agent.cli", run_name="__main__")


orchestrator.cli.main.add_commands(app)
app.add_typer(slack_app)
app.add_typer(service_app)
app.command()(doctor)
app.command()(healthy)


main = app

if __name__ == "__main__":
    main()
