"""Compares words with what a capability's texts say; forgives slips of the finger."""

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.text import Kind, Token, stem, stems, words

_MIN_FUZZY = 5
_COMPOUND_RE = re.compile(r"[a-z]+-[a-z]{4,}")


class Vocabulary:
    """Looks words up; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index
        self._all = sorted(
            {noun for profile in index.profiles for noun in profile.nouns if len(noun) >= 4}  # noqa: PLR2004
        )
        self._corrected: dict[str, str] = {}
        self.omissible = index.expand(
            frozenset(one for word in index.lexicon.words("omissible") for one in stems(word))
        )

    def correct(self, word: str) -> str:
        """Return the vocabulary's stem that `word` is one slip away from, else `word`."""
        if len(word) < _MIN_FUZZY - 1 or not word.isalpha():
            return word
        if word not in self._corrected:
            near = process.extract(word, self._all, scorer=OSA.distance, score_cutoff=1)
            alike = (one for one, _, _ in near if one[0] == word[0] and len(one) >= _MIN_FUZZY - 1)
            self._corrected[word] = next(alike, word)
        return self._corrected[word]

    def strength(self, profile: Profile, token: Token) -> float:
        """Return how strongly a word speaks for `profile` (0–1); names by their parts."""
        if token.kind is not Kind.WORD:
            return 0.0
        best = self._best(profile, token.stem)
        if best:
            return best
        if token.fold == "".join(words(profile.name)):
            return 1.0  # "speedtest"
        corrected = self.correct(token.stem)
        if corrected != token.stem:
            return 0.85 * profile.nouns.get(corrected, 0.0)
        parts = words(token.fold)
        if len(parts) > 1:
            joined = profile.nouns.get(stem("".join(parts)), 0.0)
            return joined or 0.9 * min(
                self._part(profile, token, part) for part in stems(token.fold)
            )
        return 0.0

    def _part(self, profile: Profile, token: Token, part: str) -> float:
        compound = _COMPOUND_RE.fullmatch(token.fold)
        return self._best(profile, part) if compound else profile.nouns.get(part, 0.0)

    def forms(self, token: Token) -> tuple[str, ...]:
        """Return the stems that a word may be known by; "DNS-Eintrag" also by its parts."""
        parts = stems(token.fold) if _COMPOUND_RE.fullmatch(token.fold) else []
        return token.stem, self.correct(token.stem), stem("".join(words(token.fold))), *parts

    def _best(self, profile: Profile, noun: str) -> float:
        return max((profile.nouns.get(key, 0.0) for key in self._index.keys(noun)), default=0.0)

    def objects_named(self, profile: Profile, clause: Clause, fill: Fill) -> float:
        """Return the share of the capability's object nouns that the clause names (0–1)."""
        joined = "".join(words(profile.name))
        if not profile.objects or any(token.fold == joined for token in clause.tokens):
            return 1.0
        said = {
            key
            for place, token in enumerate(clause.tokens)
            if place in fill.content or token.fold in self._index.lexicon.words("state_words")
            for one in self.forms(token)
            for key in self._index.keys(one)
        }
        for spoken in clause.verbs:
            if len(spoken.places) > 1:  # "take a snapshot of db1"
                said |= self._index.keys(spoken.canonical)
                for place in spoken.places:  # "put it into maintenance"
                    said |= self._index.keys(clause.tokens[place].stem)
        if clause.form in {Form.QUESTION, Form.THING}:  # "when was it last backed up"
            for verb in self._index.book.within(clause.tokens):
                said |= self._index.keys(verb.canonical)
        implied = self._index.lexicon.implied
        for noun in (implied[verb.canonical] for verb in clause.verbs if verb.canonical in implied):
            said |= self._index.keys(noun)
        if any(token.fold in self._index.lexicon.words("state_words") for token in clause.tokens):
            said |= self._index.keys("status")
        telling = frozenset(n for n in profile.objects if not self._index.keys(n) & self.omissible)
        weights = {noun: self._index.weight(noun) for noun in telling or profile.objects}
        hit = sum(w for noun, w in weights.items() if self._index.keys(noun) & said)
        return hit / sum(weights.values())

    def likeness(self, profile: Profile, clause: Clause, fill: Fill) -> float:
        """Return the likeness with the most alike example (0–1, Jaccard of stems).

        Values are masked on both sides; a verb alone is like nothing.
        """
        places = (set(fill.content) | clause.verb_places) - fill.used
        said = frozenset(clause.tokens[place].stem for place in places)
        verbs = frozenset(clause.tokens[place].stem for place in clause.verb_places)
        if not said - verbs:
            return 0.0
        return max(
            (len(said & one) / len(said | one) for one in profile.masked),
            default=0.0,
        )
