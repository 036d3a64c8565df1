"""How alike a clause and each capability's texts are, whatever the words' parts in the clause.

A bag of words says nothing of who does what to whom, but it knows "make db2 the new leader" where
no rule does. It weighs in where rules leave two readings open or none.

    likeness = cosine of TF-IDF vectors over stems, groups of synonyms, and pairs of neighbours
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile, tokens_of
from orchestrator.nlu.text import Kind, Token, words

_NAME = 2  # the name counts as often as two examples
_GROUP = 0.6  # a synonym tells less than the word itself
_PAIR = 0.8


class Similarity:
    """Compares clauses with capabilities; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        """Take an index whose examples are learnt: their values tell nothing."""
        self._index = index
        self._values = frozenset(
            value for p in index.profiles for known in p.known.values() for value in known
        )
        bags = {profile.name: self._text_bag(profile) for profile in index.profiles}
        seen = Counter(feature for bag in bags.values() for feature in bag)
        count = len(bags)
        self._weights = {f: math.log((1 + count) / (1 + n)) + 1 for f, n in seen.items()}
        self._unseen = math.log(1 + count) + 1
        self._postings: dict[str, list[tuple[str, float]]] = {}
        for name, bag in bags.items():
            for feature, weight in self._vector(bag).items():
                self._postings.setdefault(feature, []).append((name, weight))

    def of(self, tokens: Sequence[Token]) -> Mapping[str, float]:
        """Return the likeness (0–1) to each capability that shares a word, by its name."""
        found: dict[str, float] = {}
        for feature, weight in self._vector(self._bag(tokens)).items():
            for name, other in self._postings.get(feature, ()):
                found[name] = found.get(name, 0.0) + weight * other
        return found

    def _text_bag(self, profile: Profile) -> Counter[str]:
        capability = profile.capability
        bag: Counter[str] = Counter()
        name = tokens_of(" ".join(words(capability.name)))
        for _ in range(_NAME):
            bag.update(self._bag(name))
        for text in (capability.description, *capability.examples):
            bag.update(self._bag(tokens_of(text)))
        for slot in profile.slots:
            bag.update(self._bag(tokens_of(" ".join(slot.enum))))
        return bag

    def _bag(self, tokens: Iterable[Token]) -> Counter[str]:
        bag: Counter[str] = Counter()
        before = ""
        said = [token for token in tokens if token.kind is Kind.WORD]
        for place, token in enumerate(said):
            if token.fold in self._values or any(map(str.isdigit, token.fold)):
                before = ""
                continue
            bag[token.stem] += 1
            if before:
                bag[f"{before} {token.stem}"] += 1
            before = token.stem
            verb = self._index.book.at(said, place)
            groups = self._index.keys(token.stem) - {token.stem}
            groups |= {f"verb {group}" for group in verb.groups} if verb is not None else set()
            bag.update(f"~{group}" for group in groups)
        return bag

    def _vector(self, bag: Mapping[str, int]) -> dict[str, float]:
        vector = {
            feature: (1 + math.log(count))
            * self._weights.get(feature, self._unseen)
            * _part(feature)
            for feature, count in bag.items()
        }
        length = math.sqrt(sum(weight * weight for weight in vector.values())) or 1.0
        return {feature: weight / length for feature, weight in vector.items()}


def _part(feature: str) -> float:
    return _GROUP if feature.startswith("~") else _PAIR if " " in feature else 1.0
