"""`chiffon keys`: make, list and revoke keys for REST. Needs no running Chiffon."""

from importlib import import_module
from typing import Annotated

import typer

from orchestrator.cli.session import AsJson

# The database's packages take half a second to load: no other command pays for them.
_WORK = "orchestrator.cli.key_work"

keys_app = typer.Typer(
    name="keys", help="Keys for people and programs that use REST.", no_args_is_help=True
)
KeyName = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called.")]


@keys_app.command("add")
def add(
    name: KeyName,
    *,
    person: Annotated[
        str, typer.Option("--person", help="Whom it acts as: a name, or a Slack member id.")
    ],
    team: Annotated[
        str, typer.Option("--team", help="That person's Slack team; without Slack, leave it.")
    ] = "local",
) -> None:
    """Make a key that acts as one person; print it, alone, on the last line.

    It is shown this once: only its hash is kept.
    """
    raise typer.Exit(import_module(_WORK).add(name, person, team))


@keys_app.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List every key: whose it is, when it was made, used, revoked. Never the key itself."""
    raise typer.Exit(import_module(_WORK).show(as_json=as_json))


@keys_app.command("revoke")
def revoke(name: KeyName) -> None:
    """Revoke a key; it is refused from the next call on, by every replica."""
    raise typer.Exit(import_module(_WORK).revoke(name))
