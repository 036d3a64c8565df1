"""check_status, tail_logs, disk_report: they look and change nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.homelab import environment, network
from agent.homelab.docker import Engine, find_engine
from agent.homelab.failure import Failure, count, say, size
from agent.homelab.files import folder_size
from agent.homelab.places import Homelab
from agent.homelab.template import about_installed, resolve

MAX_LINE = 2_000


def status(home: Homelab, where: network.Answer | None, service: str | None) -> None:
    """Say whether something answers: an answer already fetched, one service, or all of them.

    Raises:
        Failure: something is down; the other answers have been said by then.

    """
    if where is not None:
        answers = [where]
    elif service is not None:
        answers = [_service(home, resolve(home, service))]
    else:
        answers = [_service(home, name) for name in home.installed()]
        if not answers:
            say("The homelab has no service yet, so there was nothing to check.")
    for answer in answers:
        if answer.up:
            say(answer.sentence)
    down = [answer.sentence for answer in answers if not answer.up]
    if down:
        raise Failure(" ".join(down))


def logs(home: Homelab, service: str, lines: int) -> None:
    """Print the last lines of the containers, else of the log files in the service's folder."""
    name = resolve(home, service)
    folder = home.service(name)
    engine = find_engine()
    if isinstance(engine, Engine):
        text = engine.logs(folder, lines)
        say(
            f"{name}: {count(len(text), 'line')} from its containers."
            if text
            else f"{name} has no logs."
        )
        _print(folder, text)
        return
    files = sorted(
        path for path in folder.rglob("*.log") if path.is_file() and not path.is_symlink()
    )
    if not files:
        raise Failure(
            f"{name} has no logs to show: {engine.reason}, and there is no .log file in {folder}. "
            "Start Docker, then try again."
        )
    say(f"Not the containers' logs, for {engine.reason}: the log files in {folder}.")
    for path in files:
        say(f"{path.relative_to(folder)}:")
        with path.open(encoding="utf-8", errors="replace") as stream:
            _print(folder, deque((line.rstrip("\n") for line in stream), maxlen=lines))


def disk(home: Homelab, largest: int) -> None:
    """Say how full each real file system is and which homelab folders are the largest."""
    for mount in _mounts(home):
        free = f"{size(mount.free)} free of {size(mount.total)}"
        say(f"{mount.path}: {mount.percent:.0f} % used, {free}.")
    folders = [path for top in (home.services, home.backups, home.replaced) for path in _below(top)]
    sizes = sorted(((folder_size(path), path) for path in folders), reverse=True)[:largest]
    for number, path in sizes:
        say(f"{path.relative_to(home.root)}: {size(number)}.")
    if not sizes:
        say(f"The homelab {home.root} is empty.")


def _service(home: Homelab, name: str) -> network.Answer:
    where = network.address(home.service(name), about_installed(home, name))
    if where is None:
        sentence = f"{name}: nobody has said where it answers; name a URL, or a host and a port."
        return network.Answer(up=False, sentence=sentence)
    answer = network.ask(where)
    return network.Answer(answer.up, f"{name}: {answer.sentence}")


def _print(folder: Path, lines: list[str] | deque[str]) -> None:
    for line in lines:
        say(environment.without_secrets(folder, line)[:MAX_LINE])


@dataclass(frozen=True, order=True)
class Mount:
    """One file system; sizes in bytes."""

    path: str
    percent: float
    free: int
    total: int


def _mounts(home: Homelab) -> list[Mount]:
    """Return each mounted disk once, and the homelab's own file system in any case."""
    nearest = next(path for path in (home.root, *home.root.parents) if path.exists())
    wanted = [Path(part.mountpoint) for part in psutil.disk_partitions(all=False)] + [nearest]
    seen: dict[int, Mount] = {}
    for path in wanted:
        try:
            usage = psutil.disk_usage(str(path))
            mount = Mount(str(path), usage.percent, usage.free, usage.total)
            seen.setdefault(path.stat().st_dev, mount)
        except OSError:
            continue  # a mount of somebody else, or one that has gone
    return sorted(seen.values())


def _below(top: Path) -> list[Path]:
    if top.name == "backups":
        return [top] if top.is_dir() else []
    return [path for path in top.glob("*") if path.is_dir() and not path.is_symlink()]
