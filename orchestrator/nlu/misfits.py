"""What a word is no value of, by its looks and the words beside it: a time, an attribute."""

from collections.abc import Sequence

from orchestrator.domain.value import Parameters
from orchestrator.nlu.chunks import Chunk, with_port
from orchestrator.nlu.coerce import split_number, time_unit
from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.full_names import is_full_name, is_person
from orchestrator.nlu.prepositions import PERSONS, in_english
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import BRANCHES, SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, stem, words

_SPELT = 2
_WHICH_ONE = frozenset(
    {"this", "last", "next", "per", "every", "each", "past", "first", "the", "a"}
)
_IS = frozenset({"is", "are", "was", "were", "has", "gets", "be"})
_RELATIVE = frozenset({"that", "which", "whose"})
_OF_WHAT = (["of"], ["von"], ["du"], ["des"])
_NO_THING = frozenset({"it", "them", "this", "that", "last", "past", "today", "which", "whom"})
_GIVEN_NAMES = frozenset({"mark", "guy", "will", "nur", "rose"})
"""Those that are words as well."""
_ACRONYM = 3
_BEEN = frozenset({"been", "be", "is", "are", "was", "were", "keeps"})
_SUBJECTS = frozenset({"it", "he", "she"})
_PREFIXES = frozenset({"off", "on", "sub", "re", "co", "pre", "post", "non", "up", "sign", "roll"})
_OWNERS = frozenset({"his", "her", "their"})


