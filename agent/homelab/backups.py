"""backup_service and restore_service: archives with a digest beside each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.homelab import record
from agent.homelab.docker import DockerFailed, Engine, find_engine
from agent.homelab.failure import Failure, say, size
from agent.homelab.files import PRIVATE, digest_of, sync_folder, write_atomic
from agent.homelab.places import Homelab, stamp
from agent.homelab.template import resolve

if TYPE_CHECKING or sys.version_info >= (3, 12):
    import tarfile
else:  # 3.11.0 to 3.11.3, as Debian 12 has it, know no filters
    from backports import tarfile

SUFFIX = ".tar.gz"


def backup(home: Homelab, service: str) -> None:
    """Archive the service's folder while its containers are frozen."""
    name = resolve(home, service)
    with home.working_on(name):
        path = make(home, name)
    say(f"{name} is backed up: {path} ({size(path.stat().st_size)}).")
    say(f"Its SHA-256 is in {digest_file(path).name} beside it.")


def make(home: Homelab, name: str) -> Path:
    """Write one archive and its digest; return the archive's path.

    Containers are paused for the copy, so that the files are as after a power cut, never torn
    by a write. The caller holds the service's lock.

    Raises:
        Failure: a file cannot be read or could not be restored; no archive is left then.

    """
    home.backups.mkdir(parents=True, exist_ok=True)
    path = home.backups / f"{name}-{stamp()}{SUFFIX}"
    with _frozen(home.service(name), path):
        part = path.with_name(f".{path.name}.part")
        try:
            _pack(home.service(name), name, part)
            part.chmod(PRIVATE)
            write_atomic(digest_file(path), f"{digest_of(part)}  {path.name}\n".encode(), PRIVATE)
            part.rename(path)
        except OSError as error:
            digest_file(path).unlink(missing_ok=True)
            raise Failure(
                f"{name} was not backed up: {error.filename or home.backups}: {error.strerror}. "
                "Give the agent the right to read it, or room on the disk; nothing was changed."
            ) from None
        except tarfile.FilterError as error:
            raise Failure(
                f"{name} was not backed up: {error} Such a link could not be restored; remove it."
            ) from None
        finally:
            part.unlink(missing_ok=True)
    sync_folder(home.backups)
    return path


def digest_file(path: Path) -> Path:
    """Return the path of an archive's digest, in the form of `sha256sum`."""
    return path.with_name(f"{path.name}.sha256")


def archives(home: Homelab, name: str) -> list[Path]:
    """Return the service's archives, newest first."""
    return sorted(
        (path for path in home.backups.glob(f"*{SUFFIX}") if _of(path) == name), reverse=True
    )


def restore(home: Homelab, service: str, archive: str | None) -> None:
    """Put a backup back; what was there is kept aside.

    Raises:
        Failure: there is no such backup, it is damaged, or Docker could not stop or start the
            service; the sentence says what is where.

    """
    name = _name_of(home, service)
    folder = home.service(name)
    with home.working_on(name):
        path = _chosen(home, name, archive)
        _verify(path)
        fresh = _unpack(home, path, name)
        try:
            engine, ran = _stopped(folder, name)
            aside = _swap(home, folder, fresh, name)
        finally:
            shutil.rmtree(fresh.parent, ignore_errors=True)
        say(f"{name} is restored from {path.name}; its digest was right.")
        if aside:
            say(f"What was there before is kept in {aside}.")
        if engine and ran:
            _start_again(engine, folder, name)
            say(f"{name} was running, so it was started again.")


@contextmanager
def _frozen(folder: Path, path: Path) -> Iterator[None]:
    """Pause the running containers of the folder for the time of the block."""
    engine = find_engine()
    boxes = engine.containers(folder) if isinstance(engine, Engine) else []
    if not isinstance(engine, Engine) or not any(
        box.state in {"running", "paused"} for box in boxes
    ):
        yield
        return
    try:
        if any(box.state == "running" for box in boxes):
            engine.pause(folder)
        yield
    finally:
        _unfreeze(engine, folder, path)


def _unfreeze(engine: Engine, folder: Path, path: Path) -> None:
    """Let the containers go on, also after a pause that failed half way.

    Docker refuses to unpause what is not paused, so a refusal counts only if some still are.
    """
    try:
        engine.unpause(folder)
    except DockerFailed as failure:
        if not any(box.state == "paused" for box in engine.containers(folder)):
            return
        made = (
            f"The backup {path} is whole, but the"
            if path.exists()
            else "No backup was made, and the"
        )
        raise Failure(
            f"{made} containers are still paused: {failure} Let them go on with: "
            f"docker compose --file {folder / 'compose.yaml'} unpause"
        ) from None


