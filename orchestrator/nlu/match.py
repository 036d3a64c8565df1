"""Scores a clause against every capability: the verb, what the words explain, the object.

    score = 0.45 · verb + 0.30 · explained + 0.25 · object

verb       how well the clause's verb is one of the capability's (own word, example, synonym)
explained  share of the clause's meaning words that the capability's vocabulary or slots take
object     whether what the capability acts on is named (its nouns, or a value that fits)

A clause that says the same as an example, values masked, is lifted half the way towards it.
"""

from dataclasses import replace
from heapq import nlargest

from orchestrator.nlu.candidate import Candidate
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
from orchestrator.nlu.meaning import Meaning
from orchestrator.nlu.opinion import Opinion
from orchestrator.nlu.plainness import removes_everything
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.resemblance import Resemblance
from orchestrator.nlu.similar import Similarity
from orchestrator.nlu.text import stem
from orchestrator.nlu.vocabulary import Vocabulary

_VERB, _EXPLAINED, _OBJECT = 0.45, 0.30, 0.25
_LIGHT = 0.5  # a verb that goes with anything
_UNDERSTOOD = 0.5  # a look at something needs at least half of its words explained
_RESEMBLES = 0.5
_TOLD, _NOWHERE = 0.3, 0.01
"""Where meaning is near one capability, a mere synonym of one that is nowhere near is none."""
_KNOWN = 0.05  # of two looks, the one whose thing the catalogue names
_LIKELY = 4
"""Capabilities that are read at all, the likeliest by verb, meaning and likeness. To look for the
values of the others takes time, and one that happens to fit makes a rival of them."""
_ALIKE = 0.75  # from here on, a clause says the same as an example
_ACCESS = frozenset(map(stem, ("access", "permission", "rights", "role", "zugriff", "acceso")))


class Matcher:
    """Ranks capabilities; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler) -> None:
        self._index = index
        self._filler = filler
        self._vocabulary = Vocabulary(index)
        self.similarity = Similarity(index)
        self.resemblance = Resemblance(index, filler, self.similarity)
        self.meaning = Meaning(index)
        self.opinion = Opinion(index, filler, self.meaning)
        self._verbs = VerbEvidence(index)
        self._words = WordEvidence(index, self._vocabulary)
        self._objects = ObjectEvidence(index, self._vocabulary)
        self._ranked: dict[tuple[Clause, str], list[Candidate]] = {}

    def begin(self) -> None:
        """Forget the readings of the request before; within one, clauses are read repeatedly."""
        self._ranked.clear()

    def rank(self, clause: Clause, previous: Profile | None = None) -> list[Candidate]:
        """Return the readings of `clause`, best first; what is done to them is not remembered.

        Args:
            clause: what to read.
            previous: the capability of the order that this clause may continue.
        """
        asked = clause, previous.name if previous is not None else ""
        if (ranked := self._ranked.get(asked)) is None:
            ranked = self._ranked[asked] = self._rank(clause, previous)
        return [replace(candidate, fill=candidate.fill.copy()) for candidate in ranked]

    def _rank(self, clause: Clause, previous: Profile | None) -> list[Candidate]:
        alike, near = self.similarity.of(clause.tokens), self.meaning.of(clause.tokens)
        told = max(near.values(), default=0.0) >= _TOLD
        verbs = {p.name: self._verbs.strength(p, clause) for p in self._index.profiles}
        likely = {
            name: verb + near[name] + alike.get(name, 0.0)
            for name, verb in verbs.items()
            if verb > 0 and not (told and near[name] < _NOWHERE and verb < OWN_WORD)
        }
        kept = {*nlargest(_LIKELY, likely, key=lambda name: likely[name])}
        kept |= {previous.name} & likely.keys() if previous is not None else set()
        found = [
            replace(candidate, alike=alike.get(profile.name, 0.0) * candidate.is_worded)
            for profile in self._index.profiles
            if profile.name in kept
            and (candidate := self._score(profile, clause, previous, verbs[profile.name]))
        ]
        return sorted(found, key=lambda candidate: -candidate.rank)

    def _score(
        self, profile: Profile, clause: Clause, previous: Profile | None, verb: float
    ) -> Candidate | None:
        """Return the clause read as `profile`, or None where its words rule that out."""
        fill = self._filler.fill(profile, clause)
        if self._is_foreign(profile, clause, fill, continues=profile is previous):
            return None
        likeness = self._vocabulary.likeness(profile, clause, fill)
        named = self._vocabulary.objects_named(profile, clause, fill)
        unnamed = profile.is_risky or not (named and profile.objects)
        if unnamed and likeness < _ALIKE and self._verbs.is_empty(profile, clause):
            return None
        explained = self._words.explained(profile, clause, fill, verb)
        objects = self._objects.strength(
            profile, clause, fill, explained, continues=profile is previous
        )
        focus = max(objects, likeness if likeness >= _RESEMBLES else 0.0)
        looked = clause.form in {Form.QUESTION, Form.THING}
        if looked and (not focus or explained < _UNDERSTOOD):
            return None
        known = self._is_known(profile, clause, fill)
        if profile.reads and not focus and not self._is_meant(clause, fill, verb, known=known):
            return None
        score = _VERB * verb + _EXPLAINED * explained + _OBJECT * objects
        score = max(score, (score + likeness) / 2)
        score = min(1.0, score + _KNOWN) if known and profile.reads else score
        return Candidate(profile, score, fill, max(focus, likeness), verb, known)

    def _is_foreign(self, profile: Profile, clause: Clause, fill: Fill, *, continues: bool) -> bool:
        """Whether the words rule out a capability that its verb alone would allow."""
        if (fill.joins and profile.is_risky) or _is_mere_level(profile, clause):
            return True
        if removes_everything(profile, clause):
            return True
        if clause.form is not Form.THING or clause.verbs or profile.reads:
            return False
        if not fill.values:
            return True  # "movie night" is said, "something about it" is not
        named = profile.verbless or self._objects.is_named(profile, clause, fill)
        return not (continues or named)  # a number alone asks for nothing

    def _is_meant(self, clause: Clause, fill: Fill, verb: float, *, known: bool) -> bool:
        """Whether a look is told by its verb and a value, where nothing says at what it looks."""
        if not fill.content:
            return True
        if self._verbs.is_look(clause):
            return known  # "show me the weather"
        return verb >= OWN_WORD or (bool(fill.values) and verb > _LIGHT)

    @staticmethod
    def _is_known(profile: Profile, clause: Clause, fill: Fill) -> bool:
        slot = profile.main_slot
        found = fill.values.get(slot.name) if slot is not None else None
        if slot is None or found is None:
            return False
        said = " ".join(clause.tokens[place].fold for place in sorted(found.places))
        return said in profile.known.get(slot.name, ())

    def is_named(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether a word says what `profile` acts on, beside the values."""
        return self._objects.is_named(profile, clause, fill)

    def unknown_value(self, profile: Profile, fill: Fill) -> str:
        """Return the name of the required slot whose value is said but not listed, or ""."""
        return unknown_value(profile, fill, self._index.lexicon)


def _is_mere_level(profile: Profile, clause: Clause) -> bool:
    """Whether "write docs" says only what somebody may do, unlike "write access to docs"."""
    choices = profile.choices.values()
    levels = [any(choice.is_level_of(verb) for choice in choices) for verb in clause.verbs]
    behind = clause.tokens[max(clause.verb_places, default=0) + 1 :][:1]
    return bool(levels) and all(levels) and not any(t.stem in _ACCESS for t in behind)
