"""Learns from the catalogue's examples which words are values, not vocabulary."""

import re
from collections.abc import Iterator

from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.fill import Fill, Filler, Found
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import fold, stem, words

_GENERIC = frozenset({"name", "id", "value", "target", "key", "title", "label", "identifier"})
_LEARNT = frozenset({SlotKind.NAME, SlotKind.HOST})
_EXAMPLES_RE = re.compile(r"(?:\be\.\s?g\.|\bsuch as\b|\bfor example\b|\blike\b)[:,]?\s+([^;()]+)")


def learn_examples(index: CatalogIndex, filler: Filler) -> None:
    """Read every example as its own capability's; note the values, forget them as nouns."""
    values: dict[tuple[str, ...], set[str]] = {}
    for profile in index.profiles:
        for text in profile.capability.examples:
            _learn(index, filler, profile, text, values)
        for slot in profile.slots:
            if slot.kind in _LEARNT:
                values.setdefault(_key(profile, slot.name), set()).update(_told(slot))
    for profile in index.profiles:
        for slot in profile.slots:
            profile.known[slot.name] = values.get(_key(profile, slot.name), set())


def _key(profile: Profile, name: str) -> tuple[str, ...]:
    """Return under what the values of a parameter are kept: all `host` are hosts, no `name` is."""
    return (profile.name, name) if name in _GENERIC else (name,)


def _learn(
    index: CatalogIndex,
    filler: Filler,
    profile: Profile,
    text: str,
    values: dict[tuple[str, ...], set[str]],
) -> None:
    kinds = {slot.name: slot.kind for slot in profile.slots}
    masked: set[str] = set()
    described = {stem(word) for word in words(profile.capability.description)}
    for clause in index.clauses_of(text):
        fill = filler.fill(profile, clause)
        places = (set(fill.content) | clause.verb_places) - fill.used
        masked |= {clause.tokens[place].stem for place in places}
        _take_last(profile, clause, fill)
        for name, value in fill.values.items():
            before = (
                clause.tokens[min(value.places) - 1].fold if min(value.places, default=0) else ""
            )
            if before in index.lexicon.words("prepositions"):
                profile.prepositions.setdefault(name, set()).add(before)
            named = all(clause.tokens[place].is_name_like for place in value.places)
            told = any(clause.tokens[place].stem in described for place in value.places)
            acronym = told and all(clause.tokens[p].fold.isalpha() for p in value.places)
            if ((named and not acronym) or (clause.verbs and not told)) and kinds[name] in _LEARNT:
                folded = " ".join(clause.tokens[place].fold for place in sorted(value.places))
                folded = fold(str(value.value)) if ":" in str(value.value) else folded
                values.setdefault(_key(profile, name), set()).add(folded)
                _forget(profile, folded)
    profile.masked.append(frozenset(masked))


def _take_last(profile: Profile, clause: Clause, fill: Fill) -> None:
    """Give the one thing that an example says beside to the one parameter that it must have."""
    free = [s for s in profile.slots if s.kind in _LEARNT and s.name not in fill.values]
    lacking = [s for s in free if s.required] or free
    left = [
        chunk
        for chunk in fill.spare
        if chunk.preposition or any(clause.tokens[p].is_name_like for p in chunk.places)
    ]
    if len(lacking) == len(left) == 1:
        text = left[0].text(clause.tokens)
        if lacking[0].accepts(text):
            fill.values[lacking[0].name] = Found(text, frozenset(left[0].places), 1.0)


def _told(slot: Slot) -> Iterator[str]:
    """Yield the values that a parameter's own texts name: "Machine, e.g. pve2 or nas"."""
    listed = slot.schema.get("examples")
    yield from (fold(str(value)) for value in (listed if isinstance(listed, list) else ()))
    named = _EXAMPLES_RE.search(slot.description)
    for part in re.split(r",|\bor\b|\band\b", named[1]) if named else ():
        value = part.strip(" .;:)\"'`")
        if value and " " not in value and slot.accepts(value):
            yield fold(value)


def _forget(profile: Profile, value: str) -> None:
    """Take a value's words out of the vocabulary, unless name or description say them too."""
    said = {
        stem(word)
        for text in (profile.capability.name, profile.capability.description)
        for word in words(text)
    }
    for word in words(value):
        if stem(word) not in said:
            profile.nouns.pop(stem(word), None)
