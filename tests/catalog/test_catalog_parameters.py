"""Parameters are checked against the schema, and a refusal names parameter and reason."""

import math

import pytest
from pydantic import JsonValue

from orchestrator.catalog.models import Capability, Risk
from orchestrator.catalog.parameters import check_parameters, parse_value
from orchestrator.domain.value import Parameters
from orchestrator.errors import ErrorCode, Refused

PROPERTIES: dict[str, JsonValue] = {
    "service": {"type": "string", "enum": ["nginx", "redis"], "description": "Which service"},
    "host": {"type": "string", "pattern": "^[a-z0-9]+$", "maxLength": 8, "minLength": 2},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 80},
    "ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "step": {"multipleOf": 5},
    "force": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2,
             "uniqueItems": True},
    "deep": {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"],
             "additionalProperties": False},
    "day": {"type": "string", "format": "date"},
    "fixed": {"const": 1},
    "either": {"type": ["string", "null"]},
    "odd": {"not": {"type": "string"}},
}  # fmt: skip


def _capability(schema: dict[str, JsonValue] | None = None) -> Capability:
    closed: dict[str, JsonValue] = {
        "type": "object",
        "required": ["service"],
        "properties": PROPERTIES,
    }
    return Capability(
        name="serve",
        description="Serve something",
        agent_type="infra",
        risk=Risk.LOW,
        parameters=closed if schema is None else schema,
    )


def _refusal(parameters: Parameters, schema: dict[str, JsonValue] | None = None) -> str:
    with pytest.raises(Refused) as caught:
        check_parameters(_capability(schema), parameters)
    assert caught.value.error.code is ErrorCode.INVALID_REQUEST
    return caught.value.error.message


def test_defaults_are_filled_in_and_nothing_else_changes() -> None:
    given: Parameters = {"service": "nginx", "tags": ["a"], "either": None}
    assert check_parameters(_capability(), given) == {**given, "port": 80}
    assert "port" not in given


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"service": None}, "`service` must be of type string"),
        ({"service": "apache"}, "`service` must be one of nginx, redis"),
        ({"host": "-x"}, "`host` must match ^[a-z0-9]+$"),
        ({"host": "web\n"}, "`host` must match ^[a-z0-9]+$"),
        ({"host": "a"}, "`host` must have at least 2 characters"),
        ({"host": "abcdefghi"}, "`host` must have at most 8 characters"),
        ({"port": 0}, "`port` must be at least 1"),
        ({"port": 70000}, "`port` must be at most 65535"),
        ({"port": "80"}, "`port` must be of type integer"),
        ({"port": True}, "`port` must be of type integer"),
        ({"ratio": 0}, "`ratio` must be above 0"),
        ({"ratio": 1}, "`ratio` must be below 1"),
        ({"step": 3}, "`step` must be a multiple of 5"),
        ({"tags": []}, "`tags` must have at least 1 items"),
        ({"tags": ["a", "b", "c"]}, "`tags` must have at most 2 items"),
        ({"tags": ["a", "a"]}, "`tags` must not repeat an item"),
        ({"tags": ["a", 1]}, "`tags.1` must be of type string"),
        ({"deep": {}}, "`deep.key` is missing"),
        ({"deep": {"key": "x", "y": 1}}, "`deep` holds a key that is not known"),
        ({"day": "2024-02-30"}, "`day` must be a valid date"),
        ({"fixed": 2}, "`fixed` must be 1"),
        ({"either": 1}, "`either` must be of type string or null"),
        ({"odd": "text"}, "`odd` does not satisfy `not` of its schema"),
        ({"shell": "x"}, "`shell` is not known; there are: service, host, port"),
    ],
)
def test_a_refusal_names_the_parameter_and_the_reason(
    parameters: Parameters, sentence: str
) -> None:
    message = _refusal({"service": "nginx", **parameters})
    assert message.startswith(f"serve: {sentence}")
    assert message.endswith(".")


