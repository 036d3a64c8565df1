"""Which words are verbs: the lexicon's and the catalogue's own."""

import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

from orchestrator.nlu.lexicon import Action, Lexicon
from orchestrator.nlu.text import Kind, Token, stem, word_token

_PARTICLE_REACH = 6  # words between the parts of "turn the lights in the hall off"
_NOUN_REACH = 3  # words from "take" to "screenshot"
_ENGLISH = frozenset({"on", "of", "for", "at", "to", "is", "and"})
_BASE = 4  # letters of a verb that "re" may stand before
_REPEATED = frozenset(
    {"sync", "scan", "check", "deploy", "build", "run", "backup", "send", "print", "import"}
    | {"export", "search", "download", "upload", "convert", "optimize", "connect", "mount"}
)
"""Groups of verbs that may be done again as they were done before."""
_SHORT = 5  # shorter words are never taken for a misspelt verb
_LONG = 8  # from here on, two slips are forgiven
_OPEN = frozenset(
    {("take", "off"), ("let", "know"), ("turn", "back", "to"), ("switch", "back", "to")}
    | {("turn", "into")}
)
"""What follows tells where, what, or what it becomes: "take tom off grafana"."""
_TELLS = frozenset({"that", "dass", "que"})
_CLITIC_RE = re.compile(
    r"(?P<verb>[a-z]{4,}?)(?:(?P<mark>-)(?:les?|la|moi|nous|lui)|(?:los?|las?))"
)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb found in a clause."""

    canonical: str
    groups: frozenset[str]
    places: frozenset[int]
    misspelt: bool = False


_LEVELS = frozenset({"read", "write", "view", "edit"})
ACCESS = frozenset(map(stem, ("access", "permissions", "rights", "role")))
"""Stems of what somebody is given: "write access" writes nothing."""


class VerbBook:
    """Finds verbs; built once per catalogue."""

    def __init__(
        self,
        lexicon: Lexicon,
        own: Mapping[str, str],
        acts: Collection[tuple[str, str]] = (),
        said: AbstractSet[str] = frozenset(),
        things: Collection[tuple[str, str]] = (),
    ) -> None:
        """Take the verbs of a catalogue.

        Args:
            lexicon: the generic one.
            own: the catalogue's verbs: as they are spelt there, with their stems.
            acts: verb and noun of each name: `create_branch` makes a branch, no connection.
            said: every word of its texts: none of them is a slip of the finger.
            things: the first words of names that do nothing: `patch_status` patches nothing.
        """
        self._lexicon = lexicon
        self.acts = frozenset(acts)
        self._things = frozenset(things)
        self.said = said
        self._spelt = {**lexicon.spellings, **own}
        self._ways: dict[str, list[Action]] = dict(lexicon.actions)
        self.own = frozenset(own.values())
        light = self.own & {*map(stem, lexicon.words("light_verbs"))}
        self._empty = frozenset(v for v in light if v in self._ways and not self.is_verb(v))
        for verb in self.own:
            if not self.is_verb(verb):  # the lexicon has "take offline", and no "take"
                alone = self._again(verb) or [Action((verb,), "")]
                self._ways[verb] = [*self._ways.get(verb, ()), *alone]

    def _again(self, verb: str) -> list[Action]:
        """Return the ways of a verb of the catalogue that only says "again": "rescan"."""
        ways = self._ways.get(verb.removeprefix("re"), ()) if verb.startswith("re") else ()
        return [Action((verb,), way.group) for way in ways if len(way.stems) == 1]

    @cached_property
    def _spellings(self) -> list[str]:
        return sorted(first for first in self._spelt if len(first) >= _SHORT)

    @cached_property
    def _borders(self) -> frozenset[str]:
        return self._lexicon.words("prepositions") | self._lexicon.words("fillers") | _TELLS

    def at(self, tokens: Sequence[Token], place: int) -> Verb | None:
        """Return the verb that starts at `place`, its separated particle included.

        None as well where the text ends before.
        """
        if place >= len(tokens):
            return None
        token = tokens[place]
        if token.kind is not Kind.WORD or token.fold in self._lexicon.words("no_verbs"):
            return None
        if self._is_thing(tokens, place):
            return None
        if "-" in token.fold and token.stem not in self._ways:
            return self._joined(token, place)
        verb = self._read(tokens, place, self._ways.get(token.stem, ()) or self._once_more(token))
        empty = verb is not None and verb.canonical in self._empty
        return None if empty and not self._acts(tokens, place) else verb

    def within(self, tokens: Sequence[Token]) -> list[Verb]:
        """Return the verb that starts at each place where one does."""
        found = (self.at(tokens, place) for place in range(len(tokens)))
        return [verb for verb in found if verb is not None]

    def _is_thing(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether it is "patch status", a name, or who deploys in "deployer on web2"."""
        word = tokens[place].fold
        following = next(iter(tokens[place + 1 : place + 2]), tokens[place])
        agent = word.endswith("er") and word.removesuffix("er") in self._spelt
        named = (tokens[place].stem, following.stem) in self._things
        named |= word in _LEVELS and following.stem in ACCESS  # "she needs write access"
        return named or (agent and following.fold in _ENGLISH)

    def _once_more(self, token: Token) -> list[Action]:
        """Return the ways of "resync": a verb that nobody lists, and that says "again"."""
        base = token.stem.removeprefix("re")
        known = base == token.stem or len(base) < _BASE or token.fold in self._lexicon.all_words
        ways = () if known else self._ways.get(base, ())
        return [
            Action((token.stem,), way.group)
            for way in ways
            if len(way.stems) == 1 and way.group in _REPEATED
        ]

    def _acts(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether "take a fresh snapshot" says a capability's name, and "take a look" does not."""
        near = tokens[place + 1 : place + 1 + _NOUN_REACH]
        return any((tokens[place].stem, token.stem) in self.acts for token in near)

    def _joined(self, token: Token, place: int) -> Verb | None:
        """Return the verb in "power-cycle" and "re-start"."""
        parts = tuple(stem(part) for part in token.fold.split("-"))
        whole = stem(token.fold.replace("-", ""))
        for way in (*self._ways.get(parts[0], ()), *self._ways.get(whole, ())):
            if way.stems in {parts, (whole,)}:
                groups = frozenset({way.group} if way.group else ())
                return Verb(way.canonical, groups, frozenset({place}))
        return None

    def misspelt_at(self, tokens: Sequence[Token], place: int) -> Verb | None:
        """Return the verb that the word at `place` is a slip of the finger away from."""
        word = tokens[place].fold
        if tokens[place].kind is not Kind.WORD or len(word) < _SHORT - 1 or not word.isalpha():
            return None
        if word in self.said or word in self._lexicon.all_words:
            return None
        slips = 2 if len(word) >= _LONG else 1
        near = process.extract(word, self._spellings, scorer=OSA.distance, score_cutoff=slips)
        ends = len(word) < _SHORT  # of four letters, one in the middle is lost
        alike = (
            spelling
            for spelling, _, _ in near
            if spelling[0] == word[0]
            and (not ends or (len(spelling) > len(word) and spelling[-1] == word[-1]))
        )
        found = next(alike, None)
        if found is None:
            return None
        verb = self._read(tokens, place, self._ways[self._spelt[found]])
        return verb and Verb(verb.canonical, verb.groups, verb.places, misspelt=True)

    def parted(self, sentence: Sequence[Token]) -> int | None:
        """Return the place of the verb whose particle is the last word of the sentence."""
        particle = sentence[-1].stem
        for place in range(len(sentence) - 2, -1, -1):
            ways = self._ways.get(sentence[place].stem, ())
            if any(way.stems[1:] == (particle,) for way in ways):
                return place
        return None

    def clitic(self, token: Token) -> tuple[Token, Token] | None:
        """Return verb and pronoun of "vérifie-le", "reinícialo"; None for any other word."""
        match = _CLITIC_RE.fullmatch(token.fold)
        if token.kind is not Kind.WORD or match is None or token.stem in self._ways:
            return None
        if stem(match["verb"]) not in self._ways or len(token.text) != len(token.fold):
            return None
        cut = len(match["verb"])
        rest = cut + len(match["mark"] or "")
        return (
            word_token(token.text[:cut], token.start),
            word_token(token.text[rest:], token.start + rest),
        )

    def is_verb(self, stem: str) -> bool:
        """Whether the stem alone is a verb."""
        return any(len(way.stems) == 1 for way in self._ways.get(stem, ()))

    def groups_of(self, stem: str) -> frozenset[str]:
        """Return the groups of a one-word verb."""
        ways = self._ways.get(stem, ())
        return frozenset(way.group for way in ways if len(way.stems) == 1 and way.group)

    def _read(self, tokens: Sequence[Token], place: int, ways: Sequence[Action]) -> Verb | None:
        found = [(way, self._places(tokens, place, way.stems)) for way in ways]
        best = max((places for _, places in found), key=len, default=())
        if not best:
            return None
        same = [way for way, places in found if places == best]
        groups = frozenset(way.group for way in same if way.group)
        return Verb(same[0].canonical, groups, frozenset(best))

    def _places(self, tokens: Sequence[Token], place: int, stems: Sequence[str]) -> tuple[int, ...]:
        if len(stems) == 1:
            return (place,)
        rest = stems[1:]
        if _stems(tokens, place + 1, len(rest)) == tuple(rest):
            return tuple(range(place, place + len(stems)))
        for later in range(place + 2, min(place + 2 + _PARTICLE_REACH, len(tokens))):
            last = later + len(rest) - 1
            if _stems(tokens, later, len(rest)) != tuple(rest):
                continue
            if self._ends_there(tokens, last) or tuple(stems) in _OPEN:
                return (place, *range(later, last + 1))
        return ()

    def _ends_there(self, tokens: Sequence[Token], place: int) -> bool:
        """A particle stands at the end, before a preposition or an adverb that ends the clause."""
        following = tokens[place + 1 :]
        if not following or following[0].fold in self._borders:
            return True
        adverbs = self._lexicon.words("adverbs")  # "take it down gracefully"
        return len(following) == 1 and following[0].fold in adverbs


def _stems(tokens: Sequence[Token], place: int, count: int) -> tuple[str, ...]:
    return tuple(token.stem for token in tokens[place : place + count])
