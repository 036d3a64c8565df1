"""`chiffon catalog`: list, lint, new, try. Needs no running Chiffon."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.catalog.files import current_digest
from orchestrator.catalog.lint import Severity, lint
from orchestrator.catalog.loader import catalog_paths, load_catalog
from orchestrator.catalog.models import Capability, Catalog, CatalogEntry, Risk
from orchestrator.catalog.parameters import check_parameters, parse_value, property_rule
from orchestrator.catalog.skeleton import skeleton
from orchestrator.catalog.template import render_argv, render_target, render_title
from orchestrator.cli.place import settings_here
from orchestrator.domain.value import Parameters
from orchestrator.errors import CatalogError, Refused, SettingsError

catalog_app = typer.Typer(
    name="catalog", help="What can be done: list, check and extend it.", no_args_is_help=True
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,63}")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]


@catalog_app.command("list")
def list_entries(*, as_json: AsJson = False) -> None:
    """List every capability: who runs it, what it can spoil, what it does."""
    with _one_sentence():
        entries = list(_configured().entries.values())
    if as_json:
        typer.echo(json.dumps([_summary(entry) for entry in entries], indent=2))
        return
    table = Table("name", "pool", "risk", "runs as", "what it does")
    for entry in entries:
        capability = entry.capability
        row = (capability.name, capability.agent_type, capability.risk, _how(capability))
        table.add_row(*map(Text, (*row, capability.description)))
    Console().print(table)


@catalog_app.command("lint")
def check_entries(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; without one, all in use."),
    ] = None,
) -> None:
    """Check catalogue files: what is refused, what is dangerous, what could be better.

    Exit status 1 where there is an error; warnings alone leave it at 0.
    """
    with _one_sentence():
        catalog = load_catalog(paths) if paths else _configured()
    findings = lint(catalog)
    for found in findings:
        name = f"{found.capability}: " if found.capability else ""
        typer.echo(f"{found.where}: {found.severity}: {name}{found.message}")
    errors = sum(found.severity is Severity.ERROR for found in findings)
    counted = f"{len(catalog.entries)} entries, {errors} errors"
    typer.echo(f"{counted}, {len(findings) - errors} warnings")
    if errors:
        raise typer.Exit(1)


@catalog_app.command("new")
def new_entry(
    name: Annotated[str, typer.Argument(help="The intent, as `water_plants`.")],
    agent_type: Annotated[str, typer.Option("--type", help="The pool that runs it.")] = "infra",
    risk: Annotated[Risk, typer.Option("--risk", help="What it can spoil.")] = Risk.LOW,
) -> None:
    """Write a commented entry to start from; it can be used at once."""
    _check_names(name, agent_type)
    with _one_sentence():
        settings = settings_here()
        if below := load_catalog(catalog_paths(settings)).get(name):
            _fail(f"`{name}` is already declared at {below.source}; choose another name.")
    file = settings.overlay_folder / f"{name}.yaml"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(skeleton(name, agent_type, risk))
    except FileExistsError:
        _fail(f"{file} is already there; edit it, or choose another name.")
    except OSError as fault:
        _fail(f"{file} cannot be written ({fault.strerror}); correct CHIFFON_HOME.")
    typer.echo(f"Wrote {file}")
    typer.echo("Next: edit it, then check it with `chiffon catalog lint`,")
    typer.echo(f"then see what would run: `chiffon catalog try {name} text=hello`")


@catalog_app.command("try")
def try_entry(
    name: Annotated[str, typer.Argument(help="A capability of the catalogue.")],
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its parameters.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a step would run. Runs nothing."""
    with _one_sentence():
        entry = _configured().get(name)
        if entry is None:
            _fail(f"There is no capability `{name}`; see `chiffon catalog list`.")
        capability = entry.capability
        parameters = check_parameters(capability, _typed(capability, given or []))
        shown = _preview(entry, parameters)
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    _print_preview(shown)


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn what can be expected to go wrong into one sentence and exit status 1."""
    try:
        yield
    except (CatalogError, SettingsError) as fault:
        _fail(str(fault))
    except Refused as fault:
        hint = f" ({fault.error.hint})" if fault.error.hint else ""
        _fail(f"{fault.error.message}{hint}")


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def _configured() -> Catalog:
    return load_catalog(catalog_paths(settings_here()))


def _check_names(name: str, agent_type: str) -> None:
    if not _NAME.fullmatch(name):
        _fail(f"`{name}` is no name; use lower case, digits and _, as in water_plants.")
    if not _TYPE.fullmatch(agent_type):
        _fail(f"`{agent_type}` is no agent type; use lower case, digits, _ and -, as in infra.")


def _how(capability: Capability) -> str:
    if capability.run is None:
        return "open-ended work for a language model; no agent of the embedded kind can run it"
    if capability.run.llm is not None:
        return (
            "a question to a language model; without one no agent of the embedded kind can run it"
        )
    if capability.run.command is None:
        return "not executed yet; no agent of the embedded kind can run it"
    return "command"


def _summary(entry: CatalogEntry) -> dict[str, JsonValue]:
    capability = entry.capability
    shown = capability.model_dump(
        mode="json",
        include={
            *("name", "description", "agent_type", "risk", "reasoning", "idempotent"),
            *("examples", "parameters", "runs_on"),
        },
    )
    return {**shown, "runs_as": _how(capability), "source": entry.source, "digest": entry.digest}


def _typed(capability: Capability, given: list[str]) -> Parameters:
    parameters: Parameters = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            _fail(f"`{each}` is no parameter; write NAME=VALUE.")
        try:
            parameters[name] = parse_value(property_rule(capability.parameters, name), text)
        except ValueError as fault:
            _fail(f"{capability.name}: `{name}` {fault}.")
    return parameters


def _preview(entry: CatalogEntry, parameters: Parameters) -> dict[str, JsonValue]:
    capability = entry.capability
    arguments: list[JsonValue] | None = None
    if capability.run is not None and capability.run.command is not None:
        command = capability.run.command
        try:
            arguments = [*render_argv(command, parameters, capability.parameters, entry.folder)]
        except ValueError as fault:
            _fail(f"{capability.name}: {fault}.")
    return {
        "capability": capability.name,
        "title": render_title(capability, parameters),
        "parameters": parameters,
        "command": arguments,
        "runs_as": _how(capability),
        "agent_type": capability.agent_type,
        "runs_on": render_target(capability, parameters),
        "risk": capability.risk.value,
        "folder": entry.folder,
        "resources": capability.resources.model_dump(mode="json"),
        "timeout_seconds": capability.timeout_seconds,
        "digest": current_digest(entry),
    }


def _print_preview(shown: dict[str, JsonValue]) -> None:
    typer.echo(f"{shown['title']}  (risk {shown['risk']}, nothing is run)")
    command = shown["command"]
    if isinstance(command, list):
        typer.echo("command, one argument a line:")
        for argument in command:
            typer.echo(f"  {argument}")
    else:
        typer.echo(f"no command: {shown['runs_as']}")
    where = f", label {shown['runs_on']}" if shown["runs_on"] else ""
    typer.echo(f"agent: {shown['agent_type']}{where}")
    resources = shown["resources"]
    if isinstance(resources, dict):
        listed = ", ".join(f"{name} {value}" for name, value in resources.items())
        typer.echo(f"resources: {listed}; stopped after {shown['timeout_seconds']} s")
    typer.echo(f"folder: {shown['folder']}")
    typer.echo(f"digest: {shown['digest']}")
