"""start_service, stop_service, restart_service, list_services."""

from __future__ import annotations

from agent.homelab import network, record
from agent.homelab.docker import Container, DockerFailed, Engine, find_engine, need_engine
from agent.homelab.failure import Failure, say
from agent.homelab.places import Homelab
from agent.homelab.template import about_installed, names, resolve


def start(home: Homelab, service: str, wait: float) -> None:
    """Create and start the containers; `wait` is the seconds it may take until it answers."""
    name = resolve(home, service)
    folder = home.service(name)
    with home.working_on(name):
        engine = need_engine(f"{name} was not started")
        record.keep(folder, started=True)
        engine.up(folder)
        boxes = engine.containers(folder)
    say(f"{name} is started: {_states(boxes)}.")
    _answers(home, name, wait)


def stop(home: Homelab, service: str) -> None:
    """Stop the containers; data and containers stay."""
    name = resolve(home, service)
    with home.working_on(name):
        engine = need_engine(f"{name} was not stopped")
        engine.stop(home.service(name))
        boxes = engine.containers(home.service(name))
    _none_running(name, boxes)
    say(f"{name} is stopped: {_states(boxes)}.")


def restart(home: Homelab, service: str, wait: float) -> None:
    """Stop and start the containers as they are."""
    name = resolve(home, service)
    with home.working_on(name):
        engine = need_engine(f"{name} was not restarted")
        if not engine.containers(home.service(name)):
            raise Failure(f"{name} has no container to restart; start it first.")
        engine.restart(home.service(name))
        boxes = engine.containers(home.service(name))
    say(f"{name} is restarted: {_states(boxes)}.")
    _answers(home, name, wait)


def list_services(home: Homelab) -> None:
    """Say what is in the homelab, in which state, and what could be deployed."""
    here = home.installed()
    engine = find_engine() if here else None
    for name in here:
        say(f"{name}: {_state(home, name, engine)}.")
    if not here:
        say("The homelab has no service yet.")
    elif not isinstance(engine, Engine) and engine is not None:
        say(f"What runs is not known: {engine.reason}.")
    free = [name for name in names() if name not in here]
    say(f"Can be deployed: {', '.join(free) or 'all there is, is there'}.")


def _state(home: Homelab, name: str, engine: object) -> str:
    if not isinstance(engine, Engine):
        return "prepared"
    try:
        boxes = engine.containers(home.service(name))
    except DockerFailed as failure:
        return f"not known, {str(failure).rstrip('.')}"
    return _states(boxes) if boxes else "prepared, never started"


def _states(boxes: list[Container]) -> str:
    return ", ".join(map(str, boxes)) or "no container"


def _none_running(name: str, boxes: list[Container]) -> None:
    running = [box.service for box in boxes if box.state == "running"]
    if running:
        raise Failure(
            f"{name} still runs ({', '.join(running)}) though Docker was told to stop it."
        )


def _answers(home: Homelab, name: str, wait: float) -> None:
    where = network.address(home.service(name), about_installed(home, name))
    if where is None:
        return
    answer = network.wait_for(where, wait)
    say(answer.sentence if answer.up else f"It does not answer yet: {answer.sentence}")
