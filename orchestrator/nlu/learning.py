"""Learns from the catalogue's examples which words are values, not vocabulary."""

import re
from collections.abc import Iterator

from orchestrator.nlu.fill import Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile, tokens_of
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import fold, stem, words

_LEARNT = frozenset({SlotKind.NAME, SlotKind.HOST})
_EXAMPLES_RE = re.compile(r"(?:\be\.\s?g\.|\bsuch as\b|\bfor example\b|\blike\b)[:,]?\s+([^;()]+)")


def learn_examples(index: CatalogIndex, filler: Filler) -> None:
    """Read every example as its own capability's; note the values, forget them as nouns."""
    values: dict[str, set[str]] = {}
    for profile in index.profiles:
        for text in profile.capability.examples:
            _learn(index, filler, profile, text, values)
        for slot in profile.slots:
            if slot.kind in _LEARNT:
                values.setdefault(slot.name, set()).update(_told(slot))
    for profile in index.profiles:
        for slot in profile.slots:
            profile.known[slot.name] = values.get(slot.name, set())


def _learn(
    index: CatalogIndex,
    filler: Filler,
    profile: Profile,
    text: str,
    values: dict[str, set[str]],
) -> None:
    kinds = {slot.name: slot.kind for slot in profile.slots}
    masked: set[str] = set()
    for piece in index.splitter.split(tokens_of(text)):
        clause = index.reader.read(piece)
        fill = filler.fill(profile, clause)
        places = (set(fill.content) | clause.verb_places) - fill.used
        masked |= {clause.tokens[place].stem for place in places}
        for name, value in fill.values.items():
            named = all(clause.tokens[place].is_name_like for place in value.places)
            if (clause.verbs or named) and kinds[name] in _LEARNT:
                folded = " ".join(clause.tokens[place].fold for place in sorted(value.places))
                values.setdefault(name, set()).add(folded)
                _forget(profile, folded)
    profile.masked.append(frozenset(masked))


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
