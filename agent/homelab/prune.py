"""prune: what is no longer needed, listed first, then removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agent.homelab.backups import SUFFIX, digest_file
from agent.homelab.docker import Engine, find_engine
from agent.homelab.failure import count, say, size
from agent.homelab.files import folder_size
from agent.homelab.places import Homelab


@dataclass
class Leftovers:
    """What can go: files and folders below the homelab, and things the engine holds."""

    archives: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.archives) + len(self.folders) + len(self.projects) + len(self.images)


def prune(home: Homelab, keep: int, *, dry_run: bool) -> None:
    """List what goes, then remove just that, unless `dry_run`.

    Of every service the newest `keep` backups and the newest `keep` folders that a restore put
    aside stay. Containers go only if their compose file was in this homelab and is gone.
    """
    with home.working_on("prune"):
        engine = find_engine()
        found = _find(home, keep, engine)
        _list(found)
        if not isinstance(engine, Engine):
            say(f"Containers and images were not looked at: {engine.reason}.")
        if dry_run:
            say(f"Nothing was removed; {count(len(found), 'thing')} would go.")
            return
        _remove(found, engine)
    say(f"{count(len(found), 'thing')} removed." if found else "Nothing to remove.")


def _find(home: Homelab, keep: int, engine: object) -> Leftovers:
    found = Leftovers(
        archives=list(_beyond(home.backups.glob(f"*{SUFFIX}"), keep)),
        folders=list(_beyond(home.replaced.glob("*"), keep)),
    )
    if isinstance(engine, Engine):
        found.projects = [
            name
            for name, path in engine.projects()
            if path.is_relative_to(home.services) and not path.exists()
        ]
        found.images = engine.dangling_images()
    return found


def _beyond(paths: Iterator[Path], keep: int) -> Iterator[Path]:
    """Yield, for each service, what is older than its newest `keep`; names end in their time."""
    kept: dict[str, int] = {}
    for path in sorted(paths, key=lambda path: path.name.rpartition("-")[2], reverse=True):
        name = path.name.rpartition("-")[0]
        kept[name] = kept.get(name, 0) + 1
        if name and not path.is_symlink() and kept[name] > keep:
            yield path


def _list(found: Leftovers) -> None:
    for path in found.archives:
        say(f"Old backup {path.name} ({size(path.stat().st_size)}).")
    for path in found.folders:
        say(f"Put aside by a restore: {path.name} ({size(folder_size(path))}).")
    for name in found.projects:
        say(f"Containers of {name}, whose compose file is gone.")
    for image in found.images:
        say(f"Image without a name {image[:19]}.")


def _remove(found: Leftovers, engine: object) -> None:
    for path in found.archives:
        path.unlink()
        digest_file(path).unlink(missing_ok=True)
    for path in found.folders:
        shutil.rmtree(path)
    if isinstance(engine, Engine):
        for name in found.projects:
            engine.remove_project(name)
        if found.images:
            engine.remove_images(found.images)
