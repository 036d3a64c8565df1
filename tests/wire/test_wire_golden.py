"""Messages of version 1 as they went over the wire, kept in files: every later Chiffon reads them.

A file is never edited. A new field needs a default, so that these lack nothing; what such a field
adds to a message that is written again is no difference. Once it is there, a file of its own
(`work_request.models.json`) keeps what it said: `type`, then what came to it.
"""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from orchestrator.protocol import _PAYLOADS, PROTOCOL_VERSION, decode

_FILES = sorted((Path(__file__).parent / "golden").glob("*.json"))

_REQUIRED = {
    "register": {"agent_id", "name", "agent_type", "incarnation"},
    "heartbeat": {"agent_id", "incarnation"},
    "work_request": {
        "plan_id",
        "task_id",
        "attempt_id",
        "attempt_number",
        "capability",
        "parameters",
        "task_digest",
        "start_before",
        "deadline_seconds",
    },
    "claim": {"agent_id", "attempt_id", "attempt_number"},
    "go": {"attempt_id"},
    "superseded": {"attempt_id"},
    "cancel": {"attempt_id"},
    "report_in": {"agent_id"},
    "work_status": {"agent_id", "attempt_id", "attempt_number", "sequence"},
    "work_result": {"agent_id", "attempt_id", "attempt_number", "outcome", "started"},
}


def test_every_message_type_has_its_file() -> None:
    assert {_type_of(file) for file in _FILES} == set(_PAYLOADS)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_message_of_version_1_still_says_what_it_said(file: Path) -> None:
    kept = json.loads(file.read_text(encoding="utf-8"))
    envelope, payload = decode(file.read_bytes())
    assert payload.TYPE == kept["type"] == _type_of(file)
    assert kept["protocol_version"] == PROTOCOL_VERSION
    assert _lost(kept, json.loads(envelope.encode())) == []
    assert _lost(kept["payload"], payload.model_dump(mode="json")) == []


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_message_of_version_1_fills_every_field_that_there_was(file: Path) -> None:
    """So that a renamed field shows as a loss, not as a default."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert _REQUIRED[_type_of(file)] <= set(kept["payload"])
    defaults = _PAYLOADS[_type_of(file)].model_fields
    unset = [
        name
        for name, value in kept["payload"].items()
        if not defaults[name].is_required() and value == defaults[name].get_default()
    ]
    assert unset == []


@pytest.mark.parametrize("name", sorted(_PAYLOADS))
def test_no_field_became_required_since_version_1(name: str) -> None:
    fields = _PAYLOADS[name].model_fields.items()
    assert {field for field, what in fields if what.is_required()} == _REQUIRED[name]


@pytest.mark.parametrize(
    ("file", "fields"),
    [
        ("work_request.models.json", {"material", "model_stops"}),
        ("work_result.models.json", {"use"}),
    ],
)
def test_what_came_later_is_kept_too(file: str, fields: set[str]) -> None:
    path = Path(__file__).parent / "golden" / file
    kept = json.loads(path.read_text(encoding="utf-8"))["payload"]
    payload = decode(path.read_bytes())[1].model_dump(mode="json")
    assert {name: payload[name] for name in fields} == {name: kept[name] for name in fields}


def _type_of(file: Path) -> str:
    return file.name.partition(".")[0]


def _lost(kept: JsonValue, now: JsonValue, where: str = "") -> list[str]:
    """Return the paths of `kept` whose value is not in `now`."""
    if isinstance(kept, dict) and isinstance(now, dict):
        return [
            path
            for key, value in kept.items()
            for path in _lost(value, now.get(key), f"{where}.{key}")
        ]
    return [] if kept == now else [where]
