"""Values alike: "web2" after "web1", "staging" after "production", the end of a list."""

import re
from dataclasses import replace

from pydantic import JsonValue

from orchestrator.domain.value import Parameters
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.prepositions import PERSONS
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, is_numbered
from orchestrator.nlu.slots import Slot

_PLACES = frozenset({SlotKind.NAME, SlotKind.HOST, SlotKind.PATH})
_COMPARING = ("compar", "vergleich")


def parallel(values: Parameters, previous: Draft, main: Slot | None) -> Parameters:
    """Return the values, "node2" taken for what "node1" was: of the same form, another number.

    "Crm-db" is what "ledger-db" was, too: their ends say what they are.
    """
    values = {n: v for n, v in values.items() if previous.parameters.get(n) != v} or values
    said = values.get(main.name) if main is not None else None
    if main is None or len(values) != 1 or previous.profile is None:
        return values
    if not (_form(said) or _end(said)) or _is_like(previous.parameters.get(main.name), said):
        return values
    for slot in previous.profile.slots:
        same = _is_like(previous.parameters.get(slot.name), said)
        machine = slot.kind is SlotKind.HOST and is_numbered(said)  # "on web1 and db1"
        machine = machine and is_numbered(previous.parameters.get(slot.name))
        if slot is not main and (same or machine) and slot.accepts(said):
            return {slot.name: said}
    return values


def one_more(fill: Fill, previous: Draft, main: Slot | None) -> Fill:
    """Return what a clause gives, its bare name taken for what the step before ended with.

    "And vpn" of "add eva to docs and vpn" is a group: what stands nearest is what goes on. So
    it is where a person is acted on, or where the name is made like the one and not the other.
    """
    last = _last_said(previous)
    slots = previous.profile.slots if previous.profile is not None else ()
    slot = next((one for one in slots if one.name == last and one is not main), None)
    found = fill.values.get(main.name) if main is not None else None
    if main is None or slot is None or found is None or slot.name in fill.values:
        return fill
    places = previous.fill.values[last].places  # none for what meaning chose
    ended = max(places, default=-1) == len(previous.clause.tokens) - 1
    names = main.kind is SlotKind.NAME and slot.kind in _PLACES and slot.accepts(found.value)
    if min(found.places, default=1) > 0 or not ended or not names:
        return fill
    before, after = previous.parameters.get(main.name), previous.parameters.get(last)
    like_target = _marks(found.value) == _marks(before)
    like_end = _marks(found.value) == _marks(after)
    known = previous.profile is not None and found.value in previous.profile.known[main.name]
    person = bool(main.nouns & PERSONS) and (like_end or not like_target)
    if known or not (person or (like_end and not like_target)):
        return fill
    values = {name: one for name, one in fill.values.items() if name != main.name}
    return replace(fill, values={**values, slot.name: found})


def _marks(value: JsonValue | None) -> frozenset[str]:
    """Return what joins the parts of a name: the dot of "eva.k", the dash of "web-team"."""
    return frozenset(one for one in str(value) if not one.isalnum())


def _form(value: JsonValue | None) -> str:
    """Return a value with its numbers alike ("node#"); "" for one that has none."""
    plain = re.sub(r"\d+", "#", value) if isinstance(value, str) else ""
    return plain if "#" in plain else ""


def _end(value: JsonValue | None) -> str:
    """Return the last part of a name ("db" of "ledger-db"); "" for one without parts."""
    plain = value if isinstance(value, str) else ""
    return plain.rpartition("-")[2] if "-" in plain.strip("-") else ""


def _is_like(before: JsonValue | None, said: JsonValue | None) -> bool:
    """Whether two names are made alike: the same with other numbers, or with the same end."""
    same_form = _form(before) == _form(said) != ""
    return same_form or _end(before) == _end(said) != ""


def compares(previous: Draft, main: Slot | None, values: Parameters, said: str) -> bool:
    """Take one more thing into "compare redis and kafka", which is one thing to do."""
    if main is None or not any(v.canonical.startswith(_COMPARING) for v in previous.clause.verbs):
        return False
    other = _other_one(previous, values) if main.name in values else None
    if main.kind is SlotKind.TEXT:
        texts = [str(previous.parameters.get(main.name, "")), said]
        previous.parameters[main.name] = " and ".join(filter(None, texts))
    elif other is not None:
        previous.parameters[other.name] = values[main.name]
    return main.kind is SlotKind.TEXT or other is not None