def is_period(slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether a name would be a length of time: "who is on call this week"."""
    free = slot.kind in {SlotKind.NAME, SlotKind.HOST} and not chunk.quoted
    last = chunk.places[-1]
    words_of_time = (token.fold for token in tokens[last : last + 2])
    spans = [len(word) > _SPELT and bool(time_unit(word)) for word in words_of_time]  # not "hr"
    counted = tokens[last].text.isdigit() and spans[1:] == [True]  # "for at least 2 hours"
    before = tokens[last - 1].fold if last else ""
    spoken = spans[0] and before in _WHICH_ONE
    return free and (spoken or counted) and not slot.nouns & chunk.nouns


def is_attribute(slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether a word only says what of a thing is meant: "the queue size of mail"."""
    free = slot.kind in {SlotKind.NAME, SlotKind.HOST} and not chunk.quoted
    numbered = any(any(map(str.isdigit, tokens[p].value)) for p in chunk.places)
    behind = [token.fold for token in tokens[chunk.places[-1] + 1 : chunk.places[-1] + 4]]
    named = behind[1:] and not ({*behind[1:]} & _NO_THING or behind[1][:1].isdigit())
    return free and not numbered and behind[:1] in _OF_WHAT and bool(named)


def is_related(chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether a word only tells which thing is meant: "the bucket that feeds etl-2"."""
    before = tokens[max(0, chunk.places[0] - 3) : chunk.places[0]]
    place = next((p for p, token in enumerate(before) if token.fold in _RELATIVE), None)
    behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
    subject = any(token.fold in _IS for token in behind)  # "make sure that nginx is restarted"
    if place is None or chunk.places[0] <= len(before) or chunk.quoted or subject:
        return False
    whose = tokens[chunk.places[0] - len(before) + place - 1].fold
    return whose not in {"everything", "all", "whatever", "anything"}  # "… that kim has"


def is_branch(profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether a word is the name of a branch, and the capability takes one: "build on main"."""
    named = tokens[chunk.places[-1]].fold in BRANCHES and not chunk.quoted
    return named and "branch" not in slot.nouns and any("branch" in s.nouns for s in profile.slots)


def is_no_person(profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether a look is taken at a place, where it may as well be at a person: "logins on gw1".

    Nor is "his nextcloud account" one of somebody called so, nor anybody called "a.b.test".
    """
    if not slot.nouns & PERSONS:
        return False
    said = tokens[chunk.places[0]].value
    hosted = said.count(".") > 1 and looks_like(SlotKind.DOMAIN, said)
    short = said.isupper() and said.isalpha() and len(said) <= _ACRONYM  # "HR", "SSH"
    figures = not (any(map(str.isalpha, said)) or chunk.nouns & slot.nouns)  # "4/9"
    own = {word for text in profile.capability.examples for word in words(text)}
    own -= profile.known.get(slot.name, set())
    marked = any(map(str.isdigit, said)) and said.casefold() in own  # "reset 2fa for kim"
    if hosted or marked or is_time(said) or ((short or figures) and not chunk.quoted):
        return True
    placed = in_english(chunk.preposition) in {"on", "at", "in"}
    behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
    owned = chunk.determiner in _OWNERS and any(token.stem in chunk.nouns for token in behind)
    return owned or (placed and profile.reads and not slot.required)


def is_doing(slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether a word is what somebody does: "what has it been grumbling about", "it comes up"."""
    first = chunk.places[0]
    free = slot.kind in {SlotKind.NAME, SlotKind.HOST} and not (chunk.quoted or chunk.nouns)
    word, before = tokens[first].text, tokens[first - 1].fold if first else ""
    doing = word.islower() and word.endswith("ing") and before in _BEEN
    does = word.islower() and word.endswith("s") and before in _SUBJECTS
    return free and len(chunk.places) == 1 and word.isalpha() and (doing or does)


def is_somebody(slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether what is no person would take somebody's name, written otherwise: "joe-hale"."""
    names = [tokens[place] for place in chunk.places if is_full_name(tokens[place])]
    return not is_person(slot) and not all(slot.accepts(name.value) for name in names)


def is_common_word(word: str) -> bool:
    """Whether everybody uses a word: "work", "off-boarding"; not "Mira", "nightly-backup"."""
    first, *parts = word.split("-")
    plain = all(part.isalpha() and part.islower() for part in (first, *parts))
    common = all(concept_model().is_common(stem(part)) for part in (first, *parts))
    called = first in _GIVEN_NAMES or (parts and first not in _PREFIXES)
    return plain and common and not called


def without_nobody(profile: Profile, values: Parameters) -> Parameters:
    """Return `values` without a common word that stands for a person: "wipe … my data"."""

    def is_nobody(name: str) -> bool:
        value, slot = values[name], next((s for s in profile.slots if s.name == name), None)
        known = str(value).casefold() in profile.known.get(name, ())
        person = slot is not None and is_person(slot) and not known
        return person and isinstance(value, str) and is_common_word(value)

    return {name: value for name, value in values.items() if not is_nobody(name)}


def needs_port(slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether "10.0.0.7" is a value only together with the port behind it."""
    ported = slot.has_own_pattern and slot.accepts(with_port(chunk, tokens))
    return ported and not slot.accepts(chunk.text(tokens))


def is_time(word: str) -> bool:
    """Whether a word is a time or a length of it: "11:38", "the last 15m"."""
    parsed = split_number(word)
    return looks_like(SlotKind.DATE, word) or (parsed is not None and bool(time_unit(parsed[1])))


def is_title(profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether the words are those of a look's name: "the replication lag" of `replication_lag`."""
    called = {stem(word) for word in words(profile.capability.name)} - slot.nouns
    behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
    said = [tokens[place].stem for place in chunk.places] + [token.stem for token in behind]
    return profile.reads and not chunk.quoted and bool(behind) and called.issuperset(said)


def is_called_otherwise(
    profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
) -> bool:
    """Whether a chunk stands right beside the very name of another parameter."""
    first, last = chunk.places[0], chunk.places[-1]
    beside = {token.stem for token in (*tokens[max(0, first - 1) : first], *tokens[last + 1 :][:1])}
    said = beside & chunk.nouns
    names = {other.name: {stem(word) for word in words(other.name)} for other in profile.slots}
    others = (name for one, name in names.items() if one != slot.name)
    return not names[slot.name] & said and any(name & said for name in others)
