"""What a capability is about, whatever its name is: the words that hardly another one has."""

from collections import Counter

from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.text import stem, words
from orchestrator.nlu.vocabulary import Vocabulary

_SHARED = (1.0, 0.75)
"""How much a word tells by the number of capabilities that say it."""
_TOPIC = 0.85  # a word of the name tells more
_ALIKE = 0.9  # another word for it
_ONCE = 0.8  # a word of a single example may stand there by chance


class Topics:
    """Knows the telling words of descriptions and examples; built once per catalogue."""

    def __init__(self, index: CatalogIndex, vocabulary: Vocabulary) -> None:
        """Take an index whose examples are learnt: their values tell nothing."""
        self._vocabulary = vocabulary
        self._keys = index.keys
        self._implied = index.lexicon.implied
        said = {profile.name: _said(profile, index) for profile in index.profiles}
        shared = Counter(word for found in said.values() for word in found)
        self._weights = {
            name: {
                word: _SHARED[shared[word] - 1] * _TOPIC * strength
                for word, strength in found.items()
                if shared[word] <= len(_SHARED)
            }
            for name, found in said.items()
        }

    def named(self, profile: Profile, clause: Clause, fill: Fill) -> float:
        """Return how surely the clause names what `profile` is about (0–1); values aside."""
        said = {
            one
            for place in fill.content
            if place not in fill.used
            for one in self._vocabulary.forms(clause.tokens[place])
        }
        said |= {self._implied[v.canonical] for v in clause.verbs if v.canonical in self._implied}
        keys = frozenset(key for one in said for key in self._keys(one))
        return max(
            (
                weight if word in said else weight * _ALIKE
                for word, weight in self._weights[profile.name].items()
                if word in said or self._keys(word) & keys
            ),
            default=0.0,
        )


def _said(profile: Profile, index: CatalogIndex) -> dict[str, float]:
    """Return the stems of the texts of `profile` that mean something, verbs aside."""
    stop = index.lexicon.words("stop")
    slot = profile.main_slot
    free = slot is not None and slot.kind is SlotKind.TEXT  # its examples are about anything
    examples = () if free else profile.capability.examples
    texts = (profile.capability.description, *examples)
    values = {
        value for other in index.profiles for known in other.known.values() for value in known
    }
    said = Counter(
        one
        for text in texts
        for one in {
            stem(word) for word in words(text) if word.isalpha() and word not in stop | values
        }
    )
    described = {stem(word) for word in words(profile.capability.description)}
    return {
        one: 1.0 if count > 1 or one in described else _ONCE
        for one, count in said.items()
        if one in profile.nouns and not index.book.is_verb(one)
    }
