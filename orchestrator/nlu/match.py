"""Scores a clause against every capability: the verb, what the words explain, the object.

    score = 0.45 · verb + 0.30 · explained + 0.25 · object

verb       how well the clause's verb is one of the capability's (own word, example, synonym)
explained  share of the clause's meaning words that the capability's vocabulary or slots take
object     whether what the capability acts on is named (its nouns, or a value that fits)

A clause that says the same as an example, values masked, is lifted half the way towards it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.catalog.models import Risk
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.evidence import (
    OWN_WORD,
    ObjectEvidence,
    VerbEvidence,
    WordEvidence,
    unknown_value,
)
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.similar import Similarity
from orchestrator.nlu.vocabulary import Vocabulary

_VERB, _EXPLAINED, _OBJECT = 0.45, 0.30, 0.25
_BACKGROUND = 0.35  # what a clause about something else gets by chance
_BEND = 2.5
_ACCEPT = {Risk.NONE: 0.58, Risk.LOW: 0.70, Risk.MEDIUM: 0.78, Risk.HIGH: 0.80}
_ASK = 0.58
MARGIN = 0.04
"""Two readings closer than this are a question, not a guess."""

_LIGHT = 0.5  # a verb that goes with anything
_OWN = 1.0  # the verb of the capability's name or description
_UNDERSTOOD = 0.5  # a look at something needs at least half of its words explained
_RESEMBLES = 0.5
_ALIKE_WEIGHT, _VERY_ALIKE = 0.1, 0.4
_RESEMBLING, _CHOSEN = 0.2, 0.1
_STANDS_OUT = 0.05
_NEARLY = 0.15  # as far below what its risk asks for, a risky reading may still be confirmed
_TRUSTED = 0.8
_ASKING = frozenset({Form.ORDER, Form.TERSE, Form.QUESTION, Form.THING})
_KNOWN = 0.05  # of two looks, the one whose thing the catalogue names
_ALIKE = 0.75  # from here on, a clause says the same as an example


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of a clause."""

    profile: Profile
    score: float
    fill: Fill
    focus: float = 1.0  # how surely what it acts on was named (0–1)
    verb: float = 0.0  # how well the verb fits (0–1)
    known: bool = False  # what it acts on is a name that the catalogue, or the inventory, has
    alike: float = 0.0  # how alike the texts are, whatever the rules say (0–1)

    @property
    def confidence(self) -> float:
        """The share of steps with such a score that are right (0–1).

        The score above what any clause gets by chance, bent so that it meets the shares that
        `chiffon eval` counts.
        """
        above = min(1.0, max(0.0, (self.score - _BACKGROUND) / (1 - _BACKGROUND)))
        return round(1 - math.pow(1 - above, _BEND), 2)

    @property
    def rank(self) -> float:
        """The score by which readings are compared: the rules', and the likeness of the texts."""
        return self.score + _ALIKE_WEIGHT * min(1.0, self.alike / _VERY_ALIKE)

    @property
    def is_accepted(self) -> bool:
        """Whether the score is enough for the capability's risk."""
        return self.score >= _ACCEPT[self.profile.capability.risk]

    @property
    def is_whole(self) -> bool:
        """Whether nothing that it needs is missing."""
        said = self.fill.values.keys() | self.fill.unclear.keys()
        needed = (s for s in self.profile.slots if s.required and s.kind is not SlotKind.TEXT)
        return all(slot.name in said for slot in needed)

    def outdoes(self, other: "Candidate") -> bool:
        """Whether a reading nearly as good is none: a mere synonym beside the catalogue's word."""
        better = self.rank > other.rank and self.focus >= other.focus - MARGIN
        return better and self.verb >= _OWN > OWN_WORD > other.verb

    @property
    def is_askable(self) -> bool:
        """Whether the reading is worth a question."""
        return self.score >= _ASK


