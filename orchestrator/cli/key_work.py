"""What `chiffon keys` does, on the configured database."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import typer
from rich.table import Table

from orchestrator.cli.place import settings_here
from orchestrator.cli.session import complain, say_json, screen
from orchestrator.cli.words import moment, shown
from orchestrator.domain.keys import ApiKey
from orchestrator.domain.text import visible
from orchestrator.errors import Error, ErrorCode, Refused, SettingsError
from orchestrator.offhost import require_safe
from orchestrator.settings import Settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.reach import is_empty
from orchestrator.store.unit_of_work import Store
from orchestrator.usecases.keys import add_key, list_keys, revoke_key

_Answer = TypeVar("_Answer")


def add(name: str, person: str, team: str) -> int:
    """Make a key and print it, alone, on the last line; return the exit status."""

    async def work() -> tuple[Settings, str]:
        async with _opened() as (settings, store):
            return settings, await add_key(store, name, person, team)

    settings, key = _answered(work())
    typer.echo(visible(f"The key {name} acts as {person.strip()} (team {team})."))
    if person.strip() not in settings.admins:
        typer.echo(
            "It may ask, look and cancel its own; to approve, CHIFFON_ADMINS must name that person."
        )
    typer.echo("It is shown only now; keep it like a password:")
    typer.echo(key)
    return 0


def show(*, as_json: bool) -> int:
    """List every key; return the exit status."""

    async def work() -> list[ApiKey]:
        async with _opened() as (_, store):
            return await list_keys(store)

    keys = _answered(work(), as_json=as_json)
    if as_json:
        say_json({"keys": keys})
    elif keys:
        screen().print(_table(keys))
    else:
        screen().print("There are no keys. `chiffon keys add NAME --person PERSON` makes one.")
    return 0


def revoke(name: str) -> int:
    """Revoke a key; return the exit status."""

    async def work() -> bool:
        async with _opened() as (_, store):
            return await revoke_key(store, name)

    said = "is revoked" if _answered(work()) else "was revoked already"
    screen().print(visible(f"The key {name} {said}."))
    return 0


def _table(keys: list[ApiKey]) -> Table:
    table = Table("name", "person", "team", "created", "last used", "revoked")
    for key in keys:
        table.add_row(
            shown(key.name),
            shown(key.person),
            shown(key.team),
            moment(key.created_at),
            moment(key.last_used_at) or "never",
            moment(key.revoked_at) or "no",
        )
    return table


def _answered(work: Coroutine[object, object, _Answer], *, as_json: bool = False) -> _Answer:
    """Run it; say what is refused in one sentence and exit with status 1."""
    try:
        return asyncio.run(work)
    except Refused as refusal:
        complain(refusal.error, as_json=as_json)
    except SettingsError as fault:
        error = Error(code=ErrorCode.INVALID_REQUEST, message=str(fault))
        complain(error, as_json=as_json)


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Settings, Store]]:
    """Open the database of the Chiffon that is meant here; an empty one gets its tables.

    One of an older version is left as it is: bringing it up to date is for the next start.
    """
    settings = settings_here()
    require_safe(settings)
    _make_home(settings)
    store = Store(settings.resolved_database_url)
    try:
        if await is_empty(store):
            await upgrade(store)
        yield settings, store
    finally:
        await store.close()


def _make_home(settings: Settings) -> None:
    if settings.database_url is not None:
        return
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        message = f"{settings.home} cannot be used: {fault.strerror}."
        raise SettingsError(f"{message} Set CHIFFON_HOME to another folder.") from fault
