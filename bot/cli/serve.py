"""`chiffon serve`: bot, orchestrator and REST, without an agent. A program of its own.

Any number of identical replicas may run on one PostgreSQL and one RabbitMQ; on SQLite it is one.
"""

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack, ExitStack

import typer
import uvloop

from bot.cli.chat import Chat
from bot.cli.home import announced, local_token
from bot.cli.listen import address_of, listening_socket
from bot.cli.serving import serving
from bot.cli.signals import stopped_by_signals
from orchestrator import crash_points
from orchestrator.api.app import build_app
from orchestrator.bootstrap import open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.errors import ChiffonError, SettingsError
from orchestrator.home_lock import made_home, owned_home
from orchestrator.llm.opening import open_models
from orchestrator.logs import configure_logging
from orchestrator.offhost import require_safe
from orchestrator.settings import Settings, load_settings
from orchestrator.transport.opening import open_transport

_INTERRUPTED = 130  # what a shell says of a program that was ended by Ctrl-C


def serve() -> int:
    """Run until a signal stops it; return the exit status."""
    try:
        settings = load_settings()
        configure_logging(settings, sys.stderr)
        crash_points.arm(settings.crash_at)
        if settings.broker_url is None:
            raise SettingsError(
                "CHIFFON_BROKER_URL is not set: `chiffon serve` has no agents of its own, so it "
                "needs a RabbitMQ (amqp://user:password@host/). `chiffon up` needs none."
            )
        require_safe(settings)
        with ExitStack() as stack:
            if settings.database_is_embedded:
                stack.enter_context(owned_home(settings))
            else:
                made_home(settings)
            listener = stack.enter_context(listening_socket(settings))
            uvloop.run(_serve(settings, listener))
    except ChiffonError as fault:
        typer.echo(f"{fault}", err=True)
        return 1
    return 0


async def _serve(settings: Settings, listener: socket.socket) -> None:
    stopping = stopped_by_signals(lambda: os._exit(_INTERRUPTED))
    token = local_token(settings)
    chat = Chat.without_page()
    catalog = LiveCatalog.from_settings(settings)
    name = f"chiffon serve {socket.gethostname()}:{os.getpid()}"
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(open_transport(settings.broker_url, name))
        running = await stack.enter_async_context(
            open_orchestrator(
                settings,
                catalog.current,
                transport,
                open_models(settings),
                migrate=settings.database_is_embedded,
            )
        )
        app = build_app(running.service, token=token, settings=settings)
        address = address_of(listener)
        await stack.enter_async_context(serving(app, listener))
        if chat is not None:
            await stack.enter_async_context(chat.answering(running.service, address))
        stack.enter_context(announced(settings, address))
        where = "in your Slack workspace, and " if chat else ""
        typer.echo(f"Chiffon serves {where}at {address} (REST, /docs). Ctrl-C stops it.")
        await _until_stopped(stopping)


async def _until_stopped(stopping: asyncio.Event) -> None:
    await stopping.wait()
    typer.echo("Stopping: what is under way is finished; Ctrl-C again ends it now.", err=True)


main = serve

if __name__ == "__main__":
    sys.exit(main())
