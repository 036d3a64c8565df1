"""`chiffon agent`: one worker on a machine of its own."""

from typing import Annotated

import typer


def agent(
    name: Annotated[str, typer.Option(help="Its name; unique among your agents.")],
    agent_type: Annotated[str, typer.Option("--type", help="Its pool: infra, code, research …")],
    label: Annotated[
        list[str] | None,
        typer.Option(help="What it serves, as KEY=VALUE; may be given several times."),
    ] = None,
) -> None:
    """Run one agent that takes its work from a broker (not possible yet)."""
    for text in label or ():
        _check(text)
    typer.echo(
        f"The agent {name} ({agent_type}) cannot run on its own yet: the broker that it would "
        "need (CHIFFON_BROKER_URL) arrives in a later change. Until then agents run inside "
        "`chiffon up`.",
        err=True,
    )
    raise typer.Exit(1)


def add_commands(app: typer.Typer) -> None:
    """Add this room's command to `chiffon`."""
    app.command("agent")(agent)


def _check(label: str) -> None:
    key, equals, value = label.partition("=")
    if not (key.strip() and equals and value.strip()):
        raise typer.BadParameter(f"{label!r} is not KEY=VALUE", param_hint="--label")
