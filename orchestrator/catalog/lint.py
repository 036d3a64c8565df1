"""Advice on entries that load, but may not do what their author thinks."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import PurePath

from jsonschema import Draft202012Validator

from orchestrator.catalog.checks import WAYS
from orchestrator.catalog.files import actions
from orchestrator.catalog.models import Capability, Catalog, CatalogEntry, Risk
from orchestrator.catalog.parameters import property_rule
from orchestrator.catalog.template import placeholders
from orchestrator.domain.value import Value

MIN_EXAMPLES = 3
_SHELLS = frozenset(("ash", "bash", "dash", "fish", "ksh", "sh", "zsh"))
_INTERPRETERS = re.compile(r"python[0-9.]*|perl|ruby|node|nodejs|php")
_SHELL_CODE = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
_INTERPRETER_CODE = re.compile(r"-[A-Za-z]*[cer]")
_NARROW = frozenset(("const", "enum", "pattern", "$ref"))


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"  # dangerous: mend it before anybody runs it
    WARNING = "warning"


class Finding(Value):
    """One piece of advice on one entry."""

    severity: Severity
    where: str  # file:line of the entry
    capability: str
    message: str


def lint(catalog: Catalog) -> list[Finding]:
    """Return what to mend, entry by entry in the catalogue's order."""
    found = [
        Finding(severity=severity, where=entry.source, capability=name, message=message)
        for name, entry in catalog.entries.items()
        for severity, message in _entry_findings(entry)
    ]
    return [*_general(catalog), *found, *_rival_examples(catalog)]


def _general(catalog: Catalog) -> Iterator[Finding]:
    for warning in catalog.warnings:
        where, _, message = warning.partition(": ")
        yield Finding(severity=Severity.WARNING, where=where, capability="", message=message)


def _entry_findings(entry: CatalogEntry) -> Iterator[tuple[Severity, str]]:
    capability = entry.capability
    for name, action in actions(capability):
        for message in _shell_findings(action.command or ()):
            inside = bool(_code_placeholders(action.command or ()))
            yield (Severity.ERROR if inside else Severity.WARNING), f"`{name}`: {message}"
    advice = (_unexecuted, _wording, _values, _arguments, _limits)
    for rule in advice:
        yield from ((Severity.WARNING, message) for message in rule(capability))


def _code_of(command: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield program and code where a command hands code to a shell or an interpreter."""
    for place, argument in enumerate(command):
        program = PurePath(argument).name
        if program not in _SHELLS and not _INTERPRETERS.fullmatch(program):
            continue
        option = _SHELL_CODE if program in _SHELLS else _INTERPRETER_CODE
        following = command[place + 1 :]
        marks = [at for at, each in enumerate(following[:-1]) if option.fullmatch(each)]
        if marks:
            yield program, following[marks[0] + 1]


def _code_placeholders(command: tuple[str, ...]) -> list[str]:
    return [name for _, code in _code_of(command) for name in placeholders(code)]


def _shell_findings(command: tuple[str, ...]) -> Iterator[str]:
    for program, code in _code_of(command):
        if names := placeholders(code):
            yield (
                f"`{names[0]}` becomes code of {program}; "
                "pass it as an argument of its own, or write a script"
            )
        else:
            yield f"runs code through {program}; a script file is easier to read and to test"


def _unexecuted(capability: Capability) -> Iterator[str]:
    for name, action in actions(capability):
        if name != "run":
            yield f"`{name}` is accepted, but not executed yet"
            continue
        for way in WAYS:
            if way not in {"command", "llm"} and getattr(action, way) is not None:
                yield f"`run.{way}` is accepted, but no agent executes it yet"


def _wording(capability: Capability) -> Iterator[str]:
    if len(capability.examples) < MIN_EXAMPLES:
        count = len(capability.examples)
        yield f"has {count} examples; write at least {MIN_EXAMPLES}, as people would say it"
    for name in _property_names(capability):
        if "description" not in property_rule(capability.parameters, name):
            yield f"parameter `{name}` has no description; it is what a request is read by"


def _values(capability: Capability) -> Iterator[str]:
    known = Draft202012Validator.FORMAT_CHECKER.checkers
    for name in _property_names(capability):
        rule = property_rule(capability.parameters, name)
        pattern, form = rule.get("pattern"), rule.get("format")
        if isinstance(pattern, str) and not (pattern.startswith("^") and pattern.endswith("$")):
            yield f"the pattern of `{name}` may match a part only; write ^…$"
        if isinstance(form, str) and form not in known:
            yield f"`format: {form}` of `{name}` is not checked here; add a pattern"


def _arguments(capability: Capability) -> Iterator[str]:
    if capability.run is None or capability.run.command is None:
        return
    command = capability.run.command
    for argument in command:
        names = placeholders(argument)
        if names and argument.startswith("{{"):
            rule = property_rule(capability.parameters, names[0])
            if rule.get("type") in {None, "string"} and not _NARROW.intersection(rule):
                yield f"`{names[0]}` opens an argument and has no pattern; add one"
    used = {name for argument in command for name in placeholders(argument)}
    used.update(placeholders(capability.runs_on or ""))
    for name in _property_names(capability):
        if name not in used:
            yield f"parameter `{name}` is used by neither `run` nor `runs_on`"
    if "-m" in command and not capability.run.files:
        yield "`run` starts a module that `files` does not name; a change of it is not noticed"


def _limits(capability: Capability) -> Iterator[str]:
    if capability.risk is Risk.HIGH and capability.idempotent:
        yield "is of high risk and idempotent: it is repeated by itself after an interruption"
    if capability.timeout_seconds < capability.resources.duration_seconds:
        yield "`timeout_seconds` is below `resources.duration_seconds`: it is stopped too early"


def _rival_examples(catalog: Catalog) -> Iterator[Finding]:
    said: dict[str, str] = {}
    for name, entry in catalog.entries.items():
        for example in entry.capability.examples:
            first = said.setdefault(" ".join(example.casefold().split()), name)
            if first != name:
                yield Finding(
                    severity=Severity.WARNING,
                    where=entry.source,
                    capability=name,
                    message=f"the example `{example}` is also one of `{first}`; keep one",
                )


def _property_names(capability: Capability) -> list[str]:
    properties = capability.parameters.get("properties")
    return list(properties) if isinstance(properties, dict) else []
