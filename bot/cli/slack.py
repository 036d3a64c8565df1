"""`chiffon slack setup`: from nothing to a bot that answers and a person who may approve."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

slack_app = typer.Typer(name="slack", help="Join a Slack workspace.", no_args_is_help=True)
TokenFile = Annotated[
    Path | None, typer.Option(help="Read the token from this file instead of asking for it.")
]


@slack_app.callback()
def _group() -> None:
    """Keep `setup` a word of its own while it is the only one."""


@slack_app.command("setup")
def setup(
    *,
    agent: Annotated[
        bool, typer.Option("--agent", help="Use the manifest with agent view and channel history.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Ask for the tokens even where working ones are there.")
    ] = False,
    bot_token_file: TokenFile = None,
    app_token_file: TokenFile = None,
    channel: Annotated[
        str | None, typer.Option(help="Where the test message goes: #name or an id.")
    ] = None,
    approver: Annotated[
        bool | None,
        typer.Option(
            "--approver/--no-approver",
            help="Name an approver or not; unless said, asked where somebody is named already.",
        ),
    ] = None,
) -> None:
    """Create the app, check its tokens, write .env, post a test message, name an approver.

    May be stopped at any point and started again: what works is kept. With both token files it
    asks nothing.
    """
    # Slack's SDK takes a quarter of a second to load: no other command shall pay for that.
    steps = import_module("bot.cli.joining")
    wishes = steps.Wishes(agent, again, bot_token_file, app_token_file, channel, approver)
    raise typer.Exit(steps.join(wishes))
