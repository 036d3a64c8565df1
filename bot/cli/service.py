"""`chiffon service`: have systemd start Chiffon, and start it again."""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from pydantic import ValidationError

from agent.settings import AgentSettings
from bot.cli.unit import Service
from bot.cli.unit_file import Units
from orchestrator.cli.place import settings_here
from orchestrator.errors import SettingsError

service_app = typer.Typer(
    name="service", help="Run by systemd: install, uninstall, show.", no_args_is_help=True
)
_BOOTED = Path("/run/systemd/system")  # what sd_booted(3) looks at
_SYSTEM_HOME = Path("/var/lib/chiffon")


class Role(StrEnum):
    """What is to run."""

    UP = "up"
    SERVE = "serve"
    AGENT = "agent"


Name: TypeAlias = Annotated[str | None, typer.Option(help="Of an agent: its name.")]
Type: TypeAlias = Annotated[str | None, typer.Option("--type", help="Of an agent: its pool.")]
Labels: TypeAlias = Annotated[
    list[str] | None, typer.Option("--label", help="Of an agent: KEY=VALUE, several times.")
]
Slots: TypeAlias = Annotated[
    int | None, typer.Option(min=1, max=64, help="Of an agent: how many steps run at once.")
]
Account: TypeAlias = Annotated[str, typer.Option(help="As root: who it runs as.")]
Home: TypeAlias = Annotated[
    Path | None, typer.Option(help="CHIFFON_HOME; as root /var/lib/chiffon unless said.")
]
Replace: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Even where somebody changed the unit by hand.")
]


@service_app.command("install")
def install(
    role: Role,
    *,
    name: Name = None,
    agent_type: Type = None,
    label: Labels = None,
    slots: Slots = None,
    account: Account = "chiffon",
    home: Home = None,
    replace: Replace = False,
) -> None:
    """Write the unit (root: the system's; else your own) and say what to type next."""
    with _sentences():
        words = _words(role, name, agent_type, label or (), slots)
        service = _service(words, name, account, home)
        _need_systemd()
        typer.echo(_units().write(service, replace=replace))
        typer.echo(f"Its settings, if any: {service.environment_file} (mode 0600)")
        for line in _first(service):
            typer.echo(line)


@service_app.command("show")
def show(
    role: Role,
    *,
    name: Name = None,
    agent_type: Type = None,
    label: Labels = None,
    slots: Slots = None,
    account: Account = "chiffon",
    home: Home = None,
) -> None:
    """Print the unit that `install` would write; writes nothing."""
    with _sentences():
        words = _words(role, name, agent_type, label or (), slots)
        typer.echo(_service(words, name, account, home).text(), nl=False)


@service_app.command("uninstall")
def uninstall(role: Role, *, name: Name = None, replace: Replace = False) -> None:
    """Remove the unit; settings and CHIFFON_HOME stay."""
    with _sentences():
        if role is Role.AGENT and not name:
            raise SettingsError("Which agent? Say --name NAME.")
        unit = f"chiffon-{_service_name(role, name)}.service"
        typer.echo(_units().remove(unit, replace=replace))


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SettingsError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from fault


def _words(
    role: Role,
    name: str | None,
    agent_type: str | None,
    labels: list[str] | tuple[()],
    slots: int | None,
) -> list[str]:
    if role is not Role.AGENT:
        if name or agent_type or labels or slots:
            raise SettingsError("--name, --type, --label and --slots are an agent's.")
        return [role.value]
    if not (name and agent_type):
        raise SettingsError("An agent needs --name NAME and --type TYPE.")
    _check_agent(name, agent_type, labels)
    words = [role.value, "--name", name, "--type", agent_type]
    for label in labels:
        words += ["--label", label]
    return words + (["--slots", str(slots)] if slots else [])


def _check_agent(name: str, agent_type: str, labels: list[str] | tuple[()]) -> None:
    pairs = [label.partition("=") for label in labels]
    wrong = next(
        ("".join(pair) for pair in pairs if not (pair[0].strip() and pair[2].strip())), None
    )
    if wrong is not None:
        raise SettingsError(f"--label {wrong}: give it as KEY=VALUE.")
    try:
        AgentSettings(home=Path(), name=name, agent_type=agent_type)
    except ValidationError as fault:
        option = "--name" if fault.errors()[0]["loc"] == ("name",) else "--type"
        message = "use small letters, digits and . _ - , a letter or digit first, 63 at most."
        raise SettingsError(f"{option}: {message}") from fault


def _service(words: list[str], name: str | None, account: str, home: Path | None) -> Service:
    as_root = os.geteuid() == 0
    service_name = _service_name(Role(words[0]), name)
    settings_folder = Path("/etc/chiffon") if as_root else Path.home() / ".config" / "chiffon"
    default_home = _SYSTEM_HOME if as_root else settings_here().home
    return Service(
        name=service_name,
        words=words,
        program=_program(),
        home=(home or default_home).absolute(),
        environment_file=settings_folder / f"{service_name}.env",
        account=account if as_root else None,
    )


def _first(service: Service) -> Iterator[str]:
    """Make the home of one's own service; say what root has to make for the system's."""
    if service.account is None:
        service.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    account, home = service.account, service.home
    try:
        pwd.getpwnam(account)
    except KeyError:
        words = f"useradd --system --home-dir {home} --shell /usr/sbin/nologin {account}"
        yield f"First, since there is no account {account}: {words}"
    if not service.has_state_folder and not home.is_dir():
        yield f"First, since there is no {home}: install -d -m 0700 -o {account} {home}"
    if service.program.is_relative_to("/root"):
        yield f"{service.program} lies where {account} may not go: install it below /opt instead."


def _service_name(role: Role, name: str | None) -> str:
    return f"agent-{name}" if role is Role.AGENT else role.value


def _program() -> Path:
    """Return the program beside the interpreter: its environment is the one that has Chiffon."""
    program = Path(sys.executable).with_name("chiffon")
    if not os.access(program, os.X_OK):
        raise SettingsError(f"There is no {program}; install Chiffon into that environment first.")
    return program


def _units() -> Units:
    if os.geteuid() == 0:
        return Units(Path("/etc/systemd/system"), system=True)
    return Units(Path.home() / ".config" / "systemd" / "user", system=False)


def _need_systemd() -> None:
    if not _BOOTED.is_dir():
        raise SettingsError(
            "systemd does not run this machine, so nothing was written. Have your own supervisor "
            "run the line ExecStart= of `chiffon service show …`."
        )