def test_a_missing_parameter_is_explained_by_its_description() -> None:
    with pytest.raises(Refused) as caught:
        check_parameters(_capability(), {})
    assert caught.value.error.message == "serve: `service` is missing."
    assert caught.value.error.hint == "service: Which service"


def test_no_message_repeats_a_value() -> None:
    for parameters in ({"host": "Secret123!"}, {"port": "Secret123!"}, {"day": "Secret123!"}):
        assert "Secret" not in _refusal({"service": "nginx", **parameters})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u200bb", "U+200B"),
        ("a\0b", "U+0000"),
        (["x", {"k": "a\u2066"}], "U+2066"),
        ({"k\u200b": 1}, "U+200B"),
        (math.nan, "not finite"),
        ([math.inf], "not finite"),
        (2**53 + 1, "beyond 2^53"),
        ([-(2**60)], "beyond 2^53"),
    ],
)
def test_what_could_not_be_shown_or_hashed_is_refused_whatever_the_schema(
    value: JsonValue, words: str
) -> None:
    assert words in _refusal({"any": value}, {"type": "object", "properties": {"any": {}}})


def test_a_hidden_character_in_a_name_is_refused() -> None:
    anything: dict[str, JsonValue] = {"type": "object", "additionalProperties": True}
    assert "in its name" in _refusal({"a\u200b": 1}, anything)


def test_depth_and_length_are_bounded() -> None:
    anything: dict[str, JsonValue] = {"type": "object", "additionalProperties": True}
    deep: JsonValue = "x"
    for _ in range(2000):
        deep = [deep]
    assert "nests deeper" in _refusal({"a": deep}, anything)
    assert "over 65536 characters" in _refusal({"a": "x" * 70_000}, anything)


def test_unknown_names_are_refused_unless_the_schema_says_otherwise() -> None:
    nothing: dict[str, JsonValue] = {"type": "object"}
    assert _refusal({"a": 1}, nothing) == "serve: `a` is not known; none is."
    assert _refusal({"a": 1}, {**nothing, "additionalProperties": False})
    exceptions: list[dict[str, JsonValue]] = [
        {"additionalProperties": True},
        {"unevaluatedProperties": True},
        {"patternProperties": {"^a": {}}},
        {"allOf": [{"properties": {"a": {}}}]},
    ]
    for says in exceptions:
        assert check_parameters(_capability({**nothing, **says}), {"a": 1}) == {"a": 1}


def test_rules_over_several_parameters_are_told_without_a_name() -> None:
    either: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"a": {}, "b": {}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert _refusal({"a": 1, "b": 1}, either).startswith("serve: `parameters` does not satisfy")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^a\$$", "a$", True),
        (r"^[a$]+$", "a$", True),
        (r"^[$]$", "$\n", False),
        ("a", "xay", True),
    ],
)
def test_a_dollar_is_the_very_end(pattern: str, text: str, *, fits: bool) -> None:
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": pattern}},
    }
    if fits:
        assert check_parameters(_capability(schema), {"a": text}) == {"a": text}
    else:
        assert "must match" in _refusal({"a": text}, schema)


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        ({"type": "string"}, "5", "5"),
        ({}, "5", "5"),
        ({"enum": [5, "a", True]}, "5", 5),
        ({"enum": [5, "a", True]}, "true", True),
        ({"enum": [5]}, "x", "x"),
        ({"type": "integer"}, "5", 5),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "boolean"}, "yes", True),
        ({"type": "boolean"}, "FALSE", False),
        ({"type": "array"}, '["a", 1]', ["a", 1]),
        ({"type": "object"}, '{"a": null}', {"a": None}),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": ["integer", "string"]}, "5", "5"),
    ],
)
def test_typed_text_becomes_what_the_schema_asks_for(
    rule: dict[str, JsonValue], text: str, value: JsonValue
) -> None:
    found = parse_value(rule, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["many", "[1", "", "9" * 5000, "[" * 200_000])
def test_text_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be of type integer or null"):
        parse_value({"type": ["integer", "null"]}, text)
