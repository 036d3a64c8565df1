"""remove_service: take a service out; its data stays unless it is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.homelab import backups, record
from agent.homelab.docker import Engine, find_engine
from agent.homelab.failure import Failure, count, say, size
from agent.homelab.files import folder_size, sync_folder
from agent.homelab.places import Homelab
from agent.homelab.template import resolve

KEPT = "compose.yaml.removed"


def remove(home: Homelab, service: str, *, delete_data: bool) -> None:
    """Remove the containers, then the compose file, or the whole folder with `delete_data`.

    Raises:
        Failure: it has been started before and no engine answers, or Docker refused; the
            files are untouched then.

    """
    name = _name_of(home, service, delete_data=delete_data)
    folder = home.service(name)
    with home.working_on(name):
        _take_down(folder, name)
        if delete_data:
            _delete(folder, name)
        else:
            _keep(folder, name)
    kept = len(backups.archives(home, name))
    if kept:
        say(f"Kept in {home.backups}: {count(kept, 'backup')} of it.")


def _take_down(folder: Path, name: str) -> None:
    if not (folder / "compose.yaml").is_file():
        return
    engine = find_engine()
    if isinstance(engine, Engine):
        engine.down(folder)
        say(f"The containers of {name}, if there were any, are removed.")
    elif record.read(folder).started:
        raise Failure(
            f"{name} was not removed: it has been started before and {engine.reason}, so its "
            "containers cannot be removed first. Start Docker, then try again."
        )
    else:
        say(f"{name} was never started by Chiffon, and {engine.reason}: no container was touched.")


def _delete(folder: Path, name: str) -> None:
    freed = size(folder_size(folder))
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise Failure(
            f"{name} is only partly deleted: {error.filename}: {error.strerror}. "
            f"Delete {folder} yourself with the rights it needs."
        ) from None
    sync_folder(folder.parent)
    say(f"{name} is removed and its data deleted ({freed}).")


def _keep(folder: Path, name: str) -> None:
    (folder / "compose.yaml").replace(folder / KEPT)
    record.keep(folder, compose_sha256="", started=False)
    sync_folder(folder)
    say(f"{name} is removed; its data stays in {folder} and is used when it is deployed again.")


def _name_of(home: Homelab, service: str, *, delete_data: bool) -> str:
    """Resolve the name; the data of a service removed earlier can still be deleted."""
    try:
        return resolve(home, service)
    except Failure:
        slug = "-".join(service.casefold().split())
        if delete_data and (home.services / slug / KEPT).is_file():
            return slug
        raise
