"""`chiffon doctor`: what works, what does not, and how to mend it."""

from importlib import import_module
from typing import Annotated

import typer


def doctor(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a program to read.")
    ] = False,
) -> None:
    """Check settings, Slack, the running Chiffon, database, agents, catalogue, models, disk.

    Changes nothing. Exit status 0 where there is no problem (warnings are none), else 1.
    """
    # The database's and Slack's packages take half a second to load: no other command pays.
    raise typer.Exit(import_module("bot.cli.checkup").examine(as_json=as_json))
