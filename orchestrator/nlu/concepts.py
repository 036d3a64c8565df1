"""What a text is about: a small model of how people speak of operations work, in general.

It tells some six hundred concepts apart ("open a port", "who is on call", "a joke"), none of which
names a capability. It is a multinomial naive Bayes classifier over the features of `features.py`,
learnt by `scripts/learn_concepts.py` from the phrases in `training/`, and ships as counts.

    score(concept) = T · Σ w(feature) · log P(feature | concept)     w: inverse frequency, norm 1

Source of the model: Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 13.2.
"""

import json
import math
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Self

from orchestrator.nlu.features import features, known_only, symbols
from orchestrator.nlu.text import Token

MODEL = Path(__file__).with_name("concepts.bin")
_ALPHA = 0.2  # added to each count (Lidstone)
_SHARPNESS = 1.5  # T: makes a probability of the score
_PAIR = 0.5  # a pair of words tells less than a word
_SELDOM = 2  # what fewer phrases hold is noise
_MOST = 255  # of one feature, phrases of one concept
_TELLING = 0.002  # less likely concepts are left out
_KEPT = 2_048  # texts whose concepts are remembered

Distribution = Mapping[int, float]
"""Concepts, by number, with their probability (0–1); unlikely ones are missing."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What the file holds: features with the concepts that have them, and in how many phrases."""

    names: list[str]
    phrases: int
    features: list[str]
    sizes: list[int]  # how many concepts have the feature
    concepts: list[int]
    counts: list[int]


@dataclass(frozen=True, slots=True)
class _Row:
    """A feature: where its concepts stand, and how much it tells."""

    begin: int
    end: int
    weight: float


class ConceptModel:
    """Tells how likely a text is about each concept."""

    def __init__(self, content: _Content) -> None:
        self.names = tuple(content.names)
        self._content = content
        self._concepts, self._counts = array("H", content.concepts), array("B", content.counts)
        ends = [*accumulate(content.sizes)]
        self._rows = {
            feature: _Row(end - size, end, self._weight(feature, end - size, end))
            for feature, end, size in zip(content.features, ends, content.sizes, strict=True)
        }
        self.vocabulary = frozenset(one for one in self._rows if " " not in one)
        totals = Counter[int]()
        for concept, count in zip(self._concepts, self._counts, strict=True):
            totals[concept] += count
        size = _ALPHA * len(self._rows)
        unseen = (_ALPHA / (totals[concept] + size) for concept in range(len(self.names)))
        self._unseen = array("d", map(math.log, unseen))
        self._gains = array("d", (math.log((n + _ALPHA) / _ALPHA) for n in range(_MOST + 1)))
        self._known = lru_cache(_KEPT)(self._distribution)

    def _weight(self, feature: str, begin: int, end: int) -> float:
        part = _PAIR if " " in feature else 1.0
        return part * math.log(self._content.phrases / sum(self._counts[begin:end]))

    @classmethod
    def learn(cls, phrases: Mapping[str, Iterable[Sequence[str]]]) -> Self:
        """Return the model of phrases, given as symbols, by the concept that they are about."""
        names = sorted(phrases)
        said = [(number, [*one]) for number, name in enumerate(names) for one in phrases[name]]
        seen = Counter(symbol for _, one in said for symbol in {*one})
        vocabulary = {symbol for symbol, count in seen.items() if count >= _SELDOM}
        table: dict[str, Counter[int]] = defaultdict(Counter)
        for number, one in said:
            for feature in {*features(known_only(one, vocabulary))}:
                table[feature][number] += 1
        kept = sorted(f for f, row in table.items() if row.total() >= _SELDOM)
        rows = [sorted(table[feature].items()) for feature in kept]
        return cls(
            _Content(
                names=names,
                phrases=len(said),
                features=kept,
                sizes=[*map(len, rows)],
                concepts=[concept for row in rows for concept, _ in row],
                counts=[min(_MOST, count) for row in rows for _, count in row],
            )
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the model that a file holds."""
        return cls(_Content(**json.loads(zlib.decompress(path.read_bytes()))))

    def packed(self) -> bytes:
        """Return the content of the file that `load` reads."""
        text = json.dumps(asdict(self._content), separators=(",", ":"), ensure_ascii=False)
        return zlib.compress(text.encode(), level=9)

    def of(self, tokens: Iterable[Token], names: Collection[str] = ()) -> Distribution:
        """Return the concepts of a text; `names` are folded words that are names here."""
        return self._known(tuple(symbols(tokens, self.vocabulary, names)))

    def _distribution(self, said: tuple[str, ...]) -> Distribution:
        rows = [row for one in {*features(said)} if (row := self._rows.get(one)) is not None]
        length = math.sqrt(sum(row.weight * row.weight for row in rows))
        if not length:
            return {}
        whole = _SHARPNESS * sum(row.weight for row in rows) / length
        scores = [whole * one for one in self._unseen]
        concepts, counts, gains = self._concepts, self._counts, self._gains
        for row in rows:
            weight = _SHARPNESS * row.weight / length
            for place in range(row.begin, row.end):
                scores[concepts[place]] += weight * gains[counts[place]]
        best = max(scores)
        parts = [math.exp(score - best) for score in scores]
        total = sum(parts)
        return {n: part / total for n, part in enumerate(parts) if part >= _TELLING * total}


@cache
def concept_model() -> ConceptModel:
    """Return the model that ships; read once."""
    return ConceptModel.load(MODEL)
