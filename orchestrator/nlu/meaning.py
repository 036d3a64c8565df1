"""Which capability a clause means, by what both are about: concepts and vectors that ship.

Words need not be shared: "poke a hole for 51820/udp" and "Open a port in the firewall" are about
the same. Each text of a capability has its concepts and its vector; a clause is as near to it as
their concepts agree and their vectors are close.

    agreement(clause, text) = Σ √(P(c | clause) · P(c | text))       Bhattacharyya coefficient
    closeness(clause, text) = cosine of their vectors
    nearness = (best + mean) / 2                                     over the capability's texts

    chance = 1 / (1 + exp(-(a + b · closeness + c · agreement + d · lead)))     of being meant

a to d are a logistic regression over the sets that were looked at. Concepts tell things apart
that vectors do not, and vectors see what two concepts have in common.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile, tokens_of
from orchestrator.nlu.text import Kind, Token, words
from orchestrator.nlu.vectors import Vector, closeness, phrase_vectors

_AGREES = 0.5  # what agreement counts beside closeness, in what a capability is ranked by
_BASE, _BY_CLOSENESS, _BY_AGREEMENT, _BY_LEAD = -3.99, 3.64, 4.4, 5.99
_NEAR, _NEAR_RISKY = 0.6, 0.7
_SURELY_NEAR = 0.95
_PLAINLY = 0.2
_IDLE = 0.2
_RIVAL = 0.3  # what something else always scores
_SURELY = 0.3  # how likely a concept is that a text is surely about
_KEPT = 512  # texts whose chances are remembered
_NAMED_VALUES = 10  # a longer list names things, not what is done
_CHOSEN, _AHEAD = 0.5, 0.2  # how near a listed value is to a text, how far ahead of the next


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a capability; what is said by a parameter's listed value is no text of its own."""

    owner: int
    parameter: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The capability that a clause is nearest to, its chance of being meant, and its lead."""

    profile: Profile
    near: float  # the chance (0–1)
    lead: float  # how far ahead of the next it is

    @property
    def needed(self) -> float:
        """The chance that it must have: more, where a wrong step could spoil something."""
        return _NEAR_RISKY if self.profile.is_risky else _NEAR

    @property
    def spare(self) -> float:
        """How much nearer it is than needed."""
        return self.near - self.needed

    @property
    def is_plain(self) -> bool:
        """Whether it is far nearer than needed: of what rules let go, nine in ten were meant."""
        return self.spare >= _PLAINLY

    @property
    def is_sure(self) -> bool:
        """Whether hardly anything else can be meant: 98 of 100 were, over the same sets."""
        return self.near >= _SURELY_NEAR


@dataclass(frozen=True, slots=True)
class Topic:
    """What a text is about, as shares of one (0–1)."""

    surest: float  # of the likeliest concept
    idle: float  # of concepts that nothing is to be done for
    owned: float  # of concepts that a capability is about


class Meaning:
    """Compares clauses with capabilities; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        """Take an index whose examples are learnt: their values are names.

        What an inventory names later is a name as far as the model never met the word.
        """
        self._index = index
        self._model = concept_model()
        self._vectors = phrase_vectors()
        self._names = frozenset(
            value for p in index.profiles for known in p.known.values() for value in known
        )
        self._known = lru_cache(_KEPT)(self._compared)
        self._postings: dict[int, list[tuple[int, float]]] = {}
        self._texts: list[_Text] = []
        self._stands: list[Vector] = []  # of each text
        self._counted = [0] * len(index.profiles)  # texts of each that count in the mean
        for number, profile in enumerate(index.profiles):
            for text, one in _texts_of(number, profile):
                self._counted[number] += not one.parameter
                tokens = tokens_of(text)
                self._stands.append(self._vectors.of(tokens, self._names))
                for concept, share in self._model.of(tokens, self._names).items():
                    entry = (len(self._texts), math.sqrt(share))
                    self._postings.setdefault(concept, []).append(entry)
                self._texts.append(one)

    def of(self, tokens: Sequence[Token]) -> Mapping[str, float]:
        """Return how far (0–1) the text agrees with each capability, by its name."""
        near = self._nearness(self._agreements(tokens))
        return {p.name: near[n] for n, p in enumerate(self._index.profiles)}

    def _nearness(self, by_text: Sequence[float]) -> list[float]:
        """Return how near each capability is, by how near its texts are."""
        best, total = [0.0] * len(self._counted), [0.0] * len(self._counted)
        for text, near in zip(self._texts, by_text, strict=True):
            best[text.owner] = max(best[text.owner], near)
            total[text.owner] += 0.0 if text.parameter else near
        return [(best[n] + total[n] / many) / 2 for n, many in enumerate(self._counted)]

    def topic(self, tokens: Sequence[Token]) -> Topic:
        """Return how sure it is what a text is about, whatever the capabilities are."""
        about = self._model.of(tokens, self._names)
        return Topic(
            surest=max(about.values(), default=0.0),
            idle=sum(about.get(concept, 0.0) for concept in self._model.idle),
            owned=sum(share for concept, share in about.items() if concept in self._postings),
        )

    def is_idle(self, tokens: Sequence[Token]) -> bool:
        """Whether a text may be about something that nothing is to be done for: "a bad idea"."""
        about = self._model.of(tokens, self._names)
        return sum(about.get(concept, 0.0) for concept in self._model.idle) >= _IDLE

    def is_elsewhere(self, profile: Profile, tokens: Sequence[Token]) -> bool:
        """Whether the text is surely about something that `profile` is not about."""
        about = self._model.of(tokens, self._names)
        concept = max(about, key=lambda one: about[one], default=-1)
        if concept < 0 or about[concept] < _SURELY:
            return False
        owners = {self._texts[text].owner for text, _ in self._postings.get(concept, ())}
        return not any(self._index.profiles[owner] is profile for owner in owners)

    def choice(self, profile: Profile, parameter: str, tokens: Sequence[Token]) -> str | None:
        """Return the listed value of a parameter that the text is about, if one stands out.

        "Poke a hole for 51820/udp" is to allow, where a rule is allowed or denied.
        """
        stand = self._vectors.of(tokens, self._names)
        ranked = sorted(
            (_AGREES * agreement + closeness(stand, self._stands[place]), text.value)
            for place, (text, agreement) in enumerate(
                zip(self._texts, self._agreements(tokens), strict=True)
            )
            if self._index.profiles[text.owner] is profile and text.parameter == parameter
        )
        second, best = ranked[-2:-1], ranked[-1:]
        if not best:
            return None  # a list of names
        (near, value), ahead = best[0], best[0][0] - (second[0][0] if second else 0.0)
        return value if near >= _CHOSEN and ahead >= _AHEAD else None

    def _agreements(self, tokens: Sequence[Token]) -> list[float]:
        """Return how far the text agrees with each text of a capability."""
        found = [0.0] * len(self._texts)
        for concept, share in self._model.of(tokens, self._names).items():
            root = math.sqrt(share)
            for text, other in self._postings.get(concept, ()):
                found[text] += root * other
        return found

    def knows(self, token: Token) -> bool:
        """Whether it is a word that the model has met, and no value or name."""
        plain = token.kind is Kind.WORD and not token.is_name_like
        return plain and token.stem in self._model.vocabulary and token.fold not in self._names

    def has_met(self, token: Token) -> bool:
        """Whether the phrases hold a word, also as a part of a name."""
        return token.stem in self._model.vocabulary

    def nearest(self, tokens: Sequence[Token]) -> Nearest | None:
        """Return the nearest capability, if any."""
        chances = self.chances(tokens)
        return max(chances, key=lambda one: one.lead) if chances else None

    def chance(self, profile: Profile, tokens: Sequence[Token]) -> float:
        """Return how likely (0–1) a text is to mean `profile`."""
        return next(one.near for one in self.chances(tokens) if one.profile is profile)

    def chances(self, tokens: Sequence[Token]) -> Sequence[Nearest]:
        """Return the chance of each capability, in their order; all but one lag behind that one."""
        return self._known(tuple(tokens))

    def _compared(self, tokens: tuple[Token, ...]) -> tuple[Nearest, ...]:
        agrees = self._nearness(self._agreements(tokens))
        stand = self._vectors.of(tokens, self._names)
        close = self._nearness([closeness(stand, other) for other in self._stands])
        scores = [_AGREES * one + other for one, other in zip(agrees, close, strict=True)]
        best, second = [*sorted(scores, reverse=True), 0.0, 0.0][:2]
        found: list[Nearest] = []
        for number, profile in enumerate(self._index.profiles):
            rival = second if scores[number] == best else best
            lead = scores[number] - max(_RIVAL, rival)
            evidence = _BY_CLOSENESS * close[number] + _BY_AGREEMENT * agrees[number]
            chance = 1 / (1 + math.exp(-(_BASE + evidence + _BY_LEAD * lead)))
            found.append(Nearest(profile, chance, lead))
        return tuple(found)


def _texts_of(owner: int, profile: Profile) -> Iterator[tuple[str, _Text]]:
    """Yield what a capability says of itself.

    What it does to its thing by a listed value is another of its texts: "stop", "load".
    """
    capability = profile.capability
    name = " ".join(words(capability.name))
    for text in (name, capability.description, *capability.examples):
        yield text, _Text(owner)
    for slot in profile.slots:
        if len(slot.enum) <= _NAMED_VALUES:
            for value in slot.enum:
                yield f"{' '.join(words(value))} {name}", _Text(owner, slot.name, value)
