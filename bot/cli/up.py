"""`chiffon up`: everything in one process, nothing else needed."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import structlog
import typer

from agent.executors.llm import LlmExecutor
from agent.settings import AgentSettings
from agent.worker import Agent
from bot.cli.chat import Chat
from bot.cli.home import announced, local_token
from bot.cli.listen import address_of
from bot.cli.serving import serving
from bot.cli.signals import stopped_by_signals
from orchestrator import crash_points
from orchestrator.api.app import build_app
from orchestrator.bootstrap import open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.domain.model_rules import ModelRules
from orchestrator.llm.opening import open_models
from orchestrator.logs import configure_logging
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.transport.opening import open_transport

_SLOTS = 4
_READY_SECONDS = 10.0
_log = structlog.get_logger("bot.cli.up")


def run(settings: Settings, listener: socket.socket) -> None:
    """Run in a home that is held, on an address that is taken, until a signal stops it.

    Raises:
        ChiffonError: something that it needs is not usable.
    """
    configure_logging(settings, sys.stderr)
    crash_points.arm(settings.crash_at)
    asyncio.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    token = local_token(settings)
    chat = Chat.of(settings, token)
    catalog = LiveCatalog.from_settings(settings)
    models = open_models(settings)
    rules = ModelRules.of(settings.model_policy, settings.external_text)
    agents_here = asyncio.Event()
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(
            open_transport(settings.broker_url, "chiffon up")
        )
        running = await stack.enter_async_context(
            open_orchestrator(
                settings,
                catalog.current,
                transport,
                models,
                agents_here=agents_here,
                page_approvers=chat.approvers,
            )
        )
        known = await _last_seen(running.service)
        agents = [
            Agent(each, transport, catalog, models=(models, rules))
            for each in embedded_agents(settings, catalog, LlmExecutor(models, rules))
        ]
        await stack.enter_async_context(_working(agents))
        await _until_ready(running.service, {agent.agent_id for agent in agents}, known)
        agents_here.set()
        app = chat.beside(build_app(running.service, token=token, settings=settings))
        stopping = _stopped_by_signals(agents)
        address = address_of(listener)
        await stack.enter_async_context(serving(app, listener))
        await stack.enter_async_context(chat.answering(running.service, address))
        stack.enter_context(announced(settings, address))
        typer.echo(_welcome(settings, chat.page(address, token)))
        await stopping.wait()
        typer.echo("Stopping: what runs may finish; press Ctrl-C again to stop it now.", err=True)


def embedded_agents(
    settings: Settings, catalog: LiveCatalog, thinking: LlmExecutor
) -> list[AgentSettings]:
    """Return one agent for each pool that has something to do, with the models at hand."""
    pools = {
        each.agent_type
        for each in catalog.current().capabilities()
        if not each.reasoning or thinking.can_run(each)
    }
    return [
        AgentSettings(home=settings.home, name=f"local-{pool}", agent_type=pool, slots=_SLOTS)
        for pool in sorted(pools)
    ]


@asynccontextmanager
async def _working(agents: Sequence[Agent]) -> AsyncIterator[None]:
    started: list[Agent] = []
    try:
        for agent in agents:
            await agent.start()
            started.append(agent)
        yield
    finally:
        await asyncio.gather(*(agent.stop() for agent in started))


async def _until_ready(
    service: OrchestratorService, wanted: set[str], known: Mapping[str, datetime | None]
) -> None:
    """Wait until the agents have spoken in this life, so that the first plan finds them."""
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while wanted - _newly_heard(await _last_seen(service), known):  # noqa: ASYNC110 - rows
                await asyncio.sleep(0.02)
    except TimeoutError:
        _log.warning("agents_not_ready", seconds=_READY_SECONDS)


def _newly_heard(
    now: Mapping[str, datetime | None], before: Mapping[str, datetime | None]
) -> set[str]:
    return {agent_id for agent_id, seen in now.items() if seen != before.get(agent_id)}


async def _last_seen(service: OrchestratorService) -> dict[str, datetime | None]:
    known = await service.list_agents()
    return {agent.agent_id: agent.last_seen_at for agent in known.agents}


def _stopped_by_signals(agents: Sequence[Agent]) -> asyncio.Event:
    """Return what the first Ctrl-C or SIGTERM sets; running work may finish, a second ends it.

    The agents hear of the first at once: no further step may begin while the server still ends.
    """
    pending: set[asyncio.Task[None]] = set()

    def take_nothing_new() -> None:
        for agent in agents:
            agent.take_nothing_new()

    def at_once() -> None:
        for agent in agents:
            pending.add(asyncio.create_task(agent.stop(graceful=False)))

    return stopped_by_signals(at_once, at_first=take_nothing_new)


def _welcome(settings: Settings, page: str) -> str:
    return (
        f"{page}\n"
        f"It keeps its things in {settings.home}\n\n"
        "Or, in a second terminal:\n"
        '  .venv/bin/chiffon ask "Deploy Kuma Uptime and add existing portals to config"\n'
        "  .venv/bin/chiffon status\n"
        "  .venv/bin/chiffon catalog list\n\n"
        "Ctrl-C stops it; started again, it goes on where it was."
    )
