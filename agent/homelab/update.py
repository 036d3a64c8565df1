"""update_service: back up, pull, up, check; whatever fails, say what state is left."""

from __future__ import annotations

from pathlib import Path

from agent.homelab import backups, environment, network, record
from agent.homelab.deploy import write_compose
from agent.homelab.docker import DockerFailed, Engine, need_engine
from agent.homelab.failure import Failure, say
from agent.homelab.files import digest, write_atomic
from agent.homelab.places import Homelab
from agent.homelab.template import about_installed, load, names, resolve


def update(home: Homelab, service: str, wait: float) -> None:
    """Bring a service to the newest template and images.

    An edited compose file is kept: its images are pulled as it names them. `wait` is the
    seconds the service may take until it answers.

    Raises:
        Failure: a step failed; the sentence says what was left how, and how to go back.

    """
    name = resolve(home, service)
    folder = home.service(name)
    with home.working_on(name):
        engine = need_engine(f"{name} was not updated")
        saved = backups.make(home, name)
        say(f"Backed up to {saved}.")
        before = (folder / "compose.yaml").read_bytes()
        _newer_template(folder, name, before)
        _pull(engine, folder, name, before)
        _up(engine, folder, name, saved)
        _check(home, name, saved, wait)
    say(f"{name} is updated.")


def _newer_template(folder: Path, name: str, before: bytes) -> None:
    if name not in names():
        say(f"{name} has no template; the images are those in its compose.yaml.")
        return
    template = load(name)
    if before == template.compose:
        say("compose.yaml is that of the newest template.")
    elif record.read(folder).wrote(before):
        for sub in template.about.folders:
            (folder / sub).mkdir(parents=True, exist_ok=True)
        environment.ensure(folder, template.about.secrets)
        write_compose(template, folder)
        say("compose.yaml now comes from the newest template.")
    else:
        say("compose.yaml was edited by hand and is kept; the images are those it names.")


def _pull(engine: Engine, folder: Path, name: str, before: bytes) -> None:
    try:
        engine.pull(folder)
    except DockerFailed as failure:
        write_atomic(folder / "compose.yaml", before)
        if record.read(folder).compose_sha256:
            record.keep(folder, compose_sha256=_remembered(folder, name, before))
        raise Failure(
            f"{name} was not updated: {failure} Its containers were not touched and its "
            "compose.yaml is as before; the backup stays."
        ) from None


def _remembered(folder: Path, name: str, before: bytes) -> str:
    """Return the digest to remember once the old file is back: an edited one stays edited."""
    ours = name in names() and record.read(folder).wrote(load(name).compose)
    return digest(before) if ours else record.read(folder).compose_sha256


def _up(engine: Engine, folder: Path, name: str, saved: Path) -> None:
    try:
        record.keep(folder, started=True)
        engine.up(folder)
    except DockerFailed as failure:
        raise Failure(
            f"{name} is half updated: the new images are here, but its containers could not be "
            f"started: {failure} {_now(engine, folder)} {_back(name, saved)}"
        ) from None


def _check(home: Homelab, name: str, saved: Path, wait: float) -> None:
    where = network.address(home.service(name), about_installed(home, name))
    if where is None:
        say("Nobody has said where it answers, so that was not checked.")
        return
    answer = network.wait_for(where, wait)
    if not answer.up:
        raise Failure(
            f"{name} is updated and started, but does not answer after {wait:g} s: "
            f"{answer.sentence} {_back(name, saved)}"
        )
    say(answer.sentence)


def _now(engine: Engine, folder: Path) -> str:
    try:
        boxes = engine.containers(folder)
    except DockerFailed:
        return "What runs now is not known."
    return f"Now: {', '.join(map(str, boxes)) or 'no container'}."


def _back(name: str, saved: Path) -> str:
    return f"Go back with “restore {name}”; the backup is {saved.name}."
