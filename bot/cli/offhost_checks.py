"""What the doctor finds about what leaves this machine: address, keys, database, broker."""

from collections.abc import AsyncIterator
from pathlib import Path

from bot.cli.check import Check, ok, problem, warning
from bot.settings import SlackSettings
from orchestrator.errors import SettingsError, TransportError
from orchestrator.offhost import (
    Finding,
    broker_finding,
    database_finding,
    is_loopback,
    masked,
)
from orchestrator.protocol import DEAD_QUEUE
from orchestrator.settings import Settings
from orchestrator.store.unit_of_work import Store
from orchestrator.transport.rabbitmq import RabbitTransport
from orchestrator.usecases.keys import has_valid_key

_ADD = "chiffon keys add NAME --person PERSON"


async def check_door(settings: Settings, slack: SlackSettings) -> list[Check]:
    """Say whether the network may come in, and what it needs for that; nothing is created."""
    if is_loopback(settings.host):
        return [ok("address", f"CHIFFON_HOST={settings.host}: this machine only.")]
    return [each async for each in _open_door(settings, slack)]


async def _open_door(settings: Settings, slack: SlackSettings) -> AsyncIterator[Check]:
    where = f"CHIFFON_HOST={settings.host} opens Chiffon to the network"
    if not await _has_key(settings):
        yield problem("address", f"{where}, and nobody holds a key: it will not start.", _ADD)
    elif not settings.allowed_hosts:
        found = f"{where}; programs may address it by that name or as localhost only."
        yield warning("address", found, "Set CHIFFON_ALLOWED_HOSTS to the names it is called by.")
    else:
        names = ", ".join(settings.allowed_hosts)
        yield ok("address", f"{where} as {names}. It speaks HTTP: put a proxy with TLS before it.")
    if not slack.bot_token and not slack.app_token:
        found = (
            "The chat page is for this machine alone and is left out; there are no Slack tokens."
        )
        yield warning("chat", found, "chiffon slack setup, or set CHIFFON_HOST to 127.0.0.1.")


async def _has_key(settings: Settings) -> bool:
    """Say whether a key is known; where the database cannot be asked, another check says so."""
    url = settings.resolved_database_url
    if database_finding(url) is not None or _is_missing_file(url):
        return False
    try:
        store = Store(url)
    except SettingsError:
        return False
    try:
        return await has_valid_key(store)
    except SettingsError:
        return False
    finally:
        await store.close()


def _is_missing_file(url: str) -> bool:
    return url.startswith("sqlite") and not Path(url.partition(":///")[2]).exists()


def unsafe_database(settings: Settings) -> Check | None:
    """Return why the database must not be connected to at all, if so."""
    found = None if settings.database_url is None else database_finding(settings.database_url)
    return None if found is None else _problem("database", found)


async def check_broker(settings: Settings) -> Check:
    """Say whether the broker may be used, and whether it lets this program in."""
    if settings.broker_url is None:
        return ok("broker", "In the process of `chiffon up`; nothing to reach.")
    found = broker_finding(settings.broker_url)
    if found is not None:
        return _problem("broker", found)
    broker = RabbitTransport(settings.broker_url, name="chiffon doctor", connect_seconds=0)
    try:
        dead = await _dead_letters(broker)
    except TransportError as fault:
        return problem("broker", str(fault), "Start it, or correct CHIFFON_BROKER_URL.")
    finally:
        await broker.close()
    where = masked(settings.broker_url)
    if dead:
        told = f"{where} answers; {dead} dead letters lie in {DEAD_QUEUE}."
        return warning("broker", told, "Look at them: docs/operations.md, “Dead letters”.")
    return ok("broker", f"{where} answers; no dead letters.")


async def _dead_letters(broker: RabbitTransport) -> int:
    await broker.open()
    return await broker.waiting(DEAD_QUEUE)


def _problem(name: str, found: Finding) -> Check:
    return problem(name, f"{found.setting}: {found.found}", found.fix)
