"""Reads a capability called by its name: `deploy_service service=gitea`, as in code or without.

One call a line, or several with `;` between.

Nothing is guessed: the name must be the catalogue's, a value must fit the schema. What does not
is a question; a parameter that the capability does not have is told as out of scope.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from orchestrator.domain.request import AmbiguityKind
from orchestrator.nlu.drafts import Doubt
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot

_CALL_RE = re.compile(
    r"\s*(?:@\S+\s+)?/?(?P<name>[A-Za-z][\w.-]*)(?:\s*\((?P<inner>.*)\)\s*|(?P<rest>\s.*))?",
    re.DOTALL,
)
_PART_RE = re.compile(r"(?:[^;\n\"'`]|\"[^\"]*\"|'[^']*'|`[^`]*`)+")
_GIVEN_RE = re.compile(
    r"\s*(?P<key>[A-Za-z_][\w-]*)\s*=\s*"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|`(?P<ticks>[^`]*)`|(?P<bare>[^\s\"'`]+?))"
    r"(?=,?(?:\s|$)),?"
)


@dataclass(slots=True)
class Call:
    """One call: what is called, with what, what is asked back, what it does not take."""

    start: int
    end: int
    profile: Profile
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    unknown: list[tuple[int, str]] = field(default_factory=list)  # place, words


def calls_in(text: str, profiles: Mapping[str, Profile]) -> list[Call]:
    """Return the calls of `text`; empty unless each of its parts is one."""
    calls: list[Call] = []
    for part in _PART_RE.finditer(text):
        if part[0].strip():
            call = _call(part[0].rstrip(), part.start(), profiles)
            if call is None:
                return []
            calls.append(call)
    return calls


def _call(line: str, place: int, profiles: Mapping[str, Profile]) -> Call | None:
    match = _CALL_RE.fullmatch(line)
    profile = profiles.get(match["name"]) if match is not None else None
    if match is None or profile is None:
        return None
    call = Call(place + match.start("name"), place + len(line), profile)
    group = "inner" if match["inner"] is not None else "rest"
    begins, end = (len(line),) * 2 if match[group] is None else match.span(group)
    while begins < end:
        given = _GIVEN_RE.match(line, begins, end)
        if given is None:
            return None
        _give(call, given, place)
        begins = given.end()
    return call


def _give(call: Call, given: re.Match[str], place: int) -> None:
    """Take one `key=value`."""
    slot = next((s for s in call.profile.slots if s.name == given["key"]), None)
    said = next(
        v for v in (given[n] for n in ("double", "single", "ticks", "bare")) if v is not None
    )
    if slot is None:
        call.unknown.append((place + given.start("key"), given.group().strip().rstrip(",")))
        return
    value = _typed(slot, said)
    if value is None:
        kind = AmbiguityKind.MISSING_PARAMETER
        options = slot.enum[:10]
        call.doubts.append(Doubt(kind, slot.name, options, said, unknown=True))
    else:
        call.parameters[slot.name] = value


def _typed(slot: Slot, said: str) -> JsonValue | None:
    """Return the text as a value of the schema's type; None where it does not fit."""
    if slot.many:
        parts = [_single(slot, part.strip()) for part in said.split(",")]
        return None if None in parts else parts
    return _single(slot, said)


def _single(slot: Slot, said: str) -> JsonValue | None:
    return next((value for value in _readings(slot, said) if slot.accepts(value)), None)


def _readings(slot: Slot, said: str) -> Sequence[JsonValue]:
    if slot.kind is SlotKind.FLAG:
        return [said.lower() == "true"] if said.lower() in {"true", "false"} else []
    if slot.kind is SlotKind.NUMBER:
        return [float(said)] if "." in said and _is_number(said) else _whole(said)
    listed = slot.schema.get("enum")
    options = listed if isinstance(listed, list) else []
    return [said, *(option for option in options if str(option) == said)]


def _whole(said: str) -> list[JsonValue]:
    return [int(said)] if re.fullmatch(r"-?\d{1,18}", said) else []


def _is_number(said: str) -> bool:
    return re.fullmatch(r"-?\d{1,15}\.\d{1,15}", said) is not None
