"""What a text is about: a small model of how people speak of operations work, in general.

It tells some six hundred concepts apart ("open a port", "a joke"), none of which is tied to a
catalogue. It is a multinomial naive Bayes classifier over the features of `features.py`, learnt by
`scripts/learn_concepts.py` from the phrases in `training/`, and ships as counts.

    score(concept) = T · Σ w(feature) · log P(feature | concept)     w: inverse frequency, norm 1

Source of the model: Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 13.2.
"""

import json
import math
import struct
import sys
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Self, TypedDict

from orchestrator.nlu.features import features, known_only, symbols
from orchestrator.nlu.text import Token

MODEL = Path(__file__).with_name("concepts.bin")
_COMMON = 25  # phrases
_ALPHA = 0.2  # added to each count (Lidstone)
_SHARPNESS = 1.5  # T: makes a probability of the score
_PAIR = 0.5  # a pair of words tells less than a word
_SELDOM = 2  # what fewer phrases hold is noise
_MOST = 255  # of one feature, phrases of one concept
_TELLING = 0.002  # less likely concepts are left out
_KEPT = 2_048  # texts whose concepts are remembered

_LENGTH = struct.Struct("<I")  # of the header, before it

Distribution = Mapping[int, float]
"""Concepts, by number, with their probability (0–1); unlikely ones are missing."""


class Header(TypedDict):
    """What a model knows beside its counts."""

    source: str
    names: list[str]
    phrases: int
    features: list[str]
    totals: list[int]  # of each concept, features of all its phrases
    idle: list[int]  # concepts that nothing is done for: a joke, a report, a figure of speech


class Table(NamedTuple):
    """How many phrases of which concept have each feature, one feature behind the other."""

    sizes: "array[int]"  # of each feature, how many concepts have it
    concepts: "array[int]"
    counts: "array[int]"


class ConceptModel:
    """Tells how likely a text is about each concept."""

    def __init__(self, header: Header, table: Table) -> None:
        self.names = tuple(header["names"])
        self.idle = frozenset(header["idle"])
        self.source = header["source"]  # tells the phrases it was learnt from, from all others
        self._header, self._table = header, table
        self._rows = {feature: row for row, feature in enumerate(header["features"])}
        self._ends = array("L", accumulate(table.sizes))
        self.vocabulary = frozenset(one for one in self._rows if " " not in one)
        size = _ALPHA * len(self._rows)
        self._unseen = array("d", (math.log(_ALPHA / (n + size)) for n in header["totals"]))
        self._gains = array("d", (math.log((n + _ALPHA) / _ALPHA) for n in range(_MOST + 1)))
        self._known = lru_cache(_KEPT)(self._distribution)

    @classmethod
    def learn(
        cls,
        phrases: Mapping[str, Iterable[Sequence[str]]],
        source: str = "",
        idle: Collection[str] = (),
    ) -> Self:
        """Return the model of phrases, given as symbols, by the concept that they are about."""
        names = sorted(phrases)
        said = [(number, [*one]) for number, name in enumerate(names) for one in phrases[name]]
        seen = Counter(symbol for _, one in said for symbol in {*one})
        vocabulary = {symbol for symbol, count in seen.items() if count >= _SELDOM}
        rows: dict[str, Counter[int]] = defaultdict(Counter)
        for number, one in said:
            for feature in {*features(known_only(one, vocabulary))}:
                rows[feature][number] += 1
        kept = {f: sorted(row.items()) for f, row in sorted(rows.items()) if row.total() >= _SELDOM}
        flat = [entry for row in kept.values() for entry in row]
        totals = Counter[int]()
        for concept, count in flat:
            totals[concept] += count
        header = Header(
            source=source,
            names=names,
            phrases=len(said),
            features=[*kept],
            totals=[totals[number] for number in range(len(names))],
            idle=[number for number, name in enumerate(names) if name in idle],
        )
        sizes = array("H", map(len, kept.values()))
        concepts = array("H", (concept for concept, _ in flat))
        return cls(header, Table(sizes, concepts, array("B", (min(_MOST, n) for _, n in flat))))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the model that a file holds."""
        content = zlib.decompress(path.read_bytes())
        begin = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        header: Header = json.loads(content[_LENGTH.size : begin])
        table = Table(array("H"), array("H"), array("B"))
        entries = (len(content) - begin - 2 * len(header["features"])) // 3
        for column, count in zip(table, (len(header["features"]), entries, entries), strict=True):
            end = begin + count * column.itemsize
            column.frombytes(content[begin:end])
            begin = end
            if sys.byteorder == "big":
                column.byteswap()
        return cls(header, table)

    def packed(self) -> bytes:
        """Return the content of the file that `load` reads: a header, and numbers behind it."""
        header = json.dumps(self._header, separators=(",", ":"), ensure_ascii=False).encode()
        columns = [array(column.typecode, column) for column in self._table]
        for column in columns if sys.byteorder == "big" else ():
            column.byteswap()
        numbers = b"".join(column.tobytes() for column in columns)
        return zlib.compress(_LENGTH.pack(len(header)) + header + numbers, level=9)

    def of(self, tokens: Iterable[Token], names: Collection[str] = ()) -> Distribution:
        """Return the concepts of a text; `names` are folded words that are names here."""
        return self._known(tuple(symbols(tokens, self.vocabulary, names)))

    def weighted(self, said: Sequence[str]) -> list[tuple[int, float]]:
        """Return the rows of the features of symbols, each with its weight; their norm is 1."""
        names = sorted({*features(said)})
        rows = [(row, name) for name in names if (row := self._rows.get(name)) is not None]
        weights = [self._weight(name, row) for row, name in rows]
        length = math.sqrt(sum(weight * weight for weight in weights)) or 1.0
        return [(row, w / length) for (row, _), w in zip(rows, weights, strict=True)]

    def often(self, least: int) -> list[int]:
        """Return the rows of the features that at least so many phrases have."""
        spans = enumerate(map(self._span, range(len(self._rows))))
        counts = self._table.counts
        return [row for row, (begin, end) in spans if sum(counts[begin:end]) >= least]

    def is_common(self, stem: str) -> bool:
        """Whether a stem stands in so many phrases that it is nobody's name."""
        row = self._rows.get(stem)
        return row is not None and sum(self._table.counts[slice(*self._span(row))]) >= _COMMON

    def _span(self, row: int) -> tuple[int, int]:
        return self._ends[row] - self._table.sizes[row], self._ends[row]

    def _distribution(self, said: tuple[str, ...]) -> Distribution:
        weighted = self.weighted(said)
        if not weighted:
            return {}
        whole = _SHARPNESS * sum(weight for _, weight in weighted)
        scores = [whole * one for one in self._unseen]
        concepts, counts, gains = self._table.concepts, self._table.counts, self._gains
        for row, weight in weighted:
            begin, end = self._span(row)
            part = _SHARPNESS * weight
            for place in range(begin, end):
                scores[concepts[place]] += part * gains[counts[place]]
        best = max(scores)
        parts = [math.exp(score - best) for score in scores]
        total = sum(parts)
        return {n: part / total for n, part in enumerate(parts) if part >= _TELLING * total}

    def _weight(self, feature: str, row: int) -> float:
        """Return how much a feature tells: the seldomer, the more."""
        begin, end = self._span(row)
        part = _PAIR if " " in feature else 1.0
        return part * math.log(self._header["phrases"] / sum(self._table.counts[begin:end]))


@cache
def concept_model() -> ConceptModel:
    """Return the model that ships; read once."""
    return ConceptModel.load(MODEL)
