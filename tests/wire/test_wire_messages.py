"""Messages: each travels unharmed, strangers' fields are ignored, garbage is refused with words."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from orchestrator.protocol import (
    _PAYLOADS,
    PROTOCOL_VERSION,
    Cancel,
    Envelope,
    Go,
    Payload,
    WireError,
    WorkRequest,
    WorkResult,
    control_queue,
    decode,
    seal,
    work_queue,
)

_TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"))
_NAMES = _TEXT.filter(lambda text: len(text) <= 64)
_NUMBERS = st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis takes naive bounds
    timezones=st.just(UTC),
)


def _messages(model: type[Payload]) -> st.SearchStrategy[Payload]:
    special: dict[str, st.SearchStrategy[object]] = {
        "parameters": st.dictionaries(_TEXT, _JSON, max_size=3),
        "start_before": _TIMES,
        "capabilities": st.dictionaries(_TEXT, _TEXT, max_size=2),
        "labels": st.dictionaries(_TEXT, _TEXT, max_size=2),
        "holds": st.lists(_TEXT, max_size=2).map(tuple),
        "specializations": st.lists(_TEXT, max_size=2).map(tuple),
    }
    for name, field in model.model_fields.items():
        if field.annotation is str:
            special.setdefault(name, _NAMES)
    chosen = {name: how for name, how in special.items() if name in model.model_fields}
    return st.builds(model, **chosen)


_ANY = st.sampled_from(sorted(_PAYLOADS)).flatmap(lambda name: _messages(_PAYLOADS[name]))


@given(payload=_ANY, trace=_TEXT)
def test_every_message_arrives_as_it_was_sent(payload: Payload, trace: str) -> None:
    sent = seal(payload, trace=trace)
    envelope, arrived = decode(sent.encode())
    assert arrived == payload
    assert type(arrived) is type(payload)
    assert envelope == sent
    assert (envelope.type, envelope.trace) == (payload.TYPE, trace)


@given(payload=_ANY, news=st.dictionaries(st.just("news_of_version_2"), _JSON, min_size=1))
def test_unknown_fields_are_ignored(payload: Payload, news: dict[str, object]) -> None:
    """So that a newer peer may add some: in the envelope, the payload and what is in it."""
    message = json.loads(seal(payload).encode())
    for inner in [message, message["payload"], *_objects_of(payload, message["payload"])]:
        inner.update(news)
    assert decode(json.dumps(message).encode())[1] == payload


@given(st.binary())
def test_garbage_is_refused_with_words(body: bytes) -> None:
    with pytest.raises(WireError, match="no message of this protocol: "):
        decode(body)


@given(st.dictionaries(st.sampled_from(["type", "payload", "protocol_version"]), _JSON))
def test_any_other_json_is_refused_with_words(document: dict[str, object]) -> None:
    with pytest.raises(WireError, match=r"^(no message|unknown|bad)"):
        decode(json.dumps(document).encode())


@given(payload=_ANY, cut=st.floats(0, 1, exclude_max=True))
def test_a_message_cut_short_is_refused(payload: Payload, cut: float) -> None:
    body = seal(payload).encode()
    with pytest.raises(WireError):
        decode(body[: int(len(body) * cut)])


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
def test_an_unknown_version_is_refused_and_says_what_to_do(version: int) -> None:
    body = _changed(protocol_version=version)
    reason = f"^unknown protocol version {version}; upgrade the older side$"
    with pytest.raises(WireError, match=reason):
        decode(body)


@pytest.mark.parametrize("name", ["", "GO", "go ", "shutdown", "payload"])
def test_an_unknown_type_is_refused(name: str) -> None:
    with pytest.raises(WireError, match=f"^unknown message type '{name}'$"):
        decode(_changed(type=name))


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({}, "attempt_id: Field required"),
        ({"attempt_id": None}, "attempt_id: Input should be a valid string"),
        ({"attempt_id": 7}, "attempt_id: Input should be a valid string"),
        ({"attempt_id": ["a"]}, "attempt_id: Input should be a valid string"),
    ],
)
def test_a_bad_payload_is_refused_by_field(payload: dict[str, object], where: str) -> None:
    with pytest.raises(WireError, match=f"^bad go: {where}$"):
        decode(_changed(payload=payload))


_NOON = "2026-11-22T12:00:00Z"
_WORK = {
    "plan_id": "p",
    "task_id": "t",
    "attempt_id": "a",
    "attempt_number": 1,
    "capability": "c",
    "parameters": {},
    "task_digest": "d",
    "start_before": _NOON,
    "deadline_seconds": 1,
}
_REGISTER = {"agent_id": "a", "name": "n", "agent_type": "t", "incarnation": "i"}
_BEAT = {"agent_id": "a", "incarnation": "i"}
_STATUS = {"agent_id": "a", "attempt_id": "a", "attempt_number": 1, "sequence": 1}
_RESULT = {
    "agent_id": "a",
    "attempt_id": "a",
    "attempt_number": 1,
    "outcome": "success",
    "started": True,
}
_BAD = [
    ("work_request", _WORK, {"attempt_number": 0}),
    ("work_request", _WORK, {"deadline_seconds": 0}),
    ("work_request", _WORK, {"start_before": "2026-11-22T12:00:00"}),
    ("work_request", _WORK, {"parameters": {"n": float("nan")}}),
    ("work_request", _WORK, {"parameters": []}),
    ("register", _REGISTER, {"slots": 0}),
    ("register", _REGISTER, {"slots": 2**31}),
    ("register", _REGISTER, {"agent_id": "a" * 65}),
    ("register", _REGISTER, {"agent_type": "a" * 65}),
    ("register", _REGISTER, {"incarnation": "a" * 65}),
    ("register", _REGISTER, {"name": "a" * 65}),
    ("heartbeat", _BEAT, {"load": -0.1}),
    ("heartbeat", _BEAT, {"load": float("inf")}),
    ("heartbeat", _BEAT, {"load": float("nan")}),
    ("heartbeat", _BEAT, {"status": "asleep"}),
    ("heartbeat", _BEAT, {"free": {"cpu_cores": float("inf")}}),
    ("heartbeat", _BEAT, {"free": {"memory_mb": -1}}),
    ("work_status", _STATUS, {"sequence": 0}),
    ("work_status", _STATUS, {"sequence": 2**31}),
    ("work_status", _STATUS, {"progress": 101}),
    ("work_status", _STATUS, {"progress": -1}),
    ("work_result", _RESULT, {"outcome": "great"}),
    ("work_result", _RESULT, {"exit_code": 2**31}),
    ("work_result", _RESULT, {"exit_code": -(2**31) - 1}),
    ("work_result", _RESULT, {"use": {"wall_seconds": float("inf")}}),
    ("work_result", _RESULT, {"use": {"tokens": -1}}),
]


@pytest.mark.parametrize(("name", "good", "change"), _BAD)
def test_what_no_database_or_clock_could_take_is_refused(
    name: str, good: dict[str, object], change: dict[str, object]
) -> None:
    fine = json.dumps({"type": name, "payload": good}).encode()
    assert isinstance(decode(fine)[1], _PAYLOADS[name])
    with pytest.raises(WireError, match=f"^bad {name}: {next(iter(change))}"):
        decode(json.dumps({"type": name, "payload": {**good, **change}}).encode())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\x00", "\ufffd"),
        ("a\x00\x00b", "a\ufffd\ufffdb"),
        ("\\\x00", "\\\ufffd"),
        ("\\u0000", "\\u0000"),
        ("\\\\u0000\x00", "\\\\u0000\ufffd"),
    ],
)
def test_a_nul_is_read_as_the_replacement_character(written: str, read: str) -> None:
    """PostgreSQL stores no U+0000; the text that merely spells it is left alone."""
    result = {**_RESULT, "output": written, "use": {"model": written}}
    body = json.dumps({"type": "work_result", "trace": written, "payload": result}).encode()
    envelope, payload = decode(body)
    assert isinstance(payload, WorkResult)
    assert (envelope.trace, payload.output, payload.use.model) == (read, read, read)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"\x00", b""])
def test_a_bomb_is_refused_and_not_blown_up(body: bytes) -> None:
    with pytest.raises(WireError, match="no message of this protocol"):
        decode(body)


def test_a_message_id_is_given_once_and_kept() -> None:
    one, other = seal(Go(attempt_id="a")), seal(Go(attempt_id="a"))
    assert one.message_id != other.message_id
    assert seal(Go(attempt_id="a"), message_id="m").message_id == "m"
    assert decode(one.encode())[0].message_id == one.message_id


def test_a_message_is_of_this_version_and_says_when_it_was_sent() -> None:
    before = datetime.now(UTC)
    envelope = seal(Cancel(attempt_id="a"))
    assert envelope.protocol_version == PROTOCOL_VERSION == 1
    assert before <= envelope.sent_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("value", "field"), [(Go(attempt_id="a"), "attempt_id"), (seal(Go(attempt_id="a")), "trace")]
)
def test_payloads_and_envelopes_are_frozen(value: BaseModel, field: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, field, "b")


def test_work_and_orders_travel_on_different_queues() -> None:
    assert work_queue("infra-1") == "agent.infra-1"
    assert control_queue("infra-1") == "agent.infra-1.control"


def test_a_work_request_names_its_instant_in_any_zone() -> None:
    work = {**_WORK, "start_before": "2026-11-22T13:00:00+01:00"}
    _, payload = decode(json.dumps({"type": "work_request", "payload": work}).encode())
    assert isinstance(payload, WorkRequest)
    assert payload.start_before == datetime(2026, 11, 22, 12, tzinfo=UTC)


def _changed(**fields: object) -> bytes:
    message = json.loads(seal(Go(attempt_id="a")).encode())
    return json.dumps({**message, **fields}).encode()


def _objects_of(payload: Payload, document: dict[str, object]) -> list[dict[str, object]]:
    """Return the parts of a payload that are models themselves."""
    found = []
    for name in type(payload).model_fields:
        part = document[name]
        if isinstance(getattr(payload, name), BaseModel) and isinstance(part, dict):
            found.append(part)
    return found


def test_an_envelope_needs_a_type_and_a_payload() -> None:
    required = {n for n, field in Envelope.model_fields.items() if field.is_required()}
    assert required == {"type", "payload"}
