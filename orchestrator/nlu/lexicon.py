"""The generic lexicon that ships with the engine (`lexicon.yaml`), read once."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from orchestrator.catalog.yaml_text import SAFE_LOADER
from orchestrator.nlu.text import fold, stem

Phrase = tuple[str, ...]

_CHOICE_RE = re.compile(r"[()]")
_MARKS_RE = re.compile(r"[()|]")


class _Words(SAFE_LOADER):  # type: ignore[misc]
    """Reads every scalar as text: `no`, `on` and `y` are words here."""


_Words.yaml_implicit_resolvers = {}


class Phrases:
    """A set of folded phrases, longest match first.

    A choice stands in round brackets: "(can|could) you (please|)" are four phrases.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._known = {tuple(fold(one).split()) for phrase in phrases for one in _spelt_out(phrase)}
        lengths: dict[str, set[int]] = {}
        for parts in self._known:
            lengths.setdefault(parts[0], set()).add(len(parts))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def at(self, folded: Sequence[str], place: int) -> int:
        """Return how many words at `place` form a phrase of the set; 0 when none does."""
        for length in self._lengths.get(folded[place], ()):
            phrase = tuple(folded[place : place + length])
            if phrase in self._known:
                return len(phrase)
        return 0

    def find(self, folded: Sequence[str], start: int = 0) -> tuple[int, int] | None:
        """Return place and length of the first phrase from `start` on, or None."""
        for place in range(start, len(folded)):
            if length := self.at(folded, place):
                return place, length
        return None


@dataclass(frozen=True, slots=True)
class Action:
    """One way to say an action: its words' stems and the group of its synonyms, if any."""

    stems: Phrase
    group: str

    @property
    def canonical(self) -> str:
        """The words in one: "back up" and "backup" are the same verb."""
        return "".join(self.stems)


class Lexicon:
    """What the shipped file says, in the forms that the stages look up."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self.actions: dict[str, list[Action]] = {}
        self.spellings: dict[str, str] = {}  # first words of actions, folded, and their stems
        self.reading_groups = frozenset(
            name for name, entry in content["actions"].items() if entry.get("reads") == "true"
        )
        for group, entry in content["actions"].items():
            for word in entry["words"]:
                parts = tuple(map(stem, fold(word).split()))
                self.spellings[fold(word).split()[0]] = parts[0]
                action = Action(parts, "" if entry.get("alien") == "true" else group)
                self.actions.setdefault(parts[0], []).append(action)
        for ways in self.actions.values():
            ways.sort(key=lambda way: len(way.stems), reverse=True)
        self.group_heads = {name: stem(fold(name)) for name in content["actions"]}
        self.questions = {group: Phrases(starts) for group, starts in content["questions"].items()}
        self.noun_groups = self._noun_groups()
        self.same_values = [tuple(map(fold, group)) for group in content["same_values"]]
        self.directions = [frozenset(groups) for groups in content["directions"]]
        self.implied = {stem(verb): stem(noun) for verb, noun in content["implied"].items()}
        self.numbers = {fold(word): int(number) for word, number in content["numbers"].items()}
        self.states = {fold(said): word for said, word in content["states_in_english"].items()}
        self._phrases: dict[str, Phrases] = {}
        self._sets: dict[str, frozenset[str]] = {}
        self._unions: dict[tuple[str, ...], frozenset[str]] = {}

    def phrases(self, name: str) -> Phrases:
        """Return the list called `name` as phrases."""
        if name not in self._phrases:
            self._phrases[name] = Phrases(self._content[name])
        return self._phrases[name]

    def words(self, name: str) -> frozenset[str]:
        """Return the list called `name` as folded single words."""
        if name not in self._sets:
            self._sets[name] = frozenset(map(fold, self._content[name]))
        return self._sets[name]

    def all_of(self, names: tuple[str, ...]) -> frozenset[str]:
        """Return several lists as one, of folded single words."""
        if names not in self._unions:
            self._unions[names] = frozenset[str]().union(*map(self.words, names))
        return self._unions[names]

    def is_light(self, stems: str) -> bool:
        """Whether a verb means nothing without its object: "get", "make", "put"."""
        return stems in self._light

    @cached_property
    def _light(self) -> frozenset[str]:
        return frozenset(map(stem, self.words("light_verbs"))) | {"put", "set", "send", "let"}

    @cached_property
    def all_words(self) -> frozenset[str]:
        """Every folded word of the file and its stem: none of them is a slip of the finger."""
        found: set[str] = set()
        for text in _scalars(self._content):
            for word in _MARKS_RE.sub(" ", fold(text)).split():
                found |= {word, stem(word)}
        return frozenset(found)

    def _noun_groups(self) -> dict[str, frozenset[str]]:
        groups: dict[str, frozenset[str]] = {}
        for number, nouns in enumerate(self._content["nouns"]):
            for noun in nouns:
                key = stem(fold(noun))
                groups[key] = groups.get(key, frozenset()) | {f"noun{number}"}
        return groups


def _spelt_out(phrase: str) -> Iterator[str]:
    """Yield each way through the choices of a phrase."""
    parts = [part.split("|") for part in _CHOICE_RE.split(phrase)]
    return map("".join, itertools.product(*parts))


def _scalars(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _scalars(key)
            yield from _scalars(value)
    elif isinstance(content, Sequence):
        for value in content:
            yield from _scalars(value)


@cache
def lexicon() -> Lexicon:
    """Return the shipped lexicon."""
    text = files("orchestrator.nlu").joinpath("lexicon.yaml").read_text(encoding="utf-8")
    return Lexicon(_Words(text).get_single_data())