def _pack(folder: Path, name: str, part: Path) -> None:
    def restorable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if member.ischr() or member.isblk() or member.isfifo():
            return None  # made anew by the program that uses it
        tarfile.data_filter(member, str(folder.parent))
        return member

    with tarfile.open(part, "w:gz", compresslevel=6) as archive:
        archive.add(folder, arcname=name, filter=restorable)


def _chosen(home: Homelab, name: str, archive: str | None) -> Path:
    there = archives(home, name)
    if not there:
        raise Failure(f"There is no backup of {name}; nothing was changed. Back it up first.")
    if archive in (None, "latest"):
        return there[0]
    wanted = archive.removesuffix(SUFFIX) if archive else ""
    found = [path for path in there if path.name.removesuffix(SUFFIX).endswith(wanted)]
    if len(found) != 1:
        listed = ", ".join(path.name for path in there[:5])
        raise Failure(f"“{archive}” names no single backup of {name}; there is: {listed}.")
    return found[0]


def _verify(path: Path) -> None:
    try:
        wanted = digest_file(path).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise Failure(
            f"{path.name} has no digest beside it, so it was not restored; nothing was changed. "
            "Name another backup."
        ) from None
    if digest_of(path) != wanted:
        raise Failure(
            f"{path.name} is damaged or was changed: its SHA-256 differs from the one written when "
            "it was made. Nothing was changed; name another backup."
        )


def _unpack(home: Homelab, path: Path, name: str) -> Path:
    """Unpack beside the services; nothing may land outside, owners and modes come back."""
    target = home.root / ".restoring" / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)

    def checked(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo | None:
        safe = tarfile.data_filter(member, destination)
        return safe.replace(uid=member.uid, gid=member.gid, mode=member.mode & 0o777, deep=False)

    try:
        with tarfile.open(path, "r:gz") as archive:
            archive.extractall(target, filter=checked)  # noqa: S202 - `checked` refuses
    except (tarfile.TarError, OSError, EOFError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise Failure(f"{path.name} cannot be unpacked ({error}); nothing was changed.") from None
    if not (target / name).is_dir():
        shutil.rmtree(target, ignore_errors=True)
        raise Failure(f"{path.name} holds no folder {name}; nothing was changed.")
    return target / name


def _stopped(folder: Path, name: str) -> tuple[Engine | None, bool]:
    """Take the containers down; return the engine and whether they were running.

    Raises:
        Failure: they may be running and nobody can stop them.

    """
    engine = find_engine()
    if not (folder / "compose.yaml").is_file():
        return (engine if isinstance(engine, Engine) else None), False
    if not isinstance(engine, Engine):
        if record.read(folder).started:
            raise Failure(
                f"{name} was not restored: it has been started before and {engine.reason}, so it "
                "cannot be stopped first. Start Docker, then try again."
            )
        return None, False
    running = any(box.state in {"running", "paused"} for box in engine.containers(folder))
    if running:
        engine.down(folder)
    return engine, running


def _swap(home: Homelab, folder: Path, fresh: Path, name: str) -> Path | None:
    """Put the fresh folder in place by two renames; the first is undone if the second fails."""
    home.services.mkdir(parents=True, exist_ok=True)
    aside = home.replaced / f"{name}-{stamp()}" if folder.exists() else None
    if aside:
        home.replaced.mkdir(parents=True, exist_ok=True)
        folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        if aside:
            aside.rename(folder)
        raise
    sync_folder(home.services)
    return aside


def _start_again(engine: Engine, folder: Path, name: str) -> None:
    try:
        engine.up(folder)
    except DockerFailed as failure:
        raise Failure(
            f"{name} was running before, but could not be started again: {failure} "
            f"Start it with “start {name}” when that is mended."
        ) from None


def _name_of(home: Homelab, service: str) -> str:
    """Resolve the name; a removed service is still known by its backups."""
    try:
        return resolve(home, service)
    except Failure:
        name = resolve_backup(home, service)
        if name is None:
            raise
        return name


def resolve_backup(home: Homelab, service: str) -> str | None:
    """Return the service of that very name if it has a backup."""
    slug = "-".join(service.casefold().split())
    return slug if slug in {_of(path) for path in home.backups.glob(f"*{SUFFIX}")} else None


def _of(path: Path) -> str:
    """Return the service that an archive is of."""
    return path.name.removesuffix(SUFFIX).rpartition("-")[0]
