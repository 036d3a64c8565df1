"""Templates: `{{ name }}` stands for a parameter, and nothing else is understood.

There is no expression language (promise S17): a value is put in once and never read again. In
a command a parameter is one argument or a part of one, never split, never seen by a shell.
"""

import json
import os.path
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from orchestrator.catalog.models import Capability
from orchestrator.domain.value import Parameters

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
_WORD = re.compile(r"(?:\{\{.*?\}\}|\S)+")
_LINKING_WORDS = frozenset(("and", "as", "at", "by", "for", "from", "in", "of", "on", "to", "with"))


def placeholders(template: str) -> list[str]:
    """Return the parameters that `template` names, in order, repetitions included."""
    return _PLACEHOLDER.findall(template)


def stray_braces(template: str) -> bool:
    """Tell whether `template` holds `{{` or `}}` that are no placeholder."""
    rest = _PLACEHOLDER.sub("", template)
    return "{{" in rest or "}}" in rest


def schema_defaults(schema: Mapping[str, JsonValue]) -> Parameters:
    """Return the default of each top-level property that has one."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {
        name: rule["default"]
        for name, rule in properties.items()
        if isinstance(rule, dict) and "default" in rule
    }


def plain(value: JsonValue) -> str:
    """Return how a value is written in an argument: `true`, `3`, text as it is, else JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def render_argv(
    command: Sequence[str],
    parameters: Parameters,
    schema: Mapping[str, JsonValue],
    folder: Path | str,
) -> list[str]:
    """Return the argument list to run.

    An argument that names a parameter without value (not given or null, no default in
    `schema`) is left out. An argument without placeholder that is a file relative to `folder`
    becomes its absolute path.

    Raises:
        ValueError: a value holds a control character, or one that opens an argument starts
            with `-` and could be read as an option (promise S16).
    """
    known = _known(parameters, schema)
    rendered: list[str] = []
    for argument in command:
        names = placeholders(argument)
        if not names:
            rendered.append(_absolute_if_file(argument, folder))
        elif all(name in known for name in names):
            rendered.append(_fill(argument, known))
    return rendered


def render_text(
    template: str, parameters: Parameters, schema: Mapping[str, JsonValue] | None = None
) -> str:
    """Return a line for people.

    A parameter without value and default is left out, and so is a small English word that led
    to it: `Restart {{ service }} on {{ host }}` without host is `Restart nginx`.
    """
    known = _known(parameters, schema or {})
    words: list[str] = []
    for word in _WORD.findall(template):
        if any(name not in known for name in placeholders(word)):
            if words and words[-1].lower() in _LINKING_WORDS:
                words.pop()
        else:
            words.append(_PLACEHOLDER.sub(lambda match: _spoken(known[match[1]]), word))
    return " ".join(" ".join(words).split())


def render_prompt(
    template: str, parameters: Parameters, schema: Mapping[str, JsonValue] | None = None
) -> str:
    """Return a prompt: each line as `render_text` gives it, and line breaks stay."""
    lines = (render_text(line, parameters, schema) for line in template.strip().splitlines())
    return "\n".join(lines)


def render_title(capability: Capability, parameters: Parameters) -> str:
    """Return the step in plain words: the title, or the description where there is none."""
    title = render_text(capability.title or "", parameters, capability.parameters)
    return title or capability.description


def render_target(capability: Capability, parameters: Parameters) -> str | None:
    """Return the label the agent must carry, or None where any agent of the pool will do."""
    if capability.runs_on is None:
        return None
    known = _known(parameters, capability.parameters)
    if any(name not in known for name in placeholders(capability.runs_on)):
        return None
    return (
        _PLACEHOLDER.sub(lambda match: plain(known[match[1]]), capability.runs_on).strip() or None
    )


def _known(parameters: Parameters, schema: Mapping[str, JsonValue]) -> Parameters:
    merged = {**schema_defaults(schema), **parameters}
    return {name: value for name, value in merged.items() if value is not None}


def _fill(argument: str, known: Parameters) -> str:
    values = {name: plain(known[name]) for name in placeholders(argument)}
    for name, value in values.items():
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise ValueError(f"`{name}` holds a control character; leave it out")
    rendered = _PLACEHOLDER.sub(lambda match: values[match[1]], argument)
    if rendered.startswith("-") and not argument.startswith("-"):
        name = placeholders(argument)[0]
        raise ValueError(f"`{name}` starts with `-` and could be read as an option; change it")
    return rendered


def _absolute_if_file(argument: str, folder: Path | str) -> str:
    # `os.path.isfile` is False, not an error, for a text that can be no file name.
    path = os.path.join(folder, argument)  # noqa: PTH118
    return os.path.abspath(path) if os.path.isfile(path) else argument  # noqa: PTH100, PTH113


def _spoken(value: JsonValue) -> str:
    if isinstance(value, list):
        return ", ".join(plain(each) for each in value)
    return plain(value)
