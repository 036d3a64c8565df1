"""add_portals: one static monitor file for each portal, as AutoKuma reads them.

AutoKuma reads every .json and .toml file below AUTOKUMA__STATIC_MONITORS; the file's name
without its extension is the monitor's id, and what is in it is `name`, `type` and the fields
of that type (AutoKuma's README, "Static Monitors", its folder `monitors/` and ENTITY_TYPES.md).
A monitor whose file is gone is deleted from Kuma after a minute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent.homelab import portals, record
from agent.homelab.docker import DockerFailed, Engine, find_engine
from agent.homelab.failure import Failure, count, say
from agent.homelab.files import digest, sync_folder, write_atomic
from agent.homelab.places import Homelab


@dataclass(frozen=True)
class Change:
    """What is to be done to the monitor folder; names are file names."""

    write: dict[str, bytes]
    remove: list[str]
    unchanged: list[str]
    edited: list[str]
    """Ours once, edited by a person since: left alone."""
    new: int = 0


def add_portals(home: Homelab) -> None:
    """Make the monitor files equal to portals.yaml; touch only files that we wrote.

    Raises:
        Failure: uptime-kuma is not deployed, or portals.yaml is broken; nothing is written.

    """
    kuma = home.service(portals.MONITORED_BY)
    if not (kuma / "compose.yaml").is_file():
        raise Failure(
            "uptime-kuma is not in the homelab, so there is nothing to add portals to; nothing was "
            "written. Deploy uptime-kuma first."
        )
    with home.working_on("portals"), home.working_on(portals.MONITORED_BY):
        seeded = portals.seed(home)
        wanted = {f"{portal.slug}.json": _monitor(portal) for portal in portals.read(home)}
        folder = kuma / "monitors"
        change = _compare(folder, wanted, record.read(kuma))
        _apply(kuma, folder, wanted, change)
    _tell(home, change, seeded=seeded)


def _monitor(portal: portals.Portal) -> bytes:
    """Return the file's bytes: an `http` monitor, or a `port` monitor for tcp://."""
    parts = urlsplit(portal.url)
    monitor: dict[str, object] = {"name": portal.name, "type": "http", "url": portal.url}
    if parts.scheme == "tcp":
        monitor = {
            "name": portal.name,
            "type": "port",
            "hostname": parts.hostname,
            "port": parts.port,
        }
    return (
        json.dumps({**monitor, "interval": portal.interval}, indent=2, ensure_ascii=False).encode()
        + b"\n"
    )


def _compare(folder: Path, wanted: dict[str, bytes], known: record.Record) -> Change:
    write, unchanged, edited, new = {}, [], [], 0
    for name, content in wanted.items():
        there = _digest(folder / name)
        if there == digest(content):
            unchanged.append(name)
        elif there is None or there in known.monitors.get(name, ()):
            _refuse_other(folder, name)
            write[name] = content
            new += there is None
        elif name in known.monitors:
            edited.append(name)
        else:
            raise Failure(
                f"{folder / name} was not written by Chiffon, but a portal goes by that name. "
                "Rename the portal or the file, then try again; nothing was written."
            )
    gone = [name for name in known.monitors if name not in wanted]
    edited += [name for name in gone if _digest(folder / name) not in (None, *known.monitors[name])]
    return Change(write, [name for name in gone if name not in edited], unchanged, edited, new)


def _refuse_other(folder: Path, name: str) -> None:
    """Refuse a second file with the same id: AutoKuma would let the two fight."""
    other = (folder / name).with_suffix(".toml")
    if other.exists():
        raise Failure(
            f"{other} has the id that a portal needs. Rename the portal or the file, then try "
            "again; nothing was written."
        )


def _apply(kuma: Path, folder: Path, wanted: dict[str, bytes], change: Change) -> None:
    """Write down first what may be there, so that after a crash the next run knows its files."""
    known = record.read(kuma).monitors
    final: dict[str, tuple[str, ...]] = {
        name: (digest(content),) for name, content in wanted.items() if name not in change.edited
    }
    final |= {name: known[name] for name in change.edited}
    if change.write or change.remove:
        both = {name: (*known.get(name, ()), *final.get(name, ())) for name in {*known, *final}}
        record.keep(kuma, monitors=dict(sorted(both.items())))
    folder.mkdir(exist_ok=True)
    for name, content in change.write.items():
        write_atomic(folder / name, content)
    for name in change.remove:
        (folder / name).unlink(missing_ok=True)
    if change.remove:
        sync_folder(folder)
    record.keep(kuma, monitors=dict(sorted(final.items())))


def _tell(home: Homelab, change: Change, *, seeded: bool) -> None:
    if seeded:
        say(f"{home.portals} was written with examples; put your own portals there.")
    say(
        f"Portals: {change.new} added, {len(change.write) - change.new} changed, "
        f"{len(change.unchanged)} unchanged, {len(change.remove)} removed."
    )
    for name in change.edited:
        say(f"{name} was edited by hand, so it is left as it is.")
    if not change.write and not change.remove:
        say("Nothing had to be written.")
    folder = home.service(portals.MONITORED_BY)
    total = count(len(change.write) + len(change.unchanged), "monitor file")
    say(f"{total} in {folder / 'monitors'}.")
    if _autokuma_runs(folder):
        say("AutoKuma is running and reads them within seconds, once Kuma's account admin exists.")
    else:
        say("AutoKuma is not seen running here; it reads them when uptime-kuma is started.")


def _autokuma_runs(folder: Path) -> bool:
    """Ask the engine; one that does not answer has nothing running that we can see."""
    engine = find_engine()
    try:
        boxes = engine.containers(folder) if isinstance(engine, Engine) else []
    except DockerFailed:
        return False
    return any(box.service == "autokuma" and box.state == "running" for box in boxes)


def _digest(path: Path) -> str | None:
    return digest(path.read_bytes()) if path.is_file() else None
