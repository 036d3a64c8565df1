"""`chiffon db`: upgrade, backup, restore the configured database. Needs no running Chiffon."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from orchestrator.cli.place import settings_here
from orchestrator.errors import ChiffonError
from orchestrator.home_lock import owned_home
from orchestrator.settings import Settings
from orchestrator.store.backups import (
    Upgraded,
    answering,
    backup,
    backup_name,
    bring_up,
    check_backup,
    refuse_company,
    restore,
)
from orchestrator.store.migrate import schema_revision
from orchestrator.store.unit_of_work import Store

db_app = typer.Typer(
    name="db", help="The database: upgrade, back up, restore.", no_args_is_help=True
)
_Answer = TypeVar("_Answer")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]


@db_app.command("upgrade")
def upgrade_database(*, as_json: AsJson = False) -> None:
    """Bring the database to this version's schema; replicas may go on working on it.

    An embedded database is copied first.
    """
    with _one_sentence():
        settings = settings_here()
        if _is_embedded(settings):
            with owned_home(settings):
                done = _on_store(settings, _upgrading(settings))
        else:
            done = _on_store(settings, _upgrading(settings))
    if as_json:
        copy = None if done.copy is None else str(done.copy)
        _print_json({"before": done.before, "now": done.now, "copy": copy})
    elif done.before == done.now:
        typer.echo(f"Nothing to do: the database has schema {done.now}.")
    else:
        typer.echo(f"Upgraded the database from schema {done.before or 'none'} to {done.now}.")
        if done.copy is not None:
            typer.echo(f"As it was before: {done.copy}")
            typer.echo(f"To go back, with the older version: chiffon db restore {done.copy}")


@db_app.command("backup")
def backup_database(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; without it, CHIFFON_HOME/backups/.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the whole database into one file; Chiffon may be at work meanwhile."""

    async def work(store: Store) -> tuple[Path, str]:
        await answering(store)
        revision = await schema_revision(store)
        target = file or settings.backups_folder / backup_name(store, "backup", revision)
        return target.absolute(), await backup(store, target.absolute())

    with _one_sentence():
        settings = settings_here()
        _refuse_absent(settings)
        target, revision = _on_store(settings, work)
    if as_json:
        _print_json({"file": str(target), "schema": revision, "bytes": target.stat().st_size})
    else:
        typer.echo(f"Wrote {target} (schema {revision}, {target.stat().st_size:,} bytes).")


@db_app.command("restore")
def restore_database(
    file: Annotated[Path, typer.Argument(help="What `chiffon db backup` wrote.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replace the database by a backup. What is there now is kept beside the backups."""
    with _one_sentence():
        settings = settings_here()
        with owned_home(settings):
            revision = _on_store(settings, _checking(file))
            if not yes:
                typer.confirm(
                    f"Replace the database by {file} (schema {revision})?", abort=True, err=True
                )
            kept = _on_store(settings, _restoring(settings, file))
    if as_json:
        kept_file = None if kept is None else str(kept)
        _print_json({"restored": str(file), "schema": revision, "kept": kept_file})
        return
    typer.echo(f"Restored {file} (schema {revision}).")
    if kept is not None:
        typer.echo(f"What was there before: {kept}")
        typer.echo(f"To go back: chiffon db restore {kept}")
    typer.echo("`chiffon up` or `chiffon db upgrade` brings it to this version's schema.")


def _upgrading(settings: Settings) -> Callable[[Store], Awaitable[Upgraded]]:
    async def work(store: Store) -> Upgraded:
        await answering(store)
        return await bring_up(store, settings.backups_folder)

    return work


def _checking(file: Path) -> Callable[[Store], Awaitable[str]]:
    async def work(store: Store) -> str:
        if store.dialect.name == "postgresql":
            await answering(store)
        revision = await check_backup(store, file)
        await refuse_company(store)
        return revision

    return work


def _restoring(settings: Settings, file: Path) -> Callable[[Store], Awaitable[Path | None]]:
    async def work(store: Store) -> Path | None:
        await refuse_company(store)
        kept = settings.backups_folder / backup_name(store, "replaced", None)
        return kept if await restore(store, file, kept) else None

    return work


def _on_store(settings: Settings, work: Callable[[Store], Awaitable[_Answer]]) -> _Answer:
    async def run() -> _Answer:
        store = Store(settings.resolved_database_url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def _is_embedded(settings: Settings) -> bool:
    return settings.resolved_database_url.startswith("sqlite")


def _refuse_absent(settings: Settings) -> None:
    """An address that leads nowhere must not make an empty database in passing."""
    file = Path(settings.resolved_database_url.partition(":///")[2])
    if _is_embedded(settings) and not file.is_file():
        raise ChiffonError(f"There is no database at {file}: `chiffon up` makes one.")


def _print_json(answer: dict[str, str | int | None]) -> None:
    typer.echo(json.dumps(answer, indent=2))


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn what can be expected to go wrong into one sentence and exit status 1."""
    try:
        yield
    except ChiffonError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from fault
