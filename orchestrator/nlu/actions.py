"""Parameters that say what to do: `action: [start, stop]`, `enabled: true`, as verbs say them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import fold, stem, tokenise, words
from orchestrator.nlu.verbs import Verb, VerbBook

_STATES: Mapping[str, frozenset[str]] = {
    "start": frozenset({"on", "start", "up", "enabled", "enable", "online"}),
    "stop": frozenset({"off", "stop", "shutdown", "down", "disabled", "disable", "offline"}),
    "restart": frozenset({"restart", "reboot"}),
    "drain": frozenset({"out", "drained", "draining"}),
    "enable": frozenset({"in", "on", "enabled", "online"}),
    "disable": frozenset({"off", "disabled", "offline"}),
    "undrain": frozenset({"in"}),
}
"""What verbs make of a thing that has such states."""
_SWITCHES = frozenset({"enabled", "enable", "active", "activate", "on", "running"})
_LEVELS = frozenset({"read", "write", "admin", "owner", "view", "edit"})
"""What somebody may do, where a parameter lists two of them."""
_SWITCHED: Mapping[str, bool] = {"enable": True, "start": True, "disable": False, "stop": False}
_SWITCHES_BY = ("enable", "disable")
_SEGMENT_RE = re.compile(r"\s[-\u2013\u2014]\s|[;,.:()]|\bor\b|\band\b")
_ASIDE_RE = re.compile(r"([\w-]+)\s+\(([^)]+)\)")
_PART_RE = re.compile(r"[,;()]")
_IS_RE = re.compile(r"([\w/-]+)\s+is\s+([\w-]+)")
_ALIAS_WORDS = 2
_BROAD = frozenset({"set", "create"})
"""Groups of verbs that fit nearly anything: only the very word chooses a value."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What verbs choose among the values of one parameter."""

    slot: Slot
    by_verb: Mapping[str, JsonValue]  # by the canonical verb
    by_group: Mapping[str, JsonValue]

    def is_level_of(self, verb: Verb) -> bool:
        """Whether a verb is no more than what somebody may do: "write" of read, write, admin."""
        levels = len(_LEVELS & {*map(fold, self.slot.enum)}) > 1
        return levels and verb.canonical in self.by_verb

    def of(self, verbs: Iterable[Verb]) -> JsonValue | None:
        """Return the value that the verbs ask for, the very word before one that means it."""
        said = [*verbs]
        named = (self.by_verb[v.canonical] for v in said if v.canonical in self.by_verb)
        meant = (self.by_group[g] for v in said for g in sorted(v.groups) if g in self.by_group)
        return next(named, next(meant, None))


def choices_of(slots: Iterable[Slot], book: VerbBook, lexicon: Lexicon) -> Iterator[Choice]:
    """Yield what verbs choose of parameters that list actions or states, or switch something."""
    for slot in slots:
        if slot.kind is SlotKind.ENUM and not slot.many:
            choice = _listed(slot, book, lexicon)
        elif slot.kind is SlotKind.FLAG and _is_switch(slot):
            heads = {lexicon.group_heads[group]: _SWITCHED[group] for group in _SWITCHES_BY}
            choice = Choice(slot, heads, _SWITCHED)
        else:
            continue
        if choice.by_verb or choice.by_group:
            yield choice


def aliases_of(slot: Slot, lexicon: Lexicon) -> dict[str, str]:
    """Return other words for the listed values: usual ones, and those its description gives.

    "prod is production", "pause (disable)".
    """
    values = {fold(value): value for value in slot.enum}
    aliases: dict[str, str] = {}
    for group in lexicon.same_values:
        known = [values[word] for word in group if word in values]
        if len(known) == 1:
            aliases |= dict.fromkeys(group, known[0])
    for part in _PART_RE.split(slot.description):
        told = _IS_RE.fullmatch(part.strip())
        if told is not None and fold(told[2]) in values:
            aliases[fold(told[1])] = values[fold(told[2])]
    for value, aside in _ASIDE_RE.findall(slot.description):
        for alias in re.split(r",|/|\bor\b", aside):
            if fold(value) in values and 0 < len(alias.split()) <= _ALIAS_WORDS:
                aliases[fold(alias.strip())] = values[fold(value)]
    return {alias: value for alias, value in aliases.items() if alias not in values}


def _is_switch(slot: Slot) -> bool:
    said = words(slot.name)
    return bool(said) and said[-1] in _SWITCHES


def _listed(slot: Slot, book: VerbBook, lexicon: Lexicon) -> Choice:
    """Return the choice of a list of verbs; an empty one for any other list."""
    verbs = {value: verb for value in slot.enum if (verb := _verb_of(value, book)) is not None}
    states = [
        (value, group)
        for value in slot.enum
        for group, listed in _STATES.items()
        if fold(value) in listed
    ]
    if 2 * len({*verbs, *(value for value, _ in states)}) < len(slot.enum):
        return Choice(slot, {}, {})
    by_verb: dict[str, JsonValue] = {verb.canonical: value for value, verb in verbs.items()}
    for value, group in states:
        if value not in verbs:  # "up" is no verb: "start" is its word
            by_verb.setdefault(lexicon.group_heads[group], value)
    groups = [(group, value) for value, verb in verbs.items() for group in verb.groups]
    groups += [(group, value) for value, group in states]
    told = [*_told(slot, book, lexicon)]
    for verb, value in told:
        by_verb.setdefault(verb.canonical, value)
    also = _unique([(group, value) for verb, value in told for group in verb.groups], lexicon)
    return Choice(slot, by_verb, also | _unique(groups, lexicon))


def _unique(groups: Sequence[tuple[str, str]], lexicon: Lexicon) -> dict[str, JsonValue]:
    """Return the groups that choose one value; of several, the one that heads the group."""
    found: dict[str, JsonValue] = {}
    for group in {group for group, _ in groups}:
        values = {value for one, value in groups if one == group}
        heads = [value for value in values if stem(fold(value)) == lexicon.group_heads[group]]
        chosen = [*values] if len(values) == 1 else heads
        if len(chosen) == 1 and group not in _BROAD:
            found[group] = chosen[0]
    return found


def _verb_of(value: str, book: VerbBook) -> Verb | None:
    tokens = list(tokenise(" ".join(words(value))))
    verb = book.at(tokens, 0) if tokens else None
    return verb if verb is not None and len(verb.places) == len(tokens) else None


def _told(slot: Slot, book: VerbBook, lexicon: Lexicon) -> Iterator[tuple[Verb, str]]:
    """Yield verbs by which the description explains a value: "drain takes it out"."""
    values = {fold(value): value for value in slot.enum}
    for alias, value in aliases_of(slot, lexicon).items():
        if (verb := _verb_of(alias, book)) is not None:
            yield verb, value
    for segment in _SEGMENT_RE.split(slot.description):
        tokens = list(tokenise(segment))
        if len(tokens) < 2 or tokens[0].fold not in values:  # noqa: PLR2004
            continue
        for place in range(1, len(tokens)):
            verb = book.at(tokens, place)
            if verb is not None and verb.groups:
                yield verb, values[tokens[0].fold]
                end = max(verb.places)  # "takes it out of rotation": "take it out" says it too
                shorter = (book.at(tokens[:last], place) for last in range(end, place + 1, -1))
                yield from ((v, values[tokens[0].fold]) for v in shorter if v and v.groups)
                break
