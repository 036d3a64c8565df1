"""The orchestrator's commands, for `chiffon` to join."""

import typer

from orchestrator.cli.ask import ask
from orchestrator.cli.catalog import catalog_app
from orchestrator.cli.db import db_app
from orchestrator.cli.evaluate import evaluate
from orchestrator.cli.keys import keys_app
from orchestrator.cli.plans import plan_app, status
from orchestrator.cli.understand import understand
from orchestrator.cli.why import why


def add_commands(app: typer.Typer) -> None:
    """Add every command of the orchestrator to `app`."""
    app.command()(ask)
    app.command()(status)
    app.add_typer(plan_app)
    app.command()(why)
    app.command()(understand)
    app.command("eval")(evaluate)
    app.add_typer(catalog_app)
    app.add_typer(keys_app)
    app.add_typer(db_app)
