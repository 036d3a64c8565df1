"""`chiffon agent`: one worker on a machine of its own. A program of its own."""

import asyncio
import signal
import socket
import sys
from typing import Annotated

import typer
import uvloop
from pydantic import ValidationError

from agent.settings import AgentSettings
from agent.worker import Agent
from orchestrator import crash_points
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.domain.model_rules import ModelRules
from orchestrator.errors import ChiffonError, SettingsError
from orchestrator.llm.opening import open_models
from orchestrator.logs import configure_logging
from orchestrator.offhost import require_safe
from orchestrator.settings import Settings, load_settings
from orchestrator.transport.opening import open_transport


def agent(
    name: Annotated[str, typer.Option(help="Its name; unique among your agents.")],
    agent_type: Annotated[str, typer.Option("--type", help="Its pool: infra, code, research …")],
    label: Annotated[
        list[str] | None,
        typer.Option(help="What it serves, as KEY=VALUE; may be given several times."),
    ] = None,
    specialization: Annotated[
        list[str] | None,
        typer.Option(help="A capability that it is preferred for; may be given several times."),
    ] = None,
    slots: Annotated[int, typer.Option(help="How many steps it runs at once.")] = 1,
) -> None:
    """Run one agent that takes its work from the broker that CHIFFON_BROKER_URL names.

    Ctrl-C or SIGTERM: what has not begun is handed back, what runs may finish (30 s); a second
    one ends it at once. What it holds is kept in CHIFFON_HOME/agent.
    """
    labels = dict(_pair(text) for text in label or ())
    try:
        settings = load_settings()
        if settings.broker_url is None:
            raise SettingsError(
                "CHIFFON_BROKER_URL is not set: set it to the RabbitMQ that `chiffon serve` uses. "
                "Without a broker, agents run inside `chiffon up`."
            )
        require_safe(settings)
        its_own = AgentSettings(
            home=settings.home,
            name=name,
            agent_type=agent_type,
            labels=labels,
            specializations=tuple(specialization or ()),
            slots=slots,
        )
        configure_logging(settings, sys.stderr)
        crash_points.arm(settings.crash_at)
        uvloop.run(_run(settings, its_own))
    except ValidationError as fault:
        wrong = fault.errors()[0]
        option = {"agent_type": "type"}.get(str(wrong["loc"][0]), str(wrong["loc"][0]))
        raise typer.BadParameter(wrong["msg"], param_hint=f"--{option}") from fault
    except ChiffonError as fault:
        typer.echo(f"{fault}", err=True)
        raise typer.Exit(1) from fault


async def _run(settings: Settings, its_own: AgentSettings) -> None:
    catalog = LiveCatalog.from_settings(settings)
    models = open_models(settings)
    rules = ModelRules.of(settings.model_policy, settings.external_text)
    name = f"chiffon agent {its_own.name}@{socket.gethostname()}"
    async with open_transport(settings.broker_url, name) as transport:
        worker = Agent(its_own, transport, catalog, models=(models, rules))
        working = asyncio.create_task(worker.run())
        _listen_to_signals(worker)
        typer.echo(f"The agent {its_own.name} ({its_own.agent_type}) works. Ctrl-C stops it.")
        await working


def _listen_to_signals(worker: Agent) -> None:
    """Stop in good order at the first Ctrl-C or SIGTERM, at once at the second."""
    stopping: set[asyncio.Task[None]] = set()

    def stop() -> None:
        stopping.add(asyncio.create_task(worker.stop()))

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _pair(label: str) -> tuple[str, str]:
    key, equals, value = label.partition("=")
    if not (key.strip() and equals and value.strip()):
        raise typer.BadParameter(f"{label!r} is not KEY=VALUE", param_hint="--label")
    return key.strip(), value.strip()


app = typer.Typer(name="chiffon", add_completion=False, pretty_exceptions_enable=False)
app.callback()(lambda: None)
app.command("agent")(agent)

main = app

if __name__ == "__main__":
    main()