class Matcher:
    """Ranks capabilities; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler) -> None:
        self._index = index
        self._filler = filler
        self._vocabulary = Vocabulary(index)
        self.similarity = Similarity(index)
        self._verbs = VerbEvidence(index)
        self._words = WordEvidence(index, self._vocabulary)
        self._objects = ObjectEvidence(index, self._vocabulary)

    def rank(self, clause: Clause, previous: Profile | None = None) -> list[Candidate]:
        """Return the readings of `clause`, best first.

        Args:
            clause: what to read.
            previous: the capability of the order that this clause may continue.
        """
        alike = self.similarity.of(clause.tokens)
        found = [
            replace(candidate, alike=alike.get(profile.name, 0.0))
            for profile in self._index.profiles
            if (candidate := self.score(profile, clause, previous)) is not None
        ]
        return sorted(found, key=lambda candidate: -candidate.rank)

    def score(
        self, profile: Profile, clause: Clause, previous: Profile | None = None
    ) -> Candidate | None:
        """Return the clause read as `profile`, or None where verb or words rule that out."""
        verb = self._verbs.strength(profile, clause)
        if verb <= 0:
            return None
        fill = self._filler.fill(profile, clause)
        if fill.joins and profile.is_risky:
            return None
        if clause.form is Form.THING and not (profile.reads or clause.verbs or fill.values):
            return None  # "movie night" is said, "something about it" is not
        plain = clause.form is Form.THING and not clause.verbs
        if plain and not (profile.reads or profile.verbless) and not self._objects.is_named(
            profile, clause, fill
        ):
            return None  # a number alone asks for nothing
        likeness = self._vocabulary.likeness(profile, clause, fill)
        named = self._vocabulary.objects_named(profile, clause, fill)
        unnamed = profile.is_risky or not (named and profile.objects)
        if unnamed and likeness < _ALIKE and self._verbs.is_empty(profile, clause):
            return None
        explained = self._words.explained(profile, clause, fill, verb)
        focus = self._objects.strength(
            profile, clause, fill, explained, continues=profile is previous
        )
        looked = clause.form in {Form.QUESTION, Form.THING}
        if looked and (not (focus or likeness >= _RESEMBLES) or explained < _UNDERSTOOD):
            return None
        valued = fill.values and verb > _LIGHT  # not "send it to the consulate"
        if profile.reads and self._verbs.is_look(clause) and not self._is_known(
            profile, clause, fill
        ):
            valued = False  # "show me the weather"
        spoken = focus or likeness >= _RESEMBLES or valued or not fill.content
        if not spoken and profile.reads and (verb < OWN_WORD or self._verbs.is_look(clause)):
            return None  # a verb that fits any look, and nothing that this one looks at
        score = _VERB * verb + _EXPLAINED * explained + _OBJECT * focus
        score = max(score, (score + likeness) / 2)
        known = self._is_known(profile, clause, fill)
        score = min(1.0, score + _KNOWN) if known and profile.reads else score
        return Candidate(profile, score, fill, max(focus, likeness), verb, known)

    @staticmethod
    def _is_known(profile: Profile, clause: Clause, fill: Fill) -> bool:
        slot = profile.main_slot
        found = fill.values.get(slot.name) if slot is not None else None
        if slot is None or found is None:
            return False
        said = " ".join(clause.tokens[place].fold for place in sorted(found.places))
        return said in profile.known.get(slot.name, ())

    def resembling(
        self, clause: Clause, read: Sequence[Candidate], *, chosen: bool = False
    ) -> Candidate | None:
        """Return the one capability whose texts the clause resembles; None where none stands out.

        What could spoil something needs one of its verbs, wherever in the clause it is said.

        Args:
            clause: what to read.
            read: the readings that rules give it.
            chosen: whether it is to be one of these; then less will do for a look.
        """
        ranked = sorted(self.similarity.of(clause.tokens).items(), key=lambda pair: -pair[1])
        if not ranked or clause.form not in _ASKING:
            return None
        profile = self._index.by_name[ranked[0][0]]
        lead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0)
        enough = _CHOSEN if chosen and profile.reads else _RESEMBLING
        apart = _STANDS_OUT if profile.reads or not chosen else 2 * _STANDS_OUT
        by_rules = next((c for c in read if c.profile is profile), None)
        if ranked[0][1] < enough or lead < apart:
            return None
        if clause.form is Form.QUESTION and not profile.reads:
            return None
        needed = _ACCEPT[profile.capability.risk]
        if by_rules is not None and profile.is_risky and by_rules.score < needed - _NEARLY:
            return None  # "restart my career": its verb, and nothing that it acts on
        if not profile.reads and not self._says_verb(profile, clause):
            return None
        if chosen and by_rules is not None:
            return by_rules
        fill = self._filler.fill(profile, clause, settled=True)
        read_so = Candidate(profile, max(needed, _TRUSTED), fill, 1.0, OWN_WORD)
        return read_so if read_so.is_whole or not chosen else None

    def _says_verb(self, profile: Profile, clause: Clause) -> bool:
        places = (self._index.book.at(clause.tokens, p) for p in range(len(clause.tokens)))
        said = [verb for verb in (*clause.verbs, *places) if verb is not None]
        groups = (profile.own_groups | profile.example_groups) - self._index.lexicon.reading_groups
        verbs = profile.own_verbs | profile.example_verbs
        fits = [verb.canonical in verbs or bool(verb.groups & groups) for verb in said]
        first = clause.verbs[0] if clause.verbs else None
        told = first is not None and not self._index.lexicon.is_light(first.canonical) and not fits[0]
        return any(fits) and not told  # "delete the record" is no "create a record"

    def unknown_value(self, profile: Profile, fill: Fill) -> str:
        """Return the name of the required slot whose value is said but not listed, or ""."""
        return unknown_value(profile, fill, self._index.lexicon)

