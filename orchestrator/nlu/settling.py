"""Settles the names that steps act on, once the whole of a request has been read.

Rules read a clause at a time, and take "on-call" for the team where "page the web on-call" is
said. Here every word of the request is an option for each name that a step wants; `clues` say
what speaks for it, `ranker` how much. Rules are one clue among them, and the strongest.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from orchestrator.catalog.models import Risk
from orchestrator.domain.request import AmbiguityKind
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.clues import Clues, Use, Vacancy, Word
from orchestrator.nlu.coerce import form_taken
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.meaning import Meaning
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.ranker import value_ranker
from orchestrator.nlu.shapes import SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.speakers import is_of_another_thing
from orchestrator.nlu.tellers import WRITTEN, Tellers
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.understanding import Understanding

_NAMES = frozenset({SlotKind.NAME, SlotKind.HOST})
_SETTLED = _NAMES | WRITTEN
_MACHINES = frozenset({SlotKind.ADDRESS, SlotKind.DOMAIN})
"""What may be said by a name as well: "point the wiki to web2"."""
_MISSING = AmbiguityKind.MISSING_PARAMETER
_SAID = frozenset({Kind.WORD, Kind.QUOTED, Kind.URL})
_LACKING, _INSTEAD, _LEFT_OUT = 0.4, 0.5, 0.8
"""The chance at which a value is taken that is needed, instead of another, or that may lack."""
_RISKY = 0.7
"""The least chance where something could be lost."""

_STEPS, _WORDS = 20, 400


@dataclass(frozen=True, slots=True)
class _Choice:
    """The likeliest value of a parameter."""

    word: Word
    chance: float


class Settler:
    """Chooses the names of steps; built once per catalogue."""

    def __init__(self, index: CatalogIndex, meaning: Meaning) -> None:
        self._index = index
        self._clues = Clues(index, meaning)
        self._tellers = Tellers(index)

    def settle(self, text: str, clauses: Sequence[Clause], found: Understanding) -> None:
        """Give the steps of a request the names that it most likely means.

        Not those of a very long one: each word is weighed for each name.
        """
        said = sum(len(clause.piece.tokens) for clause in clauses)
        if len(found.drafts) > _STEPS or said > _WORDS:
            return
        changed: dict[Draft, dict[str, _Choice]] = defaultdict(dict)
        for vacancy in self.vacancies(clauses, found):
            choice = self._choice(vacancy, clauses)
            if choice is not None:
                changed[vacancy.draft][vacancy.slot.name] = choice
        for draft, choices in changed.items():
            for name, choice in _distinct(draft, choices):
                if not _is_said_already(draft, name, choice, found.drafts):
                    draft.parameters[name] = choice.word.value
                    _pardon(text, choice.word.clause, found)
            draft.doubts = [one for one in draft.doubts if one.parameter not in draft.parameters]

    def vacancies(self, clauses: Sequence[Clause], found: Understanding) -> Iterator[Vacancy]:
        """Yield the names that the steps want, given by rules or not; none that is asked for."""
        uses = _uses(found.drafts)
        asked = any(clause.piece.asked for clause in clauses)
        for draft in found.drafts:
            span = _span(draft, clauses)
            if draft.profile is None or draft.earlier or not span:
                continue
            doubted = {one.parameter for one in draft.doubts if one.kind is not _MISSING}
            for slot in draft.profile.slots:
                named = slot.kind in _SETTLED and not (slot.enum or slot.many)
                named = named and slot.name not in doubted | draft.fill.unclear.keys()
                if named and _is_open(draft, slot):
                    lone = len(found.drafts) == 1
                    yield Vacancy(draft, draft.profile, slot, span, lone, uses, asked)

    def options(self, vacancy: Vacancy, clauses: Sequence[Clause]) -> list[Word]:
        """Return the words of a request that may be the value, and that its schema takes."""
        said = Counter(token.fold for clause in clauses for token in clause.piece.tokens)
        found: list[Word] = []
        for number, clause in enumerate(clauses):
            own = number in vacancy.span and len(vacancy.span) == 1
            if not own and not self._may_tell(vacancy, clause):
                continue
            left_out = {token.start for token in clause.excluded}
            for place, token in enumerate(clause.piece.tokens):
                usable = token.kind in _SAID and is_content(token, self._index.lexicon)
                if not usable or token.start in left_out or _is_label(vacancy.profile, token):
                    continue
                value = _taken(vacancy.slot, token)
                if value is not None:
                    repeated = said[token.fold] > 1
                    found.append(Word(clause, number, place, value, repeated))
        return found

    def _may_tell(self, vacancy: Vacancy, clause: Clause) -> bool:
        draft, slot = vacancy.draft, vacancy.slot
        if not self._tellers.may_tell_any(clause) or is_of_another_thing(draft, slot):
            return False
        asked = clause.form is Form.QUESTION and not vacancy.profile.reads
        behind = clause.piece.tokens[0].start > draft.clause.piece.tokens[0].start
        if asked or (behind and clause.form in ORDERED and not slot.required):
            return False  # "delete the vm. Is web-02 up?", "block 22, then allow it for 10.0.0.1"
        return self._tellers.may_tell(clause, draft, slot, whole=False)

    def clues(self, vacancy: Vacancy, options: Sequence[Word]) -> list[list[str]]:
        """Return the clues of each option, and behind them of none of them."""
        return [
            *([*self._clues.of_word(vacancy, word)] for word in options),
            [*self._clues.of_none(vacancy)],
        ]

    def _choice(self, vacancy: Vacancy, clauses: Sequence[Clause]) -> _Choice | None:
        """Return the value to take, where there is a likelier one than that of the rules."""
        options = self.options(vacancy, clauses)
        if not options:
            return None
        chances = value_ranker().chances(self.clues(vacancy, options))
        total: dict[str, float] = defaultdict(float)
        likeliest: dict[str, tuple[float, Word]] = {}
        for word, chance in zip(options, chances, strict=False):
            value = _folded(word.value)
            total[value] += chance
            if value not in likeliest or chance > likeliest[value][0]:
                likeliest[value] = chance, word
        best = max(total, key=lambda value: total[value])
        if best == _folded(vacancy.given) or total[best] < _needed(vacancy):
            return None
        word = likeliest[best][1]
        if vacancy.given is not None and _is_elsewhere(vacancy.given, total, clauses):
            return None
        return None if _is_part(vacancy, word) else _Choice(word, total[best])


def _taken(slot: Slot, token: Token) -> str | None:
    """Return a word as a parameter takes it; a date or a version must look like one."""
    typed = slot.kind in WRITTEN - _MACHINES
    return (
        form_taken(slot, token.value) if not typed or looks_like(slot.kind, token.value) else None
    )


def _is_elsewhere(given: JsonValue, options: Container[str], clauses: Sequence[Clause]) -> bool:
    """Whether a value is said where it is no option: "don't snapshot vm7, just delete it"."""
    said = {token.fold for clause in clauses for token in clause.piece.tokens}
    return _folded(given) not in options and _folded(given) in said


def _is_label(profile: Profile, token: Token) -> bool:
    """Whether a word only says which parameter is meant: "top 5 of that leaderboard"."""
    known = any(token.fold in values for values in profile.known.values())
    return not known and any(token.stem in slot.nouns for slot in profile.slots)


def _is_part(vacancy: Vacancy, word: Word) -> bool:
    """Whether rules have a name of several words, where a word would be a part of it.

    "Living" for "living room"; a word of another clause for it would not be weighed fairly.
    """
    joined = " " in str(vacancy.given) and vacancy.slot.accepts("a b")
    apart = word.number not in vacancy.span
    return joined and (apart or _folded(word.value) in _folded(vacancy.given).split())


def _is_said_already(draft: Draft, name: str, choice: _Choice, drafts: Sequence[Draft]) -> bool:
    """Whether the value would make a step that is there: one of "status of a and b" is lost."""
    after = {**draft.parameters, name: choice.word.value}
    others = (one for one in drafts if one is not draft and one.profile is draft.profile)
    return any(other.parameters == after for other in others)


def _needed(vacancy: Vacancy) -> float:
    lacking = _LACKING if vacancy.slot.required else _LEFT_OUT
    needed = _INSTEAD if vacancy.given is not None else lacking
    return max(needed, _RISKY) if vacancy.profile.capability.risk is Risk.HIGH else needed


def _is_open(draft: Draft, slot: Slot) -> bool:
    """Whether nothing says the value outright, as "user should be noah7" behind a name does."""
    given, read = draft.parameters.get(slot.name), draft.fill.values.get(slot.name)
    return given is None or read is None or read.value == given


def _folded(value: JsonValue) -> str:
    return str(value).casefold()


def _span(draft: Draft, clauses: Sequence[Clause]) -> range:
    """Return the numbers of the clauses that a step was read from: mostly one."""
    said = draft.clause.piece.tokens
    begin, end = said[0].start, said[-1].start
    held = [n for n, c in enumerate(clauses) if _meets(c, begin, end)]
    return range(held[0], held[-1] + 1) if held else range(0)


def _meets(clause: Clause, begin: int, end: int) -> bool:
    said = clause.piece.tokens
    return said[0].start <= end and said[-1].start >= begin


def _uses(drafts: Sequence[Draft]) -> Mapping[int, Sequence[Use]]:
    """Return which parameters of which steps took the word that begins at a place."""
    found: dict[int, list[Use]] = defaultdict(list)
    for draft in drafts:
        tokens = draft.clause.tokens
        for name, value in draft.fill.values.items():
            for place in value.places:
                if place < len(tokens):
                    found[tokens[place].start].append((draft, name))
    return found


def _distinct(draft: Draft, choices: Mapping[str, _Choice]) -> Iterator[tuple[str, _Choice]]:
    """Yield the choices that give no two parameters of a step the same word."""
    after = {name: _folded(value) for name, value in draft.parameters.items()}
    after |= {name: _folded(choice.word.value) for name, choice in choices.items()}
    for name, choice in choices.items():
        if sum(value == after[name] for value in after.values()) == 1:
            yield name, choice


def _pardon(text: str, clause: Clause, found: Understanding) -> None:
    """Tell a remark back no more that says what a step acts on."""
    words = text[clause.piece.tokens[0].start : clause.piece.tokens[-1].end]
    if clause.form not in ORDERED and words in found.out_of_scope:
        found.out_of_scope.remove(words)
