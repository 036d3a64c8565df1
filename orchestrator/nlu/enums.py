"""Finds which of a schema's named values a person means: "Kuma Uptime", "kuma", "kumma"."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rapidfuzz import process
from rapidfuzz.distance import OSA

from orchestrator.nlu.text import Kind, Token, fold, words

_MIN_FUZZY = 5
_TWO_SLIPS = 8
_MIN_PREFIX = 3
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EnumHit:
    """A value found in a clause and how sure that is (0–1); several values: it is unclear."""

    values: tuple[str, ...]
    places: frozenset[int]
    strength: float


class EnumFinder:
    """Finds the values of one enumeration; built once per catalogue."""

    def __init__(
        self, values: Iterable[str], common: frozenset[str], aliases: Mapping[str, str] = _NONE
    ) -> None:
        """Take the values, common words that are no part of one, and other words for them."""
        self._parts = {value: tuple(words(value)) for value in values}
        self._own = {"".join(parts): value for value, parts in self._parts.items()}
        others = {"".join(words(alias)): value for alias, value in aliases.items()}
        self._joined = {**others, **self._own}
        self._by_part: dict[str, list[str]] = {}
        for value, parts in self._parts.items():
            for part in parts:
                if part not in common:
                    self._by_part.setdefault(part, []).append(value)
        self._spellings = {
            **{part: found for part, found in self._by_part.items() if len(part) >= _MIN_FUZZY},
            **{one: [value] for one, value in self._joined.items() if len(one) >= _MIN_FUZZY},
        }

    @property
    def values(self) -> tuple[str, ...]:
        """All values, in the order of the schema."""
        return tuple(self._parts)

    def find(
        self, tokens: Sequence[Token], free: Iterable[int], content: Iterable[int]
    ) -> EnumHit | None:
        """Return the best value, or None.

        Args:
            tokens: the clause.
            free: places of words that may be a value when written out in full ("off", "all").
            content: places of words that mean something; parts and misspellings count there.
        """
        places = [place for place in content if tokens[place].kind in {Kind.WORD, Kind.QUOTED}]
        return (
            self._whole(tokens, [p for p in free if tokens[p].kind in {Kind.WORD, Kind.QUOTED}])
            or self._part(tokens, places)
            or self._fuzzy(tokens, places)
            or self._prefix(tokens, places)
        )

    def nearest(self, text: str, count: int = 3) -> tuple[str, ...]:
        """Return the values that look most like `text`, best first, at most `count`."""
        found = process.extract("".join(words(text)), list(self._own), limit=count)
        return tuple(self._own[joined] for joined, _, _ in found)

    def _whole(self, tokens: Sequence[Token], places: Sequence[int]) -> EnumHit | None:
        """Find all parts of a value close together in any order, longest value first."""
        by_length = sorted(self._parts.items(), key=lambda item: -len(item[1]))
        for value, parts in by_length:
            for index in range(len(places)):
                window = places[index : index + len(parts)]
                spelt = [part for place in window for part in words(tokens[place].value)]
                letter = len(value) == 1 and value.isupper()
                if letter and all(tokens[place].value != value for place in window):
                    continue  # "a" is the article, "A" the type of record
                if sorted(spelt) == sorted(parts):
                    return EnumHit((value,), frozenset(window), 1.0)
        for index, place in enumerate(places):
            for end in (index + 1, index + 2, index + 3):
                window = places[index:end]
                joined = "".join(part for p in window for part in words(tokens[p].value))
                if joined in self._joined and len(joined) > 1:
                    return EnumHit((self._joined[joined],), frozenset(window), 1.0)
            if plural := self._inflected(tokens[place]):
                return EnumHit((plural,), frozenset({place}), 0.95)
        return None

    def _inflected(self, token: Token) -> str | None:
        """Return the value of which the word is the plural."""
        return self._joined.get(token.fold[:-1]) if token.fold.endswith("s") else None

    def _part(self, tokens: Sequence[Token], places: Sequence[int]) -> EnumHit | None:
        for place in places:
            values = self._by_part.get(tokens[place].fold)
            if values:
                strength = 0.85 if len(values) == 1 else 0.5
                return EnumHit(tuple(values), frozenset({place}), strength)
        return None

    def _fuzzy(self, tokens: Sequence[Token], places: Sequence[int]) -> EnumHit | None:
        for place in places:
            word = tokens[place].fold
            if len(word) < _MIN_FUZZY:
                continue
            slips = 2 if len(word) >= _TWO_SLIPS else 1
            found = process.extractOne(
                word, list(self._spellings), scorer=OSA.distance, score_cutoff=slips
            )
            if found is not None and len(self._spellings[found[0]]) == 1:
                return EnumHit(tuple(self._spellings[found[0]]), frozenset({place}), 0.75)
        return None

    def _prefix(self, tokens: Sequence[Token], places: Sequence[int]) -> EnumHit | None:
        """Find "prod" for "production": the beginning of exactly one value."""
        for place in places:
            word = fold(tokens[place].value)
            if len(word) < _MIN_PREFIX or not word.isalpha():
                continue
            starts = [value for joined, value in self._own.items() if joined.startswith(word)]
            if len(starts) == 1:
                return EnumHit((starts[0],), frozenset({place}), 0.7)
        return None
