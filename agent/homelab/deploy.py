"""deploy_service: write what the service needs; start it where an engine answers."""

from __future__ import annotations

from pathlib import Path

from agent.homelab import environment, network, portals, record
from agent.homelab.docker import DockerFailed, Engine, find_engine
from agent.homelab.failure import Failure, count, say
from agent.homelab.files import digest, write_atomic, write_once
from agent.homelab.places import Homelab
from agent.homelab.template import Template, about_installed, load, resolve


def deploy(home: Homelab, service: str, wait: float) -> None:
    """Prepare the service's folder, then start it if an engine answers.

    Running it again changes nothing that is as it should be. `wait` is how many seconds a
    started service may take until it answers.
    """
    template = load(resolve(home, service, installed=False))
    folder = home.service(template.name)
    with home.working_on(template.name):
        written = prepare(home, template, folder)
        engine = find_engine()
        if isinstance(engine, Engine):
            _start(engine, home, template, folder, wait=wait, written=written)
        else:
            _prepared(template, folder, engine.reason, written=written)
    for note in template.about.notes:
        say(f"Still to do: {note}" if note.startswith("Open") else f"Note: {note}")


def prepare(home: Homelab, template: Template, folder: Path) -> list[str]:
    """Write what is missing; return what was written, as names below the homelab folder.

    Raises:
        Failure: the compose file there was edited by hand; nothing is written then.

    """
    old_template = _look_at_compose(template, folder)
    for name in template.about.folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    written = []
    if environment.ensure(folder, template.about.secrets):
        written.append(folder / ".env")
    written += [
        folder / name
        for name, content in template.seeds.items()
        if write_once(folder / name, content)
    ]
    if template.name == portals.MONITORED_BY and portals.seed(home):
        written.append(home.portals)
    if not (folder / "compose.yaml").exists():
        write_compose(template, folder)
        written.append(folder / "compose.yaml")
    if old_template:
        say("compose.yaml comes from an older template; update_service brings the newer one.")
    return [str(path.relative_to(home.root)) for path in written]


def write_compose(template: Template, folder: Path) -> None:
    """Write the template's compose file and remember that it is ours."""
    write_atomic(folder / "compose.yaml", template.compose)
    record.keep(folder, compose_sha256=digest(template.compose))


def _look_at_compose(template: Template, folder: Path) -> bool:
    """Say whether an unedited compose file of an older template is there."""
    path = folder / "compose.yaml"
    if not path.exists():
        return False
    there = path.read_bytes()
    if there == template.compose:
        record.keep(folder, compose_sha256=digest(there))
        return False
    if record.read(folder).wrote(there):
        return True
    raise Failure(
        f"{path} differs from the template and was edited by hand, so it is left as it is. "
        f"Start it as it is with “start {template.name}”, or rename the file and deploy again."
    )


def _prepared(template: Template, folder: Path, reason: str, *, written: list[str]) -> None:
    if written:
        say(f"{template.name} is prepared, not started: {reason}.")
        say(f"Written: {', '.join(written)}.")
    else:
        say(f"{template.name} was already prepared, nothing changed; not started: {reason}.")
    say(f"Start it later with: docker compose --file {folder / 'compose.yaml'} up --detach")


def _start(
    engine: Engine,
    home: Homelab,
    template: Template,
    folder: Path,
    *,
    wait: float,
    written: list[str],
) -> None:
    name = template.name
    record.keep(folder, started=True)
    try:
        engine.up(folder)
    except DockerFailed as failure:
        raise Failure(
            f"{name} is prepared, but could not be started: {failure} "
            f"Its files are in {folder}; try “start {name}” when that is mended."
        ) from None
    try:
        containers = engine.containers(folder)
    except DockerFailed as failure:
        raise Failure(
            f"{name} was started, but whether it runs is not known: {failure} "
            f"Ask with “check status of {name}”."
        ) from None
    about = about_installed(home, name)
    where = network.address(folder, about)
    answer = network.wait_for(where, wait) if where else None
    if answer is not None and not answer.up:
        say(f"{name} was started, but does not answer yet after {wait:g} s: {answer.sentence}")
        say(f"Look with “check status of {name}” or “logs of {name}”.")
    else:
        say(f"{name} is deployed on Docker {engine.version}.")
    say(f"{count(len(containers), 'container')}: {', '.join(map(str, containers)) or 'none'}.")
    say(
        f"Written: {', '.join(written)}."
        if written
        else "Its files were there already, none changed."
    )
    if answer is not None and answer.up:
        say(answer.sentence)
