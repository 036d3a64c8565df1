"""What must hold in an entry beyond the types of its keys: each fault with its place."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from orchestrator.catalog.files import actions
from orchestrator.catalog.models import Action, Capability, LlmAction
from orchestrator.catalog.parameters import property_rule
from orchestrator.catalog.template import placeholders, schema_defaults, stray_braces
from orchestrator.catalog.yaml_text import YamlPath

WAYS = ("command", "http", "ansible", "llm", "python")


def entry_faults(capability: Capability) -> Iterator[tuple[YamlPath, str]]:
    """Yield each fault of an entry: the path of its key, the reason and what to do.

    The first one is the one to show; later ones may only follow from it.
    """
    yield from _schema_faults(capability.parameters)
    if capability.run is None and not capability.reasoning:
        yield (), "`run` is missing; say how it is done, or set `reasoning: true`"
    if capability.run is not None and capability.run.llm is not None and not capability.reasoning:
        yield ("run", "llm"), "a language model does open-ended work only; add `reasoning: true`"
    for name, action in actions(capability):
        yield from _action_faults(name, action)
    yield from _template_faults(capability)


def _action_faults(name: str, action: Action) -> Iterator[tuple[YamlPath, str]]:
    given = [way for way in WAYS if getattr(action, way) is not None]
    if len(given) != 1:
        listed = ", ".join(given) or "none"
        yield (name,), f"`{name}` needs exactly one of {', '.join(WAYS)}, and has {listed}"
    if action.command is None:
        return
    if not action.command or not action.command[0].strip():
        yield (name, "command"), "`command` names no program; write [program, argument, …]"
    elif placeholders(action.command[0]):
        yield (name, "command", 0), "the program is a parameter; name it, vary only its arguments"


def _template_faults(capability: Capability) -> Iterator[tuple[YamlPath, str]]:
    properties = capability.parameters.get("properties")
    known = list(properties) if isinstance(properties, dict) else []
    for path, template in _templates(capability):
        if stray_braces(template):
            yield path, f"`{template}` is no template; only {{{{ name }}}} of a parameter is"
        for name in placeholders(template):
            if name not in known:
                there = ", ".join(known) or "none"
                yield path, f"`{name}` is no parameter; there are: {there}; correct or declare it"


def _templates(capability: Capability) -> Iterator[tuple[YamlPath, str]]:
    for name in ("title", "runs_on"):
        text = getattr(capability, name)
        if isinstance(text, str):
            yield (name,), text
    for name, action in actions(capability):
        for way in WAYS:
            given = getattr(action, way)
            plain = given.model_dump() if isinstance(given, LlmAction) else given
            yield from _texts((name, way), plain)


def _texts(path: YamlPath, value: object) -> Iterator[tuple[YamlPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield (*path, key), key
            yield from _texts((*path, key), each)
    elif isinstance(value, (list, tuple)):
        for place, each in enumerate(value):
            yield from _texts((*path, place), each)


def _schema_faults(schema: dict[str, JsonValue]) -> Iterator[tuple[YamlPath, str]]:
    if schema.get("type") != "object":
        yield ("parameters",), "`parameters` must say `type: object`"
        return
    if fault := _no_json_schema(json.dumps(schema)):
        where, reason = fault
        yield ("parameters", *where), f"is no valid JSON Schema ({reason}); correct it"
        return
    references = list(_reference_faults(schema))
    yield from references
    if not references:
        yield from _default_faults(schema)


@lru_cache(maxsize=512)
def _no_json_schema(schema: str) -> tuple[YamlPath, str] | None:
    """Return where and why a text is no JSON Schema; kept, since most survive a reload."""
    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as fault:
        return tuple(fault.absolute_path), fault.message[:200]
    return None


def _default_faults(schema: dict[str, JsonValue]) -> Iterator[tuple[YamlPath, str]]:
    required = schema.get("required")
    properties = schema.get("properties")
    declared = properties if isinstance(properties, dict) else {}
    for name in required if isinstance(required, list) else []:
        if str(name) not in declared:
            yield ("parameters", "required"), f"requires `{name}`, not declared; declare it"
    for name, default in schema_defaults(schema).items():
        rule = {"$defs": schema.get("$defs", {}), **property_rule(schema, name)}
        if fault := best_match(Draft202012Validator(rule).iter_errors(default)):
            reason = f"the default of `{name}` does not fit its own schema ({fault.message[:200]})"
            yield ("parameters", "properties", name, "default"), f"{reason}; correct one of them"


def _reference_faults(schema: dict[str, JsonValue]) -> Iterator[tuple[YamlPath, str]]:
    found = list(_references(("parameters",), schema))
    resolver = Registry[JsonValue]().resolver_with_root(DRAFT202012.create_resource(schema))
    for path, keyword, target in found:
        if keyword != "$ref" or not target.startswith("#/$defs/"):
            yield path, f"`{keyword}: {target}`: only `$ref: '#/$defs/…'` of this entry is followed"
            continue
        try:
            resolver.lookup(target)
        except Unresolvable:
            yield path, f"`$ref: {target}` leads nowhere; correct or declare it under `$defs`"
    definitions = schema.get("$defs")
    if isinstance(definitions, dict) and _circular(definitions):
        yield (
            ("parameters", "$defs"),
            "definitions refer to themselves; spell out the levels needed",
        )


def _references(path: YamlPath, value: JsonValue) -> Iterator[tuple[YamlPath, str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in {"$ref", "$dynamicRef", "$id", "$schema"} and isinstance(each, str):
                if key != "$schema":
                    yield (*path, key), key, each
            else:
                yield from _references((*path, key), each)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _references((*path, place), each)


def _circular(definitions: Mapping[str, JsonValue]) -> bool:
    """Tell whether following references could go on for ever."""
    leads = {
        name: {target.split("/")[2] for _, _, target in _references((), rule) if "/" in target}
        for name, rule in definitions.items()
    }
    while ends := [name for name, targets in leads.items() if not targets & leads.keys()]:
        for name in ends:
            del leads[name]
    return bool(leads)