def _other_one(previous: Draft, values: Parameters) -> Slot | None:
    """Return the open parameter that is like the one given."""
    profile = previous.profile
    if profile is None or len(values) != 1:
        return None
    ((name, value),) = values.items()
    kind = next(slot.kind for slot in profile.slots if slot.name == name)
    rest = (s for s in profile.slots if s.required and s.kind is kind and s.name != name)
    return next((s for s in rest if s.name in previous.missing() and s.accepts(value)), None)


def is_alike(clause: Clause, previous: Draft, profile: Profile) -> bool:
    """Whether "build2", "staging" is a value like "build1", "production" of the step before."""
    said, given = clause.tokens[0], previous.parameters
    form = _form(said.value)
    known = {_form(value) for value in given.values()} - {""}
    named = any(said.fold in slot.enum for slot in profile.slots if slot.name in given)
    return len(clause.tokens) == 1 and (form in known or named)


def is_bracketed(clause: Clause, previous: Draft, own: Candidate | None) -> bool:
    """Whether "(prod)" behind "stop shop on old1" only explains what was named before it."""
    bare = len(clause.tokens) == 1 and clause.piece.lead == {"("} and not previous.missing()
    given = own.fill.values.keys() if own is not None else set[str]()
    return bare and not given - previous.parameters.keys()


def is_last(clause: Clause, own: Candidate, previous: Draft) -> bool:
    """Whether a clause lengthens the list that the step before ended with: "on web1, web2"."""
    said = _last_said(previous)
    return said in own.fill.values and is_alike(clause, previous, own.profile)


def _last_said(previous: Draft) -> str:
    """Return the parameter of the step before whose words stand last; "" without any."""
    values = previous.fill.values
    return max(values, key=lambda name: max(values[name].places, default=-1), default="")


def last_list(previous: Draft) -> Slot | None:
    """Return the list parameter that the step before ended with, if it did."""
    slots = previous.profile.slots if previous.profile is not None else ()
    return next((slot for slot in slots if slot.name == _last_said(previous) and slot.many), None)


def numbers_left(clause: Clause, fill: Fill, values: Parameters) -> list[int]:
    """Return the numbers of a clause that nothing took: 20 in "20 to 1.4"."""
    said = {str(value) for value in values.values()}
    tokens = enumerate(clause.tokens)
    left = [t.text for p, t in tokens if t.text.isdecimal() and p not in fill.used]
    return [int(text) for text in left if text not in said]


def left_number(clause: Clause, profile: Profile, fill: Fill, values: Parameters) -> Parameters:
    """Return 20 of "shift 10 percent to 1.3 and 20 to 1.4": the one number that is needed."""
    left = numbers_left(clause, fill, values)
    needed = [s for s in profile.slots if s.kind is SlotKind.NUMBER and s.required]
    free = [s for s in needed if s.name not in values and left and s.accepts(left[0])]
    return {free[0].name: left[0]} if len(left) == len(free) == len(needed) == 1 else {}


def chosen(previous: Draft, profile: Profile, fill: Fill) -> Parameters:
    """Return the states that one more target shares: "off" in "lights off in hall and den"."""
    said = {name for name, found in fill.values.items() if found.places}
    given = previous.parameters
    return {name: given[name] for name in profile.choices if name in given and name not in said}


def realign(previous: Draft, fill: Fill) -> None:
    """Read "Alice" of "invite Alice and Bob to ops" as Bob is, since what follows tells what it is.

    Only a name that ends its clause, with no word that places it, is one more of a list.
    """
    opens = [name for name, found in fill.values.items() if found.places == {0}]
    mine = [name for name, found in previous.fill.values.items() if found.places]
    slots = {slot.name: slot for slot in previous.profile.slots} if previous.profile else {}
    if len(opens) != 1 or len(mine) != 1 or opens == mine or mine[0] not in fill.values:
        return
    tokens, place = previous.clause.tokens, max(previous.fill.values[mine[0]].places)
    bare = place == len(tokens) - 1 and (not place or place - 1 in previous.clause.verb_places)
    if not bare or opens[0] in previous.parameters or not slots[opens[0]].accepts(tokens[-1].value):
        return
    previous.parameters.pop(mine[0], None)
    previous.parameters[opens[0]] = tokens[-1].value
