"""Checks what a step is given against the schema of its capability."""

import json
import math
import re
from collections.abc import Iterator, Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from pydantic import JsonValue

from orchestrator.catalog.models import Capability
from orchestrator.catalog.template import plain, schema_defaults
from orchestrator.domain.text import hidden_character
from orchestrator.domain.value import Parameters
from orchestrator.errors import ErrorCode, Refused

MAX_CHARACTERS = 65_536
MAX_DEPTH = 16
_LARGEST_INTEGER = 2**53  # RFC 8785 has no form for larger ones
_TRUTH = {"yes": "true", "on": "true", "no": "false", "off": "false"} | {
    word: word for word in ("true", "false", "null")
}
_DOLLAR = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


def check_parameters(capability: Capability, parameters: Parameters) -> Parameters:
    """Return `parameters` with the schema's defaults, once they satisfy the schema.

    Unknown names are refused unless the schema itself says what holds for them. No message
    repeats a value: it might be a secret.

    Raises:
        Refused: `invalid_request`; the message names the parameter and the reason.
    """
    filled: Parameters = {**schema_defaults(capability.parameters), **parameters}
    for name, value in filled.items():
        if reason := _unfit(name, value):
            raise _refusal(capability, name, reason)
    if len(json.dumps(filled)) > MAX_CHARACTERS:
        reason = f"`{capability.name}` was given over {MAX_CHARACTERS} characters of parameters"
        raise Refused(ErrorCode.INVALID_REQUEST, reason, "Give shorter values.")
    if fault := best_match(_validator(capability.parameters).iter_errors(filled)):
        name, reason = _explain(fault, capability.parameters)
        raise _refusal(capability, name, reason)
    return filled


def parse_value(rule: Mapping[str, JsonValue], text: str) -> JsonValue:
    """Return `text`, as a person typed it, as the value that the sub-schema `rule` asks for.

    Whether it satisfies the other rules is for `check_parameters` to say.

    Raises:
        ValueError: it is no such value; the text says what is expected.
    """
    declared = rule.get("type")
    wanted = declared if isinstance(declared, list) else [declared]
    if "string" in wanted or declared is None:
        return _of_enum(rule, text) if declared is None else text
    try:
        value: JsonValue = json.loads(_TRUTH.get(text.strip().lower(), text))
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"must be of type {_listed(declared)}") from fault
    return value


def property_rule(schema: Mapping[str, JsonValue], name: str) -> dict[str, JsonValue]:
    """Return the sub-schema of the top-level property `name`; empty where there is none."""
    properties = schema.get("properties")
    rule = properties.get(name) if isinstance(properties, dict) else None
    return rule if isinstance(rule, dict) else {}


def _refusal(capability: Capability, name: str, reason: str) -> Refused:
    description = property_rule(capability.parameters, name).get("description")
    hint = f"{name}: {description}" if isinstance(description, str) else ""
    return Refused(ErrorCode.INVALID_REQUEST, f"{capability.name}: `{name}` {reason}.", hint)


def _unfit(name: str, value: JsonValue) -> str | None:
    """Say why a value could not be shown, hashed or passed on, whatever the schema says."""
    if hidden_character(name):
        return "has a hidden character in its name"
    for depth, part in _parts(value, 0):
        if depth > MAX_DEPTH:
            return f"nests deeper than {MAX_DEPTH} levels"
        if isinstance(part, str) and (hidden := hidden_character(part)):
            return f"holds the hidden character {hidden}"
        if isinstance(part, float) and not math.isfinite(part):
            return "holds a number that is not finite"
        if isinstance(part, int) and abs(part) > _LARGEST_INTEGER:
            return "holds an integer beyond 2^53"
    return None


def _parts(value: JsonValue, depth: int) -> Iterator[tuple[int, JsonValue]]:
    yield depth, value
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value:
            yield from _parts(each, depth + 1)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield depth + 1, key
            yield from _parts(each, depth + 1)


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """Judge `pattern` as ECMA 262 does: `$` is the very end, not the place before a newline."""
    if isinstance(instance, str):
        strict = _DOLLAR.sub(lambda match: r"\Z" if match[0] == "$" else match[0], pattern)
        if not re.search(strict, instance):
            yield ValidationError(f"does not match {pattern}")


_Validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern}
)


def _validator(schema: Mapping[str, JsonValue]) -> Draft202012Validator:
    closed = dict(schema)
    if not {"additionalProperties", "unevaluatedProperties"}.intersection(closed):
        closed["unevaluatedProperties"] = False
    return _Validator(closed, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _explain(fault: ValidationError, schema: Mapping[str, JsonValue]) -> tuple[str, str]:
    """Return the parameter's name and what is wrong with it."""
    path = [str(part) for part in fault.absolute_path]
    given = fault.instance if isinstance(fault.instance, dict) else {}
    rule = fault.validator_value
    if fault.validator == "required" and isinstance(rule, list):
        missing = [str(name) for name in rule if name not in given]
        return ".".join([*path, *missing[:1]]), "is missing"
    if fault.validator in {"additionalProperties", "unevaluatedProperties"} and not path:
        properties = schema.get("properties")
        known = list(properties) if isinstance(properties, dict) else []
        unknown = [str(name) for name in given if name not in known]
        return next(iter(unknown), "parameters"), _known_names(known)
    return ".".join(path) or "parameters", _reason(str(fault.validator), rule)


def _known_names(known: list[str]) -> str:
    return f"is not known; there are: {', '.join(known)}" if known else "is not known; none is"


def _reason(keyword: str, rule: object) -> str:
    """Put the commonest rules of JSON Schema into words."""
    if keyword == "enum" and isinstance(rule, list):
        return f"must be one of {', '.join(str(each) for each in rule)}"
    if keyword == "type":
        return f"must be of type {_listed(rule)}"
    sentences = {
        "const": "must be {}",
        "pattern": "must match {}",
        "format": "must be a valid {}",
        "minimum": "must be at least {}",
        "maximum": "must be at most {}",
        "exclusiveMinimum": "must be above {}",
        "exclusiveMaximum": "must be below {}",
        "multipleOf": "must be a multiple of {}",
        "minLength": "must have at least {} characters",
        "maxLength": "must have at most {} characters",
        "minItems": "must have at least {} items",
        "maxItems": "must have at most {} items",
        "uniqueItems": "must not repeat an item",
        "additionalProperties": "holds a key that is not known",
        "unevaluatedProperties": "holds a key that is not known",
    }
    return sentences.get(keyword, f"does not satisfy `{keyword}` of its schema").format(rule)


def _listed(types: object) -> str:
    return " or ".join(str(each) for each in types) if isinstance(types, list) else str(types)


def _of_enum(rule: Mapping[str, JsonValue], text: str) -> JsonValue:
    """Find the known value that is written like `text`; without one it is just text."""
    known = rule.get("enum")
    values = known if isinstance(known, list) else []
    return next((each for each in values if plain(each) == text), text)
